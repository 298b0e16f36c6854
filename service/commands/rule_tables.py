"""How a calendar, a policy and what a change of them does are shown in a terminal or to a program."""

from typing import TYPE_CHECKING

from service.commands.frame import complain, say, say_table
from service.core.clock import local

if TYPE_CHECKING:
    from datetime import timedelta

    from service.sla.models import RuleChange
    from service.tickets.recounting import Move, Preview
    from sla_rules import DayOverride, LocalArrangement, NoticeReading, Policy

_WEEKDAYS = "一二三四五六日"
_KINDS = {"off": "休息 off", "work": "上班 work"}
_SHOWN = 60  # the opening and the closing of a notice are long, and known by their first words
_MOST_MOVES = 50  # the terminal is for the answer, --json for the whole list


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


def show_policy(policy: "Policy") -> None:
    """What a policy promises."""
    say(f"{policy.title} {policy.version}")
    say_table(
        ("时限 clock", "分级 tier", "情形 case", "承诺 promise", "依据 source"),
        [
            (
                rule.kind.value,
                rule.tier.value if rule.tier else "",
                " ".join(word for word, holds in (("紧急 urgent", rule.urgent), ("重办 redo", rule.redo)) if holds),
                f"{rule.promise.amount} {rule.promise.unit}",
                rule.source,
            )
            for rule in policy.promises
        ],
    )


def show_figures(seen: "Preview") -> None:
    """What a change would do, in figures."""
    say()
    say_table(
        ("对未办结时限的影响 what happens to the open clocks", ""),
        [
            ("已核对 looked at", str(seen.looked_at)),
            ("期限变动 moved", f"{seen.moved} (提前 earlier {seen.earlier}, 推后 later {seen.later})"),
            ("不提前,保留已告知的期限 kept as told", str(seen.kept)),
            ("暂定转为确定 provisional no longer", str(seen.settled)),
            ("变为逾期 newly late", str(seen.newly_late)),
            ("不再逾期(逾期记录仍在) no longer late, the breach stays on record", str(seen.no_longer_late)),
            ("最大变动 largest shift", _shift(seen.largest_shift)),
            ("无法重新计算 not countable", str(len(seen.failures))),
        ],
    )
    for number, reason in seen.failures[:_MOST_MOVES]:
        complain(f"{number}: {reason.zh} / {reason.en}")


def show_moves(moves: "list[Move]") -> None:
    """The clocks it would touch, up to fifty of them."""
    if not moves:
        return
    say()
    say_table(
        ("工单 ticket", "工会 union", "时限 clock", "原期限 before", "新期限 after", "变动 shift", "说明 note"),
        [
            (
                move.number,
                move.org_code,
                move.kind,
                f"{local(move.before):%Y-%m-%d %H:%M}",
                f"{local(move.after):%Y-%m-%d %H:%M}",
                _shift(move.shift),
                _note(move),
            )
            for move in moves[:_MOST_MOVES]
        ],
    )
    if len(moves) > _MOST_MOVES:
        rest = len(moves) - _MOST_MOVES
        say(f"另有 {rest} 项,见 --json / {rest} more: --json")


def _note(move: "Move") -> str:
    notes = (
        ("保留 kept", move.kept),
        ("转为确定 settled", move.settled),
        ("变为逾期 newly late", move.newly_late),
        ("不再逾期 no longer late", move.no_longer_late),
    )
    return " ".join(words for words, holds in notes if holds)


def _shift(shift: "timedelta") -> str:
    """`+1 天 day 02:30`, a dash for none."""
    if not shift:
        return "-"
    sign, minutes = ("+" if shift.total_seconds() > 0 else "-"), int(abs(shift).total_seconds()) // 60
    days, rest = divmod(minutes, 24 * 60)
    clock = f" {rest // 60:02d}:{rest % 60:02d}" if rest else ""
    return f"{sign}{days} 天 days{clock}" if days else f"{sign}{clock.strip()}"


def preview_document(seen: "Preview") -> dict[str, object]:
    """The figures and the whole list, for a program."""
    return {
        "looked_at": seen.looked_at,
        "moved": seen.moved,
        "earlier": seen.earlier,
        "later": seen.later,
        "kept": seen.kept,
        "settled": seen.settled,
        "newly_late": seen.newly_late,
        "no_longer_late": seen.no_longer_late,
        "largest_shift_seconds": int(seen.largest_shift.total_seconds()),
        "failures": [{"number": number, "zh": why.zh, "en": why.en} for number, why in seen.failures],
        "moves": [
            {
                "number": move.number,
                "org": move.org_code,
                "clock": move.kind,
                "cycle": move.cycle,
                "tier": move.tier,
                "before": local(move.before).isoformat(),
                "after": local(move.after).isoformat(),
                "shift_seconds": int(move.shift.total_seconds()),
                "kept": move.kept,
                "settled": move.settled,
                "newly_late": move.newly_late,
                "no_longer_late": move.no_longer_late,
            }
            for move in seen.moves
        ],
    }


def show_change(change: "RuleChange") -> None:
    """What a recount did."""
    say(
        f"核对 {change.looked_at} 项时限:{change.moved} 项变动,{change.kept} 项保留已告知的期限,"
        f"{change.settled} 项由暂定转为确定,{change.newly_late} 项变为逾期,{len(change.failures)} 项无法重新计算"
    )
    say(
        f"{change.looked_at} clocks looked at: {change.moved} moved, {change.kept} kept as told, "
        f"{change.settled} no longer provisional, {change.newly_late} newly late, "
        f"{len(change.failures)} not countable"
    )


def change_document(change: "RuleChange") -> dict[str, object]:
    """A change of rules for a program."""
    return {
        "id": change.id,
        "at": local(change.at).isoformat(),
        "by": change.actor_name,
        "reason": change.reason,
        "looked_at": change.looked_at,
        "moved": change.moved,
        "kept": change.kept,
        "settled": change.settled,
        "newly_late": change.newly_late,
        "no_longer_late": change.no_longer_late,
        "failures": change.failures,
        "finished_at": local(change.finished_at).isoformat() if change.finished_at else None,
    }
