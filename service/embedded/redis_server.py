"""Redis on the data folder, with every change appended to a file."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.embedded.errors import ServerWillNotStart
from service.embedded.folder import DataFolder
from service.embedded.redis_program import RedisProgram, find_redis, redis_program
from service.embedded.server import EmbeddedServer, ServerKind
from service.embedded.starting import Start, starting

_log = logging.getLogger("hotline.embedded")

REDIS = ServerKind(
    name="Redis",
    key="redis",
    socket="redis.sock",
    # SIGTERM writes the log out and stops. Killed, Redis cuts a torn last entry off at the next start.
    stop_signals=((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)),
)


def start_redis(
    folder: DataFolder, *, port: int | None = None, durable: bool = True, program: Path | None = None
) -> EmbeddedServer:
    """Start Redis on `folder`, every change appended to a file; returns when it answers.

    It listens on a Unix socket in the folder, or, where the path will not do for one or a `port` is asked
    for, on 127.0.0.1 with a random password from `keys/`. `program` is run in place of the server found.

    Redis holds nothing the database does not know. So where a newer Redis wrote what this one cannot read
    (the system's was removed, say), the files are put aside as `redis.aside-N`, with a warning, and it starts
    empty.

    Errors: `RedisMissing`, `ServerWillNotStart`, `ServerWillNotStop`.
    """
    found = redis_program(program) if program else find_redis()
    with starting(REDIS, folder, found.path) as start:
        start.give(folder.redis)
        # Version 7 keeps its log in a folder of that name and reads the old form; 6 passes over it silently.
        if found.major < 7 and (folder.redis / "appendonlydir").exists():
            _put_aside(start)

        def run(number: int | None) -> EmbeddedServer:
            return _run(start, found, number, durable=durable)

        try:
            return start.listen(port, run, _answers)
        except ServerWillNotStart:
            if "RDB format version" not in start.tail.text():
                raise
            _put_aside(start)
            return start.listen(port, run, _answers)


def _put_aside(start: Start) -> None:
    folder, number = start.folder, 1
    while (aside := folder.path / f"redis.aside-{number}").exists():
        number += 1
    folder.redis.rename(aside)
    folder.redis.mkdir(mode=0o700)
    start.give(folder.redis)
    _log.warning("a newer Redis wrote %s, which this one cannot read; kept as %s", folder.redis, aside)


def _run(start: Start, program: RedisProgram, port: int | None, *, durable: bool) -> EmbeddedServer:
    folder = start.folder
    settings = {
        "dir": str(folder.redis),
        "daemonize": "no",
        "logfile": "",
        "databases": "64",  # tests that run side by side take one each
        "save": "",  # the append-only log is the persistence; snapshots beside it would only cost
        "appendonly": "yes",
        "appendfsync": "everysec" if durable else "no",
        "maxmemory-policy": "noeviction",  # a queue that forgets jobs to make room is no queue
        "port": str(port or 0),
    }
    if port is None:
        settings |= {"unixsocket": str(start.socket_path), "unixsocketperm": "700"}
        url = f"unix://{quote(str(start.socket_path), safe='/')}?db=0"
    else:
        password = folder.secret(REDIS.key)
        settings |= {"bind": "127.0.0.1", "requirepass": password}
        url = f"redis://:{quote(password)}@127.0.0.1:{port}/0"
    lines = "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items())
    process = start.spawn(
        [str(program.path), "-"],
        cwd=folder.redis,
        # Settings by standard input: the password is in no process list and no file.
        stdin=lines.encode("utf-8", "surrogateescape"),
    )
    return EmbeddedServer(REDIS.name, url, port, process, REDIS.stop_signals)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _answers(server: EmbeddedServer) -> bool:
    # The client's own retries would wait far longer between tries than the start takes.
    with redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # a server still loading counts as the former
            return False
