"""The main cases of functions from the Python client, on a cluster with one worker of two cores.

Called with the paths of text.mjs and of a folder for notes; LOOM_SERVER names the cluster.
Says nothing when all is right.
"""

import ctypes
import os
import sys
import threading
import time

import cloudpickle

from loom.client import Client, LoomError, TaskFailed, tasks

TEXT_MODULE, FOLDER = sys.argv[1:]
SUFFIX = "!"  # travels with the functions that use it


class Point:
    """Defined in a script: pickled by value."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


@tasks.py_task
def upper(text):
    return text.read().upper() + SUFFIX.encode()


@tasks.py_task(context=True, n_direct_args=1)
def point(ctx, x, y):
    return ctx.wrap(Point(x, len(y.read())))


@tasks.py_task(context=True)
def moved(ctx, a):
    old = a.unwrap()
    return ctx.wrap(Point(old.y, old.x))


@tasks.py_task
def pieces(*inputs):
    return [inputs[-1], [piece.read() for piece in inputs[0]], "x" * 100_000]


@tasks.py_task
def chosen(text):
    if text.read().startswith(b"go on"):
        return tasks.merge([upper(text), tasks.js_call(TEXT_MODULE + ":shout", [text])], "|")
    return text


def failure_of(client, task):
    try:
        value = client.submit_one(task).gather(timeout=30)
    except TaskFailed as error:
        return error
    raise AssertionError(f"it gave {value!r} instead of failing")


def raises(kind, function):
    try:
        function()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def mixed(client):
    shout = tasks.js_call(TEXT_MODULE + ":shout", [upper("abc")])
    lines = tasks.run("tee copy", stdin=tasks.merge([shout, tasks.const("two")], "\n"))
    all_pieces = pieces(tasks.split(lines), tasks.py_value(Point(1, 2)))
    value, texts, large = client.submit_one(all_pieces).gather(timeout=30)
    assert value == Point(1, 2), value
    assert texts == [b"ABC!!\n", b"two"], texts
    assert len(large) == 100_000
    made = client.submit_one(point(7, "abc"))
    again = client.submit_one(moved(made))
    assert again.gather(timeout=30) == Point(3, 7)
    assert made.gather(timeout=30) == Point(7, 3)
    assert client.submit_one(chosen("go on")).gather(timeout=30) == b"GO ON!|GO ON!"
    assert client.submit_one(chosen("stop")).gather(timeout=30) == b"stop"
    # What the function uses may change between plans.
    global SUFFIX
    SUFFIX = "?"
    assert client.submit_one(upper("a")).gather(timeout=30) == b"A?"


def crashes(client):
    beside = client.submit_one(tasks.py_call(lambda: time.sleep(1) or "unharmed"))

    def leave():
        print("last words", file=sys.stderr)
        os._exit(7)

    error = failure_of(client, tasks.py_call(leave))
    assert (error.label, error.exit_status) == ("leave", 7), error
    assert "ended with exit status 7\nStderr:\nlast words" in str(error), error
    error = failure_of(client, tasks.py_call(lambda: ctypes.string_at(0)))
    assert error.signal == "SIGSEGV" and "Segmentation fault" in str(error), error
    endless = tasks.py_call(lambda: time.sleep(1000))
    endless.time_limit = 0.2
    assert "Time limit of 200 ms exceeded" in str(failure_of(client, endless))
    note = os.path.join(FOLDER, "once")

    def once():
        with open(note, "a") as file:
            file.write("called\n")
        os._exit(1)

    task = tasks.py_call(once)
    task.policy = "once"
    failure_of(client, task)
    with open(note) as file:
        assert file.read() == "called\n"
    running = client.submit_one(tasks.py_call(lambda: time.sleep(1000)))
    running.release()
    assert beside.gather(timeout=30) == b"unharmed"


def wrong_use(client):
    lock = threading.Lock()
    message = raises(LoomError, lambda: tasks.py_call(lambda: lock.locked()))
    assert "lock" in message and "<lambda>" in message, message
    message = raises(LoomError, lambda: point(lock, "a"))
    assert "direct argument 1" in message and "point" in message, message

    def nothing():
        pass

    assert "None: it returns nothing" in str(failure_of(client, tasks.py_call(nothing)))
    assert "a generator" in str(failure_of(client, tasks.py_call(lambda: (i for i in "ab"))))
    assert "int: return" in str(failure_of(client, tasks.py_call(lambda: 5)))

    def divides():
        return 1 / 0

    error = failure_of(client, tasks.py_call(divides))
    assert error.label == "divides", error
    lines = str(error).splitlines()
    assert lines[-1] == "ZeroDivisionError: division by zero", error
    # With the line of this file.
    assert any(f'File "{__file__}", line' in line and "in divides" in line for line in lines), error
    assert "function_process" not in str(error), error
    message = str(failure_of(client, tasks.js_call("/no/such/module.mjs:f", [])))
    assert "/no/such/module.mjs" in message, message
    message = str(failure_of(client, tasks.js_call(TEXT_MODULE + ":nothing", [])))
    assert "it exports pingPong, shout" in message, message
    too_many = tasks.py_call(nothing, [tasks.const("a")])
    assert "takes 0 positional arguments" in str(failure_of(client, too_many))


def context(client):
    lines = []
    stop = client.on_log(lines.append)

    @tasks.py_task(context=True)
    def tells(ctx):
        for level in ("debug", "info", "warn", "error", "critical"):
            getattr(ctx, "log_" + level)(f"a {level}")
        return f"{ctx.task_id} {ctx.attempt}"

    future = client.submit_one(tells())
    assert future.fetch(timeout=30) == f"{future.task_id} 1".encode(), future.fetch()
    assert [(line.level, line.message) for line in lines] == [
        (level, f"a {level}") for level in ("debug", "info", "warn", "error", "critical")
    ], lines
    assert {line.task_id for line in lines} == {future.task_id}
    stop()
    future.release()


def batches(client):
    """Tiny functions by the thousand, one of which ends its process."""

    @tasks.py_task(n_direct_args=1)
    def tiny(i):
        if i == 1500:
            os._exit(1)
        return str(i)

    client.gather(client.submit([tiny(i) for i in range(3)]), timeout=30)
    futures = client.submit([tiny(i) for i in range(2000)])
    for i, future in enumerate(futures):
        try:
            assert future.gather(timeout=30) == str(i).encode()
        except TaskFailed:
            assert i == 1500, i
        else:
            assert i != 1500


def main():
    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    with Client() as client:
        for part in (mixed, crashes, wrong_use, context, batches):
            part(client)
        deadline = time.time() + 30
        while client.get_stats()["n_data_objects"] or client.get_status()["tasks"]["unfinished"]:
            assert time.time() < deadline, client.get_stats()
            time.sleep(0.01)


main()
