"""The traps of synchronous routes over one connection pool, on a real server, each with the trap itself beside it:
the same thing done the usual way fails in this same file, so these tests can fail."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from service.api.middleware import RequestSlots
from service.app import create_app
from service.bootstrap import Application, build
from service.core.fence import SERVICE_ROLE
from tests.api.clients import API, Api, serving, token_of
from tests.api.test_life import WAGES
from tests.conftest import Servers, settings_for
from tests.desk import Desk

CLIENTS = 60

FAILING_COMMIT = """
create function refuse_commit() returns trigger language plpgsql as
  $$ begin raise exception using errcode = '{state}', message = 'refused at commit'; end $$;
create constraint trigger refuse_commit after insert on ticket
  deferrable initially deferred for each row execute function refuse_commit();
"""


@pytest.mark.parametrize(("state", "status"), [("40001", 503), ("23505", 409), ("P0001", 500)])
def test_a_commit_that_fails_was_not_answered_with_201(api: Api, desk: Desk, state: str, status: int) -> None:
    with desk.by_hand() as owner:
        owner.execute(text(FAILING_COMMIT.format(state=state)))

    refused = api.as_("agent1").post("/tickets", json=WAGES)

    assert refused.status_code == status, refused.text
    assert desk.rows("select count(*) as n from ticket")[0].n == 0


def test_the_usual_dependency_answers_201_to_a_commit_that_fails(desk: Desk) -> None:
    """The trap: FastAPI leaves a `yield` dependency after the response has been sent."""
    with desk.by_hand() as owner:
        owner.execute(text("create table probe (id int primary key deferrable initially deferred)"))
        owner.execute(text("insert into probe values (1)"))
        owner.execute(text(f"grant all on probe to {SERVICE_ROLE}"))

    def session() -> Iterator[Session]:
        with desk.application.database.transaction() as session:
            yield session

    app = FastAPI()

    @app.post("/probe", status_code=201)
    def insert(session: Annotated[Session, Depends(session)]) -> None:
        session.execute(text("insert into probe values (1)"))

    with serving(app) as address:
        answer = httpx.post(address + "/probe")

    assert answer.status_code == 201
    assert desk.rows("select count(*) as n from probe")[0].n == 1


@pytest.fixture
def narrow(database_url: str, servers: Servers, desk: Desk) -> Iterator[Application]:
    """The application with three connections."""
    application = build(settings_for(database_url, servers.redis_url, pool_size=3, request_slots=3), clock=desk.clock)
    yield application
    application.database.dispose()


def storm(send: Callable[[httpx.Client], httpx.Response], *, each: int) -> tuple[list[int], list[float]]:
    """So many clients at once, each with a connection of its own: statuses and seconds of all requests."""
    statuses: list[int] = []
    seconds: list[float] = []
    ready = threading.Barrier(CLIENTS)

    def client() -> None:
        with httpx.Client(timeout=60) as connection:
            ready.wait()
            for _ in range(each):
                began = time.perf_counter()
                statuses.append(send(connection).status_code)
                seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, seconds


def test_sixty_clients_at_once_are_all_served(narrow: Application) -> None:
    headers = {"Authorization": f"Bearer {token_of(narrow, 'agent1')}"}

    with serving(create_app(narrow)) as address:

        def send(connection: httpx.Client) -> httpx.Response:
            connection.get(address + API + "/queues/630000", headers=headers)
            return connection.post(address + API + "/tickets", json=WAGES, headers=headers)

        statuses, seconds = storm(send, each=2)

    assert statuses == [201] * (2 * CLIENTS)
    assert statistics.median(seconds) < 8


def probe(application: Application) -> FastAPI:
    """A route as most are written: a `yield` dependency takes a connection in one hop into the thread pool, the
    route uses it in another. What is mounted beside the API may well be written so."""
    engine = create_engine(application.database.url, pool_size=3, max_overflow=0, pool_timeout=3)
    app = FastAPI()

    def session() -> Iterator[Session]:
        with Session(engine) as session:
            session.execute(text("select 1"))
            yield session

    @app.get("/probe")
    def look(session: Annotated[Session, Depends(session)]) -> Any:
        return session.scalar(text("select pg_sleep(0.005)::text"))

    app.state.engine = engine
    return app


def test_the_slots_save_a_route_that_holds_a_connection_between_two_hops(narrow: Application) -> None:
    app = probe(narrow)
    app.add_middleware(RequestSlots, slots=3)

    with serving(app) as address:
        statuses, seconds = storm(lambda connection: connection.get(address + "/probe"), each=3)
    app.state.engine.dispose()

    assert statuses == [200] * (3 * CLIENTS)
    assert statistics.median(seconds) < 4


def test_without_the_slots_such_a_route_waits_for_itself(narrow: Application) -> None:
    """The trap: every thread waits for a connection, and who has a connection waits for a thread."""
    app = probe(narrow)

    with serving(app) as address:
        statuses, _ = storm(lambda connection: connection.get(address + "/probe"), each=1)
    app.state.engine.dispose()

    assert 500 in statuses


def test_who_waits_too_long_for_a_slot_is_told_to_come_back(narrow: Application) -> None:
    app = probe(narrow)
    app.add_middleware(RequestSlots, slots=1, patience=0.05)

    @app.get("/slow")
    def slow() -> None:
        time.sleep(0.5)

    with serving(app) as address:
        first = threading.Thread(target=httpx.get, args=(address + "/slow",))
        first.start()
        time.sleep(0.1)
        refused = httpx.get(address + "/probe")
        first.join()
    app.state.engine.dispose()

    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["code"] == "busy"
