"""Why a deadline is when it is, laid out for a page: the days, the pauses, and what moved it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.console.words import word
from service.core.errors import Bilingual
from sla_rules import ExplainLine, Explanation

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_CAUSES: Mapping[str, Bilingual] = {
    "pause": Bilingual("挂起", "suspended"),
    "resume": Bilingual("恢复计时", "resumed"),
    "extension": Bilingual("延期", "extended"),
    "retier": Bilingual("改级", "tier changed"),
    "handover": Bilingual("移交承办单位", "handed over to another union"),
    "merge": Bilingual("并入更早的诉求", "an earlier ticket of the same matter was merged in"),
    "recount": Bilingual("按新的日历或规则重新计算", "counted anew under a new calendar or policy"),
}


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """A day of the counting. `nth`: which day of the promise it is, None where it is none or minutes are counted."""

    date: date
    weekday: Bilingual
    counted: bool
    nth: int | None
    reason: Bilingual
    source: str
    citation: str


@dataclass(frozen=True, slots=True)
class ExplainedPause:
    """An interval that does not count; `end` is None while it is open."""

    start: datetime
    end: datetime | None
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class ExplainedChange:
    """A step that moved the deadline."""

    at: datetime
    cause: Bilingual
    before: datetime
    after: datetime
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class Explained:
    """A deadline with its reasons. `kept`: the deadline told, which a later count does not bring forward."""

    days: tuple[ExplainedDay, ...]
    pauses: tuple[ExplainedPause, ...]
    changes: tuple[ExplainedChange, ...]
    extension_days: int
    kept: datetime | None
    provisional: bool
    calendar_version: str
    policy_version: str


def explained(it: Explanation) -> Explained:
    """The explanation as a page shows it."""
    reasons = {pause.reason for pause in it.pauses if pause.reason}
    return Explained(
        days=tuple(_day(line, reasons, in_days=it.promise.in_days) for line in it.lines),
        pauses=tuple(ExplainedPause(pause.start, pause.end, word("suspension", pause.reason)) for pause in it.pauses),
        changes=tuple(
            ExplainedChange(
                at=change.at,
                cause=_CAUSES.get(change.cause, Bilingual(change.cause, change.cause)),
                before=change.before,
                after=change.after,
                reason=word("suspension", change.reason),
            )
            for change in it.changes
        ),
        extension_days=it.extension_days,
        kept=it.kept.at if it.kept else None,
        provisional=it.provisional,
        calendar_version=it.calendar_version,
        policy_version=it.policy_version,
    )


def _day(line: ExplainLine, reasons: set[str], *, in_days: bool) -> ExplainedDay:
    zh, en = _WEEKDAYS_ZH[line.date.weekday()], _WEEKDAYS_EN[line.date.weekday()]
    # The weekday has a column of its own.
    reason = Bilingual(line.reason_zh.replace(f"周{zh},", "", 1), line.reason_en.replace(f"{en}, ", "", 1))
    for code in reasons:
        said = word("suspension", code)
        reason = Bilingual(reason.zh.replace(code, said.zh), reason.en.replace(code, said.en))
    return ExplainedDay(
        date=line.date,
        weekday=Bilingual(f"周{zh}", en[:3]),
        counted=line.counted,
        nth=line.running_count if in_days and line.counted else None,
        reason=reason,
        source=line.source,
        citation=line.citation,
    )
