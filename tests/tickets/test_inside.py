"""A union inside the employer complained of: it may handle the matter, and never learns who called."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.tickets.assisting import SetTask, set_task
from service.tickets.bulk import Chosen, DispatchTickets, dispatch_tickets
from service.tickets.closing import AddNote, add_note
from service.tickets.disclosure import CallerHiddenInside, RevealCaller, reveal_caller
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.employer_unions import (
    EmployerUnionChange,
    ProvinceIsNobodys,
    UnionBelongsAlready,
    UnionDoesNotBelong,
    add_employer_union,
    remove_employer_union,
)
from service.tickets.employers import MergeEmployers, merge_employers
from service.tickets.errors import PermissionMissing
from service.tickets.finding import FindQuery, find_tickets
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.inside import UnionIsInsideTheEmployer
from service.tickets.passing_down import PassDown, pass_down
from service.tickets.queries import ticket_view, timeline
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, CITY = f"handler-{GOLMUD}", f"handler-{HAIXI}"


def employer_of(desk: Desk, number: str) -> int:
    return desk.ticket(number).employer_id or 0


def belongs(desk: Desk, number: str, org: str = GOLMUD) -> None:
    """From now on this union is one of the employer the ticket is about."""
    change = EmployerUnionChange(id=employer_of(desk, number), org_code=org, reason="企业工会")
    desk.do("admin1", add_employer_union, change)


def handled_inside(desk: Desk, **changes: object) -> str:
    number = desk.accepted(**changes)
    belongs(desk, number)
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD, known_inside=True))
    desk.do(HANDLER, sign_ticket, SignTicket(number=number))
    return number


def test_its_people_see_nothing_of_who_called_and_cannot_look(desk: Desk) -> None:
    number = handled_inside(desk)
    seen = desk.do(HANDLER, ticket_view, number)

    assert (seen.caller_name, seen.caller_phone, seen.may_be_revealed) == (None, None, False)
    assert seen.caller_withheld
    assert seen.reader_inside
    with pytest.raises(CallerHiddenInside):
        desk.do(HANDLER, reveal_caller, RevealCaller(number=number, reason="首次联系"))
    assert desk.do(HANDLER, find_tickets, FindQuery(phone_last4="1234")).hits == ()
    assert desk.do("agent1", reveal_caller, RevealCaller(number=number, reason="联系")).phone == "13897001234"


def test_a_union_below_one_of_the_employers_is_inside_too_and_one_above_is_not(desk: Desk) -> None:
    number = desk.in_progress()
    belongs(desk, number, HAIXI)
    assert desk.do(HANDLER, ticket_view, number).reader_inside

    other = desk.in_progress(employer="另一公司")
    belongs(desk, other, GOLMUD)
    assert not desk.do(CITY, ticket_view, other).reader_inside
    assert desk.do(CITY, ticket_view, other).caller_phone == "*******1234"


def test_giving_it_such_a_matter_is_refused_until_it_is_known(desk: Desk) -> None:
    number = desk.accepted()
    belongs(desk, number)

    with pytest.raises(UnionIsInsideTheEmployer) as refused:
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
    for language in ("zh", "en"):
        assert "某建筑公司" in refused.value.sentence(language)
    assisting = DispatchTicket(number=number, org_code=HAIXI, assisting=(GOLMUD,))
    with pytest.raises(UnionIsInsideTheEmployer):
        desk.do("dispatcher1", dispatch_ticket, assisting)
    many = DispatchTickets(tickets=(Chosen(number=number),), org_code=GOLMUD)
    [outcome] = desk.do("dispatcher1", dispatch_tickets, many)
    assert isinstance(outcome.refused, UnionIsInsideTheEmployer)

    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=HAIXI))
    desk.do(CITY, sign_ticket, SignTicket(number=number))
    with pytest.raises(UnionIsInsideTheEmployer):
        desk.do(CITY, set_task, SetTask(number=number, org_code=GOLMUD, ask="请核实"))
    with pytest.raises(UnionIsInsideTheEmployer):
        desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD, known_inside=True))
    assert [name.zh for name in desk.do("agent1", ticket_view, number).inside] == ["格尔木市"]


def test_what_was_written_before_is_starred_out_for_it(desk: Desk) -> None:
    number = desk.in_progress(title="马小明反映欠薪", body="我是马小明,电话13897001234")
    desk.do("agent1", add_note, AddNote(number=number, note="已与马小明(13897001234)联系"))
    belongs(desk, number)

    assert desk.ticket(number).title == "***反映欠薪"
    assert [entry.note for entry in desk.do(HANDLER, timeline, number) if entry.kind == "ticket:noted"] == [
        "已与***(***********)联系"
    ]
    assert "已与马**(138****1234)联系" in [entry.note for entry in desk.do("agent1", timeline, number)]
    desk.do("agent1", add_note, AddNote(number=number, note="马小明来电"))
    assert desk.do("agent1", timeline, number)[-1].note == "**来电"


def test_merged_employers_share_their_unions(desk: Desk) -> None:
    whole, short = desk.in_progress(body="我是马小明"), desk.in_progress(employer="某建")
    belongs(desk, short)
    into = employer_of(desk, whole)
    desk.do("dispatcher1", merge_employers, MergeEmployers(id=employer_of(desk, short), into=into))

    assert desk.rows("select employer_id, org_code from employer_union") == [(into, GOLMUD)]
    assert desk.do(HANDLER, ticket_view, whole).reader_inside
    assert desk.ticket(whole).body == "我是***"


def test_an_administrator_keeps_them_with_a_reason_on_record(desk: Desk) -> None:
    number = desk.in_progress()
    change = EmployerUnionChange(id=employer_of(desk, number), org_code=GOLMUD, reason="企业工会")

    with pytest.raises(PermissionMissing):
        desk.do("dispatcher1", add_employer_union, change)
    assert desk.do("admin1", add_employer_union, change).unions == (GOLMUD,)
    with pytest.raises(UnionBelongsAlready):
        desk.do("admin1", add_employer_union, change)
    assert desk.do("admin1", remove_employer_union, change).unions == ()
    with pytest.raises(UnionDoesNotBelong):
        desk.do("admin1", remove_employer_union, change)
    province = EmployerUnionChange(id=employer_of(desk, number), org_code="630000", reason="试试")
    with pytest.raises(ProvinceIsNobodys):
        desk.do("admin1", add_employer_union, province)
    rows = desk.rows("select action, before, after from audit_event where action like '%_union' order by id")
    assert [row.action.split(":", 1)[1] for row in rows] == ["employer:add_union", "employer:remove_union"]
    assert rows[0].after == {"union": GOLMUD, "reason": "企业工会"}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into employer_union (employer_id, org_code, added_at) select id, '630000', now() from employer",
        "insert into employer_union (employer_id, org_code, added_at) select id, '000001', now() from employer",
        """with other as (insert into employer (name, name_key, merged_into, created_at)
             select 'x', 'x', id, now() from employer returning id)
           insert into employer_union (employer_id, org_code, added_at) select id, '632801', now() from other""",
    ],
    ids=["the province belongs to nobody", "a union is one of the tree", "another name has no union"],
)
def test_the_database_forbids(desk: Desk, statement: str) -> None:
    desk.registered()
    with pytest.raises(DBAPIError), desk.by_hand() as owner:
        owner.execute(text(statement))
