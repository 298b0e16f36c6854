"""`hotline calendar import`: the State Council's notice as it was published, a feed, a table or a file of our own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.frame import REFUSED, WRONG, complain, say, say_table

if TYPE_CHECKING:
    from service.sla.calendar_files import CalendarFile
    from sla_rules import DayOverride, LocalArrangement, NoticeReading

_WEEKDAYS = "一二三四五六日"
_KINDS = {"off": "休息 off", "work": "上班 work"}
_STANDARD_INPUT = Path("-")
_SHOWN = 60  # the opening and the closing of a notice are long, and known by their first words


def register(app: typer.Typer) -> None:
    """Add the command to the group `calendar`, which has to be there already."""
    calendar = next(entry.typer_instance for entry in app.registered_groups if entry.name == "calendar")
    assert calendar is not None  # noqa: S101 - Typer allows a group without an application, this house has none
    calendar.command("import")(import_notice)


def import_notice(
    notice: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|-",
            help="通知全文、ics、csv、toml;- 为标准输入 / the notice, .ics, .csv, .toml; - is standard input",
        ),
    ],
    check: Annotated[bool, typer.Option("--check", help="只核对 / only check")],  # noqa: ARG001 - nothing else is done yet
    year: Annotated[
        int | None, typer.Option(help="所属年份,文中已写明则可省略 / where the file states none, or several")
    ] = None,
) -> None:
    """核对放假通知或日历文件:列出读懂的日期和存疑之处。/ Check a notice or a calendar file: the days and the doubts.

    有存疑则退出码为 1。/ Exit code 1 on any doubt.
    """
    from sla_rules import LocalArrangement

    reading = read(notice, year)
    if isinstance(reading, LocalArrangement):
        show_arrangement(reading)
        return
    show(reading)
    if reading.doubts:
        for doubt in reading.doubts:
            complain(f"存疑:{doubt.zh}:「{doubt.sentence}」\nin doubt: {doubt.en}")
        raise typer.Exit(REFUSED)


def read(path: Path, year: int | None) -> "CalendarFile":
    """What a file, or standard input for `-`, says. Ends the command when it is no text."""
    from service.sla.calendar_files import CalendarFileIsNoText, read_calendar_file

    raw = sys.stdin.buffer.read() if path == _STANDARD_INPUT else path.read_bytes()
    name = "标准输入" if path == _STANDARD_INPUT else path.name
    try:
        return read_calendar_file(raw, name=name, year=year)
    except CalendarFileIsNoText as refusal:
        complain(f"{refusal.sentence('zh')}\n{refusal.sentence('en')}")
        raise typer.Exit(WRONG) from None


def show(reading: "NoticeReading") -> None:
    """The days of a year one by one, what was left out, and how many there are."""
    days = sorted(
        (day, kind, holiday.name)
        for holiday in reading.holidays
        for kind, listed in ((_KINDS["off"], holiday.off), (_KINDS["work"], holiday.work))
        for day in listed
    )
    say_table(
        ("日期 date", "星期", "安排 kind", "节日 name"),
        [(day.isoformat(), _WEEKDAYS[day.weekday()], kind, name) for day, kind, name in days],
    )
    for note in reading.notes:
        sentence = note.sentence if len(note.sentence) <= _SHOWN else f"{note.sentence[:_SHOWN]}…"
        say(f"附注 note: 「{sentence}」 {note.zh} / {note.en}")
    off = sum(kind.endswith("off") for _day, kind, _name in days)
    say(
        f"{reading.year}: 放假 {off} 天,调休上班 {len(days) - off} 天,存疑 {len(reading.doubts)} 处 / "
        f"{off} days off, {len(days) - off} worked in exchange, {len(reading.doubts)} in doubt"
    )


def show_arrangement(arrangement: "LocalArrangement") -> None:
    """What a union lays over the notices: its hours, then its dated exceptions, those of each region apart."""
    hours = arrangement.hours
    rows: list[tuple[str, ...]] = [("办公时段 hours", " ".join(hours.default.to_document()))]
    rows += [(f"周{_WEEKDAYS[day]}", " ".join(hours.weekdays[day].to_document())) for day in sorted(hours.weekdays)]
    for season in hours.seasons:
        (from_month, from_day), (to_month, to_day) = season.start, season.end
        windows = " ".join(season.hours.to_document())
        rows.append((f"{from_month:02d}-{from_day:02d} 至 to {to_month:02d}-{to_day:02d}", windows))
    rows.append(("休息日 at rest", " ".join(f"周{_WEEKDAYS[day]}" for day in sorted(arrangement.rest_weekdays))))
    say_table(("适用 when", "时段 hours"), rows)
    _show_overrides("全省 everyone", arrangement.overrides)
    for layer in arrangement.layers:
        switch = "停表 stops the clock" if layer.stops_clock else "不停表 does not stop the clock"
        _show_overrides(f"{layer.prefix} {layer.name} ({switch})", layer.days)


def _show_overrides(whose: str, overrides: "tuple[DayOverride, ...]") -> None:
    if overrides:
        say(f"\n{whose}")
        say_table(
            ("日期 date", "星期", "安排 kind", "时段 hours", "名称 name", "依据 source"),
            [
                (
                    day.date.isoformat(),
                    _WEEKDAYS[day.date.weekday()],
                    _KINDS[day.kind],
                    " ".join(day.hours.to_document()) if day.hours else "",
                    day.name,
                    day.source,
                )
                for day in overrides
            ],
        )
