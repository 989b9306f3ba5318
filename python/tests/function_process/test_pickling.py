"""Wrapped objects: pickle or cloudpickle, buffers outside of pickles, numpy, Arrow."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, List

import pytest

from . import wire
from .driver import FunctionProcess, pyobj


def wrap(make: Callable[[], Any]) -> Any:
    return (lambda context, *inputs: context.wrap(make(*inputs))), True


def content_of(value: wire.Value) -> bytes:
    assert value.type == "loom/pyobj"
    return value.content if isinstance(value.content, bytes) else value.content.content()


def resend(value: wire.Value) -> wire.Value:
    """A result as an input of the next call."""
    if isinstance(value.content, bytes):
        return value
    return wire.Value(wire.File(value.content.path, 0, value.content.size))


# By value and by reference


@pytest.fixture(params=[sys.executable, "another"])
def other_python(request: Any) -> str:
    """An interpreter that knows nothing of the function process."""
    if request.param != "another":
        return str(request.param)
    names = [f"python3.{minor}" for minor in (9, 10, 12, 13, 14) if minor != sys.version_info[1]]
    folders = [str(p) for p in Path.home().glob(".pyenv/versions/*/bin")]
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    for name in names:
        python = shutil.which(name, path=path)
        if python:
            return python
    pytest.skip("there is no other version of Python")


def load_elsewhere(python: str, content: bytes, expression: str) -> str:
    """What an expression of x, the unpickled object, prints in another interpreter."""
    code = f"import pickle, sys; x = pickle.load(sys.stdin.buffer); print({expression})"
    run = subprocess.run([python, "-c", code], input=content, capture_output=True, cwd="/")
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode().strip()


def test_objects_of_scripts_travel_by_value(process: FunctionProcess) -> None:
    """What a client's script defines is of `__main__`, which is another one everywhere."""

    def make() -> Any:
        import __main__

        class Point:
            def __init__(self, x: int) -> None:
                self.x = x

        # Also if somebody puts it there.
        Point.__module__, Point.__qualname__ = "__main__", "Point"
        vars(__main__)["Point"] = Point
        return [Point(3), Point, lambda: 5, make_local]

    def make_local() -> int:
        return 6

    content = content_of(process.call(wrap(make)))
    assert load_elsewhere(sys.executable, content, "x[0].x, x[1](4).x, x[2](), x[3]()") == "3 4 5 6"


def test_modules_registered_by_users_travel_by_value(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class C:\n    x = 5\n\ndef f():\n    return 7\n")

    def make() -> Any:
        import cloudpickle  # type: ignore[import-untyped]
        import mine  # type: ignore[import-not-found]

        before = mine.C()
        cloudpickle.register_pickle_by_value(mine)
        return [before, mine.f]

    with FunctionProcess(env={"PYTHONPATH": str(tmp_path)}) as process:
        content = content_of(process.call(wrap(make)))
    assert load_elsewhere(sys.executable, content, "x[0].x, x[1]()") == "5 7"


def test_importable_objects_travel_by_reference(process: FunctionProcess) -> None:
    def make() -> Any:
        import collections
        import fractions

        return [collections.OrderedDict(a=1), fractions.Fraction(1, 2), len]

    content = content_of(process.call(wrap(make)))
    assert b"cloudpickle" not in content
    assert pickle.loads(content)[2] is len


def test_what_plain_pickle_cannot_do(process: FunctionProcess) -> None:
    def make() -> Any:
        return [{1: 2}.keys(), sys_module, (lambda x: x + 1)]

    import sys as sys_module

    content = content_of(process.call(wrap(make)))
    assert b"cloudpickle" in content
    assert (
        load_elsewhere(sys.executable, content, "list(x[0]), x[1].__name__, x[2](1)") == "[1] sys 2"
    )


def test_failing_pickles_name_type_and_cause(process: FunctionProcess) -> None:
    def make() -> Any:
        class Strange:
            def __reduce__(self) -> Any:
                raise ValueError("won't be pickled")

        return Strange()

    message = process.fail(wrap(make))
    assert message.startswith("Invalid result from python code: an object of type ")
    assert message.endswith("Strange can't be pickled: ValueError: won't be pickled")


# Buffers


def make_buffers() -> Any:
    import pickle

    return [
        pickle.PickleBuffer(bytearray(b"w" * 100_001)),
        "text",
        pickle.PickleBuffer(b"r" * 5000),
        pickle.PickleBuffer(bytearray(b"small")),
        pickle.PickleBuffer(bytearray(b"z" * 4096)),
    ]


EXPECTED = [b"w" * 100_001, "text", b"r" * 5000, b"small", b"z" * 4096]


def test_layout(process: FunctionProcess, other_python: str) -> None:
    content = content_of(process.call(wrap(make_buffers)))
    inner, buffers = wire.layout(content)
    assert [(size, writable) for _, size, writable in buffers] == [
        (100_001, True),
        (5000, False),
        (4096, True),
    ]
    assert all(offset % 64 == 0 for offset, _, _ in buffers)
    views = [content[offset : offset + size] for offset, size, _ in buffers]
    assert [
        x if isinstance(x, str) else bytes(x) for x in pickle.loads(inner, buffers=views)
    ] == EXPECTED
    value = pickle.loads(content)
    assert [x if isinstance(x, str) else bytes(x) for x in value] == EXPECTED
    assert [type(x) for x in value] == [bytearray, str, bytes, bytearray, bytearray]
    assert load_elsewhere(
        other_python,
        content,
        "[(type(y).__name__, len(y), y[:1] in (b'w', b'r', b'z')) for y in x]",
    ) == str(
        [
            ("bytearray", 100_001, True),
            ("str", 4, False),
            ("bytes", 5000, True),
            ("bytearray", 5, False),
            ("bytearray", 4096, True),
        ]
    )


def test_every_alignment(process: FunctionProcess) -> None:
    def make() -> Any:
        import pickle

        return [pickle.PickleBuffer(bytearray(4096 + i)) for i in range(130)]

    _, buffers = wire.layout(content_of(process.call(wrap(make))))
    assert [size for _, size, _ in buffers] == [4096 + i for i in range(130)]
    assert {offset % 64 for offset, _, _ in buffers} == {0}


def test_few_bytes_are_a_plain_pickle(process: FunctionProcess) -> None:
    def make() -> Any:
        import pickle

        return [pickle.PickleBuffer(bytearray(4095))]

    content = content_of(process.call(wrap(make)))
    assert b"functools" not in content
    assert pickle.loads(content) == [bytearray(4095)]


def test_buffers_are_used_where_they_are(process: FunctionProcess, tmp_path: Path) -> None:
    def look(a: Any) -> Any:
        value = a.unwrap()
        assert [x if isinstance(x, str) else bytes(x) for x in value] == expected
        assert [type(x).__name__ for x in value] == kinds
        value[0][0] = 7  # writable, and the file stays as it is
        with open("/proc/self/maps") as maps:
            return str(maps.read().count(path))

    expected = EXPECTED
    kinds = ["memoryview", "str", "memoryview", "bytearray", "memoryview"]
    content = content_of(process.call(wrap(make_buffers)))
    file = tmp_path / "value"
    path = str(file)
    padding = 200_000
    file.write_bytes(b"#" * padding + content)
    small = wire.Value(wire.File(path, padding, len(content)))
    assert process.call(look, small) == b"0"  # too small to be mapped
    expected = [b"w" * 400_001, *EXPECTED[1:]]

    def make_large() -> Any:
        import pickle

        return [pickle.PickleBuffer(bytearray(b"w" * 400_001)), *make_buffers()[1:]]

    content = content_of(process.call(wrap(make_large)))
    file.write_bytes(b"#" * padding + content)
    before = file.read_bytes()
    assert process.call(look, wire.Value(wire.File(path, padding, len(content)))) == b"1"
    assert file.read_bytes() == before


@pytest.mark.parametrize("cut", [50, 70, 4200, 5000, -20, -12, -3, -1])
def test_damaged_layouts_fail_cleanly(process: FunctionProcess, tmp_path: Path, cut: int) -> None:
    content = content_of(process.call(wrap(make_buffers)))[:cut] + b"!" * 20
    file = tmp_path / "value"
    file.write_bytes(content)

    def unwrap(a: Any) -> str:
        return str(a.unwrap())

    message = process.fail(unwrap, wire.Value(wire.File(str(file), 0, len(content))))
    assert "Error: " in message or "EOFError" in message
    assert process.call(lambda: b"goes on") == b"goes on"


def test_layouts_of_others(process: FunctionProcess, tmp_path: Path) -> None:
    """Without padding where none is needed; and what only begins like one."""
    buffers: List[pickle.PickleBuffer] = []
    inner = pickle.dumps(pickle.PickleBuffer(bytearray(b"abc")), 5, buffer_callback=buffers.append)
    prefix = wire.LAYOUT_START
    content = prefix + b"\x96" + (3).to_bytes(8, "little") + b"abc" + b"es\x92\x8e"
    content += len(inner).to_bytes(8, "little") + inner + b"\x85R."
    for pickled in (content, content[:-1] + b"0K\x05."):
        file = tmp_path / "value"
        file.write_bytes(pickled)
        value = wire.Value(wire.File(str(file), 0, len(pickled)))
        expected = pickle.loads(pickled)
        result = process.call(lambda a: f"{bytes(a.unwrap())!r}", value)
        assert result == f"{bytes(expected)!r}".encode()
    # Read-only by the outer pickle alone.
    file.write_bytes(content.replace(b"\x96", b"\x8e"))
    value = wire.Value(wire.File(str(file), 0, len(content)))
    assert process.call(lambda a: str(memoryview(a.unwrap()).readonly), value) == b"True"


# numpy and Arrow


@pytest.mark.parametrize("size", [10, 1000, 10_000, 1_000_000])
def test_numpy_arrays_pass_from_call_to_call(process: FunctionProcess, size: int) -> None:
    pytest.importorskip("numpy")

    def make() -> Any:
        import numpy as np

        return {
            "f8": np.arange(size, dtype="f8"),
            "i2": np.arange(size, dtype="i2").reshape(-1, 2),
            "fortran": np.asfortranarray(np.arange(size).reshape(2, -1)),
            "strided": np.arange(size)[::2],
            "record": np.zeros(size, dtype=[("a", "u1"), ("b", "f4")]),
            "object": np.array([None, "x"]),
            "empty": np.zeros((0, 3)),
            "read-only": np.frombuffer(b"x" * size, "u1"),
        }

    def use(a: Any) -> Any:
        import numpy as np

        arrays = a.unwrap()
        assert arrays is a.unwrap()
        for name, array in arrays.items():
            expected = original[name]
            assert array.dtype == expected.dtype and array.shape == expected.shape, name
            assert (array == expected).all(), name
            assert array.flags.writeable == (name != "read-only"), name
        arrays["f8"] += 1
        assert arrays["f8"][3] == 4
        assert np.shares_memory(arrays["f8"], arrays["f8"][1:])
        return "fine"

    first = process.call(wrap(make))
    original = pickle.loads(content_of(first))
    content = content_of(first)
    # The function's own copy, by value.
    assert process.call(use, resend(first)) == b"fine"
    assert content_of(first) == content
    if size >= 10_000:
        assert all(offset % 64 == 0 for offset, _, _ in wire.layout(content)[1])


def test_numpy_array_is_made_of_the_mapping(process: FunctionProcess) -> None:
    pytest.importorskip("numpy")

    def make() -> Any:
        import numpy as np

        return np.arange(20_000_000, dtype="f8")

    def resident_kib() -> int:
        with open("/proc/self/status") as status:
            return int(next(line for line in status if line.startswith("RssAnon")).split()[1])

    def use(a: Any) -> str:
        before = resident_kib()
        array = a.unwrap()
        return f"{array.sum():.0f} {array.ctypes.data % 64} {resident_kib() - before < 20_000}"

    value = process.call(wrap(make))
    assert process.call(use, resend(value)) == f"{sum(range(20_000_000))} 0 True".encode()


def test_result_is_written_without_a_copy_in_memory(process: FunctionProcess) -> None:
    def make(kind: str) -> Any:
        def peak_kib() -> int:
            with open("/proc/self/status") as status:
                return int(next(line for line in status if line.startswith("VmHWM")).split()[1])

        def run(context: Any, *last: Any) -> Any:
            import builtins

            if last:
                return str(peak_kib() - builtins.before)  # type: ignore[attr-defined]
            content = b"x" * 200_000_000
            builtins.before = peak_kib()  # type: ignore[attr-defined]
            return content if kind == "bytes" else context.wrap([content])

        return run, True

    for kind in ("bytes", "wrapped"):
        number = process.define(make(kind))
        result = process.call(number)
        assert (result if kind == "bytes" else result.content).size >= 200_000_000
        assert int(process.call(number, b"last")) < 50_000


def test_read_only_buffers_of_arrow(process: FunctionProcess) -> None:
    pytest.importorskip("pyarrow")

    def make() -> Any:
        import pyarrow as pa  # type: ignore[import-untyped]

        return pa.table({"a": list(range(100_000)), "b": [str(i) for i in range(100_000)]})

    def use(a: Any) -> str:
        import pyarrow as pa

        before = pa.total_allocated_bytes()
        table = a.unwrap()
        assert pa.total_allocated_bytes() - before < 10_000
        a99, b5 = table.column("a")[99_999], table.column("b")[5]
        return f"{a99} {b5} {table.num_rows} {table.schema.names}"

    value = process.call(wrap(make))
    assert process.call(use, resend(value)) == b"99999 5 100000 ['a', 'b']"
    assert pickle.loads(content_of(value)).num_rows == 100_000


def test_arguments_and_functions_may_have_buffers(process: FunctionProcess) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(100_000)
    with tempfile.NamedTemporaryFile() as file:

        def total(x: Any = None) -> str:
            return f"{(array if x is None else x).sum()}"

        content = pyobj(total).content
        file.write(content)
        file.flush()
        number = process.define(wire.Value(wire.File(file.name, 0, len(content))))
        assert process.call(number) == b"4999950000"
        assert process.call(number, config=pickle.dumps((array[:5],))) == b"10"
    # In the layout with buffers outside.
    result = process.call(wrap(lambda: (array + 1).sum))
    assert wire.layout(content_of(result))[1]
    assert process.call(lambda f: str(f.unwrap()()), resend(result)) == b"5000050000"
    number = process.define(
        resend(process.call(wrap(lambda: (lambda x: lambda: str(x.sum()))(array))))
    )
    assert process.call(number) == b"4999950000"
