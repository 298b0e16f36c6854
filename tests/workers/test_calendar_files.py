"""Calendars from feeds, tables and year files: what they say is read, and what they leave open is asked."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

import sla_rules
from service.sla.calendar_files import CalendarFileIsNoText, read_calendar_file
from sla_rules import (
    LocalArrangement,
    LocalCalendarInvalid,
    NoticeInvalid,
    NoticeReading,
    NoticeUnreadable,
    NoticeYear,
    OfficeHours,
    RuleError,
    load_calendar,
    parse_hours,
)

YEARS = {year.year: year for year in load_calendar().years}
OF_2026 = YEARS[2026]

Days = set[tuple[date, str, str]]
Written = Iterable[tuple[date, str, str]]


def days_of(year: NoticeYear | NoticeReading) -> Days:
    return {
        (day, kind, entry.name) for entry in year.holidays for kind in ("off", "work") for day in getattr(entry, kind)
    }


def written(*years: int) -> Written:
    return sorted(day for year in years for day in days_of(YEARS[year]))


def feed(*events: str) -> bytes:
    """An iCalendar; each event is its lines."""
    body = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test\nX-WR-CALNAME:节假日\n{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def event(day: date, *lines: str) -> str:
    return "\n".join((f"DTSTART;VALUE=DATE:{day:%Y%m%d}", *lines))


def in_titles(day: date, kind: str, name: str) -> str:
    return event(day, f"SUMMARY:{name}{'(休)' if kind == 'off' else '(班)'}")


def read(raw: bytes | str, year: int | None = None, *, name: str = "file") -> NoticeReading:
    reading = read_calendar_file(raw.encode() if isinstance(raw, str) else raw, name=name, year=year)
    assert isinstance(reading, NoticeReading)
    return reading


def doubts(raw: bytes | str, year: int | None = None, *, name: str = "file") -> list[str]:
    """The doubts in English, whether or not a year could be told."""
    try:
        return [doubt.en for doubt in read(raw, year, name=name).doubts]
    except NoticeUnreadable as refused:
        return [doubt.en for doubt in refused.doubts]


# Feeds ----------------------------------------------------------------------------------------------------


MARKS = {
    "by Apple": lambda day, kind, name: event(
        day,
        f"SUMMARY;LANGUAGE=zh_CN:{name}",
        f"X-APPLE-SPECIAL-DAY:{'WORK-HOLIDAY' if kind == 'off' else 'ALTERNATE-WORKDAY'}",
    ),
    "by category": lambda day, kind, name: event(
        day, f"SUMMARY:{name}", f"CATEGORIES:中国,{'放假' if kind == 'off' else '调休上班'}"
    ),
    "in brackets": in_titles,
    "in wide brackets": lambda day, kind, name: event(
        day, f"SUMMARY:{name}\uff08{'休' if kind == 'off' else '班'}\uff09"
    ),
    "in front": lambda day, kind, name: event(day, f"SUMMARY:{'休' if kind == 'off' else '班'}\uff5c{name}"),
    "in words": lambda day, kind, name: event(
        day, f"SUMMARY:{name} {'假期' if kind == 'off' else '补班'} 第1天/共3天", "DURATION:P1D"
    ),
    "as an exchange": lambda day, kind, name: event(
        day, f"SUMMARY:{name}假期" if kind == "off" else f"SUMMARY:上班(补{name}假期)"
    ),
    "at the end": lambda day, kind, name: event(day, f"SUMMARY:{name}{'放假' if kind == 'off' else '调休上班'}"),
}


@pytest.mark.parametrize("marks", MARKS)
def test_a_feed_says_what_the_notice_says(marks: str) -> None:
    reading = read(feed(*(MARKS[marks](*day) for day in written(2026))))
    assert (reading.year, reading.doubts) == (2026, ())
    assert days_of(reading) == days_of(OF_2026)


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (["DTEND;VALUE=DATE:20260104"], 3),
        (["DURATION:P3D"], 3),
        (["DURATION:P1W"], 7),
        ([], 1),
    ],
)
def test_the_end_of_an_event_is_the_day_after_its_last(lines: list[str], length: int) -> None:
    reading = read(feed(event(date(2026, 1, 1), "SUMMARY:元旦(休)", *lines)))
    assert len(reading.holidays[0].off) == length


@pytest.mark.parametrize(
    ("lines", "doubt"),
    [
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:妇女节"], "by its marks it is neither off nor worked"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:国庆节调休"], "by its marks it is neither off nor worked"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:除夕(休)(班)"], "by its marks it is both off and worked"),
        (
            ["DTSTART;VALUE=DATE:20260308", "SUMMARY:节(休)", "CATEGORIES:上班"],
            "by its marks it is both off and worked",
        ),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:节 不放假"], "its title limits or takes back what it says"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:节(休)(预测)"], "its title limits or takes back what it says"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:(休)"], "the holiday has no name"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:节(休)", "RRULE:FREQ=YEARLY"], "the event recurs"),
        (["DTSTART;VALUE=DATE:20200308", "SUMMARY:节(休)", "RRULE:FREQ=YEARLY"], "the event recurs"),
        (["DTSTART;VALUE=DATE:20260308", "SUMMARY:节(休)", "STATUS:CANCELLED"], "the event is cancelled"),
        (["DTSTART:20260308T090000", "SUMMARY:节(班)"], "the event has a time of day"),
        (["DTSTART:20260308T090000Z", "SUMMARY:节(班)"], "the event has a time of day"),
        (["DTSTART;VALUE=DATE:20260308", "DTEND:20260309T000000", "SUMMARY:节(休)"], "the event has a time of day"),
        (["DTSTART;VALUE=DATE:20260308", "DTEND;VALUE=DATE:20260308", "SUMMARY:节(休)"], "2026-03-08 to 2026-03-07"),
        (["DTSTART;VALUE=DATE:20260308", "DTEND;VALUE=DATE:20270308", "SUMMARY:节(休)"], "2026-03-08 to 2027-03-07"),
        (["DTSTART;VALUE=DATE:20260308", "DURATION:PT8H", "SUMMARY:节(休)"], "its end is not clear"),
        (
            ["DTSTART;VALUE=DATE:20260308", "DTEND;VALUE=DATE:20260309", "DURATION:P1D", "SUMMARY:节(休)"],
            "its end is not clear",
        ),
        (["DTSTART;VALUE=DATE:20260308", "DTSTART;VALUE=DATE:20260309", "SUMMARY:节(休)"], "DTSTART is given twice"),
        (["DTSTART;VALUE=DATE:20260230", "SUMMARY:节(休)"], "DTSTART can't be read"),
        (["DTSTART:PT8H", "SUMMARY:节(休)"], "DTSTART can't be read"),
        (["SUMMARY:节(休)"], "the event has no DTSTART"),
    ],
)
def test_what_an_event_leaves_open_is_a_doubt_that_quotes_it(lines: list[str], doubt: str) -> None:
    raw = feed(*(in_titles(*day) for day in written(2026)), "\n".join(lines))
    (found,) = read(raw, 2026).doubts
    assert found.en.startswith(doubt)
    assert all(part in found.sentence for part in lines), found.sentence


def test_of_several_years_one_must_be_named() -> None:
    raw = feed(*(in_titles(*day) for day in written(2024, 2025, 2026)))
    assert doubts(raw) == ["the years 2024, 2025, 2026 are listed; say which one"]
    assert doubts(raw, 2027) == ["2027 is not listed, only 2024, 2025, 2026"]
    reading = read(raw, 2025)
    assert (reading.doubts, days_of(reading)) == ((), days_of(YEARS[2025]))


def test_the_slips_of_other_years_are_no_doubts() -> None:
    slips = ["DTSTART;VALUE=DATE:20200308\nSUMMARY:妇女节", "DTSTART:20200309T080000\nSUMMARY:节(班)"]
    raw = feed(*(in_titles(*day) for day in written(2026)), *slips)
    assert doubts(raw, 2026) == []
    assert len(doubts(raw)) == 2


def test_in_a_feed_marked_as_apple_does_an_unmarked_event_is_an_observance() -> None:
    observances = [
        event(date(2026, 3, 8), "SUMMARY:妇女节", "RRULE:FREQ=YEARLY"),
        event(date(2026, 5, 10), "SUMMARY:母亲节"),
    ]
    reading = read(feed(*(MARKS["by Apple"](*day) for day in written(2026)), *observances))
    assert (reading.doubts, days_of(reading)) == ((), days_of(OF_2026))
    assert reading.notes[-1].sentence == "妇女节、母亲节"
    assert "left out" in reading.notes[-1].en


def test_a_feed_cut_short_is_refused() -> None:
    raw = feed(*(in_titles(*day) for day in written(2026)))
    assert doubts(raw[: len(raw) // 2]) == ["the iCalendar has no end; is it cut off?"]
    assert doubts(raw + raw[: len(raw) // 2]) == ["the iCalendar has no end; is it cut off?"]
    assert doubts(raw.replace(b"VERSION:2.0", b"VERSION"))[0].startswith("no iCalendar can be read")
    assert doubts(b"", name="2026.ics") == ["no day is stated"]


def test_a_feed_is_cited_by_its_file() -> None:
    reading = read(feed(*(in_titles(*day) for day in written(2026))), name="holidays.ics")
    assert reading.to_year().notices[0].citation == "holidays.ics"
    assert "no notice of the State Council" in reading.notes[0].en


# Tables ---------------------------------------------------------------------------------------------------


TABLES = {
    "english": ("date,kind,name", "{day},{kind},{name}", {"off": "off", "work": "work"}),
    "chinese": ("日期,安排,节日", "{day},{kind},{name}", {"off": "放假", "work": "上班"}),
    "other order": ("名称,类型,日期", "{name},{kind},{day}", {"off": "休", "work": "班"}),
    "tabs": ("日期\t星期\t类型\t名称", "{day}\t周{weekday}\t{kind}\t{name}", {"off": "休息", "work": "上班"}),
    "wide commas": ("日期\uff0c类型\uff0c节日", "{day}\uff0c{kind}\uff0c{name}", {"off": "休", "work": "补班"}),
    "more columns": ('"date","remark","kind","name"', '{day},"a, b",{kind},{name}', {"off": "OFF", "work": "Work"}),
}
DATES = ["{0:%Y-%m-%d}", "{0.year}/{0.month}/{0.day}", "{0:%Y%m%d}", "{0.year}年{0.month}月{0.day}日"]


def table(kind: str, dates: str = DATES[0]) -> str:
    heading, row, words = TABLES[kind]
    rows = (
        row.format(day=dates.format(day), kind=words[what], name=name, weekday="一二三四五六日"[day.weekday()])
        for day, what, name in written(2026)
    )
    return "\n".join((heading, *rows, ""))


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("dates", DATES)
def test_a_table_says_what_the_notice_says(kind: str, dates: str) -> None:
    reading = read(table(kind, dates))
    assert (reading.year, reading.doubts) == (2026, ())
    assert days_of(reading) == days_of(OF_2026)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_table_is_read_however_it_was_saved(encoding: str, ends: str) -> None:
    raw = table("chinese").replace("\n", ends).encode(encoding)
    assert days_of(read(raw)) == days_of(OF_2026)


@pytest.mark.parametrize(
    ("row", "doubt"),
    [
        ("2026-02-30,off,节", "there is no day 2026-2-30"),
        ("1/2/2026,off,节", "not a date such as 2026-01-01: '1/2/2026'"),
        ("2026-03-08,调休,节", "neither off nor work: '调休'"),
        ("2026-03-08", "neither off nor work: ''"),
        ("2026-03-08,off,", "the holiday has no name"),
        ("2026-03-09,work,元旦", "2026-03-09 is a 周一; a day worked in exchange must be a Saturday or Sunday"),
        ("2026-01-01,off,节", "2026-01-01 is listed for 元旦 already"),
    ],
)
def test_a_wrong_row_is_a_doubt_that_quotes_its_line(row: str, doubt: str) -> None:
    text = table("english").rstrip("\n")
    (found,) = read(f"{text}\n\n{row}\n").doubts
    assert found.en.startswith(doubt)
    line = len(text.splitlines()) + 2
    assert found.sentence == f"第 {line} 行 line {line}: {row}"


def test_a_wrong_weekday_is_a_slip_of_the_date() -> None:
    assert doubts(table("tabs").replace("2026-01-04\t周日", "2026-01-04\t周六")) == ["2026-01-04 is a 周日, not 周六"]


def test_a_slip_in_another_year_of_the_table_is_none_of_this_one() -> None:
    rows = "2024-05-01,off,劳动节\n2024-05-02,?,劳动节\n"
    assert doubts(table("english") + rows, 2026) == []
    assert any("neither off nor work" in doubt for doubt in doubts(table("english") + rows, 2024))


def test_an_open_quotation_mark_swallows_nothing_in_silence() -> None:
    text = table("english").replace("2026-05-01,off,", '2026-05-01,off,"')
    assert any("can't be read from here on" in doubt for doubt in doubts(text))


@pytest.mark.parametrize("text", ["date,name\n2026-01-01,元旦\n", "2026-01-01,off,元旦\n", ""])
def test_a_table_without_its_headings_is_refused(text: str) -> None:
    assert "the first line must hold the headings" in doubts(text, name="2026.csv")[0]


# Year files and notices -----------------------------------------------------------------------------------


def test_a_year_file_is_read_as_it_stands() -> None:
    path = Path(sla_rules.__file__).parent / "calendars" / "2026.toml"
    reading = read(path.read_bytes())
    assert reading.doubts == ()
    assert reading.to_year().notices == OF_2026.notices
    assert days_of(reading) == days_of(OF_2026)
    assert doubts(path.read_bytes(), 2025) == ["the file is of 2026, not of 2025"]


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("year = 2026\n[[holiday]]\nname = ", "file", "can't be read: Invalid value"),
        ("years = 2026", "2026.toml", "`year` is missing"),
        (
            "year = 2026\n[[holiday]]\nname = '元旦'\noff = [2026-01-01]\nwork = [2026-01-05]",
            "file",
            "Saturday or Sunday",
        ),
    ],
)
def test_a_wrong_year_file_is_refused_with_the_reason(text: str, name: str, reason: str) -> None:
    with pytest.raises(NoticeInvalid, match=reason):
        read(text, name=name)


def test_a_unions_own_arrangement_is_known_by_its_keys() -> None:
    assert read_calendar_file(b'hours = ["09:00-17:00"]', name="file") == LocalArrangement(
        OfficeHours(parse_hours(["09:00-17:00"]))
    )
    with pytest.raises(LocalCalendarInvalid, match=r"local\.toml, line 2: unknown key 'rest'"):
        read_calendar_file(b'hours = ["09:00-17:00"]\nrest = []', name="local.toml")


def test_anything_else_is_taken_for_the_notice() -> None:
    reading = read("元旦:1月1日(周四)放假1天。", 2026, name="notice.txt")
    assert [holiday.off for holiday in reading.holidays] == [(date(2026, 1, 1),)]


@pytest.mark.parametrize("raw", [b"%PDF\xff\xff\xff", b"PK\x03\x04\x00\x00"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(CalendarFileIsNoText, match="is not a text"):
        read_calendar_file(raw, name="calendar.xlsx")


@pytest.mark.parametrize("cut", range(0, 1500, 37))
def test_no_damage_to_a_feed_is_more_than_a_sentence(cut: int) -> None:
    raw = feed(*(MARKS["by Apple"](*day) for day in written(2026)))
    for damaged in (raw[:cut] + raw[cut + 9 :], raw[:cut] + b";TZID=Asia/Shanghai:T0\r\n" + raw[cut:]):
        with suppress(RuleError, CalendarFileIsNoText):
            read(damaged, 2026)
