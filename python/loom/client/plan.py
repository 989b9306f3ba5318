"""From tasks to a PLAN request: finds all tasks that are needed, numbers them with inputs before
users, and writes them as one protobuf message in the same pass.

There is no recursion (a chain may have 100,000 tasks) and no object per task: see
tests/client/bench_plan.py. Called by the client's submit; knows nothing of connections.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, cast

from . import pickles, wire
from .errors import LoomError
from .messages import RequestType
from .resources import Amount, ResourceRequest, resource_name
from .task import Task, describe

#: Servers refuse longer requests.
MAX_PLAN_BYTES = 1 << 31
#: Ids are int32 on the wire, and so is the id after the last one.
MAX_ID = 0x7FFFFFFE

_RESULT = b"\x30\x01"
_ONCE = wire.number_field(20, 1)
_UNSEEN = b"?"
#: Plan.when_unsatisfiable
_UNSATISFIABLE = {
    None: b"",
    "wait": wire.number_field(20, 1),
    "refuse": wire.number_field(20, 2),
}
_MAX_METADATA_BYTES = 1024 * 1024
_MAX_PRIORITY = 100
#: The largest number of 32 bits.
_MAX_FLOAT = 3.4028234663852886e38


class EncodedPlan(NamedTuple):
    """A plan, ready to be sent."""

    #: The PLAN request in pieces, frame header included.
    frame: List[wire.Buffer]
    n_tasks: int
    #: The id of each task that was asked for.
    result_ids: List[int]


def encode_plan(
    results: Sequence[Task],
    id_base: int,
    symbols: Mapping[str, int],
    input_id: Callable[[Any, Task], int],
    load: bool,
    when_unsatisfiable: Optional[str] = None,
) -> EncodedPlan:
    """Encodes the tasks with all they need.

    Args:
        results: the tasks whose results are wanted; the same one may occur several times.
        id_base: id of the plan's first task.
        symbols: numbers of task types and resources by name.
        input_id: id of an input that is not a task (a future), or raises LoomError.
        load: take tasks whose checkpoint file exists as computed.
        when_unsatisfiable: "wait" or "refuse"; None: as the server is set.

    Raises:
        LoomError: naming the task, for a cycle, an unknown type, or anything else wrong with it.
    """
    if when_unsatisfiable not in _UNSATISFIABLE:
        raise LoomError(
            f'when_unsatisfiable must be "wait" or "refuse", got {when_unsatisfiable!r}'
        )
    encoder = _PlanEncoder(results, id_base, symbols, input_id)
    for task in results:
        encoder.add(task)
    return encoder.finish(load, _UNSATISFIABLE[when_unsatisfiable])


class _PlanEncoder:
    def __init__(
        self,
        results: Sequence[Task],
        id_base: int,
        symbols: Mapping[str, int],
        input_id: Callable[[Any, Task], int],
    ) -> None:
        self._results = results
        self._wanted = {id(task) for task in results}
        self._id_base = id_base
        self._symbols = symbols
        self._input_id = input_id
        # What stands for each task or future, by id(), where it is an input: the encoded field.
        # None: the task's inputs are being numbered, it is on the way from a result to here.
        self._references: Dict[int, Optional[bytes]] = {}
        self._tasks = bytearray()
        self._count = 0
        self._ids: Dict[int, int] = {}
        self._type_fields: Dict[str, bytes] = {}
        self._request_fields: Dict[int, bytes] = {}
        self._request_numbers: Dict[ResourceRequest, int] = {}

    def add(self, result: Task) -> None:
        references = self._references
        if id(result) in references:
            return
        stack = [result]
        while stack:
            task = stack[-1]
            key = id(task)
            reference = references.get(key, _UNSEEN)
            if reference is _UNSEEN:
                references[key] = None
                depth = len(stack)
                for given in self._inputs_backwards(task):
                    found = references.get(id(given), _UNSEEN)
                    if found is _UNSEEN:
                        if isinstance(given, Task):
                            stack.append(given)
                        else:
                            references[id(given)] = _reference(self._input_id(given, task))
                    elif found is None:
                        raise LoomError(
                            f"the plan has a cycle: {describe(given)} needs its own result, "
                            f"by way of {describe(task)}; a plan must be acyclic"
                        )
                if len(stack) > depth:
                    continue
            elif reference is not None:  # was waiting here twice
                stack.pop()
                continue
            self._write(task, key)
            stack.pop()

    @staticmethod
    def _inputs_backwards(task: Task) -> Any:
        try:
            return reversed(task.inputs)
        except TypeError:
            kind = type(task.inputs).__name__
            raise LoomError(f"the inputs of {describe(task)} must be a list, got {kind}") from None

    def _write(self, task: Task, key: int) -> None:
        references = self._references
        config = task.config
        type_field = self._type_fields.get(task.task_type)
        if type_field is None:
            type_field = self._type_field(task)
        if type(config) is not bytes:
            kind = type(config).__name__
            raise LoomError(f"the config of {describe(task)} must be bytes, got {kind}")
        parts = [type_field, wire.varint(len(config)), config]
        for given in task.inputs:
            parts.append(references[id(given)])  # type: ignore[arg-type]
        request = task.resource_request
        if request is not None:
            field = self._request_fields.get(id(request))
            parts.append(self._request_field(request, task) if field is None else field)
        if key in self._wanted:
            parts.append(_RESULT)
            self._ids[key] = self._id_base + self._count
        if not (
            task.label is None
            and task.checkpoint_path is None
            and task.metadata is None
            and task.time_limit is None
            and task.policy == "repeat"
            and task.priority == 0
            and task.expected_ms is None
            and task.expected_bytes is None
        ):
            parts += _rare_fields(task)
        message = b"".join(parts)
        self._tasks += b"\x12" + wire.varint(len(message))
        self._tasks += message
        references[key] = b"\x18" + wire.varint(self._id_base + self._count)
        self._count += 1

    def _type_field(self, task: Task) -> bytes:
        """The task type, and the tag of the config that follows it."""
        name = task.task_type
        number = self._symbols.get(name) if isinstance(name, str) else None
        if number is None:
            raise LoomError(
                f"the server knows no task type for {describe(task)}; start a worker that offers "
                "it, or check the spelling"
            )
        field = self._type_fields[name] = wire.number_field(1, number) + b"\x12"
        return field

    def _request_field(self, request: ResourceRequest, task: Task) -> bytes:
        if not isinstance(request, ResourceRequest):
            kind = type(request).__name__
            raise LoomError(
                f"the resource request of {describe(task)} is a {kind}; make it with tasks.cpus(n)"
            )
        for variant in (request, *request.alternatives):
            for name, _ in variant.resources:
                if resource_name(name) is None and name not in self._symbols:
                    raise LoomError(
                        f'{describe(task)} requests "{name}", a resource that the server does not '
                        "know; check its spelling"
                    )
        numbers = self._request_numbers
        number = numbers.setdefault(request, len(numbers))
        # By id() it is found without a call of __hash__; the task keeps it alive.
        field = self._request_fields[id(request)] = wire.number_field(5, number)
        return field

    def finish(self, load: bool, when_unsatisfiable: bytes) -> EncodedPlan:
        last = self._id_base + self._count - 1
        if last > MAX_ID:
            raise LoomError(
                f"the plan's ids would go up to {last}, beyond the last one, {MAX_ID}; connect a "
                "new client, whose ids begin at 0"
            )
        rest = wire.number_field(4, self._id_base) + when_unsatisfiable
        for request in self._request_numbers:
            rest += wire.bytes_field(1, self._encoded_request(request))
        plan_bytes = len(self._tasks) + len(rest)
        beginning = wire.number_field(1, RequestType.PLAN) + b"\x12" + wire.varint(plan_bytes)
        if load:
            rest += wire.number_field(4, 1)
        size = len(beginning) + len(self._tasks) + len(rest)
        if size > MAX_PLAN_BYTES:
            raise LoomError(
                f"the plan has {size} bytes, a server takes {MAX_PLAN_BYTES}; put large constants "
                "into files and open them"
            )
        frame: List[wire.Buffer] = [wire.FRAME_HEADER.pack(size) + beginning, self._tasks, rest]
        return EncodedPlan(frame, self._count, [self._ids[id(task)] for task in self._results])

    def _encoded_request(self, request: ResourceRequest) -> bytes:
        content = b""
        for name, amount in request.resources:
            content += wire.bytes_field(1, self._encoded_resource(name, amount))
        for alternative in request.alternatives:
            content += wire.bytes_field(20, self._encoded_request(alternative))
        return content

    def _encoded_resource(self, symbol: str, amount: Amount) -> bytes:
        """Cores in the form that all servers know, other resources by name."""
        name = resource_name(symbol)
        if name is None:
            # Their amounts are integers.
            number = cast(int, amount)
            return wire.number_field(1, self._symbols[symbol]) + wire.number_field(2, number)
        indices = amount if isinstance(amount, tuple) else ()
        value = float(len(amount) if isinstance(amount, tuple) else amount)
        return b"".join(
            [
                wire.number_field(1, 0),
                wire.number_field(2, 0),
                wire.text_field(20, name),
                wire.double_field(21, value),
                *(wire.text_field(22, index) for index in indices),
            ]
        )


def _reference(task_id: int) -> bytes:
    return b"\x18" + wire.varint(task_id)


def _rare_fields(task: Task) -> List[bytes]:
    parts = []
    if task.checkpoint_path is not None:
        path = os.fspath(task.checkpoint_path)
        if not os.path.isabs(path):
            raise LoomError(
                f"the checkpoint path {path!r} of {describe(task)} is relative; workers have "
                "other current directories, it must be absolute"
            )
        parts.append(wire.bytes_field(7, os.fsencode(path)))
    if task.label is not None:
        # Half of a surrogate pair is no text: as in other languages it is replaced.
        parts.append(wire.bytes_field(12, str(task.label).encode("utf-8", "replace")))
    if task.metadata is not None:
        parts.append(wire.bytes_field(13, _metadata_bytes(task)))
    if task.policy == "once":
        parts.append(_ONCE)
    elif task.policy != "repeat":
        raise LoomError(
            f'the policy of {describe(task)} must be "repeat" or "once", got {task.policy!r}'
        )
    if task.time_limit is not None:
        name = f"the time limit of {describe(task)}"
        parts.append(wire.number_field(21, milliseconds(task.time_limit, name)))
    if task.expected_ms is not None:
        parts.append(wire.float_field(22, _estimate(task, "expected_ms", _MAX_FLOAT)))
    if task.expected_bytes is not None:
        parts.append(wire.double_field(23, _estimate(task, "expected_bytes", sys.float_info.max)))
    if task.priority != 0:
        parts.append(wire.zigzag_field(24, _priority(task)))
    return parts


def _estimate(task: Task, name: str, most: float) -> float:
    value = getattr(task, name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    raise LoomError(f"{name} of {describe(task)} must be a number from 0 on, got {value!r}")


def _priority(task: Task) -> int:
    value = task.priority
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_PRIORITY:
        return value
    raise LoomError(
        f"the priority of {describe(task)} must be an integer from -{_MAX_PRIORITY} to "
        f"{_MAX_PRIORITY}, got {value!r}"
    )


def milliseconds(seconds: float, name: str) -> int:
    """Whole milliseconds, at least one, of a time limit in seconds."""
    try:
        limit = math.ceil(seconds * 1000)
    except (TypeError, ValueError, OverflowError):
        limit = 0
    if 0 < limit < 1 << 32:
        return limit
    raise LoomError(f"{name} must be a number of seconds above 0, at most 4294967, got {seconds!r}")


def _metadata_bytes(task: Task) -> bytes:
    """JSON where that can express it, so that other programs can read traces; else a pickle."""
    metadata = task.metadata
    if isinstance(metadata, (bytes, bytearray, memoryview)):
        content = bytes(metadata)
    else:
        try:
            # Not NaN: that is no JSON.
            content = json.dumps(metadata, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):
            content = pickles.dumps(metadata, f"the metadata of {describe(task)}")
    if len(content) <= _MAX_METADATA_BYTES:
        return content
    raise LoomError(
        f"the metadata of {describe(task)} has {len(content)} bytes, at most {_MAX_METADATA_BYTES} "
        "are kept"
    )
