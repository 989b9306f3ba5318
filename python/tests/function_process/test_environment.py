"""What user code finds around it; and whether the interpreter will do."""

from __future__ import annotations

import glob
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from . import wire
from .driver import MAIN, FunctionProcess, wait_until

PYTHON_FOLDER = str(MAIN.parents[1])


def path_of(process: FunctionProcess) -> List[str]:
    def show() -> str:
        import json
        import sys

        return json.dumps(sys.path)

    return list(json.loads(process.call(show)))


def test_path(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "lib").mkdir()
    work, lib = str(tmp_path / "work"), str(tmp_path / "lib")
    with FunctionProcess(env={"PYTHONPATH": lib}, cwd=work) as process:
        path = path_of(process)
    assert path[0] == lib
    assert path[-2:] == [work, PYTHON_FOLDER]
    assert any("site-packages" in folder for folder in path[1:-2])
    assert str(MAIN.parent) not in path
    with FunctionProcess(env={"PYTHONPATH": f"{lib}:{work}"}, cwd=work) as process:
        path = path_of(process)
    assert path.count(work) == 1
    assert path[-1] == PYTHON_FOLDER


@pytest.mark.skipif(sys.version_info < (3, 11), reason="came with 3.11")
def test_safe_path(tmp_path: Path) -> None:
    """Python does not put the script's folder there; nothing else may be taken away."""
    with FunctionProcess(env={"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}) as process:
        assert path_of(process)[0] == str(tmp_path)


def where_is(name: str) -> Any:
    def find() -> str:
        import importlib

        return str(importlib.import_module(name).__file__)

    return find


def test_our_names_hide_none_of_the_users(tmp_path: Path) -> None:
    """Neither does a module of the user's hide one of ours."""
    names = [path.stem for path in MAIN.parent.glob("*.py") if path.stem != "__init__"]
    for name in [*names, "function_process", "loom"]:
        (tmp_path / f"{name}.py").write_text("")
    with FunctionProcess(env={"PYTHONPATH": str(tmp_path)}) as process:
        for name in [*names, "function_process", "loom"]:
            assert process.call(where_is(name)).decode() == str(tmp_path / f"{name}.py")
    with FunctionProcess(cwd=str(tmp_path)) as process:
        assert process.call(where_is("data")).decode() == str(tmp_path / "data.py")
    with FunctionProcess(cwd="/") as process:
        for name in names:
            assert "ModuleNotFoundError" in process.fail(where_is(name)), name


def test_our_loom_is_the_last(tmp_path: Path) -> None:
    package = tmp_path / "loom"
    package.mkdir()
    (package / "__init__.py").touch()
    with FunctionProcess(env={"PYTHONPATH": str(tmp_path)}) as process:
        assert process.call(where_is("loom")).decode() == str(package / "__init__.py")
        assert path_of(process)[-1] == PYTHON_FOLDER


def test_current_directory_that_was_removed(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with FunctionProcess(cwd=str(gone), preexec=gone.rmdir) as process:
        assert path_of(process)[-1] == PYTHON_FOLDER


def test_standard_input_is_empty(process: FunctionProcess) -> None:
    assert process.call(lambda: sys.stdin.read()) == b""
    with pytest.raises(AssertionError, match="EOFError"):
        process.call(lambda: input())


def test_output_leaves_line_by_line(process: FunctionProcess, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"

    def talk() -> bytes:
        import os
        import sys
        import time

        print("a line \u00e4 \udc80")
        print("an error", file=sys.stderr)
        while not os.path.exists(go_on):
            time.sleep(0.001)
        print("no line", end="")
        return b""

    process.send(wire.call(1, process.define(talk)))
    wait_until(lambda: process.output_text() == "a line ä \\udc80\n", "the first line")
    wait_until(lambda: "an error\n" in process.error_text(), "the line on standard error")
    go_on.touch()
    process.next_record()
    wait_until(lambda: process.output_text().endswith("\nno line"), "the rest")


def test_output_is_utf8_in_any_locale() -> None:
    with FunctionProcess(
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ) as process:
        process.call(lambda: print("ä") or b"")
        wait_until(lambda: process.output_text() == "ä\n", "the line")


def test_user_code_may_replace_the_streams(process: FunctionProcess) -> None:
    def replace() -> bytes:
        import sys

        sys.stdout = None
        sys.stderr.close()
        return b"x"

    assert process.call(replace) == b"x"
    assert process.call(lambda: b"y") == b"y"


def test_children_do_not_get_the_socket(process: FunctionProcess, tmp_path: Path) -> None:
    def start(kind: Any) -> str:
        import subprocess
        import sys

        show = "import os; os.system('ls -l /proc/self/fd')"
        return subprocess.check_output([sys.executable, "-c", show], close_fds=False, text=True)

    assert "socket" not in process.call(start, b"").decode()


def test_a_crash_says_where(directories: List[str]) -> None:
    def crash_here() -> bytes:
        import ctypes

        ctypes.string_at(0)
        return b""

    process = FunctionProcess(directories)
    process.send(wire.call(1, process.define(crash_here)))
    with pytest.raises(EOFError, match="Segmentation fault(.|\n)*in crash_here"):
        process.next_record()
    process.socket.close()


def test_multiprocessing(process: FunctionProcess) -> None:
    def start(kind: Any) -> bytes:
        import multiprocessing
        import operator

        method = multiprocessing.get_context(kind.read().decode())
        with method.Pool(2) as pool:
            return bytes(sum(pool.map(operator.neg, range(-5, 0))))

    assert process.call(start, b"fork") == bytes(15)
    assert process.call(start, b"spawn") == bytes(15)


def test_programs_are_interruptible(process: FunctionProcess) -> None:
    """That this process ignores SIGINT is not inherited."""

    def start() -> str:
        import signal
        import subprocess

        child = subprocess.Popen(["sleep", "1000"])
        child.send_signal(signal.SIGINT)
        return str(child.wait())

    assert process.call(start) == b"-2"


# The interpreter


def check(python: str, *options: str, **env: str) -> Dict[str, str]:
    run = subprocess.run(
        [python, *options, str(MAIN), "--check"],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        cwd="/",
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count("\n") == 1
    found: Dict[str, str] = json.loads(run.stdout)
    return found


def test_check() -> None:
    import cloudpickle  # type: ignore[import-untyped]

    version = ".".join(map(str, sys.version_info[:3]))
    assert check(sys.executable) == {"version": version, "cloudpickle": cloudpickle.__version__}


def test_check_does_not_import_cloudpickle(tmp_path: Path) -> None:
    package = tmp_path / "cloudpickle"
    package.mkdir()
    (package / "__init__.py").write_text('raise SystemExit\n__version__ = "7.8"\n')
    assert check(sys.executable, PYTHONPATH=str(tmp_path))["cloudpickle"] == "7.8"


@pytest.fixture
def broken(tmp_path: Path) -> Any:
    def make(text: str) -> Dict[str, str]:
        package = tmp_path / "cloudpickle"
        package.mkdir()
        (package / "__init__.py").write_text(text)
        return {"PYTHONPATH": str(tmp_path)}

    return make


def test_check_without_cloudpickle() -> None:
    found = check(sys.executable, "-S", "-E")
    assert found["error"].startswith(
        f"Python {found['version']} ({sys.executable}) can't run functions"
    )
    assert f'Install it: {sys.executable} -m pip install "cloudpickle>=2"' in found["error"]


def test_check_with_an_old_cloudpickle(broken: Any) -> None:
    found = check(sys.executable, **broken("__version__ = '1.6.0'\n"))
    assert "has cloudpickle 1.6.0, which is too old. Update it: " in found["error"]


def old_pythons() -> List[str]:
    found = [
        *glob.glob(os.path.expanduser("~/.pyenv/versions/3.[678].*/bin/python")),
        *glob.glob(os.path.expanduser("~/.pyenv/versions/2.7.*/bin/python")),
        *glob.glob("/usr/bin/python3.[678]"),
    ]
    return found


@pytest.mark.parametrize("python", old_pythons() or [pytest.param("", marks=pytest.mark.skip)])
def test_check_with_an_old_python(python: str) -> None:
    assert "is too old to run functions: 3.9 or newer is needed" in check(python)["error"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("__version__ = '1.6.0'\n", "has cloudpickle 1.6.0, which is too old"),
        ("raise ValueError('broken')\n__version__ = '3.0'\n", "ValueError: broken"),
    ],
)
def test_ready_says_why_it_cannot_work(broken: Any, text: str, error: str) -> None:
    process = FunctionProcess(env=broken(text))
    assert set(process.ready) == {"error"}
    assert error in process.ready["error"]
    assert sys.executable in process.ready["error"]
    # It has read what came before that, so that the worker gets no error.
    process.socket.shutdown(socket.SHUT_WR)
    assert process.socket.recv(1) == b""
    process.socket.close()
    assert process.process.wait() == 1


def test_started_by_hand() -> None:
    run = subprocess.run([sys.executable, str(MAIN)], capture_output=True, text=True)
    assert run.returncode == 2
    assert "this program is started by a HyperLoom worker" in run.stderr
    run = subprocess.run([sys.executable, str(MAIN), "--chek"], capture_output=True, text=True)
    assert run.returncode == 2
    assert "usage: main.py [--check]" in run.stderr
