"""Measures Dask with the graphs of dask_graphs.py.

    dask_client.py ADDRESS SCHEDULER_PID WORKERS REPEAT NAME:SIZE[,SIZE] ...

Waits for the workers. Each graph runs 1 + REPEAT times; the first time does not count. Prints one line of
JSON per graph: the seconds from just before the graph is handed to the client until the result is
finished on a worker (it is not fetched), and the CPU seconds of the scheduler. Called by
dask-peer.ts.
"""

import json
import os
import sys
import time

import distributed
from dask_graphs import GRAPHS


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until_empty(client):
    """So that cleaning up after one graph does not count for the next."""
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) > 0:
        time.sleep(0.02)


def measure(client, scheduler_pid, name, sizes, repeat):
    seconds, cpu = [], []
    for i in range(repeat + 1):
        # The scheduler keeps results by key: a new one each time.
        graph, key = GRAPHS[name](f"{name}-{sizes[0]}-{i}", *sizes)
        cpu_before = cpu_seconds(scheduler_pid)
        start = time.perf_counter()
        future = client.get(graph, key, sync=False, optimize_graph=False)
        distributed.wait(future)
        took = time.perf_counter() - start
        if future.status != "finished":
            raise SystemExit(f"dask_client: {name} ended as {future.status}: {future.exception()}")
        del future
        until_empty(client)
        if i > 0:
            seconds.append(took)
            cpu.append(cpu_seconds(scheduler_pid) - cpu_before)
    return {"name": name, "tasks": len(graph), "seconds": seconds, "schedulerCpuSeconds": cpu}


def main(address, scheduler_pid, workers, repeat, *graphs):
    with distributed.Client(address, timeout=60) as client:
        client.wait_for_workers(int(workers), timeout=300)
        for spec in graphs:
            name, _, sizes = spec.partition(":")
            figures = measure(
                client, scheduler_pid, name, [int(size) for size in sizes.split(",")], int(repeat)
            )
            print(json.dumps({**figures, "version": distributed.__version__}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
