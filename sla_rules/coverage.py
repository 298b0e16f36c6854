"""How far a calendar reaches, and from when on the year it lacks is missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sla_rules.calendar import WorkCalendar
from sla_rules.errors import DateExpected

# The notices for 2010-2026 came out between 25 October (2021, 2023) and 16 December (2014) of the year before: from
# 1 November on one may be out and unnoticed, and in December ordinary deadlines already reach into the missing year.
_ALARM_MONTH_DAY = (11, 1)
_DAILY_MONTH_DAY = (12, 1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CoverageAlarm:
    """A year is missing: the first one after the calendar's last, if there are several.

    since: the first day of the alarm, 1 November of the last covered year.
    days_left: days after today that are still covered: 0 on the last one, negative when today is not covered.
    """

    missing_year: int
    since: date
    covered_until: date
    days_left: int

    @property
    def occasion(self) -> date:
        """The day people are to be told for: each seventh day in November, each day from 1 December on.

        Alarms of one occasion are one reason to tell somebody, however often it is asked.
        """
        today = self.covered_until - timedelta(days=self.days_left)
        if today >= date(self.since.year, *_DAILY_MONTH_DAY):
            return today
        return self.since + (today - self.since) // _WEEK * _WEEK

    @property
    def zh(self) -> str:
        """The alarm as a Chinese sentence."""
        left = f"还有 {self.days_left} 天" if self.days_left >= 0 else f"已过 {-self.days_left} 天"
        return f"尚未载入 {self.missing_year} 年的工作日历,已发布的只到 {self.covered_until}({left})。"

    @property
    def en(self) -> str:
        """The alarm as an English sentence."""
        left = f"{self.days_left} day(s) left" if self.days_left >= 0 else f"{-self.days_left} day(s) ago"
        until = f"{self.covered_until} ({left})"
        return f"The calendar of {self.missing_year} is not loaded; the published one ends on {until}."


def coverage_alarm(calendar: WorkCalendar, today: date) -> CoverageAlarm | None:
    """The alarm on `today` (a local date), or None while the calendar reaches far enough.

    It rings from 1 November on as long as the next year is missing, and so on every day that is not covered
    itself. Source: the General Office of the State Council publishes the notice for a year in the
    October-December before it (《国务院办公厅关于…年部分节假日安排的通知》). Raises DateExpected for a datetime.
    """
    if isinstance(today, datetime):
        raise DateExpected(
            f"a local date is meant, got the time {today.isoformat()}",
            f"此处应为日期,收到时间 {today.isoformat()}",
        )
    covered_until = calendar.covered_until
    since = date(covered_until.year, *_ALARM_MONTH_DAY)
    if today < since:
        return None
    return CoverageAlarm(
        missing_year=covered_until.year + 1,
        since=since,
        covered_until=covered_until,
        days_left=(covered_until - today).days,
    )
