"""Everything a client can do, with a real server and real workers."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import loom.client
from loom import Client, LocalCluster, LoomError, Task, TaskFailed, tasks

from .harness import FakeServer, error, open_files, until


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


def test_built_in_tasks(client: Client, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"one\ntwo\nthree\n")
    saved = tmp_path / "out.txt"
    text = tasks.open(str(source))
    pieces = tasks.split(text)
    array = tasks.array_make((tasks.const("a"), tasks.const("bc"), tasks.array_make([])))
    results = client.gather(
        client.submit(
            [
                tasks.merge((tasks.const("a"), tasks.const("b")), delimiter="--"),
                text,
                pieces,
                tasks.split(tasks.const("a;b"), ";"),
                tasks.get(pieces, 1),
                tasks.slice(pieces, 1, 3),
                tasks.slice(pieces, 2),
                tasks.slice(array, 0, 2),
                array,
                tasks.get(array, 1),
                tasks.size(text),
                tasks.size([text, array]),
                tasks.length(pieces),
                tasks.length([array, pieces]),
                tasks.save(text, str(saved)),
                tasks.const(""),
            ]
        )
    )
    assert results == [
        b"a--b",
        b"one\ntwo\nthree\n",
        [b"one\n", b"two\n", b"three\n"],
        [b"a;", b"b"],
        b"two\n",
        b"two\nthree\n",
        b"three\n",
        [b"a", b"bc"],
        [b"a", b"bc", []],
        b"bc",
        (14).to_bytes(8, "little"),
        (17).to_bytes(8, "little"),
        (3).to_bytes(8, "little"),
        (6).to_bytes(8, "little"),
        b"",
        b"",
    ]
    assert saved.read_bytes() == b"one\ntwo\nthree\n"


def test_programs(client: Client) -> None:
    a, b = tasks.const("b\na\n"), tasks.const("3")
    results = client.gather(
        client.submit(
            [
                tasks.run("sort", stdin=a),
                tasks.run(("cat", "x", "y"), [(a, "x"), ("y", b)]),
                tasks.run("seq $n", [(b, "$n")]),
                tasks.run("seq $n", variables={"n": b}),
                tasks.run(["sh", "-c", "echo out; echo f > f"], outputs=[None, "f"]),
                tasks.run(["sh", "-c", "echo f > f"], outputs="f"),
                tasks.run(["sh", "-c", "echo $K $HOME"], env={"K": "v", "HOME": "h"}),
                tasks.run(["sh", "-c", "echo no; exit 3"], success_codes=[0, 3]),
                tasks.run("cat", {"x": a}),
                tasks.run("echo 'a  b' \"c\"", request=tasks.cpus(2)),
            ]
        )
    )
    assert results == [
        b"a\nb\n",
        b"b\na\n3",
        b"1\n2\n3\n",
        b"1\n2\n3\n",
        [b"out\n", b"f\n"],
        b"f\n",
        b"v h\n",
        b"no\n",
        b"",
        b"a  b c\n",
    ]


def test_a_kept_directory(client: Client) -> None:
    where = client.submit_one(tasks.run("pwd", keep_directory=True)).gather().decode().strip()
    assert (Path(where) / "+out").read_text().strip() == where
    gone = client.submit_one(tasks.run("pwd")).gather().decode().strip()
    assert not Path(gone).exists()


def test_a_failed_program(client: Client) -> None:
    bad = tasks.run(["sh", "-c", "echo oh >&2; exit 7"])
    bad.label = "bad one"
    futures = client.submit([tasks.merge([bad]), bad, tasks.const("fine")])
    for use in (futures[0].wait, futures[1].fetch, lambda: client.wait(futures)):
        with pytest.raises(TaskFailed) as caught:
            use()
        failure = caught.value
        assert (failure.label, failure.task_type) == ("bad one", "loom/run/run")
        assert (failure.exit_status, failure.signal, failure.stderr) == (7, None, "oh\n")
        assert failure.task_id == futures[1].task_id
        assert failure.worker is not None and ":" in failure.worker
        assert failure.message.startswith("Program terminated with status 7")
        assert str(failure).startswith('task "bad one" (loom/run/run) failed on worker ')
    assert futures[2].gather() == b"fine"
    assert futures[0].failed() and futures[0].status == "failed"
    assert isinstance(futures[0].error, TaskFailed)
    assert futures[2].released() and futures[2].error is None


def test_other_failures(client: Client, tmp_path: Path) -> None:
    def failure(task: Task) -> TaskFailed:
        with pytest.raises(TaskFailed) as caught:
            client.submit_one(task).gather()
        return caught.value

    assert failure(tasks.run("/no/such/program")).message.count("/no/such/program")
    assert failure(tasks.run(["sh", "-c", "kill -9 $$"])).signal == "SIGKILL"
    assert "f.txt" in failure(tasks.run("true", outputs="f.txt")).message
    assert "3" in failure(tasks.get(tasks.array_make([]), 3)).message
    assert "nowhere" in failure(tasks.open(tmp_path / "nowhere")).message
    assert failure(tasks.run("sleep 100", time_limit=0.05)).exit_status is None


def test_task_failed_can_be_pickled(client: Client) -> None:
    import copy
    import pickle

    future = client.submit_one(tasks.run("false"))
    with pytest.raises(TaskFailed) as caught:
        future.wait()
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert again.__dict__ == caught.value.__dict__
        assert str(again) == str(caught.value)


def test_the_same_failure_is_raised_again_and_again(client: Client) -> None:
    future = client.submit_one(tasks.run("false"))
    depths = []
    for _ in range(3):
        with pytest.raises(TaskFailed) as caught:
            future.wait()
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


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
    a, b = client.submit([tasks.const("a"), task])
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


def test_stats_and_status(client: Client) -> None:
    assert client.get_stats() == {
        "n_workers": 2,
        "n_data_objects": 0,
        "n_tasks": 0,
        "n_clients": 1,
    }
    assert type(client.get_stats()["n_workers"]) is int
    assert [each["cpus"] for each in client.get_status()["workers"]] == [2, 2]


def test_large_results(client: Client) -> None:
    size = 30_000_000
    make = tasks.run(["sh", "-c", f"yes abcdefg | head -c {size}"])
    expected = (b"abcdefg\n" * (size // 8 + 1))[:size]
    plain, array = client.submit([make, tasks.array_make([make, tasks.const("x"), make])])
    assert plain.gather() == expected
    assert array.gather() == [expected, b"x", expected]


def test_large_plans(client: Client) -> None:
    content = bytes(range(256)) * 400_000
    assert client.submit_one(tasks.size(tasks.const(content))).gather() == (
        len(content).to_bytes(8, "little")
    )


def test_a_chain_of_100000_tasks(client: Client) -> None:
    task = tasks.const("x")
    for _ in range(100_000):
        task = tasks.merge([task])
    assert client.submit_one(task).gather() == b"x"


def test_50000_results(client: Client) -> None:
    futures = client.submit([tasks.const(str(i)) for i in range(50_000)])
    assert client.gather(futures) == [b"%d" % i for i in range(50_000)]
    assert client.get_stats()["n_data_objects"] == 0


def test_checkpoints(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "runs"
    path = tmp_path / "checkpoint"

    def make() -> Task:
        task = tasks.run(["sh", "-c", f"echo run >> {marker}; echo result"])
        task.checkpoint_path = str(path)
        return tasks.merge([task, tasks.const("!")])

    assert client.submit_one(make(), load=True).gather() == b"result\n!"
    assert path.read_bytes() == b"result\n"
    assert client.submit_one(make(), load=True).gather() == b"result\n!"
    assert marker.read_text() == "run\n"
    assert client.submit([make()])[0].gather() == b"result\n!"
    assert marker.read_text() == "run\nrun\n"


def test_time_limits_of_tasks(client: Client) -> None:
    task = tasks.run("sleep 100")
    task.time_limit = 0.1
    with pytest.raises(TaskFailed):
        client.submit_one(task).gather(timeout=30)


def test_set_trace(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set_trace(str(tmp_path))

    def talk(server: FakeServer) -> None:
        from loom.client import wire

        from .harness import frame

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


def test_a_plan_far_larger_than_what_is_queued(client: Client) -> None:
    """Who sends more than the server takes at once waits, and nothing is lost."""
    data = b"x" * 40_000_000
    futures = [client.submit_one(tasks.size(tasks.const(data))) for _ in range(4)]
    assert [int.from_bytes(each, "little") for each in client.gather(futures)] == [len(data)] * 4


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


def test_importing_is_quiet_and_needs_no_cloudpickle() -> None:
    script = "import sys, loom, loom.aio; print('cloudpickle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_log_lines_come_to_who_listens() -> None:
    from loom.client import wire

    from .harness import frame

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
