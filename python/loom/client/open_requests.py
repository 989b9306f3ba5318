"""Requests whose answers name them: READ, STATUS, EXPLAIN. Owns their ids; the session calls it."""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional

from .errors import LoomError
from .state import Lock, Reply, ResultState
from .wire import Buffer


class ChunkData(NamedTuple):
    """The answer to a READ, STATUS or EXPLAIN."""

    data: Buffer
    total_size: int
    type_id: int
    n_messages: int
    version: int


class ChunkReply(Reply[ChunkData]):
    """An open READ, STATUS or EXPLAIN."""

    __slots__ = ("request_id", "state", "target")

    def __init__(
        self, lock: Lock, state: Optional[ResultState], target: Optional[memoryview]
    ) -> None:
        super().__init__(lock)
        self.request_id = -1
        self.state = state
        #: Where the bytes are written if they are as many.
        self.target = target


class OpenRequests:
    """Replies by request id. The lock is held by who calls."""

    def __init__(self) -> None:
        self._replies: Dict[int, ChunkReply] = {}
        self._last_id = 0

    def add(self, reply: ChunkReply) -> int:
        """Gives it an id."""
        self._last_id = self._last_id % 0x7FFFFFFF + 1
        reply.request_id = self._last_id
        self._replies[reply.request_id] = reply
        return reply.request_id

    def find(self, request_id: int) -> Optional[ChunkReply]:
        """The reply; None if it was given up since it was asked for."""
        return self._replies.get(request_id)

    def take(self, request_id: int) -> Optional[ChunkReply]:
        """The reply, which is answered now."""
        return self._replies.pop(request_id, None)

    def fail_of(self, state: ResultState, error: LoomError) -> None:
        """Fails those that read this result."""
        for reply in [each for each in list(self._replies.values()) if each.state is state]:
            del self._replies[reply.request_id]
            reply.fail(error)

    def fail_all(self, error: LoomError) -> None:
        """The connection has ended."""
        for reply in list(self._replies.values()):
            reply.fail(error)
        self._replies.clear()
