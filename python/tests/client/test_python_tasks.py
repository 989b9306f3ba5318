"""Python functions that run on workers; skipped where no worker offers them."""

from __future__ import annotations

import os
from typing import Any

import numpy
import pytest

from loom import Client, LocalCluster, TaskFailed, tasks

from .harness import until

pytestmark = pytest.mark.usefixtures("functions")


def test_the_documented_example(client: Client) -> None:
    @tasks.py_task(context=True, n_direct_args=1)
    def repeat(ctx: Any, n: int, a: Any) -> Any:
        ctx.log_info("repeating")
        return a.read() * n

    assert client.submit_one(repeat(3, tasks.const("ABC"))).gather() == b"ABCABCABC"


def test_results_of_all_kinds(client: Client) -> None:
    @tasks.py_task
    def text() -> Any:
        return "ä"

    @tasks.py_task
    def array(a: Any) -> Any:
        return ["x", b"y", [a, ()]]

    @tasks.py_task
    def same(a: Any) -> Any:
        return a

    @tasks.py_task(context=True)
    def wrapped(ctx: Any) -> Any:
        return ctx.wrap({"a": {1, 2}})

    large = tasks.const("z" * 1_000_000)
    futures = client.submit([text(), array("in"), same(large), wrapped()])
    assert client.gather(futures) == [
        "ä".encode(),
        [b"x", b"y", [b"in", []]],
        b"z" * 1_000_000,
        {"a": {1, 2}},
    ]


def test_inputs(client: Client) -> None:
    @tasks.py_task
    def look(plain: Any, array: Any, value: Any) -> Any:
        return repr(
            (
                plain.read(), plain.size(), plain.length(), plain.unwrap(),
                len(array), array[1].read(), [each.read() for each in array],
                value.unwrap(), value.read(),
            )
        )  # fmt: skip

    given = tasks.array_make([tasks.const("a"), tasks.const("b")])
    future = client.submit_one(look("plain", given, tasks.py_value((1, None))))
    assert future.gather().decode() == repr(
        (b"plain", 5, 0, None, 2, b"b", [b"a", b"b"], (1, None), b"")
    )


def test_py_call_and_py_value(client: Client) -> None:
    def add(*numbers: Any) -> Any:
        return str(sum(n if isinstance(n, int) else n.unwrap() for n in numbers))

    seven = tasks.py_value(7)
    function = client.submit_one(tasks.py_value(add))
    futures = client.submit(
        [
            tasks.py_call(add, [seven, seven], direct_args=(1, 2)),
            tasks.py_call(tasks.py_value(add), seven),
            tasks.py_call(function, seven, request=None),
            seven,
        ]
    )
    assert client.gather(futures) == [b"17", b"7", b"7", 7]


def test_tasks_that_functions_return(client: Client) -> None:
    @tasks.py_task(n_direct_args=1)
    def count_down(n: int, a: Any) -> Any:
        if n == 0:
            return tasks.merge([a, tasks.const("!")])
        return count_down(n - 1, a)

    assert client.submit_one(count_down(3, "go")).gather() == b"go!"


def test_arrays_of_numbers(client: Client) -> None:
    @tasks.py_task(context=True, n_direct_args=1)
    def make(ctx: Any, n: int) -> Any:
        return ctx.wrap(numpy.arange(n, dtype="float64"))

    @tasks.py_task(context=True)
    def double(ctx: Any, a: Any) -> Any:
        return ctx.wrap(a.unwrap() * 2)

    for size in (10, 2_000_000):
        value = client.submit_one(double(make(size))).gather()
        assert numpy.array_equal(value, numpy.arange(size) * 2.0)
        value[0] = 5.0


def test_failures(client: Client) -> None:
    @tasks.py_task("broken one")
    def broken() -> Any:
        raise ValueError("oh no")

    @tasks.py_task
    def wrong() -> Any:
        return 3

    @tasks.py_task
    def dies() -> Any:
        os._exit(9)

    with pytest.raises(TaskFailed) as caught:
        client.submit_one(broken()).gather()
    failure = caught.value
    assert (failure.label, failure.task_type) == ("broken one", "loom/py/call")
    assert "Traceback" in failure.message and "ValueError: oh no" in failure.message
    with pytest.raises(TaskFailed, match="Invalid result from python code"):
        client.submit_one(wrong()).gather()
    once = dies()
    once.policy = "once"
    with pytest.raises(TaskFailed):
        client.submit_one(once).gather()
    assert client.submit_one(tasks.py_call(lambda: "alive")).gather() == b"alive"


def test_time_limits(client: Client) -> None:
    @tasks.py_task
    def endless() -> Any:
        while True:
            pass

    task = endless()
    task.time_limit = 0.3
    with pytest.raises(TaskFailed, match="Time limit of 300 ms exceeded"):
        client.submit_one(task).gather(timeout=60)


def test_log_lines(client: Client) -> None:
    @tasks.py_task(context=True)
    def talk(ctx: Any) -> Any:
        ctx.log_warn("careful")
        return str(ctx.task_id)

    lines: list[Any] = []
    stop = client.on_log(lines.append)
    future = client.submit_one(talk())
    assert future.fetch().decode() == str(future.task_id)
    until(lambda: lines)
    assert (lines[0].task_id, lines[0].level, lines[0].message) == (
        future.task_id,
        "warn",
        "careful",
    )
    stop()


def test_many_calls(client: Client) -> None:
    @tasks.py_task(n_direct_args=1, request=None)
    def square(n: int) -> Any:
        return str(n * n)

    futures = client.submit([square(n) for n in range(2000)])
    assert client.gather(futures) == [str(n * n).encode() for n in range(2000)]


def test_modules_beside_the_script(tmp_path: Any) -> None:
    """A worker of a LocalCluster imports what the script itself can import."""
    import subprocess
    import sys

    (tmp_path / "beside.py").write_text("def f(a):\n    return a.read() + b'!'\n")
    (tmp_path / "script.py").write_text(
        "from beside import f\n"
        "from loom import LocalCluster, tasks\n"
        "with LocalCluster() as cluster, cluster.client() as client:\n"
        "    print(client.submit_one(tasks.py_call(f, [tasks.const('x')])).gather())\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, cwd="/"
    )
    assert (done.stdout, done.stderr) == ("b'x!'\n", "")


def test_javascript_by_name(client: Client, cluster: LocalCluster, tmp_path: Any) -> None:
    module = tmp_path / "functions.mjs"
    module.write_text("export const shout = (mark, a) => a.text().toUpperCase() + mark;\n")
    task = tasks.js_call(f"{module}:shout", [tasks.const("hey")], args=["!"])
    assert client.submit_one(task).gather() == b"HEY!"
