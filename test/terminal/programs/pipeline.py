"""The same as pipeline.ts with the Python client."""

import os
import sys
import time

from loom import Client, LoomError, tasks

address, folder, *seconds = sys.argv[1:]


def step(label: str, shell: str) -> tasks.Task:
    task = tasks.run(["sh", "-c", shell])
    task.label = label
    return task


def wait_for(name: str) -> None:
    while not os.path.exists(os.path.join(folder, name)):
        time.sleep(0.02)


with Client(address) as client:
    wait = f"while [ ! -e {os.path.join(folder, 'go')} ]; do sleep 0.02; done"
    if seconds:
        wait = f"sleep {seconds[0]}"
    futures = client.submit(
        [step("load: a", "true"), step("train: fold 1", wait), step("train: fold 2", "exit 3")]
    )
    wait_for("print")
    print("line 1\nline 2")
    print("begin", end="", flush=True)
    wait_for("end")
    print(" and end")
    print("line 3", file=sys.stderr)
    for future in futures:
        try:
            future.wait()
        except LoomError:
            pass
    print("all done")
print("closed")
