"""Functions that return the value of an expression, and how the answer to an invalid one begins."""

from __future__ import annotations

from typing import Any

INVALID = "Invalid result from python code"


def constant(make: str) -> Any:
    """A function with context that returns the value of an expression; inputs are a, b, ..."""

    def run(context: Any, *args: Any) -> Any:
        return eval(make, dict(zip("abcdefgh", args), context=context))

    return run, True
