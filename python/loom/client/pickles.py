"""Python objects as bytes: pickling with errors that say what could not be pickled, and reading
results back, with the buffers of large ones in place (docs/function-processes.md).
"""

from __future__ import annotations

import collections
import functools
import io
import pickle
import struct
import types
from typing import Any, List, Tuple

from .errors import LoomError, describe_cause

# functools.partial(pickle.loads, buffers=[...])(inner pickle), as opcodes up to the buffers.
_PREFIX = (
    b"\x80\x05\x8c\x09functools\x8c\x07partial\x93\x8c\x06pickle\x8c\x05loads\x93\x85"
    b"}\x8c\x07buffers]("
)
_SHORT_BINBYTES, _POP = 0x43, 0x30
_BYTEARRAY8, _BINBYTES8 = 0x96, 0x8E
_APPENDS = 0x65
_AFTER_BUFFERS = b"es\x92\x8e"
_END = b"\x85R."
_U64 = struct.Struct("<Q")


def dumps(value: object, what: str) -> bytes:
    """Pickles with cloudpickle.

    Raises:
        LoomError: ``what`` cannot be pickled because ...
    """
    pickler = _pickler()
    content = io.BytesIO()
    try:
        pickler(content).dump(value)
        return content.getvalue()
    except Exception as error:  # pickling calls methods of any object
        raise LoomError(
            f"{what} cannot be pickled: {describe_cause(error)}; leave out what belongs to this "
            "process (locks, connections, open files), or make it inside the function"
        ) from error


@functools.lru_cache(maxsize=None)
def _pickler() -> Any:
    """cloudpickle's, with the file in which code was written: tracebacks name it.

    From 3.1.3 on cloudpickle leaves it out.
    """
    # Not needed by those who only read results.
    import cloudpickle  # type: ignore[import-untyped]

    reducers = cloudpickle.Pickler.dispatch_table
    reduce = reducers[types.CodeType]

    def reduce_code(code: types.CodeType) -> Tuple[object, ...]:
        make, arguments = reduce(code)
        # A copy: what is memoized must not depend on who else has the text.
        file = "".join(code.co_filename)
        return make, tuple(file if each == "<dynamic-code>" else each for each in arguments)

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        dispatch_table = collections.ChainMap({types.CodeType: reduce_code}, reducers)

    return Pickler


def loads(content: memoryview, what: str) -> Any:
    """Reads a pickle; buffers stored as laid out for that stay where they are.

    Raises:
        LoomError: ``what`` cannot be unpickled because ...
    """
    try:
        if bytes(content[: len(_PREFIX)]) == _PREFIX:
            # What was writable where it was made has to be so here; small results come as bytes.
            own = memoryview(bytearray(content)) if content.readonly else content
            try:
                inner, buffers = _take_apart(own)
            except (struct.error, IndexError):
                pass  # made by someone else in another way: it is a valid pickle as a whole
            else:
                return pickle.loads(inner, buffers=buffers)
        return pickle.loads(content)
    except MemoryError:
        raise
    except Exception as error:  # unpickling calls any constructor
        raise LoomError(
            f"{what} cannot be unpickled: {describe_cause(error)}; what it consists of must be "
            "importable here, too"
        ) from error


def _take_apart(content: memoryview) -> Tuple[memoryview, List[memoryview]]:
    buffers: List[memoryview] = []
    at = len(_PREFIX)
    while content[at] != _APPENDS:
        opcode = content[at]
        if opcode == _SHORT_BINBYTES and content[at + 2 + content[at + 1]] == _POP:
            at += 3 + content[at + 1]
            continue
        if opcode not in (_BYTEARRAY8, _BINBYTES8):
            raise IndexError
        begin = at + 9
        (length,) = _U64.unpack_from(content, at + 1)
        at = begin + length
        if at > len(content):
            raise IndexError
        # The inner pickle says which ones are read-only.
        buffers.append(content[begin:at])
    begin = at + len(_AFTER_BUFFERS) + 8
    (length,) = _U64.unpack_from(content, begin - 8)
    inner = content[begin : begin + length]
    if bytes(content[at : begin - 8]) != _AFTER_BUFFERS or bytes(content[begin + length :]) != _END:
        raise IndexError
    return inner, buffers
