"""What a plan costs the Python client: the plans of plans.ts, made and submitted.

    encode_plans.py ADDRESS REPEAT NAME SIZE...

Prints a JSON object: seconds of making the task objects, and of submit, 1 + REPEAT each. Called by
encode-case.ts.
"""

import json
import sys
import time

from loom import Client, tasks


def small_const(i):
    return tasks.const(bytes([i & 0xFF, (i >> 8) & 0xFF]))


def fanout(count):
    return tasks.array_make([small_const(i) for i in range(count)])


def tree(leaves):
    level = [small_const(i) for i in range(leaves)]
    while len(level) > 1:
        level = [tasks.merge(level[i : i + 2]) for i in range(0, len(level), 2)]
    return level[0]


def layers(depth, width):
    layer = [small_const(i) for i in range(width)]
    for _ in range(depth):
        layer = [
            tasks.get(tasks.array_make([layer[(i + step) % width] for step in (0, 1, 7)]), i % 3)
            for i in range(width)
        ]
    return tasks.array_make(layer)


PLANS = {"fanout": fanout, "tree": tree, "layers": layers}


def main(address, repeat, name, *sizes):
    build, submit = [], []
    with Client(address) as client:
        for _ in range(int(repeat) + 1):
            start = time.perf_counter()
            task = PLANS[name](*(int(size) for size in sizes))
            built = time.perf_counter()
            future = client.submit_one(task)
            submitted = time.perf_counter()
            future.wait()
            future.release()
            build.append(built - start)
            submit.append(submitted - built)
    print(json.dumps({"buildSeconds": build, "submitSeconds": submit}))


if __name__ == "__main__":
    main(*sys.argv[1:])
