"""One engine for all threads of a process, whose pool survives the server; and the address of several servers."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

import service.core.db
from service.bootstrap import Application
from service.core.db import Database
from service.core.settings import SettingsMissing, load_settings
from service.outbox.emit import Message, emit
from tests.conftest import Servers


def test_threads_that_ask_at_once_are_given_the_same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    both_are_making_one = threading.Barrier(2)

    def slow(*args: Any, **kwargs: Any) -> object:
        both_are_making_one.wait(timeout=10)
        return object()

    monkeypatch.setattr(service.core.db, "create_engine", slow)
    database = Database("postgresql+psycopg://nobody@localhost/nowhere")
    given: list[object] = []
    threads = [threading.Thread(target=lambda: given.append(database.engine)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [engine is database.engine for engine in given] == [True, True]


def test_connections_that_the_server_ended_while_they_lay_there_cost_nobody_a_request(
    application: Application, servers: Servers
) -> None:
    before = {backend(application) for _ in range(3)}
    with servers.admin() as admin:
        for pid in before:
            admin.execute("select pg_terminate_backend(%s, 5000)", [pid])

    assert backend(application) not in before


def test_what_is_read_in_one_go_is_of_one_moment(application: Application) -> None:
    count = text("select count(*) from outbox_message")
    with application.reading() as reader:
        before = reader.session.scalar(count)
        with application.unit() as writer:
            emit(writer, Message(kind="notice", key="between"))
        assert reader.session.scalar(count) == before
    with application.reading() as reader:
        assert reader.session.scalar(count) != before


def backend(application: Application) -> int:
    with application.reading() as unit:
        return int(unit.session.scalar(text("select pg_backend_pid()")) or 0)


SEVERAL = "postgresql://hotline:p%40ss@db1:5433,db2/hotline?target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("address", "hosts", "ports"),
    [
        (SEVERAL, "db1,db2", "5433,5432"),
        ("postgresql+psycopg://hotline:p%40ss@/hotline?host=db1,db2&port=1,2", "db1,db2", "1,2"),
    ],
)
def test_an_address_may_name_several_servers(
    monkeypatch: pytest.MonkeyPatch, address: str, hosts: str, ports: str
) -> None:
    monkeypatch.setenv("HOTLINE_DATABASE_URL", address)
    engine = Database(load_settings().database_url).engine
    _, given = engine.dialect.create_connect_args(engine.url)

    assert (given["host"], given["port"]) == (hosts, ports)
    assert (given["user"], given["password"], given["dbname"]) == ("hotline", "p@ss", "hotline")
    assert given.get("target_session_attrs") == ("read-write" if address == SEVERAL else None)


def test_several_servers_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_DATABASE_URL", "postgresql://hotline@db1:5432,db2:x/hotline")
    with pytest.raises(SettingsMissing, match="host:port,host:port"):
        load_settings()
