"""The wire format of protobuf, by hand: varints, fields and frames.

There is no dependency on the ``protobuf`` package: its versions conflict with each other, and
what users have installed beside HyperLoom pins one or another of them. The format itself is
small and never changes. It is also faster this way: a plan of 100,000 tasks is written without
an object per message.

Owns bytes only; what the fields mean is known in messages.py and plan.py.
"""

from __future__ import annotations

import struct
from typing import Callable, Iterator, List, Optional, Tuple, Union

from .errors import ProtocolError

Buffer = Union[bytes, bytearray, memoryview]

VARINT = 0
FIXED64 = 1
LENGTH = 2
FIXED32 = 5

FRAME_HEADER = struct.Struct("<Q")

#: Longer frames are no HyperLoom: results are read in pieces of a few MiB.
MAX_FRAME_BYTES = 1 << 30

_BUFFER_BYTES = 256 * 1024
#: Nobody's word is taken for more memory than this: a frame grows as its bytes come.
_FIRST_ALLOCATION_BYTES = 16 * 1024 * 1024

_SMALL_VARINTS: List[bytes] = [bytes((n,)) for n in range(128)] + [
    bytes((n & 127 | 128, n >> 7)) for n in range(128, 16384)
]


def varint(number: int) -> bytes:
    """An unsigned number below 2**64."""
    if number < 16384:
        return _SMALL_VARINTS[number]
    if number < 1 << 21:
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field: int, number: int) -> bytes:
    """A field with an integer (negative ones take ten bytes, as in protobuf) or bool."""
    return varint(field << 3 | VARINT) + varint(number & 0xFFFF_FFFF_FFFF_FFFF)


def bytes_field(field: int, content: bytes) -> bytes:
    """A field with bytes or an encoded message."""
    return varint(field << 3 | LENGTH) + varint(len(content)) + content


def text_field(field: int, text: str) -> bytes:
    """A field with a string."""
    return bytes_field(field, text.encode())


def float_field(field: int, number: float) -> bytes:
    """A field of 32 bits with a number that these can express."""
    return varint(field << 3 | FIXED32) + struct.pack("<f", number)


def double_field(field: int, number: float) -> bytes:
    """A field of 64 bits with a number."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", number)


def zigzag_field(field: int, number: int) -> bytes:
    """A field with an integer that is often negative (sint32)."""
    return number_field(field, number << 1 if number >= 0 else -number * 2 - 1)


def packed_field(field: int, numbers: List[int]) -> bytes:
    """A packed field of unsigned numbers."""
    return bytes_field(field, b"".join(map(varint, numbers)))


def read_varint(data: Buffer, at: int) -> Tuple[int, int]:
    """The unsigned number at ``at`` and where the next thing begins."""
    result = 0
    shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result & 0xFFFF_FFFF_FFFF_FFFF, at
            shift += 7
            if shift > 63:
                raise ProtocolError("a number is longer than ten bytes")
    except IndexError:
        raise ProtocolError("a message ends inside a number") from None


def read_packed(data: Buffer) -> List[int]:
    """All unsigned numbers of a packed field."""
    numbers: List[int] = []
    append = numbers.append
    current = 0
    shift = 0
    for byte in data:
        if byte < 128:
            append(current | byte << shift)
            current = 0
            shift = 0
        else:
            current |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ProtocolError("a number is longer than ten bytes")
    if shift:
        raise ProtocolError("a packed field ends inside a number")
    return numbers


def signed(number: int) -> int:
    """A number read as unsigned, as the negative one it stands for."""
    return number - (1 << 64) if number >> 63 else number


def read_fields(data: Buffer) -> Iterator[Tuple[int, int, int, Buffer]]:
    """All fields of a message: (field, wire type, number, content).

    The number is for varints, the content (a view) for all others.
    """
    view = memoryview(data)
    at = 0
    end = len(view)
    while at < end:
        tag, at = read_varint(view, at)
        field, wire_type = tag >> 3, tag & 7
        if field == 0:
            raise ProtocolError("a field has the number 0")
        if wire_type == VARINT:
            number, at = read_varint(view, at)
            yield field, wire_type, number, b""
            continue
        if wire_type == LENGTH:
            length, at = read_varint(view, at)
        elif wire_type == FIXED64:
            length = 8
        elif wire_type == FIXED32:
            length = 4
        else:
            raise ProtocolError(f"field {field} has the unknown wire type {wire_type}")
        if length > end - at:
            raise ProtocolError(f"field {field} is longer than its message")
        yield field, wire_type, 0, view[at : at + length]
        at += length


class FrameReader:
    """Splits the byte stream of a connection into frames.

    The bytes are written straight to where they belong: ask :meth:`writable` where, then tell
    :meth:`advance` how many came.

    Args:
        on_frame: gets each frame; it is the receiver's own.
        find_target: memory for a frame of that length which is about to come, or None.
    """

    def __init__(
        self,
        on_frame: Callable[[Buffer], None],
        find_target: Callable[[int], Optional[memoryview]] = lambda length: None,
    ) -> None:
        self._on_frame = on_frame
        self._find_target = find_target
        self._view = memoryview(bytearray(_BUFFER_BYTES))
        self._start = 0
        self._end = 0
        # A frame that goes to memory of its own: that memory, its bytes so far, its length.
        self._body: Optional[memoryview] = None
        self._storage: Optional[bytearray] = None
        self._filled = 0
        self._length = 0

    @property
    def inside_frame(self) -> bool:
        """Whether the bytes so far end inside a frame."""
        return self._body is not None or self._end > self._start

    def writable(self) -> memoryview:
        """Where the next bytes go; to be released before :meth:`advance`."""
        if self._body is not None:
            return self._body[self._filled :]
        return self._view[self._end :]

    def advance(self, count: int) -> None:
        """Takes the ``count`` bytes that were written."""
        if self._body is None:
            self._end += count
            self._parse()
            return
        self._filled += count
        if self._filled == len(self._body):
            self._body_full()

    def _parse(self) -> None:
        view = self._view
        while True:
            available = self._end - self._start
            if available < 8:
                break
            (length,) = FRAME_HEADER.unpack_from(view, self._start)
            if length > MAX_FRAME_BYTES:
                raise ProtocolError(f"a frame of {length} bytes was announced")
            begin = self._start + 8
            if available - 8 >= length:
                frame = bytes(view[begin : begin + length])
                self._start = begin + length
                self._on_frame(frame)
                continue
            if length + 8 <= len(view):
                break
            self._begin_body(length, view[begin : self._end])
            return
        # What is left goes to the front, so that there is room for the rest of it.
        if self._start > 0:
            rest = bytes(view[self._start : self._end])
            view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)

    def _begin_body(self, length: int, beginning: memoryview) -> None:
        target = self._find_target(length)
        if target is None:
            self._storage = bytearray(min(length, _FIRST_ALLOCATION_BYTES))
            target = memoryview(self._storage)
        count = len(beginning)
        target[:count] = beginning
        self._body = target
        self._filled = count
        self._length = length
        self._start = self._end = 0

    def _body_full(self) -> None:
        body, storage = self._body, self._storage
        self._body = self._storage = None
        assert body is not None
        if storage is None:
            self._on_frame(body)
            return
        body.release()
        missing = self._length - len(storage)
        if missing == 0:
            self._on_frame(storage)
            return
        storage.extend(bytes(min(missing, len(storage))))
        self._storage = storage
        self._body = memoryview(storage)
