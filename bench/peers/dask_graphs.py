"""The graphs of plans.ts for Dask: the same tasks, the same edges. Owns the functions that workers
call, too, so workers import this module.

A graph is a dict of key -> (function, argument, ...); arguments that are keys are inputs.
"""

import subprocess
import tempfile


def const(data):
    return data


def merge(*parts):
    return b"".join(parts)


def array(*elements):
    return elements


def get(elements, index):
    return elements[index]


def run_true(_number):
    """A program in a fresh directory, its standard output collected."""
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.run(["/bin/true"], cwd=folder, stdout=subprocess.PIPE, check=True)
    return program.stdout


def _small_const(i):
    return (const, bytes([i & 0xFF, (i >> 8) & 0xFF]))


def fanout(prefix, count):
    graph = {f"{prefix}-{i}": _small_const(i) for i in range(count)}
    return _with_array(graph, prefix, list(graph))


def tree(prefix, leaves):
    level = [f"{prefix}-leaf-{i}" for i in range(leaves)]
    graph = {key: _small_const(i) for i, key in enumerate(level)}
    depth = 0
    while len(level) > 1:
        below = level
        level = [f"{prefix}-{depth}-{i}" for i in range(len(below) // 2)]
        for i, key in enumerate(level):
            graph[key] = (merge, below[2 * i], below[2 * i + 1])
        depth += 1
    return graph, level[0]


def chain(prefix, length):
    graph = {f"{prefix}-0": (const, b"x")}
    for i in range(length):
        graph[f"{prefix}-{i + 1}"] = (merge, f"{prefix}-{i}")
    return graph, f"{prefix}-{length}"


def layers(prefix, depth, width):
    layer = [f"{prefix}-const-{i}" for i in range(width)]
    graph = {key: _small_const(i) for i, key in enumerate(layer)}
    for level in range(depth):
        before = layer
        layer = []
        for i in range(width):
            three, one = f"{prefix}-array-{level}-{i}", f"{prefix}-get-{level}-{i}"
            graph[three] = (array, *(before[(i + step) % width] for step in (0, 1, 7)))
            graph[one] = (get, three, i % 3)
            layer.append(one)
    return _with_array(graph, prefix, layer)


def run(prefix, count):
    graph = {f"{prefix}-{i}": (run_true, i) for i in range(count)}
    return _with_array(graph, prefix, list(graph))


def _with_array(graph, prefix, keys):
    graph[f"{prefix}-result"] = (array, *keys)
    return graph, f"{prefix}-result"


GRAPHS = {"fanout": fanout, "tree": tree, "chain": chain, "layers": layers, "run": run}
