"""The three promises on the real calendar of 2024-2026, date by date."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone

import pytest

from sla_rules import Promise, WorkCalendar, deadline
from tests.rows import shared

RULES = {
    "5WD": Promise("working_days", 5),
    "15D": Promise("calendar_days", 15),
    "1WD": Promise("working_days", 1),
}
SHANGHAI = timezone(timedelta(hours=8))

# The project's own copy of the shared rows: rule, accepted, due, what it pins.
OWN_ROWS = [
    ("5WD", "2024-02-02", "2024-02-08", "a Sunday worked in exchange counts"),
    ("5WD", "2024-02-08", "2024-02-21", "除夕 of 2024 was a working day"),
    ("5WD", "2024-04-03", "2024-04-11", "a Sunday worked counts"),
    ("5WD", "2024-04-26", "2024-05-07", "Sunday 28 April worked"),
    ("5WD", "2024-05-06", "2024-05-11", "the last day is itself a Saturday worked"),
    ("5WD", "2024-09-13", "2024-09-23", "Saturday worked, then 中秋"),
    ("5WD", "2024-09-27", "2024-10-10", "Sunday worked, then 国庆"),
    ("5WD", "2024-09-30", "2024-10-12", "the last day is Saturday 12 October, worked"),
    ("5WD", "2025-01-24", "2025-02-07", "Sunday worked, then eight days off"),
    ("5WD", "2025-01-27", "2025-02-10", "last working day before the festival"),
    ("5WD", "2025-04-25", "2025-05-06", "Sunday 27 April worked"),
    ("5WD", "2025-04-30", "2025-05-12", "five days off"),
    ("5WD", "2025-09-26", "2025-10-10", "Sunday 28 September worked"),
    ("5WD", "2025-09-30", "2025-10-14", "国庆 and 中秋 together"),
    ("5WD", "2025-10-03", "2025-10-14", "accepted on a holiday: as on the last working day before"),
    ("5WD", "2025-12-29", "2026-01-06", "across the year, Sunday 4 January worked"),
    ("5WD", "2025-12-31", "2026-01-08", "across the year"),
    ("5WD", "2026-02-11", "2026-02-25", "Saturday 14 February worked"),
    ("5WD", "2026-02-13", "2026-02-27", "from Friday over Saturday worked and the festival"),
    ("5WD", "2026-02-14", "2026-02-28", "from a Saturday worked to a Saturday worked"),
    ("5WD", "2026-02-18", "2026-02-28", "accepted within the festival"),
    ("5WD", "2026-04-03", "2026-04-13", "清明 without exchange"),
    ("5WD", "2026-04-30", "2026-05-11", "Saturday 9 May worked"),
    ("5WD", "2026-06-18", "2026-06-26", "端午"),
    ("5WD", "2026-09-18", "2026-09-24", "Sunday 20 September worked, long before its holiday"),
    ("5WD", "2026-09-24", "2026-10-09", "two holidays within one promise"),
    ("5WD", "2026-09-30", "2026-10-13", "Saturday 10 October worked"),
    ("5WD", "2026-11-20", "2026-11-27", "a plain week"),
    ("5WD", "2026-12-24", "2026-12-31", "late December, provisional"),
    ("15D", "2024-01-26", "2024-02-18", "ends on 初一, rolls past the festival"),
    ("15D", "2024-02-03", "2024-02-18", "ends on a Sunday worked: no roll"),
    ("15D", "2024-04-20", "2024-05-06", "ends within 劳动节"),
    ("15D", "2024-05-02", "2024-05-17", "accepted within a holiday"),
    ("15D", "2024-09-16", "2024-10-08", "accepted on 中秋, ends on 国庆"),
    ("15D", "2025-01-13", "2025-02-05", "ends on 除夕"),
    ("15D", "2025-01-20", "2025-02-05", "ends on the last day off but one"),
    ("15D", "2025-04-20", "2025-05-06", "ends within 劳动节"),
    ("15D", "2025-09-13", "2025-09-28", "ends on a Sunday worked: no roll"),
    ("15D", "2025-09-16", "2025-10-09", "ends on 国庆"),
    ("15D", "2025-09-23", "2025-10-09", "ends on the last day off"),
    ("15D", "2026-01-30", "2026-02-14", "ends on a Saturday worked: no roll"),
    ("15D", "2026-01-31", "2026-02-24", "ends on the first of nine days off"),
    ("15D", "2026-02-05", "2026-02-24", "ends within the festival"),
    ("15D", "2026-02-13", "2026-02-28", "ends on a Saturday worked: no roll"),
    ("15D", "2026-04-16", "2026-05-06", "ends on 劳动节"),
    ("15D", "2026-04-24", "2026-05-09", "ends on a Saturday worked: no roll"),
    ("15D", "2026-09-05", "2026-09-20", "ends on a Sunday worked: no roll"),
    ("15D", "2026-09-10", "2026-09-28", "ends on 中秋"),
    ("15D", "2026-09-11", "2026-09-28", "ends within 中秋"),
    ("15D", "2026-09-16", "2026-10-08", "ends on 国庆"),
    ("15D", "2026-09-22", "2026-10-08", "ends on the last day off"),
    ("15D", "2026-11-21", "2026-12-07", "an ordinary weekend"),
    ("1WD", "2025-01-26", "2025-01-27", "from a Sunday worked"),
    ("1WD", "2025-01-27", "2025-02-05", "over the festival"),
    ("1WD", "2026-02-13", "2026-02-14", "to a Saturday worked"),
    ("1WD", "2026-02-14", "2026-02-24", "from it over the festival"),
    ("1WD", "2026-05-09", "2026-05-11", "from a Saturday worked over a plain Sunday"),
    ("1WD", "2026-09-30", "2026-10-08", "over 国庆"),
]


def last_day(rule: str, accepted: str, calendar: WorkCalendar, hour: int = 10) -> date:
    start = datetime.combine(date.fromisoformat(accepted), time(hour), SHANGHAI)
    due = deadline(RULES[rule], start, calendar)
    assert due.due_at.astimezone(SHANGHAI) == datetime.combine(due.last_day + timedelta(days=1), time(), SHANGHAI)
    return due.last_day


SHARED = shared("day_deadlines.csv")


def shared_rows() -> list[tuple[str, str, str, str]]:
    if SHARED is None:
        return []
    with SHARED.open(encoding="utf-8", newline="") as file:
        return [(row["rule"], row["accepted_date"], row["due_date"], row["note"]) for row in csv.DictReader(file)]


ROWS = shared_rows() or OWN_ROWS


@pytest.mark.parametrize(("rule", "accepted", "due", "pins"), ROWS, ids=[" ".join(row[:2]) for row in ROWS])
def test_a_promise_ends_on_its_day(rule: str, accepted: str, due: str, pins: str, calendar: WorkCalendar) -> None:
    for hour in (0, 10, 23):  # the hour of acceptance can't matter to a promise in days
        assert last_day(rule, accepted, calendar, hour) == date.fromisoformat(due), pins


def test_the_own_copy_of_the_days_is_whole() -> None:
    assert len(set(OWN_ROWS)) == 58
    if SHARED:
        assert [row[:3] for row in OWN_ROWS] == [row[:3] for row in shared_rows()]


def test_late_december_is_provisional_until_the_next_notice(
    calendar: WorkCalendar, at: Callable[[str], datetime]
) -> None:
    open_end = deadline(RULES["5WD"], at("2026-12-24 10:00"), calendar)
    assert (open_end.last_day, open_end.provisional) == (date(2026, 12, 31), True)
    settled = deadline(RULES["15D"], at("2026-11-21 10:00"), calendar)
    assert (settled.last_day, settled.provisional) == (date(2026, 12, 7), False)
