"""What a server reports besides results. Owns the types only."""

from __future__ import annotations

from typing import NamedTuple


class Progress(NamedTuple):
    """Numbers of a client's tasks."""

    finished: int
    failed: int
    #: All of them: finished, failed and those still to be done.
    total: int


class LogLine(NamedTuple):
    """A line that a function has logged on a worker."""

    #: ``future.task_id``
    task_id: int
    #: "debug", "info", "warn", "error" or "critical"
    level: str
    message: str
    #: address of the worker
    worker: str
