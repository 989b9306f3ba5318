"""HyperLoom: define and execute workflow pipelines in distributed environments.

``loom.client`` has the client and its tasks, ``loom.aio`` the client for asyncio,
``loom.LocalCluster`` is a cluster on this machine.

Example:
    >>> from loom import LocalCluster, tasks
    >>> with LocalCluster() as cluster, cluster.client() as client:
    ...     client.submit_one(tasks.const("Hello")).gather()
    b'Hello'
"""

from .client import Client, Future, LoomError, LoomException, Task, TaskFailed, tasks
from .cluster import LocalCluster

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Future",
    "LocalCluster",
    "LoomError",
    "LoomException",
    "Task",
    "TaskFailed",
    "tasks",
]
