"""A progress bar for a client's tasks, drawn by tqdm if that is installed. Owns the bar."""

from __future__ import annotations

import importlib
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Type

from .client.errors import LoomError

if TYPE_CHECKING:
    from .client.reports import Progress
    from .client.session import Session

#: The server tells about progress at most every 200 ms: the last news may come after the results.
_LAST_NEWS_S = 0.5


class ProgressBar:
    """Shows, in a ``with`` block, how many of a client's tasks are done; ``Client.progress``
    makes it.

    Tasks that are known to be done before the block are not counted; the server tells five times a
    second, so what was done right before it may be.

    Raises:
        LoomError: tqdm is not installed.
    """

    def __init__(self, session: Session, linger: bool = True) -> None:
        self._tqdm = _find_tqdm()
        self._session = session
        self._linger = linger
        self._bar: Any = None
        self._done_before = 0
        self._failed_before = 0
        self._all_done = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> ProgressBar:
        before = self._session.listeners.progress
        if before is not None:
            self._failed_before = before.failed
            self._done_before = before.finished + before.failed
        self._bar = self._tqdm(total=0, unit="task", dynamic_ncols=True)
        self._session.listen("progress", self._show)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if kind is None and self._linger and self._is_behind():
            self._all_done.wait(_LAST_NEWS_S)
        self._session.unlisten("progress", self._show)
        with self._lock:
            self._bar.close()
            self._bar = None

    def _is_behind(self) -> bool:
        latest = self._session.listeners.progress
        if latest is None:
            return self._session.next_id > 0
        done = latest.finished + latest.failed
        return done < latest.total or latest.total < self._session.next_id

    def _show(self, progress: Progress) -> None:
        with self._lock:
            if self._bar is None:
                return
            done = progress.finished + progress.failed
            self._bar.total = progress.total - self._done_before
            failed = progress.failed - self._failed_before
            if failed:
                self._bar.set_postfix(failed=failed, refresh=False)
            self._bar.n = done - self._done_before
            self._bar.refresh()
        if done == progress.total:
            self._all_done.set()


def _find_tqdm() -> Any:
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError as error:
        raise LoomError(
            "the progress bar needs tqdm, which is not installed; run: pip install tqdm"
        ) from error
