"""What an answer costs in SQL, counted where it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from service.bootstrap import Application
from tests.api.clients import Api
from tests.api.test_life import WAGES
from tests.desk import GOLMUD, Desk


@contextmanager
def counted(application: Application) -> Iterator[list[str]]:
    """The statements sent while the block runs."""
    statements: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(application.database.engine, "before_cursor_execute", remember)
    try:
        yield statements
    finally:
        event.remove(application.database.engine, "before_cursor_execute", remember)


def test_registering_a_ticket_takes_at_most_eleven_statements(api: Api, application: Application) -> None:
    agent = api.as_("agent1")
    agent.post("/tickets", json=WAGES)  # what a process reads once has been read
    with counted(application) as statements:
        assert agent.post("/tickets", json=WAGES, headers={"Idempotency-Key": "a-key-for-this"}).status_code == 201

    assert len(statements) <= 11, statements


def test_a_queue_takes_two_statements_with_the_login_however_long_it_is(
    api: Api, application: Application, desk: Desk
) -> None:
    for _ in range(7):
        desk.dispatched()
    handler = api.as_(f"handler-{GOLMUD}")
    handler.get(f"/queues/{GOLMUD}")
    with counted(application) as statements:
        assert len(handler.get(f"/queues/{GOLMUD}?limit=5").json()["items"]) == 5
    assert len(statements) == 2, statements
    # A search goes on record, and asked again within ten minutes it does not.
    for expected in (4, 2):
        with counted(application) as statements:
            assert len(handler.get("/tickets?limit=5").json()["items"]) == 5
        assert len(statements) == expected, statements


def test_a_body_that_is_refused_costs_no_statement(api: Api, application: Application) -> None:
    agent = api.as_("agent1")
    with counted(application) as statements:
        assert agent.post("/tickets", json={}).status_code == 422
        assert agent.post("/tickets", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
        assert agent.post("/tickets/nonsense/accept").status_code == 404

    assert statements == []
