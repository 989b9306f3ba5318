"""The directories that programs work in: filled, looked through for outputs, emptied.

Owns their files and which emptied ones are used again; knows no process. Used by launcher.py.

A task's directory is empty but for the files `+out` and `+err`, and has a name of its own.
Underneath, emptied directories and their two files are used again under new names: on ext4
making and removing them costs 0.2 ms a task, and up to 2 ms after many removals, because
new files then avoid the places of those removed lately. Renaming costs 0.02 ms. What could
still be written to by a process that has left its group is not used again, except for its
directory, whose name it does not know any more.
"""
import errno
import os
import stat

try:
    from fcntl import F_SETLEASE, F_UNLCK, F_WRLCK, fcntl
except ImportError:  # Not Linux.
    fcntl = None

from launch_tasks import FAILED, INLINE, IN_PLACE, MOVED, TaskFailure, show

MAX_INLINE_BYTES = 4096
# Entries removed here; a fuller directory is left to the worker.
MAX_REMOVED_ENTRIES = 64
MAX_IDLE_DIRECTORIES = 128

STREAMS = (b"+out", b"+err")
OPEN_STREAM = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
# Not blocking: the program may have put a named pipe there.
OPEN_OWN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def new_mode(mode):
    umask = os.umask(0)
    os.umask(umask)
    return mode & ~umask


class WorkingDirectories:
    def __init__(self):
        self.null = os.open(os.devnull, os.O_RDONLY)
        self.idle = []
        self.idle_number = 0
        self.directory_mode = stat.S_IFDIR | new_mode(0o777)
        self.stream_mode = stat.S_IFREG | new_mode(0o666)

    # Before the program.

    def prepare(self, task):
        """Makes the directory current and fills it. Gives the files for 0, 1 and 2."""
        fds = []
        try:
            if not task.made:
                self.make(task.directory)
                task.made = True
            os.chdir(task.directory)
            for folder in task.folders:
                try:
                    os.mkdir(folder)
                except FileExistsError:
                    pass  # The worker has put a file into it.
            for link in task.links:
                make_link(*link)
            fds.append(self.open_stdin(task))
            for name, content in task.files:
                write_file(name, content)
            for stream in STREAMS:
                fds.append(os.open(stream, OPEN_STREAM, 0o666))
            return fds
        except (TaskFailure, OSError) as error:
            self.close_streams(fds)
            if isinstance(error, TaskFailure):
                raise
            raise TaskFailure(
                FAILED,
                "Working directory %s cannot be prepared: %s"
                % (show(task.directory), error.strerror),
            ) from None

    def close_streams(self, fds):
        for fd in fds:
            if fd != self.null:
                os.close(fd)

    def make(self, directory):
        while self.idle:
            try:
                os.rename(self.idle.pop(), directory)
                return
            except OSError:
                pass  # Somebody has removed it.
        os.mkdir(directory)

    def open_stdin(self, task):
        if not task.stdin:
            return self.null
        for i, (name, content) in enumerate(task.files):
            if name == b"+in":
                del task.files[i]
                if hasattr(os, "memfd_create") and not task.keep:
                    # No file of the disk is needed for it.
                    fd = os.memfd_create("+in")
                    write_all(fd, content)
                    os.lseek(fd, 0, os.SEEK_SET)
                    return fd
                write_file(name, content)
                break
        try:
            fd = os.open(task.stdin, os.O_RDONLY | os.O_CLOEXEC)
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

    # After the program.

    def collect(self, task):
        """The outputs as parts of a reply; big ones are moved beside the directory."""
        parts = [output_part(task, name) for name in task.outputs]
        moved = []
        for i, (kind, path) in enumerate(parts):
            # Only now, when all outputs are known to be there.
            if kind != MOVED:
                continue
            target = b"%s.out%d" % (task.directory, i)
            try:
                os.rename(path, target)
            except OSError as error:
                for other in moved:
                    os.unlink(other)
                raise TaskFailure(
                    FAILED,
                    "Output '%s' cannot be taken: %s" % (show(task.outputs[i]), error.strerror),
                ) from None
            moved.append(target)
            parts[i] = (MOVED, b"")
        return parts

    def clear(self, task):
        """Whether nothing is left for the worker to remove."""
        if task.keep or not task.made:
            return True
        if not task.recyclable or len(self.idle) >= MAX_IDLE_DIRECTORIES or fcntl is None:
            return remove(task.directory, MAX_REMOVED_ENTRIES) >= 0
        try:
            if os.lstat(task.directory).st_mode != self.directory_mode:
                return remove(task.directory, MAX_REMOVED_ENTRIES) >= 0
            if empty(task.directory, MAX_REMOVED_ENTRIES, self.recycle_stream) < 0:
                return False
            self.idle_number += 1
            folder = os.path.dirname(task.directory)
            # With the number of this process, so that the worker finds them after its death.
            idle = b"%s/idle-%d-%d" % (folder, os.getpid(), self.idle_number)
            os.rename(task.directory, idle)
            self.idle.append(idle)
            return True
        except OSError:
            return False

    def recycle_stream(self, entry):
        """Empties `+out` or `+err`; false if it can't be used again."""
        if entry.name not in STREAMS:
            return False
        try:
            fd = os.open(entry.path, os.O_WRONLY | OPEN_OWN)
        except OSError:
            return False
        try:
            info = os.fstat(fd)
            if info.st_mode != self.stream_mode or info.st_nlink != 1:
                return False
            # Refused as long as anybody else has it open.
            fcntl(fd, F_SETLEASE, F_WRLCK)
            fcntl(fd, F_SETLEASE, F_UNLCK)
            if info.st_size:
                os.ftruncate(fd, 0)
            return True
        except OSError:
            return False
        finally:
            os.close(fd)

    def remove_idle(self):
        for directory in self.idle:
            remove(directory, MAX_REMOVED_ENTRIES)


def make_link(name, target, size):
    try:
        check_size(target, os.stat(target).st_size, size, name)
        os.symlink(target, name)
    except OSError as error:
        raise TaskFailure(
            FAILED,
            "Input '%s': the file %s cannot be used: %s"
            % (show(name), show(target), error.strerror),
        ) from None


def check_size(target, size, expected, name):
    """A file that is used in place must still be what the worker knows of it."""
    if expected and size != int(expected):
        raise TaskFailure(
            FAILED,
            "Input '%s': the file %s was changed: %d bytes now, %s expected"
            % (show(name), show(target), size, show(expected)),
        )


def write_file(name, content):
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            write_all(fd, content)
        finally:
            os.close(fd)
    except OSError as error:
        raise TaskFailure(
            FAILED, "Input '%s' cannot be written: %s" % (show(name), error.strerror)
        ) from None


def write_all(fd, content):
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def output_part(task, name):
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
            if not info.st_size:
                return INLINE, b""
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


def read_small(path, limit):
    """The first `limit` bytes; nothing if there is no regular file."""
    try:
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


def read_ends(path, limit):
    """All of it; of more than `limit` bytes whole lines of the beginning and of the end, half of
    that each, and between them how much is left out."""
    content = read_small(path, limit + 1)
    if len(content) <= limit:
        return content
    half = limit // 2
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(size - half)
            tail = stream.read(half)
    except OSError:
        return content[:limit]
    head = content[:half]
    if b"\n" in head:
        head = head[: head.rindex(b"\n")]
    else:
        head = whole_characters(head)
    start = tail.find(b"\n", 0, -1) + 1
    while start < 4 and tail[start] & 0xC0 == 0x80:
        start += 1  # the rest of a character
    tail = tail[start:]
    left_out = size - len(head) - len(tail)
    return head + b"\n[... %d bytes left out ...]\n" % left_out + tail


def whole_characters(text):
    """Without the beginning of a character at its end (UTF-8)."""
    for back in range(1, min(4, len(text)) + 1):
        byte = text[-back]
        if byte & 0xC0 != 0x80:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return text if length <= back else text[:-back]
    return text


def empty(directory, budget, keep):
    """Removes at most `budget` entries, not those that `keep` says yes to. Gives the rest of
    the budget, -1 if it does not suffice."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if keep(entry):
                continue
            budget -= 1
            if budget < 0:
                return -1
            if entry.is_dir(follow_symlinks=False):
                budget = remove(entry.path, budget)
                if budget < 0:
                    return -1
            else:
                os.unlink(entry.path)
    return budget


def remove(directory, budget):
    """As `empty`, and the directory itself; -1 also if it fails."""
    try:
        budget = empty(directory, budget, lambda entry: False)
        if budget >= 0:
            os.rmdir(directory)
        return budget
    except OSError:
        return -1
