"""Promises in every unit, with pauses, extensions and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest

from sla_rules import (
    NaiveTime,
    OpenPauseNeedsAsOf,
    OutsideCalendar,
    Pause,
    PausesInvalid,
    Promise,
    PromiseInvalid,
    WorkCalendar,
    deadline,
)
from sla_rules.counting import advance, counted_between, retreat, standstills, working_days_outside

At = Callable[[str], datetime]

FIVE_DAYS = Promise("working_days", 5)
FIFTEEN = Promise("calendar_days", 15)
SAME_DAY = Promise("same_day", 1)
HALF_HOUR = Promise("working_minutes", 30)
TWO_HOURS_REAL = Promise("real_minutes", 120)


@pytest.mark.parametrize("accepted", ["2026-11-18 00:00", "2026-11-18 10:00", "2026-11-18 23:59:59.999999"])
def test_the_same_day_ends_at_its_24_hours(accepted: str, calendar: WorkCalendar, at: At) -> None:
    due = deadline(SAME_DAY, at(accepted), calendar)
    assert (due.due_at, due.last_day, due.provisional) == (at("2026-11-19 00:00"), date(2026, 11, 18), False)
    assert due.due_at.tzinfo is UTC


def test_the_same_day_is_kept_on_a_rest_day_as_it_is_printed(calendar: WorkCalendar, at: At) -> None:
    assert deadline(SAME_DAY, at("2026-03-07 10:00"), calendar).last_day == date(2026, 3, 7)


def test_the_same_day_asks_no_notice(calendar: WorkCalendar, at: At) -> None:
    assert not deadline(SAME_DAY, at("2026-12-31 10:00"), calendar).provisional
    assert deadline(SAME_DAY, at("2026-12-31 10:00"), calendar, extension_days=1).provisional


@pytest.mark.parametrize(
    ("accepted", "last"),
    [
        ("2026-03-06 17:00", "2026-03-06"),  # the cut-off itself is still in time
        ("2026-03-06 17:00:01", "2026-03-09"),
        ("2026-03-06 20:00", "2026-03-09"),
        ("2026-03-07 10:00", "2026-03-09"),  # Saturday
        ("2026-02-13 20:00", "2026-02-14"),  # the next working day is a Saturday worked
        ("2026-02-14 10:00", "2026-02-14"),
    ],
)
def test_a_cut_off_gives_late_and_rest_day_matters_the_next_working_day(
    accepted: str, last: str, calendar: WorkCalendar, at: At
) -> None:
    due = deadline(Promise("same_day", 1, cutoff=time(17)), at(accepted), calendar)
    assert due.last_day == date.fromisoformat(last)


def test_a_cut_off_day_that_is_suspended_moves_to_the_next_working_day(calendar: WorkCalendar, at: At) -> None:
    pause = Pause(at("2026-03-06 12:00"), at("2026-03-07 12:00"))
    due = deadline(Promise("same_day", 1, cutoff=time(17)), at("2026-03-06 10:00"), calendar, pauses=[pause])
    assert due.last_day == date(2026, 3, 9)


def test_calendar_days_without_roll_end_where_they_fall(calendar: WorkCalendar, at: At) -> None:
    fixed = Promise("calendar_days", 15, roll=False)
    assert deadline(fixed, at("2026-02-02 10:00"), calendar).last_day == date(2026, 2, 17)
    assert deadline(FIFTEEN, at("2026-02-02 10:00"), calendar).last_day == date(2026, 2, 24)
    assert not deadline(fixed, at("2026-12-20 10:00"), calendar).provisional
    assert deadline(FIFTEEN, at("2026-12-20 10:00"), calendar).provisional


def test_working_minutes_stay_at_closing_time(calendar: WorkCalendar, at: At) -> None:
    due = deadline(HALF_HOUR, at("2026-02-13 17:30"), calendar)
    assert (due.due_at, due.last_day) == (at("2026-02-13 18:00"), date(2026, 2, 13))
    assert deadline(HALF_HOUR, at("2026-02-13 17:30:01"), calendar).due_at == at("2026-02-14 08:30:01")


def test_working_minutes_late_in_december_are_provisional(calendar: WorkCalendar, at: At) -> None:
    assert deadline(HALF_HOUR, at("2026-12-25 10:00"), calendar).provisional
    assert not deadline(TWO_HOURS_REAL, at("2026-12-25 10:00"), calendar).provisional


def test_real_minutes_run_through_the_night(calendar: WorkCalendar, at: At) -> None:
    due = deadline(TWO_HOURS_REAL, at("2026-02-16 23:00"), calendar)
    assert (due.due_at, due.last_day) == (at("2026-02-17 01:00"), date(2026, 2, 17))


def test_an_end_at_midnight_belongs_to_the_day_before(calendar: WorkCalendar, at: At) -> None:
    assert deadline(TWO_HOURS_REAL, at("2026-02-16 22:00"), calendar).last_day == date(2026, 2, 16)


def test_local_days_not_utc_days_are_counted(calendar: WorkCalendar) -> None:
    # 16:30 UTC is half past midnight in Shanghai: already Thursday.
    due = deadline(Promise("working_days", 1), datetime(2026, 11, 18, 16, 30, tzinfo=UTC), calendar)
    assert due.last_day == date(2026, 11, 20)


# -- pauses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pauses", "last"),
    [
        ([], "2026-11-25"),
        ([("2026-11-19 09:00", "2026-11-19 23:59:59")], "2026-11-25"),  # within one day: nothing
        ([("2026-11-19 23:59", "2026-11-20 00:01")], "2026-11-26"),  # over one midnight
        ([("2026-11-19 10:00", "2026-11-20 00:00")], "2026-11-26"),  # the day's end itself
        ([("2026-11-20 00:00", "2026-11-20 23:00")], "2026-11-25"),  # after the day's end, before the next
        ([("2026-11-21 08:00", "2026-11-22 20:00")], "2026-11-25"),  # a rest day costs nothing
        ([("2026-11-20 08:00", "2026-11-23 20:00")], "2026-11-26"),  # Friday only
        ([("2026-11-18 08:00", "2026-11-18 12:00"), ("2026-11-18 12:00", "2026-11-19 12:00")], "2026-11-25"),
        ([("2026-11-18 12:00", "2026-12-02 12:00")], "2026-12-08"),  # ten working days, one of them the start
        ([("2026-11-25 23:00", "2026-11-26 01:00")], "2026-11-26"),  # on the last day
        ([("2026-11-26 00:00", "2026-12-26 01:00")], "2026-11-25"),  # after the deadline: too late to move it
        ([("2026-11-19 10:00", "2026-11-20 10:00"), ("2026-11-23 10:00", "2026-11-25 10:00")], "2026-11-30"),
    ],
)
def test_a_day_counts_unless_the_clock_stands_at_its_end(
    pauses: list[tuple[str, str]], last: str, calendar: WorkCalendar, at: At
) -> None:
    given = [Pause(at(start), at(end)) for start, end in pauses]
    due = deadline(FIVE_DAYS, at("2026-11-18 07:00"), calendar, pauses=reversed(given))
    assert due.last_day == date.fromisoformat(last)


def test_a_pause_moves_calendar_days_by_days_and_rolls_afterwards(calendar: WorkCalendar, at: At) -> None:
    # 15 days from 5 November end on the 20th; two midnights make it Sunday the 22nd, which rolls.
    pause = Pause(at("2026-11-10 10:00"), at("2026-11-12 10:00"))
    assert deadline(FIFTEEN, at("2026-11-05 10:00"), calendar, pauses=[pause]).last_day == date(2026, 11, 23)


def test_a_roll_passes_over_suspended_days_too(calendar: WorkCalendar, at: At) -> None:
    # The 15th day is Saturday the 21st; Monday is suspended at its end, so the period ends on Tuesday.
    pause = Pause(at("2026-11-23 10:00"), at("2026-11-24 10:00"))
    assert deadline(FIFTEEN, at("2026-11-06 10:00"), calendar, pauses=[pause]).last_day == date(2026, 11, 24)


def test_a_same_day_promise_suspended_at_its_end_moves_to_the_next_day(calendar: WorkCalendar, at: At) -> None:
    pause = Pause(at("2026-11-20 15:00"), at("2026-11-21 09:00"))
    assert deadline(SAME_DAY, at("2026-11-20 10:00"), calendar, pauses=[pause]).last_day == date(2026, 11, 21)


def test_a_pause_takes_only_open_time_from_working_minutes(calendar: WorkCalendar, at: At) -> None:
    start = at("2026-11-18 11:45")
    lunch = Pause(at("2026-11-18 12:10"), at("2026-11-18 14:20"))
    assert deadline(HALF_HOUR, start, calendar, pauses=[lunch]).due_at == at("2026-11-18 14:45")
    across = Pause(at("2026-11-18 11:55"), at("2026-11-18 14:40"))
    assert deadline(HALF_HOUR, start, calendar, pauses=[across]).due_at == at("2026-11-18 15:00")


def test_a_pause_takes_real_time_from_real_minutes(calendar: WorkCalendar, at: At) -> None:
    # Over midnight, and two pauses within one minute: both count.
    pauses = [
        Pause(at("2026-11-18 23:45"), at("2026-11-19 00:45")),
        Pause(at("2026-11-19 00:50:10"), at("2026-11-19 00:50:20")),
        Pause(at("2026-11-19 00:50:30"), at("2026-11-19 00:50:40")),
    ]
    due = deadline(TWO_HOURS_REAL, at("2026-11-18 23:00"), calendar, pauses=pauses)
    assert due.due_at == at("2026-11-19 02:00:20")


def test_a_pause_that_begins_when_the_time_is_used_up_moves_nothing(calendar: WorkCalendar, at: At) -> None:
    pause = Pause(at("2026-11-18 10:30"), at("2026-11-18 11:30"))
    assert deadline(HALF_HOUR, at("2026-11-18 10:00"), calendar, pauses=[pause]).due_at == at("2026-11-18 10:30")


def test_pauses_before_the_start_are_of_no_concern(calendar: WorkCalendar, at: At) -> None:
    before = Pause(at("2026-11-17 10:00"), at("2026-11-18 10:10"))
    assert deadline(HALF_HOUR, at("2026-11-18 10:00"), calendar, pauses=[before]).due_at == at("2026-11-18 10:40")
    assert deadline(FIVE_DAYS, at("2026-11-18 10:00"), calendar, pauses=[before]).last_day == date(2026, 11, 25)


def test_an_open_pause_counts_up_to_the_moment_asked_about(calendar: WorkCalendar, at: At) -> None:
    standing = Pause(at("2026-11-19 10:00"), None)
    start = at("2026-11-18 10:00")
    for as_of, last in (("2026-11-18 12:00", 25), ("2026-11-19 20:00", 25), ("2026-11-20 09:00", 26)):
        due = deadline(FIVE_DAYS, start, calendar, pauses=[standing], as_of=at(as_of))
        assert due.last_day == date(2026, 11, last)
    with pytest.raises(OpenPauseNeedsAsOf, match="as_of"):
        deadline(FIVE_DAYS, start, calendar, pauses=[standing])


@pytest.mark.parametrize(
    "pauses",
    [
        [("2026-11-18 10:00", "2026-11-18 12:00"), ("2026-11-18 11:59", "2026-11-18 13:00")],
        [("2026-11-18 10:00", None), ("2026-11-18 11:00", "2026-11-18 13:00")],
    ],
)
def test_pauses_that_overlap_are_refused(pauses: list[tuple[str, str | None]], calendar: WorkCalendar, at: At) -> None:
    given = [Pause(at(start), at(end) if end else None) for start, end in pauses]
    with pytest.raises(PausesInvalid):
        deadline(FIVE_DAYS, at("2026-11-18 08:00"), calendar, pauses=given, as_of=at("2026-11-18 10:30"))


def test_a_pause_of_no_length_is_allowed_and_one_backwards_is_not(calendar: WorkCalendar, at: At) -> None:
    nothing = Pause(at("2026-11-18 10:00"), at("2026-11-18 10:00"))
    assert deadline(HALF_HOUR, at("2026-11-18 09:45"), calendar, pauses=[nothing]).due_at == at("2026-11-18 10:15")
    with pytest.raises(PausesInvalid):
        Pause(at("2026-11-18 10:00"), at("2026-11-18 09:59"))


# -- extensions -----------------------------------------------------------------------------------------


def test_an_extension_adds_working_days_after_the_last_day(calendar: WorkCalendar, at: At) -> None:
    start = at("2026-11-18 10:00")
    assert deadline(FIVE_DAYS, start, calendar, extension_days=5).last_day == date(2026, 12, 2)
    assert deadline(FIFTEEN, at("2026-11-21 10:00"), calendar, extension_days=5).last_day == date(2026, 12, 14)
    assert deadline(SAME_DAY, start, calendar, extension_days=2).last_day == date(2026, 11, 20)


def test_an_extended_promise_in_minutes_ends_with_a_day(calendar: WorkCalendar, at: At) -> None:
    due = deadline(HALF_HOUR, at("2026-11-18 10:00"), calendar, extension_days=1)
    assert (due.due_at, due.last_day) == (at("2026-11-20 00:00"), date(2026, 11, 19))


def test_a_negative_extension_is_refused(calendar: WorkCalendar, at: At) -> None:
    with pytest.raises(PromiseInvalid):
        deadline(FIVE_DAYS, at("2026-11-18 10:00"), calendar, extension_days=-1)


# -- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"unit": "weeks", "amount": 1},
        {"unit": "working_days", "amount": 0},
        {"unit": "working_days", "amount": -5},
        {"unit": "working_days", "amount": 1_000_001},
        {"unit": "working_days", "amount": True},
        {"unit": "working_days", "amount": 1.5},
        {"unit": "same_day", "amount": 2},
        {"unit": "working_days", "amount": 1, "cutoff": time(17)},
        {"unit": "same_day", "amount": 1, "cutoff": time(17, tzinfo=UTC)},
    ],
)
def test_a_promise_that_promises_nothing_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(PromiseInvalid):
        Promise(**arguments)  # type: ignore[arg-type]


def test_a_day_has_no_span_in_time() -> None:
    assert HALF_HOUR.span == timedelta(minutes=30)
    with pytest.raises(PromiseInvalid):
        _ = FIVE_DAYS.span


@pytest.mark.parametrize("promise", [SAME_DAY, FIVE_DAYS, FIFTEEN, HALF_HOUR, TWO_HOURS_REAL])
def test_a_start_outside_the_calendar_is_refused(promise: Promise, calendar: WorkCalendar, at: At) -> None:
    for start in (at("1900-01-01 10:00"), at("9999-12-30 10:00"), at("2041-12-31 23:00")):
        if start.year == 2041 and promise is SAME_DAY:
            continue  # the last day's own end can still be said
        with pytest.raises(OutsideCalendar):
            deadline(promise, start, calendar)


def test_the_largest_amount_is_refused_without_a_search(calendar: WorkCalendar, at: At) -> None:
    for unit in ("working_days", "calendar_days", "working_minutes"):
        with pytest.raises(OutsideCalendar):
            deadline(Promise(unit, 1_000_000), at("2040-01-01 10:00"), calendar)


def test_a_naive_time_is_refused(calendar: WorkCalendar, at: At) -> None:
    naive = datetime(2026, 11, 18, 10)  # noqa: DTZ001 - the point of the test
    with pytest.raises(NaiveTime):
        deadline(FIVE_DAYS, naive, calendar)
    with pytest.raises(NaiveTime):
        Pause(naive, None)
    with pytest.raises(NaiveTime):
        Pause(at("2026-11-18 10:00"), naive)


# -- the parts ------------------------------------------------------------------------------------------


def test_going_back_passes_over_pauses(calendar: WorkCalendar, at: At) -> None:
    still = standstills([Pause(at("2026-11-18 10:00"), at("2026-11-18 10:30"))])
    hour = timedelta(hours=1)
    assert retreat("open", at("2026-11-18 11:00"), hour, calendar, still) == at("2026-11-18 09:30")
    assert retreat("open", at("2026-11-18 10:15"), hour, calendar, still) == at("2026-11-18 09:00")
    assert retreat("real", at("2026-11-18 12:00"), hour, calendar, still) == at("2026-11-18 11:00")
    assert retreat("real", at("2026-11-18 09:00"), hour, calendar, still) == at("2026-11-18 08:00")


def test_going_on_from_within_a_pause_starts_at_its_end(calendar: WorkCalendar, at: At) -> None:
    still = standstills([Pause(at("2026-11-18 10:00"), at("2026-11-18 10:30"))])
    assert advance("open", at("2026-11-18 10:10"), timedelta(minutes=5), calendar, still) == at("2026-11-18 10:35")


def test_counting_leaves_out_pauses(calendar: WorkCalendar, at: At) -> None:
    still = standstills([Pause(at("2026-11-18 10:00"), at("2026-11-18 10:30"))])
    start, end = at("2026-11-18 10:20"), at("2026-11-18 11:00")
    assert counted_between("open", start, end, calendar, still) == timedelta(minutes=30)
    assert counted_between("real", start, end, calendar, still) == timedelta(minutes=30)
    assert counted_between("open", end, start, calendar, still) == timedelta(0)


def test_working_days_outside_pauses(calendar: WorkCalendar, at: At) -> None:
    still = standstills([Pause(at("2026-11-19 10:00"), at("2026-11-23 10:00"))])
    assert working_days_outside(date(2026, 11, 18), date(2026, 11, 25), calendar, still) == 3
    assert working_days_outside(date(2026, 11, 24), date(2026, 11, 25), calendar, still) == 1
    assert working_days_outside(date(2026, 11, 25), date(2026, 11, 18), calendar, still) == 0
