"""What functions may return, and what becomes of it. Tasks are in test_result_tasks.py, files in
test_result_files.py.
"""

from __future__ import annotations

import pickle
from collections import deque
from typing import Any, List

import pytest

from . import wire
from .driver import FunctionProcess, pyobj
from .expressions import INVALID, constant


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
