"""Large plans and large results: many tasks, many results, many bytes."""

from __future__ import annotations

from loom import Client, tasks


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


def test_a_plan_far_larger_than_what_is_queued(client: Client) -> None:
    """Who sends more than the server takes at once waits, and nothing is lost."""
    data = b"x" * 40_000_000
    futures = [client.submit_one(tasks.size(tasks.const(data))) for _ in range(4)]
    assert [int.from_bytes(each, "little") for each in client.gather(futures)] == [len(data)] * 4
