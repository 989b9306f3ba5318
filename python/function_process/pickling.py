"""Python objects as bytes and back. Owns the choice between pickle and cloudpickle, and the layout
of pickles with buffers outside (docs/function-processes.md, "Functions and arguments: Python").

Used for wrapped objects, direct arguments and functions.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Callable, List, Tuple, Union

import cloudpickle  # type: ignore[import-untyped]

from .bytecode import make_code
from .protocol import U64

Buffer = Union[bytes, bytearray, memoryview]

# Modules that exist in one process only; what they define travels by value.
SOURCE_MODULE_PREFIX = "hyperloom_source_"

# Smaller ones are put into the pickle itself.
MIN_BUFFER_BYTES = 4096
ALIGNMENT = 64
# Pickle makes pieces of 64 KiB, except of large bytes and strings: they are given on as they are.
MAX_FRAME_BYTES = 256 * 1024

PREFIX = (
    b"\x80\x05\x8c\x09functools\x8c\x07partial\x93\x8c\x06pickle\x8c\x05loads\x93\x85"
    b"}\x8c\x07buffers]("
)
BEFORE_INNER = b"es\x92\x8e"
AFTER_INNER = b"\x85R."
SHORT_BINBYTES, POP, BYTEARRAY8, BINBYTES8 = b"C", b"0", b"\x96", b"\x8e"

SCALARS = frozenset((int, float, bool, complex, type(None)))

Dumped = Tuple[List[Buffer], List[memoryview]]


class _Sink:
    """The file of a pickler: keeps the pieces apart."""

    def __init__(self, parts: List[Buffer]) -> None:
        self.write = parts.append


def _dump_with(pickler: Callable[..., Any], value: Any) -> Dumped:
    parts: List[Buffer] = []
    buffers: List[memoryview] = []

    def goes_into_pickle(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < MIN_BUFFER_BYTES:
            return True
        buffers.append(raw)
        return False

    pickler(_Sink(parts), protocol=5, buffer_callback=goes_into_pickle).dump(value)
    return parts, buffers


def _needs_cloudpickle(parts: List[Buffer]) -> bool:
    """Whether a plain pickle may refer to what only this process has.

    Names of modules are never divided between parts.
    """
    for part in parts:
        if len(part) <= MAX_FRAME_BYTES and not isinstance(part, memoryview):
            if b"__main__" in part or SOURCE_MODULE_PREFIX.encode() in part:
                return True
    return False


def _registered_by_user() -> bool:
    return any(
        not name.startswith(SOURCE_MODULE_PREFIX)
        for name in cloudpickle.list_registry_pickle_by_value()
    )


def _dump_parts(value: Any) -> Dumped:
    # Plain pickle is several times faster, and refuses most of what only cloudpickle can do.
    if not _registered_by_user():
        try:
            dumped = _dump_with(pickle.Pickler, value)
            if not _needs_cloudpickle(dumped[0]):
                return dumped
        except Exception:
            pass  # cloudpickle tries, and says what is wrong
    return _dump_with(cloudpickle.Pickler, value)


def dump(value: Any) -> List[Buffer]:
    """The pickle of any object, in parts; large buffers are among them as they are."""
    if type(value) in SCALARS:
        return [pickle.dumps(value, 5)]
    inner, buffers = _dump_parts(value)
    if not buffers:
        return inner
    parts: List[Buffer] = [PREFIX]
    position = len(PREFIX)
    for buffer in buffers:
        padding = -(position + 12) % ALIGNMENT
        opcode = BINBYTES8 if buffer.readonly else BYTEARRAY8
        header = b"".join(
            (
                SHORT_BINBYTES,
                bytes((padding,)),
                bytes(padding),
                POP,
                opcode,
                U64.pack(buffer.nbytes),
            )
        )
        parts += (header, buffer)
        position += len(header) + buffer.nbytes
    parts.append(BEFORE_INNER + U64.pack(sum(map(len, inner))))
    parts += inner
    parts.append(AFTER_INNER)
    return parts


def _take_apart(data: memoryview) -> Tuple[memoryview, List[memoryview]]:
    """Inner pickle and buffers of the layout above; no buffers: it is a plain pickle."""
    buffers: List[memoryview] = []
    end = len(data)
    position = len(PREFIX)
    if data[:position] != PREFIX:
        return data, []
    while position + 14 <= end:
        if data[position : position + 1] == SHORT_BINBYTES:
            position += 2 + data[position + 1]
            if data[position : position + 1] != POP:
                break
            position += 1
        opcode = bytes(data[position : position + 1])
        if opcode == BEFORE_INNER[:1]:
            start = position + len(BEFORE_INNER)
            if data[position:start] != BEFORE_INNER or start + 8 > end:
                break
            inner = data[start + 8 : start + 8 + U64.unpack_from(data, start)[0]]
            if data[start + 8 + len(inner) :] != AFTER_INNER:
                break
            return inner, buffers
        if opcode not in (BYTEARRAY8, BINBYTES8) or position + 9 > end:
            break
        start = position + 9
        position = start + U64.unpack_from(data, start - 8)[0]
        buffer = data[start:position]
        buffers.append(buffer.toreadonly() if opcode == BINBYTES8 else buffer)
    return data, []


def load(data: memoryview) -> Any:
    """The object of a pickle. In a writable (mapped) one, buffers are used where they are."""
    if not data.readonly:
        inner, buffers = _take_apart(data)
        if buffers:
            return pickle.loads(inner, buffers=buffers)
    return pickle.loads(data)


class _CheckedUnpickler(pickle.Unpickler):
    """Refuses functions whose bytecode is that of another Python: running it kills the process."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if name == "_builtin_type" and module.startswith("cloudpickle"):
            return lambda type_name: make_code if type_name == "CodeType" else found(type_name)
        return found


def load_checked(data: memoryview) -> Any:
    """Like `load`, for what may contain functions.

    :raises ForeignBytecode: a function comes from another version of Python
    """
    if data.readonly:
        return _CheckedUnpickler(io.BytesIO(data)).load()
    inner, buffers = _take_apart(data)
    return _CheckedUnpickler(io.BytesIO(inner), buffers=buffers or None).load()
