"""Requests for resources: how they are written, what is refused, what is sent."""

from __future__ import annotations

import copy
import json
import pickle
import struct
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from loom import LoomError, Task, tasks
from loom.client import ResourceRequest, wire
from loom.client.plan import encode_plan
from loom.client.resources import parse_amount

from .harness import NUMBERS, fields, plan_of

#: The same for the TypeScript client.
VECTORS: Dict[str, List[Any]] = json.loads(
    (Path(__file__).parents[3] / "test" / "client" / "plan-vectors.json").read_text()
)


def request_of(variants: List[Dict[str, Any]]) -> ResourceRequest:
    first, *others = [tasks.resources(variant) for variant in variants]
    return tasks.any_of(first, *others) if others else first


def frame_of(task: Task, **options: Any) -> bytes:
    plan = encode_plan([task], 0, NUMBERS, lambda given, user: 0, False, **options)
    return b"".join(plan.frame)


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda v: json.dumps(v["variants"]))
def test_requests_byte_for_byte(vector: Dict[str, Any]) -> None:
    task = tasks.run("x", request=request_of(vector["variants"]))
    assert bytes.fromhex(vector["hex"]) in frame_of(task)


@pytest.mark.parametrize("vector", VECTORS["tasks"], ids=lambda v: json.dumps(v["hints"]))
def test_hints_byte_for_byte(vector: Dict[str, Any]) -> None:
    names = {"priority": "priority", "expectedMs": "expected_ms", "expectedBytes": "expected_bytes"}
    task = tasks.const("x")
    for name, value in vector["hints"].items():
        setattr(task, names[name], value)
    assert bytes.fromhex(vector["hex"]) in frame_of(task)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("64GiB", 64 << 30),
        ("1.5 KiB", 1536),
        ("2MiB", 1 << 21),
        ("1TiB", 1 << 40),
        ("3kB", 3000),
        ("3MB", 3e6),
        ("0.3GB", 3e8),
        ("7TB", 7e12),
        ("12B", 12),
        ("0.5", 0.5),
        (" 8 ", 8),
        ("0.00006", 0.0001),
        ("0", 0),
        *[
            (text, None)
            for text in [
                "", "GiB", "-1", "+1", "1e3", "1.", ".5", "64 gib", "64Gib", "64GiB/s", "0x10",
                "NaN", "1 2", "1x", "Infinity", "\u0661GiB",
            ]
        ],
    ],
)  # fmt: skip
def test_amounts_in_texts(text: str, amount: object) -> None:
    assert parse_amount(text) == amount


def test_requests() -> None:
    request = tasks.resources(mem="64GiB", gpus=0.5, cpus=4)
    assert request == ResourceRequest(
        {"loom/resource/cpus": 4, "loom/resource/gpus": 0.5, "loom/resource/mem": 2**36}
    )
    assert tasks.resources({"licences.x-1": "0.25"}, gpus=["0", "3"]).resources == (
        ("loom/resource/gpus", ("0", "3")),
        ("loom/resource/licences.x-1", 0.25),
    )
    assert tasks.resources(gpus={"indices": ["0"]}) == tasks.resources(gpus=("0",))
    assert tasks.resources(cpus=3.0) == tasks.cpus(3)
    assert tasks.resources(cpus="3") == tasks.cpus(3)


def test_variants() -> None:
    gpu = tasks.resources(gpus=1, cpus=4)
    request = tasks.any_of(gpu, tasks.cpus(16), tasks.cpus(8))
    assert request.resources == gpu.resources
    assert request.alternatives == (tasks.cpus(16), tasks.cpus(8))
    assert request != gpu
    assert request != tasks.any_of(gpu, tasks.cpus(8), tasks.cpus(16))
    assert tasks.any_of(gpu) == gpu
    same = pickle.loads(pickle.dumps(request))
    assert same == request
    assert hash(same) == hash(request)
    assert "16" in repr(request)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.resources(), r"resources\(\) needs an amount"),
        (lambda: tasks.resources({}), "needs an amount"),
        (lambda: tasks.resources(cpus=0), "cpus must be an integer from 1 to 65535, got 0"),
        (lambda: tasks.resources(cpus=0.5), "cpus must be an integer .* got 0.5"),
        (lambda: tasks.resources(cpus=65_536), "got 65536"),
        (lambda: tasks.resources(cpus=-1), "cpus must be an integer .* got -1"),
        (lambda: tasks.resources(cpus=["0"]), r"cpus must be an integer .* got \['0'\]"),
        (lambda: tasks.resources(cpus=True), "got True"),
        (lambda: tasks.resources(gpus=0), "asks for 0 gpus; it must be a number above 0"),
        (lambda: tasks.resources(gpus=0.00004), "asks for 4e-05 gpus"),
        (lambda: tasks.resources(gpus=-1), "asks for -1 gpus"),
        (lambda: tasks.resources(gpus=True), "asks for True gpus"),
        (lambda: tasks.resources(gpus=float("nan")), "asks for nan gpus"),
        (lambda: tasks.resources(mem=float("inf")), "asks for inf mem"),
        (lambda: tasks.resources(mem=10**400), "asks for 1000"),
        (lambda: tasks.resources(mem="64GIB"), 'amount of mem must be like "64GiB"'),
        (lambda: tasks.resources(mem=None), "asks for None mem"),
        (lambda: tasks.resources(gpus=[]), "names none of the gpus"),
        (lambda: tasks.resources(gpus=[0]), "names one of the gpus 0; indices are texts"),
        (lambda: tasks.resources(gpus=[""]), "indices are texts of 1 to 64"),
        (lambda: tasks.resources(gpus=["x" * 65]), "indices are texts"),
        (lambda: tasks.resources(gpus=["1", "1"]), "names one of the gpus twice"),
        (lambda: tasks.resources(gpus=[str(n) for n in range(256)]), "256 gpus, at most 255"),
        (lambda: tasks.resources({"": 1}), "names the resource ''"),
        (lambda: tasks.resources({"a/b": 1}), "names the resource 'a/b'"),
        (lambda: tasks.resources({"1a": 1}), "names the resource '1a'"),
        (lambda: tasks.resources({"a\n": 1}), "names the resource"),
        (lambda: tasks.resources({"x" * 65: 1}), "names the resource"),
        (lambda: tasks.resources({f"r{n}": 1 for n in range(65)}), "65 resources, at most 64"),
        (lambda: tasks.any_of(4), "an alternative is a int; make it with tasks.resources"),
        (lambda: tasks.any_of(tasks.cpu1, "x"), "an alternative is a str"),
        (
            lambda: tasks.any_of(tasks.any_of(tasks.cpu1, tasks.cpus(2)), tasks.cpus(3)),
            r"list all of them in one tasks.any_of\(...\)",
        ),
        (
            lambda: tasks.any_of(tasks.cpu1, tasks.any_of(tasks.cpus(2), tasks.cpus(3))),
            "an alternative has alternatives",
        ),
        (lambda: ResourceRequest({"my/gpu": 0.5}), "for my/gpu must be an integer from 0"),
    ],
)
def test_wrong_requests(make: Callable[[], object], message: str) -> None:
    with pytest.raises(LoomError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_requests_of_a_plan_are_shared() -> None:
    gpu = tasks.resources(gpus=1)
    requests = [
        gpu,
        tasks.resources(gpus=["0"]),
        tasks.any_of(gpu, tasks.cpu1),
        tasks.resources(gpus=1.0),
        pickle.loads(pickle.dumps(tasks.any_of(gpu, tasks.cpu1))),
    ]
    plan = plan_of([tasks.run("x", request=request) for request in requests])
    assert [task[5] for task in plan["tasks"]] == [[0], [1], [2], [0], [2]]
    assert len(plan["requests"]) == 3


def test_symbols_of_own_workers_are_sent_by_number() -> None:
    task = tasks.run("x", request=ResourceRequest({"my/gpu": 2, "loom/resource/gpus": 1}))
    with pytest.raises(LoomError, match='requests "my/gpu", a resource that the server does not'):
        frame_of(task)
    alternative = ResourceRequest({"my/gpu": 1})
    with pytest.raises(LoomError, match='requests "my/gpu"'):
        frame_of(tasks.run("x", request=tasks.any_of(tasks.cpu1, alternative)))
    plan = encode_plan([task], 0, {**NUMBERS, "my/gpu": 77}, lambda given, user: 0, False)
    by_number = wire.number_field(1, 77) + wire.number_field(2, 2)
    assert wire.bytes_field(1, by_number) in b"".join(plan.frame)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("priority", 101, r'priority of task "t" .* integer from -100 to 100, got 101'),
        ("priority", -101, "got -101"),
        ("priority", 0.5, "got 0.5"),
        ("priority", None, "got None"),
        ("priority", "5", "got '5'"),
        ("priority", True, "got True"),
        ("expected_ms", -1, r'expected_ms of task "t" .* must be a number from 0 on, got -1'),
        ("expected_ms", float("nan"), "got nan"),
        ("expected_ms", float("inf"), "got inf"),
        ("expected_ms", 1e39, r"got 1e\+39"),
        ("expected_ms", "5", "got '5'"),
        ("expected_bytes", -0.1, r"expected_bytes of task"),
        ("expected_bytes", 10**400, "got 1000"),
        ("expected_bytes", False, "got False"),
    ],
)
def test_wrong_hints(name: str, value: Any, message: str) -> None:
    task = tasks.const("x")
    task.label = "t"
    setattr(task, name, value)
    with pytest.raises(LoomError, match=message):
        frame_of(tasks.merge([task]))


def test_hints_at_their_limits() -> None:
    task = tasks.const("x")
    task.expected_ms, task.expected_bytes, task.priority = 3.4028234663852886e38, 1.7e308, -100
    (sent,) = plan_of([task])["tasks"]
    assert struct.unpack("<f", sent[22][0])[0] == task.expected_ms
    assert struct.unpack("<d", sent[23][0])[0] == task.expected_bytes
    assert sent[24] == [199]


@tasks.py_task(
    request=tasks.resources(gpus=0.5), priority=3, expected_ms=4.5, expected_bytes=6, context=True
)
def hinted(ctx: Any, text: Any) -> Any:
    return text


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: tasks.run("x", **more),
        lambda **more: tasks.py_call(len, [tasks.const("x")], **more),
        lambda **more: tasks.js_call("m:f", **more),
        lambda **more: tasks.py_task(**more)(lambda: b"")(),
        lambda **more: copy.copy(hinted)("x"),
        lambda **more: Task("my/x", **more),
    ],
)
def test_makers_of_tasks_take_hints(make: Callable[..., Task]) -> None:
    request = tasks.resources(gpus=0.5)
    task = make(request=request, priority=3, expected_ms=4.5, expected_bytes=6)
    assert (task.priority, task.expected_ms, task.expected_bytes) == (3, 4.5, 6)
    assert task.resource_request == request


def test_when_unsatisfiable() -> None:
    def sent(**options: Any) -> Any:
        request = fields(frame_of(tasks.const("x"), **options)[8:])
        return fields(request[2][0]).get(20)

    assert sent() is None
    assert sent(when_unsatisfiable=None) is None
    assert sent(when_unsatisfiable="wait") == [1]
    assert sent(when_unsatisfiable="refuse") == [2]
    with pytest.raises(LoomError, match='must be "wait" or "refuse", got \'no\''):
        sent(when_unsatisfiable="no")
