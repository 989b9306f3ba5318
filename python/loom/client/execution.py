"""What is known of the execution of a failed task, besides how it ended. Owns its fields and how
messages tell it in one line; used by the errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple


@dataclass(frozen=True)
class Execution:
    """An execution that failed. None: not known.

    Attributes:
        host: name of the machine.
        worker_pid: process number of the worker.
        started: when it was started, by the clock of that machine, as ``time.time()`` gives it.
        duration: seconds.
        time_limit: it was ended because it took longer than so many seconds.
        peak_bytes: highest resident memory of its processes that was seen; looked at twice a
            second, after the first second.
        memory: at most 64 pairs of seconds since its start and bytes; empty where ``peak_bytes``
            is None.
        out_of_memory: it was killed by a SIGKILL that was not HyperLoom's, and the operating
            system has killed a process for want of memory just then.
        memory_limit_bytes: most memory that the worker and its tasks may have together; only told
            of those that were killed.

    Example:
        >>> try:
        ...     future.gather()
        ... except TaskFailed as error:
        ...     print(error.execution and error.execution.peak_bytes)
    """

    host: str
    worker_pid: int
    started: Optional[float] = None
    duration: Optional[float] = None
    time_limit: Optional[float] = None
    peak_bytes: Optional[int] = None
    memory: Tuple[Tuple[float, int], ...] = ()
    out_of_memory: bool = False
    memory_limit_bytes: Optional[int] = None


def describe_end(
    exit_status: Optional[int], signal: Optional[str], execution: Optional[Execution]
) -> Optional[str]:
    """One line that says how it died; None for what did not die, but raised an error.

    "Killed by SIGKILL after 12.3 s on node7 (peak memory 3.1 GiB; probably out of memory)".
    """
    if execution is None:
        return None
    if execution.time_limit is not None:
        how = f"Ended at its time limit of {_describe_duration(execution.time_limit)}"
    elif signal is not None:
        how = f"Killed by {signal}"
    elif exit_status is not None:
        how = f"Ended with exit status {exit_status}"
    else:
        return None
    after = "" if execution.duration is None else f" after {_describe_duration(execution.duration)}"
    memory: List[str] = []
    if execution.peak_bytes is not None:
        memory.append(f"peak memory {_describe_bytes(execution.peak_bytes)}")
    if execution.out_of_memory:
        limit = execution.memory_limit_bytes
        known = "" if limit is None else f", the limit is {_describe_bytes(limit)}"
        memory.append(f"probably out of memory{known}")
    more = f" ({'; '.join(memory)})" if memory else ""
    return f"{how}{after} on {execution.host}{more}"


def _describe_bytes(count: int) -> str:
    amount, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{round(amount, 2):.10g} {unit}"


def _describe_duration(seconds: float) -> str:
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{round(seconds, 1):.10g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min"
