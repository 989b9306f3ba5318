"""Wrapped objects of numpy and Arrow: from call to call without copies."""

from __future__ import annotations

import pickle
import tempfile
from typing import Any

import pytest

from . import wire
from .driver import FunctionProcess, pyobj
from .wrapping import content_of, resend, wrap


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
