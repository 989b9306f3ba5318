"""What several tests need: waiting, messages taken apart, and servers that misbehave."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from loom.client import wire
from loom.client.plan import encode_plan
from loom.cluster import LocalWorker

PATIENCE_S = 20.0

SYMBOLS = [
    "loom/data", "loom/array", "loom/pyobj", "loom/resource/cpus", "loom/data/const",
    "loom/data/merge", "loom/data/open", "loom/data/split", "loom/data/save", "loom/base/get",
    "loom/base/slice", "loom/base/size", "loom/base/length", "loom/array/make", "loom/run/run",
    "loom/py/value", "loom/py/call", "loom/scheduler/dslice", "loom/scheduler/dget", "loom/index",
    "loom/file", "loom/jsobj", "loom/js/call",
]  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(SYMBOLS)}


def until(condition: Callable[[], Any], describe: Callable[[], Any] = lambda: "") -> None:
    """Looks again and again, at most for PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {describe()}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def lose(worker: LocalWorker) -> None:
    """Kills it, and removes the directory that it can't remove any more."""
    worker.kill(signal.SIGKILL)
    until(lambda: not is_alive(worker.pid))
    host, port = worker.address.rsplit(":", 1)
    shutil.rmtree(Path(tempfile.gettempdir()) / f"worker-{host}-{port}")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def fields(message: Any) -> Dict[int, List[Any]]:
    """All values of each field."""
    found: Dict[int, List[Any]] = {}
    for number, wire_type, value, content in wire.read_fields(message):
        each = value if wire_type == wire.VARINT else bytes(content)
        found.setdefault(number, []).append(each)
    return found


def plan_of(results: List[Any], id_base: int = 0, load: bool = False) -> Dict[str, Any]:
    """The plan that is sent for these tasks, taken apart."""

    def input_id(given: Any, task: Any) -> int:
        return int(given.task_id)

    plan = encode_plan(results, id_base, NUMBERS, input_id, load)
    frame = b"".join(plan.frame)
    assert struct.unpack("<Q", frame[:8]) == (len(frame) - 8,)
    request = fields(frame[8:])
    assert request[1] == [1]
    content = fields(request[2][0])
    return {
        "tasks": [fields(task) for task in content.get(2, [])],
        "requests": content.get(1, []),
        "id_base": content[4][0],
        "load": request.get(4, [0])[0],
        "results": plan.result_ids,
    }


def frame(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def dictionary(symbols: List[str] = SYMBOLS) -> bytes:
    names = b"".join(wire.text_field(5, name) for name in symbols)
    return frame(wire.number_field(1, 10) + names)


def finished(*ids: int, values: bytes = b"") -> bytes:
    content = wire.number_field(1, 21) + wire.packed_field(21, list(ids))
    return frame(content + (wire.bytes_field(25, values) if values else b""))


def chunk(request_id: int, data: bytes, total: int, type_id: int = 0, version: int = 0) -> bytes:
    content = (
        wire.number_field(1, request_id)
        + wire.number_field(2, total)
        + wire.number_field(3, type_id)
        + wire.number_field(4, 1)
        + wire.number_field(5, version)
    )
    return frame(wire.number_field(1, 20) + wire.bytes_field(20, content)) + frame(data)


def error(message: str, **numbers: int) -> bytes:
    known = {"id": 1, "refused_plan": 26, "request_id": 27}
    content = wire.text_field(3, message)
    for name, value in numbers.items():
        content += wire.number_field(known[name], value)
    return frame(wire.number_field(1, 4) + wire.bytes_field(4, content))


class FakeServer:
    """Accepts one connection and does with it what the test says.

    Args:
        talk: gets the server, in its own thread; when it returns the connection is closed.
    """

    def __init__(self, talk: Callable[[FakeServer], None]) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.problem: Optional[BaseException] = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.socket, _ = self._listener.accept()
            self.socket.settimeout(PATIENCE_S)
            with self.socket:
                self._talk(self)
        except OSError:
            pass  # the client has left
        except BaseException as problem:
            self.problem = problem

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def receive(self) -> Dict[int, List[Any]]:
        """The next message, taken apart."""
        (length,) = struct.unpack("<Q", self._exactly(8))
        return fields(self._exactly(length))

    def receive_request(self, kind: int) -> Dict[int, List[Any]]:
        """The next message of a type; others are skipped."""
        while True:
            message = self.receive()
            if message[1] == [kind]:
                return message

    def register(self) -> None:
        self.receive()
        self.send(dictionary())

    def hold(self) -> None:
        """Until the end of the test."""
        self._done.wait(PATIENCE_S)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        self._listener.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        if self.problem is not None:
            raise self.problem
