"""The worker's side of docs/function-processes.md for tests: a second implementation, which shares
nothing with the process.

Objects to send are bytes (plain), lists (arrays) or one of the classes here. Results come back
as `Result`s: bytes, lists, or FileResult, Value, Input, Piece, Task.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any, Dict, List, Tuple, Union

CONFIGURE, DEFINE, FORGET, CALL, CANCEL, HOLD = range(6)
READY, RESULT, FAILED, LOG = range(4)


@dataclasses.dataclass
class File:
    path: str
    offset: int
    length: int

    def encode(self) -> bytes:
        return b"\x02" + text(self.path) + struct.pack("<QQ", self.offset, self.length)


@dataclasses.dataclass
class Index:
    content: Union[bytes, File]
    offsets: List[int]

    def encode(self) -> bytes:
        n = len(self.offsets)
        return b"\x04" + obj(self.content) + struct.pack(f"<I{n}Q", n - 1, *self.offsets)


@dataclasses.dataclass
class Value:
    """An object to send, and a result."""

    content: Any
    type: str = "loom/pyobj"

    def encode(self) -> bytes:
        return b"\x05" + text(self.type) + obj(self.content)


@dataclasses.dataclass
class FileResult:
    path: str
    size: int

    def content(self) -> bytes:
        with open(self.path, "rb") as file:
            content = file.read()
        assert len(content) == self.size
        return content


@dataclasses.dataclass
class Input:
    number: int


@dataclasses.dataclass
class Piece:
    number: int
    piece: int


@dataclasses.dataclass
class Task:
    type: str
    config: bytes
    inputs: List[Any]


@dataclasses.dataclass
class Result:
    serial: int
    duration_us: int
    value: Any


@dataclasses.dataclass
class Failed:
    serial: int
    duration_us: int
    message: str


@dataclasses.dataclass
class Log:
    serial: int
    level: int
    message: str


@dataclasses.dataclass
class Ready:
    fields: Dict[str, str]


def data(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def text(content: str) -> bytes:
    return data(content.encode())


def obj(value: Any) -> bytes:
    if isinstance(value, bytes):
        return b"\x01" + data(value)
    if isinstance(value, list):
        return b"\x03" + struct.pack("<I", len(value)) + b"".join(map(obj, value))
    encoded: bytes = value.encode()
    return encoded


def frame(*records: bytes) -> bytes:
    return data(b"".join(records))


def configure(directories: List[str], inline_limit: int = 65536) -> bytes:
    fields = {"directories": directories, "inlineLimit": inline_limit}
    return b"\x00" + text(json.dumps(fields))


def define(number: int, function: Any) -> bytes:
    return b"\x01" + struct.pack("<I", number) + obj(function)


def forget(number: int) -> bytes:
    return b"\x02" + struct.pack("<I", number)


def call(
    serial: int,
    function: int,
    inputs: Any = (),
    config: bytes = b"",
    task_id: int = 0,
    attempt: int = 1,
    flags: int = 0,
) -> bytes:
    header = struct.pack("<BIiIBI", CALL, serial, task_id, attempt, flags, function)
    count = struct.pack("<I", len(inputs))
    return header + data(config) + count + b"".join(map(obj, inputs))


def cancel(serial: int, reason: int = 1) -> bytes:
    return struct.pack("<BIB", CANCEL, serial, reason)


class Reader:
    """Reads fields of a body from the front."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def take(self, size: int) -> bytes:
        part = self.body[self.at : self.at + size]
        assert len(part) == size, f"the frame ends {size - len(part)} bytes too early"
        self.at += size
        return part

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def data(self) -> bytes:
        return self.take(self.u32())

    def text(self) -> str:
        return self.data().decode()

    def result(self, may_be_task: bool) -> Any:
        kind = self.u8()
        if kind == 1:
            return self.data()
        if kind == 2:
            return FileResult(self.text(), self.u64())
        if kind == 3:
            return [self.result(False) for _ in range(self.u32())]
        if kind == 5:
            type_name = self.text()
            content = self.result(False)
            assert isinstance(content, (bytes, FileResult))
            return Value(content, type_name)
        if kind == 6:
            return Input(self.u32())
        if kind == 7:
            return Piece(self.u32(), self.u64())
        assert kind == 9 and may_be_task, f"kind {kind}"
        type_name, config, count = self.text(), self.data(), self.u32()
        return Task(type_name, config, [self.result(True) for _ in range(count)])

    def record(self) -> Any:
        op = self.u8()
        if op == READY:
            return Ready(json.loads(self.text()))
        serial = self.u32()
        if op == RESULT:
            return Result(serial, self.u32(), self.result(True))
        if op == FAILED:
            return Failed(serial, self.u32(), self.text())
        assert op == LOG, f"op {op}"
        return Log(serial, self.u8(), self.text())


def records(body: bytes) -> List[Any]:
    reader = Reader(body)
    found = []
    while reader.at < len(body):
        found.append(reader.record())
    return found


LAYOUT_START = (
    b"\x80\x05\x8c\x09functools\x8c\x07partial\x93\x8c\x06pickle\x8c\x05loads\x93\x85"
    b"\x7d\x8c\x07buffers\x5d\x28"
)


def layout(pickled: bytes) -> Tuple[bytes, List[Tuple[int, int, bool]]]:
    """Takes a pickle with outside buffers apart: inner pickle, (offset, size, writable) of each."""
    reader = Reader(pickled)
    assert reader.take(len(LAYOUT_START)) == LAYOUT_START
    buffers = []
    while True:
        op = reader.take(1)
        if op == b"C":
            assert not any(reader.take(reader.u8()))
            assert reader.take(1) == b"0"
        elif op in b"\x96\x8e":
            size = reader.u64()
            buffers.append((reader.at, size, op == b"\x96"))
            reader.take(size)
        else:
            break
    assert op + reader.take(3) == b"\x65\x73\x92\x8e"
    inner = reader.take(reader.u64())
    assert pickled[reader.at :] == b"\x85\x52\x2e"
    return inner, buffers
