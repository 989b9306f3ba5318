"""Functions of JavaScript as tasks: ``js_call``. Owns how they are named for the workers. Part of
``tasks``.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any, Iterable, Optional, Union

from .errors import LoomError
from .future import BaseFuture
from .resources import ResourceRequest, cpu1
from .task import Task


def js_call(
    function: str,
    inputs: Union[Iterable[Any], Task, BaseFuture] = (),
    args: Iterable[Any] = (),
    request: Optional[ResourceRequest] = cpu1,
    *,
    priority: int = 0,
    expected_ms: Optional[float] = None,
    expected_bytes: Optional[float] = None,
) -> Task:
    """A task that calls a JavaScript function on a worker, by its name.

    Args:
        function: ``"module:function"``: a package or path that the worker can import (relative
            paths: to the worker's current directory), and the name of the export.
        inputs: tasks and futures; the function gets them after ``args``.
        args: what JSON can express.
        request: what it holds while it runs; default: one core.
        priority: of the tasks that could start, those with a higher one come first; -100 to 100.
        expected_ms: milliseconds that it will take, as you expect; default: unknown.
        expected_bytes: size of its result, as you expect; default: unknown.

    Example:
        >>> tasks.js_call("/srv/text.mjs:countWords", [tasks.open("/data/book.txt")], args=["de"])
    """
    module, colon, export = function.rpartition(":") if isinstance(function, str) else ("", "", "")
    if not (module and export):
        raise LoomError(f'js_call needs "module:function", got {function!r}')
    try:
        payload = json.dumps(list(args), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LoomError(
            f"the arguments of {function} cannot be written as JSON: {error}; pass what is no JSON "
            "as an input"
        ) from error
    header = json.dumps(
        {
            "name": export,
            "hash": hashlib.sha256(function.encode()).hexdigest(),
            "codeBytes": 0,
            "context": False,
            "module": module,
            "export": export,
        }
    ).encode()
    function_object = Task("loom/data/const", (), struct.pack("<I", len(header)) + header)
    function_object.label = f"function {export}"
    given = (inputs,) if isinstance(inputs, (Task, BaseFuture)) else tuple(inputs)
    config = b"\2" + payload if payload != b"[]" else b"\0"
    return Task(
        "loom/js/call",
        (function_object, *given),
        config,
        request,
        label=export,
        priority=priority,
        expected_ms=expected_ms,
        expected_bytes=expected_bytes,
    )
