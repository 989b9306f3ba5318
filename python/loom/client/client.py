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
from .errors import LoomError
from .future import BaseFuture, Future, input_id, states_of
from .html import table
from .reports import LogLine
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

    Raises:
        LoomError: there is no server, or something else listens there.

    Example:
        >>> with Client("localhost:9010") as client:
        ...     task = tasks.merge([tasks.const("Hello "), tasks.const("world!")])
        ...     client.submit_one(task).gather()
        b'Hello world!'
    """

    def __init__(self, address: Optional[str] = None, port: int = DEFAULT_PORT) -> None:
        where = find_address(address, port)
        self._session = Session(where.host, where.port, str(where))

    @property
    def address(self) -> str:
        """ "host:port" of the server."""
        return self._session.name

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return not self._session.is_open

    def submit(self, tasks: Iterable[Task], load: bool = False) -> List[Future]:
        """Submits tasks with all they need; returns their futures at once, in the same order.

        What the tasks share is computed once. The same task twice gives the same future twice.

        Args:
            tasks: a list of tasks; for a single one use :meth:`submit_one`.
            load: take tasks whose checkpoint file exists as computed.

        Raises:
            LoomError: a cycle, an unknown task type, an input that was released; a lost server.
                What the server refuses is raised by the futures instead.

        Example:
            >>> futures = client.submit([tasks.const("a"), tasks.const("b")])
            >>> client.gather(futures)
            [b'a', b'b']
        """
        return submit(self, self._session, task_list(tasks), load, Future)

    def submit_one(self, task: Task, load: bool = False) -> Future:
        """Submits one task; see :meth:`submit`.

        Example:
            >>> client.submit_one(tasks.const("a")).gather()
            b'a'
        """
        return submit(self, self._session, [task], load, Future)[0]

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

    def set_trace(self, directory: str, timeout: Optional[float] = None) -> None:
        """Lets the server and its workers write a trace from now on.

        Args:
            directory: on a file system that they share; made absolute here.

        Raises:
            LoomError: the server refuses.
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

        def listener(line: LogLine) -> None:
            callback(line)

        self._session.listen("log", listener)
        return lambda: self._session.unlisten("log", listener)

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
    make: Callable[[object, Session, ResultState], F],
) -> List[F]:
    """Submits the tasks; their futures, made by ``make``."""
    for task in given:
        if not isinstance(task, Task):
            raise LoomError(f"tasks are expected, got a {type(task).__name__}")
    session.check_open()
    if not given:
        return []
    states = session.submit(given, load, lambda each, user: input_id(each, user, session))
    # One future for each result: one too many would release it when it is garbage.
    futures = {state: make(client, session, state) for state in dict.fromkeys(states)}
    return [futures[state] for state in states]


def waiting_for(states: Sequence[ResultState]) -> str:
    """What someone who waits for them does, for messages."""
    if len(states) == 1:
        return f"waiting for {states[0].describe()}"
    return f"waiting for {len(states)} results"


def task_list(tasks: Iterable[Task]) -> List[Task]:
    """A list of what was given as several tasks."""
    if isinstance(tasks, Task):
        raise LoomError("submit takes a list of tasks; for a single one use submit_one")
    try:
        return list(tasks)
    except TypeError:
        raise LoomError(f"a list of tasks is expected, got {type(tasks).__name__}") from None


def future_list(futures: Union[Iterable[F], F]) -> List[F]:
    """A list of one future or several."""
    if isinstance(futures, BaseFuture):
        return [futures]
    try:
        return list(futures)
    except TypeError:
        raise LoomError(f"a list of futures is expected, got {type(futures).__name__}") from None


def several(futures: Iterable[F], method: str) -> List[F]:
    """A list of what was given as several futures."""
    if isinstance(futures, BaseFuture):
        raise LoomError(f"{method} takes a list of futures; for a single one use {method}_one")
    return future_list(futures)
