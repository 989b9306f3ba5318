"""A cluster on this machine: a server and workers as real processes that end with this one. Owns
which processes there are; a process is cluster_process's.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import List, Mapping, Optional, Sequence, Type, Union

from .client.client import Client
from .client.errors import LoomError
from .client.html import table
from .cluster_process import ClusterProcess, environment_of_workers

#: Amounts of resources by name.
WorkerResources = Mapping[str, Union[int, float, str, Sequence[str]]]


class LocalWorker:
    """A worker process of a :class:`LocalCluster`.

    Attributes:
        address: "host:port" at which it serves objects: its name in errors and status.
    """

    def __init__(self, process: ClusterProcess, address: str) -> None:
        self._process = process
        self.address = address

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Sends it a signal; to see what happens when a worker is lost: ``signal.SIGKILL``."""
        self._process.send_signal(number)

    def __repr__(self) -> str:
        return f"<LocalWorker {self.address}, pid {self.pid}>"


@dataclass(frozen=True)
class LostWorker:
    """A worker of a :class:`LocalCluster` that has ended before the cluster was closed.

    Attributes:
        address: "host:port".
        pid: its process id.
        exit_status: None if a signal has ended it.
        signal: e.g. ``"SIGKILL"``; else None.
        stderr: the end of what it has written to standard error; ``""`` if that was shown.
    """

    address: str
    pid: int
    exit_status: Optional[int]
    signal: Optional[str]
    stderr: str


class LocalCluster:
    """Starts a server and workers on this machine; they are there when this returns.

    They are stopped by :meth:`close`, at the end of a ``with`` block, and when this Python process
    ends, even if it is killed. The programs are those of this checkout (``npm run build``), else
    the command ``loom``; the environment variable LOOM_COMMAND names another command line.

    Python functions run with this interpreter, unless LOOM_PYTHON names another one.

    Args:
        workers: number of workers.
        cpus: cores of each worker; default: all of this machine divided by ``workers``, at least 1.
        resources: what else tasks may hold on each worker, as ``loom worker --resource`` takes it,
            e.g. ``{"gpus": 2, "mem": "8GiB", "licences": 2.5, "fpgas": ["a", "b"]}``. Default: the
            memory and the GPUs of this machine, divided among the workers; workers that are added
            later have all of them.
        verbose: show what server and workers log on standard error.

    Raises:
        LoomError: it doesn't come up, with the last lines that the process wrote.

    Example:
        >>> with LocalCluster(workers=2) as cluster, cluster.client() as client:
        ...     client.submit_one(tasks.const("Hello")).gather()
        b'Hello'
    """

    def __init__(
        self,
        workers: int = 1,
        cpus: Optional[int] = None,
        verbose: bool = False,
        *,
        resources: Optional[WorkerResources] = None,
    ) -> None:
        _check_count("workers", workers, 0)
        if os.name != "posix":
            raise LoomError("a LocalCluster needs Linux or macOS; start loom server by hand")
        if cpus is None:
            cpus = max(1, _available_cpus() // (workers or 1))
        _check_count("cpus", cpus, 1)
        self._cpus = cpus
        self._resources = resources
        self._verbose = verbose
        self._command = find_command()
        self._environment = environment_of_workers()
        # A worker pins to the first cores of the machine: several would all use the same ones.
        self._pinnable = workers == 1
        self._workers: List[LocalWorker] = []
        self._lock = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        self._server = self._start("server", ["--port", "0"])
        _open_clusters.add(self)
        try:
            message = self._server.until_up("listening")
            self._host, self._port = str(message["host"]), int(message["port"])
            self._dashboard: Optional[str] = message.get("dashboard")
            # All are starting at the same time.
            starting = [
                self._start_worker(cpus, resources, ["--share", f"{i + 1}/{workers}"])
                for i in range(workers)
            ]
            try:
                while starting:
                    self._add(starting[0])
                    del starting[0]
            finally:
                for process in starting:
                    process.kill()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """ "host:port" of the server."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    @property
    def dashboard(self) -> Optional[str]:
        """Address of the live page, such as "http://127.0.0.1:4711"."""
        return self._dashboard

    @property
    def workers(self) -> List[LocalWorker]:
        """The workers that run."""
        return [worker for worker in self._workers if worker._process.is_alive()]

    @property
    def lost_workers(self) -> List[LostWorker]:
        """Workers that have ended by themselves or were killed, and how.

        Example:
            >>> [worker.signal for worker in cluster.lost_workers]
        """
        ended = [(worker, worker._process.end()) for worker in list(self._workers)]
        return [LostWorker(worker.address, worker.pid, *end) for worker, end in ended if end]

    def client(self, *, progress: Optional[bool] = None) -> Client:
        """A new client of this cluster.

        Args:
            progress: show it in the terminal; see ``Client``.

        Example:
            >>> client = cluster.client()
        """
        self._check_open()
        return Client(self.address, progress=progress)

    def add_worker(
        self, cpus: Optional[int] = None, *, resources: Optional[WorkerResources] = None
    ) -> LocalWorker:
        """Starts one more worker; it is there when this returns.

        Args:
            cpus: its cores; default: as the first ones.
            resources: what else tasks may hold on it; default: as the first ones.
        """
        self._check_open()
        cpus = self._cpus if cpus is None else cpus
        _check_count("cpus", cpus, 1)
        self._pinnable = False
        return self._add(self._start_worker(cpus, resources or self._resources, []))

    def close(self) -> None:
        """Stops all processes; they have ended when this returns. Idempotent."""
        # In the child of a fork, they are the parent's.
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
            # Workers first: they need not see their server go.
            for worker in workers:
                worker._process.ask_to_stop()
            for worker in workers:
                worker._process.stop()
            self._server.stop()
            _open_clusters.discard(self)

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return "<LocalCluster, closed>"
        count = len(self.workers)
        return f"<LocalCluster {self.address}, {count} worker{'' if count == 1 else 's'}>"

    def _repr_html_(self) -> str:
        if self._closed:
            return table("HyperLoom on this machine", {"state": "closed"})
        workers = ", ".join(worker.address for worker in self.workers)
        facts = {"server": self.address, "workers": workers}
        if self._dashboard is not None:
            facts["dashboard"] = self._dashboard
        return table("HyperLoom on this machine", facts)

    def _start(self, name: str, args: List[str]) -> ClusterProcess:
        command = [*self._command, name, *args]
        return ClusterProcess(name, command, self._environment, self._verbose)

    def _start_worker(
        self, cpus: int, resources: Optional[WorkerResources], flags: List[str]
    ) -> ClusterProcess:
        args = [self._host, str(self._port), "--cpus", str(cpus), *flags]
        for name, value in (resources or {}).items():
            text = str(value) if isinstance(value, (int, float, str)) else f"[{','.join(value)}]"
            args += ["--resource", f"{name}={text}"]
        return self._start("worker", args if self._pinnable else [*args, "--nopin"])

    def _add(self, process: ClusterProcess) -> LocalWorker:
        worker = LocalWorker(process, str(process.until_up("registered")["address"]))
        with self._lock:
            if not self._closed:
                self._workers.append(worker)
                return worker
        process.stop()
        raise self._closed_error()

    def _check_open(self) -> None:
        if self._closed:
            raise self._closed_error()

    @staticmethod
    def _closed_error() -> LoomError:
        return LoomError("this local cluster is closed; start a new one")


# Strongly: a cluster without a reference to it still runs, for clients that know its address.
_open_clusters: set[LocalCluster] = set()


@atexit.register
def _close_all() -> None:
    for cluster in list(_open_clusters):
        cluster.close()


def find_command() -> List[str]:
    """The command line of HyperLoom: LOOM_COMMAND, this checkout, or ``loom`` from the PATH."""
    given = os.environ.get("LOOM_COMMAND")
    if given:
        try:
            return shlex.split(given)
        except ValueError as error:
            raise LoomError(f"LOOM_COMMAND, {given!r}, is no command line: {error}") from None
    program = Path(__file__).resolve().parents[2] / "dist" / "cli" / "loom.js"
    if program.exists():
        node = shutil.which("node")
        if node is None:
            raise LoomError("a local cluster needs Node 20, but there is no node in the PATH")
        return [node, str(program)]
    installed = shutil.which("loom")
    if installed is not None:
        return [installed]
    raise LoomError(
        "HyperLoom was not found: install it (npm install -g hyperloom), build the checkout (npm "
        "run build), or set LOOM_COMMAND to the command line that runs loom"
    )


def _available_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _check_count(name: str, count: object, least: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise LoomError(f"{name} must be an integer from {least} up, got {count!r}")
