"""The embedded servers, real ones each time: what a newcomer, a killed run and a clumsy operator meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
import redis
from processes import ROOT, alive, within
from sqlalchemy import create_engine, text

from service import embedded
from service.embedded import (
    DataFolder,
    DataFolderInUse,
    DataFolderUnusable,
    EmbeddedServer,
    Endpoints,
    PostgresVersionDiffers,
    RedisMissing,
    ServerWillNotStart,
    embedded_servers,
    open_log,
    start_postgres,
    start_redis,
)

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


@pytest.fixture
def owner(data: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()
    with DataFolder(data) as folder:
        for name, how in (("postgres", embedded._STOP_POSTGRES), ("redis", embedded._STOP_REDIS)):
            embedded._ServerLock(folder, name, how).close()  # returns when the last of them is gone


def own(data: Path, started: list[subprocess.Popen[str]], thread: str) -> tuple[str, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data), thread], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    started.append(process)
    assert process.stdout is not None
    database_url, redis_url = process.stdout.readline().split()
    return database_url, redis_url


def assert_revived(servers: Endpoints) -> None:
    """Both, each when its last thread has ended: a death is told no sooner."""
    names: list[str] = []
    assert within(10, lambda: names.extend(servers.revive()) or len(names) == 2)
    assert sorted(names) == ["PostgreSQL", "Redis"]


def pids_in(data: Path) -> list[int]:
    return [int((data / "run" / f"{name}.lock").read_text()) for name in ("postgres", "redis")]


def test_data_survives_a_stop_and_a_start(data: Path) -> None:
    with embedded_servers(data) as servers:
        remember(servers.database_url, "援助")
        with client(servers.redis_url) as store:
            store.set("word", "援助")
    began = time.monotonic()
    with embedded_servers(data) as servers:
        took = time.monotonic() - began
        assert remembered(servers.database_url) == ["援助"]
        with client(servers.redis_url) as store:
            assert store.get("word") == "援助"
            assert store.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert took < 5, "the second start is the everyday one; alone on the machine it takes 0.1 s"


def test_nothing_runs_after_the_block(data: Path) -> None:
    with embedded_servers(data, durable=False):
        pids = pids_in(data)
        assert all(alive(pid) for pid in pids)
    assert not any(alive(pid) for pid in pids)


def test_the_database_sorts_and_counts_alike_everywhere(data: Path) -> None:
    with embedded_servers(data, durable=False) as servers, connect(servers.database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('timezone'), lower('É'), '上' < '下',"
            " rolsuper, rolcreatedb, rolname FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == ("UTF8", "UTC", "é", True, False, True, "hotline")


def test_the_real_thing_flushes_to_disk_and_the_tests_do_not(data: Path) -> None:
    for durable, fsync in ((True, "on"), (False, "off")):
        with DataFolder(data) as folder:
            server = start_postgres(folder, durable=durable)
            with connect(server.url) as connection:
                assert connection.execute("SHOW fsync").fetchone() == (fsync,)
            server.stop()


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


def test_a_second_start_in_the_same_process_is_refused_too(data: Path) -> None:
    with DataFolder(data), pytest.raises(DataFolderInUse):
        DataFolder(data)
    DataFolder(data).close()


def test_a_child_that_outlives_us_does_not_keep_the_folder_locked(data: Path) -> None:
    with DataFolder(data):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        DataFolder(data).close()
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_killed_with_9_the_owner_takes_its_servers_along(
    data: Path, owner: list[subprocess.Popen[str]]
) -> None:
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


def test_data_of_another_major_version_is_refused_with_what_to_do(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresVersionDiffers) as refused, embedded_servers(data):
        pass
    for sentence in (refused.value.zh, refused.value.en):
        assert "PostgreSQL 15" in sentence
        assert "pg_dump" in sentence


def test_a_folder_that_holds_something_else_is_refused(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "thesis.txt").write_text("do not touch")
    with pytest.raises(DataFolderUnusable, match="other files"), embedded_servers(data):
        pass
    assert (data / "postgres" / "thesis.txt").read_text() == "do not touch"


def test_a_path_that_is_no_folder_is_refused(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(DataFolderUnusable, match="Choose another folder"):
        DataFolder(data)


def test_a_path_too_long_for_sockets_is_served_on_loopback_with_a_password(data: Path) -> None:
    long = data / ("热线数据 folder, with 'quotes'&percent%41 " * 2) / ("x" * 60)
    with embedded_servers(long, durable=False) as servers:
        assert "@127.0.0.1:" in servers.database_url
        assert "@127.0.0.1:" in servers.redis_url
        remember(servers.database_url, "here")
        with client(servers.redis_url) as store:
            store.set("word", "here")
        # Anybody on the machine can knock at a port.
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host="127.0.0.1", port=port_of(servers.database_url), user="postgres", password="x"
            )
        stranger = client(f"redis://127.0.0.1:{port_of(servers.redis_url)}")
        with stranger as store, pytest.raises(redis.AuthenticationError):
            store.get("word")
        for pid in pids_in(long):
            os.kill(pid, signal.SIGKILL)
        assert_revived(servers)
        assert remembered(servers.database_url) == ["here"], "the address has not changed"
    with embedded_servers(long, durable=False) as servers:
        assert remembered(servers.database_url) == ["here"]


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].partition("/")[0])


def test_a_path_with_odd_characters_is_served_by_sockets(data: Path) -> None:
    odd = data.parent / "a b'%41é"
    with embedded_servers(odd, durable=False) as servers:
        assert "127.0.0.1" not in servers.database_url + servers.redis_url
        remember(servers.database_url, "here")
        engine = create_engine(servers.database_url)  # reads the address in its own way
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT word FROM word")) == "here"
        engine.dispose()
        with client(servers.redis_url) as store:
            assert store.ping()


@pytest.mark.parametrize("mark", [",", ":"])
def test_a_path_that_an_address_cannot_hold_is_served_on_loopback(data: Path, mark: str) -> None:
    with embedded_servers(data.parent / f"a{mark}b", durable=False) as servers:
        engine = create_engine(servers.database_url)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == "hotline"
        engine.dispose()
        with client(servers.redis_url) as store:
            assert store.ping()


def test_a_port_that_is_taken_is_named_in_the_failure(data: Path) -> None:
    with DataFolder(data) as folder, ExitStack() as stack:
        first = start_redis(folder, port=embedded._free_port())
        stack.callback(first.stop)
        with pytest.raises(ServerWillNotStart, match=r"(?i)address already in use"):
            start_postgres(folder, port=first.port, durable=False)


def test_the_redis_of_the_wheel_serves_where_the_path_has_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with DataFolder(data) as folder:
        for _ in range(2):
            server = start_redis(folder)
            with client(server.url) as store:
                assert str(store.info()["redis_version"]).startswith("6.2.")
                rounds = store.incr("rounds")
            server.stop()
    assert rounds == 2


def test_a_redis_on_the_path_too_old_or_broken_is_passed_over(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, prints in (("redis-server", "Redis server v=4.0.9 sha=0"), ("valkey-server", "cannot run")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert embedded._find_redis().path == embedded._wheel_redis()


def test_where_there_is_no_redis_the_message_says_what_to_install(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "_wheel_redis", lambda: None)
    with DataFolder(data) as folder, pytest.raises(RedisMissing) as missing:
        start_redis(folder)
    for sentence in (missing.value.zh, missing.value.en):
        assert "apt install redis-server" in sentence
        assert "HOTLINE_REDIS_URL" in sentence


def test_what_a_newer_redis_wrote_is_put_aside_and_kept(data: Path) -> None:
    wheel = embedded._wheel_redis()
    with DataFolder(data) as folder:
        (folder.redis / "appendonlydir").mkdir()
        (folder.redis / "appendonlydir" / "kept").touch()
        start_redis(folder, program=wheel).stop()
        # 80 is Valkey's own numbering, beyond what any Redis reads.
        (folder.redis / "appendonly.aof").write_bytes(b"REDIS0080" + b"\xff" * 9)
        start_redis(folder, program=wheel).stop()
    assert (data / "redis.aside-1" / "appendonlydir" / "kept").exists()
    assert (data / "redis.aside-2" / "appendonly.aof").exists()


def test_a_server_named_by_the_caller_is_used_and_none_started(data: Path) -> None:
    given = {"database_url": "postgresql+psycopg://elsewhere/hotline", "redis_url": "redis://elsewhere/0"}
    with embedded_servers(data, **given) as servers:
        assert servers.database_url == given["database_url"]
        assert servers.redis_url == given["redis_url"]
        assert servers.revive() == []
        with pytest.raises(DataFolderInUse):
            DataFolder(data)
    assert not (data / "postgres").exists()


def test_servers_are_in_a_session_of_their_own(data: Path) -> None:
    with embedded_servers(data, durable=False):
        for pid in pids_in(data):
            assert os.getsid(pid) != os.getsid(0), "else Ctrl-C would stop them before their clients"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the servers as itself")
def test_root_runs_neither_server_as_root_and_opens_no_folder_to_the_world(data: Path) -> None:
    data.parent.chmod(0o700)
    with embedded_servers(data, durable=False):
        for pid in pids_in(data):
            assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert data.parent.stat().st_mode & 0o777 == 0o700


def test_secrets_and_logs_are_for_their_owner_alone(data: Path) -> None:
    with embedded_servers(data, durable=False):
        private = [
            *(data / "keys").iterdir(),
            *(data / "logs").iterdir(),
            data / "run" / "s",
            data / "postgres",
        ]
        assert len(private) >= 5
        for path in private:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_forked_copy_does_not_take_the_servers_along(data: Path) -> None:
    with DataFolder(data) as folder:
        server = start_redis(folder, durable=False)
        try:
            copy = EmbeddedServer("Redis", server.url, None, server.process, server.stop_signals, owner=1)
            copy.stop()
            assert server.is_running()
        finally:
            server.stop()


def test_a_large_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "redis.log"
    for size, aside in ((5 * 1024 * 1024, False), (1, False), (0, True)):
        with open_log(file) as log:
            assert (tmp_path / "redis.log.1").exists() is aside
            log.write(b"x" * size)
