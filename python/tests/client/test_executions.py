"""What TaskFailed tells of an execution; the TypeScript client is tested with the same cases."""

from __future__ import annotations

import json
import os
import pickle
import re
import socket
import time
from pathlib import Path
from typing import Any, Dict

import pytest

from loom import LocalCluster
from loom.client import Execution, LoomError, TaskFailed, tasks, wire
from loom.client.errors import fresh
from loom.client.failures import task_failed
from loom.client.messages import read_response
from loom.client.plan import _metadata_bytes

VECTORS = Path(__file__).resolve().parents[3] / "test" / "client" / "death-vectors.json"
CASES = json.loads(VECTORS.read_text())
NUMBERS = {
    "worker_pid": 2,
    "started_ms": 3,
    "duration_ms": 4,
    "time_limit_ms": 5,
    "peak_kib": 6,
    "oom_likely": 9,
    "memory_limit_kib": 10,
}


def received(case: Dict[str, Any], message: str = "") -> TaskFailed:
    """The error as it comes from a server."""
    error = wire.number_field(1, 1) + wire.text_field(2, "10.0.0.7:4000")
    error += wire.text_field(3, message) + wire.text_field(21, "loom/run/run")
    if "exit_status" in case:
        error += wire.number_field(23, case["exit_status"])
    if "signal" in case:
        error += wire.text_field(24, case["signal"])
    if "execution" in case:
        execution = wire.text_field(1, case["execution"]["host"])
        for name, number in NUMBERS.items():
            if name in case["execution"]:
                execution += wire.number_field(number, int(case["execution"][name]))
        for name, number in (("memory_ms", 7), ("memory_kib", 8)):
            if name in case["execution"]:
                execution += wire.packed_field(number, case["execution"][name])
        error += wire.bytes_field(28, execution)
    response = read_response(wire.number_field(1, 3) + wire.bytes_field(4, error))
    assert response.error is not None
    return task_failed(response.error)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_message_ends_with_how_it_died(case: Dict[str, Any]) -> None:
    failure = received(case, "Stderr:\nno\n")
    end = f"\n{case['text']}" if "text" in case else "\n"
    head = 'task of type "loom/run/run" failed on worker 10.0.0.7:4000: '
    assert str(failure) == f"{head}Stderr:\nno{end}"
    assert failure.message == "Stderr:\nno\n"


def test_fields() -> None:
    execution = {
        "host": "node7",
        "worker_pid": 12,
        "started_ms": 1_700_000_000_000,
        "duration_ms": 2500,
        "time_limit_ms": 2000,
        "peak_kib": 3,
        "memory_ms": [1000, 1500],
        "memory_kib": [1, 3],
    }
    failure = received({"execution": execution, "exit_status": 1})
    assert failure.execution == Execution(
        host="node7",
        worker_pid=12,
        started=1_700_000_000.0,
        duration=2.5,
        time_limit=2.0,
        peak_bytes=3072,
        memory=((1.0, 1024), (1.5, 3072)),
    )
    for again in (pickle.loads(pickle.dumps(failure)), fresh(failure)):
        assert (str(again), again.execution) == (str(failure), failure.execution)
    assert received({}).execution is None
    assert received({"execution": {"host": "n"}}).execution == Execution("n", 0)


def test_labels_in_messages_do_not_steer_terminals() -> None:
    failure = TaskFailed("no", task_type="t", label="x\x1b[31mred\n")
    assert str(failure) == 'task "x?[31mred?" (t) failed: no'
    assert failure.label == "x\x1b[31mred\n"
    long = TaskFailed("no", task_type="t", label="y" * 4000)
    assert str(long) == f'task "{"y" * 198}.." (t) failed: no'


def test_metadata_that_is_too_large_is_refused_with_the_name_of_the_task() -> None:
    task = tasks.const("")
    task.label = "big"
    task.metadata = "x" * (1024 * 1024)
    message = r'metadata of task "big" \(loom/data/const\) has 1048578 bytes, at most 1048576'
    with pytest.raises(LoomError, match=message):
        _metadata_bytes(task)
    task.metadata = {"lost": float("nan")}
    assert pickle.loads(_metadata_bytes(task))["lost"] != 0


def test_what_really_dies_says_how() -> None:
    with LocalCluster(workers=1, cpus=1) as cluster, cluster.client() as client:
        (worker,) = cluster.workers
        killed = tasks.run(["/bin/sh", "-c", "echo oh >&2; kill -9 $$"])
        limited = tasks.run(["/bin/sh", "-c", "exec sleep 1000"])
        limited.time_limit = 0.2
        function = tasks.py_call(tasks.py_value(leave))
        limits = {0: None, 1: 0.2, 2: None}
        ends = {0: "Killed by SIGKILL", 1: "Ended at its time limit of 200 ms"}
        for i, task in enumerate((killed, limited, function)):
            with pytest.raises(TaskFailed) as caught:
                client.submit_one(task).gather()
            execution = caught.value.execution
            assert execution is not None
            assert (execution.host, execution.worker_pid) == (socket.gethostname(), worker.pid)
            assert execution.time_limit == limits[i]
            assert abs((execution.started or 0) - time.time()) < 60
            last_line = str(caught.value).split("\n")[-1]
            assert last_line.startswith(ends.get(i, "Ended with exit status 5") + " after ")
            # What ran for a while was looked at: its memory is told, too.
            assert re.search(rf" on {execution.host}( \(peak memory .*\))?$", last_line)


def leave() -> None:
    os._exit(5)
