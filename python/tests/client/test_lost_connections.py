"""Servers that are not there, are something else, talk nonsense, or go: a clear error, no hang."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest

from loom import Client, LocalCluster, LoomError, TaskFailed, tasks
from loom.client import session as session_module
from loom.client import wire

from .harness import (
    SYMBOLS,
    FakeServer,
    chunk,
    dictionary,
    error,
    finished,
    frame,
    lose,
    open_files,
    until,
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nothing_listens_there() -> None:
    port = free_port()
    before = open_files()
    with pytest.raises(LoomError) as caught:
        Client("127.0.0.1", port)
    assert f"cannot connect to a server at 127.0.0.1:{port}: nothing listens there" in str(
        caught.value
    )
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert open_files() == before


def test_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOM_SERVER", raising=False)
    with pytest.raises(
        LoomError, match=r"no server was given: .*host:port.*LOOM_SERVER.*LocalClus"
    ):
        Client()


@pytest.mark.parametrize(
    ("address", "port", "message"),
    [
        ("", 9010, "write HOST:PORT"),
        ("a b", 9010, "write HOST:PORT"),
        ("http://a:1", 9010, "write HOST:PORT"),
        ("[::1", 9010, "write HOST:PORT"),
        ("[a]", 9010, "write HOST:PORT"),
        ("1:2:3", 9010, "write HOST:PORT"),
        ("a:", 9010, "port '' is not a number"),
        ("a:0", 9010, "port '0' is not"),
        ("a:65536", 9010, "port '65536' is not"),
        ("a:x", 9010, "port 'x' is not"),
        ("a", 0, "port 0 is not"),
        ("a:1", 2, "has a port, and port=2 is another one"),
        (7, 9010, "must be a string, got int"),
    ],
)
def test_wrong_addresses(address: str, port: int, message: str) -> None:
    with pytest.raises(LoomError, match=message):
        Client(address, port)


def test_addresses_in_all_forms(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = cluster.address.split(":")
    for make in (
        lambda: Client(cluster.address),
        lambda: Client(host, int(port)),
        lambda: Client(host, port=int(port)),
        lambda: Client(f" {cluster.address} ", int(port)),
    ):
        with make() as client:
            assert client.address == cluster.address
    monkeypatch.setenv("LOOM_SERVER", cluster.address)
    with Client() as client:
        assert client.get_stats()["n_workers"] == 2


def refused(talk: Callable[[FakeServer], None]) -> str:
    """The error of connecting."""
    before = threading.active_count(), open_files()
    with FakeServer(talk) as server:
        with pytest.raises(LoomError) as caught:
            Client(server.address)
    until(lambda: (threading.active_count(), open_files()) == before)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_something_else_listens_there() -> None:
    def web(server: FakeServer) -> None:
        server.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    assert "does not answer like a HyperLoom server (a frame of" in refused(web)
    assert "(it closed the connection)" in refused(lambda server: print(server.receive()))
    assert "its first message was not the dictionary" in refused(
        lambda server: server.send(finished(1)) or server.hold()
    )


def test_a_server_that_refuses() -> None:
    def talk(server: FakeServer) -> None:
        server.send(error("no clients on Sundays"))

    message = refused(talk)
    assert message.endswith("refused this client: no clients on Sundays")


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_REGISTER_TIMEOUT_S", 0.1)
    assert "did not answer for 0.1 s" in refused(lambda server: server.hold())


def test_the_server_goes_while_someone_waits() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        server.receive_request(20)

    with FakeServer(talk) as server, Client(server.address) as client:
        futures = client.submit([tasks.const("a"), tasks.const("b")])
        with ThreadPoolExecutor(4) as pool:
            reading = pool.submit(futures[0].fetch)
            waiting = pool.submit(futures[1].wait)
            completing = pool.submit(lambda: list(client.as_completed(futures)))
            for each in (reading, waiting):
                with pytest.raises(LoomError, match="connection to the server at .* was lost"):
                    each.result()
            assert len(completing.result()) == 2
        assert futures[0].status == "finished"
        assert futures[1].failed()
        assert client.closed
        for use in (
            lambda: client.submit_one(tasks.const("a")),
            client.get_stats,
            client.get_status,
            futures[0].fetch,
            lambda: client.set_trace("/tmp"),
            lambda: client.on_log(print),
        ):
            with pytest.raises(LoomError, match="was lost"):
                use()
        futures[0].release()
        client.close()


def test_errors_that_belong_to_no_request_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.send(error("careful"))
        server.receive_request(6)

    with FakeServer(talk) as server, Client(server.address) as client:
        # What it said last is why it closed the connection.
        with pytest.raises(LoomError, match=r"was lost \(careful\)"):
            client.get_stats()
    assert "careful" in caplog.text


def test_a_new_dictionary_replaces_the_old_one() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.send(dictionary([*SYMBOLS, "my/new"]))
        server.receive_request(6)
        stats = wire.number_field(1, 1) + wire.number_field(2, 0)
        server.send(frame(wire.number_field(1, 11) + wire.bytes_field(6, stats)))
        assert server.receive_request(1)
        server.send(finished(0, values=b"\x01x"))
        server.hold()

    from loom import Task

    with FakeServer(talk) as server, Client(server.address) as client:
        assert client.get_stats() == {"n_workers": 1, "n_data_objects": 0}
        assert client.submit_one(Task("my/new")).fetch() == b"x"


GOOD = [
    dictionary(),
    finished(0, 1, 2, values=b"\x01a\xff\x00"),
    error("x", id=1),
    error("x", refused_plan=0),
    chunk(1, b"abc", 11),
    frame(wire.number_field(1, 22) + wire.number_field(22, 4)),
]


def test_whatever_a_server_sends_there_is_no_hang() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(150):
        parts = [rng.choice(GOOD) for _ in range(rng.randint(1, 6))]
        stream = bytearray(b"".join(parts))
        for _ in range(rng.randint(0, 5)):
            stream[rng.randrange(len(stream))] = rng.randrange(256)
        if rng.random() < 0.5:
            del stream[rng.randint(0, len(stream)) :]

        def talk(server: FakeServer, stream: bytes = bytes(stream)) -> None:
            server.register()
            server.receive_request(1)
            at = 0
            while at < len(stream):
                size = rng.choice([1, 3, 10, 1000])
                server.send(stream[at : at + size])
                at += size

        with FakeServer(talk) as server, Client(server.address) as client:
            try:
                futures = client.submit([tasks.const(name) for name in "abc"])
                client.fetch(futures)
            except (LoomError, MemoryError) as problem:
                assert str(problem)  # of more than one line where the server says so


@pytest.fixture
def own_cluster() -> LocalCluster:
    with LocalCluster(workers=2, cpus=1) as started:
        yield started


def test_a_killed_server(own_cluster: LocalCluster) -> None:
    with own_cluster.client() as client:
        done = client.submit_one(tasks.const("x" * 100))
        done.wait()
        sleeping = client.submit_one(tasks.run("sleep 100"))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(sleeping.gather)
            os.kill(own_cluster._server.pid, signal.SIGKILL)
            with pytest.raises(LoomError, match="check that the server runs, connect and submit"):
                waiting.result()
        with pytest.raises(LoomError, match="was lost"):
            done.fetch()
    until(lambda: not own_cluster.workers)


def test_killed_workers(own_cluster: LocalCluster) -> None:
    with own_cluster.client() as client:
        lost = client.submit_one(tasks.merge([tasks.run("seq 100"), tasks.const("end")]))
        lost.wait()
        once = tasks.run("sleep 100")
        once.policy = "once"
        once.label = "only once"
        sleeping = client.submit_one(once)
        # One that was sent, and is not known to run, would wait for another worker.
        until(lambda: any(each["running"] for each in client.get_status()["workers"]))
        for worker in own_cluster.workers:
            lose(worker)
        until(lambda: client.get_stats()["n_workers"] == 0)
        with pytest.raises(TaskFailed) as caught:
            sleeping.gather()
        assert caught.value.label == "only once"
        own_cluster.add_worker()
        # What was lost is computed again.
        assert lost.gather().endswith(b"99\n100\nend")


def test_ctrl_c_while_waiting(own_cluster: LocalCluster) -> None:
    script = f"""
import os, signal, threading, time
from loom import Client, tasks
client = Client({own_cluster.address!r})
future = client.submit_one(tasks.run("sleep 100"))
def interrupt():
    while not future._state._listeners:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    future.gather()
except KeyboardInterrupt:
    pass
print(future.status, client.submit_one(tasks.const("still usable")).gather())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("pending b'still usable'\n", "")


def test_a_script_that_just_ends(own_cluster: LocalCluster) -> None:
    script = f"""
from loom import Client, tasks
client = Client({own_cluster.address!r})
futures = client.submit([tasks.run("sleep 100") for _ in range(100)])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    with own_cluster.client() as client:
        until(lambda: client.get_stats()["n_tasks"] == 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f"until [ -e {gate} ]; do sleep 0.01; done"
    future = client.submit_one(tasks.run(["sh", "-c", script]))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            texts = []
            for use in (future.wait, lambda: client.submit_one(tasks.const("")), client.get_stats):
                try:
                    use()
                except LoomError as error:
                    texts.append(str(error))
            future.release()
            del future
            client.close()
            if len(texts) == 3 and all("before the process forked" in text for text in texts):
                status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    gate.touch()
    assert future.gather() == b""
    assert client.submit_one(tasks.const("x")).gather() == b"x"
