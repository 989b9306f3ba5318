"""The client for threads: submits tasks to one server, gives futures. Owns the public methods;
what they do is operations.py's, the wire is session.py's.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import TracebackType
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Type,
    TypeVar,
    Union,
)

from .. import progress as progress_bar
from . import operations
from .address import DEFAULT_PORT, find_address
from .arguments import check_progress, future_list, several, task_list, waiting_for
from .errors import LoomError
from .future import BaseFuture, Future, input_id, states_of, task_query
from .html import table
from .reports import Explanation, LogLine
from .session import Session
from .state import Completions, ResultState
from .task import Task

_TERMINATE_TIMEOUT_S = 10.0

F = TypeVar("F", bound=BaseFuture)
T = TypeVar("T")


class Client:
    """A connection to a HyperLoom server.

    When it ends, the server drops everything that this client holds and stops its work. Threads
    may share a client. After a fork only the parent can use it.

    Args:
        address: ``"host"``, ``"host:port"`` or ``"[ipv6]:port"``; default: the one in the
            environment variable LOOM_SERVER.
        port: port of the server where the address has none.
        progress: show in the terminal what becomes of the tasks (docs/progress.md). Default: if
            standard error is a terminal, unless LOOM_PROGRESS=0 or CI is set. True: also with these
            set; without a terminal never.

    Raises:
        LoomError: there is no server, or something else listens there.

    Example:
        >>> with Client("localhost:9010") as client:
        ...     task = tasks.merge([tasks.const("Hello "), tasks.const("world!")])
        ...     client.submit_one(task).gather()
        b'Hello world!'
    """

    def __init__(
        self,
        address: Optional[str] = None,
        port: int = DEFAULT_PORT,
        *,
        progress: Optional[bool] = None,
    ) -> None:
        where = find_address(address, port)
        check_progress(progress)
        self._session = Session(where.host, where.port, str(where))
        self._session.listeners.show_progress(progress)

    @property
    def address(self) -> str:
        """ "host:port" of the server."""
        return self._session.name

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return not self._session.is_open

    def submit(
        self,
        tasks: Iterable[Task],
        load: bool = False,
        *,
        when_unsatisfiable: Optional[str] = None,
    ) -> List[Future]:
        """Submits tasks with all they need; returns their futures at once, in the same order.

        What the tasks share is computed once. The same task twice gives the same future twice.

        Args:
            tasks: a list of tasks; for a single one use :meth:`submit_one`.
            load: take tasks whose checkpoint file exists as computed.
            when_unsatisfiable: what becomes of a task whose request none of the present workers can
                ever satisfy: ``"wait"`` for a worker that can, or ``"refuse"`` the plan. Default:
                as the server is set.

        Raises:
            LoomError: a cycle, an unknown task type, an input that was released; a lost server.
                What the server refuses is raised by the futures instead.

        Example:
            >>> futures = client.submit([tasks.const("a"), tasks.const("b")])
            >>> client.gather(futures)
            [b'a', b'b']
        """
        given = task_list(tasks)
        return submit(self, self._session, given, load, when_unsatisfiable, Future)

    def submit_one(
        self, task: Task, load: bool = False, *, when_unsatisfiable: Optional[str] = None
    ) -> Future:
        """Submits one task; see :meth:`submit`.

        Example:
            >>> client.submit_one(tasks.const("a")).gather()
            b'a'
        """
        return submit(self, self._session, [task], load, when_unsatisfiable, Future)[0]

    def wait(
        self,
        futures: Union[Iterable[Future], Future],
        timeout: Optional[float] = None,
        progress: bool = False,
    ) -> None:
        """Waits until all are finished.

        Args:
            futures: futures of this client, or one.
            timeout: seconds.
            progress: show a bar of this client's tasks (needs tqdm).

        Raises:
            TaskFailed: at the first failure.
            LoomError: refused plan, released future, lost server.
            TimeoutError: the time is over; the tasks go on.
        """
        given = future_list(futures)
        bar: ContextManager[object] = self.progress() if progress else nullcontext()
        with bar:
            self._run(operations.wait_all, given, timeout)

    def wait_one(self, future: Future, timeout: Optional[float] = None) -> None:
        """Waits until it is finished; see :meth:`wait`."""
        self._run(operations.wait_all, [future], timeout)

    def fetch(self, futures: Iterable[Future], timeout: Optional[float] = None) -> List[Any]:
        """Waits and gives the values, in order; the futures stay usable.

        Raises as :meth:`wait`; ``MemoryError`` for a result that is too large for this machine.
        """
        return self._run(operations.fetch_all, several(futures, "fetch"), timeout)

    def fetch_one(self, future: Future, timeout: Optional[float] = None) -> Any:
        """Waits and gives the value; see :meth:`fetch`."""
        return self._run(operations.fetch_all, [future], timeout)[0]

    def gather(self, futures: Iterable[Future], timeout: Optional[float] = None) -> List[Any]:
        """Waits, gives the values in order, and releases the futures.

        They are released also when one failed, but not when the time is over. Raises as
        :meth:`fetch`.
        """
        return self._run(operations.gather_all, several(futures, "gather"), timeout)

    def gather_one(self, future: Future, timeout: Optional[float] = None) -> Any:
        """Waits, gives the value, and releases the future; see :meth:`gather`."""
        return self._run(operations.gather_all, [future], timeout)[0]

    def release(self, futures: Union[Iterable[Future], Future]) -> None:
        """Releases all; see :meth:`Future.release`."""
        operations.release_all(self._session, states_of(future_list(futures), self._session))

    def release_one(self, future: Future) -> None:
        """Releases it; see :meth:`Future.release`."""
        operations.release_all(self._session, states_of([future], self._session))

    def as_completed(
        self, futures: Union[Iterable[Future], Future], timeout: Optional[float] = None
    ) -> Iterator[Future]:
        """Gives each future once, in the order in which they finish.

        Those that fail come, too: look at ``future.failed()``, or fetch them and catch.

        Args:
            timeout: seconds that all of it may take.

        Example:
            >>> for future in client.as_completed(futures):
            ...     print(future.task_id, future.gather())
        """
        given = future_list(futures)
        states = states_of(given, self._session)
        by_state: Dict[ResultState, Future] = dict(zip(states, given))
        return self._completed(by_state, operations.deadline_of(timeout), timeout)

    def _completed(
        self,
        futures: Dict[ResultState, Future],
        deadline: Optional[float],
        timeout: Optional[float],
    ) -> Iterator[Future]:
        completions = Completions(self._session.lock, list(futures))
        try:
            while futures:
                operation = operations.next_completed(completions)
                try:
                    state = operations.run(operation, operations.seconds_left(deadline))
                except TimeoutError:
                    what = f"waiting for {len(futures)} more results"
                    raise operations.time_over(timeout, what) from None
                yield futures.pop(state)
        finally:
            completions.stop()

    def get_stats(self, timeout: Optional[float] = None) -> operations.ClusterStats:
        """Numbers of what the server holds for all clients: a dict.

        Returns:
            ``n_workers``, ``n_data_objects``; and ``n_tasks``, ``n_clients`` if the server tells.

        Example:
            >>> client.get_stats()["n_workers"]
            2
        """
        return operations.run(operations.get_stats(self._session), timeout, "asking for stats")

    def get_status(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """What the cluster does, worker by worker: ``loom status --json`` as a dict."""
        return operations.run(operations.get_status(self._session), timeout, "asking for status")

    def explain(
        self, task: Union[Future, int, str], timeout: Optional[float] = None
    ) -> Explanation:
        """What becomes of a task, and why: what it waits for, why no worker gets it, where it is.

        Args:
            task: a future or an id of this client; or a text: an id, looked for in all clients of
                the server, ``"CLIENT:ID"``, or a label.

        Raises:
            LoomError: the server knows no such task (any more).

        Example:
            >>> print(client.explain(future))
        """
        operation = operations.explain(self._session, task_query(task, self._session))
        return operations.run(operation, timeout, "asking what a task waits for")

    def set_trace(self, directory: Optional[str], timeout: Optional[float] = None) -> None:
        """Lets the server and its workers write a trace from now on: what happens to all tasks of
        all clients, for ``loom report``, ``loom trace`` and ``loom simulate --trace``.

        Args:
            directory: on a file system of the server, made if it is not there; made absolute here.
                Workers that do not see it let the server write for them. None: the trace ends, all
                of it is written when this returns.

        Raises:
            LoomError: it can't be written there.

        Example:
            >>> client.set_trace("trace")
        """
        operation = operations.set_trace(self._session, directory)
        operations.run(operation, timeout, "asking for a trace")

    def progress(self) -> progress_bar.ProgressBar:
        """A bar (tqdm) that shows what becomes of this client's tasks in a ``with`` block.

        Example:
            >>> with client.progress():
            ...     client.gather(futures)
        """
        return progress_bar.ProgressBar(self._session)

    def on_log(self, callback: Callable[[LogLine], object]) -> Callable[[], None]:
        """Calls back, in another thread, for each line that this client's functions log.

        Returns:
            a function that ends it

        Example:
            >>> stop = client.on_log(lambda line: print(line.level, line.message))
        """

        return self._listen("log", callback)

    def on_notice(self, callback: Callable[[str], object]) -> Callable[[], None]:
        """Calls back, in another thread, for what users should read.

        For example that tasks of a plan wait for a worker that can execute them. Without it,
        notices are warnings of the logger "loom": on standard error unless logging is set up.

        Returns:
            a function that ends it
        """
        return self._listen("notice", callback)

    def _listen(self, kind: str, callback: Callable[[Any], object]) -> Callable[[], None]:
        def listener(what: object) -> None:
            callback(what)

        self._session.listen(kind, listener)
        return lambda: self._session.unlisten(kind, listener)

    def terminate(self) -> None:
        """Stops the server with all its workers, for all clients, and closes this client."""
        self._session.terminate()
        self._session.until_ended(_TERMINATE_TIMEOUT_S)
        self._session.close()

    def close(self) -> None:
        """Closes the connection.

        What is unfinished is cancelled, unreleased results are dropped, and what waits for them
        raises LoomError. Idempotent.
        """
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is not None:
            session.abandon()

    def __repr__(self) -> str:
        return f"<Client of {self.address}, {'closed' if self.closed else 'connected'}>"

    def _repr_html_(self) -> str:
        rows: Dict[str, object] = {"server": self.address}
        try:
            rows.update(self.get_stats(timeout=2))
        except (LoomError, TimeoutError) as error:
            rows["state"] = error
        return table("HyperLoom client", rows)

    def _run(
        self,
        operation: Callable[[Session, Sequence[ResultState]], operations.Operation[T]],
        futures: Sequence[BaseFuture],
        timeout: Optional[float],
    ) -> T:
        states = states_of(futures, self._session)
        return operations.run(operation(self._session, states), timeout, waiting_for(states))


def submit(
    client: object,
    session: Session,
    given: List[Task],
    load: bool,
    when_unsatisfiable: Optional[str],
    make: Callable[[object, Session, ResultState], F],
) -> List[F]:
    """Submits the tasks; their futures, made by ``make``."""
    for task in given:
        if not isinstance(task, Task):
            raise LoomError(f"tasks are expected, got a {type(task).__name__}")
    session.check_open()
    if not given:
        return []
    states = session.submit(
        given, load, when_unsatisfiable, lambda each, user: input_id(each, user, session)
    )
    # One future for each result: one too many would release it when it is garbage.
    futures = {state: make(client, session, state) for state in dict.fromkeys(states)}
    return [futures[state] for state in states]
