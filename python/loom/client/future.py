"""Futures: what a user holds for a submitted task. Owns their methods and their release when they
are garbage; states and waiting are state.py's and operations.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from . import state
from .errors import LoomError
from .html import table
from .operations import fetch_all, gather_all, run, wait_all
from .session import Session
from .task import Task, describe

if TYPE_CHECKING:
    from .state import ResultState


class BaseFuture:
    """What futures for threads and for asyncio have in common."""

    __slots__ = ("__weakref__", "_client", "_session", "_state")

    def __init__(self, client: object, session: Session, result: ResultState) -> None:
        # A client that nobody refers to any more is closed: as long as there are futures, someone
        # does.
        self._client = client
        self._session = session
        self._state = result

    @property
    def task_id(self) -> int:
        """Id of the task on its client's connection; messages name it."""
        return self._state.id

    @property
    def status(self) -> str:
        """``"pending"``, ``"finished"``, ``"failed"`` or ``"released"``."""
        return self._state.status

    @property
    def error(self) -> Optional[LoomError]:
        """Why it failed, else None."""
        return self._state.error

    def finished(self) -> bool:
        """Whether the result is there."""
        return self._state.status == state.FINISHED

    def failed(self) -> bool:
        """Whether there will be no result: see :attr:`error`."""
        return self._state.status == state.FAILED

    def released(self) -> bool:
        """Whether it was released."""
        return self._state.status == state.RELEASED

    def release(self) -> None:
        """Lets the server drop the result, and cancels it if it isn't finished. Idempotent.

        It is also done when the future is garbage-collected.
        """
        self._session.release(self._state)

    def __del__(self) -> None:
        try:
            if self._state.status != state.RELEASED:
                self._session.drop(self._state.id)
        except Exception:  # the interpreter is shutting down: parts are missing
            pass

    def __repr__(self) -> str:
        result = self._state
        name = "" if result.label is None else f" {result.label!r}"
        return f"<Future{name} {result.task_type}, id {result.id}, {result.status}>"

    def _repr_html_(self) -> str:
        result = self._state
        rows: Dict[str, object] = {
            "task": result.label or result.task_type,
            "id": result.id,
            "status": result.status,
        }
        if result.error is not None:
            rows["error"] = result.error
        return table("Future", rows)


class Future(BaseFuture):
    """The result of a submitted task; ``Client.submit`` makes it.

    The server keeps the result until the future is released: by :meth:`gather`, by
    :meth:`release`, or when the future is garbage-collected. Releasing an unfinished result cancels
    what only it needed. It may be an input of further tasks. Any thread may use it.

    Methods that wait raise :class:`TaskFailed` if the task or one it needs failed,
    :class:`LoomError` if the server refused the plan, if the future was released, or if the server
    is lost, and ``TimeoutError`` after ``timeout`` seconds (the task goes on).

    Example:
        >>> future = client.submit_one(tasks.run("sort words.txt"))
        >>> future.gather()
        b'...'
    """

    __slots__ = ()

    def wait(self, timeout: Optional[float] = None) -> None:
        """Waits until the result is there."""
        run(wait_all(self._session, [self._state]), timeout, self._waiting())

    def fetch(self, timeout: Optional[float] = None) -> Any:
        """Waits and gives the value; the future stays usable.

        Returns:
            bytes; a list for arrays; the object for Python objects.
        """
        return run(fetch_all(self._session, [self._state]), timeout, self._waiting())[0]

    def gather(self, timeout: Optional[float] = None) -> Any:
        """Waits, gives the value, and releases the future: also when it failed, but not when the
        time is over.
        """
        return run(gather_all(self._session, [self._state]), timeout, self._waiting())[0]

    def _waiting(self) -> str:
        return f"waiting for {self._state.describe()}"


def states_of(futures: Sequence[BaseFuture], session: Session) -> List[ResultState]:
    """Their states. Raises LoomError for anything that is no future of this client."""
    states = []
    for future in futures:
        if not isinstance(future, BaseFuture):
            raise LoomError(f"a future of this client is expected, got {type(future).__name__}")
        if future._session is not session:
            raise LoomError(f"the future with id {future.task_id} is of another client")
        states.append(future._state)
    return states


def task_query(task: Any, session: Session) -> Union[int, str]:
    """Which task someone asks about: an id of this client, or a text for the server."""
    if isinstance(task, BaseFuture):
        return states_of([task], session)[0].id
    if isinstance(task, str):
        return task
    if isinstance(task, int) and not isinstance(task, bool) and 0 <= task <= 0x7FFFFFFF:
        return task
    raise LoomError(f"explain takes a future, an id or a text, got {task!r}")


def input_id(given: Any, user: Task, session: Session) -> int:
    """The id of a future that is an input of the task ``user``."""
    if not isinstance(given, BaseFuture):
        raise LoomError(
            f"an input of {describe(user)} is a {type(given).__name__}; inputs are tasks and "
            "futures, make a tasks.const of bytes and a tasks.py_value of other objects"
        )
    if given._session is not session:
        raise LoomError(
            f"an input of {describe(user)}, the future with id {given.task_id}, is of another "
            "client; fetch its value and make a tasks.const of it"
        )
    # A failed one is for the server: it may as well fail a moment later.
    if given._state.status == state.RELEASED:
        raise LoomError(f"{describe(user)} has an unusable input: {given._state.find_error()}")
    return given._state.id
