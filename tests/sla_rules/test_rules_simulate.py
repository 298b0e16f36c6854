"""History under other rules: counted as recorded, recomputed by the same code, and nothing ever dropped."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_rules import (
    CalendarInvalid,
    Clock,
    ClockKind,
    DayOverride,
    Figures,
    Holiday,
    NaiveTime,
    NoticeYear,
    OutsideCalendar,
    PastClock,
    Pause,
    Policy,
    Promise,
    PromiseInvalid,
    Simulation,
    Tier,
    TierRequired,
    WorkCalendar,
    load_policy,
    parse_hours,
    simulate,
    with_amount,
    with_year,
    without_made_up_days,
)
from tests.sla_rules.test_rules_laws import calendars, moments, pauses

At = Callable[[str], datetime]
FIVE_DAYS = Promise("working_days", 5)
XINING, GOLMUD = "630100", "632801"


@pytest.fixture(scope="module")
def three_days(policy: Policy) -> Policy:
    return with_amount(policy, ClockKind.resolve, Tier.difficult, amount=3)


def difficult(
    calendar: WorkCalendar,
    started_at: datetime,
    stopped_at: datetime | None = None,
    *,
    union: str = GOLMUD,
    **changes: Any,
) -> PastClock:
    """A difficult matter as it was recorded under five working days."""
    clock = Clock(ClockKind.resolve, FIVE_DAYS, started_at, stopped_at=stopped_at, **changes)
    due_at = clock.deadline(calendar, as_of=datetime(2026, 12, 1, tzinfo=UTC)).due_at
    return PastClock(reference="QH-1", union=union, tier=Tier.difficult, clock=clock, recorded_due_at=due_at)


# -- sides ----------------------------------------------------------------------------------------------


def test_a_ticket_done_on_the_fourth_day_is_late_under_three(
    calendar: WorkCalendar, policy: Policy, three_days: Policy, at: At
) -> None:
    # Accepted on Monday 11-02: five working days end with Monday 11-09, three with Thursday 11-05.
    past = difficult(calendar, at("2026-11-02 10:00"), at("2026-11-06 09:00"))

    result = simulate([past], policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    (changed,) = result.changed
    assert changed.past is past
    assert (changed.due_at, changed.shift) == (at("2026-11-06 00:00"), timedelta(days=-4))
    assert (changed.then, changed.now, changed.direction) == ("on_time", "late", "newly_late")
    assert result.largest_shift == changed
    assert result.total == Figures(clocks=1, due_then=1, on_time_then=1, due_now=1, moved=1, newly_late=1)
    assert (result.total.rate_then, result.total.rate_now) == (1, 0)
    assert result.policy_version == three_days.version != policy.version
    assert result.calendar_version == calendar.version


def test_a_longer_promise_takes_a_ticket_back_from_being_late(calendar: WorkCalendar, policy: Policy, at: At) -> None:
    past = difficult(calendar, at("2026-11-02 10:00"), at("2026-11-11 09:00"))
    longer = with_amount(policy, ClockKind.resolve, Tier.difficult, amount=10)

    result = simulate([past], policy=longer, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert [changed.direction for changed in result.changed] == ["no_longer_late"]
    assert result.total == Figures(clocks=1, due_then=1, due_now=1, on_time_now=1, moved=1, no_longer_late=1)


def test_the_deadline_is_exclusive_then_and_now(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    instant = timedelta(microseconds=1)
    history = [
        difficult(calendar, at("2026-11-02 10:00"), stop)
        for end in ("2026-11-06 00:00", "2026-11-10 00:00")
        for stop in (at(end) - instant, at(end))
    ]

    result = simulate(history, policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert (result.total.on_time_then, result.total.on_time_now) == (3, 1)
    assert [changed.past for changed in result.changed] == history[1:3]


def test_an_open_ticket_counts_once_its_deadline_has_passed(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    past = difficult(calendar, at("2026-11-02 10:00"))
    figures = {
        as_of: simulate([past], policy=three_days, calendar=calendar, as_of=at(as_of)).total
        for as_of in ("2026-11-05 23:59", "2026-11-06 00:00", "2026-11-10 00:00")
    }

    assert figures["2026-11-05 23:59"] == Figures(clocks=1, moved=1)
    assert figures["2026-11-05 23:59"].rate_then is figures["2026-11-05 23:59"].rate_now is None
    assert figures["2026-11-06 00:00"] == Figures(clocks=1, moved=1, due_now=1, newly_late=1)
    assert figures["2026-11-10 00:00"] == Figures(clocks=1, moved=1, due_then=1, due_now=1)


def test_a_ticket_suspended_before_its_deadline_has_broken_nothing(
    calendar: WorkCalendar, three_days: Policy, at: At
) -> None:
    early = difficult(calendar, at("2026-11-02 10:00"), pauses=(Pause(at("2026-11-04 09:00"), None),))
    between = difficult(calendar, at("2026-11-02 10:00"), pauses=(Pause(at("2026-11-06 09:00"), None),))

    result = simulate([early, between], policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert [changed.past for changed in result.changed] == [between]
    assert result.total.due_then == 0


def test_an_open_pause_lasts_until_its_review(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    past = difficult(calendar, at("2026-11-02 10:00"), pauses=(Pause(at("2026-11-04 09:00"), None),))
    reviewed = replace(past, resumes_at=at("2026-11-23 09:00"))

    result = simulate([reviewed], policy=three_days, calendar=calendar, as_of=at("2026-11-10 09:00"))

    assert result.largest_shift is not None
    assert result.largest_shift.due_at == at("2026-11-25 00:00")


def test_extensions_and_pauses_are_kept(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    past = difficult(
        calendar,
        at("2026-11-02 10:00"),
        extension_days=2,
        pauses=(Pause(at("2026-11-03 09:00"), at("2026-11-04 09:00")),),
    )

    result = simulate([past], policy=three_days, calendar=calendar, as_of=at("2026-11-03 09:00"))

    assert result.largest_shift is not None
    assert result.largest_shift.due_at == at("2026-11-11 00:00")


def test_a_deadline_told_under_the_old_promise_does_not_bind_the_new_one(
    calendar: WorkCalendar, policy: Policy, three_days: Policy, at: At
) -> None:
    past = difficult(calendar, at("2026-11-02 10:00"))
    told = replace(past, clock=past.clock.keep(at("2026-11-13 00:00")), recorded_due_at=at("2026-11-13 00:00"))

    same = simulate([told], policy=policy, calendar=calendar, as_of=at("2026-12-01 09:00"))
    other = simulate([told], policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert same.largest_shift is None
    assert other.largest_shift is not None
    assert other.largest_shift.due_at == at("2026-11-06 00:00")


def test_redone_work_and_urgent_matters_have_their_own_promise(
    calendar: WorkCalendar, policy: Policy, three_days: Policy, at: At
) -> None:
    again = difficult(calendar, at("2026-11-02 10:00"), cycle=2)
    contact = Clock(ClockKind.first_contact, policy.promise(ClockKind.first_contact), at("2026-11-02 10:00"))
    urgent = PastClock(
        reference="QH-2",
        union=XINING,
        tier=None,
        clock=contact,
        recorded_due_at=contact.deadline(calendar).due_at,
        urgent=True,
    )

    result = simulate([again, urgent], policy=policy, calendar=calendar, as_of=at("2026-11-03 09:00"))

    assert [changed.due_at for changed in result.changed] == [at("2026-11-02 12:00")]
    assert result.largest_shift is not None
    assert result.largest_shift.due_at == at("2026-11-06 00:00"), "three working days for redone work"


def test_the_largest_shift_is_the_farthest_either_way(calendar: WorkCalendar, policy: Policy, at: At) -> None:
    near, far = difficult(calendar, at("2026-11-04 10:00")), difficult(calendar, at("2026-09-28 10:00"))

    result = simulate(
        [near, far, near],
        policy=with_amount(policy, ClockKind.resolve, Tier.difficult, amount=2),
        calendar=calendar,
        as_of=at("2026-12-01 09:00"),
    )

    assert result.largest_shift is not None
    assert result.largest_shift.past is far, "the National Day holiday lies between"


# -- what has no answer ---------------------------------------------------------------------------------


def test_what_has_no_answer_is_told_and_hinders_no_other(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    good = difficult(calendar, at("2026-11-02 10:00"), at("2026-11-06 09:00"))
    early = replace(good, reference="QH-0", clock=replace(good.clock, started_at=at("1999-01-01 09:00")))
    untiered = replace(good, reference="QH-2", tier=None, union=XINING)

    result = simulate([early, good, untiered], policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert [(entry.past.reference, type(entry.error)) for entry in result.unanswered] == [
        ("QH-0", OutsideCalendar),
        ("QH-2", TierRequired),
    ]
    assert (result.total.clocks, result.total.unanswered, result.total.due_then, result.total.due_now) == (3, 2, 1, 1)
    assert result.by_union == {
        XINING: Figures(clocks=1, unanswered=1),
        GOLMUD: Figures(clocks=2, unanswered=1, due_then=1, on_time_then=1, due_now=1, moved=1, newly_late=1),
    }
    assert list(result.by_tier) == [Tier.difficult, None]


def test_an_empty_history_has_figures_of_nought(calendar: WorkCalendar, policy: Policy, at: At) -> None:
    result = simulate([], policy=policy, calendar=calendar, as_of=at("2026-11-01 09:00"))

    assert result.total == Figures()
    assert (result.by_tier, result.by_union, result.largest_shift) == ({}, {}, None)


def test_times_without_offset_are_refused(calendar: WorkCalendar, policy: Policy, at: At) -> None:
    past = difficult(calendar, at("2026-11-02 10:00"))
    with pytest.raises(NaiveTime):
        simulate([], policy=policy, calendar=calendar, as_of=datetime(2026, 11, 1))  # noqa: DTZ001
    for name in ("recorded_due_at", "resumes_at"):
        with pytest.raises(NaiveTime):
            replace(past, **{name: datetime(2026, 11, 1)})  # noqa: DTZ001


def test_only_what_is_reported_is_kept_in_memory(calendar: WorkCalendar, three_days: Policy, at: At) -> None:
    alive = []

    def history() -> Iterator[PastClock]:
        for number in range(300):
            if number % 100 == 99:
                alive.append(sum(isinstance(thing, PastClock) for thing in gc.get_objects()))
            yield difficult(calendar, at("2026-11-02 10:00"), at("2026-11-03 10:00"))

    simulate(history(), policy=three_days, calendar=calendar, as_of=at("2026-12-01 09:00"))

    assert max(alive) < 10


# -- changed rules --------------------------------------------------------------------------------------


def test_another_amount_changes_one_promise_and_the_version(policy: Policy, three_days: Policy) -> None:
    assert three_days.promise(ClockKind.resolve, Tier.difficult) == Promise("working_days", 3)
    for kind in ClockKind:
        for tier in Tier:
            for urgent, cycle in ((True, 1), (False, 2)):
                # A leg is a part of the promise to resolve and changes with it.
                if (tier, cycle) != (Tier.difficult, 1) or kind not in (ClockKind.resolve, ClockKind.leg):
                    before = policy.promise(kind, tier, urgent=urgent, cycle=cycle)
                    assert three_days.promise(kind, tier, urgent=urgent, cycle=cycle) == before
    assert with_amount(policy, ClockKind.resolve, Tier.difficult, amount=5) is policy


def test_a_promise_for_any_tier_stays_for_the_other_tiers(policy: Policy) -> None:
    changed = with_amount(policy, ClockKind.sign, Tier.complex, amount=2)

    assert changed.promise(ClockKind.sign, Tier.complex) == Promise("working_days", 2)
    assert changed.promise(ClockKind.sign, Tier.ordinary) == Promise("working_days", 1)
    assert changed.promise(ClockKind.sign, Tier.complex, urgent=True) == Promise("real_minutes", 30)


def test_another_unit_brings_its_own_rules(policy: Policy) -> None:
    changed = with_amount(policy, ClockKind.resolve, Tier.ordinary, amount=2, unit="working_days")
    assert changed.promise(ClockKind.resolve, Tier.ordinary) == Promise("working_days", 2)
    with pytest.raises(PromiseInvalid):
        with_amount(policy, ClockKind.resolve, Tier.ordinary, amount=2)


def test_without_made_up_days_a_weekend_is_a_weekend(calendar: WorkCalendar) -> None:
    plain = without_made_up_days(calendar)
    made_up = [
        day
        for offset in range((calendar.covered_until - calendar.first_day).days)
        if calendar.day(day := calendar.first_day + timedelta(days=offset)).kind == "work"
    ]

    assert len(made_up) > 90
    assert not any(plain.is_working_day(day) for day in made_up)
    assert plain.day(date(2026, 10, 1)) == calendar.day(date(2026, 10, 1)), "holidays stay"
    assert plain.version != calendar.version
    assert without_made_up_days(plain) == plain


def test_dated_exceptions_stay_unless_they_work_a_day_of_rest() -> None:
    year = NoticeYear(2026, holidays=(Holiday("调休", (), (date(2026, 1, 4),)), Holiday("元旦", (date(2026, 1, 1),))))
    calendar = WorkCalendar.from_years(
        [year],
        overrides=[
            DayOverride(date(2026, 3, 2), "off", name="停电"),
            DayOverride(date(2026, 3, 3), "work", hours=parse_hours(["09:00-12:00"])),
            DayOverride(date(2026, 3, 7), "work"),
        ],
    )

    plain = without_made_up_days(calendar)

    assert [entry.date.day for entry in plain.overrides] == [2, 3]
    assert [holiday.name for holiday in plain.years[0].holidays] == ["元旦"]
    assert not plain.is_working_day(date(2026, 1, 4))


def test_a_year_takes_the_place_of_its_own_or_is_added(calendar: WorkCalendar) -> None:
    shorter = Holiday("国庆节", (date(2026, 10, 1), date(2026, 10, 2)))
    other = with_year(calendar, NoticeYear(2026, holidays=(shorter,)))
    assert other.is_working_day(date(2026, 10, 5))
    assert other.day(date(2025, 10, 6)) == calendar.day(date(2025, 10, 6)), "other years stay"
    assert other.settled_until == calendar.settled_until

    longer = with_year(calendar, NoticeYear(2027, holidays=(Holiday("元旦", (date(2027, 1, 1),)),)))
    assert longer.covered_until == date(2027, 12, 31)
    assert longer.settled_until > calendar.settled_until
    with pytest.raises(CalendarInvalid):
        with_year(calendar, NoticeYear(2029))


# -- laws -----------------------------------------------------------------------------------------------

POLICY = load_policy()
# A day late, for a calendar west of Greenwich begins after its year does in UTC.
SINCE, AS_OF = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)
UNIONS = ("630000", XINING, GOLMUD)


@st.composite
def histories(draw: st.DrawFn, calendar: WorkCalendar) -> list[PastClock]:
    """Clocks of any kind with pauses, extensions and stops, their deadlines recorded under the built-in policy."""
    return [draw(past_clocks(calendar)) for _ in range(draw(st.integers(0, 6)))]


@st.composite
def past_clocks(draw: st.DrawFn, calendar: WorkCalendar) -> PastClock:
    kind, tier = draw(st.sampled_from(ClockKind)), draw(st.sampled_from(Tier))
    urgent, cycle = draw(st.booleans()), draw(st.integers(1, 3))
    start = draw(moments(first=SINCE, last=AS_OF))
    stood = draw(pauses(start))
    resumes_at = None
    ended = draw(st.sampled_from(["stopped", "running", "suspended"]))
    stopped_at = start + draw(st.integers(0, 40 * 24 * 60)) * timedelta(minutes=1) if ended == "stopped" else None
    if ended == "suspended":
        since = max([start, *(pause.end for pause in stood if pause.end)])
        stood = (*stood, Pause(since, None))
        resumes_at = draw(st.sampled_from([None, since + timedelta(days=9)]))
    clock = Clock(
        kind,
        POLICY.promise(kind, tier, urgent=urgent, cycle=cycle),
        start,
        stood,
        draw(st.integers(0, 5)),
        stopped_at,
        cycle=cycle,
    )
    return PastClock(
        reference=str(draw(st.integers(1, 9))),
        union=draw(st.sampled_from(UNIONS)),
        tier=tier,
        clock=clock,
        recorded_due_at=clock.deadline(calendar, as_of=resumes_at or AS_OF).due_at,
        urgent=urgent,
        resumes_at=resumes_at,
    )


def under(history: list[PastClock], policy: Policy, calendar: WorkCalendar) -> Simulation:
    return simulate(history, policy=policy, calendar=calendar, as_of=AS_OF)


@given(calendars(), st.data())
def test_the_rules_that_were_in_force_change_nothing(calendar: WorkCalendar, data: st.DataObject) -> None:
    history = data.draw(histories(calendar))
    result = under(history, POLICY, calendar)

    assert (result.changed, result.unanswered, result.largest_shift) == ((), (), None)
    assert (result.total.due_then, result.total.on_time_then) == (result.total.due_now, result.total.on_time_now)
    assert (result.total.clocks, result.total.moved) == (len(history), 0)


@given(calendars(), st.data(), st.sampled_from([Tier.difficult, Tier.complex]))
def test_a_shorter_promise_never_raises_the_count_on_time(
    calendar: WorkCalendar, data: st.DataObject, tier: Tier
) -> None:
    history = data.draw(histories(calendar))
    amounts = st.integers(1, POLICY.promise(ClockKind.resolve, tier).amount)
    shorter = with_amount(POLICY, ClockKind.resolve, tier, amount=data.draw(amounts))
    result = under(history, shorter, calendar)

    assert result.total.on_time_now <= result.total.on_time_then
    assert result.total.due_now >= result.total.due_then
    assert result.total.no_longer_late == 0
    assert all(changed.past.tier == tier and changed.shift < timedelta(0) for changed in result.changed)


@given(calendars(), st.data())
def test_without_made_up_days_no_ticket_turns_late(calendar: WorkCalendar, data: st.DataObject) -> None:
    result = under(data.draw(histories(calendar)), POLICY, without_made_up_days(calendar))

    assert result.total.newly_late == 0
    assert result.total.on_time_now >= result.total.on_time_then
    assert result.largest_shift is None or result.largest_shift.shift > timedelta(0)


@given(calendars(), calendars(), st.integers(1, 9), st.data())
def test_counts_add_up(calendar: WorkCalendar, other: WorkCalendar, amount: int, data: st.DataObject) -> None:
    history = data.draw(histories(calendar))
    result = under(history, with_amount(POLICY, ClockKind.resolve, Tier.difficult, amount=amount), other)

    for name in (field.name for field in fields(Figures)):
        whole = getattr(result.total, name)
        assert sum(getattr(figures, name) for figures in result.by_union.values()) == whole
        assert sum(getattr(figures, name) for figures in result.by_tier.values()) == whole
    directions = [changed.direction for changed in result.changed]
    assert directions.count("newly_late") == result.total.newly_late
    assert directions.count("no_longer_late") == result.total.no_longer_late
    assert len(result.unanswered) == result.total.unanswered
    late_then = result.total.due_then - result.total.on_time_then
    late_now = result.total.due_now - result.total.on_time_now
    assert late_now - late_then == result.total.newly_late - result.total.no_longer_late
