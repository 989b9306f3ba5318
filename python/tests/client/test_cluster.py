"""Clusters on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Callable

import pytest

from loom import LocalCluster, LoomError, TaskFailed, cluster_process, tasks
from loom import cluster as cluster_module

from .harness import is_alive, lose, open_files, until


def test_workers_come_and_go_and_no_process_stays() -> None:
    before = open_files()
    with LocalCluster(workers=2, cpus=1) as cluster:
        pids = [cluster._server.pid, *(worker.pid for worker in cluster.workers)]
        with cluster.client() as client:
            assert client.get_stats()["n_workers"] == 2
            workers = client.get_status()["workers"]
            assert sorted(each["pid"] for each in workers) == sorted(pids[1:])
            assert [each["cpus"] for each in workers] == [1, 1]
            assert {each["address"] for each in workers} == {
                worker.address for worker in cluster.workers
            }
            first = cluster.workers[0]
            lose(first)
            until(lambda: client.get_stats()["n_workers"] == 1)
            assert first not in cluster.workers
            (lost,) = cluster.lost_workers
            assert (lost.address, lost.pid) == (first.address, first.pid)
            assert (lost.exit_status, lost.signal, lost.stderr) == (None, "SIGKILL", "")
            more = cluster.add_worker(cpus=3)
            pids.append(more.pid)
            assert client.submit_one(tasks.run("true", request=tasks.cpus(3))).gather() == b""
        assert repr(cluster) == f"<LocalCluster {cluster.address}, 2 workers>"
        assert more.address in cluster._repr_html_()
        assert repr(more) == f"<LocalWorker {more.address}, pid {more.pid}>"
    assert not any(map(is_alive, pids))
    # What the killed worker has started may hold its standard error a moment longer.
    until(lambda: open_files() == before)
    cluster.close()
    assert repr(cluster) == "<LocalCluster, closed>"
    assert "closed" in cluster._repr_html_()
    for use in (cluster.add_worker, cluster.client):
        with pytest.raises(LoomError, match="this local cluster is closed; start a new one"):
            use()


def test_the_live_page_has_an_address() -> None:
    with LocalCluster(cpus=1) as cluster:
        assert cluster.dashboard is not None
        with urllib.request.urlopen(f"{cluster.dashboard}/health") as answer:
            assert json.load(answer) == {"status": "ok", "workers": 1}
        assert cluster.dashboard in cluster._repr_html_()
        with cluster.client() as client:
            assert client.get_status()["dashboard"] == cluster.dashboard


def test_a_failed_result_is_there_after_a_retry(tmp_path: Path) -> None:
    with LocalCluster(cpus=1) as cluster, cluster.client() as client:
        program = tmp_path / "input"
        future = client.submit_one(tasks.run(["cat", str(program)]))
        with pytest.raises(TaskFailed):
            client.wait([future])
        assert future.failed() and future.error is not None
        program.write_text("there now")
        request = urllib.request.Request(
            f"{cluster.dashboard}/api/v1/tasks/retry",
            data=json.dumps({"task": "0:0"}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer) == {"retried": 1}
        until(future.finished)
        assert future.error is None
        assert future.gather() == b"there now"


def test_what_tasks_may_hold() -> None:
    with LocalCluster(cpus=2, resources={"gpus": 1, "fpgas": ["a", "b"]}) as cluster:
        cluster.add_worker(resources={"gpus": 0, "licences": 2.5})
        with cluster.client() as client:

            def show(**amounts: Any) -> Any:
                request = tasks.resources(amounts)
                task = tasks.run("printenv LOOM_RESOURCES", request=request)
                return json.loads(client.submit_one(task).gather())

            assert show(gpus=0.5, fpgas=["b"]) == {
                "fpgas": {"amount": 1, "indices": ["b"]},
                "gpus": {"amount": 0.5, "indices": ["0"]},
            }
            assert show(licences=2.5) == {"licences": {"amount": 2.5, "indices": []}}
    with pytest.raises(LoomError, match="--resource gpus=x: x is not an amount"):
        LocalCluster(cpus=1, resources={"gpus": "x"})


def test_the_cores_of_the_machine() -> None:
    with LocalCluster() as cluster, cluster.client() as client:
        (worker,) = client.get_status()["workers"]
        assert worker["cpus"] == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("workers", "cpus", "message"),
    [
        (-1, None, "workers must be an integer from 0 up, got -1"),
        (1.5, None, "workers must be"),
        (True, None, "workers must be"),
        (1, 0, "cpus must be an integer from 1 up, got 0"),
    ],
)
def test_wrong_numbers(workers: int, cpus: int | None, message: str) -> None:
    with pytest.raises(LoomError, match=message):
        LocalCluster(workers, cpus)


def start_with(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LOOM_COMMAND", command)
    before = open_files()
    with pytest.raises(LoomError) as caught:
        LocalCluster()
    until(lambda: open_files() == before)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Makes a command line of a Python script that finds its channel in `channel`."""

    def make(script: str) -> str:
        path = tmp_path / "program.py"
        path.write_text(
            "import os, signal, sys, time\n"
            "channel = int(os.environ['NODE_CHANNEL_FD'])\n"
            f"{script}\n"
        )
        return f"{sys.executable} {path}"

    return make


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "print('one', file=sys.stderr)\nprint('two', file=sys.stderr)\nsys.exit(5)",
            "the server of the local cluster ended at once (exit status 5); it said: one | two",
        ),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended at once (SIGKILL)"),
        ("os.write(channel, b'hello\\n'); time.sleep(1000)", "said b'hello"),
        ("os.write(channel, b'[1]\\n'); time.sleep(1000)", "is this a HyperLoom?"),
        (
            'os.write(channel, b\'{"loom": "failed", "message": "no port"}\\n\'); time.sleep(1000)',
            "did not start: no port",
        ),
        ("os.close(channel); time.sleep(1000)", "closed its channel, but did not end"),
    ],
)
def test_programs_that_are_no_server(
    script: str,
    message: str,
    program: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_process, "_STOP_TIMEOUT_S", 0.3 if "os.close" in script else 5)
    assert message in start_with(program(script), monkeypatch)


def test_programs_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start_with("/no/such/loom", monkeypatch) == (
        "the server of the local cluster could not be started: /no/such/loom: No such file or "
        "directory"
    )
    assert "is no command line" in start_with("a 'b", monkeypatch)


def test_a_program_that_says_nothing(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_process, "_START_TIMEOUT_S", 0.1)
    assert "did not come up in 0.1 s (" in start_with(program("time.sleep(1000)"), monkeypatch)


def test_finding_the_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOOM_COMMAND", "node '/a b/loom.js'")
    assert cluster_module.find_command() == ["node", "/a b/loom.js"]
    monkeypatch.delenv("LOOM_COMMAND")
    checkout = tmp_path / "checkout"
    (checkout / "dist" / "cli").mkdir(parents=True)
    (checkout / "dist" / "cli" / "loom.js").touch()
    own = checkout / "python" / "loom" / "cluster.py"
    monkeypatch.setattr(cluster_module, "__file__", str(own))
    assert cluster_module.find_command() == [
        shutil.which("node"),
        str(checkout / "dist" / "cli" / "loom.js"),
    ]
    package = tmp_path / "site-packages" / "loom"
    package.mkdir(parents=True)
    monkeypatch.setattr(cluster_module, "__file__", str(package / "cluster.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(cluster_module, "__file__", str(own))
    with pytest.raises(LoomError, match="there is no node in the PATH"):
        cluster_module.find_command()
    monkeypatch.setattr(cluster_module, "__file__", str(package / "cluster.py"))
    with pytest.raises(LoomError, match="HyperLoom was not found: install it"):
        cluster_module.find_command()
    program = tmp_path / "loom"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert cluster_module.find_command() == [str(program)]


START = """
import os, signal, sys, time
from loom import LocalCluster, tasks
cluster = LocalCluster(workers=1)
client = cluster.client()
future = client.submit_one(tasks.run("sleep 1000"))
while not client.get_status()["workers"][0]["assigned"]: time.sleep(0.01)
print(cluster._server.pid, *(worker.pid for worker in cluster.workers), flush=True)
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "sys.exit(3)",
        "1 / 0",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os._exit(0)",
        "fork",
    ],
)
def test_the_cluster_ends_with_python(end: str) -> None:
    child = ""
    if end == "fork":
        # A child lives on: it must not keep the cluster alive.
        child = "\nchild = os.fork()\nif child == 0: time.sleep(1000)\nprint(child, flush=True)\n"
        end = "os.kill(os.getpid(), signal.SIGKILL)"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", START + child + end],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        pids = list(map(int, process.stdout.readline().split()))
        orphan = int(process.stdout.readline()) if child else None
        process.wait(30)
        assert len(pids) == 2
        until(lambda: not any(map(is_alive, pids)))
        if orphan is not None:
            os.kill(orphan, signal.SIGKILL)


def test_ctrl_c_is_not_for_the_cluster() -> None:
    with LocalCluster() as cluster, cluster.client() as client:
        for pid in (cluster._server.pid, cluster.workers[0].pid):
            assert os.getpgid(pid) != os.getpgid(0)
        assert client.submit_one(tasks.const("x")).gather() == b"x"


def test_workers_run_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    from loom.cluster_process import environment_of_workers

    monkeypatch.delenv("LOOM_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/x:/y")
    monkeypatch.setattr(sys, "path", ["", "/z"])
    environment = environment_of_workers()
    assert environment["LOOM_PYTHON"] == sys.executable
    assert environment["PYTHONPATH"] == f"{os.getcwd()}:/x:/y"
    monkeypatch.setenv("LOOM_PYTHON", "/other/python")
    assert environment_of_workers()["LOOM_PYTHON"] == "/other/python"


def test_logs_can_be_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with LocalCluster(workers=0, verbose=True) as cluster, cluster.client() as client:
        future = client.submit_one(tasks.const("x"))
        client.get_stats()
        assert not future.finished()  # held until here: it would be cancelled
    assert "no worker is connected" in capfd.readouterr().err
