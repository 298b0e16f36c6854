"""What happens to a clock in the course of a matter: the shared scenarios that need no database, and old traps.

Those that need one stand in tests/escalations/test_scenarios.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

import pytest

from sla_rules import (
    AtDue,
    CalendarInvalid,
    Clock,
    ClockKind,
    ClockStepRefused,
    DayOverride,
    Holiday,
    NoticeInvalid,
    NoticeYear,
    OpenPauseNeedsAsOf,
    OutsideCalendar,
    Pause,
    Promise,
    Rung,
    WindowInvalid,
    WorkCalendar,
    deadline,
    due_rungs,
    explain,
    parse_hours,
    plan,
)
from tests.rows import covers
from tests.sla_rules.named_calendars import calendars, custom

At = Callable[[str], datetime]

BREACH = Rung("breach", AtDue(), ("leader",))
FIVE_DAYS = Promise("working_days", 5)


def minutes(amount: int) -> Promise:
    return Promise("working_minutes", amount)


def utc(time: str, day: str = "2013-06-04") -> datetime:
    """A Tuesday in summer, when Berlin is two hours ahead: open from 07:00Z to 16:00Z on the calendar ZD."""
    return datetime.fromisoformat(f"{day}T{time}+00:00")


def spans(*bounds: tuple[str, str], day: str = "2013-06-04") -> tuple[Pause, ...]:
    return tuple(Pause(utc(start, day), utc(end, day)) for start, end in bounds)


# -- scenarios ------------------------------------------------------------------------------------------


@covers("S1")
def test_time_pending_and_time_closed_are_both_left_out() -> None:
    # By choice reopening begins a new cycle (see S16); where a reply is only sent back, the gap counts like a pause.
    stood = spans(("09:30", "09:45"), ("10:00", "10:30"))
    clock = Clock(ClockKind.first_contact, minutes(120), utc("09:00", "2013-06-04"), stood)
    assert clock.deadline(calendars("ZD")).due_at == utc("11:45")


@covers("S2")
def test_a_day_used_up_after_a_pause_ends_at_its_closing() -> None:
    # By choice: Zammad would answer with the next opening, 2013-06-05T07:00Z.
    clock = Clock(ClockKind.first_contact, minutes(120), utc("09:00"), spans(("10:00", "15:00")))
    assert clock.deadline(calendars("ZD")).due_at == utc("16:00", "2013-06-04")


@covers("S3")
@pytest.mark.parametrize(
    ("target", "stop", "used", "left"), [(120, "10:45", 75, 45), (250, "12:00", 150, 100)], ids=["response", "close"]
)
def test_each_clock_stops_at_its_own_event(target: int, stop: str, used: int, left: int) -> None:
    clock = Clock(ClockKind.resolve, minutes(target), utc("09:00"), spans(("10:00", "10:30"))).stop(utc(stop))
    assert clock.used(calendars("ZD"), utc("15:00")) == timedelta(minutes=used)
    assert clock.remaining(calendars("ZD"), utc("15:00")) == timedelta(minutes=left)


@covers("S4")
def test_what_was_pending_from_the_start_used_no_time() -> None:
    clock = Clock(ClockKind.resolve, minutes(120), utc("09:00")).pause(utc("09:00"), "").stop(utc("12:00"))
    assert clock.used(calendars("ZD"), utc("15:00")) == timedelta(0)


@covers("S5")
@pytest.mark.parametrize(
    ("opened", "used"), [([("10:30", "11:00")], 30), ([("10:30", "11:00"), ("11:30", "12:00")], 60)]
)
def test_only_the_time_between_pauses_is_used(opened: list[tuple[str, str]], used: int) -> None:
    clock = Clock(ClockKind.resolve, minutes(120), utc("09:00")).pause(utc("09:00"), "")
    for start, end in opened:
        clock = clock.resume(utc(start)).pause(utc(end), "")
    assert clock.stop(utc("13:00")).used(calendars("ZD"), utc("15:00")) == timedelta(minutes=used)


@covers("S6")
def test_a_pause_over_midnight_and_two_in_one_minute_all_count(calendar: WorkCalendar, at: At) -> None:
    real = Promise("real_minutes", 120)
    night = Pause(at("2026-11-18 23:45"), at("2026-11-19 00:45"))
    clock = Clock(ClockKind.sign, real, at("2026-11-18 23:30"), (night,))
    assert clock.deadline(calendar).due_at == at("2026-11-19 02:30")
    suspended = [line for line in explain(clock, calendar).lines if "挂起" in line.reason_zh]
    assert [line.date.day for line in suspended] == [18, 19]
    one_minute = (
        Pause(at("2026-11-19 00:50:10"), at("2026-11-19 00:50:20")),
        Pause(at("2026-11-19 00:50:30"), at("2026-11-19 00:50:40")),
    )
    for promise in (real, minutes(120)):
        start = at("2026-11-18 23:30") if promise is real else at("2026-11-19 08:30")
        stood = (
            one_minute
            if promise is real
            else tuple(
                Pause(pause.start + timedelta(hours=8), pause.end + timedelta(hours=8))
                for pause in one_minute
                if pause.end
            )
        )
        plain = deadline(promise, start, calendar).due_at
        assert deadline(promise, start, calendar, pauses=stood).due_at == plain + timedelta(seconds=20)
        assert deadline(promise, start, calendar, pauses=stood[:1]).due_at == plain + timedelta(seconds=10)


@covers("S7")
@pytest.mark.parametrize(("target", "due"), [(60, "10:30"), (120, "11:30"), (180, "12:30")])
def test_overdue_is_a_negative_remainder(target: int, due: str) -> None:
    calendar = custom(range(2013, 2014), ["08:00-18:00"], "UTC")
    clock = Clock(ClockKind.first_contact, minutes(target), utc("09:30"))
    assert clock.deadline(calendar).due_at == utc(due)
    late = clock.stop(utc("14:00"))
    assert late.used(calendar, utc("17:00")) == timedelta(minutes=270)
    assert late.remaining(calendar, utc("17:00")) == timedelta(minutes=target - 270)  # -210 for an hour promised


@covers("S9")
def test_two_hours_more_move_a_deadline_by_two_open_hours(calendar: WorkCalendar, at: At) -> None:
    two = Clock(ClockKind.resolve, minutes(120), at("2026-11-18 09:00"))
    four = two.retier(minutes(240))
    first, second = two.deadline(calendar).due_at, four.deadline(calendar).due_at
    assert (first, second) == (at("2026-11-18 11:00"), at("2026-11-18 15:30"))  # lunch lies between
    assert calendar.open_time_between(first, second) == timedelta(hours=2)


@covers("S11")
def test_time_stalled_moves_a_deadline_by_its_open_part(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.resolve, minutes(120), at("2026-11-18 17:00"))
    stalled = clock.pause(at("2026-11-18 17:30"), "").resume(at("2026-11-19 09:00"))
    first, second = clock.deadline(calendar).due_at, stalled.deadline(calendar).due_at
    assert calendar.open_time_between(first, second) == timedelta(hours=1)
    assert second == at("2026-11-19 10:30")


@covers("S15")
def test_what_was_closed_between_its_deadline_and_the_next_tick_is_a_breach(calendar: WorkCalendar, at: At) -> None:
    closed = Clock(ClockKind.dispatch, minutes(30), at("2026-11-18 09:30")).stop(at("2026-11-18 10:03"))
    tick = at("2026-11-18 10:05")
    assert closed.breached_at(calendar, tick) == at("2026-11-18 10:00")
    assert [entry.rung.name for entry in due_rungs(plan(closed, [BREACH], calendar), (), tick)] == ["breach"]


@covers("S17")
def test_resolving_from_a_pause_closes_it_there(calendar: WorkCalendar, at: At) -> None:
    resolved = (
        Clock(ClockKind.resolve, minutes(120), at("2026-11-18 09:00"))
        .pause(at("2026-11-18 09:30"), "")
        .stop(at("2026-11-18 11:00"))
    )
    assert resolved.pauses == (Pause(at("2026-11-18 09:30"), at("2026-11-18 11:00")),)
    assert resolved.used(calendar, at("2026-11-20 09:00")) == timedelta(minutes=30)
    assert resolved.breached_at(calendar, at("2026-11-20 09:00")) is None


@covers("S18")
def test_the_moment_of_resolving_stays_whenever_the_matter_is_closed(calendar: WorkCalendar, at: At) -> None:
    resolved = Clock(ClockKind.resolve, minutes(120), at("2026-11-18 09:00")).stop(at("2026-11-18 10:00"))
    with pytest.raises(ClockStepRefused):
        resolved.stop(at("2026-11-25 10:00"))
    assert resolved.used(calendar, at("2026-11-25 10:00")) == timedelta(hours=1)


@covers("S19")
@pytest.mark.parametrize(("target", "took", "late"), [(30, 39, 9), (120, 135, 15)], ids=["reply", "resolve"])
def test_late_by_minutes(target: int, took: int, late: int, calendar: WorkCalendar, at: At) -> None:
    start = at("2026-11-18 09:00")
    clock = Clock(ClockKind.resolve, minutes(target), start).stop(start + timedelta(minutes=took))
    assert clock.late_by(calendar) == timedelta(minutes=late)


@covers("S20")
def test_an_answer_after_closing_time_has_used_only_office_time(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.dispatch, minutes(30), at("2026-11-18 17:55")).stop(at("2026-11-18 18:05"))
    assert calendar.office_end(date(2026, 11, 18)) == at("2026-11-18 18:00")
    assert clock.used(calendar, at("2026-11-20 10:00")) == timedelta(minutes=5)
    assert clock.breached_at(calendar, at("2026-11-20 10:00")) is None


@covers("S24")
def test_days_and_windows_that_can_not_be_are_refused() -> None:
    wednesday, other = date(2026, 1, 7), date(2026, 1, 8)
    with pytest.raises(NoticeInvalid, match="2026-01-07"):
        NoticeYear(2026, holidays=(Holiday("元旦", (date(2026, 1, 1),), (wednesday,)),))
    with pytest.raises(CalendarInvalid, match="two overrides"):
        WorkCalendar.from_years([NoticeYear(2026)], overrides=[DayOverride(other, "off"), DayOverride(other, "work")])
    for windows in (["14:00-12:00"], []):
        with pytest.raises(WindowInvalid):
            parse_hours(windows)


# -- traps ----------------------------------------------------------------------------------------------


@covers("Exact-boundary at closing")
@pytest.mark.parametrize(
    ("span", "due"),
    [
        (timedelta(hours=1), "2026-02-13 18:00"),
        (timedelta(hours=1, microseconds=1), "2026-02-14 08:30:00.000001"),
        (timedelta(hours=1) - timedelta(microseconds=1), "2026-02-13 17:59:59.999999"),
    ],
)
def test_the_closing_instant_belongs_to_the_day(span: timedelta, due: str, calendar: WorkCalendar, at: At) -> None:
    assert calendar.add_open_time(at("2026-02-13 17:00"), span) == at(due)
    assert calendar.add_open_time(at("2026-02-13 18:00"), timedelta(minutes=1)) == at("2026-02-14 08:31")


@covers("start before opening, in lunch, after close, on off day, on make-up day")
@pytest.mark.parametrize(
    ("start", "hour_later", "next_working_day"),
    [
        ("2026-02-13 07:00", "2026-02-13 09:30", "2026-02-14"),
        ("2026-02-13 13:00", "2026-02-13 15:30", "2026-02-14"),
        ("2026-02-13 19:00", "2026-02-14 09:30", "2026-02-14"),
        ("2026-02-17 10:00", "2026-02-24 09:30", "2026-02-24"),
        ("2026-02-14 10:00", "2026-02-14 11:00", "2026-02-24"),
    ],
    ids=["before opening", "in lunch", "after close", "on off day", "on make-up day"],
)
def test_whenever_a_clock_starts(
    start: str, hour_later: str, next_working_day: str, calendar: WorkCalendar, at: At
) -> None:
    assert deadline(minutes(60), at(start), calendar).due_at == at(hour_later)
    one_day = deadline(Promise("working_days", 1), at(start), calendar)
    assert one_day.last_day == date.fromisoformat(next_working_day)


@covers("year end")
def test_over_the_end_of_the_year_days_minutes_and_pauses_go_on(calendar: WorkCalendar, at: At) -> None:
    start = at("2025-12-31 17:00")
    assert deadline(FIVE_DAYS, start, calendar).last_day == date(2026, 1, 8)
    assert deadline(minutes(120), start, calendar).due_at == at("2026-01-04 09:30")  # a Sunday worked
    over = Pause(at("2025-12-31 17:30"), at("2026-01-04 09:00"))
    assert deadline(minutes(120), start, calendar, pauses=[over]).due_at == at("2026-01-04 10:30")
    assert deadline(FIVE_DAYS, start, calendar, pauses=[over]).last_day == date(2026, 1, 8)


@covers("horizon")
def test_past_the_last_notice_it_is_provisional_and_past_the_horizon_refused(calendar: WorkCalendar, at: At) -> None:
    assert not deadline(FIVE_DAYS, at("2026-12-11 10:00"), calendar).provisional
    for start in ("2026-12-31 10:00", "2030-06-03 10:00"):
        assert deadline(FIVE_DAYS, at(start), calendar).provisional
    for promise in (FIVE_DAYS, Promise("calendar_days", 15), minutes(600), Promise("real_minutes", 10)):
        with pytest.raises(OutsideCalendar):
            deadline(promise, at("2041-12-31 23:55"), calendar)


@covers("UTC storage vs +08:00")
@pytest.mark.parametrize("promise", [FIVE_DAYS, Promise("calendar_days", 15), Promise("same_day", 1), minutes(600)])
def test_the_offset_a_time_is_written_with_changes_nothing(promise: Promise, calendar: WorkCalendar, at: At) -> None:
    start = at("2026-02-13 00:30")  # still the 12th in UTC
    for hours in (8, 0, -5):
        written = start.astimezone(timezone(timedelta(hours=hours)))
        due = deadline(promise, written, calendar)
        assert due == deadline(promise, start, calendar)
        assert due.due_at.utcoffset() == timedelta(0)
    assert deadline(Promise("same_day", 1), start, calendar).due_at == at("2026-02-14 00:00")


@covers("microseconds")
def test_no_microsecond_is_lost_by_pauses(calendar: WorkCalendar, at: At) -> None:
    start = at("2026-11-18 10:00:00.000007")
    stood = [
        Pause(at("2026-11-18 10:10:00.000001"), at("2026-11-18 10:10:00.000003")),
        Pause(at("2026-11-18 10:10:00.000003"), at("2026-11-18 10:10:00.000004")),
    ]
    assert deadline(minutes(30), start, calendar, pauses=stood).due_at == at("2026-11-18 10:30:00.000010")


@covers("pause starting/ending outside hours")
@pytest.mark.parametrize(
    ("start", "end", "due"),
    [
        ("2026-11-18 07:00", "2026-11-18 09:30", "2026-11-18 17:30"),  # from before opening
        ("2026-11-18 11:30", "2026-11-18 13:00", "2026-11-18 17:00"),  # into lunch
        ("2026-11-18 12:30", "2026-11-18 15:30", "2026-11-18 17:30"),  # from lunch
        ("2026-11-18 12:00", "2026-11-18 14:30", "2026-11-18 16:30"),  # lunch exactly
        ("2026-11-18 16:00", "2026-11-18 22:00", "2026-11-19 09:00"),  # into the night
        ("2026-11-17 20:00", "2026-11-18 08:00", "2026-11-18 16:30"),  # a night
        ("2026-11-18 16:00", "2026-11-22 12:00", "2026-11-23 09:00"),  # into a weekend
    ],
)
def test_a_pause_takes_only_the_open_time_it_covers(
    start: str, end: str, due: str, calendar: WorkCalendar, at: At
) -> None:
    clock = Clock(ClockKind.resolve, minutes(330), at("2026-11-17 19:00"), (Pause(at(start), at(end)),))
    assert clock.deadline(calendar).due_at == at(due)


@covers("pause still open at report time")
def test_an_open_pause_counts_to_the_moment_of_the_report(calendar: WorkCalendar, at: At) -> None:
    standing = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-18 10:00")).pause(at("2026-11-19 10:00"), "仲裁")
    with pytest.raises(OpenPauseNeedsAsOf):
        standing.deadline(calendar)
    for moment in ("2026-11-19 10:00", "2026-11-24 09:00", "2026-12-24 09:00"):
        resumed = standing.resume(at(moment))
        assert standing.deadline(calendar, as_of=at(moment)) == resumed.deadline(calendar)
        assert standing.used(calendar, at(moment)) == timedelta(hours=7)
        assert standing.breached_at(calendar, at(moment)) is None
        assert standing.late_by(calendar, at(moment)) == timedelta(0)
        assert explain(standing, calendar, as_of=at(moment)).lines == explain(resumed, calendar).lines


@covers("tier change while paused")
def test_a_tier_changed_while_paused_is_as_one_changed_before_or_after(calendar: WorkCalendar, at: At) -> None:
    clock, other = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-18 10:00")), Promise("calendar_days", 15)
    begins, ends = at("2026-11-19 10:00"), at("2026-11-24 10:00")
    during = clock.pause(begins, "").retier(other).resume(ends)
    assert during == clock.retier(other).pause(begins, "").resume(ends)
    assert during == clock.pause(begins, "").resume(ends).retier(other)
    assert during.deadline(calendar).last_day == date(2026, 12, 8)  # 3 December and five midnights


@covers("reopen on an off day")
def test_a_cycle_begun_on_a_day_off_counts_from_the_next_working_day(calendar: WorkCalendar, at: At) -> None:
    first = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-09-21 10:00")).stop(at("2026-09-28 10:00"))
    again = first.new_cycle(Promise("working_days", 3), at("2026-10-03 10:00"))
    assert again.deadline(calendar).last_day == date(2026, 10, 10)  # 8 and 9 October, and the Saturday worked


@covers("calendar edit under open pauses")
def test_a_calendar_changed_under_an_open_pause_counts_for_the_whole_clock(calendar: WorkCalendar, at: At) -> None:
    # Suspended over Thursday and Friday; then the Friday is declared off, and the Monday after the resumption too.
    changed = calendar.with_overrides([DayOverride(date(2026, 11, 20), "off"), DayOverride(date(2026, 11, 23), "off")])
    standing = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-18 10:00")).pause(at("2026-11-19 10:00"), "")
    resumed_at = at("2026-11-21 10:00")
    assert standing.deadline(calendar, as_of=resumed_at).last_day == date(2026, 11, 27)
    assert standing.deadline(changed, as_of=resumed_at).last_day == date(2026, 11, 30)
    hours = Clock(ClockKind.resolve, minutes(480), at("2026-11-18 17:00")).pause(at("2026-11-19 10:00"), "")
    assert hours.deadline(calendar, as_of=resumed_at).due_at == at("2026-11-23 16:30")
    assert hours.deadline(changed, as_of=resumed_at).due_at == at("2026-11-24 16:30")
