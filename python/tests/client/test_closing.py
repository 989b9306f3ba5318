"""The end of a client, and of a server that a client stops."""

from __future__ import annotations

import gc
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loom import Client, LocalCluster, LoomError, tasks

from .harness import open_files, until


def test_a_client_that_is_garbage_is_closed(cluster: LocalCluster) -> None:
    before = threading.active_count(), open_files()
    future = cluster.client().submit_one(tasks.const("x" * 100))
    assert future.gather() == b"x" * 100
    del future
    gc.collect()
    until(lambda: (threading.active_count(), open_files()) == before)


def test_closing(cluster: LocalCluster) -> None:
    before = threading.active_count(), open_files()
    client = cluster.client()
    slow = client.submit_one(tasks.run("sleep 100"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.wait)
        until(lambda: slow._state._listeners)
        client.close()
        with pytest.raises(LoomError, match="this client is closed; connect a new one"):
            waiting.result()
    assert client.closed
    client.close()
    for use in (slow.wait, lambda: client.submit([tasks.const("")]), client.get_stats):
        with pytest.raises(LoomError, match="closed"):
            use()
    slow.release()
    assert (threading.active_count(), open_files()) == before


def test_terminate() -> None:
    with LocalCluster() as cluster:
        client, other = cluster.client(), cluster.client()
        future = client.submit_one(tasks.run("sleep 100"))
        client.terminate()
        assert client.closed
        with pytest.raises(LoomError, match="this client has stopped its server"):
            future.wait()
        with pytest.raises(LoomError, match="was lost"):
            other.submit_one(tasks.run("sleep 100")).wait()
        until(lambda: not cluster._server.is_alive() and not cluster.workers)


def test_a_cluster_started_by_hand(tmp_path: Path) -> None:
    """By its command line, as in the documentation."""
    from loom.cluster import find_command

    command = find_command()
    server = subprocess.Popen(
        [*command, "server", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    worker = subprocess.Popen(
        [*command, "worker", "127.0.0.1", str(port), "--cpus=1", f"--wdir={tmp_path}"],
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    client = Client("127.0.0.1", port)
    assert client.submit_one(tasks.run("pwd")).gather().startswith(str(tmp_path).encode())
    client.terminate()
    assert (server.wait(20), worker.wait(20)) == (0, 0)
    server.stdout.close()
    worker.stdout.close()
