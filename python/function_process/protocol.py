"""Numbers and layouts of docs/function-processes.md. Owns no state; used by everyone here."""

from __future__ import annotations

import struct


class ProtocolError(Exception):
    """The worker sent what it may not send; the process can't go on."""


# Worker to process.
CONFIGURE, DEFINE, FORGET, CALL, CANCEL, HOLD = range(6)
# Process to worker.
READY, RESULT, FAILED, LOG = range(4)
# Kinds of objects and results.
BYTES, FILE, ARRAY, INDEX, VALUE, INPUT, PIECE = range(1, 8)
TASK = 9

# Flag of a call: it holds nothing.
LIGHT = 1

PYOBJ = "loom/pyobj"

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")
U8_U32 = struct.Struct("<BI")
# op, serial, task id, attempt, flags, function, length of config, number of inputs if that is 0
CALL_HEADER = struct.Struct("<BIiIBIII")
CALL_HEADER_SIZE = 26
CANCEL_RECORD = struct.Struct("<BIB")
# op, serial, duration, and of FAILED the text's length
RESULT_HEADER = struct.Struct("<BII")
FAILED_HEADER = struct.Struct("<BIII")
# RESULT_HEADER and a result of kind 1 up to its bytes
BYTES_RESULT_HEADER = struct.Struct("<BIIBI")
LOG_HEADER = struct.Struct("<BIBI")
FILE_RANGE = struct.Struct("<QQ")
INPUT_RESULT = struct.Struct("<BI")
PIECE_RESULT = struct.Struct("<BIQ")

MAX_U32 = 0xFFFFFFFF


def text_field(text: str) -> bytes:
    """A field of type text."""
    data = text.encode("utf-8", "backslashreplace")
    return U32.pack(len(data)) + data
