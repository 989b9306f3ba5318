"""The life of the process: sets it up, executes calls one after the other, sends their results.

Owns the loop, when results leave, and what of a call becomes RESULT or FAILED. inbox.py has
what comes, results.py what a result is.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import os
import socket
import sys
import threading
import types
from time import perf_counter_ns
from typing import List, NoReturn

from . import named_functions
from .context import Context
from .data import Data
from .failure import VERSION, FunctionError, InvalidResult, describe_exception, shorten
from .function import Function, direct_arguments, run_coroutine
from .held_resources import Held, VisibleGpus
from .inbox import Inbox
from .lifetime import die_with_parent, flush_output, ignore_interrupts, leave
from .protocol import (
    BYTES,
    BYTES_RESULT_HEADER,
    FAILED,
    FAILED_HEADER,
    LOG,
    LOG_HEADER,
    MAX_U32,
    READY,
    RESULT,
    RESULT_HEADER,
    U8_U32,
    U32,
    ProtocolError,
)
from .result_files import ResultFiles
from .results import ResultEncoder

# Results wait for each other, but not longer or for more than this.
GATHER_NS = 1_000_000
GATHER_BYTES = 64 * 1024
# After a call of this length results don't wait while the same function is called again: it can
# be long again.
SLOW_NS = 500_000
SLOW_CALLS = 64


class Process:
    """Executes calls until the socket ends."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._inbox = Inbox(connection)
        # Records that wait to be sent.
        self._records: List[bytes] = []
        self._files = ResultFiles([])
        self._visible_gpus = VisibleGpus()
        # Threads of the user's may log while results are sent.
        self._send_lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forget_worker)

    def _forget_worker(self) -> None:
        """In a child that user code has forked: it has no part in the conversation."""
        self._socket.close()
        self._send_lock = threading.Lock()
        self._inbox.calls.clear()
        self._records.clear()

    def run(self) -> NoReturn:
        """Answers CONFIGURE, then executes calls; ends the process."""
        inbox = self._inbox
        try:
            while inbox.configuration is None:
                if not inbox.receive():
                    leave(0)
            self._files = ResultFiles(inbox.configuration.directories)
            ready = json.dumps({"language": "python", "version": VERSION}).encode()
            self._send(U8_U32.pack(READY, len(ready)) + ready)
            while True:
                if inbox.calls:
                    self._execute_calls()
                flush_output()
                if not inbox.receive():
                    leave(0)
        except ProtocolError as error:
            print(f"HyperLoom function process: {error}", file=sys.stderr)
            leave(70)

    def _execute_calls(self) -> None:
        """Executes all calls that wait, and those that come meanwhile.

        In the usual case (a loaded function, no direct arguments, a short bytes back) nothing
        is called here but the function and what packs its result.
        """
        inbox = self._inbox
        assert inbox.configuration is not None
        inline_limit = inbox.configuration.inline_limit
        files = self._files
        gpus = self._visible_gpus
        calls, cancelled, records = inbox.calls, inbox.cancelled, self._records
        take = calls.popleft
        add = records.append
        pack_result = BYTES_RESULT_HEADER.pack
        now = perf_counter_ns()
        send_at = now + GATHER_NS
        size = 0
        while calls:
            serial, function, config, inputs, task_id, attempt, held = take()
            if cancelled and serial in cancelled:
                cancelled.discard(serial)
                add(_failed(serial, 0, "cancelled"))
                continue
            if function.expect_slow:
                function.expect_slow -= 1
                if records:
                    self._send_records()
                    size = 0
                    now = perf_counter_ns()
            if held.gpus != gpus.shown:
                gpus.show(held.gpus)
            start = now
            try:
                if function.is_simple and not config:
                    result = function.call(*inputs)
                else:
                    result = self._call(serial, function, config, inputs, task_id, attempt, held)
                if type(result) is bytes and len(result) <= inline_limit:
                    now = perf_counter_ns()
                    record = (
                        pack_result(
                            RESULT, serial, (now - start) // 1000 & MAX_U32, BYTES, len(result)
                        )
                        + result
                    )
                else:
                    if type(result) is types.CoroutineType:
                        result = run_coroutine(result)
                    body = ResultEncoder(inputs, inline_limit, files).encode(result)
                    now = perf_counter_ns()
                    record = RESULT_HEADER.pack(RESULT, serial, _microseconds(now - start)) + body
            except BaseException as error:  # SystemExit is the function's too
                now = perf_counter_ns()
                record = _failed(serial, now - start, _message(error))
            # Whatever is large should not be kept while the next one is made.
            result = None
            add(record)
            size += len(record)
            if now - start > SLOW_NS:
                function.expect_slow = SLOW_CALLS
            if now >= send_at or size >= GATHER_BYTES:
                self._send_records()
                size = 0
                # A cancellation may have come.
                if not inbox.receive(socket.MSG_DONTWAIT):
                    leave(0)
                now = perf_counter_ns()
                send_at = now + GATHER_NS
        self._send_records()

    def _call(
        self,
        serial: int,
        function: Function,
        config: bytes,
        inputs: List[Data],
        task_id: int,
        attempt: int,
        held: Held,
    ) -> object:
        """A call that is not of the simplest kind."""
        function.load()
        arguments = direct_arguments(config) if config else []
        arguments += inputs
        if not function.has_context:
            return function.call(*arguments)
        context = Context(serial, task_id, attempt, held, self._send_log)
        try:
            result = function.call(context, *arguments)
            if type(result) is types.CoroutineType:  # while its context lives
                return run_coroutine(result)
            return result
        finally:
            context.end()

    def _send_log(self, serial: int, level: int, message: str) -> None:
        """At once: the call can take long."""
        if self._socket.fileno() < 0:
            print(message, file=sys.stderr)  # a forked child
            return
        text = shorten(message).encode("utf-8", "backslashreplace")
        self._send(LOG_HEADER.pack(LOG, serial, level, len(text)) + text)

    def _send_records(self) -> None:
        records = self._records
        if records:
            body = b"".join(records)
            records.clear()
            self._send(body)
        elif self._socket.fileno() < 0:
            os._exit(1)  # a forked child came back from the user's function

    def _send(self, body: bytes) -> None:
        with self._send_lock:
            try:
                self._socket.sendall(U32.pack(len(body)) + body)
            except OSError:
                if self._socket.fileno() < 0:
                    os._exit(1)  # a forked child
                leave(0)


def _microseconds(duration_ns: int) -> int:
    return min(duration_ns // 1000, MAX_U32)


def _failed(serial: int, duration_ns: int, message: str) -> bytes:
    text = message.encode("utf-8", "backslashreplace")
    return FAILED_HEADER.pack(FAILED, serial, _microseconds(duration_ns), len(text)) + text


def _message(error: BaseException) -> str:
    if isinstance(error, InvalidResult):
        return error.message()
    if isinstance(error, FunctionError):
        return shorten(str(error))
    return describe_exception(error)


def _set_up_streams() -> None:
    """Lines of output leave when they are complete, as UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None: the descriptor is closed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    if sys.stderr is not None:
        # Where it was when a function crashes the process.
        faulthandler.enable()


def serve(descriptor: int, parent: int) -> NoReturn:
    """Serves the worker at the other end of a socket; does not return.

    :param descriptor: of the socket
    :param parent: number of the process that has started this one
    """
    die_with_parent(parent)
    ignore_interrupts()
    # Programs that user code starts must not keep the socket open.
    os.set_inheritable(descriptor, False)
    _set_up_streams()
    named_functions.install()
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(True)
    process = Process(connection)
    gc.collect()
    gc.freeze()
    process.run()
