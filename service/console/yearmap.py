"""A year drawn as twelve small months: a colour and a sign for each day, so that neither is needed alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from service.core.errors import Bilingual
from service.sla.rule_words import Understood
from service.tickets.rule_changes import CalendarYear
from sla_rules import DayInfo

Look = Literal["off", "work", "rest", "open"]

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day of a drawn month. `name` says which holiday; `provisional` ones are hatched."""

    date: date
    look: Look
    name: str = ""
    provisional: bool = False
    today: bool = False

    @property
    def sign(self) -> Bilingual:
        """What a calendar on the wall prints beside the number."""
        return _SIGNS[self.look]


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks from Monday to Sunday; None where the week belongs to another month."""

    name: Bilingual
    weeks: tuple[tuple[DayCell | None, ...], ...]


_SIGNS: Mapping[Look, Bilingual] = {
    "off": Bilingual("休", "off"),
    "work": Bilingual("班", "on"),
    "rest": Bilingual("", ""),
    "open": Bilingual("", ""),
}


def months_in_force(year: CalendarYear, today: date) -> tuple[Month, ...]:
    """The year as the calendar in force has it."""
    days = {day.date: day for day in year.days}
    return _months(year.year, lambda day: _cell(days[day], today))


def months_understood(said: Understood) -> tuple[Month, ...]:
    """The year as a file would have it; none where the file is of no single year."""
    if said.year is None:
        return ()
    days = {day.date: day for day in said.days}

    def cell(day: date) -> DayCell:
        if day in days:
            return DayCell(day, days[day].kind, days[day].name)
        return DayCell(day, "rest" if day.weekday() >= _SATURDAY else "open")

    return _months(said.year, cell)


def _cell(info: DayInfo, today: date) -> DayCell:
    look: Look = "work" if info.kind == "work" else "off" if info.kind == "off" else "open" if info.working else "rest"
    return DayCell(info.date, look, info.name, provisional=info.provisional, today=info.date == today)


def _months(year: int, cell: Callable[[date], DayCell]) -> tuple[Month, ...]:
    return tuple(
        Month(Bilingual(f"{month}月", _MONTHS_EN[month - 1]), _weeks(date(year, month, 1), cell))
        for month in range(1, 13)
    )


def _weeks(first: date, cell: Callable[[date], DayCell]) -> tuple[tuple[DayCell | None, ...], ...]:
    cells: list[DayCell | None] = [None] * first.weekday()
    day = first
    while day.month == first.month:
        cells.append(cell(day))
        day += _ONE_DAY
    cells += [None] * (-len(cells) % 7)
    return tuple(tuple(cells[start : start + 7]) for start in range(0, len(cells), 7))
