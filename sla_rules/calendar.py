"""The working calendar: which days work, when offices are open, and arithmetic over both.

All arithmetic is by look-up: the number of working days before each day and the open microseconds before
each window are laid down once, so a question about ten years costs what a question about one day costs.

Times go in as aware datetimes and come out as aware UTC; days are local dates of the calendar's zone.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sla_rules.duration import duration_in_words
from sla_rules.errors import CalendarInvalid, DateExpected, NaiveTime, OutsideCalendar
from sla_rules.layers import DayOverride, RegionalLayer
from sla_rules.notice import NoticeYear
from sla_rules.statutory import statutory_holidays
from sla_rules.windows import (
    DEFAULT_HOURS,
    Hours,
    OfficeHours,
    Window,
    as_office_hours,
    merged,
)

DayKind = Literal["weekday", "weekend", "off", "work"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)
_MINUTE_US = 60_000_000
_DAY_US = 24 * 60 * _MINUTE_US

# One offset since 1991, and no year before 1992 is taken for it, so the zone needs no time-zone database.
_SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
_FIRST_SHANGHAI_YEAR = 1992

# The notice of the next year appears in October-December and has changed days back to 29 December (2018). A
# weekend worked for New Year's Day may lie up to nine days before it, so a deadline after 20 December waits
# for that notice.
_SETTLED_MONTH_DAY = (12, 20)

# Far enough for a promise of ten years on the last covered day; beyond it nothing but an error would be
# honest.
_HORIZON_YEARS = 15

_SATURDAY_AND_SUNDAY = frozenset({5, 6})
DOCUMENT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class DayInfo:
    """What a day is and why.

    `kind`: an ordinary weekday or weekend day, `off` by notice, or a weekend day worked in exchange
    (`work`). `name` is the holiday, `source` the notice's address and `citation` its number and date.
    `provisional` days may still be changed by a notice that has not appeared. `observances` are feasts of the
    region that do not stop the clock.
    """

    date: date
    working: bool
    kind: DayKind
    name: str = ""
    source: str = ""
    provisional: bool = False
    observances: tuple[str, ...] = ()
    citation: str = ""


@dataclass(frozen=True, slots=True)
class _Special:
    """A day that its weekday alone doesn't explain."""

    kind: Literal["off", "work"]
    name: str
    source: str
    citation: str = ""


class WorkCalendar:
    """A calendar version: immutable, comparable, and able to write itself down.

    Build it with `load_calendar`, `WorkCalendar.from_years` or `calendar_from_document`.

    covered_until: the last day of the last loaded year.
    settled_until: the last day no missing notice can change any more; deadlines after it are provisional.
    first_day, last_day: the days it can speak of, `day_count` of them. Outside them every question raises
    OutsideCalendar.
    """

    def __init__(
        self,
        years: Iterable[NoticeYear],
        *,
        hours: OfficeHours = DEFAULT_HOURS,
        tz: str = "Asia/Shanghai",
        rest_weekdays: frozenset[int] = _SATURDAY_AND_SUNDAY,
        overrides: Iterable[DayOverride] = (),
        layers: Iterable[RegionalLayer] = (),
        settled_until: date | None = None,
        horizon_years: int = _HORIZON_YEARS,
    ) -> None:
        self.years = tuple(sorted(years, key=lambda year: year.year))
        self.hours = hours
        self.tz = tz
        self.rest_weekdays = rest_weekdays
        self.overrides = tuple(sorted(overrides, key=lambda override: override.date))
        self.layers = tuple(sorted(layers, key=lambda layer: (layer.prefix, layer.name)))
        self.horizon_years = horizon_years
        self._check()
        first, last = self.years[0].year, self.years[-1].year
        self.first_day = date(first, 1, 1)
        self.covered_until = date(last, 12, 31)
        self.settled_until = settled_until or date(last, *_SETTLED_MONTH_DAY)
        self.last_day = date(last + horizon_years, 12, 31)
        self.zone: tzinfo = _zone(tz, first)
        # The first midnight, where every day has 24 hours: then the day of an instant is a subtraction and needs
        # no search. In UTC like the times of the service, since Python subtracts fastest within one zone.
        self.origin = (
            datetime.combine(self.first_day, time(), self.zone).astimezone(UTC)
            if isinstance(self.zone, timezone)
            else None
        )
        # Room for `promise`, which keeps here the one deadline that each day (by its index) can end with.
        self.ends: dict[int, Any] = {}
        self._regions: dict[tuple[RegionalLayer, ...], WorkCalendar] = {}
        self._observances: dict[date, tuple[str, ...]] = {}
        self._first_ordinal = self.first_day.toordinal()
        self.day_count = self.last_day.toordinal() - self._first_ordinal + 1
        self._specials = self._lay_down_specials()
        self._hours_by_override = {
            override.date: override.hours for override in self.overrides if override.hours is not None
        }
        self._lay_down_days()
        self._lay_down_windows()

    @classmethod
    def from_years(
        cls,
        years: Iterable[NoticeYear],
        hours: OfficeHours | Sequence[str] | Sequence[Window] = DEFAULT_HOURS,
        tz: str = "Asia/Shanghai",
        *,
        rest_weekdays: Iterable[int] = _SATURDAY_AND_SUNDAY,
        overrides: Iterable[DayOverride] = (),
        layers: Iterable[RegionalLayer] = (),
        settled_until: date | None = None,
        horizon_years: int = _HORIZON_YEARS,
    ) -> WorkCalendar:
        """A calendar over consecutive years of notices.

        hours: windows of every working day as text (`["08:30-12:00", "14:30-18:00"]`), or full
        `OfficeHours`.
        rest_weekdays: 0 (Monday) to 6 (Sunday), the weekdays that rest unless a notice says otherwise.
        settled_until: 20 December of the last year unless given.
        horizon_years: how many years past the last notice are computed on the statutory holidays, 1 to 100.
        Raises CalendarInvalid when years are missing or doubled, days contradict each other, or no time is
        open.
        """
        return cls(
            years,
            hours=as_office_hours(hours),
            tz=tz,
            rest_weekdays=frozenset(rest_weekdays),
            overrides=overrides,
            layers=layers,
            settled_until=settled_until,
            horizon_years=horizon_years,
        )

    def with_overrides(self, overrides: Iterable[DayOverride]) -> WorkCalendar:
        """This calendar with more dated exceptions over it: a day off for a power cut, a day with other hours."""
        return self._varied(overrides=(*self.overrides, *overrides), layers=self.layers)

    def for_union(self, union: str) -> WorkCalendar:
        """The calendar as it holds for the union of that code: with the layers of its region, if it has any.

        Days off of a layer that stops clocks are off, over a dated exception for everyone and under that of a
        smaller region; the observances of the others are named and counted. It bears this calendar's version.
        """
        found = tuple(layer for layer in self.layers if layer.covers(union))
        if not found:
            return self
        if found not in self._regions:
            self._regions[found] = self._regional(found)
        return self._regions[found]

    def _regional(self, layers: tuple[RegionalLayer, ...]) -> WorkCalendar:
        days = {override.date: override for override in self.overrides}
        observed: dict[date, tuple[str, ...]] = {}
        for layer in sorted(layers, key=lambda layer: len(layer.prefix)):
            for day in layer.days:
                name = day.name or layer.name
                if layer.stops_clock:
                    days[day.date] = replace(day, name=name, source=day.source or layer.source)
                else:
                    observed[day.date] = (*observed.get(day.date, ()), name)
        regional = self._varied(overrides=days.values(), layers=())
        regional.version = self.version
        regional._observances = observed
        return regional

    def _varied(self, *, overrides: Iterable[DayOverride], layers: Iterable[RegionalLayer]) -> WorkCalendar:
        return WorkCalendar(
            self.years,
            hours=self.hours,
            tz=self.tz,
            rest_weekdays=self.rest_weekdays,
            overrides=overrides,
            layers=layers,
            settled_until=self.settled_until,
            horizon_years=self.horizon_years,
        )

    # -- what it is made of ----------------------------------------------------------------------------------

    def _check(self) -> None:
        if not self.years:
            raise CalendarInvalid("a calendar needs at least one year", "日历至少需要一个年份")
        for before, after in pairwise(self.years):
            if after.year != before.year + 1:
                raise CalendarInvalid(
                    f"the years must follow one another: {before.year}, then {after.year}",
                    f"年份须连续且不重复:{before.year} 之后为 {after.year}",
                )
        if not 1 <= self.horizon_years <= 100:
            raise CalendarInvalid(
                f"the horizon must be 1 to 100 years, got {self.horizon_years}",
                f"推算年限须为 1 至 100 年,现为 {self.horizon_years}",
            )
        if not self.rest_weekdays < set(range(7)):
            raise CalendarInvalid(
                "the weekdays at rest must be some of 0 (Monday) to 6 and leave one open",
                "休息日须在周一至周日之间,且至少留一天办公",
            )
        for override, next_override in pairwise(self.overrides):
            if override.date == next_override.date:
                raise CalendarInvalid(f"two overrides for {override.date}", f"{override.date} 有两条例外")
        for layer, next_layer in pairwise(self.layers):
            if (layer.prefix, layer.name) == (next_layer.prefix, next_layer.name):
                raise CalendarInvalid(
                    f"two layers of {layer.prefix} are named {layer.name!r}",
                    f"{layer.prefix} 有两个名为 {layer.name!r} 的地区层",
                )
        years = range(self.years[0].year, self.years[-1].year + self.horizon_years + 1)
        for day in (*self.overrides, *(day for layer in self.layers for day in layer.days)):
            if day.date.year not in years:
                raise CalendarInvalid(
                    f"the override {day.date} lies outside the calendar",
                    f"例外 {day.date} 超出日历范围",
                )

    def _lay_down_specials(self) -> dict[date, _Special]:
        specials: dict[date, _Special] = {}
        for year in range(self.covered_until.year + 1, self.last_day.year + 1):
            for day, name in statutory_holidays(year).items():
                specials[day] = _Special("off", name, "")
        # In order of years, so that the later notice has the last word on the December it reaches back into.
        for notice_year in self.years:
            for holiday in notice_year.holidays:
                cited = notice_year.url_of(holiday), notice_year.citation_of(holiday)
                for day in holiday.off:
                    specials[day] = _Special("off", holiday.name, *cited)
                for day in holiday.work:
                    specials[day] = _Special("work", holiday.name, *cited)
        for override in self.overrides:
            specials[override.date] = _Special(override.kind, override.name, override.source)
        return specials

    def _lay_down_days(self) -> None:
        weekday = self.first_day.weekday()
        week = [((weekday + offset) % 7) not in self.rest_weekdays for offset in range(7)]
        working = (week * (self.day_count // 7 + 1))[: self.day_count]
        for day, special in self._specials.items():
            index = day.toordinal() - self._first_ordinal
            if 0 <= index < self.day_count:
                working[index] = special.kind == "work"
        rank = [0] * (self.day_count + 1)
        workdays: list[int] = []
        for index, works in enumerate(working):
            if works:
                workdays.append(index)
            rank[index + 1] = len(workdays)
        self._working = working
        self._rank = rank  # rank[i]: working days before day i
        self._workdays = workdays  # the k-th working day's index

    def _lay_down_windows(self) -> None:
        if isinstance(self.zone, timezone):
            first = _microseconds(datetime.combine(self.first_day, time(), self.zone))
            self._midnights = list(range(first, first + (self.day_count + 1) * _DAY_US, _DAY_US))
        else:
            self._midnights = [
                _microseconds(datetime.combine(self.first_day + timedelta(days=offset), time(), self.zone))
                for offset in range(self.day_count)
            ]
            self._midnights.append(_microseconds(datetime.combine(self.last_day, time(), self.zone) + _ONE_DAY))
        starts: list[int] = []
        ends: list[int] = []
        open_before: list[int] = [0]
        total = 0
        tail: tuple[Window, ...] = ()
        simple = not (self.hours.weekdays or self.hours.seasons or self._hours_by_override)
        for index, works in enumerate(self._working):
            windows: tuple[Window, ...] = ()
            next_tail: tuple[Window, ...] = ()
            if works:
                hours = self.hours.default if simple else self.hours_of(self._date(index))
                windows, next_tail = hours.windows, hours.after_midnight
            if tail:
                windows = merged((*windows, *tail))
            tail = next_tail
            for window in windows:
                start, end = self._instant(index, window.start), self._instant(index, window.end)
                if start < end:  # a window inside the hour that a change to summer time skips doesn't exist
                    starts.append(start)
                    ends.append(end)
                    total += end - start
                    open_before.append(total)
        self._starts = starts
        self._ends = ends
        self._open_before = open_before  # open microseconds before window i; the last entry is the total

    def _instant(self, index: int, minutes: int) -> int:
        if isinstance(self.zone, timezone):
            return self._midnights[index] + minutes * _MINUTE_US
        if minutes == 24 * 60:
            return self._midnights[index + 1]
        return _microseconds(datetime.combine(self._date(index), time(minutes // 60, minutes % 60), self.zone))

    # -- days ------------------------------------------------------------------------------------------------

    def day(self, day: date) -> DayInfo:
        """What `day` is, with the holiday's name and the notice's address. Raises OutsideCalendar."""
        index = self._index(day)
        special = self._specials.get(day)
        provisional = day > self.settled_until
        observances = self._observances.get(day, ())
        if special is None:
            kind: DayKind = "weekend" if day.weekday() in self.rest_weekdays else "weekday"
            return DayInfo(day, self._working[index], kind, provisional=provisional, observances=observances)
        kind = special.kind
        if kind == "work" and day.weekday() not in self.rest_weekdays:
            kind = "weekday"  # an override that only changes the hours of a day that works anyway
        return DayInfo(
            day, self._working[index], kind, special.name, special.source, provisional, observances, special.citation
        )

    def is_working_day(self, day: date) -> bool:
        """Whether `day` works: a made-up Saturday does, a holiday does not. Raises OutsideCalendar."""
        return self._working[self._index(day)]

    def is_provisional(self, day: date) -> bool:
        """Whether a notice that has not appeared may still change `day`."""
        return day > self.settled_until

    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which itself is not counted (Civil Code, art. 201).

        A negative count goes back, 0 gives `day` back unchanged. A count forward may begin on the eve of the
        calendar's first day. Raises OutsideCalendar past the horizon.
        """
        index = self._index_before(day) if count > 0 else self._index(day)
        return day if count == 0 else self._date(self.add_to_index(index, count))

    def add_to_index(self, index: int, count: int) -> int:
        """`add_working_days` between the numbers of days; `count` is not 0. Raises OutsideCalendar."""
        position = self._rank[index + 1] + count - 1 if count > 0 else self._rank[index] + count
        if not 0 <= position < len(self._workdays):
            day = self._date(index)
            raise self._outside(f"{day} {count:+d} working days", f"{day} {count:+d} 个工作日")
        return self._workdays[position]

    def roll_forward(self, day: date) -> date:
        """`day` when it works, else the next working day (Civil Code, art. 203). Raises OutsideCalendar."""
        index = self._index(day)
        return day if self._working[index] else self.add_working_days(day, 1)

    def working_days_between(self, start: date, end: date) -> int:
        """Working days in (start, end]: `start` is not counted, `end` is. Negative when reversed.

        Either may be the eve of the calendar's first day. Raises OutsideCalendar.
        """
        return self._rank[self._index_before(end) + 1] - self._rank[self._index_before(start) + 1]

    def windows(self, day: date) -> tuple[Window, ...]:
        """The open windows of `day` in local minutes, in order, with the tail of the day before it."""
        index = self._index(day)
        windows = self.hours_of(day).windows if self._working[index] else ()
        if index > 0 and self._working[index - 1]:
            tail = self.hours_of(day - _ONE_DAY).after_midnight
            if tail:
                return merged((*windows, *tail))
        return windows

    def hours_of(self, day: date) -> Hours:
        """The office hours `day` has if it works, whether it does or not."""
        return self._hours_by_override.get(day) or self.hours.of(day)

    def office_end(self, day: date) -> datetime | None:
        """The closing instant of the working day `day` (UTC), None when it rests. Raises OutsideCalendar."""
        return self.nominal_office_end(day) if self._working[self._index(day)] else None

    def nominal_office_end(self, day: date) -> datetime:
        """The instant the office would close on `day` if it worked (UTC): a duty shift goes by it."""
        index = self._index(day)
        hours = self.hours_of(day)
        if hours.after_midnight:
            if index + 1 >= self.day_count:
                raise self._outside(str(day), str(day))
            return _from_microseconds(self._instant(index + 1, hours.after_midnight[-1].end))
        return _from_microseconds(self._instant(index, hours.windows[-1].end))

    # -- instants --------------------------------------------------------------------------------------------

    def local(self, at: datetime) -> datetime:
        """`at` on the wall clock of the calendar's zone. Raises NaiveTime, OutsideCalendar."""
        self._inside(at)
        return at.astimezone(self.zone)

    def local_date(self, at: datetime) -> date:
        """The local calendar day of the instant `at`. Raises NaiveTime, OutsideCalendar."""
        return self._date(self.day_index(at))

    def day_index(self, at: datetime) -> int:
        """The number of the local day of `at`, 0 on `first_day`. Raises NaiveTime, OutsideCalendar."""
        if self.origin is None:
            return self._index_at(self._inside(at))
        try:
            index = (at - self.origin).days
        except TypeError:
            raise _naive(at) from None
        if not 0 <= index < self.day_count:
            raise self._outside(at.isoformat(), at.isoformat())
        return index

    def day_at(self, index: int) -> date:
        """The day of that number, the inverse of `day_index`."""
        return self._date(index)

    def start_of_day(self, day: date) -> datetime:
        """00:00 local of `day`, in UTC. Raises OutsideCalendar."""
        return _from_microseconds(self._midnights[self._index(day)])

    def end_of_day(self, day: date) -> datetime:
        """24:00 local of `day` in UTC, the first instant after it. Raises OutsideCalendar."""
        return _from_microseconds(self._midnights[self._index(day) + 1])

    def is_open(self, at: datetime) -> bool:
        """Whether working time runs at `at`. Windows are half-open: not any more at the closing instant."""
        instant = self._inside(at)
        position = bisect_right(self._starts, instant) - 1
        return position >= 0 and instant < self._ends[position]

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when open, else the next opening (UTC). Raises OutsideCalendar."""
        instant = self._inside(at)
        position = bisect_right(self._starts, instant) - 1
        if position >= 0 and instant < self._ends[position]:
            return _from_microseconds(instant)
        if position + 1 >= len(self._starts):
            raise self._outside(f"the opening after {at.isoformat()}", f"{at.isoformat()} 之后的开门时刻")
        return _from_microseconds(self._starts[position + 1])

    def prev_open(self, at: datetime) -> datetime:
        """`at` itself when open, else the last closing before it (UTC). Raises OutsideCalendar."""
        instant = self._inside(at)
        position = bisect_right(self._starts, instant) - 1
        if position < 0:
            raise self._outside(f"the closing before {at.isoformat()}", f"{at.isoformat()} 之前的关门时刻")
        return _from_microseconds(min(instant, self._ends[position]))

    def add_open_time(self, at: datetime, span: timedelta) -> datetime:
        """The earliest instant t >= `at` such that [at, t) holds `span` of open time (UTC).

        Using a day up exactly stays at its closing time instead of jumping to the next opening. A negative
        span goes back to the latest instant t <= `at` such that [t, at) holds it. Raises NaiveTime,
        OutsideCalendar.
        """
        instant = self._inside(at)
        amount = span // _MICROSECOND
        if amount == 0:
            return _from_microseconds(instant)
        target = self._open_until(instant) + amount
        if amount > 0:
            if target > self._open_before[-1]:
                raise self._outside(
                    f"{at.isoformat()} + {duration_in_words(span, 'en', round_up=True)} of working time",
                    f"{at.isoformat()} 加 {duration_in_words(span, 'zh', round_up=True)}工作时间",
                )
            position = bisect_left(self._open_before, target) - 1
        else:
            if target < 0:
                raise self._outside(
                    f"{at.isoformat()} - {duration_in_words(-span, 'en', round_up=True)} of working time",
                    f"{at.isoformat()} 减 {duration_in_words(-span, 'zh', round_up=True)}工作时间",
                )
            position = bisect_right(self._open_before, target) - 1
        return _from_microseconds(self._starts[position] + target - self._open_before[position])

    def open_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Open time in [start, end), 0 when `end` is not after `start`. Raises NaiveTime, OutsideCalendar."""
        first, last = self._inside(start), self._inside(end)
        if last <= first:
            return timedelta(0)
        return timedelta(microseconds=self._open_until(last) - self._open_until(first))

    def _open_until(self, instant: int) -> int:
        position = bisect_right(self._starts, instant) - 1
        if position < 0:
            return 0
        return self._open_before[position] + min(instant, self._ends[position]) - self._starts[position]

    def _index(self, day: date) -> int:
        if isinstance(day, datetime):
            # A datetime would pass for its UTC date in silence, a day early after 16:00 UTC.
            raise DateExpected(
                f"a local date is meant, got the time {day.isoformat()}",
                f"此处应为日期,收到时间 {day.isoformat()}",
            )
        index = day.toordinal() - self._first_ordinal
        if not 0 <= index < self.day_count:
            raise self._outside(str(day), str(day))
        return index

    def _index_before(self, day: date) -> int:
        """`_index`, or -1 for the eve of the first day, where counting the days after it can begin."""
        return -1 if day.toordinal() == self._first_ordinal - 1 else self._index(day)

    def _date(self, index: int) -> date:
        return date.fromordinal(self._first_ordinal + index)

    def _inside(self, at: datetime) -> int:
        instant = _microseconds(at)
        if not self._midnights[0] <= instant <= self._midnights[-1]:
            raise self._outside(at.isoformat(), at.isoformat())
        return instant

    def _index_at(self, instant: int) -> int:
        index = bisect_right(self._midnights, instant) - 1
        if index >= self.day_count:
            moment = _from_microseconds(instant).isoformat()
            raise self._outside(moment, moment)
        return index

    def _outside(self, en: str, zh: str) -> OutsideCalendar:
        return OutsideCalendar(
            f"{en} lies outside the calendar, which speaks of {self.first_day} to {self.last_day}",
            f"{zh} 超出日历范围({self.first_day} 至 {self.last_day})",
        )

    # -- versions --------------------------------------------------------------------------------------------

    @cached_property
    def version(self) -> str:
        """`2026.1+3f9a2c1d`: the last year, how many notices shaped it, and a digest of the whole content."""
        last = self.years[-1]
        return f"{last.year}.{max(1, len(last.notices))}+{self._digest[:8]}"

    @cached_property
    def _digest(self) -> str:
        text = json.dumps(self._content(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _content(self) -> dict[str, Any]:
        content = {
            "format": DOCUMENT_FORMAT,
            "tz": self.tz,
            "rest_weekdays": sorted(self.rest_weekdays),
            "hours": self.hours.to_document(),
            "settled_until": self.settled_until.isoformat(),
            "horizon_years": self.horizon_years,
            "years": [year.to_document() for year in self.years],
            "overrides": [override.to_document() for override in self.overrides],
        }
        # Without layers the content, and so the version, is what it was before layers were known.
        return {**content, "layers": [layer.to_document() for layer in self.layers]} if self.layers else content

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `calendar_from_document` reads back to an equal calendar."""
        return {**self._content(), "version": self.version}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkCalendar) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"<WorkCalendar {self.version} {self.first_day}..{self.covered_until} {self.tz}>"


def _zone(name: str, first_year: int) -> tzinfo:
    if name == "Asia/Shanghai" and first_year >= _FIRST_SHANGHAI_YEAR:
        return _SHANGHAI
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CalendarInvalid(f"unknown time zone {name!r}", f"未知时区 {name!r}") from error


def _microseconds(at: datetime) -> int:
    try:
        return (at - _EPOCH) // _MICROSECOND
    except TypeError:  # one side knows no offset
        raise _naive(at) from None


def _from_microseconds(instant: int) -> datetime:
    return _EPOCH + instant * _MICROSECOND


def _naive(at: datetime) -> NaiveTime:
    return NaiveTime(
        f"the time {at.isoformat()} has no offset; give an aware datetime",
        f"时间 {at.isoformat()} 没有时区,须为带时区的时间",
    )
