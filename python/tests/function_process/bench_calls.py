"""Calls per second that one function process executes, for functions that do nothing.

    python -m function_process.bench_calls      (in python/tests)

The driver only moves bytes: frames are made before, of the answers only the size is checked.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any, List, Tuple

if __package__ in (None, ""):  # run as a file
    sys.path.insert(0, str(Path(__file__).parents[1]))
    __package__ = "function_process"

from function_process import wire  # noqa: E402
from function_process.driver import FunctionProcess  # noqa: E402


def measure(process: FunctionProcess, what: str, frame: bytes, calls: int, answer: int) -> None:
    """:param answer: bytes of the record that answers one call."""
    frames = 200_000 // calls

    # Several frames in the socket at a time, as many as fit.
    def send() -> None:
        for _ in range(frames):
            process.socket.sendall(frame)

    sender = threading.Thread(target=send)
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu_s() -> float:
        fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    cpu = cpu_s()
    start = time.perf_counter()
    sender.start()
    done = 0
    while done < calls * frames:
        done += len(process.receive_frame()) // answer
    seconds = time.perf_counter() - start
    sender.join()
    total = calls * frames
    print(
        f"{what:30} {calls:4} per frame: {total / seconds:10,.0f} calls/s,"
        f" {(cpu_s() - cpu) / total * 1e6:.2f} us of its CPU time each"
    )


def main() -> None:
    with FunctionProcess() as process:
        one = pickle.dumps((1,))
        cases: List[Tuple[str, Any, List[bytes], bytes]] = [
            ("no input", lambda: b"x", [], b""),
            ("one input", lambda a: b"x", [b"abc"], b""),
            ("three inputs, read", lambda a, b, c: a.read() + b.read()[:0], [b"abc"] * 3, b""),
            ("a direct argument", lambda a: b"x", [], one),
            ("context", (lambda ctx, a: b"x", True), [b"abc"], b""),
            ("an int, wrapped", (lambda ctx, a: ctx.wrap(1), True), [b"abc"], b""),
            ("a dict, wrapped", (lambda ctx, a: ctx.wrap({"a": 1}), True), [b"abc"], b""),
            ("a string", lambda a: "x", [b"abc"], b""),
        ]
        for what, function, inputs, config in cases:
            number = process.define(function)
            for calls in (64, 512):
                frame = wire.frame(*[wire.call(i, number, inputs, config) for i in range(calls)])
                process.socket.sendall(wire.frame(wire.call(0, number, inputs, config)))
                measure(process, what, frame, calls, len(process.receive_frame()))


if __name__ == "__main__":
    main()
