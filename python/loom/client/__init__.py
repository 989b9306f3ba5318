"""The client of HyperLoom: submit tasks to a server, get their results.

Example:
    >>> from loom.client import Client, tasks
    >>> client = Client("localhost:9010")
    >>> client.submit_one(tasks.run("hostname")).gather()
"""

from . import tasks
from .client import Client
from .errors import LoomError, LoomException, TaskFailed
from .execution import Execution
from .future import Future
from .resources import ResourceRequest
from .task import Task

__all__ = [
    "Client",
    "Execution",
    "Future",
    "LoomError",
    "LoomException",
    "ResourceRequest",
    "Task",
    "TaskFailed",
    "tasks",
]
