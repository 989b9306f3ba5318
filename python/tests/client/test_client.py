"""What a client does with tasks and their futures; several threads and clients."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import loom.client
from loom import Client, LocalCluster, LoomError, Task, TaskFailed, tasks


def test_the_documented_names() -> None:
    from loom.client import Client as a
    from loom.client import Future, LoomError, LoomException, Task, TaskFailed, tasks
    from loom.client.tasks import const

    assert a is loom.client.Client is loom.client.client.Client
    assert const is tasks.const
    assert LoomException is LoomError
    assert issubclass(TaskFailed, LoomError)
    assert Future and Task


def test_hello(client: Client) -> None:
    task = tasks.merge((tasks.const("Hello "), tasks.const("world!")))
    assert client.submit_one(task).gather() == b"Hello world!"


def test_wait_fetch_gather_release(client: Client) -> None:
    futures = client.submit([tasks.const("a"), tasks.const("b"), tasks.const("c" * 100)])
    client.wait(futures)
    client.wait(futures[0])
    client.wait_one(futures[0])
    futures[2].wait()
    assert all(future.finished() for future in futures)
    assert client.fetch(futures) == [b"a", b"b", b"c" * 100]
    assert client.fetch_one(futures[1]) == b"b"
    assert futures[2].fetch() == b"c" * 100
    assert client.gather_one(futures[0]) == b"a"
    assert futures[0].released() and futures[0].status == "released"
    client.release_one(futures[1])
    client.release_one(futures[1])
    client.release(futures)
    for use in (futures[0].wait, futures[1].fetch, futures[2].gather):
        with pytest.raises(LoomError, match="was released; keep its future unreleased"):
            use()
    assert client.gather([]) == [] and client.submit([]) == []
    client.wait([])


def test_the_same_task_and_the_same_future_twice(client: Client) -> None:
    task = tasks.const("x" * 200)
    first, second = client.submit([task, task])
    assert first is second
    assert client.fetch([first, first]) == [b"x" * 200] * 2
    assert list(client.as_completed([first, first])) == [first]
    assert client.gather([first, first]) == [b"x" * 200] * 2
    assert client.submit_one(task).task_id == 1


def test_futures_as_inputs(client: Client) -> None:
    a = client.submit_one(tasks.const("a"))
    b = client.submit_one(tasks.merge([a, a]))
    c = client.submit_one(tasks.run("cat x", {"x": b}))
    assert c.gather() == b"aa"
    a.release()
    with pytest.raises(
        LoomError, match='type "loom/data/merge" has an unusable input: .* released'
    ):
        client.submit_one(tasks.merge([a]))
    assert client.submit_one(tasks.merge([b])).gather() == b"aa"


def test_futures_of_others(client: Client, cluster: LocalCluster) -> None:
    mine = client.submit_one(tasks.const("a"))
    with cluster.client() as other:
        theirs = other.submit_one(tasks.const("b"))
        assert (mine.task_id, theirs.task_id) == (0, 0)
        for use in (
            lambda: client.wait(theirs),
            lambda: client.fetch([mine, theirs]),
            lambda: client.release(theirs),
            lambda: client.as_completed([theirs]),
        ):
            with pytest.raises(LoomError, match="id 0 is of another client"):
                use()
        with pytest.raises(LoomError, match="future with id 0, is of another client; fetch its"):
            client.submit_one(tasks.merge([theirs]))
        assert theirs.gather() == b"b"


def test_wrong_arguments(client: Client) -> None:
    task = tasks.const("a")
    future = client.submit_one(task)
    for use, message in [
        (lambda: client.submit(task), "takes a list of tasks; for a single one use submit_one"),
        (lambda: client.submit(3), "a list of tasks is expected, got int"),
        (lambda: client.submit([3]), "tasks are expected, got a int"),
        (lambda: client.submit_one(future), "tasks are expected, got a Future"),
        (lambda: client.fetch(future), "takes a list of futures; for a single one use fetch_one"),
        (lambda: client.gather(future), "use gather_one"),
        (lambda: client.wait(3), "a list of futures is expected, got int"),
        (lambda: client.wait([task]), "a future of this client is expected, got Task"),
        (lambda: client.release("ab"), "future of this client is expected, got str"),
        (lambda: client.submit_one(tasks.merge([3])), "input of .* is a int; inputs are tasks"),
        (lambda: future.wait(timeout="x"), "timeout must be a number of seconds or None, got 'x'"),
    ]:
        with pytest.raises(LoomError, match=message):
            use()  # type: ignore[no-untyped-call]


def test_refused_plans(client: Client) -> None:
    before = client.submit_one(tasks.const("x"))
    task = tasks.run("true", request=tasks.cpus(1000))
    a, b = client.submit([tasks.const("a"), task], when_unsatisfiable="refuse")
    for use in (a.wait, b.fetch, lambda: client.gather([a])):
        with pytest.raises(
            LoomError, match="refused the plan: task 2 requests 1000 cpus"
        ) as caught:
            use()
        assert not isinstance(caught.value, TaskFailed)
    with pytest.raises(LoomError, match='no task type for task of type "no/such"'):
        client.submit_one(Task("no/such"))
    assert client.gather([before, client.submit_one(tasks.const("y"))]) == [b"x", b"y"]


def test_timeouts(client: Client) -> None:
    slow = client.submit_one(tasks.run("sleep 100"))
    quick = client.submit_one(tasks.const("x"))
    quick.wait(timeout=60)
    for use in (
        lambda: slow.wait(timeout=0.02),
        lambda: slow.gather(timeout=0.02),
        lambda: client.fetch([quick, slow], timeout=0.02),
        lambda: client.wait([slow], timeout=0),
    ):
        with pytest.raises(TimeoutError, match="not done in 0"):
            use()
    assert not slow.released()
    came = client.as_completed([slow, quick], timeout=0.05)
    assert next(came) is quick
    with pytest.raises(TimeoutError, match="1 more results: not done in 0.05 s"):
        next(came)
    assert quick.fetch(timeout=1e12) == b"x"


def test_waiting_again_and_again_leaves_nothing_behind(client: Client) -> None:
    slow = client.submit_one(tasks.run("sleep 100"))
    for _ in range(100):
        with pytest.raises(TimeoutError):
            slow.wait(timeout=0)
        iterator = client.as_completed([slow], timeout=0)
        with pytest.raises(TimeoutError):
            next(iterator)
        next_one = client.as_completed([slow])
        del next_one
    assert not slow._state._listeners


def test_as_completed(client: Client, tmp_path: Path) -> None:
    gates = [tmp_path / f"gate{i}" for i in range(3)]
    script = "until [ -e $0 ]; do sleep 0.01; done; echo $0"
    futures = client.submit([tasks.run(["sh", "-c", script, str(gate)]) for gate in gates])
    futures.append(client.submit_one(tasks.run("false")))
    came = client.as_completed(futures)
    assert next(came) is futures[3]
    for number in (2, 0, 1):
        gates[number].touch()
        assert next(came) is futures[number]
    assert list(came) == []
    assert futures[3].failed()


def test_threads_share_a_client(client: Client) -> None:
    def work(number: int) -> list[Any]:
        out = []
        for i in range(30):
            a = client.submit_one(tasks.const(f"{number}-{i}-" + "x" * 100))
            b = client.submit_one(tasks.merge([a, a]))
            out.append(client.gather([a, b]))
            client.get_stats()
        return out

    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(pool.map(work, range(8))):
            for i, (a, b) in enumerate(found):
                assert a == f"{number}-{i}-".encode() + b"x" * 100
                assert b == a + a


def test_several_clients(cluster: LocalCluster) -> None:
    clients = [cluster.client() for _ in range(5)]
    futures = [each.submit_one(tasks.const(str(i))) for i, each in enumerate(clients)]
    assert clients[0].get_stats()["n_clients"] == 5
    assert [future.fetch() for future in futures] == [b"0", b"1", b"2", b"3", b"4"]
    for each in clients:
        each.close()


def test_importing_is_quiet_and_needs_no_cloudpickle() -> None:
    script = "import sys, loom, loom.aio; print('cloudpickle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
