"""Functions that can be loaded, and the messages for those that can't."""

from __future__ import annotations

import pickle
import platform
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import pytest

from . import wire
from .driver import MAIN, FunctionProcess, pyobj

PYTHON = f"Python {platform.python_version()} ({sys.executable})"


def reference(module: str, name: str) -> wire.Value:
    """A pickle of `module.name`."""
    return wire.Value(f"c{module}\n{name}\n.".encode())


def reduced(function: Any, *arguments: Any) -> wire.Value:
    """A pickle that calls a function."""

    class Reduced:
        def __reduce__(self) -> Any:
            return function, arguments

    return wire.Value(pickle.dumps(Reduced()))


def named(what: str, *arguments: str) -> wire.Value:
    """A pickle as clients in other languages write it: hyperloom_functions.what(*arguments)."""
    packed = b"".join(b"X" + wire.text(argument) for argument in arguments)
    return wire.Value(f"chyperloom_functions\n{what}\n(".encode() + packed + b"tR.")


# Pickles


def test_missing_module(process: FunctionProcess) -> None:
    message = process.fail(reference("no_such.module", "run"))
    assert "no_such.module.run (21 bytes)" in message
    assert f"can't be loaded by the worker's {PYTHON}" in message
    assert "ModuleNotFoundError: No module named 'no_such'" in message
    assert (
        f"Install no_such for the worker's {PYTHON}, or put its folder on the PYTHONPATH" in message
    )
    assert "Traceback" not in message


def test_each_call_of_a_bad_function_fails(process: FunctionProcess) -> None:
    number = process.define(reference("no_such", "run"))
    assert process.fail(number) == process.fail(number, b"x")


def test_missing_attribute(process: FunctionProcess) -> None:
    message = process.fail(reference("json", "no_such"))
    assert "json.no_such (" in message
    assert "AttributeError: " in message
    assert "another one, or another version, than the client's" in message


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\x80\x05", b"\x80\x09.", pyobj(len).content[:-1]]
)
def test_garbage(process: FunctionProcess, content: bytes) -> None:
    message = process.fail(wire.Value(content))
    assert f"({len(content)} bytes) can't be loaded" in message
    assert "cloudpickle.dumps" in message or "version" in message
    assert process.call(lambda: b"goes on") == b"goes on"


def test_module_that_fails_when_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("x = 1\nraise ValueError('in the module')\n")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit('gone')\n")
    with FunctionProcess(env={"PYTHONPATH": str(tmp_path)}) as process:
        message = process.fail(reference("failing", "run"))
        assert "failing.run (" in message
        assert "ValueError: in the module" in message
        assert 'failing.py", line 2, in <module>' in message
        assert "function_process" not in message
        assert "SystemExit: gone" in process.fail(reference("leaving", "run"))
        assert "raise ValueError('in the module')" in process.fail(named("by_name", "failing:run"))


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        (wire.Value(b"x", "loom/jsobj"), "but is <Data: loom/jsobj, 1 bytes>"),
        (b"plain", "but is <Data: 5 bytes, b'plain'>"),
        ([], "but is <Data: array of 0>"),
        (pyobj(5), "but is of type int"),
        (pyobj((5, True)), "but is of type int"),
        (pyobj((len, True, 3)), "but is of type tuple"),
    ],
)
def test_no_function(process: FunctionProcess, function: Any, shown: str) -> None:
    message = process.fail(function)
    assert message.startswith("The first input of loom/py/call has to be")
    assert shown in message


def test_bad_direct_arguments(process: FunctionProcess) -> None:
    message = process.fail(len, config=b"garbage")
    assert message.startswith("Direct arguments (7 bytes) can't be loaded by the worker's Python")
    assert "of type dict" in process.fail(len, config=pickle.dumps({}))
    assert "No module named 'no_such'" in process.fail(len, config=b"(cno_such\nx\nt.")


# Other versions of Python

HINT = f"pickled by another version of Python than the worker's {platform.python_version()}"


def test_code_of_another_version(process: FunctionProcess, tmp_path: Path) -> None:
    def function() -> bytes:
        return b"x"

    code = function.__code__.co_code

    def foreign(value: Any) -> bytes:
        """Its pickle, with the function's first operation replaced: running it would crash."""
        pickled = cloudpickle.dumps(value)
        assert pickled.count(code) == 1
        return bytes(pickled.replace(code, b"\0" + code[1:]))

    message = process.fail(wire.Value(foreign(function)))
    assert HINT in message
    assert "): the bytecode of function is not of this version of Python\n" in message
    path = tmp_path / "function"
    path.write_bytes(foreign(function))
    size = path.stat().st_size
    assert HINT in process.fail(wire.Value(wire.File(str(path), 0, size)))
    # Also within other functions, and among direct arguments.
    assert HINT in process.fail(wire.Value(foreign(lambda: function)))
    assert HINT in process.fail(len, config=foreign((1, function)))
    assert process.call(lambda: b"goes on") == b"goes on"


def pyobj_of_code(*arguments: Any) -> wire.Value:
    class Code:
        def __reduce__(self) -> Any:
            return types.CodeType, arguments

    return pyobj(Code())


def test_other_signs_of_another_version(process: FunctionProcess) -> None:
    assert HINT in process.fail(pyobj_of_code(1, 2, 3))
    assert HINT in process.fail(reduced(__import__("marshal").loads, b"\x07zz"))

    def strange() -> None:
        raise SystemError("unknown opcode")

    assert HINT in process.fail(strange)


def test_own_bytecode_is_never_taken_for_foreign() -> None:
    """All functions of the standard library, and those that have run."""
    code = """
import gc, glob, sys, sysconfig, types, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
import bytecode
assert bytecode._KNOWS_THIS_PYTHON
count = 0

def check(codes):
    global count
    while codes:
        code = codes.pop()
        assert bytecode._is_native(code.co_code, len(code.co_consts), len(code.co_names)), code
        codes += (const for const in code.co_consts if isinstance(const, type(code)))
        count += 1

for path in glob.glob(sysconfig.get_path("stdlib") + "/*.py"):
    with open(path, "rb") as file:
        check([compile(file.read(), path, "exec")])
check([f.__code__ for f in gc.get_objects() if isinstance(f, types.FunctionType)])
print(count)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(MAIN.parent)], capture_output=True, text=True
    )
    assert run.stderr == ""
    assert int(run.stdout) > 5000


# hyperloom_functions

SOURCE = """
import dataclasses

@dataclasses.dataclass
class Point:
    x: int

def make(ctx):
    return ctx.wrap(Point(5))

def read(a):
    return a.read() + b"!"

def fail(a):
    return helper(
        a)

def helper(a):
    raise ValueError("in the source")

number = 5
"""


def test_source(process: FunctionProcess) -> None:
    assert process.call(named("source", SOURCE, "read"), b"x") == b"x!"
    message = process.fail(named("source", SOURCE, "fail"), b"x")
    assert "    return helper(\n" in message
    assert '    raise ValueError("in the source")\nValueError: in the source' in message
    assert ", line 19, in helper" in message


def test_source_is_executed_once(process: FunctionProcess, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"open({str(mark)!r}, 'a').write('x')\nf = lambda: b'f'\ng = lambda: b'g'\n"
    assert process.call(named("source", text, "f")) == b"f"
    assert process.call(named("source", text, "g")) == b"g"
    assert process.call(named("source", text, "f")) == b"f"
    assert mark.read_text() == "x"


def test_many_sources(process: FunctionProcess) -> None:
    for i in range(300):
        assert process.call(named("source", f"def f():\n    return '{i}'\n", "f")) == b"%d" % i

    def count() -> str:
        import sys

        return str(sum(name.startswith("hyperloom_source_") for name in sys.modules))

    assert int(process.call(count)) < 300


def test_objects_of_a_source_travel_by_value(process: FunctionProcess) -> None:
    text = SOURCE.replace(
        "import dataclasses", "from __future__ import annotations\nimport dataclasses"
    )
    make = reduced_source(text, "make")
    content = process.call(make).content
    assert pickle.loads(content).x == 5
    assert process.call(lambda a: str(a.unwrap().x), wire.Value(content)) == b"5"


def reduced_source(text: str, name: str) -> wire.Value:
    """(hyperloom_functions.source(text, name), True)"""
    inner = named("source", text, name).content
    assert isinstance(inner, bytes)
    return wire.Value(inner[:-1] + b"\x88\x86.")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "x = 1\ndef f(:\n  pass",
            ["The Python source of 'f' has an error in line 2: ", "\n    def f(:\n", PYTHON],
        ),
        ("x = 1\n\n  y = 2", ["has an error in line 3: unexpected indent", "\n    y = 2\n"]),
        ("def f():\n    pass\n  x", ["has an error in line 3"]),
        ("def f():\n    return '\0'", ["The Python source of 'f' "]),
        ("def g(): pass\nh = 1", ["The Python source defines no 'f'; it defines g, h"]),
        ("", ["defines no 'f'; it defines nothing"]),
        (
            "x = 1\n1 / 0",
            [
                "The Python source of 'f' fails:\n",
                "line 2, in <module>",
                "    1 / 0\n",
                "ZeroDivisionError: division by zero",
            ],
        ),
        ("import no_such", ["fails:", "ModuleNotFoundError: No module named 'no_such'"]),
        ("raise SystemExit(3)", ["fails:", "SystemExit: 3"]),
        ("f = 5", ["The first input of loom/py/call has to be a function", "of type int"]),
    ],
)
def test_bad_sources(process: FunctionProcess, text: str, parts: Any) -> None:
    number = process.define(named("source", text, "f"))
    for _ in range(2):
        message = process.fail(number)
        for part in parts:
            assert part in message
        assert "function_process" not in message.replace(sys.executable, "")


def test_by_name(process: FunctionProcess, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "module.py").write_text(
        "def f(a):\n    return a.read()\nclass C:\n    g = staticmethod(lambda: b'g')\n"
    )
    (package / "needy.py").write_text("import not_installed\n")
    with FunctionProcess(env={"PYTHONPATH": str(tmp_path)}) as process:
        assert process.call(named("by_name", "package.module:f"), b"x") == b"x"
        assert process.call(named("by_name", "package.module:C.g")) == b"g"
        for name, part in (
            (
                "no_such:f",
                "Python function no_such:f can't be imported: there is no module 'no_such'.",
            ),
            ("package.no:f", "there is no module 'package.no'"),
            ("package.needy:f", "it imports 'not_installed', which is not there"),
            (
                "package.module:no",
                "Python function package.module:no is not there: module 'package.module' has no "
                f"attribute 'no' (on the worker it is {package}/module.py)",
            ),
            ("package.module:C.no", "has no attribute 'no'"),
            ("math:no", "is not there"),
            ("package.module", "'package.module' names no function: write package.module:function"),
            (":f", "names no function"),
        ):
            message = process.fail(named("by_name", name))
            assert part in message
            assert "Traceback" not in message


def test_importable_by_user_code(process: FunctionProcess) -> None:
    def use() -> Any:
        import hyperloom_functions  # type: ignore[import-not-found]

        return hyperloom_functions.source("def f(x):\n    return x * 2\n", "f")("ab")

    assert process.call(use) == b"abab"
    reference = process.call(
        (lambda ctx: ctx.wrap(__import__("hyperloom_functions").by_name), True)
    )
    assert b"hyperloom_functions" in reference.content
    assert b"cloudpickle" not in reference.content
