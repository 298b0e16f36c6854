"""The page that tells a matter's life is run, block by block, on a clock that moves from one to the next."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from service.core.clock import local
from service.escalations.firing import CLOCK_NAMES, oldest_due, rung_name
from service.outbox.handlers import DatabaseHandler
from service.outbox.models import OutboxMessage
from tests.api.clients import Api
from tests.desk import Desk, at

PAGE = Path(__file__).resolve().parents[2] / "docs" / "a-day-in-the-life.md"
_BLOCK = re.compile(r"```day\n(?P<head>[^\n]+)\n(?P<body>.*?)```", re.DOTALL)
_HEAD = re.compile(
    r"(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d) (?P<who>\S+) (?P<method>GET|POST) (?P<path>\S+) (?P<status>\d{3})"
    r"(?: as (?P<name>\w+))?(?: contains (?P<part>.+))?"
)


@dataclass(frozen=True)
class Block:
    """One request of the page."""

    when: str
    who: str
    method: str
    path: str
    status: int
    name: str | None
    part: str | None
    body: str


def blocks(text: str) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(text):
        head = _HEAD.fullmatch(match["head"])
        assert head, match["head"]
        given = {key: head[key] for key in ("when", "who", "method", "path", "name", "part")}
        found.append(Block(**given, status=int(head["status"]), body=match["body"].strip()))
    return found


def live_until(desk: Desk, when: str) -> None:
    """Let time pass: whatever falls due is swept at its own moment, and messages are delivered."""
    while True:
        with desk.application.reading() as unit:
            due = oldest_due(unit.session)
        if due is None or due > at(when):
            break
        desk.clock.move_to(max(due, desk.clock.now()))
        desk.sweep()
        deliver(desk)
    desk.go_to(when)
    deliver(desk)


def deliver(desk: Desk) -> None:
    """Deliver what waits inside the database, as the workers do; letters to the outside are left."""
    handlers = desk.application.handlers
    with desk.application.unit() as unit:
        waiting = unit.session.query(OutboxMessage).filter(OutboxMessage.done_at.is_(None)).order_by(OutboxMessage.id)
        for message in waiting.all():
            handler = handlers[message.kind]
            if isinstance(handler, DatabaseHandler) and message.available_at <= unit.now:
                handler.run(unit, message.payload)
                message.done_at = unit.now


def test_the_matter_lives_as_the_page_tells_it(api: Api, desk: Desk) -> None:
    text = PAGE.read_text(encoding="utf-8")
    numbers: dict[str, str] = {}

    def named(words: str) -> str:
        return re.sub(r"\{(first|second)\}", lambda match: numbers.get(match[1], match[0]), words)

    for block in blocks(text):
        live_until(desk, block.when)
        body = {"json": json.loads(named(block.body))} if block.body else {}
        answer = api.as_(block.who).request(block.method, named(block.path), **body)
        assert answer.status_code == block.status, f"{block}\n{answer.text}"
        if block.name:
            numbers[block.name] = answer.json()["number"]
        if block.part:
            assert block.part in answer.text, f"{block}\n{answer.text}"
        deliver(desk)

    story = api.as_("supervisor1").get(f"/tickets/{numbers['first']}/timeline").json()
    lines = [told_line(entry) for entry in story["items"]]
    told = re.search(r"```timeline\n(.*?)```", text, re.DOTALL)
    assert told
    assert "\n".join(lines) == told[1].strip(), "\n".join(lines)
    breached = desk.rows(
        "select c.kind from sla_clock c join ticket t on t.id = c.ticket_id"
        " where c.breached_at is not null and t.number = :n order by c.breached_at, c.kind",
        n=numbers["first"],
    )
    assert [row.kind for row in breached] == ["first_contact", "sign", "leg", "callback"]


def told_line(entry: dict[str, Any]) -> str:
    """One line of the story: when, and what; a reminder with the clock and the rung it is about."""
    line = f"{local_minute(entry['at'])} {entry['name']['zh']}"
    if entry["kind"] == "escalation:fired":
        line += f":{CLOCK_NAMES[entry['data']['clock']].zh},{rung_name(entry['data']['rung']).zh}"
    return line


def local_minute(instant: str) -> str:
    return f"{local(datetime.fromisoformat(instant)):%m-%d %H:%M}"
