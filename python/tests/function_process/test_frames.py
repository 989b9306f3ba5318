"""Frames in pieces, large ones, bad ones."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from . import wire
from .driver import FunctionProcess


@pytest.mark.parametrize("seed", range(3))
def test_frames_in_pieces_of_any_size(process: FunctionProcess, seed: int) -> None:
    """Seed 0: byte by byte."""
    rng = random.Random(seed)
    number = process.define(lambda a, b: a.read() + b[-1].read())
    sent, stream = [], b""
    for serial in range(30):
        big = rng.choice([3, 100, 1000, 300_000 if seed else 5])
        a, b = rng.randbytes(rng.randrange(big)), rng.randbytes(rng.randrange(big))
        sent.append(a + b)
        stream += wire.frame(wire.call(serial, number, [a, [b"no", b]]))
    at = 0
    while at < len(stream):
        size = rng.choice([1, 5, 70, 1000, 100_000]) if seed else 1
        process.socket.sendall(stream[at : at + size])
        at += size
    for content in sent:
        value = process.next_record().value
        assert (value.content() if isinstance(value, wire.FileResult) else value) == content


def test_large_frames(process: FunctionProcess) -> None:
    number = process.define(lambda a: str(a.size()))
    for size in (300_000, 5_000_000, 10, 20_000_000, 262_140, 262_144):
        assert process.call(number, b"x" * size) == b"%d" % size


BAD_FRAMES = {
    "unknown operation": b"\x09",
    "call that ends too early": b"\x03\x01",
    "input longer than the frame": wire.call(1, 1, [b"abc"])[:-1],
    "file longer than the frame": wire.call(1, 1, [wire.File("/x", 0, 1)])[:-1],
    "unknown kind": wire.call(1, 1, [b"abc"])[:-8] + b"\x08\0\0\0\0",
    "array without elements": wire.call(1, 1)[:-4] + struct.pack("<IBI", 1, 3, 0xFFFFFFFF),
    "millions of inputs": wire.call(1, 1)[:-4] + b"\xff\xff\xff\xff",
    "array in a value": wire.call(1, 1)[:-4]
    + struct.pack("<IB", 1, 5)
    + wire.text("loom/pyobj")
    + wire.obj([b"x"]),
    "index longer than the frame": wire.call(1, 1, [wire.Index(b"x", [0, 1])])[:-8],
    "path that is not UTF-8": wire.call(1, 1)[:-4]
    + struct.pack("<IBI", 1, 2, 1)
    + b"\xff"
    + b"\0" * 16,
    "configuration that is not JSON": b"\x00" + wire.text("{"),
    "configuration without fields": b"\x00" + wire.text("{}"),
    "record that ends too early": b"\x01\x00",
    "define without object": b"\x01\x00\x00\x00\x00",
    "cancel that ends too early": b"\x04\x00\x00\x00\x00",
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_ends_the_process_with_a_message(name: str) -> None:
    process = FunctionProcess()
    process.socket.sendall(wire.data(BAD_FRAMES[name]))
    with pytest.raises(EOFError, match="HyperLoom function process: .+") as error:
        process.next_record()
    assert "Traceback" not in str(error.value)
    assert process.process.wait() == 70
    process.socket.close()


def test_a_length_without_content_takes_no_memory() -> None:
    with FunctionProcess() as process:
        process.socket.sendall(b"\xff\xff\xff\xff" + b"x" * 1000)
        status = Path(f"/proc/{process.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmPeak"))
        assert int(peak.split()[1]) < 2_000_000
