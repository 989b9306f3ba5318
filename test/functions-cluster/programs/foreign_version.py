"""Functions for a worker whose Python is another one than this; prints how each of them ends."""

import json

from loom.client import Client, TaskFailed, tasks


def outcome(future):
    try:
        return future.gather(timeout=30).decode()
    except TaskFailed as error:
        return str(error)


@tasks.py_task
def by_value(a):
    return a.read() * 2


with Client() as client:
    futures = client.submit(
        [
            by_value("a"),
            tasks.py_call(repr, [tasks.const("a")]),
        ]
    )
    print(json.dumps([outcome(future) for future in futures]))
