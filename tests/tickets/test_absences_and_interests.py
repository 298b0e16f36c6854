"""Who is away has a deputy; who has an interest in a matter is kept out of it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from service.core.errors import HotlineError
from service.identity.absences import (
    AbsenceDatesUnfit,
    AbsenceOfAnother,
    AbsencesOverlap,
    DeputyIsAbsentToo,
    DeputyUnfit,
    PersonNotFound,
    RecordAbsence,
    StandsInForAnother,
    absences,
    cancel_absence,
    record_absence,
)
from service.identity.people import CreatePerson, actor_of_username, create_person
from service.identity.permissions import Role
from service.notifications.audience import Target, resolve_audience
from service.notifications.inbox import NoticeNotFound, inbox_page, mark_read, news
from service.notifications.models import Notice
from service.tickets.errors import TicketNotFound
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.queries import QueueQuery, queue_page, ticket_view
from service.tickets.recusing import RecusalOfAnother, RecusePerson, recuse
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, LEADER, SECOND = f"handler-{GOLMUD}", f"leader-{GOLMUD}", "second.golmud"
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def second_handler(desk: Desk) -> None:
    with desk.application.unit() as unit:
        create_person(
            unit,
            CreatePerson(
                username=SECOND,
                display_name="格尔木承办人二",
                org_code=GOLMUD,
                roles=frozenset({Role.reviewer}),
                password=PASSWORD,
            ),
        )


def away(desk: Desk, who: str = HANDLER, *, by: str = "", days: int = 3, start: date = TODAY, **changes: str) -> int:
    fields = {"username": who, "deputy": SECOND, "reason": "年休假"} | changes
    command = RecordAbsence(starts_on=start, ends_on=start + timedelta(days=days - 1), **fields)
    return desk.do(by or who, record_absence, command)


def told(desk: Desk, *names: str, org: str = GOLMUD, ticket: str = "") -> list[tuple[str, str]]:
    with desk.application.reading() as unit:
        ticket_id = desk.ticket(ticket).id if ticket else None
        found: list[Target] = resolve_audience(unit, names, org_code=org, ticket_id=ticket_id)
    return [(target.username, target.audience) for target in found]


def keep_out(desk: Desk, number: str, who: str, *, by: str = "") -> None:
    desk.do(by or who, recuse, RecusePerson(number=number, reason="近亲属", username=who))


def test_while_somebody_is_away_the_deputy_is_told_as_well(desk: Desk) -> None:
    assert told(desk, "handler") == [(HANDLER, "handler")]
    away(desk, days=3)

    assert told(desk, "handler") == [(HANDLER, "handler"), (SECOND, "deputy")]
    desk.wait(days=2)
    assert told(desk, "handler") == [(HANDLER, "handler"), (SECOND, "deputy")], "the last day belongs to it"
    desk.wait(days=1)
    assert told(desk, "handler") == [(HANDLER, "handler")]


def test_a_dispatch_reaches_the_inbox_of_the_deputy(desk: Desk) -> None:
    away(desk)
    number = desk.dispatched()

    told_of_it = desk.rows(
        "select p.username from outbox_message m join person p on p.id = (m.payload->>'person_id')::int"
        " where m.kind = 'notice' and m.payload->>'ticket_number' = :number",
        number=number,
    )
    assert {row.username for row in told_of_it} >= {HANDLER, SECOND}


def test_a_deputy_who_is_meant_anyway_is_told_once(desk: Desk) -> None:
    away(desk)

    assert told(desk, "handler", "leader") == [(HANDLER, "handler"), (LEADER, "leader"), (SECOND, "leader")]


def test_who_is_back_early_needs_no_deputy(desk: Desk) -> None:
    absence = away(desk)
    desk.do(HANDLER, cancel_absence, absence)

    assert told(desk, "handler") == [(HANDLER, "handler")]
    away(desk)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"deputy": f"handler-{HAIXI}"}, DeputyUnfit),
        ({"deputy": HANDLER}, DeputyUnfit),
        ({"deputy": "nobody"}, DeputyUnfit),
        ({"days": 0}, AbsenceDatesUnfit),
        ({"days": 367}, AbsenceDatesUnfit),
        ({"who": LEADER, "by": HANDLER}, AbsenceOfAnother),
        ({"who": f"handler-{HAIXI}", "by": LEADER}, PersonNotFound),
    ],
)
def test_an_absence_is_refused_in_a_sentence(desk: Desk, changes: dict[str, str], refusal: type[HotlineError]) -> None:
    with pytest.raises(refusal):
        away(desk, **changes)  # type: ignore[arg-type]


def test_absences_do_not_overlap_nor_go_round_in_a_circle(desk: Desk) -> None:
    away(desk)
    with pytest.raises(AbsencesOverlap):
        away(desk, start=TODAY + timedelta(days=2))
    with pytest.raises(StandsInForAnother):
        away(desk, SECOND, deputy=LEADER)
    with pytest.raises(DeputyIsAbsentToo):
        away(desk, LEADER, deputy=HANDLER)
    away(desk, start=TODAY + timedelta(days=3))


def test_the_database_keeps_absences_apart(desk: Desk) -> None:
    away(desk)

    with pytest.raises(IntegrityError, match="ex_absence_overlap"), desk.application.unit() as unit:
        unit.session.execute(
            text(
                "insert into absence (person_id, starts_on, ends_on, deputy_id, reason, recorded_at)"
                " select person_id, ends_on, ends_on + 1, deputy_id, '', now() from absence"
            )
        )


def test_a_leader_records_for_others_and_reads_why_but_colleagues_do_not(desk: Desk) -> None:
    away(desk, by=LEADER)

    reasons = {}
    for who in (HANDLER, LEADER, "agent1"):
        with desk.application.reading() as unit:
            unit.actor = actor_of_username(unit, who)
            reasons[who] = [view.reason for view in absences(unit)]
    assert reasons == {HANDLER: ["年休假"], LEADER: ["年休假"], "agent1": [""]}


def test_who_has_an_interest_neither_sees_the_ticket_nor_acts_on_it(desk: Desk) -> None:
    number, other = desk.dispatched(), desk.dispatched()
    keep_out(desk, number, HANDLER)

    with pytest.raises(TicketNotFound):
        desk.do(HANDLER, ticket_view, number)
    with pytest.raises(TicketNotFound):
        desk.do(HANDLER, sign_ticket, SignTicket(number=number))
    page = desk.do(HANDLER, queue_page, QueueQuery(org=GOLMUD))
    assert [row.number for row in page.rows] == [other]
    assert desk.do(LEADER, ticket_view, number).row.number == number


def test_what_one_was_told_before_is_kept_from_one_too(desk: Desk) -> None:
    number, other = desk.dispatched(), desk.dispatched()
    keep_out(desk, number, HANDLER)
    for row in desk.rows("select id from outbox_message where kind = 'notice' and done_at is null"):
        desk.application.courier.deliver(row.id)  # among them what was on its way when the interest was declared

    with desk.application.unit() as unit:
        unit.actor = actor_of_username(unit, HANDLER)
        page = inbox_page(unit)
        assert {notice.ticket_number for notice in page.notices} == {other}
        assert page.unread == len(page.notices) == len(news(unit, after=0).notices)
        (hidden,) = unit.session.scalars(select(Notice.id).where(Notice.ticket_number == number).limit(1))
        with pytest.raises(NoticeNotFound):
            mark_read(unit, hidden)


def test_at_the_province_as_well(desk: Desk) -> None:
    number = desk.registered()
    keep_out(desk, number, "agent1", by="supervisor1")

    with pytest.raises(TicketNotFound):
        desk.do("agent1", ticket_view, number)
    assert desk.do("agent2", ticket_view, number).row.number == number


def test_who_has_an_interest_is_told_nothing_not_even_as_a_deputy(desk: Desk) -> None:
    number = desk.dispatched()
    away(desk)
    keep_out(desk, number, SECOND)

    assert told(desk, "handler", ticket=number) == [(HANDLER, "handler")]
    assert told(desk, "leader", ticket=number) == [(LEADER, "leader")]


def test_where_nobody_of_the_role_is_left_the_union_above_is_told(desk: Desk) -> None:
    number = desk.dispatched()
    keep_out(desk, number, HANDLER)

    assert told(desk, "handler", ticket=number) == [(f"handler-{HAIXI}", "handler")]
    keep_out(desk, number, f"handler-{HAIXI}", by=f"leader-{HAIXI}")
    assert told(desk, "handler", ticket=number) == [(f"leader-{HAIXI}", "handler")]


def test_a_recusal_stands_on_the_timeline_without_its_reason(desk: Desk) -> None:
    number = desk.dispatched()
    keep_out(desk, number, HANDLER)
    keep_out(desk, number, HANDLER, by=LEADER)

    events = desk.rows("select note, data from ticket_event where kind = 'person:recused'")
    assert [(event.note, event.data) for event in events] == [("", {"person": HANDLER})]


def test_only_leaders_recuse_others(desk: Desk) -> None:
    number = desk.dispatched()

    with pytest.raises(RecusalOfAnother):
        keep_out(desk, number, LEADER, by=HANDLER)
    with pytest.raises(PersonNotFound):
        keep_out(desk, number, f"handler-{HAIXI}", by=LEADER)
