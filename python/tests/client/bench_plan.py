"""Measures how fast plans are built and encoded: python tests/client/bench_plan.py [tasks].

For each shape the best of three: making the tasks, then numbering and encoding them. No server.
"""

import sys
import time

from loom.client import tasks
from loom.client.plan import encode_plan

SYMBOLS = {
    name: number
    for number, name in enumerate(
        ["loom/resource/cpus", "loom/data/const", "loom/data/merge", "loom/run/run"]
    )
}


def chain(count):
    """Each task needs the one before: a path through all of them."""
    task = tasks.const("x")
    for _ in range(count - 1):
        task = tasks.merge([task])
    return [task]


def flat(count):
    """Tasks that need nothing, all of them results."""
    return [tasks.const("x") for _ in range(count)]


def programs(count):
    """Programs on one input."""
    source = tasks.const("x")
    return [tasks.run("wc -c", stdin=source) for _ in range(count - 1)]


def wide(count):
    """Layers of a hundred tasks, each of which needs ten of the layer before."""
    layer = [tasks.const("x") for _ in range(100)]
    for _ in range(count // 100 - 1):
        layer = [tasks.merge(layer[i : i + 10] or layer) for i in range(100)]
    return layer


def measure(make, count):
    best_make = best_encode = float("inf")
    size = 0
    for _ in range(3):
        start = time.perf_counter()
        results = make(count)
        made = time.perf_counter()
        plan = encode_plan(results, 0, SYMBOLS, lambda given, task: 0, False)
        encoded = time.perf_counter()
        best_make = min(best_make, made - start)
        best_encode = min(best_encode, encoded - made)
        size = sum(map(len, plan.frame))
        assert abs(plan.n_tasks - count) <= 100, plan.n_tasks
        del results, plan
    print(
        f"{make.__name__:10} {count} tasks: made in {best_make * 1000:5.0f} ms, "
        f"encoded in {best_encode * 1000:5.0f} ms, {size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for make in (chain, flat, programs, wide):
        measure(make, count)
