"""Shows in a terminal, on standard error, what becomes of a client's tasks, once some have been
unfinished for a second. Owns when something is shown; what, is progress_lines.py's, how,
terminal_block.py's. report_listeners.py tells it of progress; docs/progress.md describes it for
users.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import Iterable, Mapping, Optional, Sequence, TextIO

from .client.reports import LabelProgress, Progress
from .progress_lines import ProgressTracker, progress_lines, progress_summary
from .terminal_block import TerminalBlock

_SHOWN_AFTER_MS = 1000
_REFRESH_S = 0.25

#: Of several clients in this process one at a time is shown.
_shown: Optional[ProgressDisplay] = None
_shown_lock = threading.RLock()


def is_progress_shown(
    wanted: Optional[bool], terminal: Optional[TextIO], environment: Mapping[str, str]
) -> bool:
    """Whether progress is to be shown.

    Args:
        wanted: what the user says in the program; None: nothing.
        terminal: standard error; None where a process has none.
        environment: variables.
    """
    try:
        if terminal is None or not terminal.isatty() or environment.get("TERM") == "dumb":
            return False
    except ValueError:
        return False  # closed
    if wanted is not None:
        return wanted
    said = environment.get("LOOM_PROGRESS", "").strip().lower()
    if said in ("0", "false", "no", "off"):
        return False
    if said in ("1", "true", "yes", "on"):
        return True
    return environment.get("CI", "").lower() in ("", "0", "false")


def shows_unicode(environment: Mapping[str, str]) -> bool:
    """Whether the terminal shows more than ASCII, as far as the environment tells."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "").lower()
    return "utf-8" in locale or "utf8" in locale


class ProgressDisplay:
    """The display of one client.

    Args:
        terminal: standard error.
        others: who else shows this client's progress: while there is anybody, nothing is shown.
    """

    def __init__(self, terminal: TextIO, others: Sequence[object]) -> None:
        self._terminal = terminal
        self._others = others
        self._tracker = ProgressTracker()
        self._block: Optional[TerminalBlock] = None
        self._was_shown = False
        self._ended = False
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._refresher: Optional[threading.Thread] = None
        self._idle = threading.Event()

    def add(self, progress: Progress, labels: Iterable[LabelProgress]) -> None:
        """The server has told this."""
        with self._lock:
            if self._ended:
                return
            self._tracker.add(_now_ms(), progress, labels)
            if self._tracker.busy_since_ms is None:
                self._hide()
            elif self._refresher is None:
                self._idle.clear()
                self._refresher = threading.Thread(
                    target=self._refresh_until_idle, name="loom progress", daemon=True
                )
                try:
                    self._refresher.start()
                except RuntimeError:
                    self._ended = True  # the interpreter is about to end

    def step_aside(self) -> None:
        """Somebody else is about to show progress."""
        with self._lock:
            if self._block is not None:
                self._block.erase()

    def end(self) -> None:
        """The client has ended."""
        if os.getpid() != self._pid:  # in a fork, the terminal is the parent's
            return
        with self._lock:
            if self._ended:
                return
            self._ended = True
            atexit.unregister(self.end)
            line: Optional[str] = None
            if self._was_shown and not self._others:
                finished, failed, unfinished, busy_ms = self._tracker.sum(_now_ms())
                line = progress_summary(finished, failed, unfinished, busy_ms)
            if self._block is None and line is not None:
                try:
                    self._terminal.write(f"{line}\n")
                    self._terminal.flush()
                except (OSError, ValueError):
                    pass  # the terminal is gone
            self._hide(line)

    def _refresh_until_idle(self) -> None:
        while not self._idle.wait(_REFRESH_S):
            with self._lock:
                if not self._idle.is_set():
                    self._refresh()

    def _refresh(self) -> None:
        since_ms, now_ms = self._tracker.busy_since_ms, _now_ms()
        if since_ms is None or now_ms - since_ms < _SHOWN_AFTER_MS:
            return
        if self._others:
            self.step_aside()
            return
        if self._block is None and not self._show():
            return
        assert self._block is not None
        try:
            columns, rows = os.get_terminal_size(self._terminal.fileno())
        except (OSError, ValueError):
            columns, rows = 80, 24
        unicode = shows_unicode(os.environ)
        view = self._tracker.view(now_ms)
        # A terminal without a size says 0.
        self._block.draw(progress_lines(view, columns or 80, rows or 24, unicode))

    def _show(self) -> bool:
        global _shown
        with _shown_lock:
            if _shown is not None:
                return False
            _shown = self
        if not self._was_shown:
            self._was_shown = True
            atexit.register(self.end)
        streams = [each for each in (sys.stdout, sys.stderr) if each is not None and each.isatty()]
        self._block = TerminalBlock(self._terminal, streams)
        return True

    def _hide(self, line: Optional[str] = None) -> None:
        global _shown
        self._idle.set()
        self._refresher = None
        if self._block is None:
            return
        self._block.end(line)
        self._block = None
        with _shown_lock:
            if _shown is self:
                _shown = None


def _now_ms() -> float:
    return time.monotonic() * 1000
