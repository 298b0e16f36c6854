"""Where the servers listen: on a socket in the folder, or on loopback with a password."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from service.embedded import DataFolder, ServerWillNotStart, embedded_servers, start_postgres, start_redis, starting
from service.embedded.starting import free_port
from tests.embedded.stores import assert_revived, client, pids_in, port_of, remember, remembered


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
            psycopg.connect(host="127.0.0.1", port=port_of(servers.database_url), user="postgres", password="x")
        stranger = client(f"redis://127.0.0.1:{port_of(servers.redis_url)}")
        with stranger as store, pytest.raises(redis.AuthenticationError):
            store.get("word")
        for pid in pids_in(long):
            os.kill(pid, signal.SIGKILL)
        assert_revived(servers)
        assert remembered(servers.database_url) == ["here"], "the address has not changed"
    with embedded_servers(long, durable=False) as servers:
        assert remembered(servers.database_url) == ["here"]


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
        first = start_redis(folder, port=free_port())
        stack.callback(first.stop)
        with pytest.raises(ServerWillNotStart, match=r"(?i)address already in use"):
            start_postgres(folder, port=first.port, durable=False)


def test_a_free_port_that_another_takes_first_is_given_up_for_the_next(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        ports = [taken, free_port(), taken, free_port()]
        monkeypatch.setattr(starting, "free_port", lambda: ports.pop(0))
        with embedded_servers(data.parent / "a,b", durable=False) as servers:
            assert port_of(servers.database_url) != taken
            assert port_of(servers.redis_url) != taken
        assert ports == []
