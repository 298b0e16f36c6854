"""Live notices: at once by the bell, later without it, resumed after a cut, and to nobody but whose they are."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.api import live
from service.app import create_app
from service.core.errors import Bilingual
from service.notifications.audience import these_people
from service.notifications.telling import tell
from tests.api.clients import API, serving, token_of
from tests.desk import Desk

Event = tuple[str, int | None, dict[str, Any]]


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with serving(create_app(desk.application)) as address:
        yield address


@contextmanager
def reading(desk: Desk, address: str, who: str, last: int | None = None) -> Iterator[Iterator[Event]]:
    """The events of somebody's stream as they come; reading one fails after ten seconds."""
    headers = {"Authorization": f"Bearer {token_of(desk.application, who)}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    with httpx.stream("GET", f"{address}{API}/events", headers=headers, timeout=10) as response:
        assert response.status_code == 200
        yield events_in(response.iter_lines())


def events_in(lines: Iterator[str]) -> Iterator[Event]:
    kind, number = "", None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            number = int(value)
        elif name == "data":
            yield kind, number, json.loads(value)
            kind, number = "", None


def inform(desk: Desk, who: str, words: str) -> None:
    """Tell somebody, and deliver it as a worker does."""
    (person,) = desk.rows("select id from person where username = :u", u=who)
    with desk.application.unit() as unit:
        tell(unit, these_people(unit, [person.id]), Bilingual(words, words), key=words)
    for row in desk.rows("select id from outbox_message where done_at is null"):
        desk.application.courier.deliver(row.id)


def test_what_one_is_told_comes_at_once_with_the_count(desk: Desk, address: str) -> None:
    inform(desk, "agent1", "早先的消息")
    with reading(desk, address, "agent1") as events:
        assert next(events) == ("unread", None, {"count": 1})
        inform(desk, "agent1", "工单已退回")
        kind, number, told = next(events)
        assert (kind, told["zh"]) == ("notice", "工单已退回")
        assert number is not None
        assert next(events) == ("unread", None, {"count": 2})


def test_a_page_that_was_cut_off_is_sent_what_came_meanwhile(desk: Desk, address: str) -> None:
    for words in ("一", "二", "三"):
        inform(desk, "agent1", words)
    first = desk.rows("select min(id) as id from notice")[0].id
    with reading(desk, address, "agent1", last=first) as events:
        assert [next(events)[2]["zh"] for _ in range(2)] == ["二", "三"]
        inform(desk, "agent1", "四")
        assert [next(events)[2].get("zh") for _ in range(2)] == [None, "四"], "nothing twice"


def test_nobody_hears_what_somebody_else_is_told(desk: Desk, address: str) -> None:
    with reading(desk, address, "agent1") as events:
        next(events)
        inform(desk, "agent2", "与你无关")
        inform(desk, "agent1", "与你有关")
        assert next(events)[2]["zh"] == "与你有关"
    assert httpx.get(f"{address}{API}/events").status_code == 401


def test_a_lost_bell_delays_and_loses_nothing(desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_LOOK_EVERY_SECONDS", 0.3)
    with reading(desk, address, "agent1") as events:
        next(events)
        with desk.application.unit() as unit:  # as if the worker had died between its commit and the bell
            unit.session.execute(
                text(
                    "insert into notice (person_id, key, ticket_number, urgent, text_zh, text_en, created_at)"
                    " select id, 'k', '', false, '无铃', 'no bell', now() from person where username = 'agent1'"
                )
            )
        assert next(events)[2]["zh"] == "无铃"


def test_the_end_of_a_login_ends_its_stream(desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_LOOK_EVERY_SECONDS", 0.3)
    with reading(desk, address, "agent1") as events:
        next(events)
        with desk.application.unit() as unit:
            unit.session.execute(text("update login_token set revoked_at = now()"))
        assert [kind for kind, _, _ in events] == ["logged_out"]


def test_many_open_pages_leave_the_service_to_those_who_work(desk: Desk, address: str) -> None:
    token = token_of(desk.application, "agent1")
    headers = {"Authorization": f"Bearer {token}"}
    ready = threading.Barrier(41)
    done = threading.Event()

    def watch() -> None:
        with httpx.stream("GET", f"{address}{API}/events", headers=headers, timeout=30) as response:
            next(response.iter_lines())
            ready.wait()
            done.wait()

    watchers = [threading.Thread(target=watch) for _ in range(40)]
    for watcher in watchers:
        watcher.start()
    ready.wait()
    try:
        for _ in range(10):
            assert httpx.get(f"{address}{API}/inbox", headers=headers, timeout=10).status_code == 200
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()
