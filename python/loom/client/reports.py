"""What a server reports besides results. Owns the types only."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple


class Progress(NamedTuple):
    """Numbers of a client's tasks."""

    finished: int
    failed: int
    #: All of them: finished, failed and those still to be done.
    total: int


class LabelProgress(NamedTuple):
    """Numbers of a client's tasks with one label."""

    #: the label up to its first ":", or the task type where a task has none
    name: str
    #: finished, failed and those still to be done
    total: int
    #: those that run, as far as is known: only tasks with a resource request
    running: int
    finished: int
    failed: int


class LogLine(NamedTuple):
    """A line that a function has logged on a worker."""

    #: ``future.task_id``
    task_id: int
    #: "debug", "info", "warn", "error" or "critical"
    level: str
    message: str
    #: address of the worker
    worker: str


class Explanation(Dict[str, Any]):
    """What becomes of a task, and why: ``loom explain --json`` as a dict; its str is the text.

    ``explanation["tasks"]`` has a dict for each task that matches: its ``state`` (``"waiting"``,
    ``"ready"``, ``"assigned"``, ``"finished"``, ``"failed"`` or ``"released"``), ``summary``, and
    what there is to say of a task in that state.
    """

    @property
    def text(self) -> str:
        """All of it for people: for each task a sentence, and the details below it."""
        return str(self["text"])

    def __str__(self) -> str:
        return self.text
