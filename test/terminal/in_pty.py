"""Runs a command in a terminal of its own: in_pty.py COLUMNS ROWS COMMAND...

What the command writes comes out here, what comes in here is typed there. At the end a line of JSON
goes to standard error: how the command ended, and how it left the terminal.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def main() -> None:
    columns, rows, *command = sys.argv[1:]
    gate, opener = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        # The command begins when it is known how the terminal was before.
        os.close(opener)
        os.read(gate, 1)
        # The size is there before the command looks at it.
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
        os.execvp(command[0], command)
    before = termios.tcgetattr(terminal)
    os.close(gate)
    os.close(opener)
    sources = [terminal, 0]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if 0 in ready:
            typed = os.read(0, 4096)
            if not typed:
                sources.remove(0)
            os.write(terminal, typed)
        if terminal in ready:
            try:
                written = os.read(terminal, 65536)
            except OSError:  # nobody has it open any more
                break
            if not written:
                break
            os.write(1, written)
    _, status = os.waitpid(pid, 0)
    result = {
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "restored": termios.tcgetattr(terminal)[:4] == before[:4],
    }
    print(json.dumps(result), file=sys.stderr)


main()
