"""Functions that wrap an object; the bytes of it, sent to another call or loaded elsewhere."""

from __future__ import annotations

import subprocess
from typing import Any, Callable

from . import wire


def wrap(make: Callable[[], Any]) -> Any:
    return (lambda context, *inputs: context.wrap(make(*inputs))), True


def content_of(value: wire.Value) -> bytes:
    assert value.type == "loom/pyobj"
    return value.content if isinstance(value.content, bytes) else value.content.content()


def resend(value: wire.Value) -> wire.Value:
    """A result as an input of the next call."""
    if isinstance(value.content, bytes):
        return value
    return wire.Value(wire.File(value.content.path, 0, value.content.size))


def load_elsewhere(python: str, content: bytes, expression: str) -> str:
    """What an expression of x, the unpickled object, prints in another interpreter."""
    code = f"import pickle, sys; x = pickle.load(sys.stdin.buffer); print({expression})"
    run = subprocess.run([python, "-c", code], input=content, capture_output=True, cwd="/")
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode().strip()
