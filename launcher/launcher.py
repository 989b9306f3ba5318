"""Starts programs for a HyperLoom worker, so that the worker itself never has to fork.

Owns: starting, pinning, waiting and killing; files are in working_directories.py. Does not
decide what to run: the worker (src/executors/program) sends requests on standard input and
gets replies on standard output, see launch_tasks.py. launcher.mjs does the same.

One thread. Nothing here may take long, as all programs of this launcher wait meanwhile:
big copies and the removal of big directories are left to the worker.

When standard input ends, the worker is gone: all programs are killed, the directories named as
arguments are removed, and this process ends.
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
import time

# Isolated mode leaves the script's own folder out.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from launch_tasks import (  # noqa: E402
    CONFIGURE,
    EXITED,
    FAILED,
    INLINE,
    IN_PLACE,
    KILL,
    LENGTH,
    NOT_STARTED,
    PINNING_LOST,
    READY,
    RUN,
    SIGNALLED,
    STARTED,
    STARTED_FRAME,
    SUCCEEDED,
    TIMED_OUT,
    Task,
    TaskFailure,
    ended_frame,
    show,
)
from working_directories import WorkingDirectories, read_ends  # noqa: E402

MAX_STDERR_BYTES = 128 * 1024
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
    signal.SIGIO,
]


class WorkerGone(Exception):
    """Nobody listens any more."""


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


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass  # Nobody is left in it.


class Launcher:
    def __init__(self):
        self.base_env = {}
        self.waiting = {}  # by id, not started yet, in order
        self.running = {}  # by process id
        self.running_by_id = {}
        self.deadlines = []  # heap of (time, id)
        self.input = bytearray()
        self.output = []
        self.output_bytes = 0
        self.directories = WorkingDirectories()
        self.all_cores = None
        self.pinned_to = None

    # Input and output.

    def serve(self):
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        # Somebody opens a file that we hold a lease on, see recycle_stream.
        signal.signal(signal.SIGIO, signal.SIG_IGN)
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
        self.reply(ended_frame(task, outcome, detail, parts, remains))

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
        streams = self.directories.prepare(task)
        try:
            self.pin(task.cores)
            return self.spawn_program(task, streams)
        finally:
            self.directories.close_streams(streams)

    def spawn_program(self, task, streams):
        env = self.base_env
        if task.env:
            env = dict(env)
            env.update(v.split(b"=", 1) for v in task.env)
        program = find_program(task.args[0], env.get(b"PATH", os.defpath.encode()))
        options = {
            # Opened here and not by file actions, so that what fails is the program itself.
            "file_actions": [(os.POSIX_SPAWN_DUP2, fd, i) for i, fd in enumerate(streams)],
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
                self.forget_deadlines()
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
                    parts = self.directories.collect(task)
                except TaskFailure as failure:
                    self.fail(task, failure)
                    return
                # A file that the worker has to copy is still in the directory.
                remains = any(kind == IN_PLACE for kind, _ in parts) or not self.directories.clear(task)
                self.reply_ended(task, SUCCEEDED, detail, parts, remains)
                return
        stderr = read_ends(task.directory + b"/+err", MAX_STDERR_BYTES)
        remains = not self.directories.clear(task)
        self.reply_ended(task, outcome, detail, [(INLINE, stderr)], remains)

    def fail(self, task, failure):
        remains = not self.directories.clear(task)
        text = failure.text.encode("utf-8", "replace")
        self.reply_ended(task, failure.outcome, 0, [(INLINE, text)], remains)

    # Killing.

    def kill(self, task_id):
        task = self.running_by_id.get(task_id)
        if task is not None:
            kill_group(task.pid)
            return
        task = self.waiting.pop(task_id, None)
        if task is not None:
            self.reply_ended(
                task, SIGNALLED, signal.SIGKILL, [(INLINE, b"")], remains=not self.directories.clear(task)
            )

    def expire(self):
        now = time.monotonic()
        while self.deadlines and self.deadlines[0][0] <= now:
            task = self.running_by_id.get(heapq.heappop(self.deadlines)[1])
            if task is not None:
                task.timed_out = True
                kill_group(task.pid)

    def forget_deadlines(self):
        """Those of ended programs, when they are most of them."""
        if len(self.deadlines) > 2 * len(self.running) + 1000:
            self.deadlines = [one for one in self.deadlines if one[1] in self.running_by_id]
            heapq.heapify(self.deadlines)

    def kill_all(self):
        for pid in self.running:
            kill_group(pid)


def remove_directories(paths):
    """What a worker that was killed could not remove itself."""
    if any(os.path.isdir(path) for path in paths):
        import shutil  # Costs too much for every start.

        for path in paths:
            shutil.rmtree(path, ignore_errors=True)


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
        launcher.kill_all()
        remove_directories(sys.argv[1:])
    finally:
        launcher.kill_all()
        launcher.directories.remove_idle()


main()
