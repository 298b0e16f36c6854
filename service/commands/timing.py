"""`hotline calendar` and `hotline sla`: when things are due, and why.

Without a database they answer by the calendars and the policy that come with this release.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from service.commands.frame import (
    REFUSED,
    WRONG,
    AsJson,
    application,
    complain,
    group,
    say,
    say_json,
    say_table,
    typed_instant,
    with_progress,
)
from service.core.clock import LOCAL, SystemClock, local

if TYPE_CHECKING:
    from sla_rules import Deadline, Explanation, Policy, WorkCalendar

BATCH_COLUMNS = ("tier", "accepted_at")
_KINDS = {"off": "休息 off", "work": "上班 work"}
_WEEKDAYS = "一二三四五六日"
_CHUNK_BYTES = 1 << 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    calendar = group("工作日历 / the work calendar")
    calendar.command("show")(show_calendar)
    calendar.command("status")(calendar_status)
    app.add_typer(calendar, name="calendar")
    sla = group("办理时限 / deadlines")
    sla.command("due")(due)
    sla.command("explain")(explain_ticket)
    app.add_typer(sla, name="sla")


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules an answer is given by, and where they come from."""

    policy: "Policy"
    calendar: "WorkCalendar"
    published: bool

    @property
    def origin(self) -> str:
        return "数据库 published" if self.published else "随版本 shipped"


def rules_in_force() -> InForce:
    """The published rules where a database is named, else the shipped ones. Raises NoRulesPublished."""
    from service.core.settings import load_settings

    if not load_settings().database_url:
        from sla_rules import load_calendar, load_policy

        return InForce(policy=load_policy(), calendar=load_calendar(), published=False)

    from service.sla.rules import current_rules

    with application() as parts, parts.reading() as unit:
        rules = current_rules(unit.session)
    return InForce(policy=rules.policy, calendar=rules.calendar, published=True)


# Calendar -------------------------------------------------------------------------------------------------


def show_calendar(
    year: Annotated[int | None, typer.Option(help="年份,默认今年 / year, this one by default")] = None,
    as_json: AsJson = False,
) -> None:
    """列出一年中的放假和调休上班日。/ Days off and days worked in exchange, of one year."""
    rules = rules_in_force()
    wanted = year or local(SystemClock().now()).year
    if not date.min.year <= wanted <= date.max.year:
        raise typer.BadParameter(f"{wanted}", param_hint="--year")
    days = [rules.calendar.day(day) for day in _days_of(wanted)]
    special = [info for info in days if info.kind in _KINDS]
    working = sum(info.working for info in days)
    if as_json:
        say_json(
            {
                "year": wanted,
                "calendar_version": rules.calendar.version,
                "working_days": working,
                "provisional": any(info.provisional for info in days),
                "days": [
                    {"date": info.date.isoformat(), "kind": info.kind, "name": info.name, "source": info.source}
                    for info in special
                ],
            }
        )
        return
    say_table(
        ("日期 date", "星期", "安排 kind", "节日 name", "依据 source"),
        [
            (info.date.isoformat(), _WEEKDAYS[info.date.weekday()], _KINDS[info.kind], info.name, info.source)
            for info in special
        ],
    )
    say(f"{wanted}: 工作日 {working} 天 / {working} working days; {rules.calendar.version} ({rules.origin})")
    if any(info.provisional for info in days):
        say("部分日期尚待国务院办公厅通知,为暂定。/ Some days await the notice and are provisional.")


def _days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        if day == date.max:
            return
        day += timedelta(days=1)


def calendar_status(as_json: AsJson = False) -> None:
    """日历覆盖到哪一天。/ How far the calendar reaches.

    11 月 1 日起下一年仍缺失则退出码为 1。/ Exit code 1 from 1 November on while the next year is missing.
    """
    from sla_rules import coverage_alarm

    rules = rules_in_force()
    calendar = rules.calendar
    today = local(SystemClock().now()).date()
    left = (calendar.covered_until - today).days
    alarm = coverage_alarm(calendar, today)
    waiting = _provisional_tickets() if rules.published else None
    if as_json:
        say_json(
            {
                "calendar_version": calendar.version,
                "policy_version": rules.policy.version,
                "published": rules.published,
                "covered_until": calendar.covered_until.isoformat(),
                "settled_until": calendar.settled_until.isoformat(),
                "days_left": left,
                "missing_year": alarm and alarm.missing_year,
                "provisional_tickets": waiting,
            }
        )
    else:
        say(f"日历 calendar: {calendar.version} ({rules.origin})")
        say(f"规则 policy: {rules.policy.version}")
        say(f"已载入至 covered until: {calendar.covered_until} (还有 {left} 天 / {left} days)")
        say(f"已确定至 settled until: {calendar.settled_until};此后的期限为暂定 / later deadlines are provisional")
        if waiting is not None:
            say(f"期限为暂定的未办结工单 open tickets with a provisional deadline: {waiting}")
    if alarm is not None:
        from service.sla.coverage import WHAT_TO_DO

        complain(f"{alarm.zh}{WHAT_TO_DO.zh}\n{alarm.en} {WHAT_TO_DO.en}")
        raise typer.Exit(REFUSED)


def _provisional_tickets() -> int:
    from service.sla.coverage import provisional_now

    with application() as parts, parts.reading() as unit:
        return provisional_now(unit).tickets


# Deadlines ------------------------------------------------------------------------------------------------


def due(
    tier: Annotated[str | None, typer.Option(help="ordinary | difficult | complex")] = None,
    at: Annotated[str | None, typer.Option(help="受理时间 / time of acceptance, e.g. 2026-02-14T09:30")] = None,
    urgent: Annotated[bool, typer.Option("--urgent", help="紧急事项 / an urgent matter")] = False,
    org: Annotated[str, typer.Option(help="工会代码,计入其地区层 / union, for its region's observances")] = "",
    batch: Annotated[Path | None, typer.Option(help="CSV: tier,accepted_at")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV: … due_at,provisional,error")] = None,
    as_json: AsJson = False,
) -> None:
    """计算办结期限;无时区的时间按北京时间。/ When a matter is due; a time without offset is Beijing's.

    期限为不含的时刻:该时刻之前办结即为按时。/ The deadline is exclusive: done before it is in time.
    """
    if batch is not None:
        if out is None or tier is not None or at is not None:
            raise typer.BadParameter("--batch IN.csv --out OUT.csv", param_hint="--batch")
        done, wrong = _run_batch(_Reckoner(rules_in_force(), urgent=urgent, org=org), batch, out)
        complain(f"{done} 行,其中 {wrong} 行有误 / {done} rows, {wrong} of them with an error: {out}")
        return
    if tier is None or at is None:
        raise typer.BadParameter("--tier T --at TIME", param_hint="--tier")
    reckoner = _Reckoner(rules_in_force(), urgent=urgent, org=org)
    accepted = typed_instant(at)
    deadline = reckoner.due(tier, accepted)
    if as_json:
        say_json(
            {
                "tier": tier,
                "accepted_at": local(accepted).isoformat(),
                "due_at": local(deadline.due_at).isoformat(),
                "last_day": deadline.last_day.isoformat(),
                "provisional": deadline.provisional,
                "calendar_version": reckoner.rules.calendar.version,
                "policy_version": reckoner.rules.policy.version,
            }
        )
        return
    say(f"{local(deadline.due_at):%Y-%m-%d %H:%M} 之前 (最后一天 {deadline.last_day})")
    say(f"before {local(deadline.due_at).isoformat()} (last day {deadline.last_day})")
    if deadline.provisional:
        say("暂定:相关年份的放假通知尚未发布 / provisional: the notice of that year is not out yet")


class _Reckoner:
    """The resolve promise of each tier under one set of rules."""

    def __init__(self, rules: InForce, *, urgent: bool, org: str) -> None:
        self.rules = rules
        self._urgent = urgent
        self._calendar = rules.calendar.for_union(org)

    def due(self, tier: str, accepted: datetime) -> "Deadline":
        """Raises RuleError."""
        from sla_rules import deadline

        return deadline(self._promise(tier), accepted, self._calendar)

    @lru_cache(maxsize=8)  # noqa: B019 - a command's one reckoner lives as long as the process
    def _promise(self, tier: str) -> Any:
        from sla_rules import ClockKind, RuleError, Tier

        try:
            known = Tier(tier)
        except ValueError:
            names = ", ".join(entry.value for entry in Tier)
            raise RuleError(f"unknown tier {tier!r}; known: {names}", f"未知分级 {tier!r},可用:{names}") from None
        return self.rules.policy.promise(ClockKind.resolve, known, urgent=self._urgent)


def _run_batch(reckoner: _Reckoner, source: Path, target: Path) -> tuple[int, int]:
    """Row by row from file to file; the target appears whole or not at all. Returns rows and rows with an error."""
    draft = target.with_name(f".{target.name}.part")
    try:
        read, written = _encodings(source)
        with (
            source.open(encoding=read, errors="replace", newline="") as lines,
            draft.open("w", encoding=written, newline="") as file,
        ):
            counts = _reckon_rows(reckoner, with_progress(lines, total=_lines_in(source), what="计算 reckon"), file)
        draft.replace(target)
    except csv.Error as error:
        complain(f"{source} 不是可读的 CSV:{error}\n{source} is not a readable CSV: {error}")
        raise typer.Exit(WRONG) from None
    finally:
        draft.unlink(missing_ok=True)
    return counts


def _reckon_rows(reckoner: _Reckoner, lines: Iterable[str], file: IO[str]) -> tuple[int, int]:
    from sla_rules import RuleError

    reader, writer = csv.reader(lines), csv.writer(file)
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in BATCH_COLUMNS if name not in header]
    if missing:
        names = ", ".join(missing)
        complain(f"第一行缺少列:{names}\nThe first line lacks the column: {names}")
        raise typer.Exit(WRONG)
    tier_at, accepted_at = (header.index(name) for name in BATCH_COLUMNS)
    writer.writerow([*header, "due_at", "provisional", "error"])
    done = wrong = 0
    for cells in reader:
        if not cells:
            continue
        done += 1
        row = cells + [""] * (len(header) - len(cells))
        try:
            deadline = reckoner.due(row[tier_at].strip(), typed_instant(row[accepted_at]))
        except RuleError as error:
            wrong += 1
            writer.writerow([*row, "", "", f"{error.zh} / {error.en}"])
        else:
            due_at = deadline.due_at.astimezone(LOCAL).isoformat()
            writer.writerow([*row, due_at, "true" if deadline.provisional else "false", ""])
    return done, wrong


def _encodings(source: Path) -> tuple[str, str]:
    """How the file is read, and how the other is written: UTF-8, marked for Excel where the first is Excel's own."""
    if not _is_utf8(source):
        return "gb18030", "utf-8-sig"  # what a Chinese Excel writes
    with source.open("rb") as file:
        marked = file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    return "utf-8-sig", "utf-8-sig" if marked else "utf-8"


def _lines_in(source: Path) -> int:
    with source.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))


def _is_utf8(source: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def explain_ticket(
    number: Annotated[str, typer.Argument(help="工单号 / ticket number")],
    kind: Annotated[
        str, typer.Option(help="dispatch | sign | first_contact | resolve | leg | callback | all: 全部时限 every clock")
    ] = "resolve",
    lang: Annotated[str, typer.Option(help="zh | en | both")] = "both",
    table: Annotated[bool, typer.Option("--table", help="逐日列表 / each day in a table")] = False,
    as_json: AsJson = False,
) -> None:
    """逐日说明一个工单的期限。/ Why a ticket is due when it is, day by day."""
    from service.tickets.queries import explain_clock, explain_clocks

    if lang not in ("zh", "en", "both"):
        raise typer.BadParameter(lang, param_hint="--lang")
    with application() as parts, parts.reading() as unit:
        explained = explain_clocks(unit, number) if kind == "all" else (explain_clock(unit, number, kind),)
    if as_json:
        documents = [explanation.to_document() for explanation in explained]
        say_json(documents if kind == "all" else documents[0])
        return
    for place, explanation in enumerate(explained):
        if kind == "all":
            say(f"{chr(10) if place else ''}{explanation.kind} #{explanation.cycle}")
        if table:
            _show_days(explanation)
        for language in ("zh", "en"):
            if lang in (language, "both"):
                for sentence in explanation.summary(language) if table else explanation.sentences(language):
                    say(sentence)


def _show_days(explanation: "Explanation") -> None:
    say_table(
        ("日期 date", "星期", "计入 counted", "累计 so far", "理由 reason", "依据 source"),
        [
            (
                line.date.isoformat(),
                _WEEKDAYS[line.date.weekday()],
                "✓" if line.counted else "-",
                str(line.running_count),
                line.reason_zh,
                line.citation or line.source,
            )
            for line in explanation.lines
        ],
    )
