"""What a function returned, as a result of the protocol. Owns what is a valid result, and the
messages for what is none. Called by serve.py after each call that returns more than small bytes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Dict, List, Optional

from . import pickling
from .data import Data, PieceData, WrappedData, number_objects
from .failure import InvalidResult, exception_line
from .pickling import Buffer
from .protocol import (
    ARRAY,
    BYTES,
    FILE,
    INPUT,
    INPUT_RESULT,
    MAX_U32,
    PIECE,
    PIECE_RESULT,
    PYOBJ,
    TASK,
    U8_U32,
    U32,
    U64,
    VALUE,
    text_field,
)
from .result_files import ResultFiles

# As deep as the encoder gets within Python's usual limit of 1000 calls.
MAX_DEPTH = 300
MAX_DEPTH_SHOWN = 20

WHAT_TO_DO = (
    "return str, bytes, an input, a list or tuple of these, or a task; any other object has to be "
    "wrapped: ctx.wrap(...), in a function with context"
)


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _is_task(value: Any) -> bool:
    return hasattr(value, "task_type") and hasattr(value, "config") and hasattr(value, "inputs")


class ResultEncoder:
    """Encodes the result of one call."""

    __slots__ = ("_files", "_inline_limit", "_inputs", "_made", "_numbers", "_parts")

    def __init__(self, inputs: List[Data], inline_limit: int, files: ResultFiles) -> None:
        self._inputs = inputs
        self._inline_limit = inline_limit
        self._files = files
        self._made: List[str] = []
        self._numbers: Optional[Dict[int, int]] = None
        self._parts: List[bytes] = []

    def encode(self, result: Any) -> bytes:
        """The result's bytes. When it raises, it leaves no file behind.

        :raises InvalidResult: it is none, or can't be pickled
        :raises FunctionError: there is no room for it
        """
        try:
            self._put(result, 0, True)
        except BaseException:
            for path in self._made:
                os.unlink(path)
            raise
        return b"".join(self._parts)

    def _put(self, value: Any, depth: int, may_be_task: bool) -> None:
        kind = type(value)
        if kind is bytes:
            self._put_bytes([value], len(value))
        elif isinstance(value, str):
            try:
                data = value.encode()
            except UnicodeEncodeError as error:
                raise InvalidResult(f"text that is not UTF-8: {error}") from None
            self._put_bytes([data], len(data))
        elif isinstance(value, Data):
            self._put_data(value)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            view = memoryview(value)
            flat = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
            self._put_bytes([flat], view.nbytes)
        elif kind is not list and kind is not tuple and _is_task(value):
            self._put_task(value, depth, may_be_task)
        elif isinstance(value, Sequence):
            self._put_array(value, depth)
        else:
            raise self._no_result(value)

    def _no_result(self, value: Any) -> InvalidResult:
        name = _type_name(value)
        if value is None:
            what = f"None: it returns nothing; {WHAT_TO_DO}"
        elif name in ("generator", "async_generator"):
            what = f"a {name}: collect what it gives, e.g. in a list; {WHAT_TO_DO}"
        else:
            what = f"{name}: {WHAT_TO_DO}"
        return InvalidResult(what)

    def _too_deep(self) -> InvalidResult:
        return InvalidResult(
            f"lists or tasks are nested more than {MAX_DEPTH} levels deep (does one contain "
            "itself?)"
        )

    def _put_bytes(self, parts: List[Buffer], size: int) -> None:
        if size <= self._inline_limit:
            self._parts.append(U8_U32.pack(BYTES, size))
            self._parts += map(bytes, parts)
            return
        path = self._files.write(parts)
        self._made.append(path)
        self._parts.append(b"%c%b%b" % (FILE, text_field(path), U64.pack(size)))

    def _put_data(self, data: Data) -> None:
        if isinstance(data, WrappedData):
            self._put_object(data.unwrap())
        elif isinstance(data, PieceData):
            number = self._number(data.index)
            self._parts.append(PIECE_RESULT.pack(PIECE, number, data.position))
        else:
            self._parts.append(INPUT_RESULT.pack(INPUT, self._number(data)))

    def _number(self, data: Data) -> int:
        if self._numbers is None:
            self._numbers = number_objects(self._inputs)
        number = self._numbers.get(id(data))
        if number is None:
            raise InvalidResult(
                f"{data!r}, an input of another call: keep what its read() or unwrap() gives"
            )
        return number

    def _put_object(self, value: Any) -> None:
        try:
            parts = pickling.dump(value)
        except Exception as error:
            raise InvalidResult(
                f"an object of type {_type_name(value)} can't be pickled: {exception_line(error)}"
            ) from None
        self._parts.append(b"%c%b" % (VALUE, text_field(PYOBJ)))
        self._put_bytes(parts, sum(memoryview(part).nbytes for part in parts))

    def _put_array(self, values: Any, depth: int) -> None:
        items = list(values)
        self._parts.append(U8_U32.pack(ARRAY, len(items)))
        self._put_items(items, depth, "", False)

    def _put_items(self, items: List[Any], depth: int, prefix: str, may_be_task: bool) -> None:
        if depth == MAX_DEPTH:
            raise self._too_deep()
        position = 0
        try:
            for item in items:
                self._put(item, depth + 1, may_be_task)
                position += 1
        except InvalidResult as error:
            if depth < MAX_DEPTH_SHOWN:
                error.where.append(f"{prefix}[{position}]")
            raise
        except RecursionError:  # the user has set a low limit
            raise self._too_deep() from None

    def _put_task(self, task: Any, depth: int, may_be_task: bool) -> None:
        if not may_be_task:
            raise InvalidResult(
                "a task inside a list; a task can only be the whole result, or an input of a task "
                "(e.g. of loom/array/make)"
            )
        task_type, config, inputs = task.task_type, task.config, task.inputs
        if not isinstance(task_type, str):
            raise InvalidResult(f"{self._of_task(task, 'task_type', task_type)} not str")
        if config is None:
            config = b""
        elif isinstance(config, str):
            config = config.encode()
        elif not isinstance(config, (bytes, bytearray, memoryview)):
            raise InvalidResult(f"{self._of_task(task, 'config', config)} not bytes, str or None")
        if inputs is None:
            inputs = ()
        elif isinstance(inputs, (str, bytes)) or not hasattr(inputs, "__iter__"):
            raise InvalidResult(f"{self._of_task(task, 'inputs', inputs)} not a sequence")
        items = list(inputs)
        config = bytes(config)
        if max(len(config), len(items)) > MAX_U32:
            raise InvalidResult("a task with a config of more than 4 GiB")
        self._parts.append(b"%c%b" % (TASK, text_field(task_type)))
        self._parts.append(U32.pack(len(config)) + config + U32.pack(len(items)))
        self._put_items(items, depth, ".inputs", True)

    def _of_task(self, task: Any, attribute: str, value: Any) -> str:
        return (
            f"{_type_name(task)} has task_type, config and inputs like a task, but its "
            f"{attribute} is of type {_type_name(value)},"
        )
