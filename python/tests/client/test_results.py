"""From the serialized form to values; pickles with buffers; reading in pieces, from a fake server
that says what a real one would not say every day.
"""

from __future__ import annotations

import pickle
import struct
import tracemalloc
from typing import Any

import numpy
import pyarrow
import pytest

from loom import Client, LoomError, tasks
from loom.client import pickles
from loom.client.errors import ProtocolError
from loom.client.results import CHUNK_BYTES, decode_value

from .harness import NUMBERS, SYMBOLS, FakeServer, chunk, error, finished, frame

DATA, ARRAY, PYOBJ = NUMBERS["loom/data"], NUMBERS["loom/array"], NUMBERS["loom/pyobj"]


def decode(form: bytes, kind: int) -> Any:
    return decode_value(memoryview(form), kind, SYMBOLS, "the result")


def types(*numbers: int) -> bytes:
    return frame(struct.pack(f"<{len(numbers)}I", *numbers))


def test_values() -> None:
    assert decode(frame(b"abc"), DATA) == b"abc"
    assert decode(frame(b""), DATA) == b""
    assert decode(types(), ARRAY) == []
    form = types(DATA, ARRAY, ARRAY, PYOBJ) + frame(b"a") + types() + types(DATA) + frame(b"b")
    assert decode(form + frame(pickle.dumps({1})), ARRAY) == [b"a", [], [b"b"], {1}]
    assert type(decode(form + frame(pickle.dumps(0)), ARRAY)[0]) is bytes


def test_arrays_nested_very_deeply() -> None:
    depth = 50_000
    value = decode(types(ARRAY) * depth + types(DATA) + frame(b"x"), ARRAY)
    for _ in range(depth):
        (value,) = value
    assert value == [b"x"]


@pytest.mark.parametrize(
    ("form", "kind", "message"),
    [
        (b"", DATA, "ends inside a frame at byte 0"),
        (frame(b"abc")[:-1], DATA, "ends inside a frame of 3 bytes"),
        (frame(b"a") + b"x", DATA, "1 bytes too many"),
        (types(DATA), ARRAY, "ends inside a frame"),
        (frame(b"abc"), ARRAY, "list of types has 3 bytes"),
        (frame(b"a"), 999, "unknown type number 999"),
        (frame(b"a"), -1, "unknown type number -1"),
        (types(77) + frame(b"a"), ARRAY, "unknown type number 77"),
    ],
)
def test_malformed_forms(form: bytes, kind: int, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        decode(form, kind)


def test_values_that_python_cannot_have() -> None:
    with pytest.raises(LoomError, match="is a JavaScript value, .* return bytes, JSON or Arrow"):
        decode(frame(b"x"), NUMBERS["loom/jsobj"])
    with pytest.raises(LoomError, match="is of type loom/data/const, which has no value"):
        decode(frame(b"x"), NUMBERS["loom/data/const"])


def test_unpickling_errors_name_the_result_and_the_cause() -> None:
    gone = b"cno_such_module\nthing\n."
    with pytest.raises(LoomError, match="the result cannot be unpickled: ModuleNotFound") as caught:
        decode(frame(gone), PYOBJ)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    with pytest.raises(LoomError, match="cannot be unpickled: UnpicklingError"):
        decode(frame(b"no pickle"), PYOBJ)


def with_buffers(value: Any, pad: bool = True) -> bytes:
    """The layout of docs/function-processes.md, written from that description."""
    found: list[pickle.PickleBuffer] = []
    inner = pickle.dumps(value, protocol=5, buffer_callback=found.append)
    out = bytearray(
        b"\x80\x05\x8c\x09functools\x8c\x07partial\x93\x8c\x06pickle\x8c\x05loads\x93\x85"
        b"}\x8c\x07buffers]("
    )
    for buffer in found:
        with buffer.raw() as view:
            opcode = b"\x8e" if view.readonly else b"\x96"
            if pad:
                count = -(len(out) + 3 + 9) % 64
                out += b"C" + bytes([count]) + bytes(count) + b"0"
            out += opcode + struct.pack("<Q", len(view)) + view
    return bytes(out + b"es\x92\x8e" + struct.pack("<Q", len(inner)) + inner + b"\x85R.")


ARRAYS = {
    "a": numpy.arange(1000, dtype="float64"),
    "b": numpy.arange(12, dtype="int32").reshape(3, 4),
    "n": [1, "x"],
}


@pytest.mark.parametrize("pad", [True, False])
def test_buffers_stay_where_they_are(pad: bool) -> None:
    content = with_buffers(ARRAYS, pad)
    # It is a pickle for everybody.
    for value in (pickle.loads(content), pickles.loads(memoryview(content), "x")):
        assert numpy.array_equal(value["a"], ARRAYS["a"])
        assert numpy.array_equal(value["b"], ARRAYS["b"])
        assert value["n"] == [1, "x"]
    memory = bytearray(content)
    value = pickles.loads(memoryview(memory), "x")
    value["a"][0] = 77.0
    position = memory.index(struct.pack("<d", 77.0))
    memory[position : position + 8] = struct.pack("<d", 78.0)
    assert value["a"][0] == 78.0
    assert value["b"].flags.writeable


def test_small_results_with_buffers_are_writable_too() -> None:
    value = pickles.loads(memoryview(with_buffers(ARRAYS)), "x")
    value["a"][:] = 0
    assert value["a"].sum() == 0


def test_read_only_buffers_and_arrow() -> None:
    table = pyarrow.table({"x": list(range(1000)), "y": [str(i) for i in range(1000)]})
    read_only = numpy.arange(100)
    read_only.flags.writeable = False
    value = pickles.loads(memoryview(with_buffers((table, read_only))), "x")
    assert value[0].equals(table)
    assert not value[1].flags.writeable


def test_what_only_looks_like_buffers_is_a_pickle_as_a_whole() -> None:
    content = with_buffers(numpy.arange(3))
    prefix = pickles._PREFIX
    # A text among the buffers is something that the layout does not have.
    other = prefix + b"\x8c\x01x" + b"0" + content[len(prefix) :]
    assert pickles.loads(memoryview(other), "x").tolist() == [0, 1, 2]
    for end in range(len(prefix), len(content), 7):
        with pytest.raises(LoomError, match="cannot be unpickled"):
            pickles.loads(memoryview(content[:end]), "x")


def serve(server: FakeServer, form: bytes, kind: int) -> None:
    """Answers READs of one object until the client leaves."""
    while True:
        request = server.receive_request(20)
        offset, size = request[21][0], request[22][0]
        data = form[offset : offset + size]
        server.send(chunk(request[20][0], data, len(form), kind))


@pytest.mark.parametrize(
    "size", [65, 65_000, CHUNK_BYTES - 8, CHUNK_BYTES - 7, 3 * CHUNK_BYTES + 5]
)
def test_results_of_all_sizes(size: int) -> None:
    content = numpy.random.default_rng(size).bytes(size)

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0, 1))
        serve(server, frame(content), DATA)

    with FakeServer(talk) as server, Client(server.address) as client:
        futures = client.submit([tasks.const("a"), tasks.const("b")])
        value = futures[0].fetch()
        assert type(value) is bytes
        assert value == content
        assert client.fetch(futures) == [content, content]


def test_large_bytes_are_in_memory_once() -> None:
    form = frame(bytes(40_000_000))

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        serve(server, form, DATA)

    with FakeServer(talk) as server, Client(server.address) as client:
        future = client.submit_one(tasks.const("a"))
        tracemalloc.start()
        try:
            value = future.fetch()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(value) == 40_000_000
    # The rest is what is on its way: chunks, also those of the server, which is in this process.
    assert peak < 70_000_000


def test_a_large_pickle_with_buffers_is_not_copied() -> None:
    array = numpy.arange(2_000_000)
    content = with_buffers(array)

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        serve(server, frame(content), PYOBJ)

    with FakeServer(talk) as server, Client(server.address) as client:
        value = client.submit_one(tasks.const("a")).fetch()
    assert numpy.array_equal(value, array)
    assert not value.flags.owndata
    assert value.flags.writeable
    assert value.ctypes.data % 16 == 0


def test_a_result_that_is_computed_again_while_it_is_read() -> None:
    old, new = frame(b"o" * 3 * CHUNK_BYTES), frame(b"n" * 2 * CHUNK_BYTES)

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        for number in range(100):
            request = server.receive_request(20)
            form, version = (old, 1) if number < 2 else (new, 2)
            offset, size = request[21][0], request[22][0]
            data = form[offset : offset + size]
            server.send(chunk(request[20][0], data, len(form), DATA, version))

    with FakeServer(talk) as server, Client(server.address) as client:
        assert client.submit_one(tasks.const("a")).fetch() == new[8:]


def test_a_result_that_changes_all_the_time() -> None:
    form = frame(b"o" * 2 * CHUNK_BYTES)

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        version = 0
        while True:
            version += 1
            request = server.receive_request(20)
            data = form[request[21][0] :][: request[22][0]]
            server.send(chunk(request[20][0], data, len(form), DATA, version))

    with FakeServer(talk) as server, Client(server.address) as client:
        with pytest.raises(LoomError, match="computed again while it was read; read it again"):
            client.submit_one(tasks.const("a")).fetch()


def test_a_result_for_which_there_is_no_memory() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0, 1, 2, values=b"\xff\x05small\xff"))
        for kind in (DATA, ARRAY):
            request = server.receive_request(20)
            server.send(chunk(request[20][0], b"x" * 100, 1 << 60, kind))
        server.hold()

    with FakeServer(talk) as server, Client(server.address) as client:
        futures = client.submit([tasks.const(name) for name in "abc"])
        with pytest.raises(MemoryError, match="id 0, has 1152921504606846976 bytes"):
            futures[0].fetch()
        with pytest.raises(MemoryError, match="id 2, has 1152921504606846976 bytes"):
            futures[2].fetch()
        assert futures[1].fetch() == b"small"


def test_a_chunk_of_the_wrong_size() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        while True:
            request = server.receive_request(20)
            server.send(chunk(request[20][0], b"x" * 100, 1000))

    with FakeServer(talk) as server, Client(server.address) as client:
        future = client.submit_one(tasks.const("a"))
        with pytest.raises(
            LoomError, match="sent 100 bytes of the result .*, where 900 were asked"
        ):
            future.fetch()


def test_a_read_that_fails() -> None:
    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(0))
        request = server.receive_request(20)
        server.send(error("the worker burns", request_id=request[20][0], id=0))
        serve(server, frame(b"x" * 100), DATA)

    with FakeServer(talk) as server, Client(server.address) as client:
        future = client.submit_one(tasks.const("a"))
        with pytest.raises(LoomError, match="^the worker burns$"):
            future.fetch()
        assert future.fetch() == b"x" * 100


def test_many_results_are_read_with_many_requests_on_their_way() -> None:
    count = 1000

    def talk(server: FakeServer) -> None:
        server.register()
        server.receive_request(1)
        server.send(finished(*range(count)))
        # Nothing is answered until 256 requests have come.
        asked = [server.receive_request(20) for _ in range(256)]
        for left in range(count, 0, -1):
            request = asked.pop(0)
            form = frame(b"%d" % request[3][0] * 50)
            server.send(chunk(request[20][0], form, len(form)))
            if left > 256:
                asked.append(server.receive_request(20))

    with FakeServer(talk) as server, Client(server.address) as client:
        futures = client.submit([tasks.const("a") for _ in range(count)])
        assert client.fetch(futures) == [b"%d" % number * 50 for number in range(count)]
