"""Wrapped objects whose buffers are outside of their pickle: layout, mapping, damage."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any, List

import pytest

from . import wire
from .driver import FunctionProcess
from .wrapping import content_of, load_elsewhere, wrap


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
