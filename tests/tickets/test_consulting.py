"""Questions to the lawyers: asked beside any open state, due by the calendar, answered onto the timeline."""

from dataclasses import replace

import pytest

from service.bootstrap import Application
from service.identity.people import CreatePerson, actor_of_username, create_person
from service.identity.permissions import Role
from service.sla.rules import current_rules
from service.tickets.closing import AddNote, add_note
from service.tickets.consulting import (
    CONSULT_DUE,
    AnswerConsult,
    AskConsult,
    ConsultAlreadyOpen,
    ConsultTakenByAnother,
    NoOpenConsult,
    TakeConsult,
    answer_consult,
    ask_consult,
    consult_queue,
    remind_of_consult,
    take_consult,
)
from service.tickets.errors import PermissionMissing
from service.tickets.intake import AnswerTicket, answer_ticket
from service.tickets.queries import ticket_view, timeline
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.states import Step
from sla_rules import policy_from_document
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk, at

HANDLER = f"handler-{GOLMUD}"


def ask(desk: Desk, number: str, who: str = HANDLER) -> None:
    desk.do(who, ask_consult, AskConsult(number=number, question="能否申请仲裁?"))


def answer(desk: Desk, number: str) -> None:
    desk.do("lawyer1", answer_consult, AnswerConsult(number=number, answer="可以申请"))


def told(desk: Desk, occasion: str) -> list[str]:
    rows = desk.rows(
        "select p.username from outbox_message m join person p on p.id = (m.payload->>'person_id')::int"
        " where m.kind = 'notice' and m.payload->>'key' like :key order by 1",
        key=f"%{occasion}%",
    )
    return [row.username for row in rows]


def queue(desk: Desk, who: str = "lawyer1") -> list[str]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return [view.number for view in consult_queue(unit).consults]


def test_a_question_of_friday_is_due_at_the_end_of_monday(desk: Desk) -> None:
    number = desk.in_progress()
    resolve_due = desk.ticket(number).due_at
    ask(desk, number)

    (row,) = desk.rows("select due_at, org_code from consult")
    assert (row.due_at, row.org_code) == (at("2026-11-24 00:00"), GOLMUD)
    assert desk.ticket(number).due_at == resolve_due
    assert desk.ticket(number).state == "in_progress"
    assert told(desk, "consult_asked") == ["lawyer1"]


def test_the_answer_joins_the_timeline_and_tells_who_asked(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    desk.wait(hours=1)
    desk.do("lawyer1", take_consult, TakeConsult(number=number))
    answer(desk, number)

    with desk.application.reading() as unit:
        story = [(entry.kind, entry.note) for entry in timeline(unit, number)][-3:]
    assert story == [
        ("ticket:consult_asked", "能否申请仲裁?"),
        ("ticket:consult_taken", ""),
        ("ticket:consult_answered", "可以申请"),
    ]
    assert told(desk, "answered") == [HANDLER]
    assert queue(desk) == []


def test_the_lawyers_queue_is_sorted_by_deadline_and_skips_what_has_ended(desk: Desk) -> None:
    first, ended = desk.in_progress(), desk.accepted()
    ask(desk, first)
    ask(desk, ended, "agent1")
    desk.wait(days=3)
    second = desk.in_progress()
    ask(desk, second)
    assert queue(desk) == [first, ended, second]
    desk.do("lawyer1", answer_ticket, AnswerTicket(number=ended, answer="已当场答复"))

    assert queue(desk) == [first, second]


def test_a_lawyer_with_an_interest_does_not_see_the_question(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    desk.do("lawyer1", recuse, RecusePerson(number=number, reason="曾代理对方"))

    assert queue(desk) == []


def test_one_question_waits_at_a_time_and_another_may_follow(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    with pytest.raises(ConsultAlreadyOpen):
        ask(desk, number, "agent1")
    answer(desk, number)
    with pytest.raises(NoOpenConsult):
        answer(desk, number)
    ask(desk, number)


def test_what_a_colleague_took_on_is_taken_over_first(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    with desk.application.unit() as unit:
        roles = frozenset({Role.lawyer})
        create_person(
            unit,
            CreatePerson(username="lawyer2", display_name="律师二", org_code="630000", roles=roles, password=PASSWORD),
        )
    desk.do("lawyer2", take_consult, TakeConsult(number=number))
    with pytest.raises(ConsultTakenByAnother, match="律师二"):
        answer(desk, number)
    desk.do("lawyer1", take_consult, TakeConsult(number=number))
    answer(desk, number)


def test_only_handlers_and_agents_ask_and_only_lawyers_answer(desk: Desk) -> None:
    number = desk.in_progress()
    with pytest.raises(PermissionMissing):
        ask(desk, number, "dispatcher1")
    ask(desk, number)
    with pytest.raises(PermissionMissing):
        desk.do(HANDLER, answer_consult, AnswerConsult(number=number, answer="x"))


def test_the_steps_are_offered_when_they_can_be_taken(desk: Desk) -> None:
    number = desk.in_progress()

    def offered(who: str) -> set[Step]:
        steps = desk.do(who, ticket_view, number).possible_steps
        return {Step.ask_consult, Step.take_consult, Step.answer_consult} & set(steps)

    assert (offered(HANDLER), offered("lawyer1")) == ({Step.ask_consult}, set())
    ask(desk, number)
    assert (offered(HANDLER), offered("lawyer1")) == (set(), {Step.take_consult, Step.answer_consult})


def test_an_answer_that_did_not_come_is_told_once_it_is_due(desk: Desk, application: Application) -> None:
    number = desk.in_progress()
    ask(desk, number)
    (message,) = desk.rows("select payload, available_at from outbox_message where kind = :kind", kind=CONSULT_DUE)
    assert message.available_at == at("2026-11-24 00:00")

    desk.wait(days=5)
    desk.do("agent1", add_note, AddNote(number=number, note="追问"))
    with application.unit() as unit:
        remind_of_consult(unit, message.payload)
    assert told(desk, "consult_overdue") == ["lawyer1", "supervisor1"]
    answer(desk, number)
    (event,) = desk.rows("select data from ticket_event where kind = 'ticket:consult_answered'")
    assert event.data["late"] is True


def test_the_limit_is_the_policys(desk: Desk) -> None:
    with desk.application.reading() as unit:
        policy = current_rules(unit.session).policy
    assert policy.limits.consult_working_days == 1
    assert "consult_working_days" not in policy.to_document()["limits"], "a stored policy keeps its version"
    slower = replace(
        policy,
        limits=replace(policy.limits, consult_working_days=3),
        limit_sources=(*policy.limit_sources, ("consult_working_days", "律师值班安排")),
    )
    stored = policy_from_document(slower.to_document())
    assert (stored.limits, dict(stored.limit_sources)) == (slower.limits, dict(slower.limit_sources))
    assert slower.version != policy.version
