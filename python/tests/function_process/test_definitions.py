"""Functions that are defined, defined anew, forgotten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import wire
from .driver import FunctionProcess, pyobj


def test_a_number_can_be_defined_anew(process: FunctionProcess) -> None:
    one, two = pyobj(lambda: b"one"), pyobj(lambda: b"two")
    process.send(
        wire.define(5, one), wire.call(1, 5), wire.define(5, two), wire.call(2, 5), wire.forget(5)
    )
    process.send(wire.call(3, 5), wire.forget(77))
    assert process.next_record().value == b"one"
    assert process.next_record().value == b"two"
    assert "function 5 is not defined" in process.next_record().message


def test_a_function_is_loaded_once(process: FunctionProcess, tmp_path: Path) -> None:
    mark = str(tmp_path / "loaded")

    class Loaded:
        def __reduce__(self) -> Any:
            return (eval, (f"(open({mark!r}, 'a').write('x'), lambda: b'y')[1]",))

    number = process.define(Loaded())
    assert not os.path.exists(mark)
    process.call(number)
    process.call(number)
    assert Path(mark).read_text() == "x"
    process.send(wire.forget(number))
    process.send(wire.define(number, pyobj(Loaded())))
    process.call(number)
    assert Path(mark).read_text() == "xx"


def test_function_in_a_file(process: FunctionProcess, tmp_path: Path) -> None:
    content = pyobj(lambda: b"from a file").content
    path = tmp_path / "function"
    path.write_bytes(b"123" + content + b"456")
    number = process.define(wire.Value(wire.File(str(path), 3, len(content))))
    # From now on it is not needed any more.
    assert process.call(lambda: b"defined") == b"defined"
    path.unlink()
    assert process.call(number) == b"from a file"
    number = process.define(wire.Value(wire.File(str(path) + "-", 0, 10)))
    assert "No such file" in process.fail(number)
