"""A few lines at the end of a terminal that are drawn again and again. Owns how they keep out of
the way of what this process prints: they are erased before it and drawn again behind it.

The cursor rests at the beginning of the block's first line. What others write there (child
processes, a shell after a kill) overwrites the block, never the other way round.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable, List, Optional, Sequence, TextIO

#: Between two drawings because others write: less would flicker.
_REDRAW_S = 0.05
_ERASE = "\r\x1b[J"
#: Synchronized output: terminals that know it show the lines together, however the bytes arrive.
#: Others ignore it.
_BEGIN = "\x1b[?2026h"
_END = "\x1b[?2026l"
_NO_WRAP = "\x1b[?7l"
_WRAP = "\x1b[?7h"


class TerminalBlock:
    """The block.

    Args:
        terminal: where it is drawn.
        others: all terminals that this process writes to, ``terminal`` among them.
    """

    def __init__(self, terminal: TextIO, others: Sequence[TextIO]) -> None:
        # Reentrant: what is written may make the garbage collector write.
        self._lock = threading.RLock()
        self._terminal = terminal
        self._original_write = terminal.write
        self._is_drawn = False
        self._lines: Sequence[str] = ()
        # Others have ended what they wrote with a line break.
        self._at_line_start = True
        self._drawn_s = 0.0
        self._pid = os.getpid()
        self._restore: List[Callable[[], None]] = [self._hook(each) for each in others]

    def draw(self, lines: Sequence[str]) -> None:
        """Shows these lines, unless somebody is in the middle of a line."""
        with self._lock:
            self._lines = lines
            if not self._at_line_start or not lines:
                return
            up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
            drawn = _ERASE + _NO_WRAP + "\n".join(lines) + _WRAP + up + "\r"
            self._write(_BEGIN + drawn + _END)
            self._is_drawn = True
            self._drawn_s = time.monotonic()

    def erase(self) -> None:
        """Erases it, until the next :meth:`draw`."""
        with self._lock:
            if self._is_drawn:
                self._is_drawn = False
                self._write(_ERASE)

    def end(self, line: Optional[str] = None) -> None:
        """Erases it for good; ``line`` takes its place."""
        with self._lock:
            self.erase()
            for restore in self._restore:
                restore()
            self._restore = []
            if line is not None:
                self._write(("" if self._at_line_start else "\n") + line + "\n")

    def _write(self, text: str) -> None:
        try:
            self._original_write(text)
            self._terminal.flush()
        except (OSError, ValueError):
            pass  # the terminal is gone, or the stream is closed

    def _hook(self, stream: TextIO) -> Callable[[], None]:
        original = stream.write
        is_on = True

        def hooked(text: Any) -> Any:
            if not is_on or os.getpid() != self._pid:  # in a fork it is the parent's
                return original(text)
            with self._lock:
                self.erase()
                written = original(text)
                self._written(stream, text)
                return written

        def restore() -> None:
            nonlocal is_on
            is_on = False
            # Somebody may have put his own upon ours.
            if stream.__dict__.get("write") is hooked:
                del stream.__dict__["write"]

        try:
            stream.write = hooked  # type: ignore[method-assign]
        except AttributeError:
            pass  # a stream of another kind: its lines may overwrite the block
        return restore

    def _written(self, stream: TextIO, text: Any) -> None:
        if not isinstance(text, str) or not text:
            return
        self._at_line_start = text.endswith("\n")
        if self._at_line_start and time.monotonic() - self._drawn_s >= _REDRAW_S:
            stream.flush()
            self.draw(self._lines)
