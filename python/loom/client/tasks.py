"""Functions that make tasks of the built-in types, of programs, and of Python functions.

Nothing happens until a task is submitted; wrong arguments raise LoomError at once.

Example:
    >>> from loom.client import Client, tasks
    >>> words = tasks.run("sort -u", stdin=tasks.open("words.txt"))
    >>> first = tasks.get(tasks.split(words), 0)
    >>> Client("localhost:9010").submit_one(first).gather()
"""

from __future__ import annotations

import operator
import os
import struct
from typing import Any, Iterable, List, Optional, SupportsIndex, Union

from .errors import LoomError
from .functions import PyTask, py_call, py_task, py_value
from .future import BaseFuture
from .js_functions import js_call
from .resources import ResourceRequest, any_of, cpu1, cpus, resources
from .run_task import run
from .task import BytesLike, Task, as_bytes

__all__ = [
    "PyTask",
    "ResourceRequest",
    "Task",
    "any_of",
    "array_make",
    "const",
    "cpu1",
    "cpus",
    "dget",
    "dslice",
    "get",
    "js_call",
    "length",
    "merge",
    "open",
    "py_call",
    "py_task",
    "py_value",
    "resources",
    "run",
    "save",
    "size",
    "slice",
    "split",
]

TaskLike = Union[Task, BaseFuture]
Inputs = Union[TaskLike, Iterable[TaskLike]]

_MAX_U64 = 2**64 - 1


def const(data: Union[BytesLike, str]) -> Task:
    """The given bytes (text as UTF-8).

    Example:
        >>> tasks.const("Hello")
    """
    return Task("loom/data/const", (), as_bytes(data, "the content of tasks.const"))


def merge(inputs: Inputs, delimiter: Union[BytesLike, str] = b"") -> Task:
    """All inputs' bytes one after another, with the delimiter between them.

    Example:
        >>> tasks.merge([tasks.const("a"), tasks.const("b")], delimiter=", ")
    """
    return Task("loom/data/merge", _several(inputs), as_bytes(delimiter, "the delimiter"))


def open(path: Union[str, os.PathLike[str]]) -> Task:
    """The content of a file that the workers see; the path is made absolute here.

    Example:
        >>> tasks.open("words.txt")
    """
    return Task("loom/data/open", (), _absolute(path))


def split(input: TaskLike, char: Union[BytesLike, str, None] = None) -> Task:
    """Pieces that each end with the byte ``char``; default: lines.

    Example:
        >>> tasks.get(tasks.split(tasks.open("words.txt")), 0)
    """
    config = b"" if char is None else as_bytes(char, "the char of tasks.split")
    if len(config) > 1:
        raise LoomError(f"tasks.split splits after one byte, got {char!r}")
    return Task("loom/data/split", (input,), config)


def save(input: TaskLike, path: Union[str, os.PathLike[str]]) -> Task:
    """Writes the bytes to a file on the worker's machine; the result is empty.

    The path is made absolute here.

    Example:
        >>> client.submit_one(tasks.save(task, "/shared/result.txt")).gather()
    """
    return Task("loom/data/save", (input,), _absolute(path))


def array_make(inputs: Inputs) -> Task:
    """An array of the inputs' results: the client gets a list.

    Example:
        >>> tasks.array_make([tasks.const("a"), tasks.const("b")])
    """
    return Task("loom/array/make", _several(inputs))


def get(input: TaskLike, index: SupportsIndex) -> Task:
    """Element ``index`` (from 0) of an array or of pieces; out of range fails the task.

    Example:
        >>> tasks.get(tasks.split(text), 3)
    """
    return Task("loom/base/get", (input,), struct.pack("<Q", _u64(index, "index")))


def slice(input: TaskLike, start: SupportsIndex, end: Optional[SupportsIndex] = None) -> Task:
    """Elements ``[start, end)``, clamped: of an array an array, of pieces their bytes joined.

    Example:
        >>> tasks.slice(tasks.split(text), 10, 20)
    """
    last = _MAX_U64 if end is None else _u64(end, "end")
    return Task("loom/base/slice", (input,), struct.pack("<QQ", _u64(start, "start"), last))


def size(inputs: Inputs) -> Task:
    """Sum of the sizes in bytes: 8 bytes, ``int.from_bytes(value, "little")``.

    Example:
        >>> int.from_bytes(client.submit_one(tasks.size(task)).gather(), "little")
    """
    return Task("loom/base/size", _several(inputs))


def length(inputs: Inputs) -> Task:
    """Sum of the numbers of elements: 8 bytes, ``int.from_bytes(value, "little")``.

    Example:
        >>> tasks.length(tasks.split(text))
    """
    return Task("loom/base/length", _several(inputs))


def dslice(input: TaskLike) -> Task:
    """Stands for slices of an array or of pieces: what depends on it is executed once for each. The
    server makes them when the length is known, some for each core of the cluster. ``array_make``
    collects what comes out, in order; nothing else that depends on it can be a result.

    Example:
        >>> a = tasks.dslice(tasks.split(text))
        >>> tasks.array_make([tasks.run("wc -l", stdin=a)])
    """
    return Task("loom/scheduler/dslice", (input,))


def dget(input: TaskLike) -> Task:
    """Stands for each element of an array or of pieces; see :func:`dslice`. An empty input fails.

    Example:
        >>> a = tasks.dget(tasks.split(text))
        >>> tasks.array_make([tasks.run("wc -c", stdin=a)])
    """
    return Task("loom/scheduler/dget", (input,))


def _several(inputs: Inputs) -> List[Any]:
    if isinstance(inputs, (Task, BaseFuture)):
        return [inputs]
    try:
        return list(inputs)
    except TypeError:
        raise LoomError(f"a list of tasks is expected, got {type(inputs).__name__}") from None


def _absolute(path: Union[str, os.PathLike[str]]) -> bytes:
    try:
        return os.fsencode(os.path.abspath(path))
    except (TypeError, ValueError) as error:
        raise LoomError(f"wrong path {path!r}: {error}") from None


def _u64(number: SupportsIndex, name: str) -> int:
    try:
        value = operator.index(number)
    except TypeError:
        value = -1
    if 0 <= value <= _MAX_U64:
        return value
    raise LoomError(f"{name} must be an integer from 0 up, got {number!r}")
