"""A connection to a server: one thread that sends what is queued and receives frames.

All sending goes through that thread, so that an interrupted caller (Ctrl-C) can't leave half a
frame on the wire, and a server that is busy sending can't block one that is. Owns the socket, the
thread, and what happens to them at a fork; what frames mean is the session's.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import threading
import weakref
from collections import deque
from typing import Callable, Deque, Iterable, List, Optional

from .errors import LoomError, describe_cause
from .wire import FRAME_HEADER, Buffer, FrameReader

#: Who sends more than this waits until the server has taken some of it.
_MAX_QUEUED_BYTES = 64 * 1024 * 1024
_SEND_BYTES = 256 * 1024
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

_open_connections: "weakref.WeakSet[Connection]" = weakref.WeakSet()


class Connection:
    """An open connection.

    Args:
        before_send: called by the thread when it wakes; may queue more.
        on_frame: gets each frame, in the thread. An error that it raises ends the connection.
        find_target: see FrameReader.
        on_end: called once, in the thread, with what ended the connection: None after
            :meth:`end`, else an error (ConnectionError: the other side closed it).
    """

    def __init__(
        self,
        connected: socket.socket,
        name: str,
        *,
        before_send: Callable[[], None],
        on_frame: Callable[[Buffer], None],
        find_target: Callable[[int], Optional[memoryview]],
        on_end: Callable[[Optional[BaseException]], None],
    ) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._before_send = before_send
        self._on_end = on_end
        self._reader = FrameReader(on_frame, find_target)
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, _READ)
        self._selector.register(self._wake_receiver, _READ)
        self._interest = _READ
        self._queue: Deque[Buffer] = deque()
        self._queued_bytes = 0
        # Guards the queue's size; waited for by those who send too much.
        self._drained = threading.Condition(threading.Lock())
        self._ending = False
        self._ended = False
        _open_connections.add(self)
        self._thread = threading.Thread(target=self._run, name=f"loom client {name}", daemon=True)
        self._thread.start()

    def send(self, pieces: Iterable[Buffer]) -> None:
        """Queues bytes that are sent one after another without others between them.

        Waits while very much is queued. After the end of the connection it does nothing.
        """
        pieces = list(pieces)
        size = sum(map(len, pieces))
        with self._drained:
            if threading.current_thread() is not self._thread:
                while self._queued_bytes > _MAX_QUEUED_BYTES and not self._ended:
                    self._drained.wait()
            self._queued_bytes += size
            self._queue.extend(pieces)
        self.wake()

    def send_frame(self, content: bytes) -> None:
        """Queues one frame."""
        self.send((FRAME_HEADER.pack(len(content)) + content,))

    def wake(self) -> None:
        """Has the thread look what there is to send. Takes no lock: finalizers may call it."""
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            pass  # it is awake already, or gone

    def end(self, timeout: Optional[float]) -> None:
        """Ends the connection now and waits for the thread's end; 0: does not wait."""
        self._ending = True
        self.wake()
        if timeout != 0 and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def join(self, timeout: float) -> bool:
        """Whether the connection ended within this time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        error: Optional[BaseException] = None
        try:
            while not self._ending:
                self._before_send()
                self._send_queued()
                for key, _ in self._selector.select():
                    if key.fileobj is self._wake_receiver:
                        self._clear_wakes()
                    else:
                        self._receive()
        except Exception as problem:  # whatever it is, it must be told to those who wait
            error = problem
        self._ended = True
        self._close()
        with self._drained:
            self._queue.clear()
            self._drained.notify_all()
        self._on_end(None if self._ending else error)

    def _clear_wakes(self) -> None:
        try:
            while len(self._wake_receiver.recv(4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def _receive(self) -> None:
        # A few times at most: what is to be sent must not wait for ever.
        for _ in range(16):
            try:
                with self._reader.writable() as space:
                    count = self._socket.recv_into(space)
                    full = count == len(space)
            except (BlockingIOError, InterruptedError):
                return
            if count == 0:
                where = " inside a message" if self._reader.inside_frame else ""
                raise ConnectionError(f"it closed the connection{where}")
            self._reader.advance(count)
            if not full:
                return

    def _send_queued(self) -> None:
        queue = self._queue
        while queue:
            batch = self._next_batch()
            try:
                sent = self._socket.send(batch)
            except (BlockingIOError, InterruptedError):
                sent = 0
            if sent < len(batch):
                queue.appendleft(memoryview(batch)[sent:])
            with self._drained:
                before = self._queued_bytes
                self._queued_bytes -= sent
                if before > _MAX_QUEUED_BYTES >= self._queued_bytes:
                    self._drained.notify_all()
            if sent < len(batch):
                break
        interest = _READ | _WRITE if queue else _READ
        if interest != self._interest:
            self._interest = interest
            self._selector.modify(self._socket, interest)

    def _next_batch(self) -> Buffer:
        """The next bytes to be sent; small pieces are sent together."""
        queue = self._queue
        first = queue.popleft()
        if not queue or len(first) >= _SEND_BYTES:
            return first
        pieces: List[Buffer] = [first]
        size = len(first)
        while queue and size + len(queue[0]) <= _SEND_BYTES:
            piece = queue.popleft()
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces) if len(pieces) > 1 else first

    def _close(self) -> None:
        _open_connections.discard(self)
        self._selector.close()
        for each in (self._socket, self._wake_sender, self._wake_receiver):
            each.close()

    def forked(self) -> None:
        """In the child of a fork: there is no thread, and the socket is the parent's."""
        self._drained = threading.Condition(threading.Lock())
        self._ended = True
        self._close()
        self._on_end(
            LoomError(
                "this client was connected before the process forked, and only the parent can "
                "use it; connect a new one in the child"
            )
        )


def _forked() -> None:
    for connection in list(_open_connections):
        connection.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def connect(host: str, port: int, name: str, timeout: float) -> socket.socket:
    """Connects a socket. Raises LoomError naming the address and what to do."""
    try:
        connected = socket.create_connection((host, port), timeout)
    except (OSError, UnicodeError) as error:
        if isinstance(error, ConnectionRefusedError):
            reason = "nothing listens there (connection refused)"
        elif isinstance(error, socket.timeout):
            reason = f"no answer in {timeout:g} s"
        else:
            reason = describe_cause(error)
        raise LoomError(
            f"cannot connect to a server at {name}: {reason}; check the address, and that the "
            "server runs and listens to this machine (loom server --listen)"
        ) from error
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A machine that vanished says nothing; without this, waiting for it would never end.
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return connected
