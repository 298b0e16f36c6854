"""Regional layers: observances that stop a clock only where the province switched them on."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from sla_rules import (
    CalendarInvalid,
    Clock,
    ClockKind,
    DayOverride,
    Promise,
    RegionalLayer,
    WorkCalendar,
    calendar_from_document,
    explain,
    load_calendar,
)

FEAST = date(2026, 12, 24)  # a Thursday
PREFECTURE, COUNTY, ELSEWHERE = "6327", "632721", "630102"
STOPPING = RegionalLayer(PREFECTURE, "州庆", (DayOverride(FEAST, "off"),), stops_clock=True, source="州政府通知")
NAMED_ONLY = replace(STOPPING, stops_clock=False)
FIVE_DAYS = Promise("working_days", 5)
BEFORE = datetime(2026, 12, 21, 2, tzinfo=UTC)


def shipped(*layers: RegionalLayer, overrides: tuple[DayOverride, ...] = ()) -> WorkCalendar:
    return WorkCalendar.from_years(load_calendar().years, layers=layers, overrides=overrides)


def test_a_layer_that_stops_clocks_rests_in_its_region_and_nowhere_else() -> None:
    calendar = shipped(STOPPING)
    assert not calendar.for_union(PREFECTURE).is_working_day(FEAST)
    assert not calendar.for_union(COUNTY).is_working_day(FEAST)
    assert calendar.for_union(ELSEWHERE).is_working_day(FEAST)
    assert calendar.for_union("63").is_working_day(FEAST)
    assert calendar.is_working_day(FEAST)


def test_a_stopping_layer_moves_the_deadline_of_its_unions_by_its_days() -> None:
    calendar = shipped(STOPPING)
    clock = Clock(ClockKind.resolve, FIVE_DAYS, BEFORE)
    assert clock.deadline(calendar.for_union(ELSEWHERE)).last_day == date(2026, 12, 28)
    assert clock.deadline(calendar.for_union(COUNTY)).last_day == date(2026, 12, 29)


def test_a_layer_switched_off_is_named_and_counted() -> None:
    regional = shipped(NAMED_ONLY).for_union(COUNTY)
    day = regional.day(FEAST)
    assert (day.working, day.observances) == (True, ("州庆",))
    explained = explain(Clock(ClockKind.resolve, FIVE_DAYS, BEFORE), regional)
    line = next(line for line in explained.lines if line.date == FEAST)
    assert line.counted
    assert "州庆" in line.reason_zh
    assert "州庆" in line.reason_en
    assert explained.last_day == date(2026, 12, 28)


def test_a_smaller_region_has_the_last_word_over_a_larger_one_and_over_everyone() -> None:
    made_up = DayOverride(FEAST, "work", name="县里上班", source="县通知")
    county = RegionalLayer(COUNTY, "县", (made_up,), stops_clock=True)
    calendar = shipped(STOPPING, county, overrides=(DayOverride(FEAST, "off", name="全省放假"),))
    assert calendar.for_union(COUNTY).is_working_day(FEAST)
    assert calendar.for_union("632722").day(FEAST).name == "州庆"
    assert calendar.for_union(ELSEWHERE).day(FEAST).name == "全省放假"


def test_a_regional_day_carries_the_layers_name_and_source_and_the_published_version() -> None:
    calendar = shipped(STOPPING)
    regional = calendar.for_union(COUNTY)
    assert (regional.day(FEAST).name, regional.day(FEAST).source) == ("州庆", "州政府通知")
    assert regional.version == calendar.version
    assert regional != calendar
    assert calendar.for_union(COUNTY) is regional
    assert calendar.for_union(ELSEWHERE) is calendar


def test_layers_survive_the_document_and_shape_the_version() -> None:
    calendar = shipped(STOPPING)
    again = calendar_from_document(calendar.to_document())
    assert again == calendar
    assert again.layers == (STOPPING,)
    assert calendar.version != shipped(NAMED_ONLY).version
    assert shipped().version == load_calendar().version


def test_overrides_laid_over_a_calendar_keep_its_layers() -> None:
    assert shipped(STOPPING).with_overrides([DayOverride(date(2026, 12, 25), "off")]).layers == (STOPPING,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"prefix": "青海"}, "prefix"),
        ({"prefix": ""}, "prefix"),
        ({"name": ""}, "needs a name"),
        ({"days": ()}, "at least one day"),
        ({"days": (DayOverride(FEAST, "off"), DayOverride(FEAST, "work"))}, "listed twice"),
    ],
)
def test_a_layer_that_says_nothing_certain_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(CalendarInvalid, match=complaint):
        replace(STOPPING, **change)  # type: ignore[arg-type]


def test_two_layers_of_one_name_in_one_region_and_days_past_the_horizon_are_refused() -> None:
    with pytest.raises(CalendarInvalid, match="two layers"):
        shipped(STOPPING, NAMED_ONLY)
    with pytest.raises(CalendarInvalid, match="outside the calendar"):
        shipped(RegionalLayer("6327", "太远", (DayOverride(date(2999, 1, 1), "off"),)))
