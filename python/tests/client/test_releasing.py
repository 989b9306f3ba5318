"""Futures that are released, or become garbage: what the server drops and cancels."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from loom import Client, LocalCluster, LoomError, tasks

from .harness import until


def test_release_cancels(client: Client) -> None:
    futures = client.submit([tasks.run("sleep 100") for _ in range(50)])
    client.release(futures)
    until(lambda: client.get_stats()["n_tasks"] == 0)
    assert client.submit_one(tasks.run("echo x", request=tasks.cpus(2))).gather() == b"x\n"


def test_who_waits_for_a_released_future_is_told(client: Client) -> None:
    slow = client.submit_one(tasks.run("sleep 100"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.gather)
        until(lambda: slow._state._listeners)
        slow.release()
        with pytest.raises(LoomError, match="was released"):
            waiting.result()


def test_futures_that_are_garbage_are_released(client: Client) -> None:
    futures = client.submit([tasks.const("x" * 100) for _ in range(1000)])
    kept = futures[7]
    client.wait(futures)
    assert client.get_stats()["n_data_objects"] == 1000
    del futures
    gc.collect()
    assert client.get_stats()["n_data_objects"] == 1
    assert kept.gather() == b"x" * 100


def test_garbage_is_released_without_a_further_request(
    client: Client, cluster: LocalCluster
) -> None:
    with cluster.client() as other:
        for _ in range(3):
            client.submit_one(tasks.run("sleep 100"))
            until(lambda: other.get_stats()["n_tasks"] == 0)


def test_tasks_keep_futures_alive(client: Client) -> None:
    task = tasks.merge([client.submit_one(tasks.const("x"))])
    gc.collect()
    assert client.submit_one(task).gather() == b"x"
