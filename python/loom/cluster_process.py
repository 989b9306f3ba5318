"""One process of a local cluster: a server or worker that says when it is up, and ends when its
channel closes, be it that this process was killed. Owns starting, the last lines of its standard
error, and ending it for sure. The other side is src/cli/service-process.ts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .client.errors import LoomError

_START_TIMEOUT_S = 30.0
#: How long a process may take to end in order before it is killed.
_STOP_TIMEOUT_S = 5.0
_KEPT_STDERR_BYTES = 4_000
_SHOWN_STDERR_LINES = 5

_channels: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


class ClusterProcess:
    """A process that was started; :meth:`until_up` waits until it is of use.

    Args:
        name: for messages: "server", "worker".
        command: the program and its first arguments.
        verbose: show its log here.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        verbose: bool = False,
    ) -> None:
        self.name = name
        self._command = command
        self._last_output = b""
        self._channel, other_end = socket.socketpair()
        _channels.add(self._channel)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if verbose else subprocess.PIPE,
                # A channel as Node's child_process.fork() makes it.
                env={**environment, "NODE_CHANNEL_FD": str(other_end.fileno())},
                pass_fds=[other_end.fileno()],
                # Ctrl-C is meant for this process, which will stop the other one in order.
                start_new_session=True,
            )
        except OSError as error:
            self._channel.close()
            raise LoomError(
                f"the {name} of the local cluster could not be started: {command[0]}: "
                f"{error.strerror or error}"
            ) from error
        finally:
            other_end.close()
        self._output_reader: Optional[threading.Thread] = None
        if not verbose:
            self._output_reader = threading.Thread(target=self._read_stderr, daemon=True)
            self._output_reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def end(self) -> Optional[Tuple[Optional[int], Optional[str], str]]:
        """Exit status or signal, and the last of its standard error; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        self._close_output()
        said = self._last_output.decode(errors="replace")
        if status < 0:
            return None, signal.Signals(-status).name, said
        return status, None, said

    def send_signal(self, number: int) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def until_up(self, expected: str) -> Dict[str, Any]:
        """Waits until the process says that it is ``expected``; what it said."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        try:
            message = self._read_message(deadline)
        except BaseException:
            self.kill()
            raise
        if message.get("loom") == expected:
            return message
        self.kill()
        raise self._failure(f"did not start: {message.get('message', message)}")

    def _read_message(self, deadline: float) -> Dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            try:
                self._channel.settimeout(max(left, 0.001))
                part = self._channel.recv(65536)
            except socket.timeout:
                problem = f"did not come up in {_START_TIMEOUT_S:g} s"
                raise self._failure(f"{problem} ({' '.join(self._command)})") from None
            except OSError:
                part = b""
            if not part:
                raise self._ended_at_once()
            line += part
        try:
            message: Dict[str, Any] = json.loads(line.split(b"\n")[0])
            message.get("loom")
            return message
        except (ValueError, AttributeError):
            raise self._failure(f"said {line[:200]!r}; is this a HyperLoom?") from None

    def _ended_at_once(self) -> LoomError:
        try:
            status = self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return self._failure("closed its channel, but did not end")
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return self._failure(f"ended at once ({how})")

    def _failure(self, problem: str) -> LoomError:
        if self._output_reader is not None and not self.is_alive():
            self._output_reader.join(1)
        text = self._last_output.decode(errors="replace").strip()
        lines = " | ".join(text.splitlines()[-_SHOWN_STDERR_LINES:])
        said = f"; it said: {lines}" if lines else ""
        return LoomError(f"the {self.name} of the local cluster {problem}{said}")

    def ask_to_stop(self) -> None:
        """Closes the channel: the process stops in order. Does not wait."""
        self._channel.close()

    def stop(self) -> None:
        """Ends the process, by force if it takes too long; waits for its end."""
        self.ask_to_stop()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_output()

    def kill(self) -> None:
        """Ends the process at once; waits for its end."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._close_output()

    def _close_output(self) -> None:
        # Not for ever: a program that outlived its worker may hold the pipe.
        if self._output_reader is not None:
            self._output_reader.join(0.5)

    def _read_stderr(self) -> None:
        output = self._process.stderr
        assert output is not None
        with output:
            while True:
                part = os.read(output.fileno(), 65536)
                if not part:
                    return
                self._last_output = (self._last_output + part)[-_KEPT_STDERR_BYTES:]


def _forked() -> None:
    # A child must not keep the cluster alive when this process is gone.
    for channel in list(_channels):
        channel.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def environment_of_workers() -> Dict[str, str]:
    """The environment for processes of a cluster.

    Workers run Python functions with this very interpreter, and these find modules beside the
    script that this process runs.
    """
    environment = dict(os.environ)
    if sys.executable:
        environment.setdefault("LOOM_PYTHON", sys.executable)
    paths: List[str] = [os.path.abspath(sys.path[0] or os.curdir)] if sys.path else []
    if environment.get("PYTHONPATH"):
        paths.append(environment["PYTHONPATH"])
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment
