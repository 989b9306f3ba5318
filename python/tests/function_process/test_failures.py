"""Functions that raise: the call fails with a readable text, the process goes on."""

from __future__ import annotations

import sys
from typing import Any, Callable, Iterator

import cloudpickle  # type: ignore[import-untyped]
import pytest

from . import wire
from .driver import FunctionProcess, pyobj, wait_until


@pytest.fixture(autouse=True)
def goes_on(process: FunctionProcess) -> Iterator[None]:
    yield
    assert process.call(lambda: b"goes on") == b"goes on"


def test_traceback(process: FunctionProcess) -> None:
    def outer(a: Any) -> Any:
        return inner(a.read())

    def inner(x: bytes) -> Any:
        raise KeyError(x)

    # Since 3.1.3, cloudpickle leaves names of files out.
    file = cloudpickle.loads(cloudpickle.dumps(outer)).__code__.co_filename
    line = outer.__code__.co_firstlineno
    lines = process.fail(outer, b"abc").splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{file}", line {line + 1}, in outer'
    assert f'  File "{file}", line {line + 4}, in inner' in lines
    assert lines[-1] == "KeyError: b'abc'"
    assert not any("serve.py" in x or "main.py" in x for x in lines)


def test_no_frames_of_the_process_below_the_function(process: FunctionProcess) -> None:
    message = process.fail(lambda a: a[7], [b"x"])
    assert "in <lambda>" in message
    assert "data.py" not in message
    assert message.endswith("IndexError: index 7 is out of range: <Data: array of 1>")


def test_causes_are_shown(process: FunctionProcess) -> None:
    def fail(a: Any) -> None:
        try:
            a[0]
        except TypeError as error:
            raise ValueError("outer") from error

    message = process.fail(fail, b"x")
    assert "has no elements" in message
    assert "The above exception was the direct cause of the following exception" in message
    assert message.endswith("ValueError: outer")
    assert "data.py" not in message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups of exceptions came with 3.11")
def test_groups_and_notes(process: FunctionProcess) -> None:
    def fail(a: Any) -> None:
        try:
            a[0]
        except TypeError as error:
            group = ExceptionGroup("several", [error, ValueError("other")])  # noqa: F821
            group.add_note("a note")
            raise group from None

    message = process.fail(fail, b"x")
    assert "ExceptionGroup: several (2 sub-exceptions)" in message
    assert "ValueError: other" in message
    assert "a note" in message
    assert "data.py" not in message


def test_wrong_number_of_arguments(process: FunctionProcess) -> None:
    def two(a: Any, b: Any) -> bytes:
        return b""

    message = process.fail(two, b"x")
    assert message.endswith("two() missing 1 required positional argument: 'b'")
    assert message.startswith("TypeError: ")
    assert "takes 2 positional arguments but 3 were given" in process.fail(two, b"", b"", b"")


def make(name: str, *arguments: Any) -> Callable[[], None]:
    def fail() -> None:
        import builtins

        raise getattr(builtins, name)(*arguments)

    return fail


@pytest.mark.parametrize(
    ("function", "end"),
    [
        (make("SystemExit", 3), "SystemExit: 3"),
        (make("SystemExit"), "SystemExit"),
        (make("KeyboardInterrupt"), "KeyboardInterrupt"),
        (make("GeneratorExit"), "GeneratorExit"),
        (make("BaseException", "x"), "BaseException: x"),
        (make("StopIteration", 5), "StopIteration: 5"),
        (make("MemoryError"), "MemoryError"),
        (make("SyntaxError", "bad"), "SyntaxError: bad"),
        (make("ValueError", "\udc80 ä"), "ValueError: \\udc80 ä"),
        (lambda: bytes(1 << 62), "MemoryError"),
        (lambda: [b"x"] * (1 << 62), "MemoryError"),
        (lambda: sys.exit(5), "SystemExit: 5"),
    ],
)
def test_any_exception_fails_only_the_call(
    process: FunctionProcess, function: Any, end: str
) -> None:
    assert process.fail(function).endswith(end)


def test_endless_recursion(process: FunctionProcess) -> None:
    def recurse(n: int) -> Any:
        return recurse(n + 1)

    message = process.fail(lambda: recurse(0))
    assert "RecursionError: maximum recursion depth exceeded" in message
    assert "Previous line repeated" in message
    assert len(message) < 10_000


def test_exceptions_that_cannot_be_shown(process: FunctionProcess) -> None:
    def fail(kind: Any) -> None:
        class Unprintable(Exception):
            def __str__(self) -> str:
                if kind.read() == b"exit":
                    raise SystemExit
                raise ValueError("no text")

            __repr__ = __str__

        raise Unprintable(1)

    def lying() -> None:
        class Lying(Exception):
            @property
            def __cause__(self) -> Any:  # type: ignore[override]
                raise KeyboardInterrupt

        raise Lying(1)

    for kind in (b"error", b"exit"):
        message = process.fail(fail, kind)
        assert "Unprintable" in message
        assert "in fail" in message or "can't be shown" in message
    assert "Lying" in process.fail(lying)


def test_enormous_messages_are_shortened(process: FunctionProcess) -> None:
    message = process.fail(lambda: (_ for _ in ()).throw(ValueError("x" * 10_000_000 + "end")))
    assert "characters left out" in message
    assert len(message) < 200_000
    assert message.startswith("Traceback")
    assert message.endswith("end")


def test_a_failing_function_does_not_keep_its_inputs(process: FunctionProcess) -> None:
    def fail(a: Any) -> None:
        import builtins
        import weakref

        class Large:
            pass

        large = Large()
        builtins.large = weakref.ref(large)  # type: ignore[attr-defined]
        raise ValueError("x")

    def look() -> str:
        import builtins

        return str(builtins.large())  # type: ignore[attr-defined]

    process.fail(fail, b"x")
    assert process.call(look) == b"None"


def test_a_result_is_gone_when_the_next_call_runs(process: FunctionProcess) -> None:
    def make(context: Any) -> Any:
        import builtins
        import weakref

        class Large:
            pass

        large = Large()
        builtins.large = weakref.ref(large)  # type: ignore[attr-defined]
        return context.wrap(large)

    def look() -> str:
        import builtins

        return str(builtins.large())  # type: ignore[attr-defined]

    one, two = process.define((make, True)), process.define(look)
    process.send(wire.call(1, one), wire.call(2, two))
    assert process.next_record().serial == 1
    assert process.next_record().value == b"None"


def test_inputs_are_gone_while_the_process_waits(process: FunctionProcess, tmp_path: Any) -> None:
    gone = tmp_path / "gone"

    def make() -> Any:
        class Tell:
            def __del__(self) -> None:
                with open(path, "w"):
                    pass

        return Tell

    path = str(gone)
    number = process.define(lambda a: (a.unwrap(), a)[1])
    process.call_record(number, pyobj(make()()))
    wait_until(gone.exists, "the object is dropped")
