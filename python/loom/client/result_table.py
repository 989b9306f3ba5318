"""The results of one connection by id: what the server says about them, and what it must be told.
Owns which states exist; called by the session.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Dict, Iterable, List, Optional, Sequence

from .errors import LoomError
from .state import FAILED, FINISHED, PENDING, RELEASED, Lock, ResultState


class ResultTable:
    """States by id. One that was released, or whose plan was refused, is not in it any more."""

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self._states: Dict[int, ResultState] = {}
        # Ids that nobody needs any more; finalizers append, so no lock guards it.
        self._dropped: Deque[int] = deque()

    def add(self, states: Dict[int, ResultState]) -> None:
        """Adds states; the lock is held."""
        self._states.update(states)

    def finished(self, ids: Sequence[int], values: Sequence[Optional[bytes]] = ()) -> None:
        """They are there, some of them with their (small) values."""
        with self.lock:
            for i, task_id in enumerate(ids):
                state = self._states.get(task_id)
                if state is None:
                    continue
                if values:
                    state.value = values[i]
                state.become(FINISHED)

    def failed(self, ids: Iterable[int], error: LoomError) -> None:
        """They will never be there."""
        with self.lock:
            for task_id in ids:
                state = self._states.get(task_id)
                if state is not None:
                    state.become(FAILED, error)

    def plan_refused(self, id_base: int, error: LoomError) -> None:
        """The server has nothing of it, not even something to release."""
        with self.lock:
            for state in [each for each in self._states.values() if each.plan_id == id_base]:
                del self._states[state.id]
                state.become(FAILED, error)

    def fail_pending(self, error: LoomError) -> None:
        """The connection has ended; the lock is held."""
        for state in self._states.values():
            if state.status == PENDING:
                state.become(FAILED, error)

    def release(self, state: ResultState) -> bool:
        """Nobody wants it; whether the server has to be told. The lock is held."""
        # The server keeps a failed result, too, until it is released.
        held = self._states.pop(state.id, None) is not None
        state.error = None
        state.become(RELEASED)
        return held

    def drop(self, task_id: int) -> None:
        """The server has to be told. Takes no lock: finalizers call it."""
        self._dropped.append(task_id)

    def take_dropped(self) -> List[int]:
        """What the server has to be told about."""
        ids: List[int] = []
        try:
            while True:
                ids.append(self._dropped.popleft())
        except IndexError:
            pass
        if ids:
            # Those whose futures became garbage are still there.
            with self.lock:
                for task_id in ids:
                    state = self._states.pop(task_id, None)
                    if state is not None:
                        state.become(RELEASED)
        return ids
