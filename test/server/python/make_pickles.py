"""Prints pickles for python-tasks.test.ts: JSON of name to base64."""

import base64
import json

import cloudpickle
from loom import own

N = 40


def repeat(ctx, n, a):
    ctx.log_info("called")
    return n * a.read()


def nested():
    return ["text", [b"bytes", []]]


def pick(array):
    return array[1]


def count(a):
    return str([a.size(), a.length(), len(a), [x.read().decode() for x in a]])


def use(ctx, value):
    return ctx.wrap(sorted(value.unwrap()) + [N])


def fail(a):
    raise ValueError("no: " + a.read().decode())


def show(value):
    return repr(value.unwrap())


OBJECTS = {
    "join": own.join,
    "redirect": own.redirect,
    "owner": own.owner,
    "repeat": (repeat, True),
    "args": (3,),
    "nested": nested,
    "pick": pick,
    "count": count,
    "use": (use, True),
    "value": {3, 1, 2},
    "show": show,
    "fail": fail,
    "bad": lambda: 42,
}
print(json.dumps({k: base64.b64encode(cloudpickle.dumps(v)).decode() for k, v in OBJECTS.items()}))
