"""Start, end and quiet rules as data, and a deadline told that no later count brings forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_rules import (
    Clock,
    ClockKind,
    ClockStepRefused,
    DueChange,
    Kept,
    NaiveTime,
    Pause,
    Promise,
    PromiseInvalid,
    WorkCalendar,
    deadline,
    deadlines,
    explain,
)
from tests.sla_rules.test_rules_laws import calendars, day_promises, minute_promises, moments, promises

At = Callable[[str], datetime]

TO_OFFICE_END = Promise("same_day", 1, end="office_end")
FIVE_DAYS = Promise("working_days", 5)


@pytest.mark.parametrize(
    ("accepted", "due"),
    [
        ("2026-03-06 10:00", "2026-03-06 18:00"),
        ("2026-03-06 17:59", "2026-03-06 18:00"),
        ("2026-03-06 18:00", "2026-03-09 18:00"),  # the closing instant is not office time any more
        ("2026-03-06 20:00", "2026-03-09 18:00"),
        ("2026-03-07 10:00", "2026-03-09 18:00"),  # Saturday
        ("2026-02-14 10:00", "2026-02-14 18:00"),  # a Saturday worked
    ],
)
def test_the_same_day_up_to_the_office_end(accepted: str, due: str, calendar: WorkCalendar, at: At) -> None:
    assert deadline(TO_OFFICE_END, at(accepted), calendar).due_at == at(due)


@pytest.mark.parametrize(
    ("promise", "accepted", "due"),
    [
        (Promise("working_days", 2, end="office_end"), "2026-03-05 20:00", "2026-03-09 18:00"),
        (Promise("calendar_days", 2, end="office_end"), "2026-03-05 20:00", "2026-03-09 18:00"),
        (Promise("calendar_days", 2, roll=False, end="office_end"), "2026-03-05 20:00", "2026-03-07 18:00"),
        (Promise("working_days", 2, start="same_day"), "2026-03-05 20:00", "2026-03-07 00:00"),
        (Promise("working_days", 1, start="same_day"), "2026-03-05 20:00", "2026-03-06 00:00"),
        (Promise("working_days", 1, start="same_day"), "2026-03-07 20:00", "2026-03-10 00:00"),
        (Promise("working_days", 1, start="same_day", cutoff=time(16)), "2026-03-05 16:30", "2026-03-07 00:00"),
        (Promise("working_days", 1, start="same_day", end="office_end"), "2026-03-05 18:30", "2026-03-06 18:00"),
        (Promise("calendar_days", 3, start="same_day", roll=False), "2026-03-05 20:00", "2026-03-08 00:00"),
        (Promise("calendar_days", 3, start="same_day"), "2026-03-05 20:00", "2026-03-10 00:00"),
        (Promise("calendar_days", 1, start="same_day", roll=False), "2026-03-07 20:00", "2026-03-08 00:00"),
        (Promise("calendar_days", 1, start="same_day", end="office_end"), "2026-03-06 20:00", "2026-03-09 18:00"),
    ],
)
def test_start_and_end_rules_in_days(promise: Promise, accepted: str, due: str, calendar: WorkCalendar, at: At) -> None:
    assert deadline(promise, at(accepted), calendar).due_at == at(due)


def test_each_unit_has_its_own_rule_when_nothing_is_said() -> None:
    assert (FIVE_DAYS.start, FIVE_DAYS.end, FIVE_DAYS.quiet) == ("next_day", "end_of_day", "wait")
    urgent = Promise("real_minutes", 30)
    assert (urgent.start, urgent.end, urgent.quiet) == ("at_once", "to_the_minute", "pass")
    assert Promise("same_day", 1).start == "same_day"
    assert Promise("working_minutes", 30).quiet == "wait"
    assert replace(urgent, quiet="wait").quiet == "wait"
    assert Promise("working_days", 5, start="next_day", end="end_of_day", quiet="wait") == FIVE_DAYS


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"unit": "working_days", "start": "at_once"}, "the start"),
        ({"unit": "same_day", "amount": 1, "start": "next_day"}, "the start"),
        ({"unit": "real_minutes", "end": "end_of_day"}, "the end"),
        ({"unit": "calendar_days", "end": "to_the_minute"}, "the end"),
        ({"unit": "working_days", "quiet": "never"}, "quiet"),
        ({"unit": "working_days", "cutoff": time(17)}, "first day counts"),
    ],
)
def test_a_rule_the_unit_does_not_have_is_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(PromiseInvalid, match=complaint):
        Promise(**{"amount": 5, **arguments})  # type: ignore[arg-type]


def test_a_batch_sees_the_hour_where_the_rule_does(calendar: WorkCalendar, at: At) -> None:
    starts = [at("2026-03-06 10:00"), at("2026-03-06 20:00")]
    for promise in (TO_OFFICE_END, Promise("working_days", 1, start="same_day", end="office_end"), FIVE_DAYS):
        assert deadlines(promise, starts, calendar) == [deadline(promise, start, calendar) for start in starts]


def test_explaining_tells_why_the_first_day_did_not_count(calendar: WorkCalendar, at: At) -> None:
    late = explain(Clock(ClockKind.resolve, TO_OFFICE_END, at("2026-03-06 20:00")), calendar)
    assert [(line.date.day, line.counted) for line in late.lines] == [(6, False), (7, False), (8, False), (9, True)]
    assert "当日已过时限" in late.lines[0].reason_zh
    assert late.lines[0].source == ""
    assert "期限:2026-03-09 18:00:00 之前。" in late.sentences()


ruled = st.one_of(
    st.builds(
        Promise,
        st.sampled_from(["working_days", "calendar_days"]),
        st.integers(1, 30),
        start=st.just("same_day"),
        end=st.sampled_from(["end_of_day", "office_end"]),
        cutoff=st.sampled_from([None, time(9), time(17)]),
    ),
    st.builds(Promise, st.just("working_days"), st.integers(1, 30), end=st.just("office_end")),
    st.builds(
        Promise,
        st.just("same_day"),
        st.just(1),
        end=st.sampled_from(["end_of_day", "office_end"]),
        cutoff=st.sampled_from([None, time(9), time(17)]),
    ),
    promises,
)


@given(calendars(), ruled, moments(), moments())
def test_a_later_start_never_ends_earlier_and_no_promise_ends_before_it_starts(
    calendar: WorkCalendar, promise: Promise, one: datetime, other: datetime
) -> None:
    first, second = sorted((one, other))
    ends = deadline(promise, first, calendar).due_at, deadline(promise, second, calendar).due_at
    assert ends[0] <= ends[1]
    assert ends[0] > first


@given(calendars(), ruled, moments())
def test_explained_days_are_the_promised_days_under_every_rule(
    calendar: WorkCalendar, promise: Promise, start: datetime
) -> None:
    it = explain(Clock(ClockKind.resolve, promise, start), calendar)
    assert it.due_at == deadline(promise, start, calendar).due_at
    if promise.in_days:
        assert sum(line.counted for line in it.lines) == max(1, promise.amount)
        assert it.lines[-1].date == it.last_day


# A deadline told ------------------------------------------------------------------------------------------


def test_a_deadline_told_stands_where_a_new_count_would_end_earlier(at: At) -> None:
    told, recounted = at("2019-04-30 00:00"), at("2019-04-29 00:00")
    from sla_rules import load_calendar

    clock = Clock(ClockKind.resolve, FIVE_DAYS, at("2019-04-22 10:00"))
    amended = load_calendar(through_year=2019)
    assert clock.deadline(amended).due_at == recounted
    kept = clock.keep(told)
    assert kept.deadline(amended).due_at == told
    assert kept.deadline(amended).last_day == date(2019, 4, 29)
    it = explain(kept, amended)
    assert (it.lines[-1].date, it.lines[-1].counted) == (date(2019, 4, 29), False)
    assert "已告知的期限不提前" in it.lines[-1].reason_zh
    assert any("不使其提前" in sentence for sentence in it.sentences())
    assert any("does not bring it forward" in sentence for sentence in it.sentences("en"))
    assert it.to_document()["kept"] == "2019-04-29T16:00:00+00:00"


def test_an_extension_granted_after_a_deadline_was_told_is_added_to_it(calendar: WorkCalendar, at: At) -> None:
    clock = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))  # 23 November
    kept = clock.keep(at("2026-11-26 00:00"))
    assert kept.extend(2).deadline(calendar).last_day == date(2026, 11, 27)


def test_an_extension_already_in_the_deadline_told_is_not_added_again(calendar: WorkCalendar, at: At) -> None:
    extended = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00")).extend(2)  # 25 November
    told = extended.deadline(calendar).due_at
    assert extended.keep(told).deadline(calendar).due_at == told
    later = extended.keep(at("2026-11-27 00:00"))
    assert later.deadline(calendar).last_day == date(2026, 11, 26)
    assert later.extend(1).deadline(calendar).last_day == date(2026, 11, 27)


def test_a_pause_that_carries_the_count_past_the_deadline_told_decides_again(calendar: WorkCalendar, at: At) -> None:
    kept = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00")).keep(at("2026-11-25 00:00"))
    paused = replace(kept, pauses=(Pause(at("2026-11-17 10:00"), at("2026-11-24 10:00")),))
    assert paused.deadline(calendar).last_day == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("promise", "due"),
    [
        (Promise("working_minutes", 30), "2026-11-18 11:00"),
        (Promise("working_minutes", 60), "2026-11-18 12:00"),
        (Promise("real_minutes", 30), "2026-11-18 11:00"),
    ],
)
def test_a_deadline_told_to_the_minute(promise: Promise, due: str, calendar: WorkCalendar, at: At) -> None:
    started = at("2026-11-18 10:00") if promise.amount == 30 else at("2026-11-18 11:00")
    clock = Clock(ClockKind.dispatch, promise, started).keep(at("2026-11-18 11:00"))
    assert clock.deadline(calendar).due_at == at(due)
    assert clock.extend(1).deadline(calendar).due_at == at("2026-11-20 00:00")


def test_the_later_of_two_deadlines_told_stands(at: At) -> None:
    clock = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))
    kept = clock.keep(at("2026-11-25 00:00"))
    assert kept.keep(at("2026-11-24 00:00")) == kept
    assert kept.extend(1).keep(at("2026-11-26 00:00")).kept == Kept(at("2026-11-26 00:00"), 1)


def test_keeping_needs_a_running_clock_and_an_instant(at: At) -> None:
    clock = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))
    with pytest.raises(NaiveTime):
        clock.keep(datetime(2026, 11, 25))  # noqa: DTZ001 - the refusal is what is tested
    with pytest.raises(ClockStepRefused):
        clock.stop(at("2026-11-17 10:00")).keep(at("2026-11-25 00:00"))


@given(calendars(), st.one_of(day_promises, minute_promises), moments(), moments(), st.integers(0, 5))
def test_no_count_precedes_the_deadline_told_nor_the_count_without_it(
    calendar: WorkCalendar, promise: Promise, start: datetime, told: datetime, days: int
) -> None:
    plain = deadline(promise, start, calendar, extension_days=days).due_at
    kept = deadline(promise, start, calendar, extension_days=days, kept=Kept(told, days)).due_at
    assert kept == max(plain, told)


# A new cycle, and what moved a deadline -------------------------------------------------------------------


def test_a_new_cycle_is_a_clock_of_its_own(calendar: WorkCalendar, at: At) -> None:
    first = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00")).extend(2).stop(at("2026-11-30 10:00"))
    second = first.new_cycle(Promise("working_days", 3), at("2026-12-01 10:00"))
    assert (second.cycle, second.extension_days, second.status) == (2, 0, "running")
    assert second.deadline(calendar).last_day == date(2026, 12, 4)
    assert first.breached_at(calendar, at("2026-12-02 10:00")) is not None
    assert second.breached_at(calendar, at("2026-12-02 10:00")) is None


def test_a_new_cycle_waits_for_the_stop_and_begins_after_it(at: At) -> None:
    running = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))
    with pytest.raises(ClockStepRefused, match="after the clock has stopped"):
        running.new_cycle(FIVE_DAYS, at("2026-11-20 10:00"))
    with pytest.raises(ClockStepRefused, match="precedes"):
        running.stop(at("2026-11-20 10:00")).new_cycle(FIVE_DAYS, at("2026-11-20 09:59"))


def test_what_moved_a_deadline_is_told_in_both_languages_and_as_data(calendar: WorkCalendar, at: At) -> None:
    change = DueChange(
        at=at("2026-11-18 09:00"),
        cause="retier",
        before=at("2026-11-17 00:00"),
        after=at("2026-11-24 00:00"),
        reason="需要实地调查",
    )
    minute = DueChange(
        at=at("2026-11-19 09:00"), cause="recount", before=at("2026-11-24 00:00"), after=at("2026-11-24 18:00")
    )
    clock = Clock(ClockKind.resolve, FIVE_DAYS, at("2026-11-16 10:00"))
    it = explain(clock, calendar, changes=[change, minute])
    assert "2026-11-18 09:00 改级:期限由 2026-11-16 24:00 改为 2026-11-23 24:00(需要实地调查)。" in it.sentences()
    assert (
        "2026-11-19 09:00 counted anew under a new calendar or policy: from 2026-11-23 24:00 to 2026-11-24 18:00."
    ) in it.sentences("en")
    assert it.to_document()["changes"][0] == {
        "at": "2026-11-18T01:00:00+00:00",
        "cause": "retier",
        "before": "2026-11-16T16:00:00+00:00",
        "after": "2026-11-23T16:00:00+00:00",
        "reason": "需要实地调查",
    }


def test_explaining_cites_the_notice_by_number_and_date(calendar: WorkCalendar, at: At) -> None:
    it = explain(Clock(ClockKind.resolve, FIVE_DAYS, at("2026-09-30 10:00")), calendar)
    holiday = next(line for line in it.lines if line.date == date(2026, 10, 1))
    assert holiday.citation == "国办发明电〔2025〕7号(2025-11-04)"
    assert it.lines[0].citation == ""
    assert it.due_at.tzinfo is UTC


# Pauses over the office's end -----------------------------------------------------------------------------


def test_a_day_up_to_the_office_end_is_not_counted_when_the_clock_stands_as_it_closes(
    calendar: WorkCalendar, at: At
) -> None:
    clock = Clock(ClockKind.resolve, Promise("working_days", 1, end="office_end"), at("2026-11-17 10:00"))
    standing = clock.pause(at("2026-11-18 17:00"), "材料")
    for moment in ("2026-11-18 20:00", "2026-11-19 01:00"):
        assert standing.breached_at(calendar, at(moment)) is None
    resumed = standing.resume(at("2026-11-18 20:00"))
    assert resumed.deadline(calendar).due_at == at("2026-11-19 18:00")
    back_in_time = standing.resume(at("2026-11-18 17:30"))
    assert back_in_time.deadline(calendar).due_at == at("2026-11-18 18:00")
    after_closing = clock.pause(at("2026-11-18 18:00"), "材料").resume(at("2026-11-19 09:00"))
    assert after_closing.deadline(calendar).due_at == at("2026-11-18 18:00")
