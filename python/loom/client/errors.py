"""The errors of this package. Owns their types and texts; everything else raises them."""

from __future__ import annotations

import copy
from typing import Any, Dict, Optional, Tuple, TypeVar

from .execution import Execution, describe_end
from .shown_name import shown_name

#: Of a longer label messages have the beginning.
_MAX_SHOWN = 200


class LoomError(Exception):
    """Something went wrong: one clear line that names the thing, the cause, and what to do.

    Base of all errors of this package. Only running out of time (the built-in ``TimeoutError``)
    and out of memory (``MemoryError``) are reported by other types.

    Example:
        >>> try:
        ...     client = Client("localhost:9010")
        ... except LoomError as error:
        ...     print(error)
    """


#: The name of :class:`LoomError` in HyperLoom 0.10.
LoomException = LoomError


class ProtocolError(LoomError):
    """The other side sent something that is not the protocol."""


class TaskFailed(LoomError):
    """A task failed, and with it all results that need it.

    ``wait``, ``fetch`` and ``gather`` of their futures raise this.

    Attributes:
        task_id: id of the task that failed. Not always that of a future: it may be an input of it.
        message: what the worker said; several lines are possible. ``str(error)`` is this with
            task and worker, and with how it died, as far as that is known, in the last line.
        worker: address of the worker, None if the task failed before it got to one.
        label: the task's label, None if it has none.
        task_type: symbol of its type, e.g. ``"loom/run/run"``.
        exit_status: programs: exit status; None if a signal ended it, or it never started.
        signal: the signal that ended the program, or the process of the function, e.g.
            ``"SIGKILL"``; else None.
        stderr: programs: standard error, of more than 128 KiB its beginning and end; functions
            whose process died: its last lines; else ``""``.
        execution: what is known of its execution: host, duration, memory; None if it was not
            executed.

    Example:
        >>> try:
        ...     client.submit_one(tasks.run("ls /nowhere")).gather()
        ... except TaskFailed as error:
        ...     print(error.exit_status, error.stderr)
    """

    def __init__(
        self,
        message: str,
        *,
        task_id: int = -1,
        worker: Optional[str] = None,
        label: Optional[str] = None,
        task_type: str = "",
        exit_status: Optional[int] = None,
        signal: Optional[str] = None,
        stderr: str = "",
        execution: Optional[Execution] = None,
    ) -> None:
        place = "" if worker is None else f" on worker {worker}"
        end = describe_end(exit_status, signal, execution)
        reason = message if end is None else f"{message.rstrip()}\n{end}"
        super().__init__(f"{describe_task(task_type, label)} failed{place}: {reason}")
        self.message = message
        self.task_id = task_id
        self.worker = worker
        self.label = label
        self.task_type = task_type
        self.exit_status = exit_status
        self.signal = signal
        self.stderr = stderr
        self.execution = execution

    # Exceptions are pickled by their positional arguments; this one has others.
    def __reduce__(self) -> Tuple[Any, ...]:
        return _restore, (self.message, self.__dict__)


def _restore(message: str, attributes: Dict[str, Any]) -> TaskFailed:
    names = ("task_id", "worker", "label", "task_type", "exit_status", "signal", "stderr")
    known = {name: attributes[name] for name in names}
    # Errors that were pickled by an older version have none.
    return TaskFailed(message, **known, execution=attributes.get("execution"))


def describe_task(task_type: str, label: Optional[str]) -> str:
    """How messages name a task."""
    shown = shown_name(label or "", _MAX_SHOWN)
    return f'task "{shown}" ({task_type})' if label else f'task of type "{task_type}"'


def describe_cause(error: BaseException) -> str:
    """Type and text of an error in one line, for the end of a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


E = TypeVar("E", bound=LoomError)


def fresh(error: E) -> E:
    """A copy to be raised: several threads may wait for the same failure, each more than once."""
    again = copy.copy(error)
    again.__cause__ = error.__cause__
    return again
