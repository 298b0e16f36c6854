"""What the tests of the rules share: the built-in calendar and policy, and local times written as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sla_rules import Policy, WorkCalendar, load_calendar, load_policy

SHANGHAI = timezone(timedelta(hours=8))


@pytest.fixture(scope="session")
def calendar() -> WorkCalendar:
    return load_calendar()


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy()


@pytest.fixture(scope="session")
def at() -> Callable[[str], datetime]:
    """`at("2026-02-13 17:00")`: that time in Shanghai, as the UTC instant the rules answer with."""

    def instant(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)

    return instant
