"""What goes to the province at once: each cause once, in the ledger before anyone is told."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.ratings.recording import Answers, RateByLink, rate_by_link, rating_path
from service.tickets.closing import AddNote, ReviewReply, approve_reply, urge_ticket
from service.tickets.employers import AddEmployerName, MergeEmployers, add_employer_name, merge_employers
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.together import GroupTickets, MergeTicket, group_tickets, leave_group, merge_ticket
from service.tickets.worker_way import urge_by_worker
from sla_rules import load_policy
from sla_rules.policy_reading import policy_from_document
from tests.desk import GOLMUD, HAIXI, Desk
from tests.history.helpers import take_in

OLD_LINE = """
format = 1
kind = "old_line"

[time]
formats = ["iso"]

[due]
by = "file"
last_moment = "minute"

[fields]
number = { column = "编号" }
title = { column = "标题" }
body = { column = "标题" }
state = { column = "状态", table = "state" }
kind = { value = "complaint" }
category = { value = "0101" }
place = { value = "632801" }
received_at = { column = "来电时间" }
due_at = { column = "截止" }
closed_at = { column = "办结时间" }
employer = { column = "用人单位" }

[tables.state]
"办结" = "closed"
"""


def urge(desk: Desk, number: str) -> None:
    desk.do("agent1", urge_ticket, AddNote(number=number, note="职工再次来电"))


def urge_on_the_workers_page(desk: Desk, number: str) -> None:
    with desk.application.unit() as unit:
        urge_by_worker(unit, desk.ticket(number).id)


def warnings(desk: Desk, cause: str) -> list[Any]:
    return desk.rows(
        "select w.*, t.number from warning w join ticket t on t.id = w.ticket_id where cause = :c order by w.id",
        c=cause,
    )


def told(desk: Desk, cause: str) -> set[str]:
    """Who is sent a message about the cause, by user name."""
    rows = desk.rows(
        "select p.username from outbox_message m join warning w on m.key like 'notice:warning:' || w.id || ':%'"
        " join person p on p.id = (m.payload ->> 'person_id')::int where w.cause = :cause",
        cause=cause,
    )
    return {row.username for row in rows}


def of_employer(desk: Desk, count: int, **changes: Any) -> list[str]:
    return [desk.registered(**changes) for _ in range(count)]


# Urging and low scores ---------------------------------------------------------------------------------------


def test_the_third_urging_of_a_cycle_goes_up_once_whoever_wrote_it_down(desk: Desk) -> None:
    number = desk.in_progress()
    urge(desk, number)
    urge_on_the_workers_page(desk, number)
    assert warnings(desk, "urging") == []
    urge(desk, number)
    urge(desk, number)
    (warning,) = warnings(desk, "urging")
    assert (warning.number, warning.cycle, warning.facts["times"]) == (number, 1, 3)
    assert told(desk, "urging") == {"supervisor1", f"leader-{GOLMUD}", f"leader-{HAIXI}"}
    assert {target["username"] for target in warning.targets} == told(desk, "urging")


def test_the_workers_own_third_urging_goes_up_as_well(desk: Desk) -> None:
    number = desk.in_progress()
    for _ in range(3):
        urge_on_the_workers_page(desk, number)
        desk.wait(days=1, hours=1)
    assert len(warnings(desk, "urging")) == 1


def test_another_round_counts_its_urgings_anew(desk: Desk) -> None:
    number = desk.in_progress()
    for _ in range(3):
        urge(desk, number)
    desk.reply(number)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))
    desk.rate(number, resolved=False, satisfaction=3)
    for _ in range(2):
        urge(desk, number)
    assert [row.cycle for row in warnings(desk, "urging")] == [1]
    urge(desk, number)
    assert [row.cycle for row in warnings(desk, "urging")] == [1, 2]


@pytest.mark.parametrize(
    ("satisfaction", "reason", "goes_up"), [(2, "late", True), (1, "unreasonable_demand", True), (3, None, False)]
)
def test_a_low_score_goes_up_at_once_and_a_better_one_does_not(
    desk: Desk, satisfaction: int, reason: str | None, goes_up: bool
) -> None:
    number = desk.to_callback()
    desk.rate(number, satisfaction=satisfaction, reason=reason)
    assert [(row.number, row.cycle) for row in warnings(desk, "low_score")] == ([(number, 1)] if goes_up else [])
    assert told(desk, "low_score") == ({"supervisor1", f"leader-{GOLMUD}", f"leader-{HAIXI}"} if goes_up else set())


def test_a_low_score_by_the_workers_link_goes_up_once_however_often_it_is_sent(desk: Desk) -> None:
    number = desk.to_callback()
    answers = Answers(contacted=True, resolved=True, satisfaction=1, reason="policy_does_not_allow")
    with desk.application.unit() as unit:
        token = rating_path(unit, desk.ticket(number)).rpartition("/")[2]
    with desk.application.unit() as unit:
        rate_by_link(unit, RateByLink(token=token, answers=answers))
    with desk.application.unit() as unit:
        rate_by_link(unit, RateByLink(token=token, answers=answers))
    assert len(warnings(desk, "low_score")) == 1


def test_a_warning_does_not_wait_for_the_end_of_quiet_hours(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-11-20 23:30")
    for _ in range(3):
        urge(desk, number)
    (sent,) = desk.rows("select distinct queue, available_at from outbox_message where key like 'notice:warning:%'")
    assert (sent.queue, sent.available_at) == ("urgent", desk.clock.now())


def test_the_timeline_tells_what_went_up_and_to_whom(desk: Desk) -> None:
    number = desk.in_progress()
    for _ in range(3):
        urge(desk, number)
    (event,) = desk.rows("select data from ticket_event where kind = 'ticket:warned'")
    assert event.data["cause"] == "urging"
    assert "supervisor1" in event.data["told"]


def test_a_recused_supervisor_is_not_warned(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do("supervisor1", recuse, RecusePerson(number=number, reason="亲属"))
    for _ in range(3):
        urge(desk, number)
    assert "supervisor1" not in told(desk, "urging")


def test_the_ledger_of_warnings_is_append_only(desk: Desk) -> None:
    desk.registered(urgent=True)
    for statement in ("update warning set cause = 'urging'", "delete from warning", "truncate warning"):
        with pytest.raises(DBAPIError, match="append-only"), desk.by_hand() as owner:
            owner.execute(text(statement))


# Urgent and collective ---------------------------------------------------------------------------------------


def test_an_urgent_matter_goes_to_the_province_at_once(desk: Desk) -> None:
    number = desk.registered(urgent=True)
    assert [row.number for row in warnings(desk, "urgent")] == [number]
    assert "supervisor1" in told(desk, "urgent")


def test_people_of_merged_matters_together_warn_as_those_of_one_would(desk: Desk) -> None:
    master, other = desk.accepted(people_count=6), desk.accepted(people_count=4)
    assert warnings(desk, "collective") == []
    desk.do("agent1", merge_ticket, MergeTicket(number=other, master=master, reason="同一工地"))
    assert [(row.number, row.facts["people"]) for row in warnings(desk, "collective")] == [(master, 10)]


def test_a_group_warns_once_however_often_it_changes(desk: Desk) -> None:
    one, two = desk.accepted(people_count=6), desk.accepted(people_count=6)
    for _ in range(2):
        desk.do("agent1", group_tickets, GroupTickets(numbers=(one, two), title="某工地欠薪"))
        desk.do("agent1", leave_group, two)
    (warning,) = warnings(desk, "group")
    assert warning.facts == {"people": 12, "tickets": [one, two]}


# One employer ------------------------------------------------------------------------------------------------


def test_five_matters_about_one_employer_within_thirty_days_warn_the_province_once(desk: Desk) -> None:
    numbers = of_employer(desk, 4)
    assert warnings(desk, "employer") == []
    numbers += of_employer(desk, 1)
    (warning,) = warnings(desk, "employer")
    assert warning.facts["tickets"] == numbers
    of_employer(desk, 6)
    assert len(warnings(desk, "employer")) == 1, "one wave"
    assert "supervisor1" in told(desk, "employer")
    (notice,) = desk.rows(
        "select payload ->> 'text_zh' as zh from outbox_message where key like 'notice:warning:%' limit 1"
    )
    assert all(number in notice.zh for number in numbers)


def test_a_wave_is_over_after_thirty_days_and_the_next_warns_again(desk: Desk) -> None:
    of_employer(desk, 5)
    desk.wait(days=31)
    of_employer(desk, 4)
    assert len(warnings(desk, "employer")) == 1
    of_employer(desk, 1)
    assert len(warnings(desk, "employer")) == 2


def test_matters_further_apart_than_the_window_are_no_wave(desk: Desk) -> None:
    of_employer(desk, 4)
    desk.wait(days=30, minutes=1)
    of_employer(desk, 1)
    assert warnings(desk, "employer") == []


def test_another_employer_is_another_count(desk: Desk) -> None:
    of_employer(desk, 4)
    of_employer(desk, 4, employer="另一公司")
    assert warnings(desk, "employer") == []


def test_names_of_one_employer_count_as_one(desk: Desk) -> None:
    of_employer(desk, 4)
    (employer,) = desk.rows("select id from employer")
    desk.do("dispatcher1", add_employer_name, AddEmployerName(id=employer.id, name="某建筑集团"))
    of_employer(desk, 1, employer="某建筑集团")
    assert len(warnings(desk, "employer")) == 1


def test_merging_two_entries_counts_their_matters_together(desk: Desk) -> None:
    of_employer(desk, 3)
    of_employer(desk, 2, employer="某建筑集团")
    one, other = (row.id for row in desk.rows("select id from employer order by id"))
    desk.do("dispatcher1", merge_employers, MergeEmployers(id=other, into=one))
    assert [row.facts["count"] for row in warnings(desk, "employer")] == [5]
    of_employer(desk, 1, employer="某建筑集团")
    assert len(warnings(desk, "employer")) == 1


def test_a_wave_told_under_a_name_that_was_merged_is_not_told_again(desk: Desk) -> None:
    of_employer(desk, 5)
    of_employer(desk, 1, employer="某建筑集团")
    one, other = (row.id for row in desk.rows("select id from employer order by id"))
    desk.do("dispatcher1", merge_employers, MergeEmployers(id=one, into=other))
    of_employer(desk, 5)
    assert len(warnings(desk, "employer")) == 1


def test_imported_history_sets_no_warning_off(desk: Desk, tmp_path: Path) -> None:
    file, mapping = tmp_path / "old.csv", tmp_path / "map.toml"
    rows = [f"A{n},拖欠工资,办结,2026-11-1{n} 09:00,2026-11-18 18:00,2026-11-17 10:00,某建筑公司" for n in range(6)]
    file.write_text("\n".join(["编号,标题,状态,来电时间,截止,办结时间,用人单位", *rows]), encoding="utf-8")
    mapping.write_text(OLD_LINE, encoding="utf-8")
    take_in(desk.application, file, mapping)
    assert desk.rows("select count(*) as n from ticket where employer_id is not null")[0].n == 6
    of_employer(desk, 4)
    assert warnings(desk, "employer") == []
    of_employer(desk, 1)
    assert [row.facts["count"] for row in warnings(desk, "employer")] == [5]


def test_who_has_an_interest_in_one_of_the_matters_is_not_told_of_the_wave(desk: Desk) -> None:
    numbers = of_employer(desk, 4)
    desk.do("supervisor1", recuse, RecusePerson(number=numbers[0], reason="亲属"))
    of_employer(desk, 1)
    assert "supervisor1" not in told(desk, "employer")
    assert warnings(desk, "employer")[0].targets


def test_callers_at_the_same_moment_are_all_counted_and_warned_of_once(desk: Desk) -> None:
    of_employer(desk, 2)
    start = threading.Barrier(4)

    def call() -> None:
        start.wait()
        desk.registered()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [row.facts["count"] for row in warnings(desk, "employer")] == [5]


def test_a_policy_stored_before_this_rule_keeps_its_version_and_means_the_house_default() -> None:
    policy = load_policy()
    document = policy.to_document()
    del document["limits"]["employer_warning_tickets"], document["limits"]["employer_warning_days"], document["digest"]
    stored = policy_from_document(document)
    assert (stored.limits.employer_warning_tickets, stored.limits.employer_warning_days) == (5, 30)
    assert policy_from_document(stored.to_document()) == stored
