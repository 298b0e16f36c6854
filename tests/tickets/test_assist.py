"""The help beside the form: who called before, what may be the same matter, what is still to be asked."""

import time
from typing import Any

import pytest
from sqlalchemy import text

from service.tickets import errors
from service.tickets.assist import AskAssist, Assistance, assist
from service.tickets.intake import RegisterTicket, register_ticket
from tests.desk import GOLMUD, HAIXI, Desk
from tests.tickets.test_intake import FIELDS


def ask(desk: Desk, **said: Any) -> Assistance:
    return desk.do("agent1", assist, AskAssist(**said))


def scores(found: Assistance) -> list[tuple[str, int, list[str]]]:
    return [(entry.ticket.number, entry.score, [reason.code for reason in entry.reasons]) for entry in found.duplicates]


def test_the_callers_earlier_tickets_are_shown_however_the_number_is_typed(desk: Desk) -> None:
    first = desk.closed(phone="13897001234", title="去年的事")
    desk.wait(days=200)
    second = desk.in_progress(phone="13897001234")
    desk.registered(phone="13997009999")

    found = ask(desk, phone="+86 138-9700-1234")
    assert [(entry.number, entry.state.value) for entry in found.earlier] == [
        (second, "in_progress"),
        (first, "closed"),
    ]
    assert found.earlier_count == 2
    assert found.earlier[0].holder.zh == "格尔木市"


def test_the_same_caller_is_a_possible_duplicate_for_ninety_days(desk: Desk) -> None:
    number = desk.registered(phone="13897001234", category_code="0501", title="加班", body="每天十二小时")

    desk.wait(days=89)
    assert scores(ask(desk, phone="13897001234", category_code="0101")) == [(number, 35, ["same_caller"])]
    desk.wait(days=2)
    assert scores(ask(desk, phone="13897001234")) == []


def test_the_same_employer_and_category_from_another_caller_is_one(desk: Desk) -> None:
    number = desk.registered(employer="某建筑公司", place_code=HAIXI, title="甲", body="乙")

    found = ask(desk, employer="某 建筑 公司", category_code="0101", place_code=GOLMUD)
    assert scores(found) == [(number, 30, ["same_employer", "same_category"])]
    assert scores(ask(desk, employer="某建筑公司", category_code="0501")) == []


def test_a_similar_text_about_the_same_place_is_one(desk: Desk) -> None:
    number = desk.registered(
        phone="13997009999", employer="别的公司", title="工地拖欠工资", body="工地老板拖欠三个月工资,人找不到了"
    )

    found = ask(desk, category_code="0101", place_code=GOLMUD, text="工地老板拖欠我们三个月工资,现在人也找不到了")
    ((which, score, reasons),) = scores(found)
    assert (which, reasons) == (number, ["same_category", "same_place", "similar_text"])
    assert 30 <= score <= 45
    assert scores(ask(desk, category_code="0101", place_code=GOLMUD, text="公司不给发年终奖")) == []


def test_a_score_is_the_sum_of_its_reasons_and_the_likeliest_come_first(desk: Desk) -> None:
    alike = desk.registered()
    other = desk.registered(category_code="0501", title="加班", body="每天十二小时", employer=None)

    found = ask(
        desk,
        phone="13897001234",
        employer="某建筑公司",
        category_code="0101",
        place_code=GOLMUD,
        text="拖欠工资\n工地三个月没有发工资",
    )
    assert [(entry.ticket.number, entry.score) for entry in found.duplicates] == [(alike, 100), (other, 40)]
    assert all(entry.score == sum(reason.points for reason in entry.reasons) for entry in found.duplicates)


def test_what_is_still_to_be_asked_follows_category_kind_and_what_is_known(desk: Desk) -> None:
    said = {"category_code": "0101", "kind": "complaint"}

    assert ask(desk, **said).missing == ("employer", "people_count", "amount_owed")
    assert ask(desk, **said, filled=("employer", "amount_owed")).missing == ("people_count",)
    assert ask(desk, category_code="0101", kind="consultation").demanded == ()
    assert ask(desk, kind="complaint").demanded == ()


def test_looking_leaves_nothing_behind(desk: Desk) -> None:
    ask(desk, phone="13700000000", employer="只是打了一半", text="工资")

    assert desk.rows("select 1 from caller union all select 1 from employer") == []


def test_an_empty_form_is_answered_with_nothing(desk: Desk) -> None:
    desk.registered()
    found = ask(desk)

    assert (found.earlier, found.duplicates, found.tier, found.union) == ((), (), None, None)


def test_only_who_takes_calls_at_the_centre_is_helped(desk: Desk) -> None:
    for who in (f"handler-{GOLMUD}", "supervisor1", "admin1", "lawyer1"):
        with pytest.raises((errors.PermissionMissing, errors.NotTheCentre)):
            desk.do(who, assist, AskAssist(phone="13897001234"))


def test_a_category_needs_its_fields_or_an_honest_no(desk: Desk) -> None:
    bare = {name: value for name, value in FIELDS.items() if name not in ("employer", "people_count", "amount_owed")}
    with pytest.raises(errors.RequiredFieldsMissing) as refused:
        desk.do("agent1", register_ticket, RegisterTicket(**bare, employer="  "))
    assert refused.value.fields == ("employer", "people_count", "amount_owed")
    assert "用人单位、涉及人数、涉及金额" in refused.value.sentence("zh")
    assert "employer, people concerned, amount owed" in refused.value.sentence("en")

    command = RegisterTicket(**bare, employer="某建筑公司", people_count=3, not_known=("employer", "amount_owed"))
    number = desk.do("agent1", register_ticket, command).ticket.number
    assert desk.ticket(number).not_known == ["amount_owed"], "the employer was told after all"
    for nobody_to_ask in ({"channel": "letter"}, {"kind": "consultation"}, {"category_code": "2001"}):
        desk.do("agent1", register_ticket, RegisterTicket(**bare | nobody_to_ask))


def test_the_same_matter_is_linked_once_and_on_both_timelines(desk: Desk) -> None:
    first = desk.registered()
    second = desk.registered(same_as=(first, first))

    assert desk.rows("select kind from ticket_link") == [("duplicate",)]
    told = desk.rows(
        "select ticket_id, data->>'to' as other from ticket_event where kind = 'ticket:linked' order by id"
    )
    assert [row.other for row in told] == [first, second]
    with pytest.raises(errors.TicketNotFound):
        desk.registered(same_as=("QH12351-20261120-999999",))
    assert len(desk.rows("select 1 from ticket")) == 2, "nothing is registered with a wrong number"


def test_help_over_many_tickets_is_quick(desk: Desk) -> None:
    """Ten thousand of one category in one quarter, more than any province has; the bound is on what is compared."""
    desk.registered(body="工地三个月没有发工资" * 100)
    with desk.by_hand() as owner:
        owner.execute(text("alter table ticket disable trigger user"))
        owner.execute(
            text(
                """insert into ticket (number, query_code_sealed, state, kind, channel, category_code, place_code,
                     title, body, caller_id, employer_id, people_count, received_at, holder_code, cycle, bounces,
                     due_at, half_at, urgent, anonymous, confidentiality, provisional, suspended, row_version,
                     created_at)
                   select 'X' || n, query_code_sealed, state, kind, channel, category_code, place_code, title, body,
                     caller_id, employer_id, people_count, received_at - n * interval '10 minutes', holder_code, cycle,
                     bounces, due_at, half_at, urgent, anonymous, confidentiality, provisional, suspended, row_version,
                     created_at from ticket, generate_series(1, 10000) n"""
            )
        )
        owner.execute(text("alter table ticket enable trigger user"))
        owner.execute(text("analyze ticket"))
    said = {"phone": "13897001234", "employer": "某建筑公司", "category_code": "0101", "place_code": GOLMUD}
    ask(desk, **said, text="工地没有发工资")
    begun = time.perf_counter()
    found = ask(desk, **said, text="工地没有发工资")
    assert time.perf_counter() - begun < 0.5
    assert found.earlier_count == 10_001
    assert len(found.duplicates) == 8
