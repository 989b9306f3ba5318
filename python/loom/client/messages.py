"""The messages between client and server (proto/loom.proto) as bytes. Owns field numbers and
kinds; what a message does is known in session.py and report_listeners.py. Plans are written in
plan.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union

from . import wire
from .errors import ProtocolError
from .wire import Buffer

PROTOCOL_VERSION = 2
#: Our extensions, NOTICE, and labels of PROGRESS.
CLIENT_FEATURES = 3
_REGISTER_CLIENT = 2


class RequestType:
    """Types of ClientRequest."""

    PLAN = 1
    STATS = 6
    TRACE = 7
    TERMINATE = 10
    READ = 20
    STATUS = 22
    RELEASE_MANY = 23
    LOGS = 24
    EXPLAIN = 25


class ResponseType:
    """Types of ClientResponse."""

    DATA = 1
    TASK_FINISHED = 2
    TASK_FAILED = 3
    ERROR = 4
    DICTIONARY = 10
    STATS = 11
    CHUNK = 20
    FINISHED_MANY = 21
    PROGRESS = 22
    LOG = 23
    NOTICE = 24


@dataclass
class ExecutionMessage:
    """An execution that failed. 0: not said."""

    host: str = ""
    worker_pid: int = 0
    started_ms: int = 0
    duration_ms: int = 0
    time_limit_ms: int = 0
    peak_kib: int = 0
    memory_ms: List[int] = field(default_factory=list)
    memory_kib: List[int] = field(default_factory=list)
    oom_likely: int = 0
    memory_limit_kib: int = 0


@dataclass
class Error:
    """Why something failed. None: not said."""

    id: Optional[int] = None
    worker: str = ""
    error_msg: str = ""
    label: str = ""
    task_type: str = ""
    lost_results: List[int] = field(default_factory=list)
    exit_status: Optional[int] = None
    signal: str = ""
    stderr: bytes = b""
    refused_plan: Optional[int] = None
    request_id: Optional[int] = None
    execution: Optional[ExecutionMessage] = None


@dataclass
class Stats:
    """Numbers of what the server holds; None where an old server doesn't tell."""

    n_workers: int = 0
    n_data_objects: int = 0
    n_tasks: Optional[int] = None
    n_clients: Optional[int] = None


@dataclass
class Chunk:
    """Announces a raw frame."""

    request_id: int = 0
    total_size: int = 0
    type_id: int = -1
    n_messages: int = 0
    version: int = 0


@dataclass
class Log:
    """A line that a function has logged."""

    task_id: int = -1
    level: int = 0
    text: str = ""
    worker: str = ""


@dataclass
class LabelCounts:
    """Numbers of tasks with one label, in a PROGRESS."""

    name: str = ""
    total: int = 0
    running: int = 0
    finished: int = 0
    failed: int = 0


@dataclass
class Response:
    """A ClientResponse; only the fields of its type are set."""

    type: int = 0
    error: Optional[Error] = None
    symbols: List[str] = field(default_factory=list)
    stats: Optional[Stats] = None
    id: int = -1
    chunk: Optional[Chunk] = None
    ids: List[int] = field(default_factory=list)
    small_values: bytes = b""
    n_finished: int = 0
    n_unfinished: int = 0
    n_failed: int = 0
    labels: List[LabelCounts] = field(default_factory=list)
    log: Optional[Log] = None
    notice: str = ""


M = TypeVar("M")
_Reader = Callable[[Any, str, int, Buffer], None]
_Table = Dict[int, Tuple[str, int, _Reader]]


def _read_int(message: Any, name: str, number: int, content: Buffer) -> None:
    setattr(message, name, wire.signed(number))


def _read_unsigned(message: Any, name: str, number: int, content: Buffer) -> None:
    setattr(message, name, number)


def _read_text(message: Any, name: str, number: int, content: Buffer) -> None:
    # A server quotes whatever programs wrote: odd bytes are no reason to lose a connection.
    setattr(message, name, bytes(content).decode(errors="replace"))


def _read_bytes(message: Any, name: str, number: int, content: Buffer) -> None:
    setattr(message, name, bytes(content))


def _append_text(message: Any, name: str, number: int, content: Buffer) -> None:
    getattr(message, name).append(bytes(content).decode(errors="replace"))


def _append_numbers(message: Any, name: str, number: int, content: Buffer) -> None:
    getattr(message, name).extend(wire.read_packed(content))


def _nested(make: Type[Any], table: _Table) -> _Reader:
    def read(message: Any, name: str, number: int, content: Buffer) -> None:
        setattr(message, name, _read(make, table, content))

    return read


def _append_nested(make: Type[Any], table: _Table) -> _Reader:
    def read(message: Any, name: str, number: int, content: Buffer) -> None:
        getattr(message, name).append(_read(make, table, content))

    return read


def _read(make: Type[M], table: _Table, data: Buffer) -> M:
    message = make()
    for number, wire_type, value, content in wire.read_fields(data):
        known = table.get(number)
        if known is None:
            continue
        name, expected, reader = known
        if wire_type == expected:
            reader(message, name, value, content)
        elif reader is _append_numbers and wire_type == wire.VARINT:
            getattr(message, name).append(value)
        else:
            raise ProtocolError(f"field {number} of {make.__name__} has the wire type {wire_type}")
    return message


_INT, _UNSIGNED = (wire.VARINT, _read_int), (wire.VARINT, _read_unsigned)
_TEXT, _BYTES = (wire.LENGTH, _read_text), (wire.LENGTH, _read_bytes)
_NUMBERS, _TEXTS = (wire.LENGTH, _append_numbers), (wire.LENGTH, _append_text)

_EXECUTION: _Table = {
    1: ("host", *_TEXT),
    2: ("worker_pid", *_UNSIGNED),
    3: ("started_ms", *_UNSIGNED),
    4: ("duration_ms", *_UNSIGNED),
    5: ("time_limit_ms", *_UNSIGNED),
    6: ("peak_kib", *_UNSIGNED),
    7: ("memory_ms", *_NUMBERS),
    8: ("memory_kib", *_NUMBERS),
    9: ("oom_likely", *_UNSIGNED),
    10: ("memory_limit_kib", *_UNSIGNED),
}
_ERROR: _Table = {
    1: ("id", *_INT),
    2: ("worker", *_TEXT),
    3: ("error_msg", *_TEXT),
    20: ("label", *_TEXT),
    21: ("task_type", *_TEXT),
    22: ("lost_results", *_NUMBERS),
    23: ("exit_status", *_INT),
    24: ("signal", *_TEXT),
    25: ("stderr", *_BYTES),
    26: ("refused_plan", *_INT),
    27: ("request_id", *_INT),
    28: ("execution", wire.LENGTH, _nested(ExecutionMessage, _EXECUTION)),
}
_STATS: _Table = {
    1: ("n_workers", *_INT),
    2: ("n_data_objects", *_INT),
    20: ("n_tasks", *_INT),
    21: ("n_clients", *_INT),
}
_CHUNK: _Table = {
    1: ("request_id", *_INT),
    2: ("total_size", *_UNSIGNED),
    3: ("type_id", *_INT),
    4: ("n_messages", *_UNSIGNED),
    5: ("version", *_UNSIGNED),
}
_LOG: _Table = {
    1: ("task_id", *_INT),
    2: ("level", *_UNSIGNED),
    3: ("text", *_TEXT),
    4: ("worker", *_TEXT),
}
_LABEL: _Table = {
    1: ("name", *_TEXT),
    2: ("total", *_UNSIGNED),
    3: ("running", *_UNSIGNED),
    4: ("finished", *_UNSIGNED),
    5: ("failed", *_UNSIGNED),
}
_RESPONSE: _Table = {
    1: ("type", *_INT),
    4: ("error", wire.LENGTH, _nested(Error, _ERROR)),
    5: ("symbols", *_TEXTS),
    6: ("stats", wire.LENGTH, _nested(Stats, _STATS)),
    7: ("id", *_INT),
    20: ("chunk", wire.LENGTH, _nested(Chunk, _CHUNK)),
    21: ("ids", *_NUMBERS),
    22: ("n_finished", *_UNSIGNED),
    23: ("n_unfinished", *_UNSIGNED),
    24: ("n_failed", *_UNSIGNED),
    25: ("small_values", *_BYTES),
    26: ("log", wire.LENGTH, _nested(Log, _LOG)),
    27: ("notice", *_TEXT),
    28: ("labels", wire.LENGTH, _append_nested(LabelCounts, _LABEL)),
}


def read_response(data: Buffer) -> Response:
    """Reads a ClientResponse.

    Raises:
        ProtocolError: the bytes are none
    """
    return _read(Response, _RESPONSE, data)


def read_small_values(content: bytes, count: int) -> List[Optional[bytes]]:
    """The values of FINISHED_MANY in their order, None where there is none."""
    values: List[Optional[bytes]] = []
    at = 0
    for _ in range(count):
        if at >= len(content):
            break
        length = content[at]
        at += 1
        if length == 255:
            values.append(None)
            continue
        values.append(content[at : at + length])
        at += length
    if at != len(content) or len(values) != count:
        raise ProtocolError(f"{count} small results are not {len(content)} bytes")
    return values


def register() -> bytes:
    """The first frame of a connection."""
    return (
        wire.number_field(1, PROTOCOL_VERSION)
        + wire.number_field(2, _REGISTER_CLIENT)
        + wire.number_field(20, CLIENT_FEATURES)
    )


def request(kind: int, *fields: bytes) -> bytes:
    """A ClientRequest of a :class:`RequestType` with encoded fields."""
    return wire.number_field(1, kind) + b"".join(fields)


def trace_request(path: str) -> bytes:
    """A TRACE."""
    return request(RequestType.TRACE, wire.text_field(7, path))


def read_request(task_id: int, request_id: int, offset: int, max_size: int) -> bytes:
    """A READ."""
    return request(
        RequestType.READ,
        wire.number_field(3, task_id),
        wire.number_field(20, request_id),
        wire.number_field(21, offset),
        wire.number_field(22, max_size),
    )


def status_request(request_id: int) -> bytes:
    """A STATUS."""
    return request(RequestType.STATUS, wire.number_field(20, request_id))


def explain_request(request_id: int, task: Union[int, str]) -> bytes:
    """An EXPLAIN: of this client's task with that id, or of what a text means."""
    what = wire.number_field(3, task) if isinstance(task, int) else wire.text_field(26, task)
    return request(RequestType.EXPLAIN, wire.number_field(20, request_id), what)


def release_request(ids: List[int]) -> bytes:
    """A RELEASE_MANY."""
    return request(RequestType.RELEASE_MANY, wire.packed_field(24, ids))


def logs_request(wanted: bool) -> bytes:
    """A LOGS."""
    return request(RequestType.LOGS, wire.number_field(25, int(wanted)))
