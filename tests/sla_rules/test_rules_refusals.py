"""What the rules refuse, each with its sentence in Chinese and in English."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from sla_rules import (
    AUDIENCES,
    AtDue,
    AtFraction,
    AtWorkingDays,
    AtWorkingTime,
    BeforeOfficeEnd,
    CalendarInvalid,
    Clock,
    ClockKind,
    ClockStepRefused,
    DateExpected,
    DayOverride,
    LadderInvalid,
    NaiveTime,
    NoticeYear,
    OpenPauseNeedsAsOf,
    OutsideCalendar,
    Pause,
    PausesInvalid,
    Promise,
    PromiseInvalid,
    RegionalLayer,
    RuleError,
    Rung,
    WorkCalendar,
    deadline,
    load_calendar,
    parse_hours,
)
from sla_rules.counting import standstills
from sla_rules.ladder import check_ladder

DAY = date(2026, 11, 20)
FIVE_DAYS = Promise("working_days", 5)
RUNNING = Clock(ClockKind.resolve, FIVE_DAYS, datetime(2026, 11, 16, 2, tzinfo=UTC))
PAUSED = RUNNING.pause(datetime(2026, 11, 17, 2, tzinfo=UTC), "待补正")
STOPPED = RUNNING.stop(datetime(2026, 11, 18, 2, tzinfo=UTC))
LATER = datetime(2026, 11, 19, 2, tzinfo=UTC)
NAIVE = datetime(2026, 11, 20, 9)  # noqa: DTZ001 - the naive time is the point
HALF_HOUR = timedelta(minutes=30)
YEAR = load_calendar().years[-1]
ONE_YEAR = WorkCalendar.from_years([YEAR], horizon_years=1)
NIGHTS = WorkCalendar.from_years([YEAR], ["22:00-26:00"], horizon_years=1)
FEAST = DayOverride(DAY, "off")
LAYER = RegionalLayer("6327", "州庆", (FEAST,))

OUTSIDE = " lies outside the calendar, which speaks of 2026-01-01 to 2027-12-31"
OUTSIDE_ZH = " 超出日历范围(2026-01-01 至 2027-12-31)"


def made(*years: NoticeYear, **parts: Any) -> WorkCalendar:
    return WorkCalendar.from_years(years or [YEAR], **parts)


REFUSALS: list[tuple[Callable[[], object], type[RuleError], str, str]] = [
    (
        lambda: WorkCalendar.from_years([]),
        CalendarInvalid,
        "a calendar needs at least one year",
        "日历至少需要一个年份",
    ),
    (
        lambda: made(YEAR, YEAR),
        CalendarInvalid,
        "the years must follow one another: 2026, then 2026",
        "年份须连续且不重复:2026 之后为 2026",
    ),
    (
        lambda: made(horizon_years=0),
        CalendarInvalid,
        "the horizon must be 1 to 100 years, got 0",
        "推算年限须为 1 至 100 年,现为 0",
    ),
    (
        lambda: made(horizon_years=101),
        CalendarInvalid,
        "the horizon must be 1 to 100 years, got 101",
        "推算年限须为 1 至 100 年,现为 101",
    ),
    (
        lambda: made(rest_weekdays=range(7)),
        CalendarInvalid,
        "the weekdays at rest must be some of 0 (Monday) to 6 and leave one open",
        "休息日须在周一至周日之间,且至少留一天办公",
    ),
    (
        lambda: made(rest_weekdays=[7]),
        CalendarInvalid,
        "the weekdays at rest must be some of 0 (Monday) to 6 and leave one open",
        "休息日须在周一至周日之间,且至少留一天办公",
    ),
    (lambda: made(overrides=[FEAST, FEAST]), CalendarInvalid, "two overrides for 2026-11-20", "2026-11-20 有两条例外"),
    (
        lambda: made(layers=[LAYER, LAYER]),
        CalendarInvalid,
        "two layers of 6327 are named '州庆'",
        "6327 有两个名为 '州庆' 的地区层",
    ),
    (
        lambda: made(overrides=[DayOverride(date(2025, 12, 31), "off")]),
        CalendarInvalid,
        "the override 2025-12-31 lies outside the calendar",
        "例外 2025-12-31 超出日历范围",
    ),
    (lambda: made(tz="Asia/Xining"), CalendarInvalid, "unknown time zone 'Asia/Xining'", "未知时区 'Asia/Xining'"),
    (lambda: made(tz="../etc"), CalendarInvalid, "unknown time zone '../etc'", "未知时区 '../etc'"),
    (
        lambda: ONE_YEAR.day(date(2025, 12, 31)),
        OutsideCalendar,
        "2025-12-31" + OUTSIDE,
        "2025-12-31" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.day(date(2028, 1, 1)),
        OutsideCalendar,
        "2028-01-01" + OUTSIDE,
        "2028-01-01" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.day(LATER),
        DateExpected,
        "a local date is meant, got the time 2026-11-19T02:00:00+00:00",
        "此处应为日期,收到时间 2026-11-19T02:00:00+00:00",
    ),
    (
        lambda: ONE_YEAR.local(NAIVE),
        NaiveTime,
        "the time 2026-11-20T09:00:00 has no offset; give an aware datetime",
        "时间 2026-11-20T09:00:00 没有时区,须为带时区的时间",
    ),
    (
        lambda: ONE_YEAR.local_date(NAIVE),
        NaiveTime,
        "the time 2026-11-20T09:00:00 has no offset; give an aware datetime",
        "时间 2026-11-20T09:00:00 没有时区,须为带时区的时间",
    ),
    (
        lambda: ONE_YEAR.local(datetime(2025, 12, 31, 15, 59, tzinfo=UTC)),
        OutsideCalendar,
        "2025-12-31T15:59:00+00:00" + OUTSIDE,
        "2025-12-31T15:59:00+00:00" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.local_date(datetime(2027, 12, 31, 16, tzinfo=UTC)),
        OutsideCalendar,
        "2027-12-31T16:00:00+00:00" + OUTSIDE,
        "2027-12-31T16:00:00+00:00" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.add_working_days(DAY, 1000),
        OutsideCalendar,
        "2026-11-20 +1000 working days" + OUTSIDE,
        "2026-11-20 +1000 个工作日" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.add_working_days(DAY, -1000),
        OutsideCalendar,
        "2026-11-20 -1000 working days" + OUTSIDE,
        "2026-11-20 -1000 个工作日" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.add_open_time(LATER, timedelta(days=999)),
        OutsideCalendar,
        "2026-11-19T02:00:00+00:00 + 23976 h of working time" + OUTSIDE,
        "2026-11-19T02:00:00+00:00 加 23976 小时工作时间" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.add_open_time(LATER, timedelta(days=-999)),
        OutsideCalendar,
        "2026-11-19T02:00:00+00:00 - 23976 h of working time" + OUTSIDE,
        "2026-11-19T02:00:00+00:00 减 23976 小时工作时间" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.next_open(datetime(2027, 12, 31, 11, tzinfo=UTC)),
        OutsideCalendar,
        "the opening after 2027-12-31T11:00:00+00:00" + OUTSIDE,
        "2027-12-31T11:00:00+00:00 之后的开门时刻" + OUTSIDE_ZH,
    ),
    (
        lambda: ONE_YEAR.prev_open(datetime(2026, 1, 1, tzinfo=UTC)),
        OutsideCalendar,
        "the closing before 2026-01-01T00:00:00+00:00" + OUTSIDE,
        "2026-01-01T00:00:00+00:00 之前的关门时刻" + OUTSIDE_ZH,
    ),
    (
        lambda: NIGHTS.nominal_office_end(date(2027, 12, 31)),
        OutsideCalendar,
        "2027-12-31" + OUTSIDE,
        "2027-12-31" + OUTSIDE_ZH,
    ),
    (
        lambda: made(tz="America/New_York", horizon_years=1).local_date(datetime(2028, 1, 1, 5, tzinfo=UTC)),
        OutsideCalendar,
        "2028-01-01T05:00:00+00:00" + OUTSIDE,
        "2028-01-01T05:00:00+00:00" + OUTSIDE_ZH,
    ),
    (
        lambda: Promise("weeks", 1),
        PromiseInvalid,
        "unknown unit 'weeks'; known: same_day, working_days, calendar_days, working_minutes, real_minutes",
        "未知单位 'weeks',可用:same_day、working_days、calendar_days、working_minutes、real_minutes",
    ),
    (
        lambda: Promise("working_days", 1.5),
        PromiseInvalid,
        "the amount must be a whole number, got 1.5",
        "数量须为整数,现为 1.5",
    ),
    (
        lambda: Promise("working_days", True),
        PromiseInvalid,
        "the amount must be a whole number, got True",
        "数量须为整数,现为 True",
    ),
    (
        lambda: Promise("same_day", 2),
        PromiseInvalid,
        "same_day means one day, got amount 2",
        "当天办结只能是一天,现为 2",
    ),
    (
        lambda: Promise("working_days", 0),
        PromiseInvalid,
        "the amount must be 1 to 1000000, got 0",
        "数量须为 1 至 1000000,现为 0",
    ),
    (
        lambda: Promise("working_days", 1_000_001),
        PromiseInvalid,
        "the amount must be 1 to 1000000, got 1000001",
        "数量须为 1 至 1000000,现为 1000001",
    ),
    (
        lambda: Promise("working_days", 1, start="at_once"),
        PromiseInvalid,
        "the start of a promise in working_days is one of next_day, same_day, got 'at_once'",
        "working_days 的起算规则可用:next_day、same_day,现为 'at_once'",
    ),
    (
        lambda: Promise("real_minutes", 1, end="end_of_day"),
        PromiseInvalid,
        "the end of a promise in real_minutes is one of to_the_minute, got 'end_of_day'",
        "real_minutes 的截止规则可用:to_the_minute,现为 'end_of_day'",
    ),
    (
        lambda: Promise("working_days", 1, quiet="never"),
        PromiseInvalid,
        "quiet of a promise in working_days is one of wait, pass, got 'never'",
        "working_days 的静默规则可用:wait、pass,现为 'never'",
    ),
    (
        lambda: Promise("working_days", 1, cutoff=time(16)),
        PromiseInvalid,
        "a cut-off is a local time and belongs to promises whose first day counts (start = same_day)",
        "截止时刻须为当地时间,且只用于当日计入的承诺(start = same_day)",
    ),
    (lambda: FIVE_DAYS.span, PromiseInvalid, "a promise in days has no span in time", "以天计的承诺没有固定时长"),
    (
        lambda: Pause(NAIVE, None),
        NaiveTime,
        "the pause's time 2026-11-20T09:00:00 has no offset",
        "挂起时间 2026-11-20T09:00:00 没有时区",
    ),
    (
        lambda: Pause(LATER, NAIVE),
        NaiveTime,
        "the pause's time 2026-11-20T09:00:00 has no offset",
        "挂起时间 2026-11-20T09:00:00 没有时区",
    ),
    (
        lambda: Pause(LATER, LATER - HALF_HOUR),
        PausesInvalid,
        "the pause ends 2026-11-19T01:30:00+00:00, before it starts 2026-11-19T02:00:00+00:00",
        "挂起结束 2026-11-19T01:30:00+00:00 早于开始 2026-11-19T02:00:00+00:00",
    ),
    (
        lambda: deadline(FIVE_DAYS, LATER, ONE_YEAR, extension_days=-1),
        PromiseInvalid,
        "an extension can't be negative, got -1",
        "延期天数不能为负,现为 -1",
    ),
    (
        lambda: standstills(
            [Pause(LATER, LATER + 2 * HALF_HOUR), Pause(LATER + HALF_HOUR, None)], as_of=LATER + 4 * HALF_HOUR
        ),
        PausesInvalid,
        "the pause from 2026-11-19T02:30:00+00:00 overlaps the one from 2026-11-19T02:00:00+00:00",
        "自 2026-11-19T02:30:00+00:00 起的挂起与自 2026-11-19T02:00:00+00:00 起的挂起重叠",
    ),
    (
        lambda: standstills([Pause(LATER, None)]),
        OpenPauseNeedsAsOf,
        "the pause from 2026-11-19T02:00:00+00:00 is still open; say up to when it counts (as_of)",
        "自 2026-11-19T02:00:00+00:00 起的挂起尚未结束,须说明计算至何时(as_of)",
    ),
    (
        lambda: replace(RUNNING, started_at=NAIVE),
        NaiveTime,
        "the time 2026-11-20T09:00:00 has no offset",
        "时间 2026-11-20T09:00:00 没有时区",
    ),
    (lambda: PAUSED.pause(LATER, ""), ClockStepRefused, "the clock is paused already", "时限已处于挂起状态"),
    (lambda: RUNNING.resume(LATER), ClockStepRefused, "the clock is not paused", "时限未处于挂起状态"),
    (
        lambda: RUNNING.pause(LATER - timedelta(days=4), ""),
        ClockStepRefused,
        "2026-11-15T02:00:00+00:00 precedes 2026-11-16T02:00:00+00:00, which the clock has already recorded",
        "2026-11-15T02:00:00+00:00 早于时限已记录的 2026-11-16T02:00:00+00:00",
    ),
    (lambda: RUNNING.extend(0), ClockStepRefused, "an extension needs at least one day, got 0", "延期至少一天,现为 0"),
    (
        lambda: RUNNING.new_cycle(FIVE_DAYS, LATER),
        ClockStepRefused,
        "a new cycle begins after the clock has stopped",
        "时限停止后才能开始新的周期",
    ),
    (
        lambda: RUNNING.instant_at_fraction(ONE_YEAR, 1.1),
        ClockStepRefused,
        "a fraction runs from 0 to 1, got 1.1",
        "比例须在 0 至 1 之间,现为 1.1",
    ),
    (
        lambda: RUNNING.late_by(ONE_YEAR),
        ClockStepRefused,
        "the clock still runs; say what time it is",
        "时限仍在计时,须给出当前时间",
    ),
    (
        lambda: STOPPED.pause(LATER, ""),
        ClockStepRefused,
        "can't pause: the clock stopped at 2026-11-18T02:00:00+00:00",
        "时限已于 2026-11-18T02:00:00+00:00 停止,不能挂起",
    ),
    (
        lambda: STOPPED.extend(1),
        ClockStepRefused,
        "can't extend: the clock stopped at 2026-11-18T02:00:00+00:00",
        "时限已于 2026-11-18T02:00:00+00:00 停止,不能延期",
    ),
    (
        lambda: STOPPED.retier(FIVE_DAYS),
        ClockStepRefused,
        "can't re-tier: the clock stopped at 2026-11-18T02:00:00+00:00",
        "时限已于 2026-11-18T02:00:00+00:00 停止,不能改级",
    ),
    (
        lambda: STOPPED.keep(LATER),
        ClockStepRefused,
        "can't keep a deadline: the clock stopped at 2026-11-18T02:00:00+00:00",
        "时限已于 2026-11-18T02:00:00+00:00 停止,不能保留期限",
    ),
    (
        lambda: STOPPED.stop(LATER),
        ClockStepRefused,
        "can't stop: the clock stopped at 2026-11-18T02:00:00+00:00",
        "时限已于 2026-11-18T02:00:00+00:00 停止,不能停表",
    ),
    (lambda: AtFraction(1), LadderInvalid, "a fraction must lie between 0 and 1, got 1", "比例须在 0 与 1 之间,现为 1"),
    (
        lambda: AtWorkingTime(0),
        LadderInvalid,
        "0 minutes from the deadline is the deadline: say `due`",
        "距期限 0 分钟即期限本身,请用 due",
    ),
    (
        lambda: AtWorkingDays(0),
        LadderInvalid,
        "working days after the deadline start at 1, got 0",
        "期限后工作日至少为 1,现为 0",
    ),
    (
        lambda: BeforeOfficeEnd(0),
        LadderInvalid,
        "minutes before closing start at 1, got 0",
        "下班前分钟数至少为 1,现为 0",
    ),
    (lambda: Rung("", AtDue(), ("leader",)), LadderInvalid, "a rung needs a name", "梯级须有名称"),
    (
        lambda: Rung("due", AtDue(), ("boss",)),
        LadderInvalid,
        "rung 'due': unknown audience 'boss'; known: " + ", ".join(AUDIENCES),
        "梯级 'due':未知通知对象 'boss',可用:" + "、".join(AUDIENCES),
    ),
    (
        lambda: Rung("due", AtDue(), (), ("shout",)),
        LadderInvalid,
        "rung 'due': unknown effect 'shout'; known: open_supervision, sign_by_silence, bulletin",
        "梯级 'due':未知后果 'shout',可用:open_supervision、sign_by_silence、bulletin",
    ),
    (
        lambda: Rung("due", AtDue(), ("leader", "leader")),
        LadderInvalid,
        "rung 'due': audience named twice",
        "梯级 'due':通知对象重复",
    ),
    (
        lambda: Rung("due", AtDue(), (), ("bulletin", "bulletin")),
        LadderInvalid,
        "rung 'due': effect named twice",
        "梯级 'due':后果重复",
    ),
    (
        lambda: Rung("due", AtDue()),
        LadderInvalid,
        "rung 'due' tells nobody and does nothing",
        "梯级 'due' 既无对象也无后果",
    ),
    (lambda: check_ladder([]), LadderInvalid, "a ladder needs at least one rung", "升级梯至少要有一级"),
    (
        lambda: check_ladder([Rung("due", AtDue(), ("leader",)), Rung("due", AtDue(), ("leader",))]),
        LadderInvalid,
        "two rungs are named 'due'",
        "梯级名称 'due' 重复",
    ),
    (
        lambda: DayOverride(DAY, "half"),
        CalendarInvalid,
        "override 2026-11-20: unknown kind 'half'",
        "例外 2026-11-20:未知类型 'half'",
    ),
    (
        lambda: DayOverride(DAY, "off", parse_hours(["08:30-12:00"])),
        CalendarInvalid,
        "override 2026-11-20: a day off has no hours",
        "例外 2026-11-20:休息日不能有办公时段",
    ),
    (
        lambda: RegionalLayer("玉树", "州庆", (FEAST,)),
        CalendarInvalid,
        "layer '州庆': the prefix is a union's code such as 6327, got '玉树'",
        "地区层 '州庆':前缀须为工会代码(如 6327),现为 '玉树'",
    ),
    (
        lambda: RegionalLayer("6327", "", (FEAST,)),
        CalendarInvalid,
        "the layer of 6327 needs a name and at least one day",
        "6327 的地区层须有名称和至少一天",
    ),
    (
        lambda: RegionalLayer("6327", "州庆", ()),
        CalendarInvalid,
        "the layer of 6327 needs a name and at least one day",
        "6327 的地区层须有名称和至少一天",
    ),
    (
        lambda: RegionalLayer("6327", "州庆", (FEAST, FEAST)),
        CalendarInvalid,
        "layer '州庆': 2026-11-20 is listed twice",
        "地区层 '州庆':2026-11-20 重复列出",
    ),
]


@pytest.mark.parametrize(
    ("ask", "error", "en", "zh"),
    REFUSALS,
    ids=[f"{error.code}_{number}" for number, (_, error, _, _) in enumerate(REFUSALS, 1)],
)
def test_a_refusal_says_what_is_wrong_in_both_languages(
    ask: Callable[[], object], error: type[RuleError], en: str, zh: str
) -> None:
    with pytest.raises(error) as refused:
        ask()
    assert (refused.value.en, refused.value.zh) == (en, zh)
