"""Reading results: in pieces from the server, then from the serialized form to Python values.

Owns sizes, windows, the layout of the form, and what to do when an object changes between two
reads. Reading is written as a generator that yields the replies it has to wait for, so that threads
and asyncio share it (operations.py).
"""

from __future__ import annotations

import io
import struct
from collections import deque
from typing import Any, Deque, Generator, List, Optional, Sequence, Tuple, TypeVar

from . import pickles
from .errors import LoomError, ProtocolError
from .open_requests import ChunkData, ChunkReply
from .session import Session
from .state import Reply, ResultState

T = TypeVar("T")
Operation = Generator[Reply[Any], None, T]

CHUNK_BYTES = 4 * 1024 * 1024
CHUNKS_IN_FLIGHT = 2
#: Many results at once: each is asked for this much, which is all of most results.
SMALL_BYTES = 64 * 1024
SMALL_IN_FLIGHT = 256
#: An object that is computed again all the time can't be read; give up some day.
MAX_RESTARTS = 20

_HEADER = struct.Struct("<Q")


def read_values(session: Session, states: Sequence[ResultState]) -> Operation[List[Any]]:
    """The values of finished results, in order.

    Small ones are read with many requests on their way; the rest of the others, which would pile
    up in memory, afterwards one by one.
    """
    values: List[Any] = [state.value for state in states]
    to_read = deque(i for i, value in enumerate(values) if value is None)
    first_bytes = CHUNK_BYTES if len(to_read) == 1 else SMALL_BYTES
    open_reads: Deque[Tuple[int, ChunkReply]] = deque()
    large: List[Tuple[int, ChunkData]] = []
    try:
        while to_read or open_reads:
            while to_read and len(open_reads) < SMALL_IN_FLIGHT:
                i = to_read.popleft()
                open_reads.append((i, session.read(states[i], 0, first_bytes)))
            i, reply = open_reads.popleft()
            chunk = yield from _wait(session, reply)
            if len(chunk.data) == chunk.total_size:
                values[i] = _decode(session, states[i], memoryview(chunk.data), chunk.type_id)
            else:
                large.append((i, chunk))
    finally:
        for _, reply in open_reads:
            session.forget(reply)
    for i, chunk in large:
        values[i] = yield from _read_large(session, states[i], chunk)
    return values


def _wait(session: Session, reply: ChunkReply) -> Operation[ChunkData]:
    try:
        if not reply.done:
            yield reply
    finally:
        if not reply.done:
            session.forget(reply)
    return reply.result()


def _read_large(session: Session, state: ResultState, first: ChunkData) -> Operation[Any]:
    for _ in range(MAX_RESTARTS):
        plain = first.n_messages == 1 and _symbol(session, first.type_id) == "loom/data"
        sink = _BytesSink(state, first) if plain else _FormSink(state, first)
        complete = yield from _read_rest(session, state, first, sink)
        if complete:
            return sink.value(session)
        del sink
        first = yield from _wait(session, session.read(state, 0, CHUNK_BYTES))
        if len(first.data) == first.total_size:
            return _decode(session, state, memoryview(first.data), first.type_id)
    raise LoomError(
        f"{state.describe()}, was lost with its worker and computed again while it was read; read "
        "it again"
    )


def _read_rest(
    session: Session, state: ResultState, first: ChunkData, sink: _Sink
) -> Operation[bool]:
    """Everything after the first chunk, into the sink; False: the object has changed meanwhile."""
    total = first.total_size
    asked = received = len(first.data)
    window: Deque[ChunkReply] = deque()
    try:
        while received < total:
            while asked < total and len(window) < CHUNKS_IN_FLIGHT:
                size = min(CHUNK_BYTES, total - asked)
                window.append(session.read(state, asked, size, sink.part(asked, size)))
                asked += size
            reply = window[0]
            chunk = yield from _wait(session, reply)
            window.popleft()
            if chunk.version != first.version or chunk.total_size != total:
                return False
            target = reply.target
            assert target is not None
            if chunk.data is not target:
                raise ProtocolError(
                    f"the server sent {len(chunk.data)} bytes of {state.describe()}, where "
                    f"{len(target)} were asked for"
                )
            received += len(target)
            target.release()
    finally:
        for reply in window:
            session.forget(reply)
    return True


class _Sink:
    """Memory for a large result."""

    def part(self, offset: int, size: int) -> memoryview:
        """Where these bytes of the serialized form go."""
        raise NotImplementedError

    def value(self, session: Session) -> Any:
        """The value, when all is there."""
        raise NotImplementedError


class _BytesSink(_Sink):
    """For plain objects: the memory of a BytesIO becomes the bytes without being copied."""

    def __init__(self, state: ResultState, first: ChunkData) -> None:
        self._size = first.total_size - _HEADER.size
        self._buffer = io.BytesIO()
        try:
            self._buffer.seek(self._size - 1)
            self._buffer.write(b"\0")
        except (MemoryError, OverflowError):
            raise _too_large(state, first.total_size) from None
        self._view = self._buffer.getbuffer()
        content = memoryview(first.data)[_HEADER.size :]
        self._view[: len(content)] = content

    def part(self, offset: int, size: int) -> memoryview:
        return self._view[offset - _HEADER.size : offset - _HEADER.size + size]

    def value(self, session: Session) -> bytes:
        self._view.release()
        value = self._buffer.getvalue()
        return value if len(value) == self._size else value[: self._size]


class _FormSink(_Sink):
    """For everything else: the whole form, which buffers of the value may refer to."""

    def __init__(self, state: ResultState, first: ChunkData) -> None:
        self._state = state
        self._type_id = first.type_id
        try:
            # Eight bytes more, so that the content of the first frame is aligned to sixteen.
            self._form = memoryview(bytearray(first.total_size + 8))[8:]
        except (MemoryError, OverflowError):
            raise _too_large(state, first.total_size) from None
        self._form[: len(first.data)] = first.data

    def part(self, offset: int, size: int) -> memoryview:
        return self._form[offset : offset + size]

    def value(self, session: Session) -> Any:
        return _decode(session, self._state, self._form, self._type_id)


def _too_large(state: ResultState, size: int) -> MemoryError:
    return MemoryError(
        f"{state.describe()}, has {size} bytes, for which there is not enough memory; get parts of "
        "it (tasks.slice, tasks.get), or save it (tasks.save)"
    )


def _symbol(session: Session, number: int) -> Optional[str]:
    symbols = session.symbols
    return symbols[number] if 0 <= number < len(symbols) else None


def _decode(session: Session, state: ResultState, form: memoryview, type_id: int) -> Any:
    return decode_value(form, type_id, session.symbols, state.describe())


class _OpenArray:
    __slots__ = ("types", "values")

    def __init__(self, types: List[int]) -> None:
        self.types = types
        self.values: List[Any] = []


def decode_value(form: memoryview, type_id: int, symbols: Sequence[str], what: str) -> Any:
    """Decodes a whole serialized form: its frames end to end, each after its u64 length.

    Plain objects become bytes, arrays lists (nested to any depth: no recursion), Python objects
    are unpickled.

    Args:
        what: names the result in messages.

    Raises:
        LoomError: there is something that has no value in Python, or can't be unpickled.
        ProtocolError: the bytes are no such form.
    """
    at = 0
    open_arrays: List[_OpenArray] = []
    while True:
        if at + 8 > len(form):
            raise ProtocolError(f"{what}, ends inside a frame at byte {at}")
        (length,) = _HEADER.unpack_from(form, at)
        at += 8
        if length > len(form) - at:
            raise ProtocolError(f"{what}, ends inside a frame of {length} bytes at byte {at}")
        frame = form[at : at + length]
        at += length
        name = symbols[type_id] if 0 <= type_id < len(symbols) else None
        value: Any
        if name == "loom/data":
            value = bytes(frame)
        elif name == "loom/array":
            if length % 4 != 0:
                raise ProtocolError(f"{what}, has an array whose list of types has {length} bytes")
            array = _OpenArray(list(struct.unpack(f"<{length // 4}I", frame)))
            types = array.types
            if types:
                open_arrays.append(array)
                type_id = types[0]
                continue
            value = array.values
        elif name == "loom/pyobj":
            value = pickles.loads(frame, what)
        else:
            raise _undecodable(name, type_id, what)
        # Every array that this value completes is itself the next value.
        while open_arrays:
            array = open_arrays[-1]
            array.values.append(value)
            if len(array.values) < len(array.types):
                type_id = array.types[len(array.values)]
                break
            value = array.values
            open_arrays.pop()
        else:
            if at == len(form):
                return value
            raise ProtocolError(f"{what}, has {len(form) - at} bytes too many")


def _undecodable(name: Optional[str], number: int, what: str) -> LoomError:
    if name is None:
        return ProtocolError(f"{what}, has the unknown type number {number}")
    if name == "loom/jsobj":
        return LoomError(
            f"{what}, is a JavaScript value, which Python cannot read; let the function return "
            "bytes, JSON or Arrow"
        )
    return LoomError(
        f"{what}, is of type {name}, which has no value in Python; let the task return bytes, "
        "arrays or Python objects"
    )
