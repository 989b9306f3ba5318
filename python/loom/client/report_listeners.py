"""Who hears what a server reports besides results: progress, lines that functions log, notices.

Owns the listeners, the latest progress, and what happens where nobody listens: notices are logged,
progress is shown. Called by the session.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Set

from .errors import ProtocolError
from .messages import LabelCounts, Response, ResponseType
from .reports import LabelProgress, LogLine, Progress

if TYPE_CHECKING:
    from ..progress_display import ProgressDisplay

_log = logging.getLogger("loom")

_LEVELS = {1: "debug", 2: "info", 3: "warn", 4: "error", 5: "critical"}


class ReportListeners:
    """Those of one connection. A kind is "progress", "log" or "notice".

    Args:
        server: its address, for what is logged.
    """

    def __init__(self, server: str) -> None:
        self.progress: Optional[Progress] = None
        #: The same by label, in the order in which the labels came.
        self.labels: Dict[str, LabelProgress] = {}
        #: Shows the progress in the terminal; None: it is not shown.
        self.display: Optional[ProgressDisplay] = None
        self._server = server
        kinds = ("progress", "log", "notice")
        self._listeners: Dict[str, List[Callable[[Any], object]]] = {kind: [] for kind in kinds}
        # Notices that were logged: each once.
        self._noticed: Set[str] = set()

    def show_progress(self, wanted: Optional[bool]) -> None:
        """Shows progress in the terminal, if there is one; see ``Client``."""
        from ..progress_display import ProgressDisplay, is_progress_shown

        if is_progress_shown(wanted, sys.stderr, os.environ):
            self.display = ProgressDisplay(sys.stderr, self._listeners["progress"])

    def add(self, kind: str, listener: Callable[[Any], object]) -> bool:
        """Calls it back in the connection's thread; whether it is the only one of its kind."""
        listeners = self._listeners[kind]
        listeners.append(listener)
        if kind == "progress" and self.display is not None:
            self.display.step_aside()
        return len(listeners) == 1

    def remove(self, kind: str, listener: Callable[[Any], object]) -> bool:
        """Ends :meth:`add`; whether it was the last one of its kind."""
        listeners = self._listeners[kind]
        if listener not in listeners:
            return False
        listeners.remove(listener)
        return not listeners

    def receive(self, response: Response) -> bool:
        """Takes a PROGRESS, LOG or NOTICE; False: it is another response."""
        kind = response.type
        if kind == ResponseType.PROGRESS:
            done = response.n_finished + response.n_failed
            progress = Progress(
                response.n_finished, response.n_failed, done + response.n_unfinished
            )
            self._receive_labels(response.labels)
            self.progress = progress
            if self.display is not None:
                self.display.add(progress, self.labels.values())
            self._tell("progress", progress)
        elif kind == ResponseType.LOG:
            log = response.log
            if log is None:
                raise ProtocolError("a LOG response has no content")
            level = _LEVELS.get(log.level, str(log.level))
            self._tell("log", LogLine(log.task_id, level, log.text, log.worker))
        elif kind == ResponseType.NOTICE:
            if self._listeners["notice"]:
                self._tell("notice", response.notice)
            elif response.notice not in self._noticed:
                self._noticed.add(response.notice)
                _log.warning("HyperLoom server %s: %s", self._server, response.notice)
        else:
            return False
        return True

    def end(self) -> None:
        """The connection has ended."""
        if self.display is not None:
            self.display.end()

    def _receive_labels(self, labels: Sequence[LabelCounts]) -> None:
        for each in labels:
            if each.total == 0:
                self.labels.pop(each.name, None)
            else:
                counts = each.total, each.running, each.finished, each.failed
                self.labels[each.name] = LabelProgress(each.name, *counts)

    def _tell(self, kind: str, what: object) -> None:
        for listener in list(self._listeners[kind]):
            try:
                listener(what)
            except Exception:  # the listener's own mistake, not the connection's
                _log.exception("a %s callback failed", kind)
