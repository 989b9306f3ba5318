"""Wrapped objects: pickle or cloudpickle, by value or by reference."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from .driver import FunctionProcess
from .wrapping import content_of, load_elsewhere, wrap


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
