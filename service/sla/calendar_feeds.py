"""A year from a calendar feed (iCalendar, RFC 5545): all-day events that say whether their days are off or worked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from icalendar import Calendar, Component, vDDDTypes

from service.sla.calendar_marks import Kind, kind_of, marked, qualified
from sla_rules import NoticeReading, NoticeUnreadable, Remark
from sla_rules.listed_days import ListedDay, examine_days
from sla_rules.notice_reading import ONE_DAY, Doubt, remark, stretch, within_reach

_APPLE = "X-APPLE-SPECIAL-DAY"
_APPLE_KINDS: dict[str, Kind] = {"WORK-HOLIDAY": "off", "ALTERNATE-WORKDAY": "work"}
_RECURRING = ("RRULE", "RDATE", "RECURRENCE-ID")
_READ = ("DTSTART", "DTEND", "DURATION", *_RECURRING, "STATUS", "SUMMARY", "CATEGORIES", _APPLE)


def is_feed(text: str) -> bool:
    """Whether the text is an iCalendar."""
    return text.lstrip()[:15].upper() == "BEGIN:VCALENDAR"


def read_feed(text: str, *, name: str, year: int | None = None) -> NoticeReading:
    """The year that a feed lists; every event that can't be taken is a doubt.

    In a feed that marks its days as Apple does, an event without a mark is an observance and is only named.
    Raises NoticeUnreadable when it is no iCalendar, or of several years none is asked for by `year`.
    """
    events = _events(text, name)
    by_apple = any(_apple_kinds(event) for event in events)
    days: list[ListedDay] = []
    doubts: list[Remark] = []
    observances: list[str] = []
    for event in events:
        kinds, title = _marks(event)
        if by_apple and not kinds:
            observances.append(title)
            continue
        try:
            days += _days(event, kinds, title)
        except Doubt as doubt:
            if _concerns(event, year):
                doubts.append(remark(_quote(event), doubt))
    reading = examine_days(days, origin=name, year=year, doubts=doubts)
    return _with_observances(reading, observances)


def _events(text: str, name: str) -> list[Component]:
    try:
        calendars = Calendar.from_ical(text.encode(), multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise NoticeUnreadable(
            (Remark(name, f"no iCalendar can be read: {reason}", f"无法读取 iCalendar:{reason}"),)
        ) from error
    if len(calendars) != text.upper().count("BEGIN:VCALENDAR"):
        raise NoticeUnreadable(
            (Remark(name, "the iCalendar has no end; is it cut off?", "iCalendar 没有结束,是否不完整"),)
        )
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _with_observances(reading: NoticeReading, names: list[str]) -> NoticeReading:
    if not names:
        return reading
    listed = "、".join(dict.fromkeys(names))
    return replace(
        reading,
        notes=(*reading.notes, Remark(listed, "marked neither off nor worked, left out", "未标休或班,不计入")),
    )


def _marks(event: Component) -> tuple[set[Kind], str]:
    """What the event's marks say, one kind, none, or both where they contradict each other; and its name."""
    title = next(iter(_values(event, "SUMMARY")), "")
    kinds, name = marked(str(title))
    categories = (str(entry) for value in _values(event, "CATEGORIES") for entry in getattr(value, "cats", [value]))
    told = {kind for kind in map(kind_of, categories) if kind is not None}
    return kinds | told | _apple_kinds(event), name


def _apple_kinds(event: Component) -> set[Kind]:
    words = (str(value).upper() for value in _values(event, _APPLE))
    return {_APPLE_KINDS[word] for word in words if word in _APPLE_KINDS}


def _days(event: Component, kinds: set[Kind], name: str) -> Iterator[ListedDay]:
    for field in _READ:
        if field in _RECURRING and _values(event, field):
            raise Doubt("the event recurs; each day must be listed", "重复事件,须逐日列出")
        if any(broken == field for broken, _reason in event.errors):
            raise _unreadable(field)
    if any(str(value).upper() == "CANCELLED" for value in _values(event, "STATUS")):
        raise Doubt("the event is cancelled", "事件已取消")
    if any(qualified(str(value)) for value in _values(event, "SUMMARY")):
        raise Doubt("its title limits or takes back what it says", "标题含有限定或否定的字样")
    if len(kinds) != 1:
        what = "both off and worked" if kinds else "neither off nor worked"
        raise Doubt(f"by its marks it is {what}", "既标休又标班" if kinds else "看不出放假还是上班")
    (kind,) = kinds
    first, last = _span(event)
    for day in stretch(first, last):
        yield ListedDay(day, kind, name, _quote(event))


def _span(event: Component) -> tuple[date, date]:
    """The first and the last day; DTEND is the day after the last, and without any end it is one day."""
    first = _one_day(event, "DTSTART")
    if first is None:
        raise Doubt("the event has no DTSTART", "事件没有 DTSTART")
    end = _one_day(event, "DTEND")
    length = _once(event, "DURATION")
    if length is None:
        return first, (end or first + ONE_DAY) - ONE_DAY
    if end is not None or not isinstance(length, timedelta) or length % ONE_DAY:
        raise Doubt("its end is not clear", "结束日期不明确")
    return first, first + length - ONE_DAY


def _one_day(event: Component, field: str) -> date | None:
    value = _once(event, field)
    if isinstance(value, datetime):
        raise Doubt("the event has a time of day; a whole day is meant", "事件带有时刻,须为全天事件")
    if value is not None and not isinstance(value, date):
        raise _unreadable(field)
    return value


def _once(event: Component, field: str) -> object:
    values = _moments(event, field)
    if len(values) > 1:
        raise Doubt(f"{field} is given twice", f"{field} 重复")
    return values[0] if values else None


def _unreadable(field: str) -> Doubt:
    return Doubt(f"{field} can't be read", f"{field} 无法读取")


def _concerns(event: Component, year: int | None) -> bool:
    """Whether a doubt about the event can touch the year asked for."""
    starts = _moments(event, "DTSTART")
    start = starts[0] if len(starts) == 1 else None
    if year is None or not isinstance(start, date):
        return True
    if any(_values(event, field) for field in _RECURRING):
        return start.year <= year
    return within_reach(start.date() if isinstance(start, datetime) else start, year)


def _moments(event: Component, field: str) -> list[object]:
    """The dates, times or lengths under a field; what the library could not read is its own text."""
    return [value.dt if isinstance(value, vDDDTypes) else str(value) for value in _values(event, field)]


def _values(event: Component, field: str) -> list[Any]:
    value = event.get(field)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _quote(event: Component) -> str:
    """The event's own lines, those that say what and when it is."""
    lines = (str(line) for line in event.content_lines())
    return "; ".join(line for line in lines if line.partition(":")[0].partition(";")[0].upper() in _READ)
