"""Calls: what functions get, when answers leave, definitions, cancellations, frames."""

from __future__ import annotations

import os
import pickle
import platform
import random
import struct
from pathlib import Path
from typing import Any, List

import pytest

from . import wire
from .driver import FunctionProcess, pyobj

BUSY = "cancelled"


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


# Definitions and cancellations


def test_a_number_can_be_defined_anew(process: FunctionProcess) -> None:
    one, two = pyobj(lambda: b"one"), pyobj(lambda: b"two")
    process.send(
        wire.define(5, one), wire.call(1, 5), wire.define(5, two), wire.call(2, 5), wire.forget(5)
    )
    process.send(wire.call(3, 5), wire.forget(77))
    assert process.next_record().value == b"one"
    assert process.next_record().value == b"two"
    assert "function 5 is not defined" in process.next_record().message


def test_a_function_is_loaded_once(process: FunctionProcess, tmp_path: Path) -> None:
    mark = str(tmp_path / "loaded")

    class Loaded:
        def __reduce__(self) -> Any:
            return (eval, (f"(open({mark!r}, 'a').write('x'), lambda: b'y')[1]",))

    number = process.define(Loaded())
    assert not os.path.exists(mark)
    process.call(number)
    process.call(number)
    assert Path(mark).read_text() == "x"
    process.send(wire.forget(number))
    process.send(wire.define(number, pyobj(Loaded())))
    process.call(number)
    assert Path(mark).read_text() == "xx"


def test_function_in_a_file(process: FunctionProcess, tmp_path: Path) -> None:
    content = pyobj(lambda: b"from a file").content
    path = tmp_path / "function"
    path.write_bytes(b"123" + content + b"456")
    number = process.define(wire.Value(wire.File(str(path), 3, len(content))))
    # From now on it is not needed any more.
    assert process.call(lambda: b"defined") == b"defined"
    path.unlink()
    assert process.call(number) == b"from a file"
    number = process.define(wire.Value(wire.File(str(path) + "-", 0, 10)))
    assert "No such file" in process.fail(number)


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


# Frames


@pytest.mark.parametrize("seed", range(3))
def test_frames_in_pieces_of_any_size(process: FunctionProcess, seed: int) -> None:
    """Seed 0: byte by byte."""
    rng = random.Random(seed)
    number = process.define(lambda a, b: a.read() + b[-1].read())
    sent, stream = [], b""
    for serial in range(30):
        big = rng.choice([3, 100, 1000, 300_000 if seed else 5])
        a, b = rng.randbytes(rng.randrange(big)), rng.randbytes(rng.randrange(big))
        sent.append(a + b)
        stream += wire.frame(wire.call(serial, number, [a, [b"no", b]]))
    at = 0
    while at < len(stream):
        size = rng.choice([1, 5, 70, 1000, 100_000]) if seed else 1
        process.socket.sendall(stream[at : at + size])
        at += size
    for content in sent:
        value = process.next_record().value
        assert (value.content() if isinstance(value, wire.FileResult) else value) == content


def test_large_frames(process: FunctionProcess) -> None:
    number = process.define(lambda a: str(a.size()))
    for size in (300_000, 5_000_000, 10, 20_000_000, 262_140, 262_144):
        assert process.call(number, b"x" * size) == b"%d" % size


BAD_FRAMES = {
    "unknown operation": b"\x09",
    "call that ends too early": b"\x03\x01",
    "input longer than the frame": wire.call(1, 1, [b"abc"])[:-1],
    "file longer than the frame": wire.call(1, 1, [wire.File("/x", 0, 1)])[:-1],
    "unknown kind": wire.call(1, 1, [b"abc"])[:-8] + b"\x08\0\0\0\0",
    "array without elements": wire.call(1, 1)[:-4] + struct.pack("<IBI", 1, 3, 0xFFFFFFFF),
    "millions of inputs": wire.call(1, 1)[:-4] + b"\xff\xff\xff\xff",
    "array in a value": wire.call(1, 1)[:-4]
    + struct.pack("<IB", 1, 5)
    + wire.text("loom/pyobj")
    + wire.obj([b"x"]),
    "index longer than the frame": wire.call(1, 1, [wire.Index(b"x", [0, 1])])[:-8],
    "path that is not UTF-8": wire.call(1, 1)[:-4]
    + struct.pack("<IBI", 1, 2, 1)
    + b"\xff"
    + b"\0" * 16,
    "configuration that is not JSON": b"\x00" + wire.text("{"),
    "configuration without fields": b"\x00" + wire.text("{}"),
    "record that ends too early": b"\x01\x00",
    "define without object": b"\x01\x00\x00\x00\x00",
    "cancel that ends too early": b"\x04\x00\x00\x00\x00",
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_ends_the_process_with_a_message(name: str) -> None:
    process = FunctionProcess()
    process.socket.sendall(wire.data(BAD_FRAMES[name]))
    with pytest.raises(EOFError, match="HyperLoom function process: .+") as error:
        process.next_record()
    assert "Traceback" not in str(error.value)
    assert process.process.wait() == 70
    process.socket.close()


def test_a_length_without_content_takes_no_memory() -> None:
    with FunctionProcess() as process:
        process.socket.sendall(b"\xff\xff\xff\xff" + b"x" * 1000)
        status = Path(f"/proc/{process.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmPeak"))
        assert int(peak.split()[1]) < 2_000_000
