"""The primary is lost under load and its replica promoted: the service goes on with the address it was given, and no
ticket that was acknowledged is missing."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from service.core.fence import SERVICE_ROLE
from service.embedded.starting import free_port
from tests.embedded.processes import within
from tests.faults.chaos import PEOPLE
from tests.faults.checker import Checker, still_due
from tests.faults.clients import Client, Journal
from tests.faults.ground import Ground, children_of

# The newest server of Debian's, which alone brings pg_basebackup.
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_basebackup"))

pytestmark = [
    pytest.mark.skipif(not PROGRAMS, reason="needs Debian's PostgreSQL server: apt-get install postgresql-15"),
    pytest.mark.timeout(600),
]


@dataclass
class Server:
    """One PostgreSQL of Debian's on a folder and port of its own, run as its own account where we are root."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [PROGRAMS[-1].with_name(program), *arguments], user=_account(), cwd="/", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self, **settings: str) -> None:
        given = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # processes are lost here, not machines
            **settings,
        }
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAMS[-1].with_name("postgres"), "-D", self.folder, "-p", str(self.port)]
                + [f"--{name}={value}" for name, value in given.items()],
                user=_account(),
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert within(60, self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def lose(self) -> None:
        """All of it at once, as when a host is lost."""
        assert self.process is not None
        for pid in (self.process.pid, *children_of(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)


def _account() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary whose commits wait for its replica, and the replica."""
    base = Path(tempfile.mkdtemp(prefix="hl-"))
    if _account():
        owner = pwd.getpwnam("postgres")
        os.chown(base, owner.pw_uid, owner.pw_gid)
    primary, replica = (Server(base / name, free_port()) for name in ("primary", "replica"))
    try:
        primary.run("initdb", "-D", str(primary.folder), "--auth=trust", "-U", "postgres", "--encoding=UTF8")
        primary.start()
        primary.ask("create role hotline login createdb")
        # As the administrator of a database is asked to, where the service may make no roles.
        primary.ask(f"create role {SERVICE_ROLE} nologin")
        primary.ask(f"grant {SERVICE_ROLE} to hotline")
        primary.ask("create database hotline owner hotline")
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name=replica"
        replica.run("pg_basebackup", "-D", str(replica.folder), "-d", source, "-R", "--checkpoint=fast")
        replica.start()
        primary.ask("alter system set synchronous_standby_names = 'replica'")
        primary.ask("select pg_reload_conf()")
        assert within(30, lambda: primary.ask("select 1 from pg_stat_replication where sync_state = 'sync'"))
        yield primary, replica
    finally:
        for server in (primary, replica):
            server.stop()
        shutil.rmtree(base)


def undelivered(ground: Ground, by: datetime) -> int:
    """Messages of before that instant which are on their way still: one that was in a worker's hands when the primary
    fell waits for its lease."""
    (row,) = ground.rows(
        "select count(*) as n from outbox_message where done_at is null and created_at < %(by)s", by=by
    )
    return int(row["n"])


def test_the_service_goes_on_with_the_replica_and_no_acknowledged_ticket_is_missing(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, replica = pair
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{replica.port}"
    address = f"postgresql://hotline@{hosts}/hotline?target_session_attrs=read-write"
    journal = Journal()
    with Ground(tmp_path, {"HOTLINE_DATABASE_URL": address}, elsewhere=address) as ground:
        ground.start_redis()
        ground.prepare()
        ground.start("api-1", "api-2", "worker-1", "scheduler-1")
        assert ground.until(lambda: ground.ready("api-1") and ground.ready("api-2"), seconds=120) is not None
        tokens = {person: ground.token(person) for person in PEOPLE}
        addresses = (ground.api("api-1"), ground.api("api-2"))
        clients = [Client(f"f{n}", addresses, tokens, journal, random.Random(n)) for n in range(3)]
        for client in clients:
            client.goes.set()
            client.start()
        try:
            assert ground.until(lambda: journal.counts()["acknowledged"] > 30, seconds=120) is not None
            lost_at = time.monotonic()
            primary.lose()
            ground.wait(1)
            replica.run("pg_ctl", "promote", "-D", str(replica.folder), "-w")
            back = ground.until(lambda: _acknowledged_since(journal, lost_at) > 20, seconds=120)
            assert back is not None, "nothing was taken after the promotion"
            assert ground.until(lambda: ground.ready("api-1") and ground.ready("api-2"), seconds=60) is not None
        finally:
            for client in clients:
                client.stop()

        pids = {name: member.restarts for name, member in ground.members.items()}
        assert set(pids.values()) == {0}, f"restarted: {pids}"
        by = datetime.now(UTC)
        assert ground.until(lambda: not still_due(ground, by) and not undelivered(ground, by), seconds=200) is not None
        verdict = Checker(ground, journal, by).look()
        assert not verdict.faults, "\n".join(verdict.faults)
        assert journal.counts()["unclear"] > 0, "it was lost under load"


def _acknowledged_since(journal: Journal, instant: float) -> int:
    with journal.lock:
        return sum(told.acknowledged for told in journal.entries if told.at > instant)
