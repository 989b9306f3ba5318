"""The client of HyperLoom: submit tasks to a server, get their results.

Example:
    >>> from loom.client import Client, tasks
    >>> client = Client("localhost:9010")
    >>> client.submit_one(tasks.run("hostname")).gather()
"""

from . import tasks
from .client import Client
from .errors import LoomError, LoomException, TaskFailed
from .future import Future
from .task import ResourceRequest, Task

__all__ = [
    "Client",
    "Future",
    "LoomError",
    "LoomException",
    "ResourceRequest",
    "Task",
    "TaskFailed",
    "tasks",
]
