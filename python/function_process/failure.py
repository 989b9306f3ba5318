"""Exceptions as the text of a failure. Owns what is left out of tracebacks; used by serve.py and
for functions that can't be loaded.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import List, Optional

OUR_FOLDER = os.path.dirname(os.path.realpath(__file__)) + os.sep
# `async def` functions run below two or three frames of it.
ASYNCIO_FOLDER = os.path.dirname(os.__file__) + os.sep + "asyncio" + os.sep

MAX_TEXT = 128 * 1024
HEADER = "Traceback (most recent call last):\n"

VERSION = "%d.%d.%d" % sys.version_info[:3]
PYTHON = f"Python {VERSION} ({sys.executable})"


class FunctionError(Exception):
    """A function can't be had, for a reason that its text tells completely."""


class InvalidResult(Exception):
    """A function returned what is no result."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        #: Where in the result: "[2]", ".inputs[0]"; outermost last.
        self.where: List[str] = []

    def message(self) -> str:
        """The text of the failure."""
        at = " at result" + "".join(reversed(self.where)) if self.where else ""
        return f"Invalid result from python code{at}: {self.args[0]}"


def foreign_python_hint() -> str:
    """What to do about bytecode of another Python."""
    return (
        f"The function was pickled by another version of Python than the worker's {VERSION}; "
        "client and workers need the same minor version (3.x) for functions that are defined in "
        "scripts. Functions of importable modules do not depend on it."
    )


def _strip(shown: Optional[traceback.TracebackException]) -> None:
    """Takes our frames out, also those of causes."""
    rest = [shown]
    seen = set()
    while rest:
        error = rest.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        frames: List[traceback.FrameSummary] = []
        for frame in error.stack or ():
            ours = frame.filename.startswith(OUR_FOLDER)
            asyncio = not frames and frame.filename.startswith(ASYNCIO_FOLDER)
            if not ours and not asyncio:
                frames.append(frame)
        error.stack = traceback.StackSummary.from_list(frames)
        rest += (error.__cause__, error.__context__, *(getattr(error, "exceptions", None) or ()))


def shorten(text: str) -> str:
    """Leaves the middle of an enormous text out."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n... {left_out} characters left out ...\n{text[-half:]}"


def _exception_lines(error: BaseException) -> str:
    shown = traceback.TracebackException.from_exception(error)
    _strip(shown)
    text = "".join(shown.format()).rstrip("\n")
    # Without frames of the user's there is nothing below the header.
    if not shown.stack and text.startswith(HEADER):
        text = text[len(HEADER) :]
    return text


def describe_exception(error: BaseException) -> str:
    """The traceback of an exception that user code raised, without our frames."""
    try:
        text = _exception_lines(error)
    except BaseException as unprintable:  # of a class that makes trouble when it is printed
        text = (
            f"{type(error).__name__} (its text can't be shown: it raises "
            f"{type(unprintable).__name__})"
        )
    if isinstance(error, SystemError) and "opcode" in text:
        text += "\n" + foreign_python_hint()
    return shorten(text)


def exception_line(error: BaseException) -> str:
    """Only type and text of an exception."""
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip()
    except BaseException:
        return type(error).__name__
