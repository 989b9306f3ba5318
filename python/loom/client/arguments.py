"""What clients are given as tasks and futures: lists of these, or errors that say what is wrong."""

from __future__ import annotations

from typing import Iterable, List, Sequence, TypeVar, Union

from .errors import LoomError
from .future import BaseFuture
from .state import ResultState
from .task import Task

F = TypeVar("F", bound=BaseFuture)


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


def check_progress(wanted: object) -> None:
    """Raises unless it is what clients take as ``progress``."""
    if wanted is not None and not isinstance(wanted, bool):
        raise LoomError(f"progress must be True, False or None, got {wanted!r}")
