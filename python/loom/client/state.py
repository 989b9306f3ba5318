"""What the client knows about each result it asked for, and who waits for it.

Owns the states and the waiting; sends nothing. States are kept by the session, never futures:
a future that nobody refers to must be collectable. Whoever waits keeps its futures alive.

Everything here is guarded by one lock per session. Callbacks are called with it held: they wake
someone, and do no more.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, ContextManager, Deque, Generic, List, Optional, Sequence, TypeVar

from .errors import LoomError, describe_task, fresh

T = TypeVar("T")
#: The session's lock; reentrant.
Lock = ContextManager[Any]

#: States of a result: pending -> finished | failed; finished -> failed when the object is lost
#: and can't be computed again; any -> released, which is final.
PENDING = "pending"
FINISHED = "finished"
FAILED = "failed"
RELEASED = "released"


class Reply(Generic[T]):
    """Something that will be there later: set once, by the thread that reads the connection."""

    __slots__ = ("_callback", "_error", "_lock", "_value", "done")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.done = False
        self._value: Optional[T] = None
        self._error: Optional[BaseException] = None
        self._callback: Optional[Callable[[], object]] = None

    def set(self, value: T) -> None:
        """Sets the value; the lock is held."""
        self._value = value
        self._finish()

    def fail(self, error: BaseException) -> None:
        """Sets the error; the lock is held."""
        self._error = error
        self._finish()

    def _finish(self) -> None:
        self.done = True
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    def when_done(self, callback: Callable[[], object]) -> None:
        """Calls back once (from another thread, perhaps now); replaces an earlier callback."""
        with self._lock:
            if not self.done:
                self._callback = callback
                return
        callback()

    def result(self) -> T:
        """The value, when it is done; raises the error."""
        if self._error is not None:
            raise fresh(self._error) if isinstance(self._error, LoomError) else self._error
        return self._value  # type: ignore[return-value]


class Listener:
    """Is told once when a pending result is no longer pending."""

    __slots__ = ()

    def settled(self, state: ResultState) -> None:
        """The lock is held."""
        raise NotImplementedError


class ResultState:
    """One result. 100,000 of them are usual: no list of listeners until someone waits."""

    __slots__ = ("_listeners", "error", "id", "label", "plan_id", "status", "task_type", "value")

    def __init__(self, id: int, plan_id: int, task_type: str, label: Optional[str]) -> None:
        self.id = id
        #: id_base of its plan
        self.plan_id = plan_id
        self.task_type = task_type
        self.label = label
        self.status = PENDING
        #: Why it failed; for released ones, why if it wasn't plainly released.
        self.error: Optional[LoomError] = None
        #: A small value, which came with the news that it is finished; until released.
        self.value: Optional[bytes] = None
        self._listeners: Optional[List[Listener]] = None

    def describe(self) -> str:
        """How messages name it."""
        return f"the result of {describe_task(self.task_type, self.label)}, id {self.id}"

    def find_error(self) -> Optional[LoomError]:
        """The error of using it although it failed or was released."""
        if self.error is not None:
            return self.error
        if self.status != RELEASED:
            return None
        return LoomError(
            f"{self.describe()}, was released; keep its future unreleased as long as you use it"
        )

    def listen(self, listener: Listener) -> None:
        """The lock is held."""
        if self._listeners is None:
            self._listeners = [listener]
        else:
            self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """The lock is held."""
        if self._listeners is not None and listener in self._listeners:
            self._listeners.remove(listener)

    def become(self, status: str, error: Optional[LoomError] = None) -> None:
        """The only place where the status changes; the lock is held."""
        if self.status == RELEASED:
            return
        self.status = status
        if status == FINISHED:
            # It may have failed before: somebody had its task executed again (the dashboard).
            self.error = None
        else:
            self.value = None
        if error is not None:
            self.error = error
        listeners, self._listeners = self._listeners, None
        if listeners is not None:
            for listener in listeners:
                listener.settled(self)


class AllFinished(Reply[None], Listener):
    """Done when all of its states are finished; fails with the first that is not to be."""

    __slots__ = ("_remaining", "_states")

    def __init__(self, lock: Lock, states: Sequence[ResultState]) -> None:
        super().__init__(lock)
        self._states = states
        self._remaining = 0
        with lock:
            for state in states:
                error = state.find_error()
                if error is not None:
                    self.fail(error)
                    return
            for state in states:
                if state.status == PENDING:
                    self._remaining += 1
                    state.listen(self)
            if self._remaining == 0:
                self.set(None)

    def settled(self, state: ResultState) -> None:
        """Counts down."""
        if self.done:
            return
        error = state.find_error()
        self._remaining -= 1
        if error is not None:
            self.fail(error)
        elif self._remaining == 0:
            self.set(None)

    def stop(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            for state in self._states:
                if state.status == PENDING:
                    state.unlisten(self)


class Completions(Listener):
    """Gives states in the order in which they are settled."""

    __slots__ = ("_lock", "_settled", "_states", "_waiting")

    def __init__(self, lock: Lock, states: Sequence[ResultState]) -> None:
        self._lock = lock
        self._states = states
        self._settled: Deque[ResultState] = deque()
        self._waiting: Optional[Reply[ResultState]] = None
        with lock:
            for state in states:
                if state.status == PENDING:
                    state.listen(self)
                else:
                    self._settled.append(state)

    def settled(self, state: ResultState) -> None:
        """Gives it to who waits, or keeps it."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self._settled.append(state)
        else:
            waiting.set(state)

    def next(self) -> Reply[ResultState]:
        """The next one, which may be there already."""
        reply: Reply[ResultState] = Reply(self._lock)
        with self._lock:
            if self._settled:
                reply.set(self._settled.popleft())
            else:
                self._waiting = reply
        return reply

    def stop(self) -> None:
        """Nobody wants more."""
        with self._lock:
            self._waiting = None
            for state in self._states:
                if state.status == PENDING:
                    state.unlisten(self)
