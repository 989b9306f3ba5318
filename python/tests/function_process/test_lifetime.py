"""The end: with the socket, with the worker, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from . import wire
from .driver import MAIN, FunctionProcess, pyobj, wait_until


def is_gone(pid: int) -> bool:
    """Ended; nobody may have waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


PARENT = """
import os, socket, subprocess, sys
ours, theirs = socket.socketpair()
child = subprocess.Popen(
    [sys.executable, sys.argv[1]], start_new_session=True, close_fds=False,
    preexec_fn=lambda: os.dup2(theirs.fileno(), 3, inheritable=True),
)
theirs.close()
if len(sys.argv) > 2:
    # Somebody else who keeps the socket open: the end of the socket does not come.
    os.set_inheritable(ours.fileno(), True)
    subprocess.Popen(["sleep", "1000"], close_fds=False, stdout=subprocess.DEVNULL)
ours.sendall(sys.stdin.buffer.read())
received = b""
while b"started" not in received:
    more = ours.recv(1000)
    assert more
    received += more
print(child.pid, flush=True)
while ours.recv(1000):  # the result may follow
    pass
"""


def busy(how: str) -> Any:
    def run(context: Any) -> None:
        import threading
        import time

        context.log_info("started")
        if how == "spin":
            while True:
                pass
        if how == "wait":
            threading.Event().wait()
        time.sleep(1000)

    return run, True


@pytest.mark.parametrize("how", ["idle", "sleep", "spin", "wait"])
def test_dies_with_the_worker(how: str) -> None:
    function = pyobj(
        (lambda context: context.log_info("started"), True) if how == "idle" else busy(how)
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(MAIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdin and parent.stdout
    with parent.stdin as stdin:
        stdin.write(wire.frame(wire.configure([]), wire.define(1, function), wire.call(1, 1)))
    pid = int(parent.stdout.readline())
    assert not is_gone(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: is_gone(pid), "the end of the process")


def test_dies_with_the_worker_though_the_socket_stays_open() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(MAIN), "keep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdin and parent.stdout
    with parent.stdin as stdin:
        stdin.write(
            wire.frame(wire.configure([]), wire.define(1, pyobj(busy("sleep"))), wire.call(1, 1))
        )
    try:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        wait_until(lambda: is_gone(pid), "the end of the process")
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


def test_does_not_begin_when_the_worker_is_gone(tmp_path: Path) -> None:
    """Between its start and its request to be killed."""
    mark = str(tmp_path / "ran")

    def run() -> bytes:
        with open(mark, "w"):
            pass
        return b""

    ours, theirs = socket.socketpair()
    ours.sendall(wire.frame(wire.configure([]), wire.define(1, pyobj(run)), wire.call(1, 1)))
    ours.close()
    process = subprocess.Popen(
        [sys.executable, str(MAIN)],
        close_fds=False,
        preexec_fn=lambda: os.dup2(theirs.fileno(), 3, inheritable=True) and None,
    )
    theirs.close()
    assert process.wait() == 0
    assert not os.path.exists(mark)


def test_watches_its_parent_where_the_kernel_does_not() -> None:
    """As on other systems than Linux."""
    code = f"""
import os, sys, time
package = type(sys)("hyperloom_function_process")
package.__path__ = [{str(MAIN.parent)!r}]
sys.modules["hyperloom_function_process"] = package
from hyperloom_function_process import lifetime
lifetime._ask_kernel = lambda: False
if os.fork():
    time.sleep(1000)
lifetime.die_with_parent(os.getppid())
print(os.getpid(), flush=True)
while True:
    pass
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: is_gone(pid), "the end of the process")


def test_ends_with_the_socket_though_threads_run(directories: List[str], tmp_path: Path) -> None:
    mark = tmp_path / "at exit"

    def start() -> bytes:
        import atexit
        import threading
        import time

        def at_exit() -> None:
            with open(path, "w"):
                pass

        atexit.register(at_exit)
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return b""

    path = str(mark)
    with FunctionProcess(directories) as process:
        process.call(start)
    assert mark.exists()


def test_ends_though_its_exit_functions_hang(directories: List[str]) -> None:
    def register() -> bytes:
        import atexit
        import time

        atexit.register(time.sleep, 1000)
        return b""

    process = FunctionProcess(directories)
    process.call(register)
    process.socket.close()
    assert process.process.wait() == -signal.SIGALRM


def test_calls_that_wait_are_not_begun_after_the_end(
    directories: List[str], tmp_path: Path
) -> None:
    go_on, ran = tmp_path / "go on", tmp_path / "ran"

    def block(context: Any) -> bytes:
        import os
        import time

        context.log_info("started")
        while not os.path.exists(go_on):
            time.sleep(0.001)
        return b""

    def run() -> bytes:
        with open(ran, "w"):
            pass
        return b""

    with FunctionProcess(directories) as process:
        one, two = process.define((block, True)), process.define(run)
        process.send(wire.call(1, one), wire.call(2, two))
        process.next_record()
        process.socket.close()
        go_on.touch()
        process.process.wait()
    assert not ran.exists()


def test_interrupts_are_ignored(process: FunctionProcess) -> None:
    def interrupt() -> bytes:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGINT)
        return b"still here"

    assert process.call(interrupt) == b"still here"
    process.process.send_signal(signal.SIGINT)
    assert process.call(lambda: b"x") == b"x"


def test_forked_children_have_no_part_in_the_conversation(
    process: FunctionProcess, tmp_path: Path
) -> None:
    def fork(context: Any, how: Any) -> Any:
        import os
        import time

        if os.fork() == 0:
            context.log_info("of the child")
            if how.read() == b"stay":
                with open(pid_file + "-", "w") as file:
                    file.write(str(os.getpid()))
                os.rename(pid_file + "-", pid_file)
                time.sleep(1000)
            return b"of the child"
        return b"of the parent"

    pid_file, calls = str(tmp_path / "pid"), tmp_path / "calls"

    def count() -> bytes:
        with open(calls, "a") as file:
            file.write("x")
        return b""

    # Nor does a child execute what waits.
    quick, number = process.define(count), process.define((fork, True))
    process.call(quick)
    process.send(wire.call(1, number, [b"leave"]), *[wire.call(2, quick)] * 5)
    assert process.next_record().value == b"of the parent"
    assert [process.next_record().value for _ in range(5)] == [b""] * 5
    wait_until(lambda: process.error_text() == "of the child\n", "the child")
    process.call(lambda: __import__("os").wait() and b"")
    assert calls.read_text() == "x" * 6
    number = process.define((fork, True))
    process.send(wire.call(1, number, [b"leave"]), wire.call(2, number, [b"leave"]))
    assert [process.next_record().value for _ in range(2)] == [b"of the parent"] * 2
    assert process.call(lambda: b"x") == b"x"
    # A child that stays does not keep the socket open.
    assert process.call(number, b"stay") == b"of the parent"
    wait_until(lambda: os.path.exists(pid_file), "the child")
    pid = int(Path(pid_file).read_text())
    process.process.kill()
    process.socket.settimeout(60)
    assert process.socket.recv(1) == b""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), "the child's end")
    process.process.wait()
    process.process.returncode = 0  # it was killed by this test


def test_a_worker_that_does_not_read(process: FunctionProcess) -> None:
    """Answers wait; nothing is lost."""
    number = process.define(lambda: b"x" * 60_000)
    process.send(*[wire.call(i, number) for i in range(100)])
    assert [process.next_record().serial for _ in range(100)] == list(range(100))
