"""What the built-in tasks compute, with a real server and real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from loom import Client, LoomError, Task, TaskFailed, tasks


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


def test_dslice_and_dget(client: Client) -> None:
    lines = tasks.split(tasks.const("b\na\nc\n"))
    each = tasks.merge([tasks.dget(lines), tasks.const("!")])
    pairs = tasks.merge([tasks.dget(lines), tasks.const("-"), tasks.dget(lines)])
    parts = tasks.array_make([tasks.const("first"), tasks.run("cat", stdin=tasks.dslice(lines))])
    results = client.gather(
        client.submit([tasks.array_make([each]), tasks.array_make([pairs]), parts])
    )
    expected = [b"b\n", b"a\n", b"c\n"]
    assert results[0] == [line + b"!" for line in expected]
    # Two dgets: a copy for each pair.
    assert results[1] == [one + b"-" + other for one in expected for other in expected]
    assert results[2] == [b"first", *expected]

    nothing = tasks.split(tasks.const(""))
    assert client.submit_one(tasks.array_make([tasks.dslice(nothing)])).gather() == [b""]
    with pytest.raises(TaskFailed, match="the input is empty"):
        client.submit_one(tasks.array_make([tasks.dget(nothing)])).gather()
    for task in (tasks.dget(lines), each):
        with pytest.raises(LoomError, match="can't be a result; collect with loom/array/make"):
            client.submit_one(task).gather()


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
