"""The first argument of functions that ask for it."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Optional

from .data import Data, WrappedData
from .held_resources import Held

SendLog = Callable[[int, int, str], None]


class Context:
    """Who the task is, its log, and results that are Python objects."""

    __slots__ = ("_held", "_send", "_serial", "attempt", "task_id")

    def __init__(self, serial: int, task_id: int, attempt: int, held: Held, send: SendLog) -> None:
        self._held = held
        self._serial = serial
        self._send: Optional[SendLog] = send
        #: Id of the task at its client.
        self.task_id = task_id
        #: 1 for the first execution; grows when the task is executed again.
        self.attempt = attempt

    @property
    def resources(self) -> Dict[str, Dict[str, Any]]:
        """What the task holds, by name; empty for a light task.

        For example ``{"cpus": {"amount": 2, "indices": ["0", "1"]}, "mem": {"amount": 1073741824,
        "indices": []}}``.
        """
        return self._held.resources()

    def wrap(self, value: Any) -> Data:
        """A result that is the Python object `value`; an input comes back as it is."""
        return value if isinstance(value, Data) else WrappedData(value)

    def log_debug(self, message: Any) -> None:
        """Writes a line to the worker's log."""
        self._log(1, message)

    def log_info(self, message: Any) -> None:
        """Writes a line to the worker's log."""
        self._log(2, message)

    def log_warn(self, message: Any) -> None:
        """Writes a line to the worker's log."""
        self._log(3, message)

    def log_error(self, message: Any) -> None:
        """Writes a line to the worker's log."""
        self._log(4, message)

    def log_critical(self, message: Any) -> None:
        """Writes a line to the worker's log."""
        self._log(5, message)

    def end(self) -> None:
        """The call is over; what threads log from now on goes to standard error."""
        self._send = None

    def _log(self, level: int, message: Any) -> None:
        send = self._send
        if send is None:
            print(message, file=sys.stderr)
        else:
            send(self._serial, level, str(message))

    def __repr__(self) -> str:
        return f"<Context of task {self.task_id}, attempt {self.attempt}>"
