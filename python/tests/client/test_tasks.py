"""What the functions of ``tasks`` make: types, configs, inputs; and wrong arguments."""

from __future__ import annotations

import json
import os
import pickle
import struct
import threading
from pathlib import Path
from typing import Any, Callable

import cloudpickle
import pytest

from loom import LoomError, Task, tasks
from loom.client import ResourceRequest

from .harness import fields, plan_of

A, B = tasks.const("a"), tasks.const("b")


def run_config(task: Task) -> dict[int, list[Any]]:
    return fields(task.config)


@pytest.mark.parametrize(
    ("task", "kind", "inputs", "config"),
    [
        (tasks.const("ä"), "loom/data/const", (), "ä".encode()),
        (tasks.const(b"\0\xff"), "loom/data/const", (), b"\0\xff"),
        (tasks.const(bytearray(b"x")), "loom/data/const", (), b"x"),
        (tasks.const(memoryview(b"xyz")[1:]), "loom/data/const", (), b"yz"),
        (tasks.merge([A, B]), "loom/data/merge", (A, B), b""),
        (tasks.merge((A, A), ", "), "loom/data/merge", (A, A), b", "),
        (tasks.merge(iter([A])), "loom/data/merge", (A,), b""),
        (tasks.merge(A), "loom/data/merge", (A,), b""),
        (tasks.merge([]), "loom/data/merge", (), b""),
        (tasks.open("/x/../y"), "loom/data/open", (), b"/y"),
        (tasks.open(Path("/x")), "loom/data/open", (), b"/x"),
        (tasks.split(A), "loom/data/split", (A,), b""),
        (tasks.split(A, ";"), "loom/data/split", (A,), b";"),
        (tasks.split(A, char=b"\0"), "loom/data/split", (A,), b"\0"),
        (tasks.save(A, "/tmp/x"), "loom/data/save", (A,), b"/tmp/x"),
        (tasks.get(A, 3), "loom/base/get", (A,), struct.pack("<Q", 3)),
        (tasks.slice(A, 1, 2**64 - 1), "loom/base/slice", (A,), struct.pack("<QQ", 1, 2**64 - 1)),
        (tasks.slice(A, 1), "loom/base/slice", (A,), struct.pack("<QQ", 1, 2**64 - 1)),
        (tasks.size(A), "loom/base/size", (A,), b""),
        (tasks.size([A, B]), "loom/base/size", (A, B), b""),
        (tasks.length([A]), "loom/base/length", (A,), b""),
        (tasks.length(B), "loom/base/length", (B,), b""),
        (tasks.array_make([A, B, A]), "loom/array/make", (A, B, A), b""),
        (tasks.dslice(A), "loom/scheduler/dslice", (A,), b""),
        (tasks.dget(A), "loom/scheduler/dget", (A,), b""),
    ],
)
def test_built_in_tasks(task: Task, kind: str, inputs: tuple[Task, ...], config: bytes) -> None:
    assert (task.task_type, tuple(task.inputs), task.config) == (kind, inputs, config)
    assert task.resource_request is None
    assert type(task.config) is bytes


def test_paths_are_made_absolute() -> None:
    assert tasks.open("x.txt").config == os.fsencode(os.path.abspath("x.txt"))
    assert tasks.save(A, "x.txt").config == os.fsencode(os.path.abspath("x.txt"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.const(3), "content of tasks.const must be bytes or str, got int"),
        (lambda: tasks.const(None), "got NoneType"),
        (lambda: tasks.merge(3), "list of tasks is expected, got int"),
        (lambda: tasks.merge([A], 3), "delimiter must be bytes or str"),
        (lambda: tasks.open(3.5), "wrong path 3.5"),
        (lambda: tasks.split(A, "ab"), "splits after one byte, got 'ab'"),
        (lambda: tasks.split(A, "ä"), "splits after one byte"),
        (lambda: tasks.get(A, -1), "index must be an integer from 0 up, got -1"),
        (lambda: tasks.get(A, 1.5), "got 1.5"),
        (lambda: tasks.get(A, 2**64), "index must be"),
        (lambda: tasks.slice(A, -1, 3), "start must be"),
        (lambda: tasks.slice(A, 1, "x"), "end must be an integer from 0 up, got 'x'"),
        (lambda: tasks.cpus(-1), "integer from 0 to"),
        (lambda: tasks.cpus(1.5), "got 1.5"),
        (lambda: tasks.cpus(2**31), "integer from 0 to"),
        (lambda: Task("x", (), 3), "config must be bytes or str, got int"),
    ],
)
def test_wrong_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(LoomError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_run_with_a_string() -> None:
    task = tasks.run("grep -c 'a b' \"c\"")
    assert task.task_type == "loom/run/run"
    assert task.resource_request == tasks.cpu1
    assert run_config(task) == {1: [b"grep", b"-c", b"a b", b"c"], 3: [b"+out"]}


def test_run_with_everything() -> None:
    task = tasks.run(
        ["prog", b"x", Path("/p"), "$v"],
        inputs=[(A, "file1"), ("dir/file2", B), (A, "$v")],
        outputs=[None, "out1", "+out"],
        stdin=B,
        variables={"w": A},
        env={"K": "V"},
        request=tasks.cpus(3),
        time_limit=1.5,
        success_codes=[0, 1],
        keep_directory=True,
        label="all",
    )
    config = run_config(task)
    assert config[1] == [b"prog", b"x", b"/p", b"$v"]
    assert config[2] == [b"+in", b"file1", b"dir/file2", b"$v", b"$w"]
    assert task.inputs == (B, A, B, A, A)
    assert config[3] == [b"+out", b"out1", b"+out"]
    assert fields(config[20][0]) == {1: [b"K"], 2: [b"V"]}
    assert (config[21], config[22], config[23]) == ([1500], [b"\0\1"], [1])
    assert task.resource_request == tasks.cpus(3)
    assert task.label == "all"


def test_run_with_dicts() -> None:
    task = tasks.run("p", {"f": A}, "out.txt", variables={"$x": B})
    assert run_config(task) == {1: [b"p"], 2: [b"f", b"$x"], 3: [b"out.txt"]}
    assert task.inputs == (A, B)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.run(""), "names no program"),
        (lambda: tasks.run([]), "names no program"),
        (lambda: tasks.run([""]), "names no program"),
        (lambda: tasks.run("a 'b"), "cannot be split into words: No closing quotation"),
        (lambda: tasks.run(3), "needs a string or a list of strings, got int"),
        (lambda: tasks.run(["a", 3]), "argument 1 of tasks.run must be a string, got int"),
        (lambda: tasks.run(["a", A]), r"argument 1 .* got Task; an input is passed as a variable"),
        (lambda: tasks.run(["a", b"\xff"]), "argument 1 of tasks.run, .* is not UTF-8"),
        (lambda: tasks.run("a", A), "inputs must be a dict or a list of pairs"),
        (lambda: tasks.run("a", [A]), "is no pair"),
        (lambda: tasks.run("a", [(A, B)]), "has no name"),
        (lambda: tasks.run("a", [(A, "x"), (B, "x")]), "input 'x' is given twice"),
        (lambda: tasks.run("a", [(A, "+in")], stdin=B), "'\\+in' is given twice"),
        (lambda: tasks.run("a", [(A, "../x")]), "relative path inside the working directory"),
        (lambda: tasks.run("a", [(A, "/x")]), "relative path"),
        (lambda: tasks.run("a", [(A, "")]), "relative path"),
        (lambda: tasks.run("a", [(A, "$a-b")]), "must consist of letters"),
        (lambda: tasks.run("a", variables={"a b": A}), "must consist of letters"),
        (lambda: tasks.run("a", outputs=["$x"]), "relative path"),
        (lambda: tasks.run("a", outputs=[3]), "file name 3 must be a string"),
        (lambda: tasks.run("a", env={"a": 1}), "env must have strings"),
        (lambda: tasks.run("a", time_limit=0), "seconds above 0"),
        (lambda: tasks.run("a", time_limit="1"), "seconds above 0"),
        (lambda: tasks.run("a", time_limit=float("nan")), "seconds above 0"),
        (lambda: tasks.run("a", time_limit=1e9), "seconds above 0"),
        (lambda: tasks.run("a", success_codes=[256]), "success_codes must be"),
    ],
)
def test_run_with_wrong_arguments(make: Callable[[], object], message: str) -> None:
    with pytest.raises(LoomError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_requests() -> None:
    assert tasks.cpus(2) == tasks.cpus(2) != tasks.cpu1
    assert hash(tasks.cpus(2)) == hash(tasks.cpus(2))
    assert tasks.cpus(1) == tasks.cpu1 == ResourceRequest({"loom/resource/cpus": 1})
    assert pickle.loads(pickle.dumps(tasks.cpu1)) == tasks.cpu1
    assert "loom/resource/cpus" in repr(tasks.cpu1)


def test_tasks_can_be_changed_until_they_are_submitted() -> None:
    task = Task("my/type", [A], "cfg", tasks.cpu1)
    task.label = "x"
    task.checkpoint_path = "/tmp/x"
    task.metadata = {"a": [1, None]}
    task.policy = "once"
    task.time_limit = 0.0001
    task.task_type = "loom/data/merge"
    task.resource_request = tasks.cpus(0)
    (_, sent) = plan_of([task])["tasks"]
    assert sent == {
        1: [5], 2: [b"cfg"], 3: [0], 5: [0], 6: [1], 7: [b"/tmp/x"], 12: [b"x"],
        13: [b'{"a": [1, null]}'], 20: [1], 21: [1],
    }  # fmt: skip
    with pytest.raises(AttributeError):
        task.checkpoint = "/tmp/x"  # a typing error is noticed


def test_metadata_is_bytes_json_or_a_pickle() -> None:
    def sent(metadata: Any) -> bytes:
        task = tasks.const("")
        task.metadata = metadata
        return plan_of([task])["tasks"][0][13][0]

    assert sent(b"\1\2") == b"\1\2"
    assert json.loads(sent(["x", 1.5])) == ["x", 1.5]
    assert pickle.loads(sent({1, 2})) == {1, 2}
    with pytest.raises(LoomError, match='metadata of task of type "loom/data/const" cannot be pic'):
        sent(threading.Lock())


def test_tasks_can_be_pickled_and_shown() -> None:
    task = tasks.merge([A, B])
    task.label = "<both>"
    again = pickle.loads(pickle.dumps(task))
    assert (again.task_type, again.label, len(again.inputs)) == ("loom/data/merge", "<both>", 2)
    assert repr(task) == "<Task '<both>' loom/data/merge, 2 inputs>"
    assert repr(tasks.size(A)) == "<Task loom/base/size, 1 input>"
    assert "&lt;both&gt;" in task._repr_html_()


def test_py_value() -> None:
    task = tasks.py_value({"a": (1, 2)})
    assert (task.task_type, task.inputs) == ("loom/py/value", ())
    assert cloudpickle.loads(task.config) == {"a": (1, 2)}
    with pytest.raises(LoomError, match="the lock cannot be pickled: TypeError") as caught:
        tasks.py_value(threading.Lock())
    assert isinstance(caught.value.__cause__, TypeError)


def test_js_call() -> None:
    task = tasks.js_call("/lib/a:b.mjs:count", [A], args=["de", 3])
    function, given = task.inputs
    assert task.task_type == "loom/js/call"
    assert given is A
    assert task.config == b'\x02["de", 3]'
    assert task.resource_request == tasks.cpu1
    assert function.task_type == "loom/data/const"
    (length,) = struct.unpack("<I", function.config[:4])
    assert len(function.config) == 4 + length
    header = json.loads(function.config[4:])
    digest = header.pop("hash")
    assert len(digest) == 64
    assert header == {
        "name": "count",
        "codeBytes": 0,
        "context": False,
        "module": "/lib/a:b.mjs",
        "export": "count",
    }
    assert tasks.js_call("a:b", A).config == b"\0"
    for wrong in ("ab", ":b", "a:", "", 3):
        with pytest.raises(LoomError, match="module:function"):
            tasks.js_call(wrong)
    with pytest.raises(LoomError, match="arguments of a:b cannot be written as JSON"):
        tasks.js_call("a:b", args=[{1}])
