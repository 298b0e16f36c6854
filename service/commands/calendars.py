"""`hotline calendar import`, `preview`, `arrangement`, `changes`: what a file says, what it would do, doing it.

A file is the State Council's notice as it was published, a feed, a table, a file of our own, or a policy.
"""

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.frame import (
    REFUSED,
    WRONG,
    AsJson,
    application,
    complain,
    progress_bar,
    say,
    say_json,
    say_table,
    whole,
    with_progress,
)
from service.commands.rule_tables import (
    change_document,
    preview_document,
    show,
    show_arrangement,
    show_change,
    show_figures,
    show_moves,
    show_policy,
)
from service.core.clock import local

if TYPE_CHECKING:
    from service.bootstrap import Application
    from service.core.unit import Unit
    from service.sla.models import RuleChange
    from service.sla.rule_files import RuleFile
    from service.sla.rules import Rules
    from service.tickets.recounting import Preview
    from sla_rules import Policy, WorkCalendar

_STANDARD_INPUT = Path("-")
_WAIT = 0.2  # seconds

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE|-",
        help="通知全文、ics、csv、toml(年份、本地安排或时限规则);- 为标准输入 / "
        "the notice, .ics, .csv, .toml (a year, a local arrangement, a policy); - is standard input",
    ),
]
Year = Annotated[int | None, typer.Option(help="所属年份,文中已写明则可省略 / where the file states none, or several")]
Source = Annotated[str, typer.Option(help="通知的网址 / address the notice was published at")]
Amends = Annotated[
    bool, typer.Option("--amends", help="修订已载入的年份,其余日期不变 / changes days of a year in force")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `calendar`, which has to be there already."""
    calendar = next(entry.typer_instance for entry in app.registered_groups if entry.name == "calendar")
    assert calendar is not None  # noqa: S101 - Typer allows a group without an application, this house has none
    calendar.command("import")(import_file)
    calendar.command("preview")(preview_file)
    calendar.command("arrangement")(arrangement)
    calendar.command("changes")(changes)


def import_file(
    file: File,
    check: Annotated[bool, typer.Option("--check", help="只核对,不载入 / only check")] = False,
    reason: Annotated[str, typer.Option(help="载入并写明理由 / load it, for this reason")] = "",
    year: Year = None,
    source: Source = "",
    amends: Amends = False,
) -> None:
    """核对并载入放假通知、日历文件或时限规则。/ Check a notice, a calendar file or a policy, and put it in force.

    有存疑则退出码为 1,不载入。载入后未办结工单的期限随即重新计算。
    / Exit code 1 on any doubt, and nothing is loaded. Once loaded, the open deadlines are counted anew.
    """
    from service.sla.rule_files import rule_proposal
    from service.sla.rules import current_rules

    if check == bool(reason.strip()):
        complain("请选择 --check(只核对)或 --reason 理由(载入)。\nSay either --check or --reason WHY (to load it).")
        raise typer.Exit(WRONG)
    given = _given(file, year=year, source=source, amends=amends)
    if check:
        _check(given)
        return
    with application() as parts:
        with parts.reading() as unit:
            rules = current_rules(unit.session)
            _show_said(rules.calendar, given)
            then = _proposed(unit, rules, given)
            show_figures(_previewed(unit, then))
        proposal = rule_proposal(rules.calendar, given)
        change = _put_in_force(parts, rules, proposal.calendar, proposal.policy, reason)
    say()
    say(f"已发布:第 {change.id} 号变更 / in force: change no. {change.id}")
    show_change(change)
    if change.failures:
        raise typer.Exit(REFUSED)


def preview_file(
    file: File,
    year: Year = None,
    source: Source = "预览 preview",
    amends: Amends = False,
    as_json: AsJson = False,
) -> None:
    """载入后会怎样:哪些未办结工单的期限会变。/ What loading it would do to the open tickets. Changes nothing."""
    from service.sla.publishing import rules_label
    from service.sla.rules import current_rules

    given = _given(file, year=year, source=source, amends=amends)
    with application() as parts, parts.reading() as unit:
        rules = current_rules(unit.session)
        then = _proposed(unit, rules, given)
        seen = _previewed(unit, then)
    if as_json:
        say_json({"before": rules_label(rules), "after": rules_label(then), **preview_document(seen)})
        return
    say(f"现行 now:  {rules_label(rules)}")
    say(f"将为 then: {rules_label(then)}")
    show_figures(seen)
    show_moves(seen.moves)


def arrangement() -> None:
    """以 TOML 列出现行的办公时间、例外和地区层,修改后可再载入。
    / The office hours, exceptions and regional layers in force as TOML, to be edited and loaded again."""
    from service.commands.timing import rules_in_force
    from sla_rules import arrangement_of, to_toml

    say(to_toml(arrangement_of(rules_in_force().calendar)).rstrip())


def changes(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="最多几条 / at most")] = 20,
    as_json: AsJson = False,
) -> None:
    """历次日历和规则变更,最近的在前。/ Changes of calendar and policy, newest first."""
    from sqlalchemy import select

    from service.sla.models import RuleChange

    with application() as parts, parts.reading() as unit:
        rows = list(unit.session.scalars(select(RuleChange).order_by(RuleChange.id.desc()).limit(limit)))
    if as_json:
        say_json([change_document(row) for row in rows])
        return
    say_table(
        ("号 no.", "时间 at", "由 by", "已核 looked at", "变动 moved", "保留 kept", "完成 finished", "理由 reason"),
        [
            (
                str(row.id),
                f"{local(row.at):%Y-%m-%d %H:%M}",
                row.actor_name,
                str(row.looked_at),
                str(row.moved),
                str(row.kept),
                f"{local(row.finished_at):%Y-%m-%d %H:%M}" if row.finished_at else "进行中 under way",
                row.reason,
            )
            for row in rows
        ],
    )


# Reading --------------------------------------------------------------------------------------------------


def _given(path: Path, *, year: int | None, source: str, amends: bool) -> "RuleFile":
    from service.sla.rule_files import RuleFile

    with nullcontext(sys.stdin.buffer) if path == _STANDARD_INPUT else path.open("rb") as file:
        raw = whole(file)
    name = "标准输入" if path == _STANDARD_INPUT else path.name
    return RuleFile(raw=raw, name=name, year=year, source=source, amends=amends)


def _check(given: "RuleFile") -> None:
    from service.commands.timing import rules_in_force

    _show_said(rules_in_force().calendar, given)


def _show_said(calendar: "WorkCalendar", given: "RuleFile") -> None:
    """Show what the file says. Ends the command when it is no text or anything in it is in doubt."""
    from service.sla.calendar_files import CalendarFileIsNoText
    from service.sla.rule_files import read_rule_file
    from sla_rules import LocalArrangement, Policy

    try:
        said = read_rule_file(calendar, given)
    except CalendarFileIsNoText as refusal:
        complain(f"{refusal.sentence('zh')}\n{refusal.sentence('en')}")
        raise typer.Exit(WRONG) from None
    if isinstance(said, Policy):
        show_policy(said)
    elif isinstance(said, LocalArrangement):
        show_arrangement(said)
    else:
        show(said)
        if said.doubts:
            for doubt in said.doubts:
                complain(f"存疑:{doubt.zh}:「{doubt.sentence}」\nin doubt: {doubt.en}")
            raise typer.Exit(REFUSED)


# Previewing -----------------------------------------------------------------------------------------------


def _proposed(unit: "Unit", rules: "Rules", given: "RuleFile") -> "Rules":
    from service.sla.publishing import proposed
    from service.sla.rule_files import rule_proposal

    proposal = rule_proposal(rules.calendar, given)
    return proposed(unit, calendar=proposal.calendar, policy=proposal.policy)


def _previewed(unit: "Unit", then: "Rules") -> "Preview":
    from service.tickets.recounting import Preview, open_clocks, previewed

    figures = Preview()
    for looked in with_progress(previewed(unit, then), total=open_clocks(unit), what="预览 preview"):
        figures.add(looked)
    return figures


def _put_in_force(
    parts: "Application", rules: "Rules", calendar: "WorkCalendar | None", policy: "Policy | None", reason: str
) -> "RuleChange":
    """Publish, and recount here and now: no worker has to run, and one that does shares the work."""
    from service.sla.publishing import PublishRules, rules_label
    from service.tickets.recounting import apply_rules, open_clocks, recount_next

    command = PublishRules(calendar=calendar, policy=policy, reason=reason, expected=rules_label(rules))
    with parts.unit() as unit:
        change = apply_rules(unit, command)
        total = open_clocks(unit)

    seen = 0
    with progress_bar("重新计算 recount", total=total) as advance_to:
        while change.finished_at is None:
            with parts.unit() as unit:
                change = recount_next(unit, change.id)
            if change.finished_at is None and change.looked_at == seen:
                time.sleep(_WAIT)  # somebody works on what is left
            seen = change.looked_at
            advance_to(seen)
    return change
