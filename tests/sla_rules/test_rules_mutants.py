"""What the mutation run found no test for, module by module (docs/mutation.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from sla_rules import (
    AtDue,
    AtWorkingDays,
    AtWorkingTime,
    BeforeOfficeEnd,
    CalendarInvalid,
    Clock,
    ClockKind,
    ClockStepRefused,
    DayInfo,
    DayOverride,
    Deadline,
    Holiday,
    Kept,
    Notice,
    NoticeYear,
    OfficeHours,
    OpenPauseNeedsAsOf,
    OutsideCalendar,
    Pause,
    Promise,
    RegionalLayer,
    Rung,
    Season,
    Window,
    WorkCalendar,
    deadline,
    due_rungs,
    load_calendar,
    parse_hours,
    plan,
    recount,
)
from sla_rules.counting import Course, Phase, Segment, Stretch, course, retreat, standstills, working_days_outside

At = Callable[[str], datetime]

YEAR = load_calendar().years[-1]
FIVE_DAYS = Promise("working_days", 5)
THREE_DAYS = Promise("working_days", 3)
EIGHT_DAYS = Promise("working_days", 8)


def of_monday(at: At) -> Clock:
    """Five working days from Monday, 16 November 2026: until the end of the 23rd."""
    return Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))


# Counting anew -----------------------------------------------------------------------------------------------


def test_a_shorter_promise_leaves_the_deadline_told_where_it_is_kept(calendar: WorkCalendar, at: At) -> None:
    told = at("2026-11-24 00:00")
    it = recount(of_monday(at), THREE_DAYS, calendar, told=told, shorten="keep", as_of=None)
    assert it.kept
    assert it.clock == of_monday(at).retier(THREE_DAYS).keep(told)
    assert it.deadline == it.clock.deadline(calendar)
    assert it.deadline.due_at == told


def test_a_shorter_promise_brings_the_deadline_forward_where_it_follows(calendar: WorkCalendar, at: At) -> None:
    told = at("2026-11-24 00:00")
    it = recount(of_monday(at), THREE_DAYS, calendar, told=told, shorten="follow", as_of=None)
    assert it.kept is False
    assert it.clock == of_monday(at).retier(THREE_DAYS)
    assert it.deadline.due_at == at("2026-11-20 00:00")


@pytest.mark.parametrize("shorten", ["keep", "follow"])
def test_a_count_that_ends_as_told_or_later_simply_applies(shorten: str, calendar: WorkCalendar, at: At) -> None:
    told = at("2026-11-24 00:00")
    for promise in (FIVE_DAYS, EIGHT_DAYS):
        it = recount(of_monday(at), promise, calendar, told=told, shorten=shorten, as_of=None)
        assert it.kept is False
        assert it.clock == of_monday(at).retier(promise)
        assert it.deadline == it.clock.deadline(calendar)


def test_a_deadline_kept_earlier_binds_where_it_is_kept_and_goes_where_the_count_follows(
    calendar: WorkCalendar, at: At
) -> None:
    told = at("2026-11-27 00:00")
    held = of_monday(at).keep(told)
    assert recount(held, FIVE_DAYS, calendar, told=told, shorten="keep", as_of=None).deadline.due_at == told
    followed = recount(held, FIVE_DAYS, calendar, told=told, shorten="follow", as_of=None)
    assert followed.clock.kept is None
    assert followed.deadline.due_at == at("2026-11-24 00:00")


@pytest.mark.parametrize("promise", [THREE_DAYS, FIVE_DAYS])
def test_a_standing_clock_is_recounted_as_though_it_resumed_at_the_moment_asked_about(
    promise: Promise, calendar: WorkCalendar, at: At
) -> None:
    standing = of_monday(at).pause(at("2026-11-17 10:00"), "待补正")
    told, now = at("2026-11-25 00:00"), at("2026-11-19 10:00")  # two day-ends under the pause
    it = recount(standing, promise, calendar, told=told, shorten="keep", as_of=now)
    assert it.deadline.due_at == max(told, standing.retier(promise).deadline(calendar, as_of=now).due_at)
    with pytest.raises(OpenPauseNeedsAsOf):
        recount(standing, promise, calendar, told=told, shorten="keep", as_of=None)


def test_a_finished_clock_is_not_recounted(calendar: WorkCalendar, at: At) -> None:
    done = replace(of_monday(at), stopped_at=at("2026-11-18 10:00"))
    with pytest.raises(ClockStepRefused):
        recount(done, THREE_DAYS, calendar, told=at("2026-11-24 00:00"), shorten="follow", as_of=None)


# Clocks ------------------------------------------------------------------------------------------------------


def test_a_deadline_kept_again_after_an_extension_leaves_the_extension_on_top(calendar: WorkCalendar, at: At) -> None:
    told = at("2026-11-27 00:00")
    extended = of_monday(at).keep(told).extend(1)
    assert extended.keep(told) == extended
    assert extended.deadline(calendar).last_day == date(2026, 11, 27)


def test_a_new_cycle_measures_what_the_one_before_measured(at: At) -> None:
    done = replace(of_monday(at), kind=ClockKind.callback).stop(at("2026-11-18 10:00"))
    anew = done.new_cycle(THREE_DAYS, at("2026-11-19 10:00"))
    assert anew == Clock(ClockKind.callback, THREE_DAYS, at("2026-11-19 10:00"), cycle=2)


def test_a_clock_that_stands_says_what_share_is_used(calendar: WorkCalendar, at: At) -> None:
    standing = Clock(ClockKind.sign, Promise("working_minutes", 60), at("2026-11-16 09:00")).pause(
        at("2026-11-16 09:15"), "待补正"
    )
    assert standing.fraction_used(calendar, at("2026-11-16 11:00")) == 0.25


def test_time_overdue_leaves_pauses_out(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.sign, Promise("working_minutes", 60), at("2026-11-16 09:00"))  # until 10:00
    standing = clock.pause(at("2026-11-16 10:30"), "待补正").resume(at("2026-11-16 11:30"))
    assert standing.remaining(calendar, at("2026-11-16 12:00")) == -timedelta(minutes=60)


@pytest.mark.parametrize("resumed", ["2026-11-26 10:00", None])
def test_days_overdue_leave_out_the_days_at_whose_end_the_clock_stood(
    resumed: str | None, calendar: WorkCalendar, at: At
) -> None:
    overdue = of_monday(at).pause(at("2026-11-24 10:00"), "待补正")  # due at the end of the 23rd, a Monday
    if resumed is not None:
        overdue = overdue.resume(at(resumed))
    # The 24th and 25th don't count, the 26th does.
    assert overdue.remaining_text(calendar, at("2026-11-26 12:00")) == "已超期 1 个工作日"


def test_a_clock_found_late_at_the_very_deadline_is_in_its_first_day_late_if_that_works(
    calendar: WorkCalendar, at: At
) -> None:
    assert of_monday(at).working_days_late(calendar, at("2026-11-24 00:00")) == 1
    friday = Clock(ClockKind.resolve, Promise("working_days", 4), at("2026-11-16 10:00"))
    assert friday.working_days_late(calendar, at("2026-11-21 00:00")) == 0


def test_a_fraction_means_what_its_digits_say(calendar: WorkCalendar, at: At) -> None:
    # 0.29 as a binary number lies a little below, and would lose a microsecond here.
    clock = Clock(ClockKind.sign, Promise("real_minutes", 960), at("2026-11-16 09:00"))
    assert clock.instant_at_fraction(calendar, 0.29) == at("2026-11-16 09:00") + timedelta(minutes=960) * 29 / 100
    assert clock.instant_at_fraction(calendar, Fraction(1, 3)) == at("2026-11-16 14:20")


def test_no_step_precedes_the_latest_of_the_pauses_in_whatever_order_they_stand(at: At) -> None:
    early = Pause(at("2026-11-17 10:00"), at("2026-11-17 11:00"))
    late = Pause(at("2026-11-18 10:00"), at("2026-11-18 11:00"))
    for pauses in ((early, late), (late, early)):
        clock = replace(of_monday(at), pauses=pauses)
        with pytest.raises(ClockStepRefused):
            clock.stop(at("2026-11-18 10:59"))
        assert clock.stop(at("2026-11-18 11:00")).status == "stopped"


def part(at: At, began: str = "2026-11-18 10:00") -> Clock:
    """The part of the same promise that ends a working day before it, at the end of Friday, the 20th."""
    return replace(of_monday(at), kind=ClockKind.leg, inner_days=1, began_at=at(began))


def test_a_part_ends_working_days_before_the_whole_and_is_measured_from_its_own_beginning(
    calendar: WorkCalendar, at: At
) -> None:
    leg = part(at)
    assert leg.deadline(calendar) == Deadline(at("2026-11-21 00:00"), False, date(2026, 11, 20))
    assert leg.whole_deadline(calendar) == of_monday(at).deadline(calendar)
    assert (leg.began, of_monday(at).began) == (at("2026-11-18 10:00"), at("2026-11-16 10:00"))
    # 5.5 hours of the 18th, 7 of the 19th, 7 of the 20th
    assert leg.used(calendar, at("2026-11-18 11:00")) == timedelta(hours=1)
    assert leg.fraction_used(calendar, at("2026-11-18 11:00")) == 1 / 19.5
    assert leg.instant_at_fraction(calendar, 0.5) == at("2026-11-19 15:15")
    with pytest.raises(ClockStepRefused):
        leg.pause(at("2026-11-18 09:59"), "待补正")


def test_a_part_that_begins_after_its_end_has_until_the_end_of_the_whole(calendar: WorkCalendar, at: At) -> None:
    whole = of_monday(at).deadline(calendar)
    assert part(at, "2026-11-21 00:00").deadline(calendar) == whole
    assert part(at, "2026-11-20 23:59").deadline(calendar).due_at == at("2026-11-21 00:00")


def test_a_part_of_what_may_still_move_may_still_move(calendar: WorkCalendar, at: At) -> None:
    # Until the end of 24 December, which a notice may still change; the part until the end of the 18th.
    leg = Clock(ClockKind.leg, FIVE_DAYS, at("2026-12-17 10:00"), inner_days=4, began_at=at("2026-12-17 11:00"))
    assert leg.deadline(calendar) == Deadline(at("2026-12-19 00:00"), True, date(2026, 12, 18))


def test_a_rung_that_a_part_began_after_is_told_at_its_beginning(calendar: WorkCalendar, at: At) -> None:
    (planned,) = plan(part(at), [Rung("soon", AtWorkingTime(-24 * 60), ("leader",))], calendar)
    assert planned.at == at("2026-11-18 10:00")


# Promises ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promise", "by_the_day"),
    [
        (FIVE_DAYS, True),
        (Promise("calendar_days", 15), True),
        (Promise("working_days", 5, end="office_end"), True),
        (Promise("same_day", 1), True),
        (Promise("same_day", 1, cutoff=time(16)), False),
        (Promise("same_day", 1, end="office_end"), False),
        (Promise("working_days", 5, start="same_day"), False),
        (Promise("calendar_days", 15, start="same_day"), False),
        (Promise("real_minutes", 30), False),
    ],
)
def test_all_starts_of_a_day_end_together_unless_the_hour_decides(promise: Promise, by_the_day: bool) -> None:
    assert promise.by_the_day is by_the_day


def test_only_whole_working_days_from_the_next_are_plain() -> None:
    assert Promise("working_days", 5).plain is True
    assert Promise("working_days", 5, start="same_day").plain is False
    assert Promise("working_days", 5, end="office_end").plain is False
    assert Promise("calendar_days", 5).plain is False


def test_the_same_day_may_be_written_with_no_amount(calendar: WorkCalendar, at: At) -> None:
    start = at("2026-11-20 09:00")
    assert deadline(Promise("same_day", 0), start, calendar) == deadline(Promise("same_day", 1), start, calendar)
    none, one = (Promise("same_day", amount, end="office_end") for amount in (0, 1))
    assert deadline(none, start, calendar) == deadline(one, start, calendar)


# Ladders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "reached"), [(1, "2026-11-24 09:01"), (60, "2026-11-24 11:30"), (-60, "2026-11-23 17:00")]
)
def test_a_rung_in_working_time_leaves_pauses_out(minutes: int, reached: str, calendar: WorkCalendar, at: At) -> None:
    pauses = (
        Pause(at("2026-11-24 08:30"), at("2026-11-24 09:00")),
        Pause(at("2026-11-24 09:30"), at("2026-11-24 11:00")),
    )
    clock = replace(of_monday(at), pauses=pauses)
    (planned,) = plan(clock, [Rung("late", AtWorkingTime(minutes), ("leader",))], calendar)
    assert planned.at == at(reached)


def test_a_rung_before_the_deadline_goes_back_over_a_pause_by_working_time(calendar: WorkCalendar, at: At) -> None:
    # Half an hour of the last day lies after the pause, so the other half lies before it.
    over = Pause(at("2026-11-23 15:00"), at("2026-11-23 17:30"))
    later = Pause(at("2026-11-24 09:00"), at("2026-11-24 10:00"))
    (planned,) = plan(
        replace(of_monday(at), pauses=(over, later)), [Rung("soon", AtWorkingTime(-60), ("leader",))], calendar
    )
    assert planned.at == at("2026-11-23 14:30")


def test_a_rung_days_after_the_deadline_leaves_days_out_at_whose_end_the_clock_stood(
    calendar: WorkCalendar, at: At
) -> None:
    clock = replace(of_monday(at), pauses=(Pause(at("2026-11-24 10:00"), at("2026-11-25 10:00")),))
    (planned,) = plan(clock, [Rung("late", AtWorkingDays(1), ("supervisor",))], calendar)
    assert planned.at == at("2026-11-26 00:00")


def test_a_rung_at_the_very_start_counts_as_passed_and_is_told_once_in_utc(calendar: WorkCalendar, at: At) -> None:
    started = at("2026-11-16 17:00").astimezone(timezone(timedelta(hours=8)))
    clock = Clock(ClockKind.resolve, Promise("same_day", 1), started)
    rungs = [Rung(f"closing {minutes}", BeforeOfficeEnd(minutes), ("leader",)) for minutes in (240, 60)]
    (planned,) = plan(clock, rungs, calendar)
    assert (planned.rung.name, planned.at) == ("closing 60", started)
    assert planned.at.tzinfo is UTC


def test_a_minute_is_enough_for_a_rung(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.resolve, Promise("same_day", 1), at("2026-11-16 10:00"))
    (closing,) = plan(clock, [Rung("closing", BeforeOfficeEnd(1), ("leader",))], calendar)
    assert closing.at == at("2026-11-16 17:59")
    assert Rung("late", AtWorkingTime(1), ("leader",)).follows_breach
    assert not Rung("soon", AtWorkingTime(-1), ("leader",)).follows_breach


def test_a_rung_is_due_at_its_very_instant(calendar: WorkCalendar, at: At) -> None:
    planned = plan(of_monday(at), [Rung("due", AtDue(), ("leader",))], calendar)
    assert due_rungs(planned, (), at("2026-11-24 00:00")) == planned
    assert due_rungs(planned, (), at("2026-11-24 00:00") - timedelta(microseconds=1)) == ()


# Counting ----------------------------------------------------------------------------------------------------


def test_going_back_ends_where_a_pause_ended_if_the_time_since_is_enough(calendar: WorkCalendar, at: At) -> None:
    still = standstills([Pause(at("2026-11-23 15:00"), at("2026-11-23 17:00"))])
    assert retreat("open", at("2026-11-23 18:00"), timedelta(minutes=60), calendar, still) == at("2026-11-23 17:00")
    assert retreat("real", at("2026-11-23 18:00"), timedelta(minutes=60), calendar, still) == at("2026-11-23 17:00")


@pytest.mark.parametrize(
    ("paused", "resumed", "days"),
    [
        ("2026-11-22 10:00", "2026-11-25 10:00", 1),  # over the ends of the 22nd, 23rd and 24th
        ("2026-11-24 10:00", "2026-11-25 10:00", 1),
        ("2026-11-25 10:00", "2026-11-27 10:00", 1),
        ("2026-11-25 10:00", "2026-11-25 17:00", 2),
        ("2026-11-26 10:00", "2026-11-27 10:00", 2),
        ("2026-11-22 10:00", "2026-11-24 10:00", 2),
    ],
)
def test_of_two_working_days_those_are_left_out_at_whose_end_the_clock_stood(
    paused: str, resumed: str, days: int, calendar: WorkCalendar, at: At
) -> None:
    still = standstills([Pause(at(paused), at(resumed))])
    monday, wednesday = date(2026, 11, 23), date(2026, 11, 25)
    assert working_days_outside(monday, wednesday, calendar, still) == days


@pytest.mark.parametrize(
    ("promise", "started"),
    [(Promise("calendar_days", 15, roll=False), "2026-12-10 10:00"), (Promise("same_day", 1), "2026-12-21 10:00")],
)
def test_a_day_granted_on_top_asks_the_calendar_where_the_promise_asked_none(
    promise: Promise, started: str, calendar: WorkCalendar, at: At
) -> None:
    assert deadline(promise, at(started), calendar).provisional is False
    assert deadline(promise, at(started), calendar, kept=Kept(at("2026-12-26 00:00"))).provisional is False
    assert deadline(promise, at(started), calendar, extension_days=1).provisional is True


def november(first: int, last: int, phase: Phase, pause: Pause | None = None) -> Stretch:
    return Stretch(date(2026, 11, first), date(2026, 11, last), phase, pause)


def test_days_are_gone_through_in_stretches_without_gap_or_overlap(calendar: WorkCalendar, at: At) -> None:
    at_first = Pause(at("2026-11-16 11:00"), at("2026-11-17 10:00"))  # over the end of the day it starts on
    later = Pause(at("2026-11-18 10:00"), at("2026-11-20 10:00"))
    gone = course(FIVE_DAYS, at("2026-11-16 10:00"), calendar, pauses=(at_first, later), extension_days=1)
    assert gone.stretches == (
        november(16, 16, "start"),
        november(17, 17, "working"),
        november(18, 19, "working", later),
        november(20, 25, "working"),
        november(26, 26, "extension"),
    )
    gone = course(FIVE_DAYS, at("2026-11-16 10:00"), calendar)
    assert gone.stretches == (november(16, 16, "start"), november(17, 23, "working"))
    assert gone.deadline == deadline(FIVE_DAYS, at("2026-11-16 10:00"), calendar)
    next_day = Pause(at("2026-11-17 10:00"), at("2026-11-18 10:00"))
    assert course(FIVE_DAYS, at("2026-11-16 10:00"), calendar, pauses=(next_day,)).stretches == (
        november(16, 16, "start"),
        november(17, 17, "working", next_day),
        november(18, 24, "working"),
    )


def test_a_first_day_that_rests_is_no_day_counted(calendar: WorkCalendar, at: At) -> None:
    saturday = course(Promise("working_days", 1, start="same_day"), at("2026-11-21 10:00"), calendar)
    assert saturday.stretches == (november(21, 21, "late_start"), november(22, 23, "working"))


def test_days_told_and_days_granted_since_are_stretches_of_their_own(calendar: WorkCalendar, at: At) -> None:
    told = Kept(at("2026-11-28 00:00").astimezone(timezone(timedelta(hours=8))))
    gone = course(FIVE_DAYS, at("2026-11-16 10:00"), calendar, kept=told)
    assert gone.stretches == (november(16, 16, "start"), november(17, 23, "working"), november(24, 27, "kept"))
    assert gone.deadline.due_at == told.at
    assert gone.deadline.due_at.tzinfo is UTC
    gone = course(FIVE_DAYS, at("2026-11-16 10:00"), calendar, kept=told, extension_days=1)
    assert gone.stretches[-1] == november(28, 30, "extension")


def test_a_deadline_told_as_it_is_counted_keeps_its_day_where_the_office_closes_after_midnight(at: At) -> None:
    nights = WorkCalendar.from_years([YEAR], ["22:00-26:00"], horizon_years=1)
    promise, start = Promise("working_days", 1, end="office_end"), at("2026-11-16 10:00")
    due = deadline(promise, start, nights)
    assert due == Deadline(at("2026-11-18 02:00"), False, date(2026, 11, 17))
    assert deadline(promise, start, nights, kept=Kept(due.due_at)) == due


def test_minutes_are_gone_through_in_segments_none_of_them_empty(calendar: WorkCalendar, at: At) -> None:
    hour, start = Promise("working_minutes", 60), at("2026-11-16 09:00")
    assert course(hour, start, calendar) == Course(
        Deadline(at("2026-11-16 10:00"), False, date(2026, 11, 16)), segments=(Segment(start, at("2026-11-16 10:00")),)
    )
    over = Pause(at("2026-11-16 08:30"), start)
    at_once = Pause(start, at("2026-11-16 09:30"))
    later = Pause(at("2026-11-16 09:45"), at("2026-11-16 10:00"))
    assert course(hour, start, calendar, pauses=(over, at_once, later)).segments == (
        Segment(start, at("2026-11-16 09:30"), at_once),
        Segment(at("2026-11-16 09:30"), at("2026-11-16 09:45")),
        Segment(at("2026-11-16 09:45"), at("2026-11-16 10:00"), later),
        Segment(at("2026-11-16 10:00"), at("2026-11-16 10:45")),
    )
    same_day = course(hour, start, calendar, kept=Kept(at("2026-11-16 15:00")))
    assert (same_day.deadline.due_at, same_day.stretches) == (at("2026-11-16 15:00"), ())


def test_a_day_granted_on_top_of_minutes_waits_for_the_clock_to_run(calendar: WorkCalendar, at: At) -> None:
    standing = Pause(at("2026-11-16 14:30"), at("2026-11-18 09:00"))
    due = deadline(
        Promise("working_minutes", 60), at("2026-11-16 09:00"), calendar, pauses=(standing,), extension_days=1
    )
    assert due.last_day == date(2026, 11, 18)


@pytest.mark.parametrize(
    ("promise", "extension_days", "kept", "provisional"),
    [
        (Promise("working_minutes", 60), 0, False, True),
        (Promise("working_minutes", 60), 0, True, True),
        (Promise("real_minutes", 60), 0, False, False),
        (Promise("real_minutes", 60), 0, True, False),
        (Promise("real_minutes", 60), 1, False, True),
        (Promise("real_minutes", 60), 1, True, True),
    ],
)
def test_minutes_may_still_move_where_the_calendar_was_asked(
    promise: Promise, extension_days: int, kept: bool, provisional: bool, calendar: WorkCalendar, at: At
) -> None:
    due = deadline(
        promise,
        at("2026-12-21 09:00"),
        calendar,
        pauses=(Pause(at("2026-12-21 09:10"), at("2026-12-21 09:20")),),
        extension_days=extension_days,
        kept=Kept(at("2026-12-21 15:00")) if kept else None,
    )
    assert due.provisional is provisional


# Calendars ---------------------------------------------------------------------------------------------------


def test_the_settled_day_is_the_last_that_is_certain_and_has_nothing_to_observe(calendar: WorkCalendar) -> None:
    assert calendar.settled_until == date(2026, 12, 20)
    settled, after = (calendar.day(date(2026, 12, day)) for day in (20, 21))
    assert (settled.provisional, after.provisional) == (False, True)
    assert settled.observances == ()


def test_a_night_worked_reaches_into_the_next_day_and_none_into_the_first() -> None:
    new_year = date(2026, 1, 1)
    nights = WorkCalendar.from_years([YEAR], ["22:00-26:00"], horizon_years=1)
    assert nights.windows(new_year) == ()  # though the last day of the calendar works
    worked = nights.with_overrides([DayOverride(new_year, "work")])
    assert worked.windows(new_year) == (Window(22 * 60, 24 * 60),)
    assert worked.windows(date(2026, 1, 2)) == (Window(0, 2 * 60),)


def test_the_tail_of_a_night_has_the_hours_of_the_day_it_began_on() -> None:
    thursday, friday = date(2026, 11, 19), date(2026, 11, 20)
    once = WorkCalendar.from_years(
        [YEAR], ["08:30-12:00"], overrides=[DayOverride(thursday, "work", parse_hours(["22:00-26:00"]))]
    )
    assert once.windows(friday) == (Window(0, 120), Window(510, 720))
    assert once.windows(date(2026, 11, 21)) == ()
    assert once.windows(date(2026, 11, 18)) == (Window(510, 720),)


def test_the_first_and_the_last_window_of_a_calendar_are_found(at: At) -> None:
    calendar = WorkCalendar.from_years([YEAR], horizon_years=1)
    first = calendar.add_working_days(date(2025, 12, 31), 1)
    assert first == date(2026, 1, 4)
    assert calendar.next_open(at("2026-01-04 09:00")) == at("2026-01-04 09:00")
    assert calendar.prev_open(at("2026-01-04 09:00")) == at("2026-01-04 09:00")
    assert calendar.prev_open(at("2026-01-04 13:00")) == at("2026-01-04 12:00")
    assert calendar.next_open(at("2027-12-31 13:00")) == at("2027-12-31 14:30")


def test_the_open_time_of_a_whole_calendar_is_measured_and_gone_through_to_the_microsecond(at: At) -> None:
    calendar = WorkCalendar.from_years([YEAR], horizon_years=1)
    instant = timedelta(microseconds=1)
    opens, closes = at("2026-01-04 08:30"), at("2027-12-31 18:00")
    days = calendar.working_days_between(date(2025, 12, 31), date(2027, 12, 31))
    whole = days * timedelta(hours=7)
    assert calendar.open_time_between(calendar.start_of_day(calendar.first_day), closes) == whole
    assert calendar.open_time_between(at("2026-01-04 09:00"), at("2026-01-04 10:00")) == timedelta(hours=1)
    assert calendar.add_open_time(opens, whole) == closes
    assert calendar.add_open_time(closes, -whole) == opens
    for start, span in ((opens, whole + instant), (closes, -whole - instant)):
        with pytest.raises(OutsideCalendar):
            calendar.add_open_time(start, span)
    noon = at("2026-01-04 12:00")
    assert calendar.add_open_time(noon - instant, instant) == noon
    assert calendar.add_open_time(noon, timedelta(0)) == noon
    assert calendar.add_open_time(noon, instant) == at("2026-01-04 14:30") + instant
    assert calendar.add_open_time(noon, -instant) == noon - instant


def test_a_year_without_a_notice_rests_at_weekends_alone_and_counts_from_its_eve() -> None:
    bare = WorkCalendar.from_years([NoticeYear(2026)], horizon_years=2)
    eve, first = date(2025, 12, 31), date(2026, 1, 1)
    assert bare.is_working_day(date(2026, 10, 1))
    assert bare.add_working_days(eve, 1) == first
    assert bare.working_days_between(eve, date(2026, 1, 5)) == 3
    for count in (0, -1):
        with pytest.raises(OutsideCalendar):
            bare.add_working_days(eve, count)
    assert bare.add_working_days(date(2028, 12, 28), 1) == date(2028, 12, 29)
    with pytest.raises(OutsideCalendar):
        bare.add_working_days(date(2028, 12, 29), 1)


def test_years_no_notice_has_covered_rest_on_the_statutory_holidays_to_the_last() -> None:
    bare = WorkCalendar.from_years([NoticeYear(2026)], horizon_years=2)
    for year in (2027, 2028):
        day = date(year, 5, 1)
        assert bare.day(day) == DayInfo(day, False, "off", "劳动节", provisional=True)


def test_weekends_rest_whatever_weekday_the_calendar_begins_with() -> None:
    for year in range(2021, 2028):
        bare = WorkCalendar.from_years([NoticeYear(year)], horizon_years=1)
        days = [date(year, 1, 1) + timedelta(days=offset) for offset in range(14)]
        assert [bare.is_working_day(day) for day in days] == [day.isoweekday() < 6 for day in days]


def test_the_first_and_the_last_midnight_belong_to_the_calendar() -> None:
    bare = WorkCalendar.from_years([NoticeYear(2026)], horizon_years=1)
    first, last = bare.start_of_day(bare.first_day), bare.end_of_day(bare.last_day)
    assert bare.local_date(first) == bare.first_day
    assert bare.is_open(first) is bare.is_open(last) is False
    days = bare.working_days_between(date(2025, 12, 31), bare.last_day)
    assert bare.open_time_between(first, last) == days * timedelta(hours=7)


def test_a_zone_of_one_offset_needs_no_database_and_counts_days_from_an_origin() -> None:
    shanghai, early, utc, new_york = (
        WorkCalendar.from_years([NoticeYear(year)], tz=tz, horizon_years=1)
        for year, tz in ((1992, "Asia/Shanghai"), (1991, "Asia/Shanghai"), (2026, "UTC"), (2026, "America/New_York"))
    )
    for calendar, offset in ((shanghai, timedelta(hours=8)), (utc, timedelta(0))):
        assert calendar.zone.utcoffset(None) == offset  # a zone of the database answers None without a time
        assert calendar.origin == calendar.start_of_day(calendar.first_day)
    assert utc.zone is UTC
    assert early.origin is new_york.origin is None


def test_a_calendar_built_directly_is_the_one_from_its_years() -> None:
    assert WorkCalendar([YEAR]) == WorkCalendar.from_years([YEAR])


def test_a_calendar_with_nothing_more_laid_over_it_is_the_same_calendar() -> None:
    calendar = WorkCalendar.from_years(
        [YEAR],
        ["10:00-22:00"],
        "UTC",
        rest_weekdays=[6],
        overrides=[DayOverride(date(2026, 11, 20), "off")],
        layers=[RegionalLayer("6327", "州庆", (DayOverride(date(2026, 12, 24), "off"),))],
        settled_until=date(2026, 11, 30),
        horizon_years=3,
    )
    assert calendar.with_overrides([]) == calendar
    assert calendar.settled_until == date(2026, 11, 30)


def test_a_calendar_may_speak_of_a_hundred_years_and_no_exception_lies_past_them() -> None:
    assert WorkCalendar.from_years([YEAR], horizon_years=100).last_day == date(2126, 12, 31)
    last, past = (DayOverride(day, "off") for day in (date(2027, 12, 31), date(2028, 1, 1)))
    assert not WorkCalendar.from_years([YEAR], overrides=[last], horizon_years=1).is_working_day(last.date)
    with pytest.raises(CalendarInvalid):
        WorkCalendar.from_years([YEAR], overrides=[past], horizon_years=1)


def test_hours_of_a_weekday_or_of_a_season_alone_are_laid_down(at: At) -> None:
    day, other = parse_hours(["08:30-12:00"]), parse_hours(["09:00-11:00"])
    wednesday, thursday = at("2026-11-18 00:00"), at("2026-11-19 00:00")
    for hours in (
        OfficeHours(day, weekdays={2: other}),
        OfficeHours(day, seasons=(Season((11, 1), (11, 18), other),)),
    ):
        calendar = WorkCalendar.from_years([YEAR], hours)
        assert calendar.next_open(wednesday) == at("2026-11-18 09:00")
        assert calendar.next_open(thursday) == at("2026-11-19 08:30")


def test_a_zone_with_summer_time_opens_and_closes_to_the_minute_of_its_wall() -> None:
    zone = ZoneInfo("America/New_York")
    calendar = WorkCalendar.from_years([NoticeYear(2026)], ["08:35-24:00"], zone.key, rest_weekdays=[], horizon_years=1)
    for day in (date(2026, 3, 7), date(2026, 3, 8), date(2026, 11, 1), date(2027, 12, 31)):
        opens = datetime.combine(day, time(8, 35), zone)
        closes = datetime.combine(day + timedelta(days=1), time(), zone)
        assert calendar.next_open(calendar.start_of_day(day)) == opens
        assert calendar.prev_open(calendar.end_of_day(day)) == closes == calendar.end_of_day(day)


def test_an_hour_that_the_change_to_summer_time_skips_never_opens() -> None:
    zone = ZoneInfo("America/New_York")
    calendar = WorkCalendar.from_years([NoticeYear(2026)], ["02:00-03:00"], zone.key, rest_weekdays=[], horizon_years=1)
    eve = datetime(2026, 3, 8, 1, 30, tzinfo=zone)
    assert calendar.next_open(eve) == datetime(2026, 3, 9, 2, 0, tzinfo=zone)


def test_different_calendars_hash_differently(calendar: WorkCalendar) -> None:
    assert hash(calendar) != hash(calendar.with_overrides([DayOverride(date(2026, 11, 20), "off")]))


def test_the_version_of_a_calendar_is_its_content_and_the_same_in_every_release() -> None:
    # Stored calendars are checked against their version when they are read back.
    cited = Notice("https://example.invalid/2027", "国办发明电〔2026〕9号", date(2026, 11, 25))
    year = NoticeYear(2027, (cited,), (Holiday("元旦", (date(2027, 1, 1),), (date(2027, 1, 3),)),))
    assert WorkCalendar.from_years([year]).version == "2027.1+a65b6889"


def test_a_day_two_layers_observe_bears_both_names() -> None:
    feast = DayOverride(date(2026, 12, 24), "off")
    layers = [RegionalLayer("6327", "州庆", (feast,)), RegionalLayer("632721", "县庆", (feast,))]
    regional = WorkCalendar.from_years([YEAR], layers=layers).for_union("632721")
    assert regional.day(date(2026, 12, 24)).observances == ("州庆", "县庆")


def test_an_office_open_over_midnight_closes_on_the_last_day_but_one_too(at: At) -> None:
    nights = WorkCalendar.from_years([YEAR], ["22:00-26:00"], horizon_years=1)
    assert nights.nominal_office_end(date(2027, 12, 30)) == at("2027-12-31 02:00")


def test_minutes_used_up_at_midnight_end_with_the_day_before(at: At) -> None:
    late = WorkCalendar.from_years([YEAR], ["22:00-24:00"])
    due = deadline(Promise("working_minutes", 120), at("2026-11-20 09:00"), late)
    assert (due.due_at, due.last_day) == (at("2026-11-21 00:00"), date(2026, 11, 20))
