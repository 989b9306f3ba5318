"""Starts programs for a HyperLoom worker, so that the worker itself never has to fork.

Owns: working directories, redirected files, pinning, starting, waiting, killing and the
collection of small outputs. Does not decide what to run: the worker (src/executors/program)
sends requests on standard input and gets replies on standard output. The frames are
described in src/executors/program/launch-protocol.ts; launcher.mjs speaks the same ones.

One thread. Nothing here may take long, as all programs of this launcher wait meanwhile:
big copies and the removal of big directories are left to the worker.

When standard input ends, the worker is gone: all programs are killed and this process ends.
Needs Python 3.8 or newer and only its standard library.
"""
import sys

if sys.version_info < (3, 8):
    sys.exit("Python 3.8 or newer is needed, this is %d.%d" % sys.version_info[:2])

import errno
import heapq
import os
import select
import signal
import stat
import struct
import time

# Requests and replies.
CONFIGURE, RUN, KILL = 1, 2, 3
READY, STARTED, ENDED, PINNING_LOST = 0, 1, 2, 3
# Flags of RUN.
MAKE_DIRECTORY, KEEP_DIRECTORY = 1, 2
# Outcomes of ENDED.
SUCCEEDED, EXITED, SIGNALLED, TIMED_OUT, NOT_STARTED, FAILED = range(6)
# Parts of ENDED.
INLINE, MOVED, IN_PLACE = range(3)

RUN_HEADER = struct.Struct("<BIIIIIIIII")
LENGTH = struct.Struct("<I")
STARTED_FRAME = struct.Struct("<IBII")
ENDED_HEADER = struct.Struct("<BIBBiI")
PART_HEADER = struct.Struct("<BI")

MAX_INLINE_BYTES = 4096
MAX_STDERR_BYTES = 128 * 1024
# Entries removed here; a fuller directory is left to the worker.
MAX_REMOVED_ENTRIES = 64
# Programs started between two looks at standard input and at ended programs.
MAX_STARTS_IN_A_ROW = 8
FLUSH_BYTES = 64 * 1024
# Longer than 2^31 ms is refused.
MAX_POLL_SECONDS = 3600

RESET_SIGNALS = [
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGCHLD,
]


class TaskFailure(Exception):
    """The task fails with this outcome and text."""

    def __init__(self, outcome, text):
        super().__init__(text)
        self.outcome = outcome
        self.text = text


class WorkerGone(Exception):
    """Nobody listens any more."""


class Task:
    """A request; `pid` (also the process group) is set once it runs."""

    __slots__ = (
        "id", "directory", "keep", "made", "time_limit", "stdin", "stdin_size", "cores",
        "success", "args", "env", "folders", "links", "files", "outputs", "pid", "timed_out",
    )  # fmt: skip

    def __init__(self, frame):
        (
            flags, self.id, self.time_limit, text_length,
            n_args, n_env, n_folders, n_links, n_files, n_outputs,
        ) = RUN_HEADER.unpack_from(frame, 1)  # fmt: skip
        at = 1 + RUN_HEADER.size
        end = at + text_length
        text = frame[at:end].split(b"\0")
        self.made = not flags & MAKE_DIRECTORY
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
        self.pid = 0
        self.timed_out = False


def show(name):
    return name.decode("utf-8", "replace")


def check_size(target, size, expected, name):
    """A file that is used in place must still be what the worker knows of it."""
    if expected and size != int(expected):
        raise TaskFailure(
            FAILED,
            "Input '%s': the file %s was changed: %d bytes now, %s expected"
            % (show(name), show(target), size, show(expected)),
        )


def find_program(program, path):
    """As execvp does, but with the PATH of the task."""
    if b"/" in program:
        return program
    denied = False
    for folder in path.split(b":"):
        candidate = (folder or b".") + b"/" + program
        if os.access(candidate, os.X_OK):
            if not os.path.isdir(candidate):
                return candidate
        elif not denied and os.path.isfile(candidate):
            denied = True
    raise TaskFailure(
        NOT_STARTED,
        ("found in PATH but not executable (PATH is %s)" if denied else "not found in PATH (%s)")
        % show(path),
    )


def read_small(path, limit):
    """The first `limit` bytes; nothing if there is no regular file."""
    try:
        # Not blocking: the program may have put a named pipe there.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return b""
        content = os.read(fd, limit)
        while len(content) < limit:
            more = os.read(fd, limit - len(content))
            if not more:
                break
            content += more
        return content
    except OSError:
        return b""
    finally:
        os.close(fd)


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass  # Nobody is left in it.


def remove(directory, budget):
    """Removes it if it has at most `budget` entries; gives what is left of the budget, or -1."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                budget -= 1
                if budget < 0:
                    return -1
                if entry.is_dir(follow_symlinks=False):
                    budget = remove(entry.path, budget)
                    if budget < 0:
                        return -1
                else:
                    os.unlink(entry.path)
        os.rmdir(directory)
        return budget
    except OSError:
        return -1


class Launcher:
    def __init__(self):
        self.base_env = {}
        self.waiting = {}  # id → task not started yet, in order
        self.running = {}  # pid → task
        self.running_by_id = {}
        self.deadlines = []  # heap of (time, id)
        self.input = bytearray()
        self.output = []
        self.output_bytes = 0
        self.null = os.open(os.devnull, os.O_RDONLY)
        self.all_cores = None
        self.pinned_to = None

    # Input and output.

    def serve(self):
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(wake_read, select.POLLIN)
        self.reply(bytes((READY,)) + self.why_no_pinning())
        self.flush()
        while True:
            for fd, _ in poll.poll(self.poll_timeout()):
                if fd == 0:
                    self.read_requests()
                else:
                    os.read(wake_read, 4096)
            for _ in range(min(MAX_STARTS_IN_A_ROW, len(self.waiting))):
                self.start(self.waiting.pop(next(iter(self.waiting))))
            self.reset_pinning()
            self.reap()
            if self.deadlines:
                self.expire()
            self.flush()

    def poll_timeout(self):
        if self.waiting:
            return 0
        if self.deadlines:
            rest = max(0, self.deadlines[0][0] - time.monotonic())
            return min(rest, MAX_POLL_SECONDS) * 1000
        return None

    def read_requests(self):
        chunk = os.read(0, 1 << 20)
        if not chunk:
            raise WorkerGone
        data = self.input
        data += chunk
        at = 0
        while len(data) - at >= 4:
            end = at + 4 + LENGTH.unpack_from(data, at)[0]
            if len(data) < end:
                break
            self.request(bytes(data[at + 4 : end]))
            at = end
        del data[:at]

    def request(self, frame):
        kind = frame[0]
        if kind == RUN:
            task = Task(frame)
            self.waiting[task.id] = task
        elif kind == KILL:
            self.kill(LENGTH.unpack_from(frame, 1)[0])
        elif kind == CONFIGURE:
            self.base_env = dict(v.split(b"=", 1) for v in frame[1:].split(b"\0") if v)

    def reply(self, frame):
        self.output.append(LENGTH.pack(len(frame)))
        self.output.append(frame)
        self.output_bytes += len(frame)
        if self.output_bytes > FLUSH_BYTES:
            self.flush()

    def flush(self):
        if not self.output:
            return
        data = memoryview(b"".join(self.output))
        self.output.clear()
        self.output_bytes = 0
        try:
            while data:
                data = data[os.write(1, data) :]
        except BrokenPipeError:
            raise WorkerGone from None

    def reply_ended(self, task, outcome, detail, parts, remains):
        frame = [ENDED_HEADER.pack(ENDED, task.id, outcome, remains, detail, len(parts))]
        for kind, content in parts:
            frame.append(PART_HEADER.pack(kind, len(content)))
            frame.append(content)
        self.reply(b"".join(frame))

    # Pinning.

    def why_no_pinning(self):
        try:
            self.all_cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, self.all_cores)
            return b""
        except AttributeError:
            return b"this system has no sched_setaffinity"
        except OSError as error:
            return error.strerror.encode("utf-8", "replace")

    def pin(self, cores):
        if cores == self.pinned_to or self.all_cores is None:
            return
        try:
            os.sched_setaffinity(0, cores or self.all_cores)
            self.pinned_to = cores
        except OSError as error:
            self.reset_pinning()
            listed = ", ".join(map(str, sorted(cores)))
            text = "core %s cannot be used: %s" % (listed, error.strerror)
            self.reply(bytes((PINNING_LOST,)) + text.encode("utf-8", "replace"))

    def reset_pinning(self):
        """This process itself shall not compete with one program for its core."""
        if self.pinned_to is not None:
            os.sched_setaffinity(0, self.all_cores)
            self.pinned_to = None

    # Starting.

    def start(self, task):
        try:
            pid = self.spawn(task)
        except TaskFailure as failure:
            self.fail(task, failure)
            return
        task.pid = pid
        self.running[pid] = task
        self.running_by_id[task.id] = task
        if task.time_limit:
            heapq.heappush(self.deadlines, (time.monotonic() + task.time_limit / 1000, task.id))
        self.output.append(STARTED_FRAME.pack(9, STARTED, task.id, pid))

    def spawn(self, task):
        stdin = stdout = stderr = -1
        try:
            self.make_directory(task)
            stdin = self.open_stdin(task) if task.stdin else self.null
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            stdout = os.open(b"+out", flags, 0o666)
            stderr = os.open(b"+err", flags, 0o666)
            self.pin(task.cores)
            return self.spawn_program(task, stdin, stdout, stderr)
        except OSError as error:
            raise TaskFailure(
                FAILED,
                "Working directory %s cannot be prepared: %s"
                % (show(task.directory), error.strerror),
            ) from None
        finally:
            if stdin not in (-1, self.null):
                os.close(stdin)
            if stdout != -1:
                os.close(stdout)
            if stderr != -1:
                os.close(stderr)

    def make_directory(self, task):
        if not task.made:
            os.mkdir(task.directory)
            task.made = True
        os.chdir(task.directory)
        for folder in task.folders:
            try:
                os.mkdir(folder)
            except FileExistsError:
                pass  # The worker has put a file into it.
        for name, target, size in task.links:
            try:
                check_size(target, os.stat(target).st_size, size, name)
                os.symlink(target, name)
            except OSError as error:
                raise TaskFailure(
                    FAILED,
                    "Input '%s': the file %s cannot be used: %s"
                    % (show(name), show(target), error.strerror),
                ) from None
        for name, content in task.files:
            try:
                with open(name, "xb", buffering=0) as file:
                    rest = memoryview(content)
                    while rest:
                        rest = rest[file.write(rest) :]
            except OSError as error:
                raise TaskFailure(
                    FAILED, "Input '%s' cannot be written: %s" % (show(name), error.strerror)
                ) from None

    def open_stdin(self, task):
        try:
            fd = os.open(task.stdin, os.O_RDONLY)
        except OSError as error:
            raise TaskFailure(
                FAILED,
                "Input '+in': the file %s cannot be used: %s" % (show(task.stdin), error.strerror),
            ) from None
        try:
            check_size(task.stdin, os.fstat(fd).st_size, task.stdin_size, b"+in")
        except TaskFailure:
            os.close(fd)
            raise
        return fd

    def spawn_program(self, task, stdin, stdout, stderr):
        env = self.base_env
        if task.env:
            env = dict(env)
            env.update(v.split(b"=", 1) for v in task.env)
        program = find_program(task.args[0], env.get(b"PATH", os.defpath.encode()))
        options = {
            # Opened here and not by file actions, so that what fails is the program itself.
            "file_actions": (
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_DUP2, stderr, 2),
            ),
            "setpgroup": 0,
            "setsigmask": (),
            "setsigdef": RESET_SIGNALS,
        }
        try:
            try:
                return os.posix_spawn(program, task.args, env, **options)
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                # A script without a first line that names its interpreter: as execvp does.
                args = [b"/bin/sh", program, *task.args[1:]]
                return os.posix_spawn(b"/bin/sh", args, env, **options)
        except OSError as error:
            text = error.strerror
            if error.errno == errno.ENOENT and os.path.exists(program):
                text = "the interpreter that it needs does not exist"
            raise TaskFailure(NOT_STARTED, text) from None

    # Ending.

    def reap(self):
        while self.running:
            try:
                # The group is killed before its leader is reaped: until then its number
                # can't belong to anybody else.
                if hasattr(os, "waitid"):
                    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                    if ended is None:
                        return
                    pid = ended.si_pid
                    kill_group(pid)
                    pid, status = os.waitpid(pid, 0)
                else:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if pid == 0:
                        return
                    kill_group(pid)
            except ChildProcessError:
                return
            task = self.running.pop(pid, None)
            if task is not None:
                del self.running_by_id[task.id]
                self.finish(task, status)

    def finish(self, task, status):
        if task.timed_out:
            outcome, detail = TIMED_OUT, 0
        elif os.WIFSIGNALED(status):
            outcome, detail = SIGNALLED, os.WTERMSIG(status)
        else:
            outcome, detail = EXITED, os.WEXITSTATUS(status)
            if detail in task.success:
                try:
                    parts = self.collect(task)
                except TaskFailure as failure:
                    self.fail(task, failure)
                    return
                # A file that the worker has to copy is still in the directory.
                remains = any(kind == IN_PLACE for kind, _ in parts) or not self.clear(task)
                self.reply_ended(task, SUCCEEDED, detail, parts, remains)
                return
        stderr = read_small(task.directory + b"/+err", MAX_STDERR_BYTES)
        remains = not self.clear(task)
        self.reply_ended(task, outcome, detail, [(INLINE, stderr)], remains)

    def fail(self, task, failure):
        remains = not self.clear(task)
        text = failure.text.encode("utf-8", "replace")
        self.reply_ended(task, failure.outcome, 0, [(INLINE, text)], remains)

    def clear(self, task):
        """Whether nothing is left for the worker to remove."""
        if task.keep or not task.made:
            return True
        return remove(task.directory, MAX_REMOVED_ENTRIES) >= 0

    def collect(self, task):
        parts = [self.output_part(task, name) for name in task.outputs]
        for i, (kind, path) in enumerate(parts):
            # Only now, when all outputs are known to be there.
            if kind == MOVED:
                try:
                    os.rename(path, b"%s.out%d" % (task.directory, i))
                except OSError as error:
                    for j in range(i):
                        if parts[j][0] == MOVED:
                            os.unlink(b"%s.out%d" % (task.directory, j))
                    raise TaskFailure(
                        FAILED,
                        "Output '%s' cannot be taken: %s"
                        % (show(task.outputs[i]), error.strerror),
                    ) from None
                parts[i] = (MOVED, b"")
        return parts

    def output_part(self, task, name):
        path = task.directory + b"/" + name
        try:
            info = os.lstat(path)
            own = stat.S_ISREG(info.st_mode) and info.st_nlink == 1 and not task.keep
            if stat.S_ISLNK(info.st_mode):
                info = os.stat(path)
            if own and b"/" in name:
                # The program may have replaced a folder by a link to a foreign one.
                own = os.path.realpath(path) == path
            if stat.S_ISREG(info.st_mode) and info.st_size <= MAX_INLINE_BYTES:
                if not os.access(path, os.R_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return INLINE, read_small(path, MAX_INLINE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            raise TaskFailure(FAILED, "Output file '%s' is missing" % show(name)) from None
        except OSError as error:
            raise TaskFailure(
                FAILED, "Output file '%s' cannot be read: %s" % (show(name), error.strerror)
            ) from None
        if stat.S_ISDIR(info.st_mode):
            raise TaskFailure(FAILED, "Output '%s' is a directory, not a file" % show(name))
        if not stat.S_ISREG(info.st_mode):
            raise TaskFailure(FAILED, "Output '%s' is not a regular file" % show(name))
        return (MOVED, path) if own else (IN_PLACE, b"")

    # Killing.

    def kill(self, task_id):
        task = self.running_by_id.get(task_id)
        if task is not None:
            kill_group(task.pid)
            return
        task = self.waiting.pop(task_id, None)
        if task is not None:
            self.reply_ended(
                task, SIGNALLED, signal.SIGKILL, [(INLINE, b"")], remains=not self.clear(task)
            )

    def expire(self):
        now = time.monotonic()
        while self.deadlines and self.deadlines[0][0] <= now:
            task = self.running_by_id.get(heapq.heappop(self.deadlines)[1])
            if task is not None:
                task.timed_out = True
                kill_group(task.pid)

    def kill_all(self):
        for pid in self.running:
            kill_group(pid)


def main():
    # What the worker was given by whoever started it is not for the programs.
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # The one that listed the folder.
    launcher = Launcher()
    try:
        launcher.serve()
    except WorkerGone:
        pass
    finally:
        launcher.kill_all()


main()
