"""A clock as a value: what it promised, when it started, stood and stopped. Every step gives a new clock.

Nothing here reads the time; whoever asks says when it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from sla_rules.calendar import WorkCalendar
from sla_rules.counting import (
    Standstill,
    advance,
    counted_between,
    deadline,
    inner_deadline,
    standstills,
    working_days_outside,
)
from sla_rules.duration import Language, duration_in_words
from sla_rules.errors import ClockStepRefused, NaiveTime
from sla_rules.promise import ClockKind, Deadline, Kept, Pause, Promise

ClockStatus = Literal["running", "paused", "stopped"]

_NOTHING = timedelta(0)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of one cycle of a ticket.

    started_at: aware; the resolve clock starts at acceptance, not at signing.
    pauses: in any order, apart from one another; only the last may be open.
    extension_days: working days granted on top of the promise.
    stopped_at: aware; the clock met or missed its promise here and never moves again.
    inner_days, began_at: of a lower union's part of a promise, which ends so many working days before the whole
    and began later than it; `started_at` is the start of the whole.
    kept: a deadline already told, below which no later count goes.
    cycle: 1 for the first handling, one more for each 重办.
    Raises NaiveTime.
    """

    kind: ClockKind
    promise: Promise
    started_at: datetime
    pauses: tuple[Pause, ...] = ()
    extension_days: int = 0
    stopped_at: datetime | None = None
    kept: Kept | None = None
    cycle: int = 1
    inner_days: int = 0
    began_at: datetime | None = None

    def __post_init__(self) -> None:
        _aware(self.started_at)
        if self.stopped_at is not None:
            _aware(self.stopped_at)

    # -- steps ---------------------------------------------------------------------------------------------

    def pause(self, at: datetime, reason: str) -> Clock:
        """The clock standing from `at` on. Refused when it stands or has stopped, or `at` is in its past."""
        self._refuse_if_stopped("pause", "挂起")
        if self.status == "paused":
            raise ClockStepRefused("the clock is paused already", "时限已处于挂起状态")
        self._refuse_earlier(at)
        return replace(self, pauses=(*self.pauses, Pause(at, None, reason)))

    def resume(self, at: datetime) -> Clock:
        """The clock running again from `at` on. Refused unless it stands, or when `at` precedes the pause."""
        if self.status != "paused":
            raise ClockStepRefused("the clock is not paused", "时限未处于挂起状态")
        self._refuse_earlier(at)
        return replace(self, pauses=_closed(self.pauses, at))

    def extend(self, days: int) -> Clock:
        """The clock with `days` (1 or more) working days more. Refused once stopped."""
        self._refuse_if_stopped("extend", "延期")
        if days < 1:
            raise ClockStepRefused(f"an extension needs at least one day, got {days}", f"延期至少一天,现为 {days}")
        return replace(self, extension_days=self.extension_days + days)

    def retier(self, promise: Promise) -> Clock:
        """The clock under another promise, counted from the same start, pauses and extensions kept.

        Refused once stopped. Whether a deadline may come earlier by it is for the caller to decide.
        """
        self._refuse_if_stopped("re-tier", "改级")
        return replace(self, promise=promise)

    def keep(self, due_at: datetime) -> Clock:
        """The clock with a deadline told: whatever is counted from now on, it ends at `due_at` or later.

        A later deadline kept replaces an earlier one, never the reverse. Refused once stopped.
        """
        self._refuse_if_stopped("keep a deadline", "保留期限")
        _aware(due_at)
        if self.kept is not None and self.kept.at >= due_at:
            return self
        return replace(self, kept=Kept(due_at, self.extension_days))

    def new_cycle(self, promise: Promise, at: datetime) -> Clock:
        """A fresh clock for the next cycle of the same matter (重办): its own start, pauses, breach.

        Refused while this one runs, or when `at` precedes its stop.
        """
        if self.stopped_at is None:
            raise ClockStepRefused("a new cycle begins after the clock has stopped", "时限停止后才能开始新的周期")
        self._refuse_earlier(at)
        return Clock(self.kind, promise, at, cycle=self.cycle + 1)

    def stop(self, at: datetime) -> Clock:
        """The clock stopped at `at`, where an open pause ends too.

        Refused when it has stopped already, or `at` is in its past.
        """
        self._refuse_if_stopped("stop", "停表")
        self._refuse_earlier(at)
        return replace(self, pauses=_closed(self.pauses, at), stopped_at=at)

    # -- answers -------------------------------------------------------------------------------------------

    @property
    def status(self) -> ClockStatus:
        """Whether it runs, stands or has stopped."""
        if self.stopped_at is not None:
            return "stopped"
        return "paused" if any(pause.end is None for pause in self.pauses) else "running"

    @property
    def began(self) -> datetime:
        """When its own time began: the start, or that of the part it is."""
        return self.began_at or self.started_at

    def deadline(self, calendar: WorkCalendar, as_of: datetime | None = None) -> Deadline:
        """When the promise ends. While the clock stands, as though it resumed at `as_of`."""
        due = self.whole_deadline(calendar, as_of)
        return inner_deadline(due, self.inner_days, self.began, calendar) if self.inner_days else due

    def whole_deadline(self, calendar: WorkCalendar, as_of: datetime | None = None) -> Deadline:
        """When the promise ends that this clock is a part of; its own where it is the whole."""
        return deadline(
            self.promise,
            self.started_at,
            calendar,
            pauses=self.pauses,
            extension_days=self.extension_days,
            kept=self.kept,
            as_of=as_of,
        )

    def standstills(self, as_of: datetime | None = None) -> tuple[Standstill, ...]:
        """The pauses in order, an open one closed at `as_of`."""
        return standstills(self.pauses, as_of=as_of)

    def breached_at(self, calendar: WorkCalendar, now: datetime) -> datetime | None:
        """`due_at` when the promise was missed, else None.

        A fact about timestamps: the stop (or else `now`) against the deadline, whenever it is asked. The
        deadline is exclusive, so a stop before `due_at` is in time and one exactly at it is late.
        """
        moment = self.stopped_at or now
        due_at = self.deadline(calendar, as_of=moment).due_at
        return due_at if moment >= due_at else None

    def used(self, calendar: WorkCalendar, at: datetime) -> timedelta:
        """Counted time from the start to `at` (or to the stop, if earlier), pauses left out, 0 or more.

        Counted in working time for promises in working days and working minutes, else in real time.
        """
        end = self._frozen(at)
        return counted_between(self.promise.measure, self.began, end, calendar, self.standstills(end))

    def remaining(self, calendar: WorkCalendar, at: datetime) -> timedelta:
        """Counted time from `at` (or the stop) to the deadline; negative by how much it is overdue."""
        end = self._frozen(at)
        still = self.standstills(end)
        due_at = self.deadline(calendar, as_of=end).due_at
        if end < due_at:
            return counted_between(self.promise.measure, end, due_at, calendar, still)
        return -counted_between(self.promise.measure, due_at, end, calendar, still)

    def fraction_used(self, calendar: WorkCalendar, at: datetime) -> float:
        """Share of the counted time between start and deadline used at `at`: 0 at the start, 1 when due.

        Above 1 when overdue.
        """
        end = self._frozen(at)
        total = self._total(calendar, end)
        return self.used(calendar, at) / total if total else 1.0

    def instant_at_fraction(
        self, calendar: WorkCalendar, fraction: float | Fraction, as_of: datetime | None = None
    ) -> datetime:
        """When `fraction` (0 to 1) of the counted time between start and deadline will be used (UTC).

        Rounded down to the microsecond. Raises ClockStepRefused outside 0 to 1.
        """
        if not 0 <= fraction <= 1:
            raise ClockStepRefused(
                f"a fraction runs from 0 to 1, got {fraction}", f"比例须在 0 至 1 之间,现为 {fraction}"
            )
        still = self.standstills(as_of)
        total = self._total(calendar, as_of)
        # As a decimal fraction the figure means what the policy file says; 0.8 as binary would lose a
        # microsecond.
        span = timedelta(microseconds=int(total // _INSTANT * Fraction(str(fraction))))
        return advance(self.promise.measure, self.began, span, calendar, still)

    def late_by(self, calendar: WorkCalendar, now: datetime | None = None) -> timedelta:
        """Working time from the deadline to the stop (or `now`), pauses left out; 0 when in time.

        Working time whatever the promise's unit, so that late tickets can be compared. It is frozen by the
        stop.
        Raises ClockStepRefused when the clock runs and `now` is missing.
        """
        end, due, still = self._lateness(calendar, now)
        return counted_between("open", due.due_at, end, calendar, still)

    def working_days_late(self, calendar: WorkCalendar, now: datetime | None = None) -> int:
        """Working days begun after the last day allowed, up to the day of the stop (or `now`).

        Suspended days are left out. 0 when in time, and also when late on the last day itself or on a rest
        day right after it.
        Raises ClockStepRefused when the clock runs and `now` is missing.
        """
        end, due, still = self._lateness(calendar, now)
        if end < due.due_at:
            return 0
        return working_days_outside(due.last_day, calendar.local_date(end), calendar, still)

    def remaining_text(self, calendar: WorkCalendar, at: datetime, lang: Language = "zh") -> str:
        """What is left or overdue at `at`, as people say it: 「还剩 2 个工作日」, "2 working days left".

        Days for promises in days (the day of `at` itself is not counted: on the last day it says so), hours
        and minutes for the others, rounded down while time is left and up when overdue.
        """
        end = self._frozen(at)
        due = self.deadline(calendar, as_of=end)
        late = end >= due.due_at
        if self.promise.in_days:
            amount = self._days_text(calendar, end, due, late=late, lang=lang)
        else:
            amount = duration_in_words(abs(self.remaining(calendar, at)), lang, round_up=late)
        return _sentence(self.status, amount, late=late, lang=lang)

    # -- parts ---------------------------------------------------------------------------------------------

    def _days_text(self, calendar: WorkCalendar, at: datetime, due: Deadline, *, late: bool, lang: Language) -> str:
        today = calendar.local_date(at)
        in_working_days = late or self.promise.measure == "open"
        if late:
            days = working_days_outside(due.last_day, today, calendar, self.standstills(at))
        elif in_working_days:
            days = calendar.working_days_between(today, due.last_day)
        else:
            days = (due.last_day - today).days
        if days == 0:
            if late:  # on the rest days right after the last day
                return "不到 1 个工作日" if lang == "zh" else "less than 1 working day"
            return ""
        if lang == "zh":
            return f"{days} 个工作日" if in_working_days else f"{days} 天"
        noun = "working day" if in_working_days else "day"
        return f"{days} {noun}{'' if days == 1 else 's'}"

    def _total(self, calendar: WorkCalendar, as_of: datetime | None) -> timedelta:
        due_at = self.deadline(calendar, as_of=as_of).due_at
        return counted_between(self.promise.measure, self.began, due_at, calendar, self.standstills(as_of))

    def _lateness(
        self, calendar: WorkCalendar, now: datetime | None
    ) -> tuple[datetime, Deadline, tuple[Standstill, ...]]:
        end = self.stopped_at or now
        if end is None:
            raise ClockStepRefused("the clock still runs; say what time it is", "时限仍在计时,须给出当前时间")
        return end, self.deadline(calendar, as_of=end), self.standstills(end)

    def _frozen(self, at: datetime) -> datetime:
        _aware(at)
        return at if self.stopped_at is None else min(at, self.stopped_at)

    def _refuse_if_stopped(self, step: str, step_zh: str) -> None:
        if self.stopped_at is not None:
            raise ClockStepRefused(
                f"can't {step}: the clock stopped at {self.stopped_at.isoformat()}",
                f"时限已于 {self.stopped_at.isoformat()} 停止,不能{step_zh}",
            )

    def _refuse_earlier(self, at: datetime) -> None:
        _aware(at)
        latest = self.began
        for pause in self.pauses:
            latest = max(latest, pause.end or pause.start)
        latest = max(latest, self.stopped_at or latest)
        if at < latest:
            raise ClockStepRefused(
                f"{at.isoformat()} precedes {latest.isoformat()}, which the clock has already recorded",
                f"{at.isoformat()} 早于时限已记录的 {latest.isoformat()}",
            )


def _closed(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    return tuple(replace(pause, end=at) if pause.end is None else pause for pause in pauses)


def _aware(at: datetime) -> None:
    if at.utcoffset() is None:
        raise NaiveTime(f"the time {at.isoformat()} has no offset", f"时间 {at.isoformat()} 没有时区")


def _sentence(status: ClockStatus, amount: str, *, late: bool, lang: Language) -> str:
    if lang == "zh":
        if late:
            return f"超期 {amount}完成" if status == "stopped" else f"已超期 {amount}"
        left = f"还剩 {amount}" if amount else "今天到期"
        return {"running": left, "paused": f"已挂起,{left}", "stopped": "按时完成"}[status]
    if late:
        return f"done {amount} late" if status == "stopped" else f"{amount} overdue"
    left = f"{amount} left" if amount else "due today"
    return {"running": left, "paused": f"suspended, {left}", "stopped": "done in time"}[status]
