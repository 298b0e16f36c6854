"""Fixtures: real servers for each test process, and a fresh copy of a seeded database for each test.

`HOTLINE_DATABASE_URL` and `HOTLINE_REDIS_URL` name other servers to run the same tests against; the account needs
the right to create databases.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url
from xdist.scheduler import LoadScopeScheduling

from service.bootstrap import Application, build, migrate
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from service.embedded import embedded_servers
from service.notifications.gateways import MemoryGateway
from service.seed.seeding import seed, seed_demo_people
from tests.desk import Desk

PASSWORD = "correct horse battery"
MASTER_KEY = "3sDSeJ/ImUoUri3AdOcyJZ28Pm4pn0rY/DMmz9v6tmg="
# A Friday morning, 09:00 in Xining; the day after the notice for 2027 is still not out.
START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
# A busy machine is not a fault of the code: no example is timed. The rest is as the profile in force says.
settings.register_profile("untimed", parent=settings(), deadline=None)
settings.load_profile("untimed")

# Tests that one process runs, one after the other: they share what is long in the making, or measure what two at once
# would starve each other of.
TOGETHER = (
    "tests/faults/",
    "tests/deploy/",
    "tests/fuzz/",
    "tests/replay/test_replay.py::TestWholeReplay",
    "tests/workers/test_logs.py",
    "tests/workers/test_traces.py",
)


class Together(LoadScopeScheduling):
    """Each test goes where there is room, and these go together. pytest-xdist's own groups are written where pytest 9.2
    no longer reads them, and are passed over without a word."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Asked by pytest-xdist, whatever --dist says."""
    return Together(config, log)


MEMORY, LEAST_MEMORY = Path("/dev/shm"), 4 << 30  # noqa: S108 - a folder of a random name is made in it
SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass(frozen=True)
class Servers:
    """Where the real servers of this test process listen and log, and the name of the seeded template database."""

    database_url: str
    redis_url: str
    template: str
    logs: Path

    def url_of(self, database: str) -> str:
        return make_url(self.database_url).set(database=database).render_as_string(hide_password=False)

    def admin(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection for creating and dropping databases."""
        url = make_url(self.database_url).set(drivername="postgresql")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def settings_for(database_url: str, redis_url: str, **values: object) -> Settings:
    """Settings as the environment would give them."""
    return Settings(
        **{
            "database_url": database_url,
            "redis_url": redis_url,
            "master_key": MASTER_KEY,
            "demo": True,
            # As the clients of the tests call it; and a clock that stands still makes a minute of a whole module.
            "hosts": "hotline",
            "requests_per_minute": 1_000_000,
            **values,
        }
    )


@contextmanager
def place_of_servers(temporary: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for servers that nobody's data depends on: in memory where there is room. A copy of the database is 900
    files; that takes 26 ms there and 80 on a disk, for every second test."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > LEAST_MEMORY:
        with TemporaryDirectory(prefix="hotline-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    else:
        yield temporary.mktemp("servers")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Servers]:
    with (
        place_of_servers(tmp_path_factory) as folder,
        embedded_servers(
            folder,
            durable=False,
            database_url=os.environ.get("HOTLINE_DATABASE_URL"),
            redis_url=os.environ.get("HOTLINE_REDIS_URL"),
        ) as endpoints,
    ):
        template = f"hotline_template_{worker_id}_{uuid.uuid4().hex[:8]}"
        url = Settings(database_url=endpoints.database_url).database_url
        servers = Servers(database_url=url, redis_url=endpoints.redis_url, template=template, logs=folder / "logs")
        with servers.admin() as admin:
            admin.execute(f'create database "{template}"')
        application = build(
            settings_for(servers.url_of(template), servers.redis_url),
            clock=SimulatedClock(START),
            gateway=MemoryGateway(),
        )
        migrate(application.database)
        with application.unit() as unit:
            seed(unit)
        with application.unit() as unit:
            seed_demo_people(unit, PASSWORD)
        application.database.dispose()
        yield servers
        with servers.admin() as admin:
            admin.execute(f'drop database "{template}"')


def drop(servers: Servers, name: str) -> None:
    """Drop a database whoever is still connected."""
    with servers.admin() as admin:
        try:
            admin.execute(f'drop database "{name}" with (force)')
        except psycopg.errors.InsufficientPrivilege:
            # The server's own autovacuum is in there, which FORCE may not end; without FORCE it is sent away.
            admin.execute(f'drop database "{name}"')


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A fresh copy of the seeded database: commits are real, and no test sees another's rows."""
    name = f"hotline_{uuid.uuid4().hex[:12]}"
    with servers.admin() as admin:
        admin.execute(f'create database "{name}" template "{servers.template}" strategy file_copy')
    yield servers.url_of(name)
    drop(servers, name)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def application(database_url: str, servers: Servers, clock: SimulatedClock, tmp_path: Path) -> Iterator[Application]:
    settings = settings_for(database_url, servers.redis_url, files_dir=tmp_path / "files")
    application = build(settings, clock=clock, gateway=MemoryGateway())
    yield application
    application.database.dispose()


@pytest.fixture
def desk(application: Application, clock: SimulatedClock) -> Desk:
    """People at their desks, taking steps on tickets."""
    return Desk(application, clock)
