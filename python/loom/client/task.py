"""Tasks as users describe them: the type, attributes, and what may be an input.

Nothing here knows which task types exist (tasks.py) or how plans are sent (plan.py). Functions on
workers make tasks, too: the attributes ``task_type``, ``config`` and ``inputs`` are plain.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Sequence, Union

from .errors import LoomError, describe_task
from .html import table
from .resources import ResourceRequest

BytesLike = Union[bytes, bytearray, memoryview]


class Task:
    """A description of work: nothing happens until it is submitted.

    The functions in :mod:`loom.client.tasks` make tasks of the built-in types; make one yourself
    for a type that your own workers offer. All attributes may be set until it is submitted.

    Args:
        task_type: symbol of the task type, e.g. ``"loom/data/merge"``.
        inputs: tasks and futures, in the order that the task type defines.
        config: bytes (or text) that the task type defines.
        request: what it holds while it runs; default: nothing (a light task).
        label: see the attribute; so for the others.

    Attributes:
        task_type: symbol of the task type.
        inputs: the same one may occur several times.
        config: bytes.
        resource_request: what it holds while it runs, or None.
        label: shown in errors, traces and status in place of the task type.
        checkpoint_path: absolute path at which the worker stores the result; see
            ``Client.submit(load=True)``.
        metadata: kept with the task, for traces and explanations: bytes, or anything that JSON or
            pickle can express; at most 1 MiB.
        policy: ``"repeat"`` (default): execute it again when it, or its result, was lost with a
            worker; ``"once"``: let it fail then, for tasks whose effects must not happen twice.
        time_limit: seconds that one execution may take; then it fails. Default: no limit.
        priority: integer from -100 to 100: of the tasks that could start, those with a higher one
            come first. Default: 0.
        expected_ms: milliseconds that its execution will take, as you expect. Default: unknown.
        expected_bytes: size of its result, as you expect. Default: unknown.

    Example:
        >>> task = Task("my/filter", [tasks.open("a.txt")], b"threshold=3")
        >>> task.label = "filter a.txt"
    """

    __slots__ = (
        "__weakref__",
        "checkpoint_path",
        "config",
        "expected_bytes",
        "expected_ms",
        "inputs",
        "label",
        "metadata",
        "policy",
        "priority",
        "resource_request",
        "task_type",
        "time_limit",
    )

    def __init__(
        self,
        task_type: str,
        inputs: Iterable[Any] = (),
        config: Union[BytesLike, str] = b"",
        request: Optional[ResourceRequest] = None,
        *,
        label: Optional[str] = None,
        checkpoint_path: Optional[str] = None,
        metadata: Any = None,
        policy: str = "repeat",
        time_limit: Optional[float] = None,
        priority: int = 0,
        expected_ms: Optional[float] = None,
        expected_bytes: Optional[float] = None,
    ) -> None:
        self.task_type = task_type
        self.inputs: Sequence[Any] = tuple(inputs)
        self.config: bytes = config if type(config) is bytes else as_bytes(config, "config")
        self.resource_request = request
        self.label = label
        self.checkpoint_path = checkpoint_path
        self.metadata = metadata
        self.policy = policy
        self.time_limit = time_limit
        self.priority = priority
        self.expected_ms = expected_ms
        self.expected_bytes = expected_bytes

    def __repr__(self) -> str:
        name = "" if self.label is None else f" {self.label!r}"
        count = len(self.inputs)
        return f"<Task{name} {self.task_type}, {count} input{'' if count == 1 else 's'}>"

    def _repr_html_(self) -> str:
        rows: Dict[str, object] = {
            "type": self.task_type,
            "label": self.label,
            "inputs": len(self.inputs),
            "config": f"{len(self.config)} bytes",
            "request": self.resource_request,
            "checkpoint": self.checkpoint_path,
            "time limit": self.time_limit and f"{self.time_limit} s",
            "priority": self.priority or None,
        }
        return table("Task", {name: value for name, value in rows.items() if value is not None})


def describe(task: Task) -> str:
    """How messages name a task."""
    return describe_task(task.task_type, task.label)


def as_bytes(content: Union[BytesLike, str], name: str) -> bytes:
    """The bytes of bytes or text (UTF-8)."""
    if isinstance(content, str):
        try:
            return content.encode()
        except UnicodeEncodeError as error:
            raise LoomError(
                f"{name} is no text, its character {error.start} is half of a surrogate pair; give "
                "bytes"
            ) from error
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    raise LoomError(f"{name} must be bytes or str, got {type(content).__name__}")
