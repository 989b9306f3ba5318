"""How this process ends, and what its children get of it. Owns signals and exits; see serve.py.

A worker that dies can't tell: its socket ends, but a function that is busy does not look there.
So the kernel is asked to kill this process with its parent.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from typing import NoReturn

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.5
# For what user code has registered to run at the end.
MAX_EXIT_S = 2


def die_with_parent(parent: int) -> None:
    """From now on this process does not survive its parent, whatever it is doing.

    A parent that was dead before the process began is found out when READY can't be sent.

    :param parent: the parent's number, as it was at the start
    """
    if not _ask_kernel():
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it has died meanwhile
        os._exit(0)


def _ask_kernel() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        return bool(prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):  # a Python without ctypes
        return False


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_INTERVAL_S)
    os.kill(os.getpid(), signal.SIGKILL)


def ignore_interrupts() -> None:
    """SIGINT does nothing here; in programs that user code starts it does (unlike SIG_IGN)."""
    signal.signal(signal.SIGINT, lambda number, frame: None)


def leave(code: int) -> NoReturn:
    """Ends the process, also when user code has left threads that run on."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(MAX_EXIT_S)
        atexit._run_exitfuncs()
    except BaseException:
        pass  # nobody is there to be told
    flush_output()
    os._exit(code)


def flush_output() -> None:
    """Lets out lines that are not complete."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # user code has put something else there, or has closed it
