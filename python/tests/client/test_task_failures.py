"""What users are told of tasks that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from loom import Client, Task, TaskFailed, tasks


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


def test_time_limits_of_tasks(client: Client) -> None:
    task = tasks.run("sleep 100")
    task.time_limit = 0.1
    with pytest.raises(TaskFailed):
        client.submit_one(task).gather(timeout=30)
