"""What functions may return, and what becomes of it."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
from collections import deque
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from . import wire
from .driver import FunctionProcess, pyobj

INVALID = "Invalid result from python code"


def constant(make: str) -> Any:
    """A function with context that returns the value of an expression; inputs are a, b, ..."""

    def run(context: Any, *args: Any) -> Any:
        return eval(make, dict(zip("abcdefgh", args), context=context))

    return run, True


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("b'abc'", b"abc"),
        ("b''", b""),
        ("'h\\u00e4'", "hä".encode()),
        ("''", b""),
        ("bytearray(b'abc')", b"abc"),
        ("memoryview(b'abc')", b"abc"),
        ("memoryview(b'abcdef')[::2]", b"ace"),
        ("memoryview(b'')", b""),
        (
            "__import__('array').array('H', [1, 2]).__class__ and memoryview(b'abcd').cast('H')",
            b"abcd",
        ),
        ("type('S', (str,), {})('x')", b"x"),
        ("type('B', (bytes,), {})(b'x')", b"x"),
        ("[]", []),
        ("()", []),
        ("['a', b'b', ['c', ()]]", [b"a", b"b", [b"c", []]]),
        ("__import__('collections').deque(['a'])", [b"a"]),
        ("__import__('collections').namedtuple('T', 'x y')('1', '2')", [b"1", b"2"]),
        ("__import__('collections').UserList(['a'])", [b"a"]),
        ("a", wire.Input(0)),
        ("[b, a, b]", [wire.Input(1), wire.Input(0), wire.Input(1)]),
        ("context.wrap(a)", wire.Input(0)),
        ("[context.wrap(c), 'x']", [wire.Input(2), b"x"]),
        # a plain, b plain, c array of (plain, array of one, index, value), d index, e value
        ("c[0]", wire.Input(3)),
        ("[c[1], c[1][0], c[2], c[3], d, e]", [wire.Input(i) for i in (4, 5, 6, 7, 8, 9)]),
        ("list(c[2])", [wire.Piece(6, 0), wire.Piece(6, 1)]),
        ("d[-1]", wire.Piece(8, 0)),
        ("[context.wrap(d[0])]", [wire.Piece(8, 0)]),
        ("c[1:3]", [wire.Input(4), wire.Input(6)]),
    ],
)
def test_valid_results(process: FunctionProcess, expression: str, expected: Any) -> None:
    inputs = [
        b"a",
        b"b",
        [b"c0", [b"c10"], wire.Index(b"xy", [0, 1, 2]), pyobj(1)],
        wire.Index(b"z", [0, 1]),
        pyobj(2),
    ]
    assert process.call(constant(expression), *inputs) == expected


def test_wrapped_results(process: FunctionProcess) -> None:
    values = [None, 1, 1.5, "x", b"x", [1, {2: 3}], {"a"}, [], "ä" * 1000, 2**100, True, ...]
    for value in values:
        result = process.call((lambda context, value=value: context.wrap(value), True))
        assert result.type == "loom/pyobj"
        assert pickle.loads(result.content) == value
    result = process.call(constant("[context.wrap(1), 'x', [context.wrap(context.wrap(2))]]"))
    assert pickle.loads(result[0].content) == 1
    assert result[1] == b"x"
    assert pickle.loads(result[2][0].content) == 2


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("None", "Invalid result from python code: None: it returns nothing; return str, bytes"),
        ("5", "Invalid result from python code: int: return str, bytes, an input, a list"),
        ("1.5", "float: return"),
        ("{}", "dict: return"),
        ("{1}", "set: return"),
        ("(x for x in 'ab')", "a generator: collect what it gives, e.g. in a list; return"),
        ("__import__('decimal').Decimal(1)", "decimal.Decimal: return"),
        ("['a', ['b', 5]]", "Invalid result from python code at result[1][1]: int: return"),
        ("range(3)", "at result[0]: int"),
        ("'\\udc80'", "text that is not UTF-8"),
        ("context", "Context: return"),
        ("[None]", "at result[0]: None"),
        (
            "context.wrap(__import__('threading').Lock())",
            "object of type _thread.lock can't be pickled: TypeError: cannot pickle '_thread.lock'",
        ),
        (
            "[context.wrap(x for x in 'a')]",
            "at result[0]: an object of type generator can't be pickled",
        ),
        ("__import__('numpy').zeros(3)", "numpy.ndarray: return str, bytes"),
    ],
)
def test_invalid_results(process: FunctionProcess, expression: str, message: str) -> None:
    if "numpy" in expression:
        pytest.importorskip("numpy")
    text = process.fail(constant(expression))
    assert text.startswith(INVALID)
    assert message in text
    assert "Traceback" not in text
    if "pickled" not in text and "UTF" not in text:
        assert "ctx.wrap(...)" in text
    assert process.call(lambda: b"goes on") == b"goes on"


def test_inputs_of_other_calls(process: FunctionProcess) -> None:
    def keep(a: Any, b: Any) -> Any:
        import builtins

        builtins.kept = (a, b[0])  # type: ignore[attr-defined]
        return a

    def give(i: Any) -> Any:
        import builtins

        return builtins.kept[int(i.read())]  # type: ignore[attr-defined]

    assert process.call(keep, b"x", wire.Index(b"y", [0, 1])) == wire.Input(0)
    for i in (b"0", b"1"):
        assert "an input of another call: keep what its read() or unwrap() gives" in process.fail(
            give, i
        )


# Nesting


def nested(depth: int) -> Any:
    def nest() -> Any:
        result: Any = "x"
        for _ in range(depth):
            result = [result]
        return result

    return nest


def test_nested_results(process: FunctionProcess) -> None:
    result = process.call(nested(300))
    for _ in range(300):
        (result,) = result
    assert result == b"x"


def test_nested_too_deep(process: FunctionProcess) -> None:
    def itself() -> Any:
        result: List[Any] = []
        result.append(result)
        return result

    def endless_task() -> Any:
        class Task:
            task_type = "x"
            config = b""

            @property
            def inputs(self) -> Any:
                return [Task()]

        return Task()

    def low_limit() -> Any:
        import sys

        sys.setrecursionlimit(100)
        return nested_300()

    nested_300 = nested(300)
    for function in (nested(301), nested(100_000), itself, endless_task, low_limit):
        message = process.fail(function)
        assert message.startswith(INVALID)
        assert "nested more than 300 levels deep" in message
        assert len(message) < 1000
    # Not so wrapped objects, which only pickle limits.
    deep = nested(100_000)
    message = process.fail((lambda context: context.wrap(deep()), True))
    assert "an object of type list can't be pickled: " in message


# Tasks

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


# Files


def test_large_results_are_files(process: FunctionProcess, directories: List[str]) -> None:
    assert process.call(lambda: b"x" * 65536) == b"x" * 65536
    for make in (
        lambda: b"x" * 65537,
        lambda: "x" * 65537,
        lambda: bytearray(b"x" * 65537),
        lambda: memoryview(b"x-" * 65537)[::2],
        lambda: memoryview(b"x" * 65536 + b"xx").cast("H")[:-1] and memoryview(b"x" * 65537),
    ):
        result = process.call(make)
        assert result.content() == b"x" * 65537
        assert os.path.dirname(result.path) == directories[0]
        assert os.path.basename(result.path).startswith(f"f{process.process.pid}")
    result = process.call(lambda: ["a", "b" * 70_000, ["c" * 70_000]])
    assert (result[0], result[1].content(), result[2][0].content()) == (
        b"a",
        b"b" * 70_000,
        b"c" * 70_000,
    )
    assert len(os.listdir(directories[0])) == 7
    result = process.call(constant("context.wrap(b'x' * 65537)"))
    assert pickle.loads(result.content.content()) == b"x" * 65537


def test_limit_is_that_of_the_configuration(directories: List[str]) -> None:
    with FunctionProcess(directories, inline_limit=3) as process:
        assert process.call(lambda: b"abc") == b"abc"
        assert process.call(lambda: b"abcd").content() == b"abcd"
        assert process.call(lambda: "abcd").content() == b"abcd"


def test_names_that_are_taken(process: FunctionProcess, directories: List[str]) -> None:
    """By a dead process with the same number."""
    for i in range(3):
        Path(directories[0], f"f{process.process.pid}-{i}").write_bytes(b"taken")
    assert process.call(lambda: b"x" * 70_000).content() == b"x" * 70_000
    assert len(os.listdir(directories[0])) == 4


def test_invalid_results_leave_no_file(process: FunctionProcess, directories: List[str]) -> None:
    assert INVALID in process.fail(lambda: [b"x" * 70_000, 5])
    assert os.listdir(directories[0]) == []


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[str]:
    """A directory with room for a megabyte."""
    directory = tmp_path / "tiny"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    try:
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("mounting needs root")
    except OSError:
        pytest.skip("there is no mount")
    yield str(directory)
    subprocess.run(["umount", str(directory)], check=True)


def test_a_full_directory(tiny: str, directories: List[str]) -> None:
    with FunctionProcess([tiny, *directories]) as process:
        two_mib = process.define(constant("context.wrap(b'x' * 2**21)"))
        result = process.call(two_mib).content
        assert os.path.dirname(result.path) == directories[0]
        assert pickle.loads(result.content()) == b"x" * 2**21
        assert os.listdir(tiny) == []
        result = process.call(lambda: b"y" * 100_000)
        assert os.path.dirname(result.path) == tiny
    with FunctionProcess([tiny, "/nonexistent"]) as process:
        message = process.fail(lambda: b"x" * 2**21)
        assert message == (
            "There is no room on the worker for 2097152 bytes of the result of the python code: "
            f"{tiny}: No space left on device; /nonexistent: No such file or directory"
        )
        assert process.call(lambda: b"small") == b"small"


def test_directories_that_cannot_be_used(directories: List[str]) -> None:
    with FunctionProcess(["/nonexistent", "/dev/null", *directories]) as process:
        result = process.call(lambda: b"x" * 70_000)
        assert os.path.dirname(result.path) == directories[0]
    with FunctionProcess([]) as process:
        assert "it has no directory for them" in process.fail(lambda: b"x" * 70_000)


def test_a_limit_on_files(directories: List[str]) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with FunctionProcess(directories, preexec=limit) as process:
        message = process.fail(lambda: [b"x" * 70_000, b"x" * 200_000])
        assert "There is no room on the worker for 200000 bytes" in message
        assert "File too large" in message
        assert [os.listdir(d) for d in directories] == [[], []]
        assert process.call(lambda: b"x" * 70_000).size == 70_000


def test_many_parts(process: FunctionProcess) -> None:
    """More than one writev takes."""

    def make(context: Any) -> Any:
        return context.wrap([bytes([i % 256]) * 70_000 for i in range(1500)])

    value = pickle.loads(process.call((make, True)).content.content())
    assert [(len(x), x[0]) for x in value] == [(70_000, i % 256) for i in range(1500)]


def test_sequences_of_users(process: FunctionProcess) -> None:
    def make() -> Any:
        from collections.abc import Sequence

        class Squares(Sequence):  # type: ignore[type-arg]
            def __len__(self) -> int:
                return 3

            def __getitem__(self, i: Any) -> Any:
                if i >= 3:
                    raise IndexError
                return str(i * i)

        return Squares()

    def broken() -> Any:
        from collections.abc import Sequence

        class Broken(Sequence):  # type: ignore[type-arg]
            def __len__(self) -> int:
                return 3

            def __getitem__(self, i: Any) -> Any:
                raise ValueError("broken sequence")

        return Broken()

    assert process.call(make) == [b"0", b"1", b"4"]
    assert process.fail(broken).endswith("ValueError: broken sequence")
    assert deque(process.call(lambda: ("a",))) == deque([b"a"])
