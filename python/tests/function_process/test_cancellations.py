"""Calls that come, or are cancelled, while others run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import wire
from .driver import FunctionProcess

BUSY = "cancelled"


def blocking(tmp_path: Path) -> Any:
    """A function that logs and runs until a file "go on" is there."""
    go_on = str(tmp_path / "go on")

    def block(context: Any) -> bytes:
        import os
        import time

        context.log_info("started")
        time.sleep(0.002)  # only after a millisecond the socket is looked at between calls
        while not os.path.exists(go_on):
            time.sleep(0.001)
        return b"ran"

    return block, True


def test_cancelled_calls_are_not_executed(process: FunctionProcess, tmp_path: Path) -> None:
    ran = str(tmp_path / "ran")

    def run(a: Any) -> bytes:
        with open(ran, "ab") as file:
            file.write(a.read())
        return b""

    block, number = process.define(blocking(tmp_path)), process.define(run)
    process.call(number, b"0")
    process.send(wire.call(1, block), *[wire.call(i, number, [b"%d" % i]) for i in range(2, 7)])
    assert process.next_record().message == "started"
    process.send(wire.cancel(1), wire.cancel(3), wire.cancel(5, 2), wire.cancel(99))
    (tmp_path / "go on").touch()
    answers = [process.next_record() for _ in range(6)]
    assert [a.serial for a in answers] == [1, 2, 3, 4, 5, 6]
    assert [getattr(a, "message", "") for a in answers] == ["", "", BUSY, "", BUSY, ""]
    assert Path(ran).read_text() == "0246"
    # Nothing stays behind: the same serials can be used again.
    process.send(wire.cancel(3), wire.call(3, number, [b"7"]), wire.call(99, number, [b"8"]))
    assert isinstance(process.next_record(), wire.Result)
    assert isinstance(process.next_record(), wire.Result)


def test_cancel_in_the_frame_of_the_call(process: FunctionProcess) -> None:
    number = process.define(lambda: b"x")
    process.send(wire.call(1, number), wire.cancel(1), wire.call(2, number))
    assert process.next_record() == wire.Failed(1, 0, BUSY)
    assert process.next_record().serial == 2


def test_calls_that_come_while_others_run(process: FunctionProcess, tmp_path: Path) -> None:
    block, number = process.define(blocking(tmp_path)), process.define(lambda a: a.read())
    process.send(wire.call(1, block), wire.call(2, number, [b"2"]))
    process.next_record()
    for i in range(3, 50):
        process.send(wire.call(i, number, [b"%d" % i]))
    (tmp_path / "go on").touch()
    assert [process.next_record().serial for _ in range(49)] == list(range(1, 50))
