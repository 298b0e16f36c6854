"""Fixtures for tests with real background processes: a Redis database of one's own, and processes that are ended."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text

from service.bootstrap import Application, build
from service.core.clock import SimulatedClock
from service.core.fence import SERVICE_ROLE
from service.core.settings import Settings
from service.notifications.gateways import MemoryGateway
from service.outbox.emit import Message, Queue, emit
from tests.conftest import MASTER_KEY, Servers, settings_for
from tests.desk import Desk
from tests.embedded.processes import ROOT, within

# Soon enough for a test, and long enough that a job of a second is not cut off (three quarters of it).
LEASE_SECONDS = 3.0


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> Iterator[str]:
    """A database of the Redis server for this test process, empty: several may share one server."""
    number = 1 + int(re.sub(r"\D", "", worker_id) or 0)
    url = re.sub(r"db=0$", f"db={number}", re.sub(r"/0$", f"/{number}", servers.redis_url))
    with Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url, sweep_seconds=0.3, relay_lease_seconds=LEASE_SECONDS)


@pytest.fixture
def clock() -> SimulatedClock:
    """A month ago: what is promised then is broken by the time that real processes see."""
    return SimulatedClock(datetime.now(UTC) - timedelta(days=30))


@pytest.fixture
def application(settings: Settings, clock: SimulatedClock) -> Iterator[Application]:
    application = build(settings, clock=clock, gateway=MemoryGateway())
    yield application
    application.database.dispose()


@dataclass
class Crew:
    """Background processes of this test, each with a log of its own."""

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *arguments: str, **variables: Any) -> subprocess.Popen[bytes]:
        """Run a module as a process, with these arguments and more settings as HOTLINE_ variables."""
        log = self.folder / f"{len(self.processes)}-{module}.log"
        set_too = {f"HOTLINE_{name.upper()}": str(value) for name, value in variables.items()}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**self.environment, **set_too},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        """What a process has said so far."""
        (file,) = self.folder.glob(f"{self.processes.index(process)}-*.log")
        return file.read_text()

    def says(self, process: subprocess.Popen[bytes], words: str, *, seconds: float = 20) -> bool:
        """Whether a process says these words within that time."""
        return within(seconds, lambda: words in self.log(process))


@pytest.fixture
def crew(settings: Settings, tmp_path: Path) -> Iterator[Crew]:
    environment = {
        **os.environ,
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
        "HOTLINE_SWEEP_SECONDS": str(settings.sweep_seconds),
        "HOTLINE_RELAY_LEASE_SECONDS": str(settings.relay_lease_seconds),
        "TEST_FOLDER": str(tmp_path),
    }
    crew = Crew(tmp_path, environment)
    yield crew
    for process in crew.processes:
        process.kill()
        process.wait()


@dataclass
class Outbox:
    """The outbox as a test sees it. The effect of a `count` message is a row in a table without any unique key."""

    desk: Desk

    def ask(self, count: int = 1, *, kind: str = "count", queue: str = "default", **payload: Any) -> list[str]:
        """Emit messages in one transaction and return their keys."""
        with self.desk.application.unit(now=datetime.now(UTC)) as unit:
            first = self.desk_count(unit)
            keys = [f"{kind}:{first + number}" for number in range(count)]
            emit(
                unit,
                *(Message(kind=kind, key=key, payload={"key": key, **payload}, queue=Queue(queue)) for key in keys),
            )
        return keys

    def desk_count(self, unit: Any) -> int:
        return int(unit.session.scalar(text("select count(*) from outbox_message")))

    def pending(self) -> int:
        return int(self.desk.rows("select count(*) as n from outbox_message where done_at is null")[0].n)

    def effects(self) -> list[str]:
        return [row.key for row in self.desk.rows("select key from effect order by key")]

    def delivered(self, *, seconds: float = 20) -> bool:
        """Whether every message is done within that time."""
        return within(seconds, lambda: self.pending() == 0)


@pytest.fixture
def outbox(desk: Desk) -> Outbox:
    with desk.by_hand() as owner:
        owner.execute(text("create table effect (key text, backend int default pg_backend_pid())"))
        owner.execute(text(f"grant all on effect to {SERVICE_ROLE}"))
    return Outbox(desk)
