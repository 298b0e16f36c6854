"""What is left out of a score: asked by the union, decided by two others, and everything stays to be seen."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.core.unit import PROVINCE_CODE
from service.identity.people import CreatePerson, actor_of_username, create_person
from service.identity.permissions import Role
from service.ratings.excluding import (
    AskExclusion,
    DecideExclusion,
    DeciderNotAnother,
    ExclusionAlreadyAsked,
    ExclusionAlreadyOpen,
    ExclusionAlreadySupported,
    ExclusionNotSupported,
    NoOpenExclusion,
    NothingToExclude,
    RatingIsTheHandlers,
    ask_exclusion,
    exclude,
    exclusion_queue,
    exclusions_of,
    keep_counted,
    support_exclusion,
)
from service.reports.breaches import BreachQuery, BreachReport, breach_report
from service.reports.export import to_csv
from service.tickets.errors import NotTheCentre, PermissionMissing
from service.tickets.queries import ticket_view
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.states import Step
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk

LEADER, HANDLER = f"leader-{GOLMUD}", f"handler-{GOLMUD}"


def unfairly_rated(desk: Desk) -> str:
    number = desk.to_callback()
    desk.rate(number, satisfaction=1, reason="policy_does_not_allow")
    return number


def late(desk: Desk) -> str:
    """Replied a day after the promise; closed with praise."""
    number = desk.in_progress()
    desk.go_to("2026-11-30 09:00")
    desk.sweep()
    desk.reply(number)
    return number


def ask(desk: Desk, number: str, about: str = "rating", who: str = LEADER) -> None:
    desk.do(who, ask_exclusion, AskExclusion(number=number, about=about, reason="职工要求超出政策规定"))


def decide(desk: Desk, number: str, who: str, use_case: Callable[..., Any]) -> None:
    desk.do(who, use_case, DecideExclusion(number=number, note="已核实"))


def offered(desk: Desk, number: str, who: str) -> set[Step]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        steps = set(ticket_view(unit, number).possible_steps)
    return steps & {Step.ask_exclusion, Step.support_exclusion, Step.exclude, Step.keep_counted}


def waiting_for(desk: Desk, who: str) -> list[str]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return [each.number for each in exclusion_queue(unit).exclusions]


def report(desk: Desk, who: str = "supervisor1") -> BreachReport:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return breach_report(unit, BreachQuery(start=date(2026, 11, 1), end=date(2026, 12, 31), org=PROVINCE_CODE))


def test_a_rating_is_left_out_when_one_supports_and_another_grants_it(desk: Desk) -> None:
    number = unfairly_rated(desk)
    before = desk.rows("select * from rating")
    ask(desk, number)
    decide(desk, number, "supervisor1", support_exclusion)
    decide(desk, number, "dispatcher1", exclude)
    with desk.application.reading() as unit:
        (view,) = exclusions_of(unit, number)
    assert (view.about, view.verdict, view.supported_by, view.decided_by) == (
        "rating",
        "granted",
        "supervisor1",
        "dispatcher1",
    )
    assert desk.rows("select * from rating") == before, "the rating itself stays as it was given"
    kinds = [row.kind for row in desk.rows("select kind from ticket_event order by id")][-3:]
    assert kinds == ["ticket:exclusion_asked", "ticket:exclusion_supported", "ticket:excluded"]
    told = desk.rows("select payload ->> 'text_zh' as zh from outbox_message where key like '%exclusion_granted%'")
    assert told


def test_a_breach_stays_in_the_report_and_leaves_only_the_score(desk: Desk) -> None:
    number = late(desk)
    before = report(desk)
    ask(desk, number, "resolve")
    decide(desk, number, "supervisor1", support_exclusion)
    assert report(desk).total.excluded == 0, "one person's word leaves nothing out"
    decide(desk, number, "dispatcher1", exclude)
    after = report(desk)
    assert (after.total.late, after.total.on_time, len(after.rows)) == (
        before.total.late,
        before.total.on_time,
        len(before.rows),
    )
    assert (after.total.excluded, after.total.late_counted) == (1, before.total.late - 1)
    for dimension in (after.by_clock, after.by_union, after.by_tier, after.by_category):
        assert sum(total.excluded for total in dimension) == 1
    (row,) = [row for row in after.rows if row.clock == "resolve"]
    assert row.excluded is not None
    assert (row.excluded.supported_by, row.excluded.decided_by) == ("supervisor1", "dispatcher1")
    shown = to_csv(after).decode()
    assert "supervisor1、dispatcher1" in shown
    assert "职工要求超出政策规定" in shown
    assert desk.rows("select 1 from sla_clock where kind = 'resolve' and breached_at is not null")


def test_two_people_decide_and_neither_twice(desk: Desk) -> None:
    number = unfairly_rated(desk)
    ask(desk, number)
    with pytest.raises(ExclusionNotSupported):
        decide(desk, number, "dispatcher1", exclude)
    decide(desk, number, "supervisor1", support_exclusion)
    for use_case in (support_exclusion, exclude, keep_counted):
        with pytest.raises(DeciderNotAnother):
            decide(desk, number, "supervisor1", use_case)
    with pytest.raises(ExclusionAlreadySupported):
        decide(desk, number, "dispatcher1", support_exclusion)
    decide(desk, number, "dispatcher1", keep_counted)
    with pytest.raises(NoOpenExclusion):
        decide(desk, number, "dispatcher1", exclude)
    with pytest.raises(ExclusionAlreadyAsked):
        ask(desk, number)


def test_what_counts_through_the_handlers_fault_or_against_nobody_is_not_asked_for(desk: Desk) -> None:
    number = desk.to_callback()
    with pytest.raises(NothingToExclude):
        ask(desk, number)
    with pytest.raises(NothingToExclude):
        ask(desk, number, "resolve")
    desk.rate(number, satisfaction=2, reason="attitude")
    with pytest.raises(RatingIsTheHandlers):
        ask(desk, number)
    with pytest.raises(NothingToExclude):
        ask(desk, number, who=f"leader-{HAIXI}")
    with pytest.raises(PermissionMissing):
        ask(desk, number, who="agent1")


def test_one_exclusion_waits_on_a_ticket_at_a_time(desk: Desk) -> None:
    number = late(desk)
    ask(desk, number, "resolve")
    with pytest.raises(ExclusionAlreadyOpen):
        ask(desk, number, "first_contact", who=HANDLER)
    decide(desk, number, "supervisor1", keep_counted)
    ask(desk, number, "first_contact", who=HANDLER)


def test_a_union_decides_nothing(desk: Desk) -> None:
    number = unfairly_rated(desk)
    ask(desk, number)
    with pytest.raises(PermissionMissing):
        decide(desk, number, HANDLER, support_exclusion)
    with desk.application.unit() as unit:
        person = CreatePerson(
            username="city-supervisor",
            display_name="州督办",
            org_code=HAIXI,
            roles=frozenset({Role.supervisor}),
            password=PASSWORD,
        )
        create_person(unit, person)
    with pytest.raises(NotTheCentre):
        decide(desk, number, "city-supervisor", support_exclusion)


def test_each_is_offered_and_listed_what_waits_for_their_own_word(desk: Desk) -> None:
    number = unfairly_rated(desk)
    assert offered(desk, number, LEADER) == {Step.ask_exclusion}
    assert offered(desk, number, "supervisor1") == set()
    ask(desk, number)
    assert offered(desk, number, LEADER) == set()
    assert offered(desk, number, "supervisor1") == {Step.support_exclusion, Step.keep_counted}
    assert waiting_for(desk, "supervisor1") == waiting_for(desk, "dispatcher1") == [number]
    decide(desk, number, "supervisor1", support_exclusion)
    assert offered(desk, number, "supervisor1") == set()
    assert offered(desk, number, "dispatcher1") == {Step.exclude, Step.keep_counted}
    assert (waiting_for(desk, "supervisor1"), waiting_for(desk, "dispatcher1")) == ([], [number])
    decide(desk, number, "dispatcher1", exclude)
    assert waiting_for(desk, "dispatcher1") == []


def test_who_has_an_interest_neither_sees_nor_counts_the_ticket(desk: Desk) -> None:
    number = late(desk)
    ask(desk, number, "resolve")
    assert [row.number for row in report(desk).rows]
    desk.do("supervisor1", recuse, RecusePerson(number=number, reason="亲属"))
    assert waiting_for(desk, "supervisor1") == []
    mine = report(desk)
    assert (mine.rows, mine.total.late) == ((), 0)
    assert report(desk, "dispatcher1").total.late > 0


FORBIDDEN = {
    "granted by one person": "update exclusion set verdict = 'granted', decided_by = :one, decided_at = now()",
    "one person twice": "update exclusion set supported_by = :one, supported_at = now(), verdict = 'granted',"
    " decided_by = :one, decided_at = now()",
    "the asking union's own people": "update exclusion set supported_at = now(), supported_by ="
    " (select id from person where username = 'handler-632801')",
    "another reason afterwards": "update exclusion set reason = 'x'",
    "taken out": "delete from exclusion",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_database_forbids(desk: Desk, statement: str) -> None:
    number = unfairly_rated(desk)
    ask(desk, number)
    (one,) = desk.rows("select id from person where username = 'supervisor1'")
    with pytest.raises(DBAPIError), desk.by_hand() as owner:
        owner.execute(text(statement), {"one": one.id} if ":one" in statement else {})
