"""Numbering and encoding of plans."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from loom import LoomError, Task, tasks
from loom.client.plan import MAX_ID, encode_plan

from .harness import NUMBERS, fields, plan_of


def test_inputs_come_first_and_shared_tasks_once() -> None:
    a = tasks.const("a")
    b = tasks.merge([a, a])
    c = tasks.merge([b, a, b])
    plan = plan_of([c, b, c])
    assert [task[2][0] for task in plan["tasks"]] == [b"a", b"", b""]
    assert [task.get(3, []) for task in plan["tasks"]] == [[], [0, 0], [1, 0, 1]]
    assert [task.get(6) for task in plan["tasks"]] == [None, [1], [1]]
    assert plan["results"] == [2, 1, 2]
    assert plan["load"] == 0


def test_ids_go_on_from_the_base() -> None:
    plan = plan_of([tasks.merge([tasks.const("a")])], id_base=20_000, load=True)
    assert plan["id_base"] == 20_000
    assert plan["tasks"][1][3] == [20_000]
    assert plan["results"] == [20_001]
    assert plan["load"] == 1


def test_futures_are_inputs_by_their_ids() -> None:
    future: Any = SimpleNamespace(task_id=17)
    plan = plan_of([tasks.merge([future, tasks.const(""), future])], id_base=100)
    assert plan["tasks"][1][3] == [17, 100, 17]


def test_requests_are_shared() -> None:
    plan = plan_of(
        [
            tasks.run("a"),
            tasks.run("b", request=tasks.cpus(1)),
            tasks.run("c", request=tasks.cpus(2)),
            tasks.run("d", request=None),
        ]
    )
    assert [task.get(5) for task in plan["tasks"]] == [[0], [0], [1], None]
    amounts = [fields(fields(request)[1][0]) for request in plan["requests"]]
    assert amounts == [{1: [3], 2: [1]}, {1: [3], 2: [2]}]


def test_random_plans_keep_their_shape() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(50):
        made = [tasks.const("0")]
        for number in range(1, rng.randint(1, 60)):
            chosen = [rng.choice(made) for _ in range(rng.randint(0, 5))]
            made.append(tasks.merge(chosen, str(number)))
        results = [rng.choice(made) for _ in range(rng.randint(1, 5))]
        base = rng.choice([0, 5, 10_000, 3_000_000])
        plan = plan_of(results, base)
        sent = plan["tasks"]
        assert len({task[2][0] for task in sent}) == len(sent)
        names = {base + i: task[2][0] for i, task in enumerate(sent)}
        by_name = {task.config: task for task in made}
        for i, task in enumerate(sent):
            ids = task.get(3, [])
            assert all(base <= each < base + i for each in ids)
            expected = [given.config for given in by_name[task[2][0]].inputs]
            assert [names[each] for each in ids] == expected
        assert [names[each] for each in plan["results"]] == [task.config for task in results]


def test_a_chain_of_100000_tasks() -> None:
    task = tasks.const("x")
    for _ in range(100_000):
        task = tasks.merge([task])
    plan = encode_plan([task], 0, NUMBERS, lambda given, user: 0, False)
    assert plan.n_tasks == 100_001


def test_cycles_are_refused() -> None:
    a = tasks.const("x")
    a.label = "first"
    b = tasks.merge([a])
    c = tasks.merge([tasks.const("y"), b])
    a.inputs = (c,)
    with pytest.raises(LoomError, match='has a cycle: task "first" .* needs its own result'):
        plan_of([tasks.merge([a])])
    a.inputs = [a]
    with pytest.raises(LoomError, match="has a cycle"):
        plan_of([a])


def test_half_of_a_surrogate_pair_is_replaced_in_labels_and_no_data() -> None:
    task = tasks.const("x")
    task.label = "a\ud800b"
    assert b"a?b" in b"".join(encode_plan([task], 0, NUMBERS, lambda given, user: 0, False).frame)
    with pytest.raises(LoomError, match="is no text, its character 1 is half of a surrogate pair"):
        tasks.const("a\ud800b")


def with_field(**attributes: Any) -> Task:
    task = tasks.const("x")
    task.label = "odd"
    for name, value in attributes.items():
        setattr(task, name, value)
    return task


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (with_field(task_type="loom/no"), r"no task type for task \"odd\" \(loom/no\)"),
        (with_field(task_type=3), "no task type"),
        (with_field(config="text"), 'config of task "odd" .* must be bytes, got str'),
        (with_field(inputs=3), 'inputs of task "odd" .* must be a list, got int'),
        (with_field(resource_request=2), r"is a int; make it with tasks.cpus\(n\)"),
        (with_field(checkpoint_path="x/y"), "'x/y' .* is relative"),
        (with_field(policy="never"), 'must be "repeat" or "once", got \'never\''),
        (with_field(time_limit=-1), 'time limit of task "odd" .* above 0'),
    ],
)
def test_wrong_tasks(task: Task, message: str) -> None:
    with pytest.raises(LoomError, match=message):
        plan_of([tasks.merge([task])])


def test_unknown_resources() -> None:
    from loom.client import ResourceRequest

    task = with_field(resource_request=ResourceRequest({"my/gpu": 1}))
    with pytest.raises(LoomError, match='requests "my/gpu", a resource that the server does not'):
        plan_of([task])


def test_ids_end() -> None:
    plan_of([tasks.const("")], MAX_ID)
    with pytest.raises(LoomError, match="beyond the last one"):
        plan_of([tasks.merge([tasks.const("")])], MAX_ID)
