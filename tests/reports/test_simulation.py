"""History under other rules: the figures then are those of the breach report, the figures now can be traced."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from service.reports.breaches import BreachQuery, PeriodInvalid, breach_report
from service.reports.simulation import RulesUnchanged, SimulateHistory, SimulationReport, simulate_history
from service.reports.simulation_files import MOST_ROWS, points, rate_text, to_csv, to_html, write_simulation
from service.sla.rules import Rules, current_rules
from service.tickets.handling import AskSuspension, ask_suspension, grant_suspension
from service.tickets.queries import QueueNotVisible
from service.tickets.requests import DecideRequest
from sla_rules import ClockKind, Figures, PastClock, Tier, with_amount, without_made_up_days
from tests.api.test_cost import counted
from tests.desk import GOLMUD, HAIXI, Desk, at

PROVINCE = "630000"


def rules_of(desk: Desk) -> Rules:
    with desk.application.reading() as unit:
        return current_rules(unit.session)


def simulated(
    desk: Desk, *, days: int = 3, who: str = "supervisor1", org: str = PROVINCE, **period: date
) -> SimulationReport:
    """The history if difficult matters were promised in so many working days."""
    rules = rules_of(desk)
    policy = with_amount(rules.policy, ClockKind.resolve, Tier.difficult, amount=days)
    return desk.do(who, simulate_history, SimulateHistory(policy=policy, calendar=rules.calendar, org=org, **period))


def on_the_fourth_day(desk: Desk, **changes: Any) -> str:
    """Accepted on Friday 11-20, due at the end of Friday 11-27, answered on Thursday 11-26."""
    number = desk.in_progress(**changes)
    desk.go_to("2026-11-26 10:00")
    desk.reply(number)
    return number


def test_a_reply_of_the_fourth_day_is_late_under_three(desk: Desk) -> None:
    number = on_the_fourth_day(desk)

    result = simulated(desk)

    (changed,) = result.changed
    assert (changed.past.reference, changed.past.union, changed.direction) == (number, GOLMUD, "newly_late")
    assert (changed.past.recorded_due_at, changed.due_at) == (at("2026-11-28 00:00"), at("2026-11-26 00:00"))
    assert [(line.key, line.figures.on_time_then, line.figures.on_time_now) for line in result.by_union] == [
        (GOLMUD, 1, 0)
    ]
    assert [change.zh for change in result.changes] == ["难点问题:5 个工作日 → 3 个工作日"]


def test_what_was_is_what_the_breach_report_says(desk: Desk) -> None:
    desk.closed()
    on_the_fourth_day(desk)
    desk.closed(category_code="0501")
    desk.accepted()
    desk.go_to("2026-12-15 10:00")
    desk.accepted()

    result = simulated(desk)
    query = BreachQuery(start=date(2026, 11, 1), end=date(2027, 2, 1), org=PROVINCE)
    total = next(t for t in desk.do("supervisor1", breach_report, query).by_clock if t.key == "resolve")

    figures = result.total.figures
    assert (figures.clocks, figures.on_time_then) == (total.due, total.on_time) == (5, 3)
    assert (figures.due_then - figures.on_time_then, figures.clocks - figures.due_then) == (total.late, total.open)


def test_a_suspension_is_carried_over(desk: Desk) -> None:
    number = desk.in_progress()
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=at("2026-12-07 09:00"))
    desk.do(f"handler-{GOLMUD}", ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))

    farthest = simulated(desk).result.largest_shift

    assert farthest is not None
    assert farthest.past.recorded_due_at == at("2026-12-12 00:00"), "Monday the 7th to Friday the 11th"
    assert farthest.due_at == at("2026-12-10 00:00")


def test_redone_work_keeps_its_own_promise(desk: Desk) -> None:
    number = desk.to_callback()
    desk.rate(number, resolved=False, satisfaction=2, reason="not_resolved")

    result = simulated(desk, days=1)

    assert (result.total.figures.clocks, result.total.figures.moved) == (2, 1)


def test_clocks_are_chosen_by_the_day_their_recorded_deadline_fell_on(desk: Desk) -> None:
    on_the_fourth_day(desk)

    def counts(**period: date) -> int:
        return simulated(desk, **period).total.figures.clocks

    assert counts(start=date(2026, 11, 27), end=date(2026, 11, 28)) == 1, "24:00 belongs to the day that ends"
    assert counts(start=date(2026, 11, 28)) == counts(end=date(2026, 11, 27)) == 0


def test_what_cannot_be_simulated_is_refused(desk: Desk) -> None:
    on_the_fourth_day(desk)

    with pytest.raises(RulesUnchanged):
        simulated(desk, days=5)
    with pytest.raises(PeriodInvalid):
        simulated(desk, start=date(2026, 11, 2), end=date(2026, 11, 2))
    with pytest.raises(QueueNotVisible):
        simulated(desk, who=f"leader-{HAIXI}", org="630100")
    assert simulated(desk, who=f"leader-{HAIXI}", org=HAIXI).total.figures.newly_late == 1


def test_the_clocks_are_read_in_one_statement_and_watched_one_by_one(desk: Desk) -> None:
    for _ in range(3):
        on_the_fourth_day(desk)
    rules = rules_of(desk)
    command = SimulateHistory(policy=rules.policy, calendar=without_made_up_days(rules.calendar), org=PROVINCE)
    seen: list[str] = []

    def watched(clocks: Iterable[PastClock], total: int) -> Iterable[PastClock]:
        for past in clocks:
            seen.append(f"{len(seen) + 1}/{total}")
            yield past

    with desk.application.reading() as unit, counted(desk.application) as statements:
        simulate_history(unit, command, watched=watched)

    assert seen == ["1/3", "2/3", "3/3"]
    assert sum("sla_pause" in statement for statement in statements) == 1
    assert len(statements) <= 4, statements


def test_the_files_tell_the_same(desk: Desk, tmp_path: Path) -> None:
    number = on_the_fourth_day(desk)
    files = write_simulation(simulated(desk), tmp_path / "out")

    document = json.loads(files["simulation.json"].read_text())
    assert document["total"]["newly_late"] == len(document["changed"]) == 1
    assert document["changed"][0]["due_now"] == "2026-11-26T00:00:00+08:00"
    assert document["changed"][0]["shift_seconds"] == -2 * 86400
    assert document["rules_then"][0]["policy_version"] != document["rules_now"]["policy_version"]
    (row,) = csv.DictReader(io.StringIO(files["changed.csv"].read_text("utf-8-sig")))
    assert (row["工单号"], row["模拟期限(不含)"], row["变化"], row["说明"]) == (
        number,
        "2026-11-26T00:00:00+08:00",
        "变为逾期",
        "提前 2 天",
    )
    page = files["report.html"].read_text()
    assert number in page
    assert "2026-11-25 24:00" in page
    assert "100.0 % (1/1)" in page


def test_the_page_needs_no_network_and_no_script(desk: Desk) -> None:
    on_the_fourth_day(desk)
    page = to_html(simulated(desk))

    assert "<svg" in page
    for forbidden in ("<script", "http:", "https:", "<link", "@import", "url(", " src="):
        assert forbidden not in page


def test_what_has_no_answer_stands_in_every_file(desk: Desk, tmp_path: Path) -> None:
    number = on_the_fourth_day(desk)
    report = simulated(desk, days=99_999)
    files = write_simulation(report, tmp_path)

    assert report.total.figures == Figures(clocks=1, unanswered=1)
    document = json.loads(files["simulation.json"].read_text())
    assert [(entry["number"], entry["code"]) for entry in document["unanswered"]] == [(number, "outside_calendar")]
    (row,) = csv.DictReader(io.StringIO(files["changed.csv"].read_text("utf-8-sig")))
    assert (row["变化"], "超出日历范围" in row["说明"]) == ("无法重新计算", True)
    assert "超出日历范围" in files["report.html"].read_text()


def test_a_text_from_outside_neither_runs_nor_breaks_a_file(desk: Desk) -> None:
    on_the_fourth_day(desk)
    report = simulated(desk)
    (changed,) = report.result.changed
    nasty = replace(changed, past=replace(changed.past, reference="=1+1<script>"))
    report = replace(report, result=replace(report.result, changed=(nasty,) * (MOST_ROWS + 1)))

    assert to_csv(report).decode("utf-8-sig").splitlines()[1].startswith("'=1+1")
    page = to_html(report)
    assert "<script" not in page
    assert page.count("=1+1&lt;script&gt;") <= MOST_ROWS + 1
    assert "changed.csv" in page, "the page says where the rest is"


def test_rates_are_told_with_their_counts() -> None:
    assert rate_text(37, 40) == "92.5 % (37/40)"
    assert rate_text(0, 0) == "–"
    assert points(Figures(due_then=4, on_time_then=2, due_now=4, on_time_now=3)).zh == "▲ 上升 25.0 个百分点"
    assert points(Figures(due_then=4, on_time_then=2, due_now=4, on_time_now=2)).en == "unchanged"
    assert points(Figures(due_then=4)).zh == "–"
