"""What functions see of their inputs."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any, Callable, List

import pytest

from . import wire
from .driver import FunctionProcess, pyobj

LARGE = 1_000_000  # is mapped; smaller files are read


def evaluate(process: FunctionProcess, expression: str, *inputs: Any) -> Any:
    """Value of a Python expression with the inputs a, b, ... in the function process."""

    def run(context: Any, *args: Any) -> Any:
        import operator
        import pickle

        scope = dict(zip("abcdefgh", args), operator=operator, pickle=pickle)
        return context.wrap(eval(expression, scope))

    value = process.call((run, True), *inputs)
    content = value.content
    return pickle.loads(content if isinstance(content, bytes) else content.content())


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes, int], wire.File]:
    def make(content: bytes, offset: int = 0) -> wire.File:
        path = tmp_path / f"content-{len(content)}-{offset}"
        path.write_bytes(b"#" * offset + content + b"###")
        return wire.File(str(path), offset, len(content))

    return make


def test_plain_data(process: FunctionProcess) -> None:
    assert evaluate(
        process,
        "(a.read(), bytes(a), bytes(a.view()), a.view().readonly, a.size(), a.length(), len(a),"
        " a.unwrap(), bool(a), a.read() is a.read(), repr(a))",
        b"abc",
    ) == (b"abc", b"abc", b"abc", True, 3, 0, 0, None, True, True, "<Data: 3 bytes, b'abc'>")
    assert evaluate(process, "(a.read(), a.size(), bool(a), bytes(a.view()))", b"") == (
        b"",
        0,
        True,
        b"",
    )
    assert evaluate(process, "repr(a)", b"x" * 100) == f"<Data: 100 bytes, {b'x' * 40!r}...>"


def test_plain_data_has_no_elements(process: FunctionProcess) -> None:
    for use in (lambda a: a[0], lambda a: list(a)):
        message = process.fail(use, b"abc")
        assert "TypeError: <Data: 3 bytes, b'abc'> has no elements; read() gives its" in message


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE])
@pytest.mark.parametrize("offset", [0, 1, 4096, 70_001])
def test_files(process: FunctionProcess, file: Any, size: int, offset: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    sent = file(content, offset)
    before = Path(sent.path).read_bytes()
    assert evaluate(
        process,
        "(a.read(), a.size(), a.length(), a.unwrap(), bytes(a.view()), a.read(), repr(a))",
        sent,
    ) == (content, size, 0, None, content, content, f"<Data: {size} bytes>")
    if size:

        def change(a: Any) -> bytes:
            a.view()[0] = 7
            return bytes(a.view()[:2])

        assert process.call(change, sent) == b"\x07" + content[1:2]
        assert Path(sent.path).read_bytes() == before


@pytest.mark.parametrize("size", [10, LARGE])
def test_file_problems_fail_the_call(process: FunctionProcess, file: Any, size: int) -> None:
    sent = file(b"x" * size)
    longer = wire.File(sent.path, 5, size + 100)
    gone = wire.File(sent.path + "-gone", 0, size)
    for use in (lambda a: a.read(), lambda a: bytes(a.view())):
        assert f"{sent.path} ends before byte {size + 105}" in process.fail(use, longer)
        assert "No such file or directory" in process.fail(use, gone)


def test_mapped_files_are_not_kept(process: FunctionProcess, file: Any) -> None:
    """Neither descriptors nor memory of many calls, also within one frame."""
    sent = file(b"x" * LARGE)
    path = sent.path

    def use(a: Any) -> str:
        import os

        a.view()
        with open("/proc/self/maps") as maps:
            return f"{len(os.listdir('/proc/self/fd'))} {maps.read().count(path)}"

    number = process.define(use)
    process.send(*[wire.call(i, number, [sent]) for i in range(20)])
    assert len({process.next_record().value for _ in range(20)}) == 1


def test_arrays(process: FunctionProcess) -> None:
    array = [b"a", [b"bb", b"ccc"], b"", wire.Index(b"xyz", [0, 1, 3]), pyobj(5)]
    pickled = len(pyobj(5).content)
    assert evaluate(
        process,
        "(a.length(), len(a), a.size(), a.read(), a.unwrap(), bytes(a), a[0].read(),"
        " a[-1].unwrap(), a[1][1].read(), [x.size() for x in a], [x.read() for x in a[1:4]],"
        " a[0] is a[0], bool(b), repr(a), list(b), operator.index(len(a)), bytes(a.view()))",
        array,
        [],
    ) == (
        5,
        5,
        9 + pickled,
        b"",
        None,
        b"",
        b"a",
        5,
        b"ccc",
        [1, 5, 0, 3, pickled],
        [b"", b"", b"xyz"],
        True,
        True,
        "<Data: array of 5>",
        [],
        5,
        b"",
    )


def test_indexes(process: FunctionProcess, file: Any) -> None:
    content = b"one\ntwo\nthree"
    for sent in (content, file(content, 3), file(content + b"#" * LARGE)):
        index = wire.Index(sent, [0, 4, 8, 13])
        total = len(content) if isinstance(sent, bytes) else sent.length
        assert evaluate(
            process,
            "(a.read()[:13], a.size(), a.length(), len(a), [x.read() for x in a], a[-3].read(),"
            " bytes(a[1].view()), a[1].size(), a[1].length(), a[1].unwrap(), bytes(a[2]),"
            " bytes(a.view()[:3]), [x.read() for x in a[::2]], repr(a[1]))",
            index,
        ) == (
            content,
            total,
            3,
            3,
            [b"one\n", b"two\n", b"three"],
            b"one\n",
            b"two\n",
            4,
            0,
            None,
            b"three",
            b"one",
            [b"one\n", b"three"],
            f"<Data: 4 bytes, piece 1 of <Data: index of 3 pieces, {total} bytes>>",
        )
    # Pieces need not begin at the start of the bytes.
    part = wire.Index(content, [4, 8, 8])
    assert evaluate(process, "[x.read() for x in a]", part) == [b"two\n", b""]
    assert evaluate(process, "list(a)", wire.Index(b"", [0])) == []


@pytest.mark.parametrize(
    "sent", [[b"x", b"y"], wire.Index(b"xy", [0, 1, 2])], ids=["array", "index"]
)
def test_indexing_is_that_of_python(process: FunctionProcess, sent: Any) -> None:
    for index in (2, -3, 10**30):
        message = process.fail(lambda a, index=index: a[index], sent)
        assert f"IndexError: index {index} is out of range: <Data: " in message
    for bad in ("0", 1.0, None):
        assert "TypeError" in process.fail(lambda a, bad=bad: a[bad], sent)

    class One:
        def __index__(self) -> int:
            return 1

    assert process.call(lambda a: a[One()].read() + a[True].read(), sent) == b"yy"


def test_values(process: FunctionProcess, file: Any) -> None:
    value = {"a": [1, 2], "b": None}
    pickled = pickle.dumps(value)
    for content in (pickled, file(pickled, 5)):
        assert evaluate(
            process,
            "(a.unwrap(), a.unwrap() is a.unwrap(), a.read(), a.size(), a.length(), bytes(a),"
            " bytes(a.view()), repr(a))",
            wire.Value(content),
        ) == (
            value,
            True,
            b"",
            len(pickled),
            0,
            b"",
            b"",
            f"<Data: Python object, {len(pickled)} bytes>",
        )
    assert evaluate(process, "a.unwrap() is None is a.unwrap()", pyobj(None)) is True
    assert evaluate(
        process, "(a.unwrap(), a.read(), a.size(), repr(a))", wire.Value(b"abc", "loom/jsobj")
    ) == (
        None,
        b"",
        3,
        "<Data: loom/jsobj, 3 bytes>",
    )


def test_value_that_cannot_be_unpickled(process: FunctionProcess) -> None:
    message = process.fail(lambda a: a.unwrap(), wire.Value(b"cno_such_module\nx\n."))
    assert message.endswith("ModuleNotFoundError: No module named 'no_such_module'")
    assert "UnpicklingError" in process.fail(lambda a: a.unwrap(), wire.Value(b"garbage"))
    assert "EOFError" in process.fail(lambda a: a.unwrap(), wire.Value(b""))


def test_inputs_cannot_be_pickled(process: FunctionProcess) -> None:
    message = process.fail((lambda context, a: context.wrap([a]), True), b"abc")
    assert "is an input and can't be pickled; use what its read()" in message


def test_wrapped_objects(process: FunctionProcess) -> None:
    def use(context: Any, a: Any) -> Any:
        value = {1: 2}
        wrapped = context.wrap(value)
        assert wrapped.unwrap() is value
        assert (wrapped.read(), wrapped.length(), len(wrapped)) == (b"", 0, 0)
        assert wrapped.size() > 5
        assert repr(wrapped) == "<Data: wrapped dict>"
        assert context.wrap(a) is a
        assert context.wrap(wrapped) is wrapped
        return wrapped

    assert pickle.loads(process.call((use, True), b"x").content) == {1: 2}


def test_arrays_nested_deeper_than_the_stack(process: FunctionProcess) -> None:
    depth = 100_000
    encoded = b"\x03\x01\0\0\0" * depth + b"\x01" + wire.data(b"deep")

    class Nested:
        def encode(self) -> bytes:
            return encoded

    def walk(a: Any, b: Any) -> Any:
        assert a.size() == 4
        while a.length():
            a = a[0]
        return [a, b]

    assert process.call(walk, Nested(), b"x") == [wire.Input(depth), wire.Input(depth + 1)]


def test_many_inputs(process: FunctionProcess) -> None:
    def total(*inputs: Any) -> bytes:
        return b"".join(x.read() for x in inputs)

    parts: List[bytes] = [struct.pack("<I", i) for i in range(20_000)]
    assert process.call(lambda *a: str(len(a)), *parts) == b"20000"
    assert process.call(total, parts[0], *parts[-3:]) == b"".join([parts[0], *parts[-3:]])
