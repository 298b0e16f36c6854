"""The breach report: rows that can be traced, totals that add up."""

import io
from datetime import date

import openpyxl
import pytest

from service.core.spreadsheet import harmless
from service.reports.breaches import BreachQuery, BreachReport, breach_report
from service.reports.export import to_csv, to_xlsx
from service.tickets.closing import AddNote, add_note
from service.tickets.queries import QueueNotVisible
from tests.desk import GOLMUD, HAIXI, Desk

NOVEMBER = {"start": date(2026, 11, 1), "end": date(2026, 12, 31)}


def report(desk: Desk, who: str = "supervisor1", org: str = "630000") -> BreachReport:
    return desk.do(who, breach_report, BreachQuery(org=org, **NOVEMBER))


def late_ticket(desk: Desk) -> str:
    """Due at the end of Friday 11-27, replied on Tuesday 12-01."""
    number = desk.in_progress()
    desk.go_to("2026-12-01 10:00")
    desk.sweep()
    desk.reply(number)
    return number


def test_a_late_reply_is_a_row_with_its_rungs_and_its_holder(desk: Desk) -> None:
    number = late_ticket(desk)

    rows = [row for row in report(desk).rows if row.clock == "resolve"]

    assert [row.number for row in rows] == [number]
    assert rows[0].org_code == GOLMUD
    assert rows[0].held_by == f"handler-{GOLMUD}"
    assert [rung.rung for rung in rows[0].rungs] == ["half", "most", "breach", "late_1"]
    # Monday's 7 hours and 1.5 of Tuesday morning
    assert rows[0].late_seconds == int(8.5 * 3600)


def test_a_breach_needs_no_sweep_to_be_reported(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-12-01 10:00")
    desk.reply(number)

    assert number in {row.number for row in report(desk).rows if row.clock == "resolve"}


def test_the_late_of_every_dimension_sums_to_the_rows(desk: Desk) -> None:
    late_ticket(desk)
    desk.closed(category_code="0501")
    desk.accepted(category_code="0401")
    result = report(desk)

    for totals in (result.by_clock, result.by_union, result.by_tier, result.by_category):
        assert sum(total.late for total in totals) == len(result.rows)
        assert sum(total.due for total in totals) == result.total.due
    assert all(t.due == t.on_time + t.late + t.open for t in result.by_union)


def test_a_union_sees_its_own_subtree_only(desk: Desk) -> None:
    late_ticket(desk)

    assert any(row.clock == "resolve" for row in report(desk, f"leader-{HAIXI}", HAIXI).rows)
    with pytest.raises(QueueNotVisible):
        report(desk, f"leader-{HAIXI}", "630100")


def test_the_rating_stands_beside_the_breach(desk: Desk) -> None:
    number = late_ticket(desk)
    from service.tickets.closing import ReviewReply, approve_reply

    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))
    desk.rate(number, satisfaction=4)

    row = next(row for row in report(desk).rows if row.clock == "resolve")
    assert (row.rating_result, row.satisfaction, row.resolved) == ("answered", 4, True)


def test_a_clock_suspended_before_its_deadline_has_broken_nothing(desk: Desk) -> None:
    from service.tickets.handling import AskSuspension, ask_suspension, grant_suspension
    from service.tickets.requests import DecideRequest
    from tests.desk import at

    number = desk.in_progress()
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=at("2026-12-20 09:00"))
    desk.do(f"handler-{GOLMUD}", ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    desk.go_to("2026-12-10 10:00")

    assert not [row for row in report(desk).rows if row.clock == "resolve"]


def test_files_hold_the_same_rows_and_run_no_formula(desk: Desk) -> None:
    number = late_ticket(desk)
    desk.do("supervisor1", add_note, AddNote(number=number, note="=1+1"))
    result = report(desk)

    text = to_csv(result).decode()
    assert text.startswith("\ufeff工单号")
    assert text.count("\r\n") == len(result.rows) + 1
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(result)))
    assert book["逾期工单"].max_row == len(result.rows) + 1
    assert harmless("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"


def test_the_same_report_gives_the_same_bytes(desk: Desk) -> None:
    late_ticket(desk)

    assert to_csv(report(desk)) == to_csv(report(desk))
    assert to_xlsx(report(desk)) == to_xlsx(report(desk))
