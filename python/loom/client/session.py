"""One connection to a server: registering, requests and their answers, news of results.

Owns the state of the protocol (open requests, symbols, ids) and tells the result states what
happened to them; what the server reports besides results goes on to report_listeners.py. Used by
the clients and operations.py; users never see it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Union

from . import messages
from .connection import Connection, connect
from .errors import LoomError, ProtocolError, fresh
from .failures import connection_lost, task_failed
from .messages import RequestType, Response, ResponseType
from .open_requests import ChunkData, ChunkReply, OpenRequests
from .plan import encode_plan
from .report_listeners import ReportListeners
from .result_table import ResultTable
from .state import RELEASED, Reply, ResultState
from .task import Task
from .wire import Buffer

_log = logging.getLogger("loom")

_CONNECT_TIMEOUT_S = 10.0
_REGISTER_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 5.0


class Session:
    """A registered connection."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self.name = name
        #: Guards everything that is changed by more than one thread. Reentrant: the garbage
        #: collector may finalize an iterator of as_completed() anywhere.
        self.lock = threading.RLock()
        #: Held while a plan is numbered, encoded and sent: ids ascend.
        self.submit_lock = threading.Lock()
        self.results = ResultTable(self.lock)
        self.next_id = 0
        self.symbols: Sequence[str] = ()
        self.symbol_numbers: Dict[str, int] = {}
        self.listeners = ReportListeners(name)
        self._pid = os.getpid()
        self._requests = OpenRequests()
        self._stats_requests: Deque[Reply[messages.Stats]] = deque()
        self._flush_expected = False
        # The chunk whose raw frame comes next.
        self._open_chunk: Optional[messages.Chunk] = None
        # While it is a list, errors that answer no request go there, else to the log.
        self._problems: Optional[List[str]] = None
        self._last_server_error: Optional[str] = None
        self._registered: Reply[None] = Reply(self.lock)
        # Why nothing can be sent any more; why it is about to be so.
        self._end_error: Optional[LoomError] = None
        self._end_reason: Optional[LoomError] = None
        self._connection = Connection(
            connect(host, port, name, _CONNECT_TIMEOUT_S),
            name,
            before_send=self._flush_released,
            on_frame=self._receive,
            find_target=self._find_target,
            on_end=self._ended,
        )
        try:
            self._register()
        except BaseException:
            self._connection.end(_END_TIMEOUT_S)
            raise

    def _register(self) -> None:
        self._connection.send_frame(messages.register())
        answered = threading.Event()
        self._registered.when_done(answered.set)
        if not answered.wait(_REGISTER_TIMEOUT_S):
            raise LoomError(
                f"{self.name} accepted the connection but did not answer for "
                f"{_REGISTER_TIMEOUT_S:g} s; check that a HyperLoom server listens there"
            )
        self._registered.result()

    # --- requests ---

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._end_error is None and self._end_reason is None

    def check_open(self) -> None:
        """Raises if nothing can be sent any more."""
        error = self._end_error or self._end_reason
        if error is not None:
            raise fresh(error)

    def submit(
        self,
        tasks: Sequence[Task],
        load: bool,
        when_unsatisfiable: Optional[str],
        input_id: Callable[[Any, Task], int],
    ) -> List[ResultState]:
        """Sends a plan; the states of the tasks' results, one for each task in ``tasks``."""
        with self.submit_lock:
            self.check_open()
            id_base = self.next_id
            symbols = self.symbol_numbers
            plan = encode_plan(tasks, id_base, symbols, input_id, load, when_unsatisfiable)
            self.next_id = id_base + plan.n_tasks
            states: Dict[int, ResultState] = {}
            for task, task_id in zip(tasks, plan.result_ids):
                if task_id not in states:
                    states[task_id] = ResultState(task_id, id_base, task.task_type, task.label)
            with self.lock:
                self.check_open()
                self.results.add(states)
            self._flush_released()
            self._connection.send(plan.frame)
        return [states[task_id] for task_id in plan.result_ids]

    def read(
        self,
        state: ResultState,
        offset: int,
        max_size: int,
        target: Optional[memoryview] = None,
    ) -> ChunkReply:
        """Asks for bytes of a result's serialized form."""
        error = state.find_error()
        if error is not None:
            raise fresh(error)
        return self._ask_for_chunk(
            ChunkReply(self.lock, state, target),
            lambda request_id: messages.read_request(state.id, request_id, offset, max_size),
        )

    def ask_status(self) -> ChunkReply:
        """Asks for the cluster's status (JSON)."""
        return self._ask_for_chunk(ChunkReply(self.lock, None, None), messages.status_request)

    def ask_explanation(self, task: Union[int, str]) -> ChunkReply:
        """Asks what becomes of a task (JSON): of this client by its id, or what a text means."""
        reply = ChunkReply(self.lock, None, None)
        return self._ask_for_chunk(reply, lambda each: messages.explain_request(each, task))

    def _ask_for_chunk(self, reply: ChunkReply, encode: Callable[[int], bytes]) -> ChunkReply:
        with self.lock:
            self.check_open()
            request_id = self._requests.add(reply)
        self._send(encode(request_id))
        return reply

    def forget(self, reply: ChunkReply) -> None:
        """Nobody waits for the answer any more."""
        with self.lock:
            self._requests.take(reply.request_id)

    def ask_stats(self) -> Reply[messages.Stats]:
        """Asks for numbers; answered in order."""
        reply: Reply[messages.Stats] = Reply(self.lock)
        # The order of the queue must be that of the requests.
        with self.submit_lock:
            with self.lock:
                self.check_open()
                self._stats_requests.append(reply)
            self._send(messages.request(RequestType.STATS))
        return reply

    def send_trace(self, path: str) -> None:
        """Asks for a trace. What is wrong comes before the answer to the next request."""
        self._problems = []
        self._send(messages.trace_request(path))

    def take_problems(self) -> List[str]:
        """What the server has said since :meth:`send_trace`."""
        problems, self._problems = self._problems, None
        return problems or []

    def listen(self, kind: str, listener: Callable[[Any], object]) -> None:
        """Calls back in the connection's thread; ``kind`` is "progress", "log" or "notice"."""
        self.check_open()
        if self.listeners.add(kind, listener) and kind == "log":
            self._send(messages.logs_request(True))

    def unlisten(self, kind: str, listener: Callable[[Any], object]) -> None:
        """Ends :meth:`listen`."""
        if self.listeners.remove(kind, listener) and kind == "log" and self.is_open:
            self._send(messages.logs_request(False))

    def _send(self, request: bytes) -> None:
        # Releases that wait go first: answers must reflect them.
        self._flush_released()
        self._connection.send_frame(request)

    # --- releases ---

    def release(self, state: ResultState) -> None:
        """Gives up the result: the server drops it, and cancels what only it needed."""
        with self.lock:
            if state.status == RELEASED:
                return
            held = self.results.release(state)
            error = state.find_error()
            assert error is not None
            self._requests.fail_of(state, error)
        if held:
            self.drop(state.id)

    def drop(self, task_id: int) -> None:
        """Queues an id to be released. Takes no lock: finalizers call it."""
        self.results.drop(task_id)
        # One wake-up is enough for many: who flushes takes all that there are by then.
        if not self._flush_expected:
            self._flush_expected = True
            self._connection.wake()

    def _flush_released(self) -> None:
        self._flush_expected = False
        ids = self.results.take_dropped()
        if ids:
            self._connection.send_frame(messages.release_request(ids))

    # --- the end ---

    def close(self) -> None:
        """Ends the connection; whoever waits gets an error. Idempotent."""
        self._end_reason = self._end_reason or LoomError("this client is closed; connect a new one")
        self._connection.end(_END_TIMEOUT_S)

    def abandon(self) -> None:
        """Ends the connection some time soon. Takes no lock: finalizers call it."""
        self._end_reason = self._end_reason or LoomError("this client is closed")
        self._connection.end(0)

    def terminate(self) -> None:
        """Tells the server to stop."""
        self.check_open()
        self._send(messages.request(RequestType.TERMINATE))
        self._end_reason = LoomError("this client has stopped its server; connect to another one")

    def until_ended(self, timeout: float) -> bool:
        """Whether the other side ended the connection within this time."""
        return self._connection.join(timeout)

    def _ended(self, error: Optional[BaseException]) -> None:
        if os.getpid() != self._pid:  # a fork: nobody will ever release what is locked
            self.lock = self.results.lock = threading.RLock()
            self.submit_lock = threading.Lock()
        with self.lock:
            self._end_error = end_error = self._end_reason or connection_lost(
                self.name, self._registered.done, error, self._last_server_error
            )
            if not self._registered.done:
                self._registered.fail(end_error)
            self.results.fail_pending(end_error)
            self._requests.fail_all(end_error)
            while self._stats_requests:
                self._stats_requests.popleft().fail(end_error)
        self.listeners.end()

    # --- what comes, in the connection's thread ---

    def _find_target(self, length: int) -> Optional[memoryview]:
        if self._open_chunk is None:
            return None
        reply = self._requests.find(self._open_chunk.request_id)
        if reply is None or reply.target is None or len(reply.target) != length:
            return None
        return reply.target

    def _receive(self, frame: Buffer) -> None:
        chunk = self._open_chunk
        if chunk is not None:
            self._open_chunk = None
            self._receive_chunk(chunk, frame)
            return
        response = messages.read_response(frame)
        kind = response.type
        if not self._registered.done and kind not in (ResponseType.DICTIONARY, ResponseType.ERROR):
            raise ProtocolError("its first message was not the dictionary")
        if kind == ResponseType.FINISHED_MANY:
            self._receive_finished(response)
        elif kind == ResponseType.TASK_FINISHED:
            self.results.finished([response.id])
        elif kind == ResponseType.CHUNK:
            self._open_chunk = _needed(response.chunk, "CHUNK")
        elif kind == ResponseType.TASK_FAILED:
            self._receive_failure(_needed(response.error, "TASK_FAILED"))
        elif kind == ResponseType.ERROR:
            self._receive_error(_needed(response.error, "ERROR"))
        elif kind == ResponseType.STATS:
            with self.lock:
                if self._stats_requests:
                    self._stats_requests.popleft().set(_needed(response.stats, "STATS"))
        elif kind == ResponseType.DICTIONARY:
            # It comes again when there are new symbols.
            self.symbols = response.symbols
            self.symbol_numbers = {name: number for number, name in enumerate(response.symbols)}
            with self.lock:
                if not self._registered.done:
                    self._registered.set(None)
        elif not self.listeners.receive(response):
            raise ProtocolError(f"a response has the unexpected type {kind}")

    def _receive_finished(self, response: Response) -> None:
        ids = response.ids
        values: Sequence[Optional[bytes]] = ()
        if response.small_values:
            values = messages.read_small_values(response.small_values, len(ids))
        self.results.finished(ids, values)

    def _receive_chunk(self, chunk: messages.Chunk, data: Buffer) -> None:
        with self.lock:
            reply = self._requests.take(chunk.request_id)
        if reply is None:
            return  # given up since it was asked for
        target = reply.target
        if target is not None and data is not target and len(data) == len(target):
            target[:] = data
            data = target
        with self.lock:
            reply.set(
                ChunkData(data, chunk.total_size, chunk.type_id, chunk.n_messages, chunk.version)
            )

    def _receive_failure(self, error: messages.Error) -> None:
        lost = error.lost_results if error.id is None else [*error.lost_results, error.id]
        self.results.failed(lost, task_failed(error))

    def _receive_error(self, error: messages.Error) -> None:
        message = error.error_msg or "the server reported an error without a message"
        if not self._registered.done:
            refusal = LoomError(f"the server at {self.name} refused this client: {message}")
            with self.lock:
                self._registered.fail(refusal)
        elif error.refused_plan is not None:
            refusal = LoomError(f"the server refused the plan: {message}")
            self.results.plan_refused(error.refused_plan, refusal)
        elif error.request_id is not None:
            with self.lock:
                reply = self._requests.take(error.request_id)
                if reply is None:
                    return
                known = reply.state and reply.state.find_error()
                failure = task_failed(error) if error.task_type else LoomError(message)
                reply.fail(known or failure)
        else:
            self._last_server_error = message
            if self._problems is not None:
                self._problems.append(message)
            else:
                _log.warning("HyperLoom server %s: %s", self.name, message)


def _needed(part: Any, name: str) -> Any:
    if part is None:
        raise ProtocolError(f"a {name} response has no content")
    return part
