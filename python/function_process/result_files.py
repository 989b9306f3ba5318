"""Files for bytes that are too many for the socket. Owns names and the choice of the directory."""

from __future__ import annotations

import os
from typing import List, Sequence

from .failure import FunctionError
from .pickling import Buffer

MAX_PARTS_PER_WRITE = 1000  # the limit of writev is 1024


class ResultFiles:
    """Makes files in the worker's directories; they are the worker's then."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._directories = list(directories)
        self._next_number = 0

    def write(self, parts: Sequence[Buffer]) -> str:
        """Writes parts one after another to a new file in the first directory with room.

        :raises FunctionError: none has room
        """
        problems: List[str] = []
        for directory in self._directories:
            try:
                return self._write_to(directory, parts)
            except OSError as error:  # not only no space: removed, read-only, a limit, ...
                problems.append(f"{directory}: {error.strerror or error}")
        size = sum(memoryview(part).nbytes for part in parts)
        raise FunctionError(
            f"There is no room on the worker for {size} bytes of the result of the python code: "
            + ("; ".join(problems) or "it has no directory for them")
        )

    def _write_to(self, directory: str, parts: Sequence[Buffer]) -> str:
        while True:
            self._next_number += 1
            path = os.path.join(directory, f"f{os.getpid()}-{self._next_number}")
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                break
            except FileExistsError:  # of a dead process with our number
                continue
        try:
            try:
                _write_all(file, parts)
            finally:
                os.close(file)
        except BaseException:
            os.unlink(path)
            raise
        return path


def _write_all(file: int, parts: Sequence[Buffer]) -> None:
    rest = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
    at = 0
    while at < len(rest):
        written = os.writev(file, rest[at : at + MAX_PARTS_PER_WRITE])
        while at < len(rest) and written >= rest[at].nbytes:
            written -= rest[at].nbytes
            at += 1
        if written:
            rest[at] = rest[at][written:]
