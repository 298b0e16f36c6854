"""The ladder: where each rung stands, what a late start, a stop and an outage do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from sla_rules import (
    AtDue,
    AtFraction,
    AtWorkingDays,
    AtWorkingTime,
    BeforeOfficeEnd,
    Clock,
    ClockKind,
    LadderInvalid,
    OpenPauseNeedsAsOf,
    PlannedRung,
    Policy,
    Promise,
    Rung,
    Tier,
    WorkCalendar,
    due_rungs,
    next_check,
    plan,
)

At = Callable[[str], datetime]

WARN_60 = Rung("warn_60", AtWorkingTime(-60), ("handler",))
WARN_30 = Rung("warn_30", AtWorkingTime(-30), ("handler",))
BREACH = Rung("breach", AtDue(), ("leader", "parent_leader"))
LATE_10H = Rung("late_10h", AtWorkingTime(600), ("supervisor",))
TWO_HOURS = Promise("working_minutes", 120)


def names(planned: tuple[PlannedRung, ...]) -> list[str]:
    return [entry.rung.name for entry in planned]


def clock(policy: Policy, tier: Tier, started_at: datetime) -> Clock:
    return Clock(ClockKind.resolve, policy.promise(ClockKind.resolve, tier), started_at)


def test_the_ladder_of_a_difficult_matter(policy: Policy, calendar: WorkCalendar, at: At) -> None:
    resolving = clock(policy, Tier.difficult, at("2026-11-18 10:00"))
    planned = plan(resolving, policy.ladder(ClockKind.resolve, Tier.difficult), calendar)
    assert [(entry.rung.name, entry.at) for entry in planned] == [
        # 5.5 hours of Wednesday and five days of 7 make 40.5: half after 20.25, four fifths after 32.4.
        ("half", at("2026-11-23 09:15")),
        ("most", at("2026-11-24 16:54")),
        ("breach", at("2026-11-26 00:00")),
        ("late_1", at("2026-11-27 00:00")),
        ("late_3", at("2026-12-01 00:00")),
    ]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("2026-11-18 10:00", [("warn_4h", "2026-11-18 14:00"), ("warn_1h", "2026-11-18 17:00")]),
        ("2026-11-18 15:00", [("warn_4h", "2026-11-18 15:00"), ("warn_1h", "2026-11-18 17:00")]),
        ("2026-11-18 20:00", [("warn_1h", "2026-11-18 20:00")]),  # only the highest, and at once
        ("2026-11-21 10:00", [("warn_4h", "2026-11-21 14:00"), ("warn_1h", "2026-11-21 17:00")]),  # a Saturday
    ],
)
def test_a_same_day_matter_warns_before_the_office_closes(
    accepted: str, expected: list[tuple[str, str]], policy: Policy, calendar: WorkCalendar, at: At
) -> None:
    planned = plan(
        clock(policy, Tier.ordinary, at(accepted)), policy.ladder(ClockKind.resolve, Tier.ordinary), calendar
    )
    assert [(entry.rung.name, entry.at) for entry in planned[: len(expected)]] == [
        (name, at(moment)) for name, moment in expected
    ]
    assert names(planned)[len(expected) :] == ["breach", "late_1", "late_3"]


def test_days_after_the_deadline_are_working_days(policy: Policy, calendar: WorkCalendar, at: At) -> None:
    # Due at the end of 30 September; the first working day after it is 8 October.
    ordinary = clock(policy, Tier.ordinary, at("2026-09-30 10:00"))
    planned = {
        entry.rung.name: entry.at for entry in plan(ordinary, policy.ladder(ClockKind.resolve, Tier.ordinary), calendar)
    }
    assert planned["breach"] == at("2026-10-01 00:00")
    assert planned["late_1"] == at("2026-10-09 00:00")
    assert planned["late_3"] == at("2026-10-11 00:00")  # Saturday 10 October is worked


def test_offsets_before_and_after_the_deadline_run_in_working_time(calendar: WorkCalendar, at: At) -> None:
    morning = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    planned = plan(morning, [WARN_60, WARN_30, BREACH, LATE_10H], calendar)
    assert [entry.at for entry in planned] == [
        at("2026-11-18 10:00"),
        at("2026-11-18 10:30"),
        at("2026-11-18 11:00"),
        at("2026-11-19 16:30"),
    ]


def test_a_pause_within_the_warning_is_passed_over(calendar: WorkCalendar, at: At) -> None:
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    paused = running.pause(at("2026-11-18 10:30"), "").resume(at("2026-11-18 11:00"))
    assert [entry.at for entry in plan(paused, [WARN_60, BREACH], calendar)] == [
        at("2026-11-18 10:00"),
        at("2026-11-18 11:30"),
    ]


def test_rungs_past_at_the_start_collapse_into_the_highest(calendar: WorkCalendar, at: At) -> None:
    short = Clock(ClockKind.dispatch, Promise("working_minutes", 20), at("2026-11-18 10:00"))
    planned = plan(short, [WARN_60, WARN_30, BREACH], calendar)
    assert [(entry.rung.name, entry.at) for entry in planned] == [
        ("warn_30", at("2026-11-18 10:00")),
        ("breach", at("2026-11-18 10:20")),
    ]


def test_rungs_at_one_instant_keep_the_order_of_the_ladder(calendar: WorkCalendar, at: At) -> None:
    other = Rung("also", AtDue(), ("agent",))
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    assert names(plan(running, [other, BREACH], calendar)) == ["also", "breach"]
    assert names(plan(running, [BREACH, other], calendar)) == ["breach", "also"]


def test_a_standing_clock_needs_a_moment_and_plans_from_it(policy: Policy, calendar: WorkCalendar, at: At) -> None:
    standing = clock(policy, Tier.difficult, at("2026-11-18 10:00")).pause(at("2026-11-19 10:00"), "")
    ladder = policy.ladder(ClockKind.resolve, Tier.difficult)
    with pytest.raises(OpenPauseNeedsAsOf):
        plan(standing, ladder, calendar)
    resumed = standing.resume(at("2026-11-20 10:00"))
    assert plan(standing, ladder, calendar, as_of=at("2026-11-20 10:00")) == plan(resumed, ladder, calendar)


# -- catching up ----------------------------------------------------------------------------------------


def test_the_next_check_is_the_earliest_rung_not_fired(calendar: WorkCalendar, at: At) -> None:
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    planned = plan(running, [WARN_60, WARN_30, BREACH], calendar)
    assert next_check(planned, (), status="running") == at("2026-11-18 10:00")
    assert next_check(planned, {"warn_60"}, status="running") == at("2026-11-18 10:30")
    assert next_check(planned, {"warn_60", "warn_30", "breach"}, status="running") is None
    assert next_check(planned, (), status="paused") is None
    assert next_check(planned, (), status="stopped") is None


def test_each_tick_fires_what_it_reached_and_nothing_twice(calendar: WorkCalendar, at: At) -> None:
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    planned = plan(running, [WARN_60, WARN_30, BREACH], calendar)
    fired: set[str] = set()
    seen = []
    for tick in ("2026-11-18 09:59", "2026-11-18 10:01", "2026-11-18 10:01", "2026-11-18 10:31"):
        reached = names(due_rungs(planned, fired, at(tick)))
        fired.update(reached)
        seen.append(reached)
    assert seen == [[], ["warn_60"], [], ["warn_30"]]


def test_after_an_outage_the_rungs_come_in_order(calendar: WorkCalendar, at: At) -> None:
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    planned = plan(running, [BREACH, WARN_30, WARN_60], calendar)
    assert names(due_rungs(planned, (), at("2026-11-18 11:30"))) == ["warn_60", "warn_30", "breach"]


# -- stopping -------------------------------------------------------------------------------------------


def test_a_breach_noticed_after_the_stop_still_fires(calendar: WorkCalendar, at: At) -> None:
    late = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00")).stop(at("2026-11-18 11:03"))
    planned = plan(late, [WARN_60, WARN_30, BREACH, LATE_10H], calendar)
    # The warnings are for a clock that runs; the rung after the stop was never reached.
    assert names(due_rungs(planned, (), at("2026-11-18 11:05"))) == ["breach"]
    assert due_rungs(planned, {"breach"}, at("2026-12-18 11:05")) == ()


def test_a_stop_in_time_ends_the_ladder(calendar: WorkCalendar, at: At) -> None:
    kept = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00")).stop(at("2026-11-18 10:59:59.999999"))
    assert plan(kept, [WARN_60, BREACH, LATE_10H], calendar) == ()


def test_a_stop_at_the_deadline_itself_is_late(calendar: WorkCalendar, at: At) -> None:
    late = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00")).stop(at("2026-11-18 11:00"))
    assert names(plan(late, [WARN_60, BREACH, LATE_10H], calendar)) == ["breach"]


def test_consequences_reached_before_the_stop_fire_with_the_breach(
    policy: Policy, calendar: WorkCalendar, at: At
) -> None:
    late = clock(policy, Tier.ordinary, at("2026-11-18 10:00")).stop(at("2026-11-20 10:00"))
    planned = plan(late, policy.ladder(ClockKind.resolve, Tier.ordinary), calendar)
    assert names(due_rungs(planned, (), at("2026-11-21 10:00"))) == ["breach", "late_1"]


# -- the other clocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "urgent", "expected"),
    [
        (ClockKind.dispatch, False, [("limit", "2026-11-18 10:30")]),
        (ClockKind.sign, False, [("half", "2026-11-19 09:15"), ("limit", "2026-11-20 00:00")]),
        (ClockKind.sign, True, [("half", "2026-11-18 10:15"), ("limit", "2026-11-18 10:30")]),
        (ClockKind.first_contact, False, [("limit", "2026-11-20 00:00")]),
        (ClockKind.first_contact, True, [("limit", "2026-11-18 12:00")]),
        (ClockKind.callback, False, [("limit", "2026-11-20 00:00")]),
    ],
)
def test_every_clock_has_its_ladder(
    kind: ClockKind,
    urgent: bool,
    expected: list[tuple[str, str]],
    *,
    policy: Policy,
    calendar: WorkCalendar,
    at: At,
) -> None:
    running = Clock(kind, policy.promise(kind, urgent=urgent), at("2026-11-18 10:00"))
    planned = plan(running, policy.ladder(kind, urgent=urgent), calendar)
    assert [(entry.rung.name, entry.at) for entry in planned] == [(name, at(moment)) for name, moment in expected]
    assert all(entry.rung.urgent is urgent for entry in planned)


# -- what is refused ------------------------------------------------------------------------------------


def test_rungs_that_can_not_be_are_refused() -> None:
    wrong: list[Callable[[], object]] = [
        lambda: AtFraction(0),
        lambda: AtFraction(1),
        lambda: AtWorkingTime(0),
        lambda: AtWorkingDays(0),
        lambda: BeforeOfficeEnd(0),
        lambda: Rung("", AtDue(), ("leader",)),
        lambda: Rung("x", AtDue()),
        lambda: Rung("x", AtDue(), ("press",)),  # type: ignore[arg-type]
        lambda: Rung("x", AtDue(), ("leader", "leader")),
        lambda: Rung("x", AtDue(), ("leader",), ("dismiss",)),  # type: ignore[arg-type]
    ]
    for make in wrong:
        with pytest.raises(LadderInvalid) as refused:
            make()
        assert refused.value.zh


def test_a_ladder_needs_rungs_of_different_names(calendar: WorkCalendar, at: At) -> None:
    running = Clock(ClockKind.dispatch, TWO_HOURS, at("2026-11-18 09:00"))
    for ladder in ([], [BREACH, BREACH]):
        with pytest.raises(LadderInvalid):
            plan(running, ladder, calendar)


def test_a_rung_knows_whether_it_follows_a_breach() -> None:
    following = [BREACH, LATE_10H, Rung("d", AtWorkingDays(1), ("leader",))]
    warning = [WARN_30, Rung("f", AtFraction(0.5), ("leader",)), Rung("o", BeforeOfficeEnd(60), ("leader",))]
    assert all(rung.follows_breach for rung in following)
    assert not any(rung.follows_breach for rung in warning)
