"""What is shown of progress: the same lines as the TypeScript client's, in a terminal only.

That it is shown in real terminals is tested for both clients in test/terminal.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from loom import Client, LoomError
from loom.aio import AsyncClient
from loom.client import messages, wire
from loom.client.reports import LabelProgress, Progress
from loom.progress_display import is_progress_shown, shows_unicode
from loom.progress_lines import (
    ProgressTracker,
    ProgressView,
    format_duration,
    format_rate,
    progress_lines,
    progress_summary,
    shown_name,
)
from loom.terminal_block import TerminalBlock

from .harness import FakeServer, frame, until

_FILE = Path(__file__).parents[3] / "test" / "client" / "progress-vectors.json"
VECTORS: Dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))


def view_of(given: Dict[str, Any]) -> ProgressView:
    counts = [given[name] for name in ("elapsedMs", "finished", "failed", "total", "ratePerS")]
    return ProgressView(*counts, labels=[LabelProgress(**each) for each in given["labels"]])


@pytest.mark.parametrize("case", VECTORS["views"], ids=lambda case: case["name"])
def test_lines(case: Dict[str, Any]) -> None:
    assert progress_lines(view_of(case["view"]), **case["options"]) == case["lines"]


def test_texts() -> None:
    for case in VECTORS["summaries"]:
        assert progress_summary(*case["args"]) == case["line"]
    for rate, text in VECTORS["rates"]:
        assert format_rate(rate) == text
    for ms, text in VECTORS["durations"]:
        assert format_duration(ms) == text
    for name, text in VECTORS["names"]:
        assert shown_name(name, 24) == text


@pytest.mark.parametrize("case", VECTORS["histories"], ids=lambda case: case["name"])
def test_over_time(case: Dict[str, Any]) -> None:
    tracker = ProgressTracker()
    for time_ms, finished, failed, total in case["news"]:
        label = LabelProgress("x", total, 1, finished, failed)
        tracker.add(time_ms, Progress(finished, failed, total), [label])
    assert tracker.view(case["at"]) == view_of(case["view"])
    assert tracker.sum(case["at"]).busy_ms == case["busyMs"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "wanted, environment, expected",
    [
        (None, {}, True),
        (None, {"LOOM_PROGRESS": " Off"}, False),
        (None, {"CI": "true"}, False),
        (None, {"CI": "true", "LOOM_PROGRESS": "1"}, True),
        (None, {"CI": "false", "LOOM_PROGRESS": ""}, True),
        (True, {"CI": "1", "LOOM_PROGRESS": "0"}, True),
        (False, {"LOOM_PROGRESS": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_whether_it_is_shown(
    wanted: Optional[bool], environment: Dict[str, str], expected: bool
) -> None:
    assert is_progress_shown(wanted, Terminal(), environment) is expected
    assert is_progress_shown(wanted, io.StringIO(), environment) is False
    assert is_progress_shown(wanted, None, environment) is False


def test_not_on_a_closed_stream() -> None:
    closed = Terminal()
    closed.close()
    assert not is_progress_shown(True, io.TextIOWrapper(io.BytesIO()), {})
    stream = io.StringIO()
    stream.close()
    assert not is_progress_shown(True, stream, {})


def test_locales() -> None:
    assert shows_unicode({"LANG": "C.UTF-8"})
    assert not shows_unicode({"LANG": "de_DE.utf8", "LC_ALL": "C"})
    assert not shows_unicode({})


def test_what_clients_are_told() -> None:
    for make in (Client, AsyncClient):
        with pytest.raises(LoomError, match="progress must be True, False or None, got 'no'"):
            make("127.0.0.1:1", progress="no")  # type: ignore[arg-type]


def test_block_keeps_out_of_the_way() -> None:
    terminal = Terminal()
    block = TerminalBlock(terminal, [terminal])
    block.draw(["a", "b"])
    drawn = "\x1b[?2026h\r\x1b[J\x1b[?7la\nb\x1b[?7h\x1b[1A\r\x1b[?2026l"
    assert terminal.getvalue() == drawn
    terminal.write("begin")
    assert terminal.getvalue() == drawn + "\r\x1b[Jbegin"
    block.draw(["c"])  # somebody is in the middle of a line
    terminal.write(" end\n")
    written = drawn + "\r\x1b[Jbegin end\n"
    assert terminal.getvalue().startswith(written)
    block.end("over")
    terminal.write("x")
    assert terminal.getvalue().endswith("over\nx")
    assert "write" not in vars(terminal)


def test_block_of_a_closed_terminal() -> None:
    terminal = Terminal()
    block = TerminalBlock(terminal, [terminal])
    block.draw(["a"])
    terminal.close()
    block.draw(["b"])
    block.end("c")


def test_labels_on_the_wire() -> None:
    def label(name: str, *numbers: int) -> bytes:
        parts = [wire.number_field(i + 2, number) for i, number in enumerate(numbers)]
        return wire.bytes_field(28, wire.text_field(1, name) + b"".join(parts))

    def progress(finished: int, unfinished: int, *labels: bytes) -> bytes:
        numbers = wire.number_field(22, finished) + wire.number_field(23, unfinished)
        return frame(wire.number_field(1, 22) + numbers + b"".join(labels))

    seen: List[Any] = []

    def talk(server: FakeServer) -> None:
        server.register()
        server.send(progress(1, 4, label("a", 3, 1, 1, 0), label("b", 2)))
        server.send(progress(2, 1, label("a", 3, 0, 2, 0), label("b", 0)))
        server.hold()

    with FakeServer(talk) as server, Client(server.address) as client:
        listeners = client._session.listeners
        until(lambda: listeners.progress == (2, 0, 3))
        seen = list(listeners.labels.values())
    assert seen == [LabelProgress("a", 3, 0, 2, 0)]
    assert messages.CLIENT_FEATURES == 3
