"""Large results are files: which directory, how many parts, and what if there is no room."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from .driver import FunctionProcess
from .expressions import INVALID, constant


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
