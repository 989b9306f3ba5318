"""The client for asyncio."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from pathlib import Path
from typing import Any, Awaitable, Callable

import pytest

from loom import LocalCluster, LoomError, TaskFailed, tasks
from loom.aio import AsyncClient, AsyncFuture

from .harness import FakeServer, open_files, until


@pytest.fixture
def run(cluster: LocalCluster) -> Callable[[Callable[[AsyncClient], Awaitable[Any]]], Any]:
    """Runs a coroutine function with a client."""

    def with_client(body: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with AsyncClient(cluster.address) as client:
                return await asyncio.wait_for(body(client), 60)

        return asyncio.run(main())

    return with_client


def test_all_methods(run: Any) -> None:
    async def body(client: AsyncClient) -> None:
        a, b = await client.submit([tasks.const("a"), tasks.const("b" * 100)])
        assert isinstance(a, AsyncFuture)
        await client.wait([a, b])
        await client.wait(a)
        await client.wait_one(b)
        await a.wait()
        assert a.finished()
        assert await a == b"a"
        assert await a == b"a"
        assert await b.fetch() == b"b" * 100
        assert await client.fetch([a, b]) == [b"a", b"b" * 100]
        assert await client.fetch_one(b) == b"b" * 100
        c = await client.submit_one(tasks.merge([a, b]))
        assert await client.gather_one(c) == b"a" + b"b" * 100
        assert c.released()
        assert await client.gather([a]) == [b"a"]
        await client.release([b])
        await client.release_one(b)
        with pytest.raises(LoomError, match="was released"):
            await b
        assert (await client.get_stats())["n_data_objects"] == 0
        assert len((await client.get_status())["workers"]) == 2
        assert await (await client.submit_one(tasks.const("x"))).gather() == b"x"
        await client.set_trace("/tmp")
        assert repr(client) == f"<AsyncClient of {client.address}, connected>"
        assert "connected" in client._repr_html_()

    run(body)


def test_results_of_all_sizes(run: Any) -> None:
    async def body(client: AsyncClient) -> None:
        sizes = [0, 64, 65, 60_000, 5_000_000, 20_000_000]
        futures = await client.submit([tasks.run(f"head -c {size} /dev/zero") for size in sizes])
        assert [len(value) for value in await asyncio.gather(*futures)] == sizes
        assert [len(value) for value in await client.gather(futures)] == sizes

    run(body)


def test_much_at_the_same_time(run: Any) -> None:
    async def one(client: AsyncClient, number: int) -> bytes:
        future = await client.submit_one(tasks.const(str(number) * 100))
        value: bytes = await future
        return value

    async def body(client: AsyncClient) -> None:
        found = await asyncio.gather(*(one(client, number) for number in range(200)))
        assert found == [str(number).encode() * 100 for number in range(200)]

    run(body)


def test_as_completed(run: Any, tmp_path: Path) -> None:
    async def body(client: AsyncClient) -> None:
        script = "until [ -e $0 ]; do sleep 0.01; done"
        gates = [tmp_path / str(i) for i in range(2)]
        futures = await client.submit(
            [tasks.run(["sh", "-c", script, str(gate)]) for gate in gates]
        )
        gates[1].touch()
        order = []
        async for future in client.as_completed(futures, timeout=50):
            order.append(futures.index(future))
            gates[0].touch()
        assert order == [1, 0]

    run(body)


def test_failures_and_timeouts(run: Any) -> None:
    async def body(client: AsyncClient) -> None:
        failing = await client.submit_one(tasks.run(["sh", "-c", "exit 3"]))
        with pytest.raises(TaskFailed) as caught:
            await failing
        assert caught.value.exit_status == 3
        slow = await client.submit_one(tasks.run("sleep 100"))
        for use in (
            lambda: slow.wait(timeout=0.02),
            lambda: slow.fetch(timeout=0),
            lambda: client.gather([slow], timeout=0.02),
        ):
            with pytest.raises(TimeoutError, match="not done in 0"):
                await use()
        with pytest.raises(TimeoutError, match="1 more results: not done in 0.02 s"):
            async for _ in client.as_completed(slow, timeout=0.02):
                raise AssertionError
        assert slow.status == "pending"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(slow.wait(), 0.02)
        assert not slow._state._listeners
        with pytest.raises(LoomError, match="use submit_one"):
            await client.submit(tasks.const(""))  # type: ignore[arg-type]

    run(body)


def test_cancelling_who_waits_does_not_cancel_the_task(run: Any, tmp_path: Path) -> None:
    async def body(client: AsyncClient) -> None:
        gate = tmp_path / "gate"
        script = f"until [ -e {gate} ]; do sleep 0.01; done; echo done"
        future = await client.submit_one(tasks.run(["sh", "-c", script]))
        waiting = asyncio.ensure_future(future.gather())
        while not future._state._listeners:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not future._state._listeners
        gate.touch()
        assert await future == b"done\n"

    run(body)


def test_it_is_not_connected_before_it_is() -> None:
    async def main() -> None:
        client = AsyncClient("localhost")
        assert client.closed
        with pytest.raises(LoomError, match="not connected yet: write `async with"):
            await client.submit_one(tasks.const(""))
        await client.close()

    asyncio.run(main())


def test_connecting(cluster: LocalCluster) -> None:
    async def main() -> None:
        client = await AsyncClient(cluster.address).connect()
        assert await client.connect() is client
        await client.close()
        await client.close()
        assert client.closed
        with pytest.raises(LoomError, match="this client is closed"):
            await client.get_stats()
        with pytest.raises(LoomError, match="cannot connect"):
            await AsyncClient("127.0.0.1:1").connect()

    before = threading.active_count(), open_files()
    asyncio.run(main())
    until(lambda: (threading.active_count(), open_files()) == before)


def test_connecting_is_cancelled() -> None:
    async def main(address: str) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(AsyncClient(address).connect(), 0.05)
        answer.set()

    answer = threading.Event()

    def talk(server: FakeServer) -> None:
        answer.wait(10)
        server.register()
        with pytest.raises(OSError):
            server.receive()  # the client leaves
        left.append(True)

    left: list[bool] = []
    with FakeServer(talk) as server:
        asyncio.run(main(server.address))
        until(lambda: left)


def test_a_lost_server() -> None:
    async def main() -> None:
        with LocalCluster() as cluster:
            async with AsyncClient(cluster.address) as client:
                future = await client.submit_one(tasks.run("sleep 100"))
                asyncio.get_running_loop().call_later(
                    0.05, os.kill, cluster._server.pid, signal.SIGKILL
                )
                with pytest.raises(LoomError, match="was lost"):
                    await future

    asyncio.run(main())


def test_terminate() -> None:
    async def main() -> None:
        with LocalCluster() as cluster:
            client = await AsyncClient(cluster.address).connect()
            await client.terminate()
            assert client.closed
            until(lambda: not cluster._server.is_alive())

    asyncio.run(main())


def test_a_loop_that_is_closed_while_a_task_runs(cluster: LocalCluster, tmp_path: Path) -> None:
    clients: list[Any] = []
    gate = tmp_path / "gate"
    script = f"until [ -e {gate} ]; do sleep 0.01; done"

    async def main() -> None:
        client = await AsyncClient(cluster.address).connect()
        clients.append(client)
        future = await client.submit_one(tasks.run(["sh", "-c", script]))
        task = asyncio.ensure_future(future.wait())
        while not future._state._listeners:
            await asyncio.sleep(0)
        clients.append(future)
        assert not task.done()

    asyncio.run(main())
    gate.touch()
    until(lambda: clients[1].status == "finished")
    clients.clear()
    gc.collect()


def test_progress_and_logs(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async def body(client: AsyncClient) -> None:
        futures = await client.submit([tasks.run("sleep 0.3") for _ in range(3)])
        await client.wait(futures, progress=True)
        with client.progress():
            await client.gather(futures)
        client.on_log(print)()

    run(body)
    assert "task" in capsys.readouterr().err
