"""Office hours as written and what is refused of them."""

from __future__ import annotations

import pytest

from sla_rules import DEFAULT_HOURS, Hours, OfficeHours, Season, Window, WindowInvalid, parse_hours
from sla_rules.windows import as_office_hours, merged, office_hours_from_document


def test_windows_are_written_and_read() -> None:
    hours = parse_hours(["08:30-12:00", "14:30-18:00"])
    assert hours == DEFAULT_HOURS.default
    assert hours.to_document() == ["08:30-12:00", "14:30-18:00"]
    assert sum(window.minutes for window in hours.windows) == 7 * 60


def test_midnight_at_the_end_of_the_day_can_be_written() -> None:
    assert parse_hours(["00:00-24:00"]).windows == (Window(0, 1440),)


def test_a_window_over_midnight_is_split_and_joined_again() -> None:
    night = parse_hours(["20:00-21:00", "22:00-26:00"])
    assert night == Hours((Window(1200, 1260), Window(1320, 1440)), (Window(0, 120),))
    assert night.to_document() == ["20:00-21:00", "22:00-26:00"]


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["14:00-12:00"],
        ["22:00-02:00"],  # over midnight is written 22:00-26:00
        ["12:00-12:00"],
        ["08:00-33:00"],
        ["24:00-25:00"],
        ["08:60-12:00"],
        ["08:00-12:75"],
        ["8 to 12"],
        ["08:00-12:00", "11:00-13:00"],
        ["14:00-15:00", "08:00-12:00"],
        ["22:00-26:00", "08:00-12:00"],
    ],
)
def test_hours_that_can_not_be_are_refused(texts: list[str]) -> None:
    with pytest.raises(WindowInvalid) as refused:
        parse_hours(texts)
    assert refused.value.zh


@pytest.mark.parametrize(("start", "end"), [(-1, 10), (10, 10), (20, 10), (0, 1441)])
def test_a_window_lies_within_its_day(start: int, end: int) -> None:
    with pytest.raises(WindowInvalid):
        Window(start, end)


def test_touching_windows_are_allowed_and_merge() -> None:
    assert len(parse_hours(["08:00-12:00", "12:00-18:00"]).windows) == 2
    assert merged([Window(720, 1080), Window(480, 720), Window(1200, 1260)]) == (
        Window(480, 1080),
        Window(1200, 1260),
    )


def test_hours_may_be_given_as_windows() -> None:
    assert as_office_hours([Window(510, 720), Window(870, 1080)]) == DEFAULT_HOURS
    assert as_office_hours(DEFAULT_HOURS) is DEFAULT_HOURS


def test_office_hours_survive_being_stored() -> None:
    hours = OfficeHours(
        parse_hours(["08:00-12:00"]),
        {4: parse_hours(["08:00-11:00"])},
        (Season((6, 1), (9, 30), parse_hours(["07:00-11:00"])),),
    )
    assert office_hours_from_document(hours.to_document()) == hours


def test_a_weekday_or_season_that_does_not_exist_is_refused() -> None:
    with pytest.raises(WindowInvalid):
        OfficeHours(parse_hours(["08:00-12:00"]), {7: parse_hours(["08:00-12:00"])})
    with pytest.raises(WindowInvalid):
        Season((2, 30), (3, 1), parse_hours(["08:00-12:00"]))
