"""What the tests of this folder write to the servers and ask of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg
import redis

from service.embedded import Endpoints
from tests.embedded.processes import within


def connect(url: str) -> closing[psycopg.Connection[tuple[object, ...]]]:
    return closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True))


def remember(database_url: str, word: str) -> None:
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", [word])


def remembered(database_url: str) -> list[object]:
    with connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM word").fetchall()]


def client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url, decode_responses=True)


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].partition("/")[0])


def pids_in(data: Path) -> list[int]:
    return [int((data / "run" / f"{name}.lock").read_text()) for name in ("postgres", "redis")]


def assert_revived(servers: Endpoints) -> None:
    """Both, each when its last thread has ended: a death is told no sooner."""
    names: list[str] = []
    assert within(10, lambda: names.extend(servers.revive()) or len(names) == 2)
    assert sorted(names) == ["PostgreSQL", "Redis"]
