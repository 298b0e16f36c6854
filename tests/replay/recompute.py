"""The breach report reckoned again by somebody else.

Reads only the exported timestamps and an independent calendar (the `chinesecalendar` package). Nothing here imports
the project: days are walked one by one, windows second by second of their length, as slowly and plainly as possible.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path

import chinese_calendar

ZONE = timezone(timedelta(hours=8))
HOURS = ((time(8, 30), time(12, 0)), (time(14, 30), time(18, 0)))
DAY = timedelta(days=1)


@cache
def is_workday(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))


@dataclass(frozen=True)
class Clock:
    ticket: str
    kind: str
    leg: str
    cycle: int
    tier: str
    category: str
    union: str
    unit: str
    amount: int
    roll: bool
    started: datetime
    extension_days: int
    pauses: tuple[tuple[datetime, datetime | None], ...]
    stopped: datetime | None


@dataclass(frozen=True)
class Breach:
    clock: Clock
    due: datetime
    late_seconds: int


def read(path: Path) -> list[Clock]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Clock(
                ticket=row["ticket"],
                kind=row["clock"],
                leg=row["leg"],
                cycle=int(row["cycle"]),
                tier=row["tier"],
                category=row["category"],
                union=row["union"],
                unit=row["unit"],
                amount=int(row["amount"]),
                roll=row["roll"] == "True",
                started=datetime.fromisoformat(row["started_at"]),
                extension_days=int(row["extension_days"]),
                pauses=tuple(_pause(text) for text in row["pauses"].split(";") if text),
                stopped=_instant(row["stopped_at"]),
            )
            for row in csv.DictReader(file)
        ]


def _pause(text: str) -> tuple[datetime, datetime | None]:
    start, _, end = text.partition("/")
    return datetime.fromisoformat(start), _instant(end)


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + DAY, time(), ZONE)


def counts(clock: Clock, day: date, now: datetime) -> bool:
    """A day does not count when the clock stands still at its end."""
    end = midnight_after(day)
    return not any(start < end <= (stop or now) for start, stop in clock.pauses)


def due(clock: Clock, now: datetime) -> datetime:
    start = clock.started.astimezone(ZONE)
    if clock.unit == "working_minutes":
        return _after_open_minutes(start, clock.amount)
    if clock.unit == "real_minutes":
        return start + timedelta(minutes=clock.amount)
    day, left = start.date(), clock.amount
    if clock.unit == "same_day":
        while not counts(clock, day, now):
            day += DAY
        left = 0
    while left > 0:
        day += DAY
        if counts(clock, day, now) and (clock.unit == "calendar_days" or is_workday(day)):
            left -= 1
    if clock.unit == "calendar_days" and clock.roll:
        while not is_workday(day) or not counts(clock, day, now):
            day += DAY
    more = clock.extension_days
    while more > 0:
        day += DAY
        more -= is_workday(day) and counts(clock, day, now)
    return midnight_after(day)


def _after_open_minutes(start: datetime, minutes: int) -> datetime:
    left, day = timedelta(minutes=minutes), start.date()
    while True:
        for opens, closes in windows(day):
            begin = max(opens, start)
            if begin < closes:
                if closes - begin >= left:
                    return begin + left
                left -= closes - begin
        day += DAY


def windows(day: date) -> list[tuple[datetime, datetime]]:
    if not is_workday(day):
        return []
    return [(datetime.combine(day, a, ZONE), datetime.combine(day, b, ZONE)) for a, b in HOURS]


def open_seconds(clock: Clock, start: datetime, end: datetime, now: datetime) -> int:
    """Office time between two instants in which the clock did not stand still."""
    total, day = timedelta(), start.date()
    while day <= end.date():
        for opens, closes in windows(day):
            pieces = [(max(opens, start), min(closes, end))]
            for pause_start, pause_end in clock.pauses:
                pieces = [
                    piece
                    for a, b in pieces
                    for piece in ((a, min(b, pause_start)), (max(a, pause_end or now), b))
                    if piece[0] < piece[1]
                ]
            total += sum((b - a for a, b in pieces if a < b), timedelta())
        day += DAY
    return int(total.total_seconds())


def breaches(clocks: list[Clock], now: datetime) -> list[Breach]:
    found = []
    for clock in clocks:
        deadline = due(clock, now)
        standing = next((start for start, stop in clock.pauses if stop is None), None)
        judged = clock.stopped or standing or now
        if judged >= deadline:
            end = (clock.stopped or now).astimezone(ZONE)
            found.append(Breach(clock, deadline, open_seconds(clock, deadline, end, now)))
    return found


def late_by(found: list[Breach], dimension: str) -> Counter[str]:
    return Counter(getattr(breach.clock, dimension) for breach in found)
