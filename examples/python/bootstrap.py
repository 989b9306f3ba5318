"""Python functions, programs and a JavaScript function in one pipeline, driven from Python.

How sure is the slope of a line through points that scatter? Many samples are drawn again from the
points, and each gets a line: where the slopes lie is the answer (the bootstrap). Run it with

    .venv/bin/python examples/python/bootstrap.py

after `pip install ./python` (or with PYTHONPATH=python). It starts a cluster of its own, or uses
the one in LOOM_SERVER, whose workers must see this folder.
"""

import os
import random
from itertools import combinations
from pathlib import Path
from statistics import NormalDist, median

from loom import Client, LocalCluster, tasks

SAMPLES = 60
DIGITS = 4
LEAST_SQUARES = Path(__file__).resolve().with_name("least-squares.mjs")
#: Group -> the true slope, and how much its points scatter.
GROUPS = {"quiet": (0.8, 0.1), "loud": (0.8, 0.6), "flat": (0.0, 0.3)}


# Python functions. The imports and constants that they use travel with them.


@tasks.py_task(n_direct_args=1)
def draw_sample(seed, points):
    """As many lines as there are, each drawn from all of them."""
    lines = points.read().splitlines(keepends=True)
    return b"".join(random.Random(seed).choices(lines, k=len(lines)))


@tasks.py_task
def theil_sen(points):
    """Median slope of the lines through any two points; outliers hardly move it."""
    rows = [[float(word) for word in line.split()] for line in points.read().splitlines()]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(rows, 2) if x1 != x2]
    return f"{median(slopes):.{DIGITS}f}\n"


@tasks.py_task(context=True, n_direct_args=1)
def estimate(ctx, name, sorted_slopes):
    """Where the slopes lie."""
    slopes = [float(line) for line in sorted_slopes.read().splitlines()]
    ctx.log_info(f"{name}: {len(slopes)} slopes from {slopes[0]} to {slopes[-1]}")
    # Any object: the next function and the client get it as it is.
    return ctx.wrap(NormalDist.from_samples(slopes))


@tasks.py_task(context=True, n_direct_args=1)
def report(ctx, group, *estimates):
    """All that is known of a group."""
    first, second = [each.unwrap() for each in estimates]
    return ctx.wrap((group, first, second, first.overlap(second)))


# The pipeline: only tasks, nothing runs yet.


def sort_numbers(numbers):
    """A program's task: the numbers, one a line, in ascending order."""
    return tasks.run("sort -g", stdin=tasks.merge(numbers), env={"LC_ALL": "C"})


def pipeline_of(group, measures):
    """The task whose result is a group's report."""
    points = tasks.run(["awk", f'$1 == "{group}" {{ print $2, $3 }}'], stdin=measures)
    samples = [draw_sample(seed, points) for seed in range(SAMPLES)]
    # A JavaScript function, by its name.
    ours = [tasks.js_call(f"{LEAST_SQUARES}:slope", [each], args=[DIGITS]) for each in samples]
    theirs = [theil_sen(each) for each in samples]
    return report(
        group,
        estimate(f"{group}, least squares", sort_numbers(ours)),
        estimate(f"{group}, Theil-Sen", sort_numbers(theirs)),
    )


def measure():
    """Points as text, "GROUP X Y" a line."""
    chance = random.Random(7)
    return "".join(
        f"{group} {x / 10} {slope * x / 10 + chance.gauss(0, scatter):.3f}\n"
        for group, (slope, scatter) in GROUPS.items()
        for x in range(50)
    )


def connect():
    """A client of the cluster in LOOM_SERVER, or of one that ends with this program."""
    return Client() if os.environ.get("LOOM_SERVER") else LocalCluster().client()


def main():
    """Prints the reports as they come."""
    with connect() as client:
        client.on_log(lambda line: print(f"  {line.level}: {line.message}"))
        measures = tasks.const(measure())
        futures = client.submit([pipeline_of(group, measures) for group in GROUPS])
        for future in client.as_completed(futures):
            group, ours, theirs, overlap = future.gather()
            print(f"{group}, true slope {GROUPS[group][0]}:")
            for name, found in (("least squares", ours), ("Theil-Sen", theirs)):
                low, high = found.inv_cdf(0.05), found.inv_cdf(0.95)
                print(f"  {name:14} {found.mean:5.2f}, 90 % lie in {low:5.2f} to {high:5.2f}")
            print(f"  they agree to {100 * overlap:.0f} %")


if __name__ == "__main__":
    main()
