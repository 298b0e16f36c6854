"""The two servers in use, real ones each time: what they keep, whose they are, and how they end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from service.embedded import DataFolder, DataFolderInUse, EmbeddedServer, embedded_servers, start_postgres, start_redis
from tests.embedded.processes import alive
from tests.embedded.stores import client, connect, pids_in, remember, remembered


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


def test_a_forked_copy_does_not_take_the_servers_along(data: Path) -> None:
    with DataFolder(data) as folder:
        server = start_redis(folder, durable=False)
        try:
            copy = EmbeddedServer("Redis", server.url, None, server.process, server.stop_signals, owner=1)
            copy.stop()
            assert server.is_running()
        finally:
            server.stop()
