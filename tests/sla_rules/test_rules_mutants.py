"""What the mutation run found no test for, module by module (docs/mutation.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from sla_rules import (
    Clock,
    ClockKind,
    ClockStepRefused,
    OpenPauseNeedsAsOf,
    Promise,
    WorkCalendar,
    recount,
)

At = Callable[[str], datetime]

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
    assert not it.kept
    assert it.clock == of_monday(at).retier(THREE_DAYS)
    assert it.deadline.due_at == at("2026-11-20 00:00")


@pytest.mark.parametrize("shorten", ["keep", "follow"])
def test_a_count_that_ends_as_told_or_later_simply_applies(shorten: str, calendar: WorkCalendar, at: At) -> None:
    told = at("2026-11-24 00:00")
    for promise in (FIVE_DAYS, EIGHT_DAYS):
        it = recount(of_monday(at), promise, calendar, told=told, shorten=shorten, as_of=None)
        assert not it.kept
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
