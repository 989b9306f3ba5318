"""From tasks to a PLAN request: finds all tasks that are needed, numbers them with inputs before
users, and writes them as one protobuf message in the same pass.

There is no recursion (a chain may have 100,000 tasks) and no object per task: see
tests/client/bench_plan.py. Called by the client's submit; knows nothing of connections.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from . import pickles, wire
from .errors import LoomError
from .messages import RequestType
from .task import ResourceRequest, Task, describe

#: Servers refuse longer requests.
MAX_PLAN_BYTES = 1 << 31
#: Ids are int32 on the wire, and so is the id after the last one.
MAX_ID = 0x7FFFFFFE

_RESULT = b"\x30\x01"
_ONCE = wire.number_field(20, 1)
_UNSEEN = b"?"


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
) -> EncodedPlan:
    """Encodes the tasks with all they need.

    Args:
        results: the tasks whose results are wanted; the same one may occur several times.
        id_base: id of the plan's first task.
        symbols: numbers of task types and resources by name.
        input_id: id of an input that is not a task (a future), or raises LoomError.
        load: take tasks whose checkpoint file exists as computed.

    Raises:
        LoomError: naming the task, for a cycle, an unknown type, or anything else wrong with it.
    """
    encoder = _PlanEncoder(results, id_base, symbols, input_id)
    for task in results:
        encoder.add(task)
    return encoder.finish(load)


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
        for name, _ in request.resources:
            if name not in self._symbols:
                raise LoomError(
                    f'{describe(task)} requests "{name}", a resource that the server does not '
                    "know; check its spelling"
                )
        numbers = self._request_numbers
        number = numbers.setdefault(request, len(numbers))
        # By id() it is found without a call of __hash__; the task keeps it alive.
        field = self._request_fields[id(request)] = wire.number_field(5, number)
        return field

    def finish(self, load: bool) -> EncodedPlan:
        last = self._id_base + self._count - 1
        if last > MAX_ID:
            raise LoomError(
                f"the plan's ids would go up to {last}, beyond the last one, {MAX_ID}; connect a "
                "new client, whose ids begin at 0"
            )
        rest = wire.number_field(4, self._id_base) + b"".join(self._encoded_requests())
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

    def _encoded_requests(self) -> List[bytes]:
        encoded = []
        for request in self._request_numbers:
            resources = (
                wire.number_field(1, self._symbols[name]) + wire.number_field(2, value)
                for name, value in request.resources
            )
            content = b"".join(wire.bytes_field(1, resource) for resource in resources)
            encoded.append(wire.bytes_field(1, content))
        return encoded


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
        parts.append(wire.text_field(12, str(task.label)))
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
    return parts


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
        return bytes(metadata)
    try:
        return json.dumps(metadata).encode()
    except (TypeError, ValueError, RecursionError):
        pass
    return pickles.dumps(metadata, f"the metadata of {describe(task)}")
