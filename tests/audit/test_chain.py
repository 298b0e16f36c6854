"""Whoever edits, deletes or puts in an event of the audit is found, the database's superuser too."""

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, select, text, update
from sqlalchemy.orm import Session

from service.audit.anchoring import anchors_of, head_to_anchor, record_anchor
from service.audit.chain import Verified, adopt_events, code_of, known_since, link_events, verify_chain
from service.audit.models import AuditEvent, AuditLink
from service.audit.recording import record
from service.audit.sinks import FileSink
from service.checks import run_checks
from service.core.db import Base, table_of
from service.core.unit import SYSTEM, Unit
from service.tickets.closing import AddNote, add_note
from tests.desk import Desk
from workers.chores import Chain

HANDLER = "handler-632801"


def linked(desk: Desk) -> int:
    with desk.application.unit() as unit:
        return link_events(unit, limit=10_000)


def verified(desk: Desk, **words: Any) -> Verified:
    with desk.application.reading() as unit:
        return verify_chain(unit, **words)


def anchor(desk: Desk, file: Path) -> None:
    """Keep the head of today in a file."""
    with desk.application.unit() as unit:
        head = head_to_anchor(unit, "file")
        assert head is not None
        FileSink(file).put(known_since(head, unit.now))
        record_anchor(unit, head, "file")


def as_superuser(desk: Desk, *statements: str) -> None:
    """Past every guard of the database, as its owner can."""
    with desk.by_hand() as owner:
        for table in ("audit_event", "audit_link"):
            owner.execute(text(f"alter table {table} disable trigger user"))
        owner.execute(text("alter table audit_link drop constraint if exists fk_audit_link_event_id"))
        for statement in statements:
            assert owner.execute(text(statement)).rowcount, "something was changed"  # type: ignore[attr-defined]
        for table in ("audit_event", "audit_link"):
            owner.execute(text(f"alter table {table} enable trigger user"))


@pytest.fixture
def history(desk: Desk) -> Desk:
    """A matter's life, linked in two rounds."""
    number = desk.in_progress()
    linked(desk)
    desk.wait(hours=1)
    for note in ("已联系用人单位", "约定下周付清"):
        desk.do(HANDLER, add_note, AddNote(number=number, note=note))
    linked(desk)
    return desk


def test_what_nobody_touched_is_whole(history: Desk) -> None:
    found = verified(history)
    [(events,)] = history.rows("select count(*) from audit_event")
    assert found.whole
    assert (found.links, found.unlinked) == (events, 0)
    assert linked(history) == 0, "each has one place"


@pytest.mark.parametrize(
    "column",
    ["at", "actor_id", "actor_name", "actor_org", "action", "subject", "before", "after", "correlation_id", "code"],
)
def test_one_byte_of_any_column_is_found_and_named(column: str, history: Desk) -> None:
    change = {
        "at": "at + interval '1 microsecond'",
        "actor_id": "coalesce(actor_id, 0) + 1",
        "before": "'{}'",
        "after": '\'{"state": "closed"}\'',
        "code": "set_byte(code, 31, (get_byte(code, 31) + 1) % 256)",
    }.get(column, f"overlay({column} placing '~' from 1)")
    [(event,)] = history.rows("select event_id from audit_link where position = 2")
    as_superuser(history, f"update audit_event set {column} = {change} where id = {event}")  # noqa: S608
    found = verified(history)
    assert [(each.position, each.event_id, each.kind) for each in found.breaks] == [(2, event, "event_changed")]


@pytest.mark.parametrize("model", [AuditEvent, AuditLink])
def test_one_byte_of_any_row_of_the_audit_is_found_in_whatever_column(model: type[Base], history: Desk) -> None:
    """Every row, every column: by the superuser, past triggers and foreign keys, a bit at a place drawn at random."""
    table, draw = table_of(model), Random(12351)
    tried = 0
    with history.by_hand() as owner, Session(owner) as session:
        session.execute(text(f"alter table {table.name} disable trigger user"))
        session.execute(text("alter table audit_link drop constraint fk_audit_link_event_id"))
        vault = history.application.vault
        unit = Unit(session=session, actor=SYSTEM, now=history.clock.now(), correlation_id="x", vault=vault)
        key = table.primary_key.columns.values()[0]
        rows = session.execute(select(table)).mappings().all()
        for row in rows:
            for column in table.columns:
                savepoint = session.begin_nested()
                is_number = isinstance(column.type, Integer)
                value = one_byte_off(row[column.name], draw, largest=len(rows), is_number=is_number)
                session.execute(update(table).where(key == row[key.name]).values({column.name: value}))
                assert not verify_chain(unit).whole, f"{table.name}.{column.name} of {row[key.name]}: {value!r}"
                savepoint.rollback()
                tried += 1
        assert verify_chain(unit).whole, "everything was put back"
        owner.rollback()
    assert tried >= len(table.columns) * 5


def one_byte_off(value: Any, draw: Random, *, largest: int, is_number: bool) -> Any:
    """The value with one bit or sign of it changed, as far as its type takes it; what is nothing becomes something."""
    changed: Any
    if value is None:
        changed = 1 if is_number else draw.choice([{}, {"state": "closed"}])
    elif isinstance(value, datetime):
        changed = value + timedelta(microseconds=draw.choice([1, -1, 256, -65536]))
    elif isinstance(value, int):
        # Past the others, or the key itself would refuse it.
        changed = value + draw.choice([1, 2, 16, 256]) * (largest + 1)
    elif isinstance(value, bytes):
        place = draw.randrange(len(value))
        changed = value[:place] + bytes([value[place] ^ 1 << draw.randrange(8)]) + value[place + 1 :]
    elif isinstance(value, dict):
        changed = another_document(value, draw)
    else:
        place = draw.randrange(max(1, len(value)))
        changed = f"{value[:place]}{chr(ord(value[place : place + 1] or '~') ^ 1)}{value[place + 1 :]}"
    return changed


def another_document(value: dict[str, Any], draw: Random) -> dict[str, Any]:
    """A document that one sign tells from another."""
    said = json.dumps(value, ensure_ascii=False)
    places = [place for place, sign in enumerate(said) if sign.isalnum()]
    for _ in range(100 if places else 0):
        place = draw.choice(places)
        with contextlib.suppress(ValueError):
            other = json.loads(f"{said[:place]}{draw.choice('abc0189')}{said[place + 1 :]}")
            if other != value:
                return dict(other)
    return {"state": "closed"}


def test_an_event_taken_out_is_found(history: Desk) -> None:
    [(event,)] = history.rows("select event_id from audit_link where position = 2")
    as_superuser(history, f"delete from audit_event where id = {event}")  # noqa: S608
    assert [(each.kind, each.event_id) for each in verified(history).breaks] == [("event_gone", event)]


def test_an_event_taken_out_with_its_link_is_found(history: Desk) -> None:
    as_superuser(
        history,
        "delete from audit_event where id = (select event_id from audit_link where position = 2)",
        "delete from audit_link where position = 2",
    )
    assert ("link_gone", 2) in [(each.kind, each.position) for each in verified(history).breaks]


def test_closing_the_gap_behind_it_does_not_help(history: Desk) -> None:
    as_superuser(
        history,
        "delete from audit_link where position = 2",
        "update audit_link set position = position + 1000 where position > 2",
        "update audit_link set position = position - 1001 where position > 1000",
    )
    kinds = {each.kind for each in verified(history).breaks}
    assert "link_changed" in kinds


@pytest.mark.parametrize("code", ["null", "decode(repeat('ab', 32), 'hex')", "(select code from audit_event limit 1)"])
def test_an_event_put_in_gets_no_place_and_is_named(code: str, history: Desk) -> None:
    as_superuser(
        history,
        "insert into audit_event (at, actor_name, actor_org, action, subject, correlation_id, code)"  # noqa: S608
        f" values (now(), 'supervisor1', '630000', 'api:ticket:close', 'QH12351-20261120-000001', 'x', {code})",
    )
    assert linked(history) == 0
    [(event,)] = history.rows("select max(id) from audit_event")
    kind = "event_uncoded" if code == "null" else "event_forged"
    assert [(each.kind, each.event_id) for each in verified(history).breaks] == [(kind, event)]
    with history.application.reading() as unit:
        broken = [finding for finding in run_checks(unit, tick=5) if not finding.holds]
    assert "the_audit_is_as_it_was_written" in {finding.name for finding in broken}


def test_one_edited_before_it_had_its_place_is_found(desk: Desk) -> None:
    desk.registered()
    as_superuser(desk, "update audit_event set actor_name = 'agent2' where actor_name = 'agent1'")
    linked(desk)
    assert "event_forged" in {each.kind for each in verified(desk).breaks}


def test_a_chain_cut_off_at_its_end_is_found_by_its_anchor(history: Desk, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    anchor(history, file)
    as_superuser(
        history,
        "delete from audit_event where id in (select event_id from audit_link where position > 2)"
        " or id not in (select event_id from audit_link)",
        "delete from audit_link where position > 2",
    )
    assert verified(history).whole, "the rest is as it was"
    assert [each.kind for each in verified(history, anchors=anchors_of(file)).breaks] == ["end_gone"]


def test_a_chain_made_anew_differs_from_its_anchor(history: Desk, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    anchor(history, file)
    as_superuser(
        history,
        "delete from audit_event where id = (select event_id from audit_link where position = 1)",
        "delete from audit_link",
    )
    linked(history)  # even with the key
    linked(history)
    assert "anchor_differs" in {each.kind for each in verified(history, anchors=anchors_of(file)).breaks}


def test_the_head_is_anchored_once_a_day_whoever_leads(history: Desk, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    application = history.application
    application.settings.audit_anchor_file = file
    for _ in range(3):
        Chain(application, threading.Event(), leads=lambda: True).tick()
    Chain(application, threading.Event(), leads=lambda: False).tick()
    assert len(anchors_of(file)) == 1
    history.wait(days=1)
    Chain(application, threading.Event(), leads=lambda: True).tick()
    assert len(anchors_of(file)) == 2
    assert verified(history, anchors=anchors_of(file)).whole


def test_links_made_at_once_make_one_chain(desk: Desk) -> None:
    for _ in range(5):
        desk.registered()
    threads = [threading.Thread(target=linked, args=[desk]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verified(desk)
    assert found.whole
    assert found.unlinked == 0


def test_a_step_that_commits_after_later_ones_gets_its_place_after_them(desk: Desk) -> None:
    with desk.application.unit() as slow:
        record(slow, "test:slow", subject="first id, last commit")
        desk.registered()
        linked(desk)
    assert linked(desk) == 1
    found = verified(desk)
    assert (found.whole, found.unlinked) == (True, 0)
    [(last,)] = desk.rows(
        "select subject from audit_event join audit_link on event_id = id order by position desc limit 1"
    )
    assert last == "first id, last commit"


def test_events_without_a_place_for_long_are_named(desk: Desk) -> None:
    desk.registered()
    assert verified(desk).whole, "the scheduler comes by in a moment"
    desk.wait(minutes=6)
    assert {each.kind for each in verified(desk).breaks} == {"event_unlinked"}


def test_what_an_older_version_wrote_is_adopted_by_somebody_and_then_holds(history: Desk) -> None:
    as_superuser(
        history,
        "insert into audit_event (at, actor_name, actor_org, action, subject, correlation_id)"
        " values (now(), 'agent1', '630000', 'api:ticket:accept', 'QH12351-20261120-000001', 'x')",
    )
    with history.application.unit() as unit:
        assert adopt_events(unit) == 1
    assert verified(history).whole
    as_superuser(history, "update audit_event set actor_name = 'agent2' where code is null")
    assert [each.kind for each in verified(history).breaks] == ["link_changed"]


def test_a_true_code_can_not_be_taken_off_afterwards(history: Desk) -> None:
    as_superuser(history, "update audit_event set code = null where id = (select min(id) from audit_event)")
    assert [each.kind for each in verified(history).breaks] == ["link_changed"]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXT | st.integers(0, 20), JSON, max_size=4))
def test_the_code_of_an_event_is_that_of_what_postgresql_gives_back(after: dict[Any, Any]) -> None:
    event: dict[str, Any] = dict.fromkeys(("actor_name", "actor_org", "action", "subject", "correlation_id"), "x")
    event |= {"at": datetime(2026, 11, 22, 9, 30, 0, 1, tzinfo=UTC), "actor_id": 1, "before": None}
    # Keys are texts there, and in another order.
    back = dict(reversed(json.loads(json.dumps(after)).items()))
    assert code_of(b"k", {**event, "after": after}) == code_of(b"k", {**event, "after": back})
