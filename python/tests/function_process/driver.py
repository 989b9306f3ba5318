"""A function process with the test in the place of the worker."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Callable, Dict, List, Optional

import cloudpickle  # type: ignore[import-untyped]

from . import wire

# Functions of tests travel as those of a script do.
cloudpickle.register_pickle_by_value(sys.modules[__package__])

MAIN = Path(__file__).parents[2] / "function_process" / "main.py"
# Far more than anything takes; a test that reaches it fails.
DEADLINE_S = 60
# What would change the process that is tested.
HIDDEN = ("PYTHONPATH", "PYTHONUNBUFFERED")


def pyobj(value: Any) -> wire.Value:
    """An object of type loom/pyobj."""
    return wire.Value(cloudpickle.dumps(value))


class FunctionProcess:
    """Starts the real process; ends it, and checks that it ended in order."""

    def __init__(
        self,
        directories: Optional[List[str]] = None,
        inline_limit: int = 65536,
        python: str = sys.executable,
        env: Optional[Dict[str, str]] = None,
        cwd: Optional[str] = None,
        preexec: Optional[Callable[[], None]] = None,
    ) -> None:
        ours, theirs = socket.socketpair()
        self.socket = ours
        self.errors = tempfile.TemporaryFile()
        self.output = tempfile.TemporaryFile()

        def prepare() -> None:
            os.dup2(theirs.fileno(), 3, inheritable=True)
            if preexec:
                preexec()

        variables = {k: v for k, v in os.environ.items() if k not in HIDDEN}
        self.process = subprocess.Popen(
            [python, str(MAIN)],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            start_new_session=True,
            preexec_fn=prepare,
            pass_fds=(3,) if theirs.fileno() == 3 else (),
            close_fds=False,
            env={**variables, **(env or {})},
            cwd=cwd,
        )
        theirs.close()
        self._received = b""
        self._records: List[Any] = []
        self._serial = 0
        self._functions = 0
        self.send(wire.configure(directories or [], inline_limit))
        ready = self.next_record()
        assert isinstance(ready, wire.Ready)
        self.ready = ready.fields

    def __enter__(self) -> FunctionProcess:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.socket.close()
        try:
            code = self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.errors.close()
            self.output.close()
        assert kind is not None or code == 0

    def send(self, *records: bytes) -> None:
        """One frame."""
        self.socket.sendall(wire.frame(*records))

    def receive_frame(self) -> bytes:
        while True:
            if len(self._received) >= 4:
                end = 4 + int.from_bytes(self._received[:4], "little")
                if len(self._received) >= end:
                    body, self._received = self._received[4:end], self._received[end:]
                    return body
            assert select.select([self.socket], [], [], DEADLINE_S)[0], "nothing comes"
            more = self.socket.recv(1 << 20)
            if not more:
                self.process.wait(DEADLINE_S)
                raise EOFError(self.error_text())
            self._received += more

    def next_record(self) -> Any:
        while not self._records:
            self._records = wire.records(self.receive_frame())
        return self._records.pop(0)

    def define(self, function: Any) -> int:
        """Defines a function: a Python object, or an object as it is to be sent."""
        self._functions += 1
        if not hasattr(function, "encode") and not isinstance(function, (bytes, list)):
            function = pyobj(function)
        self.send(wire.define(self._functions, function))
        return self._functions

    def call(self, function: Any, *inputs: Any, **options: Any) -> Any:
        """Value of a call's RESULT. Strange outcomes are `call_record`'s."""
        record = self.call_record(function, *inputs, **options)
        assert isinstance(record, wire.Result), record.message
        return record.value

    def fail(self, function: Any, *inputs: Any, **options: Any) -> str:
        """Message of a call that fails."""
        record = self.call_record(function, *inputs, **options)
        assert isinstance(record, wire.Failed), record
        return record.message

    def call_record(self, function: Any, *inputs: Any, **options: Any) -> Any:
        number = function if isinstance(function, int) else self.define(function)
        self._serial += 1
        self.send(wire.call(self._serial, number, inputs, **options))
        record = self.next_record()
        assert record.serial == self._serial, record
        return record

    def error_text(self) -> str:
        return _text_of(self.errors)

    def output_text(self) -> str:
        return _text_of(self.output)


def _text_of(file: IO[bytes]) -> str:
    # Not with seek(): the process writes at the same position, which is that of both.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Polls; fails after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.01)
