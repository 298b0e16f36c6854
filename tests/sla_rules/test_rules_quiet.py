"""Quiet hours: when a message may be delivered, over midnight and over rest days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_rules import NaiveTime, Policy, QuietHours, load_calendar

NIGHT = QuietHours(time(22), time(7))
NIGHT_AND_REST = QuietHours(time(22), time(7), rest_days=True)
NOON = QuietHours(time(12), time(14))
NOON_AND_REST = QuietHours(time(12), time(14), rest_days=True)


@pytest.mark.parametrize(
    ("quiet", "told", "delivered"),
    [
        (NIGHT, "2026-11-20 10:00", "2026-11-20 10:00"),
        (NIGHT, "2026-11-20 21:59", "2026-11-20 21:59"),
        (NIGHT, "2026-11-20 22:00", "2026-11-21 07:00"),
        (NIGHT, "2026-11-21 00:00", "2026-11-21 07:00"),
        (NIGHT, "2026-11-21 06:59", "2026-11-21 07:00"),
        (NIGHT, "2026-11-21 07:00", "2026-11-21 07:00"),
        (NIGHT_AND_REST, "2026-11-20 22:00", "2026-11-23 07:00"),
        (NIGHT_AND_REST, "2026-11-21 12:00", "2026-11-23 07:00"),
        (NIGHT_AND_REST, "2026-11-19 23:00", "2026-11-20 07:00"),
        (NIGHT_AND_REST, "2026-09-30 23:00", "2026-10-08 07:00"),
        (NIGHT_AND_REST, "2026-10-10 09:00", "2026-10-10 09:00"),  # a Saturday that is worked
        (NOON, "2026-11-20 12:00", "2026-11-20 14:00"),
        (NOON, "2026-11-20 11:59", "2026-11-20 11:59"),
        (NOON, "2026-11-20 14:00", "2026-11-20 14:00"),
        (NOON_AND_REST, "2026-11-21 12:30", "2026-11-23 00:00"),
    ],
)
def test_a_message_waits_until_the_quiet_is_over(
    quiet: QuietHours, told: str, delivered: str, *, at: Callable[[str], datetime]
) -> None:
    answered = quiet.over_at(at(told), load_calendar())
    assert answered == at(delivered)
    assert answered.utcoffset() == timedelta(0)


@given(
    start=st.times(),
    end=st.times(),
    rest_days=st.booleans(),
    told=st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
        datetime(2026, 12, 1),  # noqa: DTZ001
        timezones=st.timezones(),
    ),
)
def test_a_message_is_never_early_and_once_delivered_waits_no_more(
    start: time, end: time, rest_days: bool, told: datetime
) -> None:
    quiet, calendar = QuietHours(start, end, rest_days=rest_days), load_calendar()
    delivered = quiet.over_at(told, calendar)
    assert delivered >= told
    if start != end:
        assert quiet.over_at(delivered, calendar) == delivered


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(NaiveTime):
        NIGHT.over_at(datetime(2026, 11, 20, 23), load_calendar())  # noqa: DTZ001 - the naive time is the point


def test_the_shipped_policy_is_quiet_at_night_and_a_policy_without_quiet_hours_never(
    policy: Policy, at: Callable[[str], datetime]
) -> None:
    night = at("2026-11-20 23:00")
    assert policy.message_at(night, load_calendar()) == at("2026-11-21 07:00")
    without = replace(policy, quiet_hours=None)
    assert without.message_at(night, load_calendar()) == night
