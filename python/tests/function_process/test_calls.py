"""Calls: what functions get, what they log, when answers leave."""

from __future__ import annotations

import pickle
import platform
from pathlib import Path
from typing import Any, List

from . import wire
from .driver import FunctionProcess


def test_says_what_it_is(process: FunctionProcess) -> None:
    assert process.ready == {"language": "python", "version": platform.python_version()}


def test_arguments_come_in_the_order_context_direct_inputs(process: FunctionProcess) -> None:
    def show(*args: Any) -> str:
        return ",".join(
            str(a) if isinstance(a, (int, str)) else a.read().decode() if a else "?" for a in args
        )

    assert process.call(show) == b""
    assert process.call(show, b"a", b"b") == b"a,b"
    assert process.call(show, b"a", b"b", config=pickle.dumps((1, "two"))) == b"1,two,a,b"
    assert process.call((show, False), b"a") == b"a"

    def show_context(context: Any, *args: Any) -> str:
        return f"{type(context).__name__} {context.task_id} {context.attempt} {show(*args)}"

    assert (
        process.call(
            (show_context, True), b"a", config=pickle.dumps([1]), task_id=-7, attempt=3, flags=1
        )
        == b"Context -7 3 1,a"
    )


def test_every_call_in_a_frame_is_answered_in_order(process: FunctionProcess) -> None:
    def check(x: Any) -> bytes:
        if x.read() == b"3":
            raise ValueError("three")
        return bytes(x)

    number = process.define(check)
    process.send(*[wire.call(i, number, [b"%d" % i]) for i in range(10)])
    answers = [process.next_record() for _ in range(10)]
    assert [a.serial for a in answers] == list(range(10))
    assert [isinstance(a, wire.Failed) for a in answers] == [i == 3 for i in range(10)]
    assert [a.value for a in answers if a.serial != 3] == [b"%d" % i for i in range(10) if i != 3]


def test_duration_is_measured(process: FunctionProcess) -> None:
    def sleep(a: Any) -> bytes:
        import time

        time.sleep(0.05)
        if a.read():
            raise ValueError
        return b""

    number = process.define(sleep)
    for record in (process.call_record(number, b""), process.call_record(number, b"fail")):
        assert 50_000 <= record.duration_us < 50_000_000


def test_logs_come_while_the_function_runs(process: FunctionProcess, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    def log(context: Any) -> str:
        import os
        import time

        context.log_debug("d")
        context.log_info(["i"])
        context.log_warn("w\udc80")
        context.log_error(ValueError("e"))
        context.log_critical("c")
        while not os.path.exists(go_on):
            time.sleep(0.001)
        return "done"

    process.send(wire.call(9, process.define((log, True))))
    logs = [process.next_record() for _ in range(5)]
    assert [(r.serial, r.level, r.message) for r in logs] == [
        (9, 1, "d"),
        (9, 2, "['i']"),
        (9, 3, "w\\udc80"),
        (9, 4, "e"),
        (9, 5, "c"),
    ]
    go_on.touch()
    assert process.next_record().value == b"done"


def test_threads_may_log_even_when_the_call_is_over(process: FunctionProcess) -> None:
    def start_threads(context: Any) -> bytes:
        import threading

        def log() -> None:
            for i in range(200):
                context.log_info(i)

        threads = [threading.Thread(target=log) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept.append(context)
        return b"done"

    kept: List[Any] = []

    def log_late() -> bytes:
        import builtins

        builtins.kept.log_info("late")  # type: ignore[attr-defined]
        return b"end"

    def keep(context: Any) -> bytes:
        import builtins

        builtins.kept = context  # type: ignore[attr-defined]
        return b""

    number = process.define((start_threads, True))
    process.send(wire.call(1, number))
    logs = [process.next_record() for _ in range(600)]
    assert all(isinstance(log, wire.Log) for log in logs)
    assert sorted(log.message for log in logs) == sorted(map(str, list(range(200)) * 3))
    assert process.next_record().value == b"done"
    process.call((keep, True))
    assert process.call(log_late) == b"end"
    assert "late" in process.error_text()


def test_results_do_not_wait_for_a_slow_call(process: FunctionProcess, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    def wait() -> bytes:
        import os
        import time

        time.sleep(0.002)  # slow, even if it need not wait
        while not os.path.exists(go_on):
            time.sleep(0.001)
        return b"slow"

    quick = process.define(lambda: b"quick")
    slow = process.define(wait)
    process.send(wire.call(1, quick), wire.call(2, slow))
    assert process.next_record().value == b"quick"
    go_on.touch()
    assert process.next_record().value == b"slow"
    # Now that it is loaded, too.
    go_on.unlink()
    process.send(wire.call(1, quick), wire.call(2, quick), wire.call(3, slow))
    assert process.next_record().serial == 1
    assert process.next_record().serial == 2
    go_on.touch()
    assert process.next_record().serial == 3


def test_results_are_gathered(process: FunctionProcess) -> None:
    number = process.define(lambda: b"x")
    process.call(number)
    process.send(*[wire.call(i, number) for i in range(100)])
    count = frames = 0
    while count < 100:
        count += len(wire.records(process.receive_frame()))
        frames += 1
    # One, but the machine may stand still for a millisecond here and there.
    assert frames < 50


def test_results_of_64_kib_leave_before_the_rest(process: FunctionProcess) -> None:
    number = process.define(lambda: b"x" * 1000)
    process.send(*[wire.call(i, number) for i in range(1000)])
    count = 0
    while count < 1000:
        frame = process.receive_frame()
        assert len(frame) < 64 * 1024 + 2000
        count += len(wire.records(frame))
    assert count == 1000


def test_coroutines(process: FunctionProcess) -> None:
    async def double(a: Any) -> bytes:
        import asyncio

        await asyncio.sleep(0)
        return bytes(a.read() * 2)

    async def wrap(context: Any) -> Any:
        context.log_info("here")
        return [context.wrap(5), "x"]

    async def fail() -> None:
        raise ValueError("async")

    assert process.call(double, b"ab") == b"abab"
    process.send(wire.call(5, process.define((wrap, True)), flags=1))
    assert process.next_record() == wire.Log(5, 2, "here")
    value = process.next_record().value
    assert (pickle.loads(value[0].content), value[1]) == (5, b"x")
    message = process.fail(fail)
    assert message.endswith("ValueError: async")
    assert "asyncio/" not in message


def test_callables_of_any_kind(process: FunctionProcess) -> None:
    import functools
    import operator

    class Callable:
        def __init__(self, x: bytes) -> None:
            self.x = x

        def __call__(self, a: Any) -> bytes:
            return self.x + bytes(a.read())

        def method(self, a: Any) -> bytes:
            return b"method " + self(a)

    assert process.call(Callable(b"x"), b"a") == b"xa"
    assert process.call(Callable(b"x").method, b"a") == b"method xa"
    assert process.call(functools.partial(lambda x, a: x + a.read(), b"p"), b"a") == b"pa"
    assert process.call(operator.methodcaller("read"), b"a") == b"a"
