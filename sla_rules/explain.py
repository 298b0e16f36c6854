"""Why a deadline is when it is: every day counted or skipped, with the reason and its source.

It unfolds the course that `deadline` itself counted, so the explanation can't differ from the date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from sla_rules.calendar import DayInfo, WorkCalendar
from sla_rules.clock import Clock
from sla_rules.counting import Course, Stretch, course
from sla_rules.duration import Language
from sla_rules.promise import ClockKind, Deadline, Kept, Pause, Promise

ChangeCause = Literal["pause", "resume", "extension", "retier", "handover", "merge", "recount"]

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)

# Civil Code, art. 201: the first day is not counted; art. 203: a last day that rests gives way to the next.
_ART_201 = "民法典第二百零一条"
_ART_203 = "民法典第二百零三条"

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_CAUSE_ZH: dict[ChangeCause, str] = {
    "pause": "挂起",
    "resume": "恢复计时",
    "extension": "延期",
    "retier": "改级",
    "handover": "移交承办单位",
    "merge": "并入更早的诉求",
    "recount": "按新的日历或规则重新计算",
}
_CAUSE_EN: dict[ChangeCause, str] = {
    "pause": "suspended",
    "resume": "resumed",
    "extension": "extended",
    "retier": "tier changed",
    "handover": "handed over to another union",
    "merge": "an earlier ticket of the same matter was merged in",
    "recount": "counted anew under a new calendar or policy",
}
_UNIT_ZH = {
    "same_day": "当天办结",
    "working_days": "{} 个工作日",
    "calendar_days": "{} 天(自然日)",
    "working_minutes": "{} 分钟(工作时间)",
    "real_minutes": "{} 分钟(连续计时)",
}
_UNIT_EN = {
    "same_day": "the same day",
    "working_days": "{} working day(s)",
    "calendar_days": "{} calendar day(s)",
    "working_minutes": "{} minute(s) of working time",
    "real_minutes": "{} minute(s) of real time",
}


_Run = tuple[bool, str, str, date, date, int]


@dataclass(frozen=True, slots=True)
class ExplainLine:
    """One local day.

    counted: whether it moved the count. running_count: days counted so far, or whole minutes for promises
    in minutes.
    source: the notice's address or the article of law, '' when the weekday itself is the reason.
    citation: the notice's number and date, '' where the source is none.
    """

    date: date
    counted: bool
    reason_zh: str
    reason_en: str
    source: str
    running_count: int
    citation: str = ""

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "date": self.date.isoformat(),
            "counted": self.counted,
            "reason_zh": self.reason_zh,
            "reason_en": self.reason_en,
            "source": self.source,
            "citation": self.citation,
            "running_count": self.running_count,
        }


@dataclass(frozen=True, slots=True)
class DueChange:
    """A step that moved a deadline, as it was recorded when it happened.

    cause: what was done; before, after: the deadline until then and from then on, aware; reason: as given by
    whoever did it.
    """

    at: datetime
    cause: ChangeCause
    before: datetime
    after: datetime
    reason: str = ""

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form, times as ISO 8601 in UTC."""
        return {
            "at": _iso(self.at),
            "cause": self.cause,
            "before": _iso(self.before),
            "after": _iso(self.after),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A deadline with the whole of its counting. `due_at` is UTC and exclusive, as in `Deadline`.

    whole: the deadline of the promise this is a part of, which ends `inner_days` working days later; None where it
    is the whole itself.
    changes: what has moved it since the start, in order; they are history and take no part in the counting.
    """

    kind: ClockKind
    promise: Promise
    started_at: datetime
    lines: tuple[ExplainLine, ...]
    pauses: tuple[Pause, ...]
    extension_days: int
    stopped_at: datetime | None
    due_at: datetime
    last_day: date
    provisional: bool
    calendar_version: str
    policy_version: str
    due_local: datetime
    started_local: datetime
    kept: Kept | None = None
    cycle: int = 1
    whole: Deadline | None = None
    inner_days: int = 0
    began_local: datetime | None = None
    changes: tuple[DueChange, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form, times as ISO 8601 in UTC."""
        return {
            "kind": str(self.kind),
            "promise": {
                "unit": self.promise.unit,
                "amount": self.promise.amount,
                "roll": self.promise.roll,
                "cutoff": self.promise.cutoff.isoformat() if self.promise.cutoff else None,
                "start": self.promise.start,
                "end": self.promise.end,
                "quiet": self.promise.quiet,
            },
            "cycle": self.cycle,
            "started_at": _iso(self.started_at),
            "stopped_at": _iso(self.stopped_at),
            "due_at": _iso(self.due_at),
            "last_day": self.last_day.isoformat(),
            "provisional": self.provisional,
            "extension_days": self.extension_days,
            "pauses": [
                {"start": _iso(pause.start), "end": _iso(pause.end), "reason": pause.reason} for pause in self.pauses
            ],
            "kept": _iso(self.kept.at) if self.kept else None,
            "whole_due_at": _iso(self.whole.due_at) if self.whole else None,
            "inner_days": self.inner_days,
            "changes": [change.to_document() for change in self.changes],
            "lines": [line.to_document() for line in self.lines],
            "calendar_version": self.calendar_version,
            "policy_version": self.policy_version,
        }

    def sentences(self, lang: Language = "zh") -> tuple[str, ...]:
        """The explanation as sentences in Chinese or English, days treated alike drawn together."""
        runs = tuple(_runs(self.lines))
        return _sentences_zh(self, runs) if lang == "zh" else _sentences_en(self, runs)

    def summary(self, lang: Language = "zh") -> tuple[str, ...]:
        """The same without the days, to stand beside a table of them."""
        return _sentences_zh(self, ()) if lang == "zh" else _sentences_en(self, ())


def explain(
    clock: Clock,
    calendar: WorkCalendar,
    *,
    as_of: datetime | None = None,
    policy_version: str = "",
    changes: Iterable[DueChange] = (),
) -> Explanation:
    """Explain the deadline of `clock`; `as_of` and errors as for `Clock.deadline`.

    changes: the record of what moved the deadline, told beside the counting.
    """
    counted = course(
        clock.promise,
        clock.started_at,
        calendar,
        pauses=clock.pauses,
        extension_days=clock.extension_days,
        kept=clock.kept,
        as_of=as_of,
    )
    due = clock.deadline(calendar, as_of)
    lines = _lines(clock.promise, counted, calendar)
    return Explanation(
        kind=clock.kind,
        promise=clock.promise,
        started_at=clock.started_at,
        lines=tuple(line for line in lines if line.date <= due.last_day),
        whole=None if due == counted.deadline else counted.deadline,
        inner_days=clock.inner_days,
        began_local=calendar.local(clock.began),
        pauses=clock.pauses,
        extension_days=clock.extension_days,
        stopped_at=clock.stopped_at,
        due_at=due.due_at,
        last_day=due.last_day,
        provisional=due.provisional,
        calendar_version=calendar.version,
        policy_version=policy_version,
        due_local=calendar.local(due.due_at),
        started_local=calendar.local(clock.started_at),
        kept=clock.kept,
        cycle=clock.cycle,
        changes=tuple(changes),
    )


# -- lines -----------------------------------------------------------------------------------------------


def _lines(promise: Promise, counted: Course, calendar: WorkCalendar) -> Iterator[ExplainLine]:
    running = 0
    for line in _minute_lines(promise, counted, calendar):
        running = line.running_count
        yield line
    days_so_far = 0 if not promise.in_days else running
    for stretch in counted.stretches:
        day = stretch.first
        while day <= stretch.last:
            line = _day_line(stretch, calendar.day(day), days_so_far)
            days_so_far = line.running_count
            yield line
            day += _ONE_DAY


def _day_line(stretch: Stretch, info: DayInfo, before: int) -> ExplainLine:
    counts, zh, en, source = _judge(stretch, info)
    citation = info.citation if source == info.source else ""
    return ExplainLine(info.date, counts, zh, en, source, before + counts, citation)


def _judge(stretch: Stretch, info: DayInfo) -> tuple[bool, str, str, str]:
    """Whether a day of the stretch counts, why in Chinese and English, and by which source."""
    if stretch.pause is not None:
        return False, *_suspended(stretch.pause), ""
    zh, en = _nature(info)
    counts, source = info.working, info.source
    match stretch.phase:
        case "start":
            counts, source = False, _ART_201
            zh, en = "起算当日不计入", "the day it starts on is not counted"
        case "late_start":
            counts = False
            zh, en = f"受理时当日已过时限,自下一日起算({zh})", f"too late for this day, counting from the next ({en})"
        case "kept":
            # What was told stands, so days are added without being owed; none of them is one of the promise's.
            counts = False
            zh, en = f"已告知的期限不提前({zh})", f"the deadline told is not brought forward ({en})"
        case "same_day":
            counts = True
            zh, en = "当日,至 24:00", "the day itself, until 24:00"
        case "calendar":
            counts = True
            zh, en = f"自然日,{zh}", f"calendar day, {en}"
        case "roll":
            # The day a period rolls to ends it without being one of its days.
            counts, source = False, _ART_203 if info.working else source or _ART_203
            to_zh, to_en = ("顺延至此", "so it ends here") if info.working else ("顺延", "passed over")
            zh, en = f"末日逢休息日,{to_zh}({zh})", f"the last day rested, {to_en} ({en})"
        case "extension" if info.working:
            zh, en = f"延期,{zh}", f"extension, {en}"
    return counts, zh, en, source


def _suspended(pause: Pause) -> tuple[str, str]:
    if not pause.reason:
        return "挂起", "suspended"
    return f"挂起:{pause.reason}", f"suspended: {pause.reason}"


def _nature(info: DayInfo) -> tuple[str, str]:
    weekday_zh, weekday_en = f"周{_WEEKDAYS_ZH[info.date.weekday()]}", _WEEKDAYS_EN[info.date.weekday()]
    match info.kind:
        case "work":
            zh, en = f"{weekday_zh},{info.name}调休上班", f"{weekday_en}, worked in exchange for {info.name}"
        case "off":
            zh, en = f"{weekday_zh},{info.name}放假", f"{weekday_en}, off for {info.name}"
        case "weekend":
            zh, en = f"{weekday_zh},休息日", f"{weekday_en}, weekend"
        case _:
            special = f"({info.name})" if info.name else ""
            zh, en = f"{weekday_zh},工作日{special}", f"{weekday_en}, working day{special}"
    if info.observances:
        feasts = "、".join(info.observances)
        zh, en = f"{zh}({feasts},不停止计时)", f"{en} ({feasts}, does not stop the clock)"
    if info.provisional:
        return f"{zh}(暂按法定节假日推算)", f"{en} (provisional)"
    return zh, en


def _minute_lines(promise: Promise, counted: Course, calendar: WorkCalendar) -> Iterator[ExplainLine]:
    """One line for each local day a segment touches, with the time it contributed."""
    total = timedelta(0)
    for segment in counted.segments:
        day, last = (
            calendar.local_date(segment.start),
            calendar.local_date(max(segment.start, segment.end - _INSTANT)),
        )
        while day <= last:
            first_moment = max(segment.start, calendar.start_of_day(day))
            last_moment = min(segment.end, calendar.end_of_day(day))
            info = calendar.day(day)
            zh, en = _nature(info)
            gained = timedelta(0)
            if segment.pause is not None:
                zh, en = _suspended(segment.pause)
            elif promise.unit == "real_minutes":
                gained = last_moment - first_moment
                zh, en = f"连续计时,{zh}", f"real time, {en}"
            else:
                gained = calendar.open_time_between(first_moment, last_moment)
            total += gained
            minutes = gained // _MINUTE
            yield ExplainLine(
                day,
                gained > timedelta(0),
                f"{zh},计 {minutes} 分钟",
                f"{en}, {minutes} min counted",
                info.source,
                total // _MINUTE,
                info.citation,
            )
            day += _ONE_DAY


# -- sentences -------------------------------------------------------------------------------------------


def _sentences_zh(it: Explanation, runs: tuple[_Run, ...]) -> tuple[str, ...]:
    promised = _UNIT_ZH[it.promise.unit].format(it.promise.amount)
    out = [f"承诺:{promised};{it.started_local:%Y-%m-%d %H:%M} 起。"]
    for counted, zh, _, first, last, days in runs:
        when = f"{first}" if first == last else f"{first} 至 {last}({days} 天)"
        out.append(f"{when}:{'计入' if counted else '不计'},{zh}。")
    out += [
        f"挂起:{_local(pause.start, it)} 至 {_local(pause.end, it) if pause.end else '尚未恢复'}"
        f"{f',{pause.reason}' if pause.reason else ''}。"
        for pause in it.pauses
    ]
    if it.extension_days:
        out.append(f"延期 {it.extension_days} 个工作日。")
    out += [
        f"{_local(change.at, it)} {_CAUSE_ZH[change.cause]}:期限由 {_told(change.before, it)} 改为 "
        f"{_told(change.after, it)}{f'({change.reason})' if change.reason else ''}。"
        for change in it.changes
    ]
    if it.kept is not None:
        out.append(f"已告知期限 {_told(it.kept.at, it)},重新计算不使其提前。")
    if it.whole is not None:
        out.append(
            f"下级单位 {it.began_local:%Y-%m-%d %H:%M} 接办,须比总期限 {_told(it.whole.due_at, it)} "
            f"提前 {it.inner_days} 个工作日。"
        )
    out.append(f"期限:{_limit(it, '24:00')} 之前。")
    if it.provisional:
        out.append("此期限为暂定:相关年度的放假通知尚未发布,发布后重新计算。")
    policy = f",规则 {it.policy_version}" if it.policy_version else ""
    out.append(f"依据:日历 {it.calendar_version}{policy}。")
    return tuple(out)


def _sentences_en(it: Explanation, runs: tuple[_Run, ...]) -> tuple[str, ...]:
    promised = _UNIT_EN[it.promise.unit].format(it.promise.amount)
    out = [f"Promised: {promised}, from {it.started_local:%Y-%m-%d %H:%M}."]
    for counted, _, en, first, last, days in runs:
        when = f"{first}" if first == last else f"{first} to {last} ({days} days)"
        out.append(f"{when}: {'counted' if counted else 'not counted'}, {en}.")
    out += [
        f"Suspended: {_local(pause.start, it)} to {_local(pause.end, it) if pause.end else 'now'}"
        f"{f', {pause.reason}' if pause.reason else ''}."
        for pause in it.pauses
    ]
    if it.extension_days:
        out.append(f"Extended by {it.extension_days} working day(s).")
    out += [
        f"{_local(change.at, it)} {_CAUSE_EN[change.cause]}: from {_told(change.before, it)} to "
        f"{_told(change.after, it)}{f' ({change.reason})' if change.reason else ''}."
        for change in it.changes
    ]
    if it.kept is not None:
        out.append(f"The caller was told {_told(it.kept.at, it)}; counting anew does not bring it forward.")
    if it.whole is not None:
        out.append(
            f"The lower union took it on {it.began_local:%Y-%m-%d %H:%M}; its part ends {it.inner_days} working day(s) "
            f"before the whole, {_told(it.whole.due_at, it)}."
        )
    out.append(f"Due: before {_limit(it, '24:00')}.")
    if it.provisional:
        out.append("Provisional: a notice this depends on has not been published; it will be recomputed.")
    policy = f", policy {it.policy_version}" if it.policy_version else ""
    out.append(f"By calendar {it.calendar_version}{policy}.")
    return tuple(out)


def _runs(lines: tuple[ExplainLine, ...]) -> Iterator[_Run]:
    """Consecutive lines of one verdict and one kind of reason, whatever their weekdays."""
    for (counted, zh, en), group in groupby(lines, key=_verdict):
        days = list(group)
        yield counted, zh, en, days[0].date, days[-1].date, len(days)


def _verdict(line: ExplainLine) -> tuple[bool, str, str]:
    zh, en = line.reason_zh, line.reason_en
    for name_zh, name_en in zip(_WEEKDAYS_ZH, _WEEKDAYS_EN, strict=True):
        zh = zh.replace(f"周{name_zh},", "")
        en = en.replace(f"{name_en}, ", "")
    return line.counted, zh, en


def _limit(it: Explanation, end_of_day: str) -> str:
    midnight = it.due_local.hour == it.due_local.minute == it.due_local.second == it.due_local.microsecond == 0
    return f"{it.last_day} {end_of_day}" if midnight else f"{it.due_local:%Y-%m-%d %H:%M:%S}"


def _told(due_at: datetime, it: Explanation) -> str:
    """A deadline as it is told: an exclusive midnight is 24:00 of the day before."""
    local = due_at.astimezone(it.started_local.tzinfo)
    if local.hour == local.minute == local.second == local.microsecond == 0:
        return f"{local.date() - _ONE_DAY} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"


def _local(at: datetime, it: Explanation) -> str:
    return f"{at.astimezone(it.started_local.tzinfo):%Y-%m-%d %H:%M}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
