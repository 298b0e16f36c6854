"""A clock's life: steps and what they refuse, breach as a fact, used and remaining time, sentences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

from sla_rules import (
    Clock,
    ClockKind,
    ClockStepRefused,
    NaiveTime,
    OpenPauseNeedsAsOf,
    Pause,
    Promise,
    WorkCalendar,
)

At = Callable[[str], datetime]

FIVE_DAYS = Promise("working_days", 5)
HALF_HOUR = Promise("working_minutes", 30)


@pytest.fixture
def resolving(at: At) -> Clock:
    """Accepted Wednesday 18 November 2026 at 10:00: 5 working days, due at the end of Wednesday the 25th."""
    return Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-18 10:00"))


@pytest.fixture
def dispatching(at: At) -> Clock:
    """30 minutes of working time from 10:00."""
    return Clock(ClockKind.dispatch, HALF_HOUR, at("2026-11-18 10:00"))


# -- steps ----------------------------------------------------------------------------------------------


def test_a_clock_runs_stands_runs_and_stops(resolving: Clock, at: At) -> None:
    paused = resolving.pause(at("2026-11-19 10:00"), "仲裁")
    assert paused.status == "paused"
    resumed = paused.resume(at("2026-11-20 10:00"))
    assert resumed.status == "running"
    assert resumed.pauses == (Pause(at("2026-11-19 10:00"), at("2026-11-20 10:00"), "仲裁"),)
    stopped = resumed.stop(at("2026-11-24 10:00"))
    assert (stopped.status, stopped.stopped_at) == ("stopped", at("2026-11-24 10:00"))
    assert resolving.status == "running"  # every step gives a new value


def test_stopping_while_suspended_ends_the_suspension(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    stopped = resolving.pause(at("2026-11-19 10:00"), "").stop(at("2026-11-20 10:00"))
    assert stopped.pauses[0].end == at("2026-11-20 10:00")
    assert stopped.deadline(calendar).last_day == date(2026, 11, 26)
    assert stopped.used(calendar, at("2026-12-01 10:00")) == timedelta(hours=7)


def test_a_clock_that_starts_suspended_uses_nothing(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    paused = resolving.pause(resolving.started_at, "")
    assert paused.stop(at("2026-11-19 12:00")).used(calendar, at("2026-11-19 12:00")) == timedelta(0)


def test_steps_that_can_not_be_are_refused(resolving: Clock, at: At) -> None:
    paused = resolving.pause(at("2026-11-19 10:00"), "")
    stopped = resolving.stop(at("2026-11-19 10:00"))
    refused: list[Callable[[], Clock]] = [
        lambda: paused.pause(at("2026-11-20 10:00"), ""),
        lambda: resolving.resume(at("2026-11-20 10:00")),
        lambda: resolving.pause(at("2026-11-18 09:59"), ""),
        lambda: paused.resume(at("2026-11-19 09:59")),
        lambda: paused.stop(at("2026-11-19 09:59")),
        lambda: resolving.stop(at("2026-11-18 09:59")),
        lambda: paused.resume(at("2026-11-20 10:00")).pause(at("2026-11-20 09:00"), ""),
        lambda: stopped.pause(at("2026-11-20 10:00"), ""),
        lambda: stopped.resume(at("2026-11-20 10:00")),
        lambda: stopped.stop(at("2026-11-20 10:00")),
        lambda: stopped.extend(1),
        lambda: stopped.retier(HALF_HOUR),
        lambda: resolving.extend(0),
    ]
    for step in refused:
        with pytest.raises(ClockStepRefused) as refusal:
            step()
        assert refusal.value.zh


def test_a_time_without_offset_is_refused(resolving: Clock, calendar: WorkCalendar) -> None:
    naive = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - the point of the test
    for step in (
        lambda: Clock(ClockKind.resolve, FIVE_DAYS, naive),
        lambda: Clock(ClockKind.resolve, FIVE_DAYS, resolving.started_at, stopped_at=naive),
        lambda: resolving.stop(naive),
        lambda: resolving.used(calendar, naive),
    ):
        with pytest.raises(NaiveTime):
            step()


def test_an_extension_adds_up_and_keeps_the_first_promise(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    extended = resolving.extend(5).extend(5)
    assert extended.extension_days == 10
    assert extended.promise == FIVE_DAYS
    assert extended.deadline(calendar).last_day == date(2026, 12, 9)


def test_a_change_of_tier_counts_from_the_same_start_with_the_pauses_kept(
    resolving: Clock, calendar: WorkCalendar, at: At
) -> None:
    paused = resolving.pause(at("2026-11-19 10:00"), "").resume(at("2026-11-20 10:00"))
    complex_matter = paused.retier(Promise("calendar_days", 15))
    assert complex_matter.pauses == paused.pauses
    assert complex_matter.deadline(calendar).last_day == date(2026, 12, 4)  # 3 December and one midnight


def test_a_change_of_tier_while_suspended(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    paused = resolving.pause(at("2026-11-19 10:00"), "").retier(Promise("working_days", 3))
    assert paused.status == "paused"
    assert paused.deadline(calendar, as_of=at("2026-11-20 10:00")).last_day == date(2026, 11, 24)


# -- breach ---------------------------------------------------------------------------------------------


def test_the_deadline_is_exclusive(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    due = at("2026-11-26 00:00")
    last_moment = due - timedelta(microseconds=1)
    later = at("2027-01-01 00:00")
    assert resolving.breached_at(calendar, last_moment) is None
    assert resolving.breached_at(calendar, due) == due
    assert resolving.stop(last_moment).breached_at(calendar, later) is None
    assert resolving.stop(due).breached_at(calendar, later) == due


def test_closing_late_is_a_breach_whenever_it_is_noticed(dispatching: Clock, calendar: WorkCalendar, at: At) -> None:
    late = dispatching.stop(at("2026-11-18 10:33"))
    assert late.breached_at(calendar, at("2026-11-18 10:35")) == at("2026-11-18 10:30")
    assert late.breached_at(calendar, at("2027-06-01 10:35")) == at("2026-11-18 10:30")


def test_suspension_before_the_deadline_holds_the_breach_and_after_it_does_not_heal_it(
    resolving: Clock, calendar: WorkCalendar, at: At
) -> None:
    in_time = resolving.pause(at("2026-11-25 23:00"), "")
    assert in_time.breached_at(calendar, at("2026-12-20 10:00")) is None
    too_late = resolving.pause(at("2026-11-26 00:00"), "")
    assert too_late.breached_at(calendar, at("2026-12-20 10:00")) == at("2026-11-26 00:00")


def test_a_reply_after_closing_hours_is_in_time(calendar: WorkCalendar, at: At) -> None:
    evening = Clock(ClockKind.dispatch, HALF_HOUR, at("2026-11-18 17:55")).stop(at("2026-11-18 18:05"))
    assert evening.breached_at(calendar, at("2026-11-20 10:00")) is None
    assert evening.used(calendar, at("2026-11-20 10:00")) == timedelta(minutes=5)


# -- used, remaining, fractions -------------------------------------------------------------------------


def test_used_and_remaining_add_up_in_working_time(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    # 5.5 hours are left of Wednesday the 18th, then five days of 7 hours: 40.5 in all.
    moment = at("2026-11-19 12:00")
    assert resolving.used(calendar, moment) == timedelta(hours=9)
    assert resolving.remaining(calendar, moment) == timedelta(hours=31.5)
    assert resolving.used(calendar, at("2026-11-26 00:00")) == timedelta(hours=40, minutes=30)


def test_overdue_time_is_negative_and_frozen_by_the_stop(dispatching: Clock, calendar: WorkCalendar, at: At) -> None:
    stopped = dispatching.stop(at("2026-11-18 10:39"))
    for moment in ("2026-11-18 10:39", "2026-11-20 15:00"):
        assert stopped.used(calendar, at(moment)) == timedelta(minutes=39)
        assert stopped.remaining(calendar, at(moment)) == -timedelta(minutes=9)
        assert stopped.late_by(calendar) == timedelta(minutes=9)
        assert stopped.fraction_used(calendar, at(moment)) == pytest.approx(1.3)


def test_a_suspension_is_left_out_of_used_time(dispatching: Clock, calendar: WorkCalendar, at: At) -> None:
    standing = dispatching.pause(at("2026-11-18 10:10"), "")
    for moment in ("2026-11-18 10:15", "2026-11-18 11:30"):
        assert standing.used(calendar, at(moment)) == timedelta(minutes=10)
        assert standing.remaining(calendar, at(moment)) == timedelta(minutes=20)
    with pytest.raises(OpenPauseNeedsAsOf):
        standing.deadline(calendar)


def test_calendar_days_and_same_day_use_real_time(calendar: WorkCalendar, at: At) -> None:
    same_day = Clock(ClockKind.resolve, Promise("same_day", 1), at("2026-11-18 12:00"))
    assert same_day.fraction_used(calendar, at("2026-11-18 18:00")) == pytest.approx(0.5)
    assert same_day.instant_at_fraction(calendar, 0.5) == at("2026-11-18 18:00")
    fortnight = Clock(ClockKind.resolve, Promise("calendar_days", 15), at("2026-11-05 12:00"))
    assert fortnight.instant_at_fraction(calendar, 0.5) == at("2026-11-13 06:00")


def test_a_fraction_of_working_time_falls_into_working_time(
    dispatching: Clock, resolving: Clock, calendar: WorkCalendar, at: At
) -> None:
    assert dispatching.instant_at_fraction(calendar, 0.5) == at("2026-11-18 10:15")
    assert dispatching.instant_at_fraction(calendar, 0.8) == at("2026-11-18 10:24")
    assert dispatching.instant_at_fraction(calendar, Fraction(1, 3)) == at("2026-11-18 10:10")
    assert dispatching.instant_at_fraction(calendar, 0) == dispatching.started_at
    assert dispatching.instant_at_fraction(calendar, 1) == at("2026-11-18 10:30")
    half = resolving.instant_at_fraction(calendar, 0.5)
    assert calendar.is_open(half)
    assert resolving.fraction_used(calendar, half) == pytest.approx(0.5)


def test_a_fraction_moves_with_a_suspension(dispatching: Clock, calendar: WorkCalendar, at: At) -> None:
    paused = dispatching.pause(at("2026-11-18 10:10"), "").resume(at("2026-11-18 10:20"))
    assert paused.instant_at_fraction(calendar, 0.5) == at("2026-11-18 10:25")


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_a_fraction_lies_between_nothing_and_all(fraction: float, resolving: Clock, calendar: WorkCalendar) -> None:
    with pytest.raises(ClockStepRefused):
        resolving.instant_at_fraction(calendar, fraction)


def test_a_promise_whose_whole_time_is_suspended_counts_as_used(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.sign, Promise("working_days", 1), at("2026-11-17 19:00"))
    daily = clock.pause(at("2026-11-18 08:00"), "").resume(at("2026-11-18 20:00"))
    assert daily.deadline(calendar).last_day == date(2026, 11, 18)
    assert daily.fraction_used(calendar, at("2026-11-18 21:00")) == 1.0


# -- lateness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stopped", "hours", "days"),
    [
        ("2026-11-25 23:59", 0, 0),
        ("2026-11-26 08:00", 0, 1),  # before opening: the day has begun, no working time has passed
        ("2026-11-26 10:00", 1.5, 1),
        ("2026-11-27 18:00", 14, 2),
        ("2026-11-29 12:00", 14, 2),  # Sunday
        ("2026-11-30 09:00", 14.5, 3),
    ],
)
def test_lateness_is_told_in_working_time_and_working_days(
    stopped: str, hours: float, days: int, resolving: Clock, calendar: WorkCalendar, at: At
) -> None:
    done = resolving.stop(at(stopped))
    assert done.late_by(calendar) == timedelta(hours=hours)
    assert done.working_days_late(calendar) == days
    assert resolving.late_by(calendar, at(stopped)) == timedelta(hours=hours)
    assert resolving.working_days_late(calendar, at(stopped)) == days


def test_lateness_of_a_running_clock_needs_the_time(resolving: Clock, calendar: WorkCalendar) -> None:
    with pytest.raises(ClockStepRefused):
        resolving.late_by(calendar)
    with pytest.raises(ClockStepRefused):
        resolving.working_days_late(calendar)


def test_suspended_time_after_the_deadline_is_not_lateness(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    clock = resolving.pause(at("2026-11-26 09:30"), "仲裁").resume(at("2026-12-03 08:30")).stop(at("2026-12-03 09:30"))
    assert clock.late_by(calendar) == timedelta(hours=2)
    assert clock.working_days_late(calendar) == 1


# -- sentences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        ("2026-11-18 10:00", "还剩 5 个工作日", "5 working days left"),
        ("2026-11-23 10:00", "还剩 2 个工作日", "2 working days left"),
        ("2026-11-24 10:00", "还剩 1 个工作日", "1 working day left"),
        ("2026-11-25 23:59", "今天到期", "due today"),
        ("2026-11-26 00:00", "已超期 1 个工作日", "1 working day overdue"),
        ("2026-11-27 10:00", "已超期 2 个工作日", "2 working days overdue"),
    ],
)
def test_remaining_days_as_a_sentence(
    moment: str, zh: str, en: str, resolving: Clock, calendar: WorkCalendar, at: At
) -> None:
    assert resolving.remaining_text(calendar, at(moment)) == zh
    assert resolving.remaining_text(calendar, at(moment), "en") == en


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        ("2026-11-18 10:04:30", "还剩 25 分钟", "25 min left"),
        ("2026-11-18 10:29:30", "还剩 0 分钟", "0 min left"),
        ("2026-11-18 10:30", "已超期 0 分钟", "0 min overdue"),
        ("2026-11-18 10:30:01", "已超期 1 分钟", "1 min overdue"),
        ("2026-11-18 11:30", "已超期 1 小时", "1 h overdue"),
        ("2026-11-19 09:05", "已超期 5 小时 35 分钟", "5 h 35 min overdue"),
    ],
)
def test_remaining_minutes_as_a_sentence(
    moment: str, zh: str, en: str, dispatching: Clock, calendar: WorkCalendar, at: At
) -> None:
    assert dispatching.remaining_text(calendar, at(moment)) == zh
    assert dispatching.remaining_text(calendar, at(moment), "en") == en


def test_calendar_days_are_told_as_days(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.resolve, Promise("calendar_days", 15), at("2026-11-05 12:00"))
    assert clock.remaining_text(calendar, at("2026-11-06 12:00")) == "还剩 14 天"
    assert clock.remaining_text(calendar, at("2026-11-19 12:00"), "en") == "1 day left"


def test_late_on_a_rest_day_is_less_than_a_working_day(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.resolve, Promise("same_day", 1), at("2026-11-20 12:00"))
    assert clock.remaining_text(calendar, at("2026-11-21 12:00")) == "已超期 不到 1 个工作日"
    assert clock.remaining_text(calendar, at("2026-11-21 12:00"), "en") == "less than 1 working day overdue"


def test_suspended_and_stopped_clocks_say_so(resolving: Clock, calendar: WorkCalendar, at: At) -> None:
    paused = resolving.pause(at("2026-11-19 10:00"), "")
    assert paused.remaining_text(calendar, at("2026-11-20 10:00")) == "已挂起,还剩 4 个工作日"
    assert paused.remaining_text(calendar, at("2026-11-20 10:00"), "en") == "suspended, 4 working days left"
    kept = resolving.stop(at("2026-11-20 10:00"))
    assert kept.remaining_text(calendar, at("2026-12-20 10:00")) == "按时完成"
    assert kept.remaining_text(calendar, at("2026-12-20 10:00"), "en") == "done in time"
    late = resolving.stop(at("2026-11-26 10:00"))
    assert late.remaining_text(calendar, at("2026-12-20 10:00")) == "超期 1 个工作日完成"
    assert late.remaining_text(calendar, at("2026-12-20 10:00"), "en") == "done 1 working day late"
