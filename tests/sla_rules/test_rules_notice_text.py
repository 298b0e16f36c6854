"""The notice as published, read back: the forms it has had, and every slip that must be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sla_rules import (
    Holiday,
    Notice,
    NoticeInvalid,
    NoticeReading,
    NoticeUnreadable,
    NoticeYear,
    WorkCalendar,
    examine_notice,
    load_calendar,
    read_notice,
    year_from_document,
)
from tests.rows import shared
from tests.sla_rules.rows_of_notices import ROWS, shared_rows

WEEKDAYS = "一二三四五六日"
NUMERALS = "一二三四五六七八九"
ADDRESS = "https://example.org/notice"

Days = set[tuple[str, bool]]


def days_of(reading: NoticeReading | NoticeYear) -> Days:
    """Every day with whether it is off."""
    return {
        (day.isoformat(), off)
        for holiday in reading.holidays
        for days, off in ((holiday.off, True), (holiday.work, False))
        for day in days
    }


def days(text: str) -> Days:
    """`01-01..01-03 work 01-04` of 2026, or with years written out."""
    off, _, work = text.partition("work")
    return {(day, True) for day in _listed(off)} | {(day, False) for day in _listed(work)}


def _listed(text: str) -> list[str]:
    found = []
    for part in text.split():
        first, _, last = part.partition("..")
        day, end = (date.fromisoformat(entry) for entry in (first, last or first))
        while day <= end:
            found.append(day.isoformat())
            day += timedelta(days=1)
    return found


def built_in(year: int) -> NoticeYear:
    return next(entry for entry in load_calendar().years if entry.year == year)


# Sentences ------------------------------------------------------------------------------------------------


OWN_ROWS = [(year, sentence, days(wanted)) for year, sentence, wanted in ROWS]
SHARED = shared("notice_sentences.json")
KNOWN = shared_rows(SHARED) if SHARED else OWN_ROWS


@pytest.mark.parametrize(("year", "sentence", "wanted"), KNOWN, ids=[f"{row[0]} {row[1][:12]}" for row in KNOWN])
def test_a_known_sentence_means_its_days(year: int, sentence: str, wanted: Days) -> None:
    assert days_of(read_notice(sentence, year=year)) == wanted


def test_the_own_copy_of_the_sentences_is_whole() -> None:
    assert len(ROWS) == 37
    if SHARED:
        assert shared_rows(SHARED) == OWN_ROWS


@pytest.mark.parametrize(
    ("year", "text", "wanted"),
    [
        (2025, "1月1日（周三）放假1天，不调休。", "2025-01-01"),
        (
            2026,
            "一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。",
            "2026-01-01..2026-01-03 work 2026-01-04",
        ),
        (
            2025,
            "春节:1月28日(农历除夕、周二)至2月4日(农历正月初七、周二)放假调休,共8天。1月26日(周日)、2月8日(周六)上班。",
            "2025-01-28..2025-02-04 work 2025-01-26 2025-02-08",
        ),
        (
            2019,
            "2018年12月30日至2019年1月1日放假调休，共3天。2018年12月29日（星期六）上班。",
            "2018-12-30..2019-01-01 work 2018-12-29",
        ),
        (2019, "2018年12月30日至1月1日放假调休，共3天。12月29日周六上班。", "2018-12-30..2019-01-01 work 2018-12-29"),
        (2016, "5月1日放假，5月2日（星期一）补休。", "2016-05-01 2016-05-02"),
        (2010, "1月1日至3日放假公休，共3天。", "2010-01-01..2010-01-03"),
        (2018, "9月24日放假，与周末连休。", "2018-09-24"),
        (2018, "9月24日放假，与周末连休，共3天。", "2018-09-22..2018-09-24"),
        (2018, "6月15日放假，与周末连休，共3天。", "2018-06-15..2018-06-17"),
        (2018, "9月24日放假3天，与周末连休。", "2018-09-22..2018-09-24"),
        (2015, "9月27日放假，与周末连休。", "2015-09-27"),
        (2026, "1 月 1 日\n~3 日 放假，共３天。1月4日（星期天）\n上班。", "2026-01-01..2026-01-03 work 2026-01-04"),
        (2026, "⼀、元旦：1⽉1⽇至3⽇放假，共三天；1月4日调休上班。", "2026-01-01..2026-01-03 work 2026-01-04"),
        (
            2016,
            "2月7日至13日，放假调休七天。2月6日，2月14日上班。",
            "2016-02-07..2016-02-13 work 2016-02-06 2016-02-14",
        ),
        (2026, "5月1日至5日放假，5月6日起正常上班。", "2026-05-01..2026-05-05"),
        (2024, "2月10日至17日放假，其中2月10日放假。鼓励安排职工在除夕(2月9日)休息。", "2024-02-10..2024-02-17"),
        (2024, "2月10日至17日放假，鼓励职工在2月9日休息。", "2024-02-10..2024-02-17"),
        (2026, "5月1日放假,5月4日青年节部分公民放假半天。", "2026-05-01"),
        (2024, "2023年12月30日至2024年1月1日放假，2月29日放假。", "2023-12-30..2024-01-01 2024-02-29"),
        (
            2008,
            "9月29日—10月5日放假，共7天。9月27日（星期六）、28日（星期日）两个公休日调至9月29日、30日。",
            "2008-09-29..2008-10-05 work 2008-09-27 2008-09-28",
        ),
        (
            2008,
            "2007年12月30日—2008年1月1日放假。其中，12月30日（星期日）为公休日，"
            "12月29日公休日调至12月31日（星期一），12月29日上班。",
            "2007-12-30..2008-01-01 work 2007-12-29",
        ),
    ],
)
def test_a_sentence_means_its_days(year: int, text: str, wanted: str) -> None:
    assert days_of(read_notice(text, year=year)) == days(wanted)


def test_what_is_left_out_is_told() -> None:
    reading = read_notice(
        "春节:2月10日至17日放假,鼓励职工在2月9日休息。鼓励错峰出行。3月8日妇女放假半天。值班安排另行通知。", year=2024
    )
    assert [note.en for note in reading.notes] == [
        "a recommendation, left out: 鼓励职工在2月9日休息",
        "states no day",
        "a half day, left out: 3月8日妇女放假半天",
        "states no day",
    ]


# Whole notices --------------------------------------------------------------------------------------------


SEVEN = "元旦、春节、清明节、劳动节、端午节、中秋节和国庆节"


def notice(
    year: int,
    items: str,
    *,
    number: str = "国办发明电〔2025〕7号",
    signed: str = "2025年11月4日",
    announced: str = SEVEN,
) -> str:
    """A notice in the official form around the items."""
    return (
        f"国务院办公厅关于{year}年部分节假日安排的通知\n{number}\n\n"
        "各省、自治区、直辖市人民政府,国务院各部委、各直属机构:\n"
        f"  经国务院批准,现将{year}年{announced}放假调休日期的具体"
        "安排通知如下。\n"
        f"{items}\n"
        "  节假日期间,各地区、各部门要妥善安排好值班和安全、保卫等工作,遇有重大突发事件,要按规定及时报告并妥善处置。\n"
        f"国务院办公厅\n{signed}\n(此件公开发布)\n"
    )


OF_2026 = """  一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
  二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
  三、清明节：4月4日（周六）至6日（周一）放假，共3天。
  四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
  五、端午节：6月19日（周五）至21日（周日）放假，共3天。
  六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
  七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。"""

OF_2025 = """一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。"""

OF_2023 = """一、元旦:2022年12月31日至2023年1月2日放假调休,共3天。
二、春节:1月21日至27日放假调休,共7天。1月28日(星期六)、1月29日(星期日)上班。
三、清明节:4月5日放假,共1天。
四、劳动节:4月29日至5月3日放假调休,共5天。4月23日(星期日)、5月6日(星期六)上班。
五、端午节:6月22日至24日放假调休,共3天。6月25日(星期日)上班。
六、中秋节、国庆节:9月29日至10月6日放假调休,共8天。10月7日(星期六)、10月8日(星期日)上班。"""

OF_2012 = """一、元旦:2012年1月1日至3日放假调休,共3天。2011年12月31日(星期六)上班。
二、春节:1月22日至28日放假调休,共7天。1月21日(星期六)、1月29日(星期日)上班。
三、清明节:4月2日至4日放假调休,共3天。3月31日(星期六)、4月1日(星期日)上班。
四、劳动节:4月29日至5月1日放假调休,共3天。4月28日(星期六)上班。
五、端午节:6月22日至24日放假公休,共3天。
六、中秋节、国庆节:9月30日至10月7日放假调休,共8天。9月29日(星期六)上班。"""

OF_2019 = """一、元旦:2018年12月30日至2019年1月1日放假调休,共3天。2018年12月29日(星期六)上班。
二、春节:2月4日至10日放假调休,共7天。2月2日(星期六)、2月3日(星期日)上班。
三、清明节:4月5日放假,与周末连休。
四、劳动节:5月1日放假。
五、端午节:6月7日放假,与周末连休。
六、中秋节:9月13日放假,与周末连休。
七、国庆节:10月1日至7日放假调休,共7天。9月29日(星期日)、10月12日(星期六)上班。"""

OF_2020 = """一、元旦:2020年1月1日放假,共1天。
二、春节:1月24日至30日放假调休,共7天。1月19日(星期日)、2月1日(星期六)上班。
三、清明节:4月4日至6日放假调休,共3天。
四、劳动节:5月1日至5日放假调休,共5天。4月26日(星期日)、5月9日(星期六)上班。
五、端午节:6月25日至27日放假调休,共3天。6月28日(星期日)上班。
六、国庆节、中秋节:10月1日至8日放假调休,共8天。9月27日(星期日)、10月10日(星期六)上班。"""

OF_2015 = """一、元旦:1月1日至3日放假调休,共3天。1月4日(星期日)上班。
二、春节:2月18日至24日放假调休,共7天。2月15日(星期日)、2月28日(星期六)上班。
三、清明节:4月5日放假,4月6日(星期一)补休。
四、劳动节:5月1日放假,与周末连休。
五、端午节:6月20日放假,6月22日(星期一)补休。
六、中秋节:9月27日放假。
七、国庆节:10月1日至7日放假调休,共7天。10月10日(星期六)上班。"""


@pytest.mark.parametrize(("year", "items"), [(2012, OF_2012), (2023, OF_2023), (2025, OF_2025), (2026, OF_2026)])
@pytest.mark.parametrize("shape", ["as published", "in one line"])
def test_a_whole_notice_gives_the_days_of_the_built_in_year(year: int, items: str, shape: str) -> None:
    text = notice(year, items)
    reading = read_notice(text.replace("\n", "") if shape == "in one line" else text)
    of_notice = reading.to_year(ADDRESS)
    of_file = built_in(year)
    assert [(entry.name, entry.off, entry.work) for entry in of_notice.holidays] == [
        (entry.name, entry.off, entry.work) for entry in of_file.holidays
    ]


def test_a_reading_feeds_a_calendar_and_cites_its_notice() -> None:
    year = read_notice(notice(2026, OF_2026)).to_year(ADDRESS)
    calendar = WorkCalendar.from_years((*(entry for entry in load_calendar().years if entry.year < 2026), year))
    assert calendar.day(date(2026, 10, 10)).kind == "work"
    assert calendar.day(date(2026, 10, 10)).source == ADDRESS
    (source,) = year.notices
    assert (source.number, source.published) == ("国办发明电〔2025〕7号", date(2025, 11, 4))


@pytest.mark.parametrize(
    ("signed", "published"),
    [("二○一一年十二月六日", date(2011, 12, 6)), ("二〇〇六年十月二十一日", date(2006, 10, 21)), ("12月11日", None)],
)
def test_older_signatures_are_read(signed: str, published: date | None) -> None:
    assert read_notice(notice(2012, OF_2012, signed=signed)).sources[0].published == published


def test_the_heading_table_of_the_official_site_may_be_pasted_as_well() -> None:
    text = notice(2026, OF_2026, number="成文日期:2025年11月04日 发布日期:2025年11月04日")
    assert read_notice(text).sources[0].number == ""


def test_an_opening_that_cites_the_law_is_no_arrangement() -> None:
    law = "根据2024年11月修订的《全国年节及纪念日放假办法》,自2025年1月1日起全体公民放假的假日增加2天。"
    reading = read_notice(notice(2025, OF_2025).replace("经国务院批准,", f"经国务院批准,{law}"))
    assert days_of(reading) == days_of(built_in(2025))
    assert reading.notes[0].en == "cites the law, states no arrangement"
    with pytest.raises(NoticeUnreadable, match="not understood"):
        read_notice(f"1月1日放假。{law}", year=2025)


OF_2019_AGAIN = """国务院办公厅关于调整2019年劳动节假期安排的通知
经国务院批准,现将调整2019年劳动节假期的具体安排通知如下。
一、2019年5月1日至4日放假调休,共4天。4月28日(星期日)、5月5日(星期日)上班。
二、各地区、各部门要抓紧落实。
国务院办公厅
2019年3月21日"""

OF_2020_AGAIN = """国务院办公厅关于延长2020年春节假期的通知
经国务院批准,为加强疫情防控工作,现将延长2020年春节假期的具体安排通知如下。
一、延长2020年春节假期至2月2日(农历正月初九,星期日),2月3日(星期一)起正常上班。
二、各地大专院校、中小学、幼儿园推迟开学,具体时间由教育部门另行通知。
三、因疫情防控不能休假的职工,应根据规定安排补休。
国务院办公厅
2020年1月26日"""

OF_2015_AGAIN = """国务院关于中国人民抗日战争暨世界反法西斯战争胜利70周年纪念日调休放假的通知
为使全国人民广泛参与纪念活动,2015年9月3日全国放假1天。
为方便公众安排假日期间生产生活,特作如下调休:9月3日(星期四)至5日(星期六)调休放假,共3天,其中9月3日(星期四)放假,\
9月4日(星期五)调休,9月6日(星期日)上班。
国务院
2015年5月13日"""


@pytest.mark.parametrize(
    ("year", "first", "second"),
    [(2019, OF_2019, OF_2019_AGAIN), (2020, OF_2020, OF_2020_AGAIN), (2015, OF_2015, OF_2015_AGAIN)],
)
def test_an_amended_year_is_the_first_notice_as_the_second_changes_it(year: int, first: str, second: str) -> None:
    before = read_notice(notice(year, first))
    after = read_notice(second, amends=before).to_year("first", "second")
    of_file = built_in(year)
    assert days_of(after) == days_of(of_file)
    assert [entry.notice for entry in after.holidays] == [entry.notice for entry in of_file.holidays]
    assert [entry.url for entry in after.notices] == ["first", "second"]


def test_a_working_day_taken_back_is_told() -> None:
    reading = read_notice(OF_2020_AGAIN, amends=read_notice(notice(2020, OF_2020)))
    assert "2020-02-01 was to be worked and is off now" in [note.en for note in reading.notes]


def test_the_doubts_of_the_first_notice_stay() -> None:
    first = examine_notice(notice(2019, OF_2019.replace("共3天", "共4天", 1)))
    assert examine_notice(OF_2019_AGAIN, amends=first).doubts == first.doubts != ()


# Refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "text", "quote", "reason"),
    [
        (2026, "1月1日(周五)至3日(周六)放假。", "1月1日(周五)至3日(周六)放假。", "2026-01-01 is a 周四, not 周五"),
        (2026, "1月1日(星期八)放假。", "1月1日(星期八)放假。", "not understood: 星期八"),
        (2026, "1月1日(4)放假。", "1月1日(4)放假。", "not understood: 4"),
        (2026, "1月1日至3日放假调休,共4天。", "1月1日至3日放假调休,共4天。", "4 days are announced, 3 are named"),
        (2026, "1月1日放假3天。", "1月1日放假3天。", "3 days are announced, 1 are named"),
        (2018, "9月24日放假,与周末连休,共4天。", "9月24日放假,与周末连休,共4天。", "4 days are announced, 1 are"),
        (2026, "1月1日放假。1月7日上班。", "1月7日上班。", "2026-01-07 is a 周三"),
        (2026, "清明节:4月29日至31日放假。", "4月29日至31日放假。", "there is no day 2026-4-31"),
        (2026, "2月29日放假。", "2月29日放假。", "there is no day 2026-2-29"),
        (2019, "2018年12月31日放假,2月30日放假。", "2018年12月31日放假,2月30日放假。", "there is no day 2019-2-30"),
        (2026, "1月1日至4日放假。1月4日上班。", "1月1日至4日放假。1月4日上班。", "2026-01-04 is both off and worked"),
        (2026, "1月4日上班。", "1月4日上班。", "days are worked, but none is off"),
        (2026, "1月1日至3日放假。1月4日", "1月4日", "the sentence has no end"),
        (2026, "1月1日至", "1月1日至", "the sentence has no end"),
        (2026, "1月1日至3日。", "1月1日至3日。", "days are named, but not what they are"),
        (2026, "1月1日至3日放假,共。", "1月1日至3日放假,共。", "not understood: 共"),
        (2026, "1月1日至3日放假,以后再说。", "1月1日至3日放假,以后再说。", "not understood: 以后再说"),
        (2026, "一月一日放假。", "一月一日放假。", "not understood: 一月一日放假"),
        (2026, "元旦:1月1日放假。周日上班。", "周日上班。", "not understood: 周日上班"),
        (2026, "1月3日至1日放假。", "1月3日至1日放假。", "is no holiday of 1 to 15 days"),
        (2026, "1月1日至20日放假。", "1月1日至20日放假。", "is no holiday of 1 to 15 days"),
        (2026, "1日放假。", "1日放假。", "1日 has no month"),
        (2026, "2026年1日放假。", "2026年1日放假。", "2026年1日 has no month"),
        (2026, "2024年1月1日放假。", "2024年1月1日放假。", "2024-01-01 does not belong to 2026"),
        (2026, "1月1日、1日放假。", "1月1日、1日放假。", "a day is listed twice"),
        (2026, "10月1日放假,不调休。10月10日上班。", "10月1日放假,不调休。10月10日上班。", "no exchange is announced"),
        (2020, "1月1日放假,与周末连休。", "1月1日放假,与周末连休。", "does not adjoin a weekend"),
        (2026, "10月1日至3日放假,其中10月4日放假。", "10月1日至3日放假,其中10月4日放假。", "2026-10-04 lies outside"),
        (2026, "10月1日放假,10月2日为法定节假日。", "10月1日放假,10月2日为法定节假日。", "2026-10-02 lies outside"),
        (2026, "5月1日至5日放假,5月7日起正常上班。", "5月1日至5日放假,5月7日起正常上班。", "no ordinary working day"),
        (2026, "5月1日至2日放假,5月3日起上班。", "5月1日至2日放假,5月3日起上班。", "no ordinary working day"),
        (
            2008,
            "5月1日—3日放假,5月4日公休日调至5月2日、3日。",
            "5月1日—3日放假,5月4日公休日调至5月2日、3日。",
            "1 rest days are moved to 2 days",
        ),
        (
            2008,
            "5月1日—3日放假,5月4日两个公休日调至5月2日。",
            "5月1日—3日放假,5月4日两个公休日调至5月2日。",
            "1 rest days are moved to 1 days",
        ),
        (2008, "5月1日—3日放假,5月5日公休日调至5月2日。", "5月1日—3日放假,5月5日公休日调至5月2日。", "is a 周一"),
        (
            2008,
            "5月1日—3日放假,5月4日公休日调至5月2日,5月10日上班。",
            "5月1日—3日放假,5月4日公休日调至5月2日,5月10日上班。",
            "2008-05-04 is not both moved and worked",
        ),
        (2026, "鼓励职工在2月9日照常上班。", "鼓励职工在2月9日照常上班。", "not understood: 鼓励职工在2月9日照常上班"),
        (2026, "2月14日上班半天。", "2月14日上班半天。", "not understood: 2月14日上班半天"),
        (2026, "元旦:1月1日放假。春节:另行通知。", "春节:另行通知。", "the holiday has no day that is understood"),
        (2026, "元旦:1月1日放假。春节:鼓励2月14日休息。", "春节:鼓励2月14日休息。", "the holiday has no day"),
        (
            2026,
            "1月1日放假,鼓励错峰出行,1月4日上班。",
            "1月1日放假,鼓励错峰出行,1月4日上班。",
            "not understood: 鼓励错峰出行",
        ),
        (2026, "一、元旦:另行通知。", "一、元旦:另行通知。", "the holiday has no day that is understood"),
        (2026, "一、元旦:1月1日放假。三、清明节:4月5日放假。", "三、清明节:", "the item after 一 is missing"),
        (2026, "一、元旦:1月1日放假。二、", "二、", "the holiday has no day that is understood"),
        (2026, "一、元旦:1月1日放假。二、春", "春", "the sentence has no end"),
        (2026, "元旦:1月2日放假。", "元旦:1月2日放假。", "2026-01-01 is 元旦 by law and is not off"),
        (2026, "元旦:1月1日放假。1月31日上班。", "元旦:1月1日放假。1月31日上班。", "2026-01-31 is worked too far"),
        (
            2026,
            "现将2026年元旦和“五一”放假安排通知如下。一、元旦:1月1日放假。",
            "现将2026年元旦和“五一”放假",
            "“五一” is announced, but its days are missing",
        ),
        (
            2026,
            "一、元旦:1月1日放假。二、甲节:1月1日放假。",
            "二、甲节:1月1日放假。",
            "2026-01-01 is listed for 元旦 already",
        ),
        (
            2026,
            "延长2026年春节假期至2月2日。",
            "延长2026年春节假期至2月2日。",
            "the notice that is amended must be given",
        ),
        (2026, "祝大家节日快乐。", "祝大家节日快乐。", "no day is stated"),
        (2026, "", "", "no day is stated"),
        (2026, "元旦:1月1日放假。国务院办公厅2025年13月4日", "国务院办公厅2025年13月4日", "there is no day 2025-13-4"),
    ],
)
def test_a_doubtful_sentence_is_refused_and_quoted(year: int, text: str, quote: str, reason: str) -> None:
    with pytest.raises(NoticeUnreadable) as caught:
        read_notice(text, year=year)
    first = caught.value.doubts[0]
    assert first.sentence == quote
    assert reason in first.en
    assert f"“{quote}”" in caught.value.en
    assert f"「{quote}」" in caught.value.zh
    assert caught.value.code == "notice_unreadable"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("1月4日（周日）上班", "1月4日（周六）上班"),
        ("共9天", "共8天"),
        ("5月9日（周六）上班", "5月6日（周三）上班"),
        ("6日（周一）放假", "31日（周一）放假"),
        ("10月10日（周六）上班", "10月3日（周六）上班"),
        ("共3天。1月4日（周日）上班。", "共"),
        ("三、清明节：4月4日（周六）至6日（周一）放假，共3天。\n", ""),
        ("2月15日（农历", "3月15日（农历"),
        ("2月28日（周六）上班", "3月28日（周六）上班"),
    ],
)
def test_one_slip_in_a_whole_notice_is_found(right: str, wrong: str) -> None:
    assert right in OF_2026
    with pytest.raises(NoticeUnreadable):
        read_notice(notice(2026, OF_2026.replace(right, wrong, 1)))


def test_no_wrong_digit_passes() -> None:
    wanted = days_of(built_in(2026))
    for place, char in enumerate(OF_2026):
        # 10月17日 is a Saturday as well and as near to the holiday: nothing in the text speaks against it.
        if char.isdigit() and place != OF_2026.index("10月10日") + 4:
            for digit in set("0123456789") - {char}:
                slip = OF_2026[:place] + digit + OF_2026[place + 1 :]
                reading = examine_notice(notice(2026, slip))
                assert reading.doubts or days_of(reading) == wanted, slip


def test_no_part_of_a_notice_passes_for_the_whole() -> None:
    text = notice(2026, OF_2026)
    whole = text.index("10月10日（周六）上班。") + len("10月10日（周六）上班。")
    for end in range(text.index("一、元旦"), whole):
        assert examine_notice(text[:end]).doubts, text[:end]


def test_the_foot_of_a_web_page_is_left_out() -> None:
    reading = read_notice(notice(2026, OF_2026) + "责任编辑:某某\n")
    assert reading.notes[-1].sentence.endswith("责任编辑:某某")


def test_a_doubtful_reading_shows_what_it_understood_but_makes_no_year() -> None:
    reading = examine_notice("一、元旦:1月1日放假。二、春节:2月15日至", year=2026)
    assert days_of(reading) == days("2026-01-01")
    assert [doubt.sentence for doubt in reading.doubts] == ["2月15日至"]
    with pytest.raises(NoticeUnreadable, match="has no end"):
        reading.to_year(ADDRESS)


def test_a_holiday_without_a_name_makes_no_year() -> None:
    with pytest.raises(NoticeUnreadable, match="has no name"):
        read_notice("1月1日放假。", year=2026).to_year(ADDRESS)


def test_a_year_needs_an_address_for_each_notice() -> None:
    with pytest.raises(NoticeInvalid, match=r"1 notice\(s\) were read, 2 address"):
        read_notice("元旦:1月1日放假。", year=2026).to_year(ADDRESS, ADDRESS)
    with pytest.raises(NoticeInvalid, match=r"1 notice\(s\) were read, 0 address"):
        read_notice("元旦:1月1日放假。", year=2026).to_year()


def test_a_number_is_address_enough() -> None:
    reading = read_notice("国办发明电〔2025〕7号。元旦:1月1日放假。", year=2026)
    year = reading.to_year()
    assert year.notices == (Notice(url="", number="国办发明电〔2025〕7号"),)
    assert year_from_document(year.to_document(), origin="2026") == replace(year, origin="2026")


@pytest.mark.parametrize(
    ("text", "year", "reason"),
    [
        ("元旦:1月1日放假。", None, "the year is neither stated nor given"),
        ("关于2026年部分节假日安排的通知\n元旦:1月1日放假。", 2027, "the year can't be 2027"),
        ("元旦:1月1日放假。", 20, "the year can't be 20"),
        ("元旦:1月1日放假。", 9999, "the year can't be 9999"),
    ],
)
def test_the_year_is_stated_or_given_and_never_guessed(text: str, year: int | None, reason: str) -> None:
    with pytest.raises(NoticeUnreadable, match=reason):
        read_notice(text, year=year)


def test_a_notice_amends_one_of_its_own_year() -> None:
    with pytest.raises(NoticeUnreadable, match="the year can't be 2020"):
        read_notice(OF_2020_AGAIN, year=2020, amends=read_notice(notice(2019, OF_2019)))


# Laws -----------------------------------------------------------------------------------------------------


@st.composite
def holiday_lists(draw: st.DrawFn) -> tuple[int, list[Holiday]]:
    """Up to seven holidays of a year, apart from each other, with weekend days worked around them."""
    year = draw(st.integers(2000, 2060))
    holidays: list[Holiday] = []
    day = date(year - 1, 12, 27) + timedelta(days=draw(st.integers(0, 6)))
    for name in draw(st.lists(st.sampled_from(["甲节", "乙节", "丙纪念日", "丁节、戊节"]), min_size=1, unique=True)):
        length = draw(st.integers(1, 9))
        off = tuple(day + timedelta(days=index) for index in range(length))
        around = [off[0] - timedelta(days=back) for back in (1, 2, 3)] + [
            off[-1] + timedelta(days=ahead) for ahead in range(1, 8)
        ]
        weekend = [entry for entry in around if entry.weekday() >= 5 and entry >= date(year - 1, 12, 1)]
        work = tuple(sorted(draw(st.sets(st.sampled_from(weekend), max_size=2)))) if weekend else ()
        holidays.append(Holiday(name, off, work))
        day = off[-1] + timedelta(days=draw(st.integers(12, 80)))
    assume(all(entry.year <= year for holiday in holidays for entry in (*holiday.off, *holiday.work)))
    return year, holidays


def written(day: date, *, last: date | None, style: str) -> str:
    """A day as a notice writes it after `last`: the year only where it changes, the month where style says so."""
    text = f"{day.day}日" if last and style == "short" and last.month == day.month else f"{day.month}月{day.day}日"
    if last is None or last.year != day.year:
        text = f"{day.year}年{day.month}月{day.day}日"
    return text + {"bare": "", "short": f"(周{WEEKDAYS[day.weekday()]})"}.get(
        style, f"（星期{WEEKDAYS[day.weekday()]}）"
    )


def phrased(holiday: Holiday, style: str) -> str:
    first, last = holiday.off[0], holiday.off[-1]
    text = written(first, last=None, style=style)
    if last != first:
        text += ("—" if style == "full" else "至") + written(last, last=first, style=style)
    text += f"放假{'调休' if holiday.work else ''},共{len(holiday.off)}天。"
    days_worked = []
    for day in holiday.work:
        days_worked.append(written(day, last=last, style=style))
        last = day
    return text + ("、".join(days_worked) + "上班。" if days_worked else "")


@given(holiday_lists(), st.sampled_from(["bare", "short", "full"]), st.booleans())
def test_what_is_phrased_officially_is_read_back(listed: tuple[int, list[Holiday]], style: str, whole: bool) -> None:
    year, holidays = listed
    items = "\n".join(
        f"{NUMERALS[index]}、{holiday.name}:{phrased(holiday, style)}" for index, holiday in enumerate(holidays)
    )
    announced = "、".join(holiday.name for holiday in holidays)
    reading = read_notice(notice(year, items, announced=announced)) if whole else read_notice(items, year=year)
    assert reading.to_year(ADDRESS).holidays == tuple(holidays)


@given(st.text(alphabet="一二、元旦:1234月日周六()至放假调休共天上班,。\n年", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = examine_notice(text, year=2026)
    except NoticeUnreadable:
        return
    assert reading.doubts or days_of(reading)
