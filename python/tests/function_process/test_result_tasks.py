"""Tasks as results: a function goes on with one, or with a graph of them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from . import wire
from .driver import FunctionProcess
from .expressions import INVALID

TASK = """
class Task:
    def __init__(self, task_type, inputs=(), config=b""):
        self.task_type, self.inputs, self.config = task_type, inputs, config
"""


def task(expression: str) -> Any:
    def run(context: Any, *args: Any) -> Any:
        scope = dict(zip("abcdefgh", args), context=context)
        exec(TASK, scope)
        return eval(expression, scope)

    return run, True


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Task('t')", wire.Task("t", b"", [])),
        ("Task('t', None, None)", wire.Task("t", b"", [])),
        (
            "Task('t', [a, b[0]], 'text')",
            wire.Task("t", b"text", [wire.Input(0), wire.Piece(1, 0)]),
        ),
        (
            "Task('t', (a, 'x', [b'y', a]), bytearray(b'c'))",
            wire.Task("t", b"c", [wire.Input(0), b"x", [b"y", wire.Input(0)]]),
        ),
        (
            "Task('t', iter([Task('u', [Task('v')]), a]))",
            wire.Task("t", b"", [wire.Task("u", b"", [wire.Task("v", b"", [])]), wire.Input(0)]),
        ),
        (
            "__import__('collections').namedtuple('T', 'task_type config inputs')('t', b'c', [])",
            wire.Task("t", b"c", []),
        ),
        (
            "__import__('types').SimpleNamespace(task_type='t', config=b'x' * 100000, inputs=[])",
            wire.Task("t", b"x" * 100_000, []),
        ),
    ],
)
def test_tasks(process: FunctionProcess, expression: str, expected: Any) -> None:
    assert process.call(task(expression), b"a", wire.Index(b"b", [0, 1])) == expected


def test_wrapped_object_as_input_of_a_task(process: FunctionProcess) -> None:
    result = process.call(task("Task('loom/py/call', [context.wrap(len), a])"), b"x")
    assert pickle.loads(result.inputs[0].content) is len
    assert result.inputs[1] == wire.Input(0)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[Task('t')]", "at result[0]: a task inside a list; a task can only be the whole result"),
        ("Task('t', [a, [Task('u')]])", "at result.inputs[1][0]: a task inside a list"),
        ("Task('t', [5])", "at result.inputs[0]: int: return"),
        (
            "Task(5)",
            "has task_type, config and inputs like a task, but its task_type is of type int, not",
        ),
        ("Task('t', [], 5)", "its config is of type int, not bytes"),
        ("Task('t', 5)", "its inputs is of type int, not a sequence"),
        ("Task('t', 'abc')", "its inputs is of type str, not a sequence"),
        ("__import__('unittest.mock').mock.Mock()", "its task_type is of type unittest.mock.Mock"),
    ],
)
def test_invalid_tasks(process: FunctionProcess, expression: str, message: str) -> None:
    text = process.fail(task(expression), b"a")
    assert text.startswith(INVALID)
    assert message in text
