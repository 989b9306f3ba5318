"""Tasks and functions as such a library has them: found by import, tasks told by attributes."""


class TheirTask:
    def __init__(self, task_type, inputs=(), config=b""):
        self.task_type = task_type
        self.inputs = inputs
        self.config = config
        self.resource_request = None


def join(*parts):
    return b"+".join(part.read() for part in parts)


def redirect(a, b):
    return TheirTask("loom/data/merge", (a, TheirTask("loom/data/const", (), b"const"), b), b", ")


def owner():
    import loom

    return loom.OWNER
