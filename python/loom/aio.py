"""The client for asyncio: the same methods, awaitable, over the same connection as the one for
threads.

Example:
    >>> from loom.aio import AsyncClient
    >>> from loom.client import tasks
    >>> async def main():
    ...     async with AsyncClient("localhost:9010") as client:
    ...         future = await client.submit_one(tasks.const("Hello"))
    ...         return await future
    >>> asyncio.run(main())
    b'Hello'
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import TracebackType
from typing import (
    Any,
    AsyncIterator,
    Callable,
    ContextManager,
    Dict,
    Generator,
    Iterable,
    List,
    Optional,
    Sequence,
    Type,
    TypeVar,
    Union,
)

from . import progress as progress_bar
from .client import operations
from .client.address import DEFAULT_PORT, find_address
from .client.arguments import check_progress, future_list, several, task_list, waiting_for
from .client.client import submit
from .client.errors import LoomError
from .client.future import BaseFuture, states_of, task_query
from .client.html import table
from .client.operations import Operation
from .client.reports import Explanation, LogLine
from .client.session import Session
from .client.state import Completions, ResultState
from .client.task import Task

__all__ = ["AsyncClient", "AsyncFuture"]

T = TypeVar("T")
_TERMINATE_TIMEOUT_S = 10.0


class AsyncFuture(BaseFuture):
    """The result of a submitted task, for asyncio: see :class:`loom.client.Future`.

    ``await future`` gives the value; the future stays usable until it is released or
    garbage-collected. Cancelling who waits does not cancel the task; releasing the future does.

    Example:
        >>> future = await client.submit_one(tasks.const("a"))
        >>> await future
        b'a'
    """

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, Any]:
        return self.fetch().__await__()

    async def wait(self, timeout: Optional[float] = None) -> None:
        """Waits until the result is there."""
        await self._run(operations.wait_all, timeout)

    async def fetch(self, timeout: Optional[float] = None) -> Any:
        """Waits and gives the value; the future stays usable."""
        return (await self._run(operations.fetch_all, timeout))[0]

    async def gather(self, timeout: Optional[float] = None) -> Any:
        """Waits, gives the value, and releases the future: also when it failed, but not when the
        time is over.
        """
        return (await self._run(operations.gather_all, timeout))[0]

    async def _run(
        self,
        operation: Callable[[Session, Sequence[ResultState]], Operation[T]],
        timeout: Optional[float],
    ) -> T:
        states = [self._state]
        return await _drive(operation(self._session, states), timeout, waiting_for(states))


class AsyncClient:
    """A connection to a HyperLoom server, for asyncio: see :class:`loom.client.Client`.

    It is connected by ``async with``, or by :meth:`connect`.

    Args:
        address: ``"host"``, ``"host:port"`` or ``"[ipv6]:port"``; default: the one in the
            environment variable LOOM_SERVER.
        port: port of the server where the address has none.
        progress: show it in the terminal; see ``Client``.

    Example:
        >>> async with AsyncClient("localhost:9010") as client:
        ...     futures = await client.submit([tasks.const("a"), tasks.const("b")])
        ...     print(await client.gather(futures))
        [b'a', b'b']
    """

    def __init__(
        self,
        address: Optional[str] = None,
        port: int = DEFAULT_PORT,
        *,
        progress: Optional[bool] = None,
    ) -> None:
        self._address = find_address(address, port)
        check_progress(progress)
        self._shown_progress = progress
        self._open_session: Optional[Session] = None

    async def connect(self) -> AsyncClient:
        """Connects; returns the client. Raises LoomError if there is no server."""
        if self._open_session is None:
            host, port = self._address
            loop = asyncio.get_running_loop()
            connecting = loop.run_in_executor(None, Session, host, port, str(self._address))
            try:
                self._open_session = await asyncio.shield(connecting)
            except asyncio.CancelledError:
                connecting.add_done_callback(_close_late)
                raise
            self._open_session.listeners.show_progress(self._shown_progress)
        return self

    @property
    def address(self) -> str:
        """ "host:port" of the server."""
        return str(self._address)

    @property
    def closed(self) -> bool:
        """Whether it is not connected (any more)."""
        return self._open_session is None or not self._open_session.is_open

    @property
    def _session(self) -> Session:
        if self._open_session is None:
            raise LoomError(
                "this client is not connected yet: write `async with AsyncClient(...) as client`, "
                "or await client.connect()"
            )
        return self._open_session

    async def submit(
        self,
        tasks: Iterable[Task],
        load: bool = False,
        *,
        when_unsatisfiable: Optional[str] = None,
    ) -> List[AsyncFuture]:
        """Submits tasks with all they need; their futures. See ``Client.submit``."""
        given = task_list(tasks)
        return submit(self, self._session, given, load, when_unsatisfiable, AsyncFuture)

    async def submit_one(
        self, task: Task, load: bool = False, *, when_unsatisfiable: Optional[str] = None
    ) -> AsyncFuture:
        """Submits one task; its future. See ``Client.submit_one``."""
        return submit(self, self._session, [task], load, when_unsatisfiable, AsyncFuture)[0]

    async def wait(
        self,
        futures: Union[Iterable[AsyncFuture], AsyncFuture],
        timeout: Optional[float] = None,
        progress: bool = False,
    ) -> None:
        """Waits until all are finished. See ``Client.wait``."""
        given = future_list(futures)
        bar: ContextManager[object] = self.progress() if progress else nullcontext()
        with bar:
            await self._run(operations.wait_all, given, timeout)

    async def wait_one(self, future: AsyncFuture, timeout: Optional[float] = None) -> None:
        """Waits until it is finished."""
        await self._run(operations.wait_all, [future], timeout)

    async def fetch(
        self, futures: Iterable[AsyncFuture], timeout: Optional[float] = None
    ) -> List[Any]:
        """Waits and gives the values, in order; the futures stay usable."""
        return await self._run(operations.fetch_all, several(futures, "fetch"), timeout)

    async def fetch_one(self, future: AsyncFuture, timeout: Optional[float] = None) -> Any:
        """Waits and gives the value."""
        return (await self._run(operations.fetch_all, [future], timeout))[0]

    async def gather(
        self, futures: Iterable[AsyncFuture], timeout: Optional[float] = None
    ) -> List[Any]:
        """Waits, gives the values in order, and releases the futures. See ``Client.gather``."""
        return await self._run(operations.gather_all, several(futures, "gather"), timeout)

    async def gather_one(self, future: AsyncFuture, timeout: Optional[float] = None) -> Any:
        """Waits, gives the value, and releases the future."""
        return (await self._run(operations.gather_all, [future], timeout))[0]

    async def release(self, futures: Union[Iterable[AsyncFuture], AsyncFuture]) -> None:
        """Releases all."""
        operations.release_all(self._session, states_of(future_list(futures), self._session))

    async def release_one(self, future: AsyncFuture) -> None:
        """Releases it."""
        operations.release_all(self._session, states_of([future], self._session))

    async def as_completed(
        self, futures: Union[Iterable[AsyncFuture], AsyncFuture], timeout: Optional[float] = None
    ) -> AsyncIterator[AsyncFuture]:
        """Gives each future once, in the order in which they finish. See ``Client.as_completed``.

        Example:
            >>> async for future in client.as_completed(futures):
            ...     print(future.task_id, await future)
        """
        given = future_list(futures)
        states = states_of(given, self._session)
        by_state: Dict[ResultState, AsyncFuture] = dict(zip(states, given))
        deadline = operations.deadline_of(timeout)
        completions = Completions(self._session.lock, list(by_state))
        try:
            while by_state:
                operation = operations.next_completed(completions)
                try:
                    state = await _drive(operation, operations.seconds_left(deadline))
                except TimeoutError:
                    what = f"waiting for {len(by_state)} more results"
                    raise operations.time_over(timeout, what) from None
                yield by_state.pop(state)
        finally:
            completions.stop()

    async def get_stats(self, timeout: Optional[float] = None) -> operations.ClusterStats:
        """Numbers of what the server holds. See ``Client.get_stats``."""
        return await _drive(operations.get_stats(self._session), timeout, "asking for stats")

    async def get_status(self, timeout: Optional[float] = None) -> Dict[str, Any]:
        """What the cluster does, worker by worker."""
        return await _drive(operations.get_status(self._session), timeout, "asking for status")

    async def explain(
        self, task: Union[AsyncFuture, int, str], timeout: Optional[float] = None
    ) -> Explanation:
        """What becomes of a task, and why. See ``Client.explain``."""
        operation = operations.explain(self._session, task_query(task, self._session))
        return await _drive(operation, timeout, "asking what a task waits for")

    async def set_trace(self, directory: Optional[str], timeout: Optional[float] = None) -> None:
        """Lets the server and its workers write a trace. See ``Client.set_trace``."""
        operation = operations.set_trace(self._session, directory)
        await _drive(operation, timeout, "asking for a trace")

    def progress(self) -> progress_bar.ProgressBar:
        """A bar (tqdm) for a ``with`` block. See ``Client.progress``."""
        return progress_bar.ProgressBar(self._session, linger=False)

    def on_log(self, callback: Callable[[LogLine], object]) -> Callable[[], None]:
        """Calls back, in the event loop, for each line that this client's functions log.

        Returns:
            a function that ends it
        """
        return self._listen("log", callback)

    def on_notice(self, callback: Callable[[str], object]) -> Callable[[], None]:
        """Calls back, in the event loop, for what users should read. See ``Client.on_notice``."""
        return self._listen("notice", callback)

    def _listen(self, kind: str, callback: Callable[[Any], object]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def listener(what: object) -> None:
            _call_in(loop, callback, what)

        session = self._session
        session.listen(kind, listener)
        return lambda: session.unlisten(kind, listener)

    async def terminate(self) -> None:
        """Stops the server with all its workers, for all clients, and closes this client."""
        session = self._session
        session.terminate()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, session.until_ended, _TERMINATE_TIMEOUT_S)
        await self.close()

    async def close(self) -> None:
        """Closes the connection. See ``Client.close``. Idempotent."""
        if self._open_session is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self._open_session.close)

    async def __aenter__(self) -> AsyncClient:
        return await self.connect()

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        session = getattr(self, "_open_session", None)
        if session is not None:
            session.abandon()

    def __repr__(self) -> str:
        return f"<AsyncClient of {self.address}, {'closed' if self.closed else 'connected'}>"

    def _repr_html_(self) -> str:
        state = "closed" if self.closed else "connected"
        return table("HyperLoom client (asyncio)", {"server": self.address, "state": state})

    async def _run(
        self,
        operation: Callable[[Session, Sequence[ResultState]], Operation[T]],
        futures: Sequence[BaseFuture],
        timeout: Optional[float],
    ) -> T:
        states = states_of(futures, self._session)
        return await _drive(operation(self._session, states), timeout, waiting_for(states))


async def _drive(
    operation: Operation[T], timeout: Optional[float] = None, what: str = "waiting"
) -> T:
    """Drives an operation in the event loop."""
    loop = asyncio.get_running_loop()
    deadline = operations.deadline_of(timeout)
    try:
        reply = next(operation)
        while True:
            ready: asyncio.Future[None] = loop.create_future()
            reply.when_done(lambda each=ready: _call_in(loop, _set_done, each))  # type: ignore[misc]
            await asyncio.wait([ready], timeout=operations.seconds_left(deadline))
            if not ready.done():
                raise operations.time_over(timeout, what)
            reply = operation.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        operation.close()


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], arg: object) -> None:
    try:
        loop.call_soon_threadsafe(callback, arg)
    except RuntimeError:
        pass  # the loop is closed: nobody waits any more


def _set_done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _close_late(connecting: asyncio.Future[Session]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().abandon()
