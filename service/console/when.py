"""Instants and spans as people in an office say them. Everything shown is local time (Asia/Shanghai)."""

from datetime import date, datetime, timedelta

from service.core.clock import local
from service.core.errors import Bilingual
from service.sla.rules import Rules
from service.tickets.states import ENDED, GOVERNING, State
from service.tickets.views import TicketRow
from sla_rules import Promise, Tier, WorkCalendar

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_INSTANT = timedelta(microseconds=1)


def shown_time(instant: datetime, lang: str) -> str:
    """Day and minute."""
    return _shown(local(instant), f"{local(instant):%H:%M}", lang)


def shown_deadline(instant: datetime, lang: str) -> str:
    """A deadline as the last moment allowed: midnight is 24:00 of the day that ends there, as it is printed."""
    at = local(instant)
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return _shown(at - _INSTANT, "24:00", lang)
    return _shown(at, f"{at:%H:%M}", lang)


def shown_day(day: date, lang: str) -> str:
    """A day with its weekday."""
    if lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日 周{_WEEKDAYS_ZH[day.weekday()]}"
    return f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def shown_short_day(day: date, lang: str) -> str:
    """A day of a year that is known, with its weekday."""
    if lang == "zh":
        return f"{day.month}月{day.day}日(周{_WEEKDAYS_ZH[day.weekday()]})"
    return f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}"


def _shown(at: datetime, clock: str, lang: str) -> str:
    return f"{shown_day(at.date(), lang)} {clock}"


def shortened(text: str, lang: str, *, now: datetime | None) -> str:
    """A day without its year when it is the year of `now`; None leaves it whole."""
    if now is None:
        return text
    year = local(now).year
    return text.removeprefix(f"{year}年") if lang == "zh" else text.replace(f" {year} ", " ")


def remaining(row: TicketRow, rules: Rules, now: datetime) -> Bilingual:
    """What is left of the deadline a queue is sorted by, in the unit the promise is made in."""
    if row.state in ENDED:
        return Bilingual("", "")
    if row.suspended:
        # What stands in the row is the deadline as it was: every day of the pause moves it on.
        return Bilingual("计时暂停,恢复后顺延", "the clock rests; the deadline moves on")
    if row.state is State.replied:
        # The reply stopped the citizen's clock: what is left no longer shrinks.
        late = row.light == "red"
        return Bilingual("超期反馈", "replied late") if late else Bilingual("已按时反馈", "replied in time")
    tier = Tier(row.tier) if row.tier else None
    promise = rules.policy.promise(GOVERNING[row.state], tier, urgent=row.urgent, cycle=row.cycle)
    assert row.due_at is not None, "an open ticket has a deadline"  # noqa: S101
    calendar = rules.calendar_of(row.holder_code)
    if promise.in_days:
        return _in_days(row.due_at, promise, calendar, now)
    return _in_minutes(row.due_at, promise, calendar, now)


def _in_days(due_at: datetime, promise: Promise, calendar: WorkCalendar, now: datetime) -> Bilingual:
    today, last = calendar.local_date(now), calendar.local_date(due_at - _INSTANT)
    if now >= due_at:
        days = calendar.working_days_between(last, today)
        if days == 0:
            return Bilingual("已超期(不到 1 个工作日)", "overdue (less than a working day)")
        return Bilingual(f"已超期 {days} 个工作日", f"{_days(days, 'working day')} overdue")
    if promise.measure == "real":
        days = (last - today).days
        return Bilingual(f"还剩 {days} 天", f"{_days(days, 'day')} left") if days else _today(due_at)
    days = calendar.working_days_between(today, last)
    return Bilingual(f"还剩 {days} 个工作日", f"{_days(days, 'working day')} left") if days else _today(due_at)


def _today(due_at: datetime) -> Bilingual:
    at = shown_deadline(due_at, "zh").rsplit(" ", 1)[1]
    return Bilingual(f"今天 {at} 到期", f"due today {at}")


def _in_minutes(due_at: datetime, promise: Promise, calendar: WorkCalendar, now: datetime) -> Bilingual:
    first, last = min(now, due_at), max(now, due_at)
    span = calendar.open_time_between(first, last) if promise.measure == "open" else last - first
    zh, en = shown_span(span, "zh"), shown_span(span, "en")
    if now >= due_at:
        return Bilingual(f"已超 {zh}", f"{en} over")
    return Bilingual(f"还剩 {zh}", f"{en} left")


def shown_span(span: timedelta, lang: str) -> str:
    """Hours and minutes."""
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    if lang == "zh":
        return f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分钟"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _days(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
