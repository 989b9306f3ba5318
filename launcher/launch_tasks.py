"""What the worker asks for: the frames of src/executors/program/launch-protocol.ts.

Owns the numbers and layouts of requests and replies; does nothing with them. Used by
launcher.py and working_directories.py.
"""
import struct

# Requests and replies.
CONFIGURE, RUN, KILL = 1, 2, 3
READY, STARTED, ENDED, PINNING_LOST = 0, 1, 2, 3
# Flags of RUN.
MAKE_DIRECTORY, KEEP_DIRECTORY = 1, 2
# Outcomes of ENDED.
SUCCEEDED, EXITED, SIGNALLED, TIMED_OUT, NOT_STARTED, FAILED = range(6)
# Parts of ENDED.
INLINE, MOVED, IN_PLACE = range(3)

LENGTH = struct.Struct("<I")
RUN_HEADER = struct.Struct("<BIIIIIIIII")
STARTED_FRAME = struct.Struct("<IBII")
ENDED_HEADER = struct.Struct("<BIBBiI")
PART_HEADER = struct.Struct("<BI")


class TaskFailure(Exception):
    """The task fails with this outcome and text."""

    def __init__(self, outcome, text):
        super().__init__(text)
        self.outcome = outcome
        self.text = text


class Task:
    """A request to run a program. All names are bytes."""

    __slots__ = (
        "id", "directory", "made", "keep", "time_limit", "stdin", "stdin_size", "cores",
        "success", "args", "env", "folders", "links", "files", "outputs", "pid", "timed_out",
        "recyclable",
    )  # fmt: skip

    def __init__(self, frame):
        (
            flags, self.id, self.time_limit, text_length,
            n_args, n_env, n_folders, n_links, n_files, n_outputs,
        ) = RUN_HEADER.unpack_from(frame, 1)  # fmt: skip
        at = 1 + RUN_HEADER.size
        end = at + text_length
        text = frame[at:end].split(b"\0")
        # Whether the directory is there; the worker may have made it.
        self.made = not flags & MAKE_DIRECTORY
        self.recyclable = not self.made
        self.keep = bool(flags & KEEP_DIRECTORY)
        self.directory, self.stdin, self.stdin_size, cores, success = text[:5]
        self.cores = frozenset(map(int, cores.split(b","))) if cores else None
        self.success = frozenset(map(int, success.split(b","))) if success else (0,)
        at = 5 + n_args
        self.args = text[5:at]
        self.env = text[at : at + n_env]
        at += n_env
        self.folders = text[at : at + n_folders]
        at += n_folders
        self.links = [text[i : i + 3] for i in range(at, at + 3 * n_links, 3)]
        at += 3 * n_links
        self.files = []
        for i in range(at, at + 2 * n_files, 2):
            start, end = end, end + int(text[i + 1])
            self.files.append((text[i], frame[start:end]))
        at += 2 * n_files
        self.outputs = text[at : at + n_outputs]
        # Also the number of its process group; set once it runs.
        self.pid = 0
        self.timed_out = False


def ended_frame(task, outcome, detail, parts, remains):
    frame = [ENDED_HEADER.pack(ENDED, task.id, outcome, remains, detail, len(parts))]
    for kind, content in parts:
        frame.append(PART_HEADER.pack(kind, len(content)))
        frame.append(content)
    return b"".join(frame)


def show(name):
    """A name in a message."""
    return name.decode("utf-8", "replace")
