"""The errors that are made of what the server, or the end of the connection, says. Owns their
texts; called by the session.
"""

from __future__ import annotations

from typing import Optional

from .errors import LoomError, ProtocolError, TaskFailed, describe_cause
from .execution import Execution
from .messages import Error, ExecutionMessage


def task_failed(error: Error) -> TaskFailed:
    """For a TASK_FAILED, or the ERROR for a READ of a failed result."""
    return TaskFailed(
        error.error_msg or "the server does not say why",
        task_id=-1 if error.id is None else error.id,
        worker=error.worker or None,
        label=error.label or None,
        task_type=error.task_type,
        exit_status=error.exit_status,
        signal=error.signal or None,
        stderr=error.stderr.decode(errors="replace"),
        execution=_execution(error.execution),
    )


def _execution(message: Optional[ExecutionMessage]) -> Optional[Execution]:
    if message is None:
        return None
    timed = message.started_ms > 0
    points = zip(message.memory_ms, message.memory_kib)
    return Execution(
        host=message.host,
        worker_pid=message.worker_pid,
        started=message.started_ms / 1000 if timed else None,
        duration=message.duration_ms / 1000 if timed else None,
        time_limit=message.time_limit_ms / 1000 or None,
        peak_bytes=message.peak_kib * 1024 or None,
        memory=tuple((ms / 1000, kib * 1024) for ms, kib in points),
        out_of_memory=bool(message.oom_likely),
        memory_limit_bytes=message.memory_limit_kib * 1024 or None,
    )


def connection_lost(
    address: str, registered: bool, cause: Optional[BaseException], last_error: Optional[str]
) -> LoomError:
    """For the end of a connection that nobody here wanted.

    Args:
        last_error: what the server complained about last.
    """
    if isinstance(cause, LoomError) and not isinstance(cause, ProtocolError):
        return cause
    if isinstance(cause, (ConnectionError, ProtocolError)):
        reason = str(cause)
    else:
        reason = "it closed the connection" if cause is None else describe_cause(cause)
    if not registered:
        text = (
            f"{address} does not answer like a HyperLoom server ({reason}); check address and port"
        )
    else:
        if isinstance(cause, ConnectionError) and last_error:
            reason = last_error
        text = (
            f"the connection to the server at {address} was lost ({reason}), and with it all "
            "results held there; check that the server runs, connect and submit again"
        )
    error = LoomError(text)
    error.__cause__ = cause
    return error
