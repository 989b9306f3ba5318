"""Python's functions of demo.ts. They need nothing but the standard library."""

import json
from itertools import combinations
from statistics import NormalDist, median


def theil_sen(digits, points):
    """Median slope of the lines through any two points; outliers hardly move it."""
    rows = [[float(word) for word in line.split()] for line in points.read().splitlines()]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(rows, 2) if x1 != x2]
    return f"{median(slopes):.{digits}f}\n"


def agreement(ctx, name, *estimates):
    """How much two lists of slopes overlap, from 0 to 1, taken as normal distributions."""
    first, second = [
        NormalDist.from_samples([float(line) for line in slopes.read().splitlines()])
        for slopes in estimates
    ]
    overlap = first.overlap(second)
    ctx.log_info(
        f"{name}: means {first.mean:.3f} and {second.mean:.3f} agree to {100 * overlap:.0f} %"
    )
    return json.dumps({"overlap": overlap})
