"""PostgreSQL and Redis from wheels, for the one-command run and the tests.

One data folder belongs to one process at a time, by a lock the kernel holds, so a `kill -9` leaves nothing
stale. Each server holds a lock of its own in the same way, inherited by every process it forks: while that
lock is held somebody of the old server still lives and is stopped first; once it is free, no process of it is
left and its pid files and sockets may be cleared away. That is how two servers never meet on one folder.

Imports nothing from the rest of the application: it runs before there is any.
"""

from __future__ import annotations

from service.embedded.errors import (
    DataFolderInUse,
    DataFolderUnusable,
    EmbeddedError,
    PostgresVersionDiffers,
    RedisMissing,
    ServerNotInstalled,
    ServerWillNotStart,
    ServerWillNotStop,
)
from service.embedded.folder import DataFolder
from service.embedded.launching import launcher
from service.embedded.logs import open_log
from service.embedded.postgres import start_postgres
from service.embedded.redis_server import start_redis
from service.embedded.server import EmbeddedServer
from service.embedded.servers import Endpoints, embedded_servers

__all__ = [
    "DataFolder",
    "DataFolderInUse",
    "DataFolderUnusable",
    "EmbeddedError",
    "EmbeddedServer",
    "Endpoints",
    "PostgresVersionDiffers",
    "RedisMissing",
    "ServerNotInstalled",
    "ServerWillNotStart",
    "ServerWillNotStop",
    "embedded_servers",
    "launcher",
    "open_log",
    "start_postgres",
    "start_redis",
]
