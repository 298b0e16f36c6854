"""What the processes say: enough to find a fault by one name, and never a word of a caller's."""

import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from service.notifications.standin_sms import Provider, provider_at
from service.outbox.emit import Message, emit
from service.outbox.handlers import DatabaseHandler
from service.tickets.messages import TEMPLATES
from service.tickets.worker_codes import CODE_TEMPLATE
from tests.conftest import PASSWORD, Servers
from tests.console.browser import Reader
from tests.desk import Desk
from tests.embedded.processes import within
from tests.workers.conftest import Crew

NAME, OTHER_NAME = "甄稀奇", "Zhenxiqi Weiyi"
PHONE, PHONE_AS_TYPED = "13987651234", "139 8765 1234"
IDENTITY = "630102198907154321"
PLACE = "昆仑路九十九弄七号"
STORY = "老板当着我爱人的面摔了饭碗"
WRONG_PASSWORD = "pw-of-somebody-77"
SMS_SECRET = "a-secret-between-us-and-them"
REQUEST = "a-request-of-the-test-0001"

MATTER: dict[str, Any] = {
    "title": f"{NAME}反映拖欠工资",
    "body": f"{STORY}。本人身份证 {IDENTITY},住{PLACE}。",
    "kind": "complaint",
    "channel": "phone",
    "category_code": "0101",
    "place_code": "632801",
    "phone": PHONE_AS_TYPED,
    "caller_name": NAME,
    "employer": "某建筑公司",
    "people_count": 1,
    "amount_owed": "30000",
}
API = "/api/v1"


@pytest.fixture
def provider() -> Iterator[tuple[str, Provider]]:
    """An SMS gateway that fails for a while, then refuses, then works."""
    moods = chain([500, 503, 422, 429], repeat(None))
    provider = Provider(account="hotline", secret=SMS_SECRET, answer=lambda: next(moods))
    with provider_at(provider) as address:
        yield address, provider


@pytest.fixture
def house(crew: Crew, provider: tuple[str, Provider]) -> Iterator[httpx.Client]:
    """The whole house: an API whose server would write an access log, a worker and a scheduler."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    crew.environment |= {
        "HOTLINE_SMS_URL": provider[0],
        "HOTLINE_SMS_SECRET": SMS_SECRET,
        "HOTLINE_SMS_TEMPLATES": json.dumps({name: f"T{name}" for name in (*TEMPLATES, CODE_TEMPLATE)}),
        "HOTLINE_FILES_DIR": str(crew.folder / "files"),
    }
    crew.start("uvicorn", "service.app:create_app", "--factory", "--port", str(port))
    crew.start("workers.worker")
    crew.start("workers.scheduler")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        assert within(30, lambda: answers(client))
        yield client


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def lines(crew: Crew) -> list[dict[str, Any]]:
    return [json.loads(line) for process in crew.processes for line in crew.log(process).splitlines()]


def log_in(client: httpx.Client, password: str = PASSWORD) -> str:
    answer = client.post(f"{API}/auth/token", data={"username": "agent1", "password": password})
    return str(answer.json().get("access_token", ""))


def register(client: httpx.Client, token: str, **changes: Any) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": f"key-{time.monotonic_ns()}",
        "X-Request-ID": REQUEST,
    }
    return client.post(f"{API}/tickets", json=MATTER | changes, headers=headers)


def test_no_process_says_a_word_of_a_caller(
    house: httpx.Client,
    crew: Crew,
    desk: Desk,
    provider: tuple[str, Provider],
    servers: Servers,
) -> None:
    token = log_in(house)
    assert log_in(house, WRONG_PASSWORD) == ""
    told = register(house, token).json()
    number, code = told["number"], told["query_code"]
    by_api(house, token, number)
    by_pages(house, number, code, desk)
    provoke_the_database(house, token, number, desk)
    provoke_the_background(desk)
    rejected = house.post(f"{API}/tickets/{number}/accept", json={}, headers={"Authorization": f"Bearer {token}"})
    assert rejected.status_code == 200, rejected.text
    assert within(20, lambda: "unexpected_error" in everything(crew) or "database_error" in everything(crew))
    assert crew.says(crew.processes[1], "delivery_failed")
    assert within(20, lambda: provider[1].asked >= 2)

    said = everything(crew)
    if "HOTLINE_DATABASE_URL" not in os.environ:
        of_servers = "".join(file.read_text(errors="replace") for file in servers.logs.glob("*.log"))
        assert "violates check constraint" in of_servers, "this is the log in which PostgreSQL tells of errors"
        said += of_servers
    canaries = (
        NAME, OTHER_NAME, PHONE, PHONE_AS_TYPED, PHONE[3:], IDENTITY, PLACE, STORY, WRONG_PASSWORD, PASSWORD,
        SMS_SECRET, code, token, house.cookies.get("hotline_session", "no cookie"), "饭碗",
    )  # fmt: skip
    for canary in canaries:
        for written in {canary, quote(canary), json.dumps(canary).strip('"'), canary.encode().hex()}:
            assert written not in said, around(said, written)
    assert lines(crew), "and every line of ours is JSON"


def by_api(house: httpx.Client, token: str, number: str) -> None:
    """What a client sends that is wrong, or looks for."""
    bearer = {"Authorization": f"Bearer {token}"}
    for wanted in (NAME, PHONE, IDENTITY, OTHER_NAME):
        house.get(f"{API}/tickets", params={"q": wanted}, headers=bearer)
        house.get(f"{API}/{quote(wanted)}", headers=bearer)
        house.get(f"{API}/tickets/{quote(wanted)}", headers=bearer)
        house.get(f"{API}/queues/{quote(wanted)}", params={"cursor": wanted}, headers=bearer)
    for wrong in (
        {"phone": IDENTITY}, {"caller_name": NAME * 50}, {"kind": NAME}, {"people_count": PHONE},
        {"body": f"{STORY}\x00"}, {"place_code": PHONE}, {"title": f"{NAME}\ud800".encode("utf-8", "ignore").decode()},
        {NAME: PHONE},
    ):  # fmt: skip
        register(house, token, **wrong)
    house.post(f"{API}/tickets", content=f'{{"title": "{NAME} {PHONE}'.encode(), headers=bearer)
    house.post(f"{API}/tickets", content=NAME.encode(), headers=bearer | {"Content-Type": "text/plain"})
    house.get(f"{API}/tickets/{number}", headers={"Authorization": f"Bearer {NAME.encode().hex()}{PHONE}"})
    house.get("/readyz", params={"who": NAME}, headers={"X-Request-ID": PHONE, "User-Agent": OTHER_NAME})


def by_pages(house: httpx.Client, number: str, code: str, desk: Desk) -> None:
    """What people type into forms."""
    reader = Reader(desk.application, house)
    form = next(form for form in reader.forms("/console/login") if "password" in form.names)
    reader.send(form, username="agent1", password=WRONG_PASSWORD)
    reader.send(form, username=NAME, password=WRONG_PASSWORD)
    reader.send(form, username="agent1", password=PASSWORD)
    for path in ("/console/tickets", "/console/search", "/console/queue"):
        house.get(path, params={"q": f"{NAME} {PHONE}"}, follow_redirects=True)
    house.get(f"/console/tickets/{number}")
    house.get("/console/nowhere/" + quote(NAME), params={"q": PHONE})
    for path in ("/w/track", "/w/code", "/w/submit"):
        for form in reader.forms(path):
            typed = {"number": number, "code": code, "phone": PHONE, "caller_name": NAME, "body": STORY}
            reader.send(form, **{name: value for name, value in typed.items() if name in form.names})
            house.get(path, params=typed)
    house.get(f"/w/rate/{code}{PHONE}")


def provoke_the_database(house: httpx.Client, token: str, number: str, desk: Desk) -> None:
    """Errors whose own text quotes the row: a broken constraint, a trigger that repeats it, a column that is gone."""

    def change(sql: str) -> None:
        with desk.by_hand() as owner:
            owner.execute(text(sql))

    def fails() -> None:
        assert register(house, token, title=f"{NAME} {PHONE}").status_code == 500
        for wanted in (NAME, PHONE, STORY):
            house.get(f"{API}/tickets", params={"q": wanted}, headers={"Authorization": f"Bearer {token}"})
            house.get("/console/tickets", params={"q": wanted})

    change("alter table ticket add constraint canary check (title not like '%139****1234%')")
    fails()
    change("alter table ticket drop constraint canary")
    change(
        "create function canary() returns trigger language plpgsql as"
        " $$ begin raise exception using message = 'refused', detail = new::text, errcode = '23514'; end $$"
    )
    change("create trigger canary before insert on ticket for each row execute function canary()")
    fails()
    change("drop trigger canary on ticket")
    change("alter table ticket_search rename to hidden")
    fails()
    change("alter table hidden rename to ticket_search")
    # The statement that looks words up has them in its text, for PostgreSQL to plan by.
    change("alter table ticket rename column title to heading")
    fails()
    change("alter table ticket rename column heading to title")


def provoke_the_background(desk: Desk) -> None:
    """A message whose handler stumbles over a caller's words, and a clock that cannot be read."""
    with desk.application.unit(now=datetime.now(UTC)) as unit:
        emit(
            unit,
            Message(kind="notice", key="canary:1", payload={NAME: PHONE, "person_id": f"{NAME}{IDENTITY}"}),
            Message(kind="unknown_to_all", key="canary:2", payload={NAME: PHONE}),
        )
    number = desk.accepted(phone=PHONE, caller_name=OTHER_NAME)
    with desk.application.unit() as unit:
        unit.session.execute(
            text(
                "update sla_clock set promise = jsonb_build_object('unit', cast(:name as text)) where ticket_id ="
                " (select id from ticket where number = :number)"
            ),
            {"name": NAME, "number": number},
        )


def everything(crew: Crew) -> str:
    return "".join(crew.log(process) for process in crew.processes)


def around(said: str, found: str) -> str:
    place = said.index(found)
    return f"{found!r} in: …{said[max(0, place - 700) : place + 200]}…"


class TestOneName:
    """A request, what it asked for, and what that asked for are found by one name."""

    def test_from_the_request_through_the_outbox_to_the_call(
        self, house: httpx.Client, crew: Crew, desk: Desk, provider: tuple[str, Provider]
    ) -> None:
        token = log_in(house)
        number = register(house, token).json()["number"]
        headers = {"Authorization": f"Bearer {token}", "X-Request-ID": REQUEST}
        assert house.post(f"{API}/tickets/{number}/accept", json={}, headers=headers).status_code == 200
        asked = "select distinct correlation_id from outbox_message where key like '%' || :n || '%'"
        rows = desk.rows(asked, n=number)
        assert [row.correlation_id for row in rows] == [REQUEST]

        def said() -> set[str]:
            return {line["event"] for line in lines(crew) if line.get("correlation_id") == REQUEST}

        assert within(20, lambda: {"answered", "handled", "delivery_failed"} <= said()), said()
        assert within(20, lambda: REQUEST in provider[1].requests)

    def test_what_a_message_asks_for_bears_its_name(self, desk: Desk) -> None:
        def ask_again(unit: Any, _payload: Any) -> None:
            emit(unit, Message(kind="second", key="second:1"))

        with desk.application.unit(correlation_id=REQUEST) as unit:
            emit(unit, Message(kind="first", key="first:1"))
        courier = replace(desk.application.courier, handlers={"first": DatabaseHandler(run=ask_again)})
        (first,) = desk.rows("select id from outbox_message")
        courier.deliver(first.id)

        assert desk.rows("select kind, correlation_id from outbox_message order by id") == [
            ("first", REQUEST),
            ("second", REQUEST),
        ]

    def test_what_a_sweep_fired_and_whom_it_told_bear_one_name(self, desk: Desk) -> None:
        desk.accepted()
        desk.wait(days=3)
        desk.sweep()
        fired = {row.correlation_id for row in desk.rows("select correlation_id from escalation")}
        told = {
            row.correlation_id
            for row in desk.rows("select correlation_id from outbox_message where key like '%escalation:%'")
        }
        assert told == fired
        assert len(fired) == 1
