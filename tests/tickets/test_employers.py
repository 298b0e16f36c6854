"""The employer register: one employer, whatever it is called."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.tickets import employers
from service.tickets.credit_code import CreditCodeMistyped
from service.tickets.employers import (
    AddEmployerName,
    AmendEmployer,
    EmployerView,
    FindEmployers,
    MergeEmployers,
    add_employer_name,
    amend_employer,
    find_employers,
    merge_employers,
)
from service.tickets.errors import NotTheCentre, PermissionMissing
from tests.desk import GOLMUD, Desk

CODE, OTHER_CODE = "914403001922038216", "91110000802100433B"
KEEPER = "dispatcher1"


def noted(desk: Desk, name: str) -> int:
    """The number of an employer that a call was about."""
    ticket = desk.ticket(desk.registered(employer=name))
    assert ticket.employer_id is not None
    return ticket.employer_id


def find(desk: Desk, part: str) -> list[EmployerView]:
    return desk.do("agent1", find_employers, FindEmployers(part=part))


def merge(desk: Desk, one: int, into: int) -> EmployerView:
    return desk.do(KEEPER, merge_employers, MergeEmployers(id=one, into=into))


def test_an_employer_is_found_by_any_part_of_its_name(desk: Desk) -> None:
    for name in ("青海盐湖建设有限公司", "盐湖建设", "格尔木100%_商贸"):
        desk.registered(employer=name)

    assert [view.name for view in find(desk, "盐湖")] == ["盐湖建设", "青海盐湖建设有限公司"]
    assert [view.name for view in find(desk, "%_")] == ["格尔木100%_商贸"]
    assert find(desk, "西宁") == []


def test_another_name_means_the_employer_itself(desk: Desk) -> None:
    whole = noted(desk, "青海盐湖建设有限公司")
    desk.do(KEEPER, add_employer_name, AddEmployerName(id=whole, name="盐湖建设"))

    assert noted(desk, "盐 湖 建 设") == whole
    assert [(view.id, view.other_names) for view in find(desk, "盐湖建设")] == [(whole, ("盐湖建设",))]


def test_a_merge_takes_names_tickets_and_code_over(desk: Desk) -> None:
    short, whole, third = (noted(desk, name) for name in ("盐湖建设", "青海盐湖建设有限公司", "盐湖公司"))
    desk.do(KEEPER, amend_employer, AmendEmployer(id=short, credit_code=CODE))
    merge(desk, third, short)
    view = merge(desk, short, whole)

    assert (view.id, view.name, view.credit_code) == (whole, "青海盐湖建设有限公司", CODE)
    assert sorted(view.other_names) == ["盐湖公司", "盐湖建设"]
    assert desk.rows("select distinct employer_id from ticket") == [(whole,)]
    assert noted(desk, "盐湖公司") == whole
    assert desk.rows("select count(*) from audit_event where action = 'person:employer:merge'") == [(2,)]


def test_two_codes_are_two_employers(desk: Desk) -> None:
    one, other = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")
    desk.do(KEEPER, amend_employer, AmendEmployer(id=one, credit_code=CODE))
    desk.do(KEEPER, amend_employer, AmendEmployer(id=other, credit_code=OTHER_CODE))

    with pytest.raises(employers.CreditCodesDiffer):
        merge(desk, one, other)


def test_a_code_belongs_to_one_employer_and_its_check_character_fits(desk: Desk) -> None:
    one, other = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")
    desk.do(KEEPER, amend_employer, AmendEmployer(id=one, credit_code=CODE.lower()))

    assert [view.id for view in find(desk, CODE[:10])] == [one]
    with pytest.raises(employers.NameOfAnotherEmployer):
        desk.do(KEEPER, amend_employer, AmendEmployer(id=other, credit_code=CODE))
    with pytest.raises(CreditCodeMistyped):
        desk.do(KEEPER, amend_employer, AmendEmployer(id=other, credit_code=CODE[:-1] + "7"))


def test_a_new_name_keeps_the_old_one_as_another(desk: Desk) -> None:
    one = noted(desk, "盐湖建设")
    view = desk.do(KEEPER, amend_employer, AmendEmployer(id=one, name="青海盐湖建设有限公司"))

    assert (view.name, view.other_names) == ("青海盐湖建设有限公司", ("盐湖建设",))
    assert noted(desk, "盐湖建设") == noted(desk, "青海盐湖建设有限公司") == one
    assert desk.do(KEEPER, amend_employer, AmendEmployer(id=one, name="盐湖建设")).other_names == (
        "青海盐湖建设有限公司",
    )


def test_a_name_of_another_employer_is_not_taken(desk: Desk) -> None:
    one, _ = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")

    for change in (add_employer_name, amend_employer):
        command: Any = (AddEmployerName if change is add_employer_name else AmendEmployer)(id=one, name="盐湖二建")
        with pytest.raises(employers.NameOfAnotherEmployer):
            desk.do(KEEPER, change, command)


def test_what_was_merged_is_no_employer_any_more(desk: Desk) -> None:
    one, other = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")
    merge(desk, one, other)

    with pytest.raises(employers.EmployerNotFound):
        merge(desk, one, other)
    with pytest.raises(employers.EmployerNotFound):
        merge(desk, other, one)
    with pytest.raises(employers.MergedWithItself):
        merge(desk, other, other)


def test_agents_look_up_and_do_not_merge_and_unions_do_neither(desk: Desk) -> None:
    one, other = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")

    with pytest.raises(PermissionMissing):
        desk.do("agent1", merge_employers, MergeEmployers(id=one, into=other))
    with pytest.raises((PermissionMissing, NotTheCentre)):
        desk.do(f"handler-{GOLMUD}", find_employers, FindEmployers(part=""))


def test_two_merges_that_cross_leave_one_employer(desk: Desk) -> None:
    for turn in range(10):
        one, other = noted(desk, f"盐湖一建{turn}"), noted(desk, f"盐湖二建{turn}")
        outcomes: list[str] = []
        start = threading.Barrier(2)

        def cross(gone: int, kept: int, start: threading.Barrier = start, outcomes: list[str] = outcomes) -> None:
            start.wait()
            try:
                merge(desk, gone, kept)
                outcomes.append("merged")
            except employers.EmployerNotFound:
                outcomes.append("refused")

        threads = [threading.Thread(target=cross, args=pair) for pair in ((one, other), (other, one))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["merged", "refused"]


@pytest.mark.parametrize(
    "statement",
    [
        "update employer set merged_into = id",
        "update employer set merged_into = (select min(id) from employer where merged_into is not null)"
        " where merged_into is null and name = '盐湖三建'",
        "update employer set credit_code = '914403001922038216' where merged_into is not null",
        "update employer set credit_code = '91440300192203821I' where merged_into is null",
    ],
)
def test_the_database_keeps_names_one_step_from_the_employer(desk: Desk, statement: str) -> None:
    one, other, _ = (noted(desk, name) for name in ("盐湖一建", "盐湖二建", "盐湖三建"))
    merge(desk, one, other)

    with pytest.raises(DBAPIError), desk.application.unit() as unit:
        unit.session.execute(text(statement))


def test_a_check_finds_a_ticket_that_names_another_name(desk: Desk) -> None:
    from service.checks import ticket_names_the_employer_itself

    one, other = noted(desk, "盐湖一建"), noted(desk, "盐湖二建")
    merge(desk, one, other)
    with desk.application.unit() as unit:
        assert ticket_names_the_employer_itself(unit, timedelta()) == []
        unit.session.execute(text("update ticket set employer_id = :gone"), {"gone": one})
        assert len(ticket_names_the_employer_itself(unit, timedelta())) == 2
