"""What a worker starts to run Python functions: checks the interpreter, sets up sys.path, serves.

    python3 main.py --check   prints what this interpreter is, or why it can't be used, as JSON
    python3 main.py           speaks docs/function-processes.md on file descriptor 3

Owns the decision whether this interpreter will do, and what user code finds on sys.path.
Any Python can read this file, so that an old one gets to say that it is too old.
"""

import os
import sys

OLDEST_PYTHON = (3, 9)
OLDEST_CLOUDPICKLE = 2
SOCKET = 3
HERE = os.path.dirname(os.path.realpath(__file__))
PACKAGE = "hyperloom_function_process"
VERSION = "%d.%d.%d" % sys.version_info[:3]


def set_up_path():
    # type: () -> None
    """What user code can import: what Python itself says, the current directory, our `loom`.

    Ours comes last: a package `loom` of the user's wins.
    """
    if sys.path and os.path.realpath(sys.path[0]) == HERE:
        del sys.path[0]
    try:
        current = os.getcwd()
    except OSError:  # it was removed
        current = None
    for folder in (current, os.path.dirname(HERE)):
        if folder is not None and folder not in sys.path:
            sys.path.append(folder)


def cloudpickle_version(path):
    # type: (str) -> str
    """The version of the package with this __init__.py; importing it would cost 50 ms."""
    with open(path, "rb") as file:
        for line in file:
            if line.startswith(b"__version__"):
                return line.partition(b"=")[2].strip().strip(b"'\"").decode()
    from importlib.metadata import version  # slow, and fine for a rare case

    return version("cloudpickle")


def check():
    # type: () -> dict[str, str]
    """What this interpreter is; with "error" if it can't be used: why, and what to do."""
    found = {"version": VERSION}
    name = "Python %s (%s)" % (VERSION, sys.executable)
    if sys.version_info < OLDEST_PYTHON:
        found["error"] = "%s is too old to run functions: %d.%d or newer is needed" % (
            (name,) + OLDEST_PYTHON
        )
        return found
    from importlib.util import find_spec

    install = '%s -m pip install "cloudpickle>=%d"' % (sys.executable, OLDEST_CLOUDPICKLE)
    try:
        spec = find_spec("cloudpickle")
        if spec is None or spec.origin is None:
            found["error"] = "%s can't run functions: it has no cloudpickle. Install it: %s" % (
                name,
                install,
            )
            return found
        found["cloudpickle"] = cloudpickle_version(spec.origin)
        if int(found["cloudpickle"].partition(".")[0]) < OLDEST_CLOUDPICKLE:
            found["error"] = "%s has cloudpickle %s, which is too old. Update it: %s" % (
                name,
                found["cloudpickle"],
                install,
            )
    except Exception as error:
        found["error"] = (
            "%s can't run functions: its cloudpickle can't be used: %s. Install: %s"
            % (
                name,
                error,
                install,
            )
        )
    return found


def refuse(reason):
    # type: (str) -> int
    """Answers READY with the reason, and waits until the worker has read it and hangs up."""
    import json
    import struct

    text = json.dumps({"error": reason}).encode()
    try:
        os.write(SOCKET, struct.pack("<IBI", 5 + len(text), 0, len(text)) + text)
        while os.read(SOCKET, 65536):
            pass
    except OSError:  # the worker has hung up
        pass
    return 1


def main():
    # type: () -> int
    parent = os.getppid()
    options = sys.argv[1:]
    set_up_path()
    if options == ["--check"]:
        import json

        print(json.dumps(check()))
        return 0
    if options:
        sys.stderr.write("usage: main.py [--check]; a HyperLoom worker starts it\n")
        return 2
    try:
        import stat

        if not stat.S_ISSOCK(os.fstat(SOCKET).st_mode):
            raise OSError("it is no socket")
    except OSError as error:
        sys.stderr.write(
            "file descriptor %d: %s; this program is started by a HyperLoom worker\n"
            % (SOCKET, error)
        )
        return 2
    found = check()
    if "error" in found:
        return refuse(found["error"])
    package = type(sys)(PACKAGE)
    package.__path__ = [HERE]
    sys.modules[PACKAGE] = package
    try:
        from hyperloom_function_process.serve import serve  # type: ignore[import-not-found]
    except Exception as error:  # a broken cloudpickle or standard library
        return refuse(
            "Python %s (%s) can't run functions: %s: %s"
            % (VERSION, sys.executable, type(error).__name__, error)
        )
    serve(SOCKET, parent)
    return 0


# Processes that user code starts with multiprocessing import this file under another name.
if __name__ == "__main__":
    sys.exit(main())
