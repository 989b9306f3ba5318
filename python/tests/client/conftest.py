"""A cluster for all tests, a client for each; tests that need Python functions on workers are
skipped where no worker offers them.
"""

from __future__ import annotations

from typing import Iterator

import pytest

from loom import Client, LocalCluster, LoomError, tasks

from .harness import until


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(workers=2, cpus=2) as started:
        yield started
        assert len(started.workers) == 2, "a worker of the shared cluster has ended"


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    """Whatever the test leaves behind must be gone when its client is closed."""
    with cluster.client() as connected:
        yield connected
    with cluster.client() as other:
        until(lambda: other.get_stats()["n_clients"] == 1)
        assert other.get_stats()["n_data_objects"] == 0


@pytest.fixture(scope="session")
def _function_problem(cluster: LocalCluster) -> str:
    """Why no worker offers Python functions, else ""."""
    with cluster.client() as connected:
        try:
            connected.submit_one(tasks.py_call(len, [tasks.py_value("abc")])).wait()
        except LoomError as error:
            if "no connected worker offers" in str(error):
                return str(error)
    return ""


@pytest.fixture
def functions(_function_problem: str) -> None:
    """For tests of functions that are executed."""
    if _function_problem:
        pytest.skip(_function_problem)
