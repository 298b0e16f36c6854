"""Duty rosters: whoever is on duty is told of what is urgent, beside those whom it concerns; the rest waits."""

import ast
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import service
from service.identity.duties import (
    DutiesOverlap,
    DutyNotFound,
    DutyNotYours,
    DutyTimesUnfit,
    DutyUnfit,
    RecordDuty,
    cancel_duty,
    record_duty,
)
from service.identity.errors import PersonNotFound
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.tickets.assigning import AssignTicket, assign_ticket
from service.tickets.closing import AddNote, urge_ticket
from service.tickets.consulting import AnswerConsult, AskConsult, answer_consult, ask_consult
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.supervising import SuperviseTicket, supervise_ticket
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk, at

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
WATCHMAN = "night-632801"
NIGHT = ("2026-11-27 18:00", "2026-11-28 08:00")
BREACH_AT = "2026-11-28 00:00"


@pytest.fixture
def watchman(desk: Desk) -> str:
    """Somebody at Golmud whom no rung would tell by themselves."""
    command = CreatePerson(
        username=WATCHMAN, display_name="值班员", org_code=GOLMUD, roles=frozenset({Role.lawyer}), password=PASSWORD
    )
    with desk.application.unit() as unit:
        create_person(unit, command)
    return WATCHMAN


def on_duty(desk: Desk, who: str, times: tuple[str, str] = NIGHT, *, by: str = LEADER) -> int:
    return desk.do(by, record_duty, RecordDuty(username=who, starts_at=at(times[0]), ends_at=at(times[1])))


def targets(desk: Desk, rung: str = "breach") -> list[dict[str, Any]]:
    (row,) = desk.rows("select targets from escalation where clock_kind = 'resolve' and rung = :rung", rung=rung)
    return list(row.targets)


def breached_at_night(desk: Desk, **changes: Any) -> str:
    number = desk.in_progress(**changes)
    desk.go_to("2026-11-27 20:00")
    desk.sweep()
    desk.go_to(BREACH_AT)
    desk.sweep()
    return number


def test_whoever_is_on_duty_is_told_of_an_urgent_breach_as_well_and_stands_in_the_ledger(
    desk: Desk, watchman: str
) -> None:
    on_duty(desk, watchman)
    breached_at_night(desk, urgent=True)

    told = {target["username"]: target["audience"] for target in targets(desk)}
    assert told[watchman] == "on_duty"
    assert LEADER in told
    (message,) = desk.rows(
        "select available_at, queue from outbox_message m join person p on p.id = (m.payload ->> 'person_id')::int"
        " where p.username = :who and m.payload ->> 'text_zh' like '%办理:时限已过'",
        who=watchman,
    )
    assert (message.available_at, message.queue) == (at(BREACH_AT), "urgent")


def told_of(desk: Desk, number: str, who: str) -> list[str]:
    """What somebody is or will be told of a ticket."""
    rows = desk.rows(
        "select m.payload ->> 'text_zh' as words from outbox_message m"
        " join person p on p.id = (m.payload ->> 'person_id')::int"
        " where p.username = :who and m.payload ->> 'ticket_number' = :number order by m.id",
        who=who,
        number=number,
    )
    return [row.words for row in rows]


def test_every_urgent_notice_of_a_ticket_reaches_them_whatever_it_is_told_for(desk: Desk, watchman: str) -> None:
    on_duty(desk, watchman)
    number = desk.in_progress(urgent=True)
    desk.go_to("2026-11-27 20:00")
    desk.do(LEADER, assign_ticket, AssignTicket(number=number, username=HANDLER))
    desk.do(HANDLER, ask_consult, AskConsult(number=number, question="能否先予执行?"))
    desk.do("lawyer1", answer_consult, AnswerConsult(number=number, answer="可以申请。"))
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="今晚到场"))
    for _ in range(3):
        desk.do("agent1", urge_ticket, AddNote(number=number, note="又来电"))

    words = told_of(desk, number, watchman)
    for what in ("指定由", "咨询已答复", "督办", "多次催办预警"):
        assert any(what in each for each in words), what
    (warning,) = desk.rows("select targets from warning where cause = 'urging'")
    assert (watchman, "on_duty") in {(each["username"], each["audience"]) for each in warning.targets}


def test_a_warning_of_a_ticket_that_is_not_urgent_itself_reaches_them_too(desk: Desk, watchman: str) -> None:
    on_duty(desk, watchman)
    number = desk.in_progress()
    desk.go_to("2026-11-27 20:00")
    desk.do(LEADER, assign_ticket, AssignTicket(number=number, username=HANDLER))
    for _ in range(3):
        desk.do("agent1", urge_ticket, AddNote(number=number, note="又来电"))

    (words,) = told_of(desk, number, watchman)
    assert "多次催办预警" in words


def test_only_where_urgent_notices_are_resolved_is_anybody_told_of_a_ticket() -> None:
    tellers = {
        path.name
        for path in Path(service.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "tell"
        if any(given.arg == "ticket_number" for given in call.keywords)
    }
    assert tellers == {"messages.py", "receipts.py", "warning.py"}, "each of these asks who is on duty"


def test_of_what_is_not_urgent_they_are_not_told(desk: Desk, watchman: str) -> None:
    on_duty(desk, watchman)
    breached_at_night(desk)

    assert watchman not in {target["username"] for target in targets(desk)}


@pytest.mark.parametrize("times", [("2026-11-26 18:00", "2026-11-28 00:00"), ("2026-11-28 00:01", "2026-11-28 08:00")])
def test_a_turn_begins_and_ends_at_its_moments(desk: Desk, watchman: str, times: tuple[str, str]) -> None:
    on_duty(desk, watchman, times)
    breached_at_night(desk, urgent=True)

    assert watchman not in {target["username"] for target in targets(desk)}


def test_who_is_off_duty_again_or_has_an_interest_is_not_told(desk: Desk, watchman: str) -> None:
    desk.do(LEADER, cancel_duty, on_duty(desk, watchman))
    on_duty(desk, HANDLER)
    number = desk.in_progress(urgent=True)
    desk.do("admin1", recuse, RecusePerson(number=number, reason="亲属", username=HANDLER))
    desk.go_to(BREACH_AT)
    desk.sweep()

    assert {watchman, HANDLER}.isdisjoint(target["username"] for target in targets(desk))


def test_another_unions_duty_is_none_of_this_ones(desk: Desk) -> None:
    on_duty(desk, f"handler-{HAIXI}", by="admin1")
    breached_at_night(desk, urgent=True)

    assert "on_duty" not in {target["audience"] for target in targets(desk)}


def test_nobody_is_told_twice_for_being_on_duty(desk: Desk) -> None:
    on_duty(desk, LEADER)
    breached_at_night(desk, urgent=True)

    names = [target["username"] for target in targets(desk)]
    assert len(names) == len(set(names))


def test_only_who_leads_sets_a_turn_and_only_below_their_union(desk: Desk) -> None:
    with pytest.raises(DutyNotYours):
        on_duty(desk, HANDLER, by=HANDLER)
    with pytest.raises(PersonNotFound):
        on_duty(desk, f"handler-{HAIXI}", by=LEADER)
    theirs = on_duty(desk, f"handler-{HAIXI}", by="admin1")
    with pytest.raises(DutyNotFound):
        desk.do(LEADER, cancel_duty, theirs)
    actions = desk.rows("select subject from audit_event where action like '%duty:record'")
    assert [row.subject for row in actions] == [f"handler-{HAIXI}"]


def test_who_sees_no_ticket_is_not_put_on_duty(desk: Desk) -> None:
    with pytest.raises(DutyUnfit):
        on_duty(desk, "auditor1", by="admin1")


@pytest.mark.parametrize(
    "times",
    [
        ("2026-11-27 18:00", "2026-11-27 18:00"),
        ("2026-11-27 18:00", "2026-12-27 18:00"),
        ("2026-11-18 18:00", "2026-11-19 08:00"),
    ],
)
def test_times_that_make_no_turn_are_refused(desk: Desk, times: tuple[str, str]) -> None:
    with pytest.raises(DutyTimesUnfit):
        on_duty(desk, HANDLER, times)


def test_nobody_is_on_duty_twice_at_once_whatever_the_code_says(desk: Desk) -> None:
    on_duty(desk, HANDLER)
    with pytest.raises(DutiesOverlap):
        on_duty(desk, HANDLER, ("2026-11-28 07:59", "2026-11-28 20:00"))
    on_duty(desk, LEADER)
    on_duty(desk, HANDLER, ("2026-11-28 08:00", "2026-11-28 20:00"))

    with pytest.raises(DBAPIError, match="ex_duty_overlap"), desk.application.unit() as unit:
        unit.session.execute(
            text(
                "insert into duty (org_code, person_id, starts_at, ends_at, recorded_at)"
                " select org_code, person_id, starts_at, ends_at, recorded_at from duty limit 1"
            )
        )
