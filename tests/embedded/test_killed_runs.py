"""What a `kill -9` leaves, of the owner of the folder or of its servers, and how the next start goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from service.embedded import DataFolder, DataFolderInUse, embedded_servers, start_postgres, start_redis
from service.embedded.postgres import POSTGRES
from service.embedded.redis_server import REDIS
from service.embedded.server_lock import server_lock
from tests.embedded.processes import ROOT, alive, within
from tests.embedded.stores import assert_revived, client, connect, pids_in, remember, remembered

# Holds a data folder until killed. In another thread than the main one the servers get no death signal, so
# they outlive it as they would on a system without any.
OWNER = """
import sys, threading, time
from service.embedded import embedded_servers

def own():
    with embedded_servers(sys.argv[1], durable=False) as servers:
        print(servers.database_url, servers.redis_url, flush=True)
        time.sleep(600)

if sys.argv[2] == "main":
    own()
else:
    thread = threading.Thread(target=own)
    thread.start()
    thread.join()
"""


@pytest.fixture
def owner(data: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()
    with DataFolder(data) as folder:
        for kind in (POSTGRES, REDIS):
            with server_lock(folder, kind):
                pass  # we have it: the last of them is gone


def own(data: Path, started: list[subprocess.Popen[str]], thread: str) -> tuple[str, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data), thread], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    started.append(process)
    assert process.stdout is not None
    database_url, redis_url = process.stdout.readline().split()
    return database_url, redis_url


def test_a_second_start_on_the_folder_is_refused_with_what_to_do(
    data: Path, owner: list[subprocess.Popen[str]]
) -> None:
    database_url, _ = own(data, owner, "main")
    with pytest.raises(DataFolderInUse) as refused, embedded_servers(data):
        pass
    for sentence in (refused.value.zh, refused.value.en):
        assert str(owner[0].pid) in sentence
        assert "Ctrl-C" in sentence
        assert "--data" in sentence
    assert refused.value.zh in str(refused.value)
    assert refused.value.en in str(refused.value)
    remember(database_url, "unharmed")
    assert remembered(database_url) == ["unharmed"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_killed_with_9_the_owner_takes_its_servers_along(data: Path, owner: list[subprocess.Popen[str]]) -> None:
    own(data, owner, "main")
    pids = pids_in(data)
    owner[0].kill()
    assert within(20, lambda: not any(alive(pid) for pid in pids))
    assert "database system is shut down" in (data / "logs" / "postgres.log").read_text(), "cleanly, that is"


def test_servers_left_over_from_a_killed_owner_are_stopped_before_new_ones_start(
    data: Path, owner: list[subprocess.Popen[str]]
) -> None:
    database_url, redis_url = own(data, owner, "other thread")
    old = pids_in(data)
    remember(database_url, "before")
    with client(redis_url) as store:
        store.set("word", "before")
    owner[0].kill()
    owner[0].wait()
    assert all(alive(pid) for pid in old), "the test wants orphans"
    with connect(database_url) as idle, embedded_servers(data, durable=False) as servers:
        assert not any(alive(pid) for pid in old)
        assert remembered(servers.database_url) == ["before"]
        with client(servers.redis_url) as store:
            assert store.get("word") == "before"
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")


def test_a_start_right_after_kill_9_waits_for_the_servers_to_end(
    data: Path, owner: list[subprocess.Popen[str]]
) -> None:
    for round_ in range(3):
        database_url, _ = own(data, owner, "main")
        remember(database_url, f"{round_}")
        owner[-1].kill()
        owner[-1].wait()
    with embedded_servers(data, durable=False) as servers:
        assert remembered(servers.database_url) == ["0", "1", "2"]


def test_data_survives_kill_9_of_the_servers(data: Path) -> None:
    with DataFolder(data) as folder:
        postgres, store = start_postgres(folder), start_redis(folder)
        remember(postgres.url, "before")
        with client(store.url) as connection:
            connection.set("word", "before")
        for server in (postgres, store):
            os.kill(server.pid, signal.SIGKILL)
            server.process.wait()
        postgres, store = start_postgres(folder), start_redis(folder)
        try:
            assert remembered(postgres.url) == ["before"]
            with client(store.url) as connection:
                assert connection.get("word") == "before"
        finally:
            postgres.stop()
            store.stop()


def test_a_dead_server_is_revived_at_the_same_address(data: Path) -> None:
    with embedded_servers(data, durable=False) as servers:
        assert servers.revive() == []
        remember(servers.database_url, "before")
        for pid in pids_in(data):
            os.kill(pid, signal.SIGKILL)
        assert_revived(servers)
        assert remembered(servers.database_url) == ["before"]
        with client(servers.redis_url) as store:
            assert store.ping()
        pids = pids_in(data)
    assert not any(alive(pid) for pid in pids), "the revived ones are stopped at the end too"


def test_a_stale_pid_file_that_names_a_living_stranger_does_no_harm(data: Path) -> None:
    with DataFolder(data) as folder:
        server = start_postgres(folder, durable=False)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        file = folder.postgres / "postmaster.pid"
        user = file.stat().st_uid
        # A stranger of the server's own account: PostgreSQL itself would take it for a server and refuse.
        stranger = subprocess.Popen(["sleep", "60"], user=user if os.geteuid() == 0 else None, cwd="/")
        try:
            for stale in (file, folder.sockets / ".s.PGSQL.5432.lock"):
                lines = stale.read_text().splitlines()
                stale.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            start_postgres(folder, durable=False).stop()
            assert alive(stranger.pid)
        finally:
            stranger.kill()
            stranger.wait()


def test_a_first_start_cut_short_is_made_good(data: Path) -> None:
    (data / "postgres.new").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    with DataFolder(data) as folder:
        server = start_postgres(folder, durable=False)
        place = {"host": str(folder.sockets), "dbname": "postgres", "user": "postgres", "autocommit": True}
        with closing(psycopg.connect(**place)) as connection:  # as if killed before these were made
            connection.execute("DROP DATABASE hotline")
            connection.execute("DROP ROLE hotline")
        server.stop()
        server = start_postgres(folder, durable=False)
        remember(server.url, "there")
        server.stop()
    assert not (data / "postgres.new").exists()
