"""Both servers together, for as long as a block runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from service.embedded.folder import DataFolder
from service.embedded.postgres import start_postgres
from service.embedded.redis_server import start_redis
from service.embedded.server import EmbeddedServer


def _nothing_to_revive() -> list[str]:
    return []


@dataclass(frozen=True)
class Endpoints:
    """Where the two servers answer: `postgresql+psycopg://…` and `unix://…` or `redis://…`.

    `revive()` starts again, at the same address, whichever embedded server has died, and returns their names;
    call it from the thread that opened `embedded_servers`.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    revive: Callable[[], list[str]] = field(default=_nothing_to_revive, repr=False, compare=False)


@contextlib.contextmanager
def embedded_servers(
    path: Path | str,
    *,
    durable: bool = True,
    database_url: str | None = None,
    redis_url: str | None = None,
    redis_program: Path | None = None,
) -> Iterator[Endpoints]:
    """Run PostgreSQL and Redis on the data folder `path` while the block runs; stop them at its end.

    A `database_url` or `redis_url` means: use that server, start none; the folder is locked all the same, for
    it also holds logs and keys. `durable=False` trades safety against a power cut for speed, for tests.

    Enter from the main thread: on Linux the servers then also stop by themselves, cleanly, when this process
    is killed. From another thread, and elsewhere, the next start on the folder stops what is left.

    Errors: every `EmbeddedError`.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(DataFolder(path))
        starters: dict[str, Callable[..., EmbeddedServer]] = {}
        if not database_url:
            starters["postgres"] = partial(start_postgres, folder, durable=durable)
        if not redis_url:
            starters["redis"] = partial(start_redis, folder, durable=durable, program=redis_program)
        running: dict[str, EmbeddedServer] = {}

        def stop(name: str) -> None:
            running[name].stop()  # not the one first started, if it was revived since

        for name, start in starters.items():
            running[name] = start()
            stack.callback(stop, name)

        def revive() -> list[str]:
            fallen = [name for name, server in running.items() if not server.is_running()]
            for name in fallen:
                running[name] = starters[name](port=running[name].port)
            return [running[name].name for name in fallen]

        yield Endpoints(
            database_url or running["postgres"].url,
            redis_url or running["redis"].url,
            revive,
        )
