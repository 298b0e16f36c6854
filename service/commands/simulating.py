"""`hotline sla simulate`: history under a changed policy or calendar."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.frame import AsJson, application, complain, say, say_json, say_table, whole, with_progress
from service.commands.reporting import day_of

if TYPE_CHECKING:
    from service.reports.simulation import Line, SimulationReport
    from service.sla.rules import Rules
    from sla_rules import PastClock, Policy, Tier, Unit, WorkCalendar

# The terminal is for the answer, the files for the list.
_MOST_TICKETS = 20


def register(app: typer.Typer) -> None:
    """Add the command to the group `sla`, which has to be there already."""
    sla = next(entry.typer_instance for entry in app.registered_groups if entry.name == "sla")
    assert sla is not None  # noqa: S101 - Typer allows a group without an application, this house has none
    sla.command("simulate")(simulate_command)


def simulate_command(
    policy: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="整份规则 / a whole policy")] = None,
    calendar: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="一年的日历或本级安排 / a year (notice, TOML, ICS, CSV) or a local arrangement"
        ),
    ] = None,
    no_made_up_days: Annotated[
        bool, typer.Option("--no-made-up-days", help="没有调休上班 / no day of rest is worked in exchange")
    ] = False,
    set_amounts: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="TIER=AMOUNT[:UNIT]",
            help="办结承诺,可重复 / the resolve promise, repeatable: difficult=3, ordinary=1:working_days",
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="期限起始日,默认最早 / first day of deadlines")] = None,
    end: Annotated[str | None, typer.Option("--to", help="期限结束日,不含,默认最晚 / the day after the last")] = None,
    org: Annotated[str, typer.Option(help="工会代码,默认全省 / union, the province by default")] = "",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="report.html, changed.csv, simulation.json")] = None,
    as_json: AsJson = False,
) -> None:
    """如果改了规则或日历,历史会怎样。/ History under a changed policy or calendar.

    只读数据库,不改任何期限。/ The database is only read; no deadline is changed.
    """
    from service.core.unit import PROVINCE_CODE
    from service.reports.simulation import RulesUnchanged, SimulateHistory, simulate_history
    from service.reports.simulation_files import write_simulation
    from service.sla.rules import current_rules

    if policy is None and calendar is None and not no_made_up_days and not set_amounts:
        raise RulesUnchanged
    with application() as parts, parts.reading() as unit:
        rules = current_rules(unit.session)
        command = SimulateHistory(
            policy=_policy(rules, policy, set_amounts or []),
            calendar=_calendar(rules, calendar, without_made_up=no_made_up_days),
            org=org or PROVINCE_CODE,
            start=day_of(start, "--from") if start else None,
            end=day_of(end, "--to") if end else None,
        )
        report = simulate_history(unit, command, watched=_with_progress)
    files = write_simulation(report, out) if out else {}
    if as_json:
        say_json(report.to_document())
    else:
        _show(report)
    for path in files.values():
        complain(f"{path}")


def _with_progress(clocks: "Iterable[PastClock]", total: int) -> "Iterator[PastClock]":
    return with_progress(clocks, total=total, what="模拟 simulate")


def _policy(rules: "Rules", file: Path | None, amounts: list[str]) -> "Policy":
    """The policy in force or in the file, with other amounts. Raises PolicyInvalid, PromiseInvalid."""
    from sla_rules import ClockKind, load_policy, with_amount

    policy = load_policy(file) if file else rules.policy
    for text in amounts:
        tier, amount, unit = _amount(text)
        policy = with_amount(policy, ClockKind.resolve, tier, amount=amount, unit=unit)
    return policy


def _amount(text: str) -> "tuple[Tier, int, Unit | None]":
    from typing import cast

    from sla_rules import Tier
    from sla_rules.promise import UNITS

    tier, _, rest = text.partition("=")
    amount, _, unit = rest.partition(":")
    if tier.strip() not in tuple(Tier) or not amount.strip().isdecimal() or (unit and unit.strip() not in UNITS):
        units, tiers = " | ".join(UNITS), " | ".join(Tier)
        raise typer.BadParameter(f"{text} (difficult=3, ordinary=1:working_days; {tiers}; {units})", param_hint="--set")
    return Tier(tier.strip()), int(amount), cast("Unit", unit.strip()) if unit else None


def _calendar(rules: "Rules", file: Path | None, *, without_made_up: bool) -> "WorkCalendar":
    """The calendar in force with what the file says in place of its own, with or without days worked in exchange.

    Raises CalendarInvalid.
    """
    from sla_rules import without_made_up_days

    calendar = _with_file(rules.calendar, file) if file else rules.calendar
    return without_made_up_days(calendar) if without_made_up else calendar


def _with_file(calendar: "WorkCalendar", file: Path) -> "WorkCalendar":
    from service.sla.calendar_files import read_calendar_file
    from sla_rules import LocalArrangement, laid_over, with_year

    with file.open("rb") as opened:
        said = read_calendar_file(whole(opened), name=file.name)
    if isinstance(said, LocalArrangement):
        return laid_over(calendar, said)
    if file.suffix.lower() == ".toml":
        # A year made up for the purpose may lack what a published one must have.
        said = replace(said, doubts=())
    return with_year(calendar, said.to_year(*(source.url or file.name for source in said.sources)))


def _show(report: "SimulationReport") -> None:
    from service.core.clock import deadline_text
    from service.reports.simulation import shown_shift, tier_name
    from service.reports.simulation_files import DIRECTIONS

    for change in report.changes:
        say(f"改动 changed: {change.zh} / {change.en}")
    for title, lines in (("按分级 by tier", report.by_tier), ("按工会 by union", report.by_union)):
        say()
        _show_lines(title, (*lines, report.total))
    changed = report.changed
    if changed:
        say()
        say_table(
            ("工单 ticket", "工会 union", "分级 tier", "当时期限 due then", "模拟期限 due now", "变化 change"),
            [
                (
                    one.past.reference,
                    report.union_names[one.past.union].zh,
                    tier_name(one.past.tier).zh,
                    deadline_text(one.past.recorded_due_at),
                    f"{deadline_text(one.due_at)} ({shown_shift(one.shift).zh})",
                    DIRECTIONS[one.direction or ""].zh,
                )
                for one in changed[:_MOST_TICKETS]
            ],
        )
        if len(changed) > _MOST_TICKETS:
            rest = len(changed) - _MOST_TICKETS
            say(f"另有 {rest} 件,见 --out 的 changed.csv / {rest} more: changed.csv of --out")
    for entry in report.unanswered[:_MOST_TICKETS]:
        say(f"无法重新计算 not recomputed: {entry.past.reference}: {entry.error.zh} / {entry.error.en}")
    figures, farthest = report.total.figures, report.result.largest_shift
    say()
    say(
        f"{figures.clocks} 件:{figures.moved} 件期限移动,{figures.newly_late} 件变为逾期,"
        f"{figures.no_longer_late} 件不再逾期,{figures.unanswered} 件无法重新计算"
        + (f";最多{shown_shift(farthest.shift).zh}" if farthest else "")
    )
    say(
        f"{figures.clocks} in all: {figures.moved} deadlines move, {figures.newly_late} become late,"
        f" {figures.no_longer_late} no longer late, {figures.unanswered} not recomputed"
        + (f"; at most {shown_shift(farthest.shift).en}" if farthest else "")
    )


def _show_lines(title: str, lines: "tuple[Line, ...]") -> None:
    from service.reports.simulation_files import points, rate_text

    say_table(
        (title, "当时 then", "模拟 now", "变化 change", "变为逾期 newly late", "不再逾期 no longer late"),
        [
            (
                f"{line.key} {line.name.zh}".strip(),
                rate_text(line.figures.on_time_then, line.figures.due_then),
                rate_text(line.figures.on_time_now, line.figures.due_now),
                points(line.figures).zh if line.rated else "到期太少 too few",
                str(line.figures.newly_late),
                str(line.figures.no_longer_late),
            )
            for line in lines
        ],
    )
