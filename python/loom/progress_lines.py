"""Progress as numbers over time and as lines of text. Pure: when and where it is shown is
progress_display.py's. The TypeScript client gives the same lines for the same numbers
(src/client/progress-lines.ts, progress-tracker.ts); both are tested with
test/client/progress-vectors.json.
"""

from __future__ import annotations

from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .client.reports import LabelProgress, Progress
from .client.shown_name import shown_name

_BAR_WIDTH = 20
#: A shorter one says nothing: then there is none.
_MIN_BAR_WIDTH = 4
_MAX_LABELS = 8
_MAX_NAME_LENGTH = 24
_MIN_NAME_LENGTH = 6
#: No estimate before so much time.
_ESTIMATE_AFTER_MS = 2000
#: The rate is that of the last ten seconds, or of half the time when that is more.
_RATE_WINDOW_MS = 10_000
#: A rate of less time is chance.
_MIN_RATE_MS = 500
_MAX_SAMPLES = 256


class ProgressView(NamedTuple):
    """What is shown at one moment."""

    elapsed_ms: float
    finished: int
    failed: int
    total: int
    #: tasks per second lately; 0: none
    rate_per_s: float
    labels: Sequence[LabelProgress]


class ProgressSum(NamedTuple):
    """Numbers of all tasks, and how long some were unfinished."""

    finished: int
    failed: int
    unfinished: int
    busy_ms: float


class ProgressTracker:
    """What happens to a client's tasks over time; knows no clock."""

    def __init__(self) -> None:
        # What was done when the last unfinished tasks came: it is not shown again.
        self._before = Progress(0, 0, 0)
        self._labels_before: Sequence[LabelProgress] = ()
        self._latest = self._before
        self._labels: Sequence[LabelProgress] = ()
        #: Since when tasks are unfinished; None: none is.
        self.busy_since_ms: Optional[float] = None
        self._samples: List[Tuple[float, int]] = []
        self._past_ms = 0.0

    def add(self, now_ms: float, progress: Progress, labels: Iterable[LabelProgress]) -> None:
        """The server has told this."""
        self._latest, self._labels = progress, tuple(labels)
        done = progress.finished + progress.failed
        if done >= progress.total:
            if self.busy_since_ms is not None:
                self._past_ms += now_ms - self.busy_since_ms
            self.busy_since_ms = None
            self._samples = []
            self._before, self._labels_before = progress, self._labels
            return
        if self.busy_since_ms is None:
            self.busy_since_ms = now_ms
            self._samples = [(now_ms, self._before.finished + self._before.failed)]
        self._samples.append((now_ms, done))
        if len(self._samples) > _MAX_SAMPLES:
            self._samples = self._samples[::2]

    def view(self, now_ms: float) -> ProgressView:
        """What is to be shown now."""
        before, latest = self._before, self._latest
        past = {label.name: label for label in self._labels_before}
        return ProgressView(
            0 if self.busy_since_ms is None else now_ms - self.busy_since_ms,
            latest.finished - before.finished,
            latest.failed - before.failed,
            latest.total - before.finished - before.failed,
            self._rate(now_ms),
            [_without(label, past.get(label.name)) for label in self._labels],
        )

    def sum(self, now_ms: float) -> ProgressSum:
        """What is to be said at the end."""
        finished, failed, total = self._latest
        busy_ms = self._past_ms
        if self.busy_since_ms is not None:
            busy_ms += now_ms - self.busy_since_ms
        return ProgressSum(finished, failed, total - finished - failed, busy_ms)

    def _rate(self, now_ms: float) -> float:
        if self.busy_since_ms is None:
            return 0
        window_ms = max(_RATE_WINDOW_MS, (now_ms - self.busy_since_ms) / 2)
        first = self._samples[0]
        for sample in self._samples:
            if sample[0] > now_ms - window_ms:
                break
            first = sample
        ms = now_ms - first[0]
        done = self._latest.finished + self._latest.failed - first[1]
        return 0 if ms < _MIN_RATE_MS else done / ms * 1000


def _without(label: LabelProgress, past: Optional[LabelProgress]) -> LabelProgress:
    if past is None:
        return label
    finished, failed = label.finished - past.finished, label.failed - past.failed
    total = label.total - past.finished - past.failed
    return label._replace(total=total, finished=finished, failed=failed)


def progress_lines(view: ProgressView, columns: int, rows: int, unicode: bool) -> List[str]:
    """The lines, none longer than the terminal is wide, and fewer than it has rows."""
    done = view.finished + view.failed
    labels = [label for label in view.labels if label.total > 0]
    shown = _choose_labels(labels, max(0, min(_MAX_LABELS, rows - 3)))

    def row(name: str, part: int, whole: int, details: List[str]) -> _Row:
        return _Row(name, part, whole, ", ".join([f"{part}/{whole}", *details]))

    details = []
    if view.rate_per_s > 0:
        details.append(format_rate(view.rate_per_s))
        if view.elapsed_ms >= _ESTIMATE_AFTER_MS and done < view.total:
            left = format_duration((view.total - done) / view.rate_per_s * 1000)
            details.append(f"{left} left")
    if view.failed:
        details.append(f"{view.failed} failed")
    all_rows = [row("tasks", done, view.total, details)]
    for label in shown:
        details = [f"{label.running} running"] if label.running else []
        if label.failed:
            details.append(f"{label.failed} failed")
        all_rows.append(row(label.name, label.finished + label.failed, label.total, details))
    lines = _lines_of(all_rows, columns, unicode)
    left_out = len(labels) - len(shown)
    if left_out and rows > 3:
        lines.append(f"  +{left_out} label{'' if left_out == 1 else 's'}")
    return [line[: max(0, columns - 1)] for line in lines]


class _Row(NamedTuple):
    """A line in parts; the first is that of all tasks."""

    name: str
    part: int
    whole: int
    numbers: str


def _lines_of(rows: Sequence[_Row], columns: int, unicode: bool) -> List[str]:
    # In a narrow terminal bars become shorter first, then names: the numbers are what matters.
    def names_up_to(limit: int) -> List[str]:
        return [rows[0].name, *(f"  {shown_name(row.name, limit)}" for row in rows[1:])]

    names = names_up_to(_MAX_NAME_LENGTH)
    space = columns - 1 - max(len(row.numbers) for row in rows) - 1
    bar_width = min(_BAR_WIDTH, space - max(map(len, names)) - 1)
    if bar_width < _MIN_BAR_WIDTH:
        bar_width = 0
        names = names_up_to(max(_MIN_NAME_LENGTH, min(_MAX_NAME_LENGTH, space - 2)))
    width = max(map(len, names))
    lines = []
    for name, row in zip(names, rows):
        bar = progress_bar(row.part, row.whole, bar_width, unicode)
        lines.append(f"{name.ljust(width)} {bar}{' ' if bar else ''}{row.numbers}")
    return lines


def progress_summary(finished: int, failed: int, unfinished: int, elapsed_ms: float) -> str:
    """The line that is left when all is over."""
    parts = [f"{finished} task{'' if finished == 1 else 's'} finished"]
    if failed:
        parts.append(f"{failed} failed")
    if unfinished:
        parts.append(f"{unfinished} not done")
    return f"{', '.join(parts)} in {format_duration(elapsed_ms)}"


def progress_bar(part: int, whole: int, width: int, unicode: bool) -> str:
    """``part`` of ``whole`` as a bar; it is full only when all is done."""
    filled = 0 if whole == 0 else min(width, int(part / whole * width))
    full, empty = ("█", "░") if unicode else ("#", "-")
    return full * filled + empty * (width - filled)


def _choose_labels(labels: List[LabelProgress], count: int) -> List[LabelProgress]:
    # What happens comes first, then what is still to come, then what is done.
    def urgency(at: int) -> int:
        label = labels[at]
        done = label.finished + label.failed
        if done == label.total:
            return 2
        return 0 if label.running or done else 1

    chosen = sorted(range(len(labels)), key=urgency)[:count]
    return [labels[at] for at in sorted(chosen)]


def format_rate(per_s: float) -> str:
    """Tasks per second, or per minute or hour where they are few."""
    if per_s >= 9.95:
        return f"{_rounded(per_s)}/s"
    if per_s >= 0.95:
        tenths = _rounded(per_s * 10)
        return f"{tenths // 10}.{tenths % 10}/s"
    if per_s * 60 >= 0.95:
        return f"{_rounded(per_s * 60)}/min"
    return f"{_rounded(per_s * 3600)}/h"


def format_duration(ms: float) -> str:
    """In whole seconds, upwards."""
    seconds = int(-(-ms // 1000))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    if minutes:
        return f"{minutes} min {seconds % 60} s"
    return f"{seconds} s"


def _rounded(number: float) -> int:
    return int(number + 0.5)
