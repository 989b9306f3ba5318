"""What clients do that takes time, each written once as a generator that yields the replies it
waits for; and the driver for threads. The one for asyncio is in loom/aio.py.

When the driver gives up (a timeout, Ctrl-C, a cancelled task), it closes the generator, whose
``finally`` blocks take back what is open.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any, Dict, List, Optional, Sequence, TypeVar, Union

from .errors import LoomError
from .html import table
from .messages import Stats
from .open_requests import ChunkReply
from .reports import Explanation
from .results import Operation as Operation
from .results import read_values
from .session import Session
from .state import AllFinished, Completions, ResultState

T = TypeVar("T")


class ClusterStats(Dict[str, int]):
    """Numbers of what the server holds: a dict that notebooks show as a table."""

    def _repr_html_(self) -> str:
        return table("HyperLoom", self)


def wait_all(session: Session, states: Sequence[ResultState]) -> Operation[None]:
    """Until all are finished; raises at the first that failed or was released."""
    waiting = AllFinished(session.lock, states)
    try:
        if not waiting.done:
            yield waiting
    finally:
        if not waiting.done:
            waiting.stop()
    waiting.result()


def fetch_all(session: Session, states: Sequence[ResultState]) -> Operation[List[Any]]:
    """Waits, and gives the values in order."""
    yield from wait_all(session, states)
    session.check_open()
    return (yield from read_values(session, states))


def gather_all(session: Session, states: Sequence[ResultState]) -> Operation[List[Any]]:
    """Waits, gives the values, and releases: also when that fails, but not when it is given up."""
    try:
        values = yield from fetch_all(session, states)
    except LoomError:
        release_all(session, states)
        raise
    release_all(session, states)
    return values


def release_all(session: Session, states: Sequence[ResultState]) -> None:
    """Releases all."""
    for state in states:
        session.release(state)


def next_completed(completions: Completions) -> Operation[ResultState]:
    """The next state that is settled."""
    reply = completions.next()
    if not reply.done:
        yield reply
    return reply.result()


def get_stats(session: Session) -> Operation[ClusterStats]:
    """Numbers of what the server holds."""
    reply = session.ask_stats()
    if not reply.done:
        yield reply
    return _stats(reply.result())


def _stats(stats: Stats) -> ClusterStats:
    numbers = ClusterStats(n_workers=stats.n_workers, n_data_objects=stats.n_data_objects)
    if stats.n_tasks is not None:
        numbers["n_tasks"] = stats.n_tasks
    if stats.n_clients is not None:
        numbers["n_clients"] = stats.n_clients
    return numbers


def get_status(session: Session) -> Operation[Dict[str, Any]]:
    """What the cluster does, worker by worker."""
    return (yield from _read_json(session, session.ask_status(), "status"))


def explain(session: Session, task: Union[int, str]) -> Operation[Explanation]:
    """What becomes of a task, and why."""
    reply = session.ask_explanation(task)
    return Explanation((yield from _read_json(session, reply, "explanation")))


def _read_json(session: Session, reply: ChunkReply, name: str) -> Operation[Dict[str, Any]]:
    try:
        if not reply.done:
            yield reply
    finally:
        if not reply.done:
            session.forget(reply)
    try:
        answer: Dict[str, Any] = json.loads(bytes(reply.result().data))
        return answer
    except ValueError as error:
        raise LoomError(f"the server's {name} is no JSON: {error}") from error


def set_trace(session: Session, directory: Optional[str]) -> Operation[None]:
    """Has the cluster write a trace; None: it ends."""
    if directory == "":
        # Of a variable that is not set: it would be the current directory.
        raise LoomError("the trace directory is ''; give the name of one, or None to end the trace")
    session.check_open()
    session.send_trace("" if directory is None else os.path.abspath(directory))
    try:
        # TRACE has no answer; what comes before the answer to the next request is its error.
        yield from get_stats(session)
    finally:
        problems = session.take_problems()
    if problems:
        raise LoomError("; ".join(problems))


def run(operation: Operation[T], timeout: Optional[float] = None, what: str = "waiting") -> T:
    """Drives an operation in this thread.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds.
    """
    deadline = deadline_of(timeout)
    try:
        reply = next(operation)
        while True:
            ready = threading.Event()
            reply.when_done(ready.set)
            if not ready.wait(seconds_left(deadline)):
                raise time_over(timeout, what)
            reply = operation.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        operation.close()


def deadline_of(timeout: Optional[float]) -> Optional[float]:
    """The moment at which this many seconds are over."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout != timeout:
        raise LoomError(f"timeout must be a number of seconds or None, got {timeout!r}")
    return time.monotonic() + timeout


def seconds_left(deadline: Optional[float]) -> Optional[float]:
    """Seconds until then, 0 if it is over; None: no deadline."""
    if deadline is None:
        return None
    return min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)


def time_over(timeout: Optional[float], what: str) -> TimeoutError:
    """The error."""
    return TimeoutError(f"{what}: not done in {timeout:g} s")
