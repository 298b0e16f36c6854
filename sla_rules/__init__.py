"""The rules of time at the hotline: calendars, promises, clocks and ladders as pure values and functions.

Nothing here reads a clock, a database or the network; the working of a deadline is the same wherever it is
asked for.
"""

from sla_rules.batch import deadlines
from sla_rules.calendar import DayInfo, DayKind, WorkCalendar
from sla_rules.calendar_source import calendar_from_document, load_calendar
from sla_rules.clock import Clock, ClockStatus
from sla_rules.counting import deadline
from sla_rules.coverage import CoverageAlarm, coverage_alarm
from sla_rules.errors import (
    CalendarInvalid,
    ClockStepRefused,
    DateExpected,
    LadderInvalid,
    NaiveTime,
    NoticeInvalid,
    OpenPauseNeedsAsOf,
    OutsideCalendar,
    PausesInvalid,
    PolicyInvalid,
    PromiseInvalid,
    RuleError,
    TierRequired,
    WindowInvalid,
)
from sla_rules.explain import ChangeCause, DueChange, ExplainLine, Explanation, explain
from sla_rules.ladder import (
    AUDIENCES,
    EFFECTS,
    AtDue,
    AtFraction,
    AtWorkingDays,
    AtWorkingTime,
    Audience,
    BeforeOfficeEnd,
    Effect,
    Ladder,
    PlannedRung,
    Rung,
    due_rungs,
    next_check,
    plan,
)
from sla_rules.layers import DayOverride, RegionalLayer
from sla_rules.local_calendar import (
    LocalArrangement,
    LocalCalendarInvalid,
    arrangement_of,
    laid_over,
    read_local,
    to_toml,
)
from sla_rules.notice import Holiday, Notice, NoticeYear, load_year, load_years, year_from_document
from sla_rules.notice_reading import NoticeReading, NoticeUnreadable, ReadHoliday, Remark
from sla_rules.notice_text import examine_notice, read_notice
from sla_rules.policy import Limits, Policy
from sla_rules.policy_reading import load_policy, policy_from_document, read_policy
from sla_rules.promise import ClockKind, Deadline, Kept, Pause, Promise, Tier, Unit
from sla_rules.quiet import QuietHours
from sla_rules.recount import Recount, Shorten, recount
from sla_rules.simulate import (
    Figures,
    PastClock,
    Recomputed,
    Simulation,
    Unanswered,
    simulate,
    with_amount,
    with_year,
    without_made_up_days,
)
from sla_rules.windows import DEFAULT_HOURS, Hours, OfficeHours, Season, Window, parse_hours

__all__ = [
    "AUDIENCES",
    "DEFAULT_HOURS",
    "EFFECTS",
    "AtDue",
    "AtFraction",
    "AtWorkingDays",
    "AtWorkingTime",
    "Audience",
    "BeforeOfficeEnd",
    "CalendarInvalid",
    "ChangeCause",
    "Clock",
    "ClockKind",
    "ClockStatus",
    "ClockStepRefused",
    "CoverageAlarm",
    "DateExpected",
    "DayInfo",
    "DayKind",
    "DayOverride",
    "Deadline",
    "DueChange",
    "Effect",
    "ExplainLine",
    "Explanation",
    "Figures",
    "Holiday",
    "Hours",
    "Kept",
    "Ladder",
    "LadderInvalid",
    "Limits",
    "LocalArrangement",
    "LocalCalendarInvalid",
    "NaiveTime",
    "Notice",
    "NoticeInvalid",
    "NoticeReading",
    "NoticeUnreadable",
    "NoticeYear",
    "OfficeHours",
    "OpenPauseNeedsAsOf",
    "OutsideCalendar",
    "PastClock",
    "Pause",
    "PausesInvalid",
    "PlannedRung",
    "Policy",
    "PolicyInvalid",
    "Promise",
    "PromiseInvalid",
    "QuietHours",
    "ReadHoliday",
    "Recomputed",
    "Recount",
    "RegionalLayer",
    "Remark",
    "RuleError",
    "Rung",
    "Season",
    "Shorten",
    "Simulation",
    "Tier",
    "TierRequired",
    "Unanswered",
    "Unit",
    "Window",
    "WindowInvalid",
    "WorkCalendar",
    "arrangement_of",
    "calendar_from_document",
    "coverage_alarm",
    "deadline",
    "deadlines",
    "due_rungs",
    "examine_notice",
    "explain",
    "laid_over",
    "load_calendar",
    "load_policy",
    "load_year",
    "load_years",
    "next_check",
    "parse_hours",
    "plan",
    "policy_from_document",
    "read_local",
    "read_notice",
    "read_policy",
    "recount",
    "simulate",
    "to_toml",
    "with_amount",
    "with_year",
    "without_made_up_days",
    "year_from_document",
]
