"""What a client asks and hears of the server besides results: numbers, traces, log lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loom import Client, LoomError
from loom.client import wire

from .harness import FakeServer, error, frame, until


def test_stats_and_status(client: Client) -> None:
    assert client.get_stats() == {
        "n_workers": 2,
        "n_data_objects": 0,
        "n_tasks": 0,
        "n_clients": 1,
    }
    assert type(client.get_stats()["n_workers"]) is int
    assert [each["cpus"] for each in client.get_status()["workers"]] == [2, 2]


def test_set_trace(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set_trace(str(tmp_path))

    def talk(server: FakeServer) -> None:
        server.register()
        got.append(server.receive_request(7)[7][0])
        server.send(error("the disk is full"))
        server.receive_request(6)
        server.send(frame(wire.number_field(1, 11) + wire.bytes_field(6, b"")))
        server.hold()

    got: list[bytes] = []
    monkeypatch.chdir(tmp_path)
    with FakeServer(talk) as server, Client(server.address) as other:
        with pytest.raises(LoomError, match="^the disk is full$"):
            other.set_trace("sub")
    assert got == [str(tmp_path / "sub").encode()]


def test_log_lines_come_to_who_listens() -> None:
    asked = []

    def talk(server: FakeServer) -> None:
        server.register()
        asked.append(server.receive_request(24)[25])
        log = (
            wire.number_field(1, 5)
            + wire.number_field(2, 4)
            + wire.text_field(3, "oh")
            + wire.text_field(4, "w:1")
        )
        server.receive_request(6)
        server.send(frame(wire.number_field(1, 23) + wire.bytes_field(26, log)))
        server.send(frame(wire.number_field(1, 11) + wire.bytes_field(6, b"")))
        asked.append(server.receive_request(24)[25])

    lines: list[Any] = []
    with FakeServer(talk) as server, Client(server.address) as client:
        stop_bad = client.on_log(lambda line: 1 / 0)
        stop = client.on_log(lines.append)
        client.get_stats()
        assert lines == [(5, "error", "oh", "w:1")]
        stop_bad()
        stop()
        stop()
        until(lambda: len(asked) == 2)
    assert asked == [[1], [0]]
