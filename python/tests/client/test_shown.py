"""What people see: reprs, notebooks, progress bars."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loom import Client, LocalCluster, LoomError, progress, tasks

from .harness import PATIENCE_S, FakeServer, frame, until


def test_reprs(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    task = tasks.run(["sh", "-c", f"until [ -e {gate} ]; do sleep 0.01; done"])
    task.label = "<nap>"
    future = client.submit_one(task)
    assert repr(future) == "<Future '<nap>' loom/run/run, id 0, pending>"
    assert "&lt;nap&gt;" in future._repr_html_()
    gate.touch()
    future.wait()
    assert repr(future) == "<Future '<nap>' loom/run/run, id 0, finished>"
    failed = client.submit_one(tasks.run("false"))
    with pytest.raises(LoomError):
        failed.wait()
    assert "status 1" in failed._repr_html_()
    assert repr(client) == f"<Client of {client.address}, connected>"
    assert "n_workers" in client._repr_html_()
    assert "n_workers" in client.get_stats()._repr_html_()
    client.close()
    assert repr(client) == f"<Client of {client.address}, closed>"
    assert "this client is closed" in client._repr_html_()


def test_progress(
    client: Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # On a busy machine the last news may come later than a user wants to wait for it.
    monkeypatch.setattr(progress, "_LAST_NEWS_S", PATIENCE_S)
    client.gather(client.submit([tasks.const("before"), tasks.const("it")]))
    until(lambda: client._session.listeners.progress == (2, 0, 2))
    # What is done before there is a bar is not counted.
    gate = tmp_path / "gate"
    opened = tasks.run(["sh", "-c", f"until [ -e {gate} ]; do sleep 0.01; done"])
    futures = client.submit([opened, *(tasks.merge([opened], str(i)) for i in range(8))])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait, futures, progress=True)
        until(lambda: client._session.listeners._listeners["progress"])
        gate.touch()
        waiting.result()
    assert "9/9" in capsys.readouterr().err
    with client.progress():
        with pytest.raises(LoomError):
            client.submit_one(tasks.merge([tasks.run("false")])).gather()
    shown = capsys.readouterr().err
    assert "2/2" in shown and "failed=2" in shown


def test_progress_of_nothing(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    with client.progress():
        pass
    with pytest.raises(ZeroDivisionError), client.progress():
        raise ZeroDivisionError
    assert not client._session.listeners._listeners["progress"]


def test_progress_without_tqdm(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(
        LoomError, match="needs tqdm, which is not installed; run: pip install tqdm"
    ):
        client.wait(client.submit([tasks.const("")]), progress=True)


def test_a_client_of_a_lost_server_can_be_shown() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.send(frame(b"\x08\x63"))

    with FakeServer(talk) as server, Client(server.address) as client:
        assert "was lost" in client._repr_html_()


def test_clusters_can_be_shown(cluster: LocalCluster) -> None:
    assert cluster.address in repr(cluster)
