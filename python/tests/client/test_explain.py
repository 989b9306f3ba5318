"""What becomes of a task, and notices that tasks wait."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Dict, List

import pytest

from loom import Client, LocalCluster, LoomError, tasks
from loom.aio import AsyncClient
from loom.client import wire

from .harness import FakeServer, chunk, dictionary, error, frame, until

PROBLEM = "no connected worker has 8 gpus: none has any"
SUMMARY = (
    f'task 0 "train" is ready, but {PROBLEM}; start such a worker, or release the result to '
    "cancel it"
)


def train() -> Any:
    task = tasks.run("true", request=tasks.resources(gpus=8))
    task.label = "train"
    return task


@pytest.fixture(scope="module")
def small() -> Any:
    with LocalCluster(cpus=1, resources={"gpus": 0, "mem": "1GiB"}) as started:
        yield started


def test_why_a_task_waits(small: LocalCluster) -> None:
    notices: List[str] = []
    with small.client() as client:
        stop = client.on_notice(notices.append)
        future = client.submit_one(train())
        explanation = client.explain(future)
        assert str(explanation) == explanation.text == explanation["text"]
        assert explanation.text.startswith(f"{SUMMARY}\n  type loom/run/run; asks for 8 gpus\n")
        (task,) = explanation["tasks"]
        assert (task["state"], task["summary"], task["label"]) == ("ready", SUMMARY, "train")
        assert task["workers"]["groups"][0]["reason"] == "has no gpus"
        for query in (0, "0", f"{task['client']}:0", "train"):
            assert client.explain(query)["tasks"] == [task]
        assert client.get_status()["waitingForWorkers"] == [
            {"request": "8 gpus", "taskType": "loom/run/run", "tasks": 1}
        ]
        assert notices == [
            f'task 0 "train" waits for a worker that can execute it, as {PROBLEM}; start one, or '
            "release its result to cancel it"
        ]
        stop()
        with small.client() as other, pytest.raises(LoomError, match="task 0 of this client"):
            other.explain(0)
        done = client.submit_one(tasks.const("x"))
        done.wait()
        assert client.explain(done)["tasks"][0]["state"] == "finished"
        for query in (5, "nothing", ""):
            with pytest.raises(LoomError, match="no task"):
                client.explain(query)


def test_notices_are_logged_once(small: LocalCluster, caplog: pytest.LogCaptureFixture) -> None:
    with small.client() as client:
        future = client.submit_one(train())
        client.get_stats()
        assert not future.finished()  # held until here: it would be cancelled
        messages = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(messages) == 1
    assert messages[0].startswith(f'HyperLoom server {small.address}: task 0 "train" waits for')


@pytest.mark.parametrize("wrong", [-1, 2**31, 1.5, None, True, [], b"5"])
def test_what_is_no_task(small: LocalCluster, wrong: Any) -> None:
    with small.client() as client, pytest.raises(LoomError, match="explain takes a future, an id"):
        client.explain(wrong)


def test_a_future_of_another_client(small: LocalCluster) -> None:
    with small.client() as client, small.client() as other:
        future = other.submit_one(tasks.const("x"))
        with pytest.raises(LoomError, match="the future with id 0 is of another client"):
            client.explain(future)


def test_asyncio(small: LocalCluster) -> None:
    async def main() -> None:
        notices: List[str] = []
        async with AsyncClient(small.address) as client:
            stop = client.on_notice(notices.append)
            future = await client.submit_one(train())
            assert (await client.explain(future))["tasks"][0]["summary"] == SUMMARY
            assert str(await client.explain(0)).startswith(SUMMARY)
            with pytest.raises(LoomError, match="no task has the id or label"):
                await client.explain("nothing")
            await asyncio.sleep(0)
            assert len(notices) == 1
            stop()

    asyncio.run(main())


def notice(text: str) -> bytes:
    return frame(wire.number_field(1, 24) + wire.text_field(27, text))


def stats() -> bytes:
    return frame(wire.number_field(1, 11) + wire.bytes_field(6, b""))


def test_what_is_sent_and_received(caplog: pytest.LogCaptureFixture) -> None:
    asked: List[Dict[int, List[Any]]] = []

    def talk(server: FakeServer) -> None:
        (features,) = server.receive()[20]
        assert features == 3

        server.send(dictionary())
        for data in (json.dumps({"text": "t", "tasks": []}).encode(), b"{"):
            request = server.receive_request(25)
            asked.append(request)
            server.send(chunk(request[20][0], data, len(data)))
        request = server.receive_request(25)
        server.send(error("no task", request_id=request[20][0]))
        server.receive_request(6)
        server.send(notice("twice"), notice("twice"), notice("ä"), stats())
        server.receive_request(6)
        server.send(notice("heard"), stats())
        server.hold()

    heard: List[str] = []
    with FakeServer(talk) as server, Client(server.address) as client:
        assert str(client.explain(5)) == "t"
        with pytest.raises(LoomError, match="explanation is no JSON"):
            client.explain("läbel")
        with pytest.raises(LoomError, match="^no task$"):
            client.explain("x")
        client.get_stats()
        name = server.address
        texts = [each.getMessage() for each in caplog.records]
        assert texts == [f"HyperLoom server {name}: twice", f"HyperLoom server {name}: ä"]
        caplog.clear()
        client.on_notice(lambda text: 1 / 0)
        client.on_notice(heard.append)
        client.get_stats()
        until(lambda: heard == ["heard"])
        assert [each.getMessage() for each in caplog.records] == ["a notice callback failed"]
    assert [(each.get(3), each.get(26)) for each in asked] == [
        ([5], None),
        (None, ["läbel".encode()]),
    ]
