"""Bytes: numbers, fields, frames, however they are cut; and bytes that are none of these."""

from __future__ import annotations

import random
import struct

import pytest

from loom.client import messages, wire
from loom.client.errors import ProtocolError

from .harness import chunk, dictionary, error, fields, finished, frame

NUMBERS = [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28, 2**31 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_come_back(number: int) -> None:
    encoded = wire.varint(number)
    assert wire.read_varint(encoded, 0) == (number, len(encoded))
    assert wire.read_varint(b"xx" + encoded + b"yy", 2) == (number, 2 + len(encoded))
    assert wire.read_packed(encoded * 3) == [number] * 3


def test_negative_numbers_are_ten_bytes_long_as_in_protobuf() -> None:
    field = wire.number_field(3, -5)
    assert len(field) == 11
    assert wire.signed(fields(field)[3][0]) == -5


def test_fields_of_all_kinds() -> None:
    data = (
        wire.number_field(1, 300)
        + wire.text_field(2, "ä")
        + b"\x19" + b"12345678"  # field 3, eight bytes
        + b"\x25" + b"1234"  # field 4, four bytes
        + wire.bytes_field(1000, b"")
    )  # fmt: skip
    assert fields(data) == {
        1: [300],
        2: ["ä".encode()],
        3: [b"12345678"],
        4: [b"1234"],
        1000: [b""],
    }


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # no number
        b"\x08\x80",  # half a number
        b"\x08" + b"\xff" * 11,  # an endless number
        b"\x12\x05abc",  # longer than the message
        b"\x00\x01",  # field 0
        b"\x0b",  # group
        b"\x19123",  # half of eight bytes
    ],
)
def test_malformed_messages(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        fields(data)


def test_any_bytes_are_a_message_or_a_protocol_error() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    good = [
        dictionary()[8:],
        finished(1, 2, 3, values=b"\x01a\xff\x00")[8:],
        error("x" * 50, id=3, refused_plan=4)[8:],
        chunk(7, b"", 12)[8:-8],
    ]
    for _ in range(3000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randint(0, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        del data[rng.randint(0, len(data)) :]
        try:
            response = messages.read_response(bytes(data))
            messages.read_small_values(response.small_values, len(response.ids))
        except ProtocolError:
            pass


def test_small_values() -> None:
    assert messages.read_small_values(b"\x02ab\xff\x00", 3) == [b"ab", None, b""]
    for wrong, count in [(b"", 1), (b"\x02a", 1), (b"\x01a\x00", 1), (b"\xff", 2)]:
        with pytest.raises(ProtocolError):
            messages.read_small_values(wrong, count)


class Feed:
    """A FrameReader that is fed pieces of any size."""

    def __init__(self, targets: dict[int, memoryview] | None = None) -> None:
        self.frames: list[bytes] = []
        self.targets = targets or {}
        self.reader = wire.FrameReader(
            lambda each: self.frames.append(bytes(each)), lambda length: self.targets.get(length)
        )

    def give(self, data: bytes) -> None:
        while data:
            with self.reader.writable() as space:
                count = min(len(space), len(data))
                space[:count] = data[:count]
            self.reader.advance(count)
            data = data[count:]


def test_frames_byte_by_byte() -> None:
    expected = [b"", b"a", b"bcd", b"", b"x" * 300]
    feed = Feed()
    for byte in b"".join(map(frame, expected)):
        feed.give(bytes([byte]))
    assert feed.frames == expected
    assert not feed.reader.inside_frame


def test_frames_in_random_pieces() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    sizes = [0, 1, 7, 8, 9, 1000, 262_136, 262_137, 300_000, 1_000_000, 17_000_000]
    for _ in range(5):
        expected = [rng.randbytes(rng.choice(sizes)) for _ in range(rng.randint(1, 12))]
        stream = b"".join(map(frame, expected))
        feed = Feed({1_000_000: memoryview(bytearray(1_000_000))})
        at = 0
        while at < len(stream):
            size = rng.choice([1, 5, 8, 1000, 70_000, 1_000_000])
            feed.give(stream[at : at + size])
            at += size
        assert feed.frames == expected
        assert not feed.reader.inside_frame


def test_a_frame_inside_is_told() -> None:
    for size in (3, 1_000_000):
        feed = Feed()
        feed.give(frame(b"x" * size)[:-1])
        assert feed.reader.inside_frame
        assert feed.frames == []


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="18446744073709551615 bytes"):
        Feed().give(struct.pack("<Q", 2**64 - 1))


def test_a_frame_goes_straight_to_its_target() -> None:
    memory = bytearray(400_000)
    got: list[object] = []
    target = memoryview(memory)
    reader = wire.FrameReader(got.append, lambda length: target if length == 400_000 else None)
    data = frame(b"z" * 400_000)
    while data:
        with reader.writable() as space:
            count = min(len(space), len(data))
            space[:count] = data[:count]
        reader.advance(count)
        data = data[count:]
    assert got == [target] and got[0] is target
    assert memory == b"z" * 400_000
