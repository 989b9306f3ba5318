"""What the worker sends. Owns the socket's reading side: frames, records, the functions defined,
and the calls that wait. serve.py takes the calls out.
"""

from __future__ import annotations

import array
import collections
import json
import socket
import struct
import sys
from typing import Deque, Dict, List, NamedTuple, Optional, Set, Tuple

from .data import ArrayData, BytesData, Data, FileData, IndexData, ValueData
from .function import Function
from .held_resources import NOTHING, Held, read_held
from .protocol import (
    ARRAY,
    BYTES,
    CALL,
    CALL_HEADER,
    CALL_HEADER_SIZE,
    CANCEL,
    CANCEL_RECORD,
    CONFIGURE,
    DEFINE,
    FILE,
    FILE_RANGE,
    FORGET,
    HOLD,
    INDEX,
    LIGHT,
    U8_U32,
    U32,
    VALUE,
    ProtocolError,
)

# serial, function, config, inputs, task id, attempt, what it holds
Call = Tuple[int, Function, bytes, List[Data], int, int, Held]

BUFFER_BYTES = 256 * 1024


class Configuration(NamedTuple):
    """What the worker says first."""

    directories: List[str]
    inline_limit: int


class Inbox:
    """Calls in the order in which they came, ready to be executed."""

    def __init__(self, connection: socket.socket) -> None:
        self.calls: Deque[Call] = collections.deque()
        #: Serials of calls that wait and are not to be executed.
        self.cancelled: Set[int] = set()
        self.configuration: Optional[Configuration] = None
        self._socket = connection
        self._functions: Dict[int, Function] = {}
        # By calls that are not light.
        self._held = NOTHING
        # The first `_filled` bytes are received, and no whole frame.
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._filled = 0

    def receive(self, flags: int = 0) -> bool:
        """Receives what is there (without MSG_DONTWAIT: at least one byte); False: it is the end.

        :raises ProtocolError: it can't be understood
        """
        try:
            count = self._socket.recv_into(self._buffer[self._filled :], 0, flags)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        if count == 0:
            return False
        self._filled += count
        self._take_frames()
        return True

    def _take_frames(self) -> None:
        buffer, filled = self._buffer, self._filled
        start = 0
        needed = 4
        while start + 4 <= filled:
            needed = 4 + U32.unpack_from(buffer, start)[0]
            if start + needed > filled:
                break
            # Immutable, so that inputs are slices of it.
            body = bytes(buffer[start + 4 : start + needed])
            start += needed
            needed = 4
            try:
                self._take_records(body)
            except (struct.error, IndexError, UnicodeDecodeError) as error:
                raise ProtocolError(f"a record can't be understood: {error}") from error
        rest = filled - start
        size = len(buffer)
        if needed > size:
            # Grows with what comes, not with what the length promises.
            size = min(needed, 2 * size) if rest > size // 2 else size
        elif size > BUFFER_BYTES >= needed and rest <= BUFFER_BYTES:
            size = BUFFER_BYTES
        if size != len(buffer):
            self._buffer = memoryview(bytearray(size))
            self._buffer[:rest] = buffer[start:filled]
        elif start:
            # The ranges may overlap, which memoryview allows.
            buffer[:rest] = buffer[start:filled]
        self._filled = rest

    def _take_records(self, body: bytes) -> None:
        """Reads the records of a frame. The loop that every call goes through: few objects."""
        at = 0
        end = len(body)
        functions = self._functions
        unpack_call = CALL_HEADER.unpack_from
        unpack_object = U8_U32.unpack_from
        append = self.calls.append
        held = self._held
        while at < end:
            operation = body[at]
            if operation == CALL:
                _, serial, task_id, attempt, flags, number, config_size, count = unpack_call(
                    body, at
                )
                at += CALL_HEADER_SIZE
                config = b""
                if config_size:
                    config = body[at - 4 : at - 4 + config_size]
                    at += config_size
                    (count,) = U32.unpack_from(body, at - 4)
                inputs: List[Data] = []
                while count:
                    kind, size = unpack_object(body, at)
                    if kind == BYTES:
                        start = at + 5
                        at = start + size
                        inputs.append(BytesData(body[start:at]))
                    else:
                        data, at = read_object(body, at)
                        inputs.append(data)
                    count -= 1
                function = functions.get(number)
                if function is None:
                    function = Function(number, None)
                call_holds = NOTHING if flags & LIGHT else held
                append((serial, function, config, inputs, task_id, attempt, call_holds))
            else:
                at = self._take_record(operation, body, at)
                held = self._held
            if at > end:
                raise ProtocolError("a record is longer than its frame")
        if self.configuration is None:
            raise ProtocolError("the first record is not CONFIGURE")

    def _take_record(self, operation: int, body: bytes, at: int) -> int:
        if operation == DEFINE:
            (number,) = U32.unpack_from(body, at + 1)
            data, at = read_object(body, at + 5)
            self._functions[number] = Function(number, data)
        elif operation == FORGET:
            (number,) = U32.unpack_from(body, at + 1)
            self._functions.pop(number, None)
            at += 5
        elif operation == CANCEL:
            _, serial, _ = CANCEL_RECORD.unpack_from(body, at)
            at += CANCEL_RECORD.size
            # Only those that wait, so that none stays in the set.
            if any(call[0] == serial for call in self.calls):
                self.cancelled.add(serial)
        elif operation == HOLD:
            text, at = _read_text(body, at + 1)
            self._held = read_held(text)
        elif operation == CONFIGURE:
            text, at = _read_text(body, at + 1)
            self.configuration = _read_configuration(text)
        else:
            raise ProtocolError(f"unknown operation {operation}")
        return at


def _read_text(body: bytes, at: int) -> Tuple[str, int]:
    (size,) = U32.unpack_from(body, at)
    end = at + 4 + size
    return body[at + 4 : end].decode(), end


def _read_configuration(text: str) -> Configuration:
    try:
        fields = json.loads(text)
        return Configuration(
            [str(directory) for directory in fields["directories"]], int(fields["inlineLimit"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"the configuration {text!r} can't be understood: {error!r}") from error


def read_object(body: bytes, at: int) -> Tuple[Data, int]:
    """The object that begins at `at`, and where it ends.

    Not recursive: arrays can be nested deeper than Python's stack.
    """
    # Arrays whose elements are being read, and how many are missing.
    open_arrays: List[Tuple[List[Data], int]] = []
    elements: List[Data] = []
    missing = 1
    while True:
        while missing == 0:
            if not open_arrays:
                return elements[0], at
            elements, missing = open_arrays.pop()
        missing -= 1
        kind = body[at]
        if kind == ARRAY:
            _, count = U8_U32.unpack_from(body, at)
            at += 5
            inner: List[Data] = []
            elements.append(ArrayData(inner))
            open_arrays.append((elements, missing))
            elements, missing = inner, count
        else:
            data, at = _read_leaf(kind, body, at)
            elements.append(data)


def _read_leaf(kind: int, body: bytes, at: int) -> Tuple[Data, int]:
    if kind in (BYTES, FILE):
        return _read_bytes(body, at)
    if kind == INDEX:
        content, at = _read_bytes(body, at + 1)
        (pieces,) = U32.unpack_from(body, at)
        end = at + 4 + 8 * (pieces + 1)
        offsets = array.array("Q", body[at + 4 : end])
        if len(offsets) != pieces + 1:
            raise ProtocolError("an index is longer than its frame")
        if sys.byteorder == "big":
            offsets.byteswap()
        return IndexData(content, offsets), end
    if kind == VALUE:
        type_name, at = _read_text(body, at + 1)
        content, at = _read_bytes(body, at)
        return ValueData(type_name, content), at
    raise ProtocolError(f"unknown kind of object {kind}")


def _read_bytes(body: bytes, at: int) -> Tuple[Data, int]:
    kind, size = U8_U32.unpack_from(body, at)
    end = at + 5 + size
    if end > len(body):
        raise ProtocolError("an object is longer than its frame")
    if kind == BYTES:
        return BytesData(body[at + 5 : end]), end
    if kind == FILE:
        offset, length = FILE_RANGE.unpack_from(body, end)
        return FileData(body[at + 5 : end].decode(), offset, length), end + FILE_RANGE.size
    raise ProtocolError(f"kind {kind} where bytes or a file are expected")
