"""The yearly holiday notice as it is published: Chinese sentences, read into days and checked.

「一、元旦:1月1日(周四)至3日(周六)放假调休,共3天。1月4日(周日)上班。」 states its days, their weekdays and
their number, so most slips of pasting and typing contradict something and are found. What contradicts
itself, or is not one of the forms known from the notices of 2007-2026, is a doubt that quotes its sentence;
no day is guessed. Remarks beside brackets such as 农历除夕 are accepted and not checked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from sla_rules.notice import Notice
from sla_rules.notice_reading import (
    ONE_DAY,
    SATURDAY,
    Doubt,
    NoticeReading,
    NoticeUnreadable,
    ReadHoliday,
    Remark,
    both_ways,
    check_near,
    check_reach,
    check_some_off,
    check_weekday,
    check_worked,
    day_of,
    exists,
    listed_already,
    lost_by_law,
    not_off,
    stretch,
)

# The regulation on public holidays dates from 1949; a later year than 9998 has no January after it.
_YEARS = range(1950, 9999)
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0, "○": 0, "O": 0}
_DASHES = str.maketrans("—–―‐‑−─~〜", "---------")

_NUMBER = r"(?:\d{1,2}|[一二两三四五六七八九十]{1,3})"
_DATE = r"(?:\d{4}年)?(?:\d{1,2}月)?\d{1,2}日(?:\([^()]*\)|(?:星期|周)[一二三四五六日天])?"
_SPAN = rf"{_DATE}(?:(?:至|到|-+){_DATE})?"
_LIST = rf"{_SPAN}(?:(?:、|和|以及|及|与){_SPAN})*"
_ONE_DATE = re.compile(
    r"(?:(?P<year>\d{4})年)?(?:(?P<month>\d{1,2})月)?(?P<day>\d{1,2})日"
    r"(?:\((?P<remark>[^()]*)\)|(?P<weekday>(?:星期|周).))?"
)
_DAYS_ONLY = re.compile(_LIST)
_SPANS = re.compile(_SPAN)
_A_DATE = re.compile(r"[\d一二三四五六七八九十][月日]")
_AN_ACT = re.compile(r"放假|上班|补休|公休|调休|连休|补班")
_NO_PLAIN_REMARK = re.compile(r"星期|周|[^\u4e00-\u9fff“”]")
_SENTENCE = re.compile(r"[^。;!]+[。;!]?")
# A comma within brackets parts nothing.
_CLAUSE = re.compile(r"(?:[^,:()]|\([^()]*\)?|\))+")
_HEADING = re.compile(
    r"(?:(?P<number>[一二三四五六七八九十]{1,3}|\d{1,2})[、.](?:(?P<name>[^,。;:()\d]{1,40}):)?(?!\d*日))"
    r"|(?P<bare>[^,。;:()\d]{0,40}(?:节|元旦)|[^,。;:()\d]{1,40}(?=:\d)):"
)
_NO_NAME = re.compile(r"通知|如下|日期")
_YEAR = re.compile(r"(?:关于|调整|延长|现将|现就)(?:调整|延长)?(\d{4})年(?!\d)")
_TITLE_NAME = re.compile(
    r"关于(?:调整|延长)?(?:\d{4}年)?((?:(?!关于|部分)[^,。;:\d]|\d+周年)+?)(?:假期|调休|放假|安排)"
)
_ANNOUNCED = re.compile(r"现将\d{4}年([^。;:]{1,200}?)放假")
_QUOTES = "“”\"'「」"
_PAPER_NUMBER = re.compile(r"国[办发电明函]+[〔\[(]\d{4}[〕\])]\d+号")
_PAPER_DATE = re.compile(r"(?:成文|发布|印发|发文)日期:\d{4}年\d{1,2}月\d{1,2}日")
_TITLE = re.compile(r"国务院(?:办公厅)?关于[^。:]{0,200}?的通知")
_SIGNATURE = re.compile(
    r"国务院(?:办公厅)?(?:(?P<year>[\d零〇○O一二三四五六七八九]{4})年)?"
    r"(?P<month>[\d一二三四五六七八九十]{1,3})月(?P<day>[\d一二三四五六七八九十]{1,3})日(?:\(此件公开发布\))?"
)
_WISH = re.compile(r"鼓励|提倡")
_A_RULE = re.compile(r"放假|上班")
_LAW = re.compile(r"《[^》]*办法》")
_HALF = re.compile(r"半[天日]")
_OPENING = re.compile(r"(?:其中|另外|同时|将|并)+")


def read_notice(text: str, *, year: int | None = None, amends: NoticeReading | None = None) -> NoticeReading:
    """Read the text of a notice. Raises NoticeUnreadable quoting every doubtful sentence.

    `year` is needed where the text itself doesn't state it. With `amends`, the reading is that of the earlier
    notice as changed by this one (2015, 2019, 2020).
    """
    reading = examine_notice(text, year=year, amends=amends)
    if reading.doubts:
        raise NoticeUnreadable(reading.doubts)
    return reading


def examine_notice(text: str, *, year: int | None = None, amends: NoticeReading | None = None) -> NoticeReading:
    """As `read_notice`, but the doubts come with what was understood, to be shown to a person.

    Raises NoticeUnreadable when no year is stated or given, or the two differ.
    """
    page = _Page.of(text)
    settled = _year(page, year, amends)
    return _Reader(page, settled, amends).read()


@dataclass(frozen=True, slots=True)
class _Page:
    """The text without blanks, as given and with its signs unified, place for place; and where lines began."""

    given: str
    plain: str
    line_starts: frozenset[int]

    @classmethod
    def of(cls, text: str) -> _Page:
        given: list[str] = []
        plain: list[str] = []
        starts = {0}
        for char in text:
            if char == "\n":
                starts.add(len(given))
            elif not char.isspace() and unicodedata.category(char) != "Cf":
                unified = unicodedata.normalize("NFKC", char)
                given.append(char)
                # A sign that unfolds to several would move all that follows; it is left as it is.
                plain.append(unified if len(unified) == 1 else char)
        return cls("".join(given), "".join(plain).translate(_DASHES), frozenset(starts))


def _year(page: _Page, given: int | None, amends: NoticeReading | None) -> int:
    stated = [(int(match[1]), page.given[match.start() : match.end()]) for match in _YEAR.finditer(page.plain)]
    if amends is not None:
        stated.append((amends.year, f"{amends.year}"))
    if given is not None:
        stated.append((given, f"{given}"))
    if not stated:
        raise NoticeUnreadable(
            (Remark(page.given[:40], "the year is neither stated nor given", "未写明年份,也未指定年份"),)
        )
    wanted, _quote = stated[-1]
    for year, quote in stated:
        if year != wanted or year not in _YEARS:
            raise NoticeUnreadable((Remark(quote, f"the year can't be {wanted}", f"年份不可能是 {wanted}"),))
    return wanted


@dataclass(slots=True)
class _Item:
    """One holiday while it is being read."""

    name: str
    named: bool
    headed: bool
    years: set[int]
    start: int
    end: int = 0
    last: date | None = None
    off: set[date] = field(default_factory=set)
    work: set[date] = field(default_factory=set)
    # Each count with the number of days its own clause names; None for one that counts the whole holiday.
    counts: list[tuple[int, int | None]] = field(default_factory=list)
    swapped: set[date] = field(default_factory=set)
    beside_weekend: bool = False
    no_swap: bool = False
    prolongs: bool = False
    # Behind 其中 the days are only told apart, none is new.
    apart: bool = False

    @property
    def stated(self) -> bool:
        return bool(self.off or self.work)


class _Reader:
    def __init__(self, page: _Page, year: int, amends: NoticeReading | None) -> None:
        self._page = page
        self._year = year
        self._amends = amends
        self._doubts: list[Remark] = []
        self._notes: list[Remark] = []
        self._holidays: list[ReadHoliday] = []
        self._published: date | None = None
        # What follows the signature, the foot of a web page for example, needs no full stop.
        self._signed = False
        self._has_items = False
        self._source = len(amends.sources) + 1 if amends else 1
        found = _TITLE_NAME.search(page.plain)
        self._title_name = found[1] if found else ""
        # What prolongs a holiday of the amended notice stands beside it instead of replacing it.
        self._prolonging: list[ReadHoliday] = []

    def read(self) -> NoticeReading:
        plain = self._page.plain
        headings = self._headings()
        self._has_items = bool(headings)
        first = headings[0].start() if headings else len(plain)
        self._read_item(_Item(self._title_name, False, False, {self._year}, 0), 0, first)
        self._check_numbers(headings)
        ends = [*(heading.start() for heading in headings[1:]), len(plain)]
        for heading, end in zip(headings, ends, strict=False):  # a text without headings has its end alone
            name = (heading["name"] or heading["bare"] or "").strip(_QUOTES)
            item = _Item(name or self._title_name, bool(name), True, {self._year}, heading.start())
            self._read_item(item, heading.end(), end)
        self._check_announced()
        title = _TITLE.search(plain)
        if title and not self._signed:
            quote = self._page.given[title.start() : title.end()]
            self._doubt(quote, "the notice is not signed; is its end missing?", "通知没有落款,末尾是否缺失")
        holidays = self._merged()
        self._check_days(holidays)
        if not self._holidays and not self._doubts:
            self._doubt(self._page.given[:40], "no day is stated", "没有写明任何日期")
        number = _PAPER_NUMBER.search(plain)
        source = Notice(
            url="",
            number=self._page.given[number.start() : number.end()] if number else "",
            published=self._published,
        )
        earlier = self._amends
        return NoticeReading(
            year=self._year,
            holidays=holidays,
            doubts=(*(earlier.doubts if earlier else ()), *self._doubts),
            notes=(*(earlier.notes if earlier else ()), *self._notes),
            sources=(*(earlier.sources if earlier else ()), source),
        )

    # Sentences ------------------------------------------------------------------------------------------------

    def _headings(self) -> list[re.Match[str]]:
        plain = self._page.plain
        places = self._page.line_starts.union(match.end() for match in re.finditer("[。;:!]", plain))
        found = (_HEADING.match(plain, place) for place in sorted(places))
        return [match for match in found if match and not (match["bare"] and _NO_NAME.search(match["bare"]))]

    def _check_numbers(self, headings: list[re.Match[str]]) -> None:
        numbered = [heading for heading in headings if heading["number"]]
        for before, after in pairwise(numbered):
            if _number(after["number"]) != _number(before["number"]) + 1:
                quote = self._page.given[after.start() : after.end()]
                self._doubt(quote, f"the item after {before['number']} is missing", f"“{before['number']}”之后缺项")

    def _check_announced(self) -> None:
        """The opening sentence names the holidays: one that has no item of its own was lost."""
        read = {name for holiday in self._holidays for name in holiday.name.split("、")}
        for match in _ANNOUNCED.finditer(self._page.plain):
            quote = self._page.given[match.start() : match.end()]
            for name in re.split("[、和及与]", match[1]):
                if name.strip(_QUOTES) not in read:
                    self._doubt(quote, f"{name} is announced, but its days are missing", f"已列{name},却没有其日期")

    def _read_item(self, item: _Item, start: int, end: int) -> None:
        doubts = len(self._doubts)
        for match in _SENTENCE.finditer(self._page.plain, start, end):
            quote = self._page.given[match.start() : match.end()]
            if not item.named and not item.stated:
                item.start = match.start()
            try:
                if self._read_sentence(item, match[0], quote):
                    item.end = match.end()
            except Doubt as doubt:
                self._doubt(quote, doubt.en, doubt.zh)
                item.end = match.end()
        if item.stated:
            self._finish(item)
        elif (item.named or (item.headed and start == end)) and len(self._doubts) == doubts:
            quote = self._page.given[item.start : end]
            self._doubt(quote, "the holiday has no day that is understood", "该节日没有可识别的日期")

    def _read_sentence(self, item: _Item, sentence: str, quote: str) -> bool:
        """Whether the sentence speaks of days. Raises Doubt."""
        signature = _SIGNATURE.match(sentence)
        if signature:
            self._signed = True
            self._sign(signature)
            sentence = sentence[signature.end() :]
            if not sentence:
                return False
        body = sentence.rstrip("。;!")
        dated, acting = bool(_A_DATE.search(_PAPER_DATE.sub("", body))), bool(_AN_ACT.search(body))
        unfinished = body == sentence and not self._signed
        if not dated and not (item.named and acting) and not (item.headed and unfinished):
            self._note(quote, "states no day", "未涉及日期")
            return False
        if not item.headed and self._has_items and _LAW.search(body):
            # The notice of 2025 opens with the revised regulation; the days come in the items below.
            self._note(quote, "cites the law, states no arrangement", "引述法规,不是具体安排")
            return False
        if unfinished:
            raise Doubt("the sentence has no end; is it cut off?", "句子没有结束,是否不完整")
        self._read_clauses(item, body, quote)
        return True

    def _read_clauses(self, item: _Item, body: str, quote: str) -> None:
        waiting = ""
        item.apart = False
        begun = item.named
        for match in _CLAUSE.finditer(body):
            opening = _OPENING.match(match[0])
            item.apart = item.apart or bool(opening and "其中" in opening[0])
            clause = waiting + (match[0][opening.end() :] if opening else match[0])
            if _WISH.match(clause) and not _A_RULE.search(body, match.start()):
                wish = body[match.start() :]
                self._note(quote, f"a recommendation, left out: {wish}", f"属建议,不计入:{wish}")
                break
            if not clause or not (begun or _A_DATE.search(clause)):
                continue  # 「为方便公众安排假日期间生产生活,」 leads up to the days in a text without headings
            begun = True
            waiting = ""
            if _HALF.search(clause) and "上班" not in clause:
                self._note(quote, f"a half day, left out: {clause}", f"半天假,不计入:{clause}")
            elif _DAYS_ONLY.fullmatch(clause):
                waiting = f"{clause}、"
            else:
                self._read_clause(item, clause)
        if waiting:
            raise Doubt("days are named, but not what they are", "列出日期但未说明放假或上班")

    def _read_clause(self, item: _Item, clause: str) -> None:
        for pattern, action in _CLAUSES:
            match = pattern.fullmatch(clause)
            if match:
                action(self, item, match)
                return
        raise Doubt(f"not understood: {clause}", f"无法理解“{clause}”")

    def _sign(self, signature: re.Match[str]) -> None:
        if signature["year"]:
            digits = "".join(str(_DIGITS.get(char, char)) for char in signature["year"])
            month, day = _number(signature["month"]), _number(signature["day"])
            self._published = day_of(int(digits), month, day)

    # Clauses --------------------------------------------------------------------------------------------------

    def _off(self, item: _Item, match: re.Match[str]) -> None:
        days = self._days(item, match["days"])
        if item.apart:
            self._inside(item, days)
        item.off.update(days)
        if match["count"]:
            item.counts.append((_number(match["count"]), len(days)))

    def _work(self, item: _Item, match: re.Match[str]) -> None:
        for day in self._days(item, match["days"]):
            check_worked(day)
            item.work.add(day)

    def _resume(self, item: _Item, match: re.Match[str]) -> None:
        day = self._days(item, match["days"])[0]
        if day.weekday() >= SATURDAY or day - ONE_DAY not in item.off:
            raise Doubt(f"{day} is no ordinary working day after the holiday", f"{day} 不是假期后的首个普通工作日")

    def _told_apart(self, item: _Item, match: re.Match[str]) -> None:
        self._inside(item, self._days(item, match["days"]))

    def _swap(self, item: _Item, match: re.Match[str]) -> None:
        given = self._days(item, match["days"])
        taken = self._days(item, match["to"])
        if len(given) != len(taken) or (match["count"] and _number(match["count"]) != len(given)):
            raise Doubt(
                f"{len(given)} rest days are moved to {len(taken)} days", f"{len(given)} 个公休日调至 {len(taken)} 天"
            )
        self._inside(item, taken)
        for day in given:
            check_worked(day)
        item.swapped.update(given)

    def _count(self, item: _Item, match: re.Match[str]) -> None:
        item.counts.append((_number(match["count"]), None))

    def _beside_weekend(self, item: _Item, _match: re.Match[str]) -> None:
        item.beside_weekend = True

    def _no_swap(self, item: _Item, _match: re.Match[str]) -> None:
        item.no_swap = True

    def _prolong(self, item: _Item, match: re.Match[str]) -> None:
        name = match["name"]
        until = self._days(item, match["days"])[0]
        ends = [
            max(holiday.off)
            for holiday in (self._amends.holidays if self._amends else ())
            if holiday.name == name and holiday.off
        ]
        if not ends:
            raise Doubt(
                f"prolongs {name}; the notice that is amended must be given as well",
                f"延长{name}假期,须同时提供被修改的通知",
            )
        item.name, item.prolongs = name, True
        item.off.update(stretch(max(ends) + ONE_DAY, until))

    def _inside(self, item: _Item, days: Iterable[date]) -> None:
        for day in days:
            if day not in item.off:
                raise Doubt(f"{day} lies outside the days off stated before", f"{day} 不在前述放假日期之内")

    # Days -----------------------------------------------------------------------------------------------------

    def _days(self, item: _Item, text: str) -> list[date]:
        days: list[date] = []
        for span in _SPANS.finditer(text):
            first, *rest = [self._day(item, match) for match in _ONE_DATE.finditer(span[0])]
            days.extend(stretch(first, rest[0]) if rest else [first])
        if len(set(days)) < len(days):
            raise Doubt("a day is listed twice", "同一日期重复列出")
        return days

    def _day(self, item: _Item, match: re.Match[str]) -> date:
        if match["year"]:
            item.years.add(int(match["year"]))
        day = self._resolved(item, match)
        check_reach(day, self._year)
        remarks = match["weekday"] or match["remark"] or ""
        for remark in re.split("[,、]", remarks):
            self._check_remark(day, remark)
        item.last = day
        return day

    def _resolved(self, item: _Item, match: re.Match[str]) -> date:
        number = int(match["day"])
        if not match["month"]:
            if match["year"] or item.last is None:
                raise Doubt(f"{match[0]} has no month", f"“{match[0]}”没有月份")
            return day_of(item.last.year, item.last.month, number)
        month = int(match["month"])
        if match["year"]:
            return day_of(int(match["year"]), month, number)
        last = item.last
        if last is None:
            return day_of(self._year, month, number)
        # 「2007年12月30日—2008年1月1日放假…12月29日上班」: of the years the item speaks of, the nearest.
        possible = [year for year in sorted(item.years) if exists(year, month, number)] or [self._year]
        return min((day_of(year, month, number) for year in possible), key=lambda day: abs(day - last))

    def _check_remark(self, day: date, remark: str) -> None:
        if _NO_PLAIN_REMARK.search(remark):
            check_weekday(day, remark)

    # The whole ------------------------------------------------------------------------------------------------

    def _finish(self, item: _Item) -> None:
        quote = self._page.given[item.start : item.end]
        try:
            self._check_item(item)
        except Doubt as doubt:
            self._doubt(quote, doubt.en, doubt.zh)
        days = tuple(sorted(item.off)), tuple(sorted(item.work))
        self._holidays.append(ReadHoliday(item.name, *days, quote, self._source))
        if item.prolongs:
            self._prolonging.append(self._holidays[-1])

    def _check_item(self, item: _Item) -> None:
        check_some_off(item.off)
        if item.beside_weekend:
            self._join_weekend(item)
        for count, own in item.counts:
            if count not in (own, len(item.off)):
                raise Doubt(
                    f"{count} days are announced, {own or len(item.off)} are named",
                    f"写明共 {count} 天,所列为 {own or len(item.off)} 天",
                )
        self._work_what_was_moved(item)
        self._check_law(item)
        both = sorted(item.off & item.work)
        if both:
            raise both_ways(both[0])
        if item.no_swap and item.work:
            raise Doubt("no exchange is announced, but a day is worked", "写明不调休,却有上班日")

    def _check_law(self, item: _Item) -> None:
        # A slip of the month can keep every weekday (February and March 2026), but not the festival itself.
        if item.named and not item.prolongs:
            for day, name in lost_by_law(self._year, item.off).items():
                if set(name.split("、")) & set(item.name.split("、")):
                    raise not_off(day, name)
        for day in sorted(item.work):
            check_near(day, item.off)

    def _work_what_was_moved(self, item: _Item) -> None:
        # In the older form a rest day that is moved is worked, said so or not (2008), unless it is a holiday itself.
        moved = item.swapped - item.off
        if moved and item.work and moved != item.work:
            day = min(moved ^ item.work)
            raise Doubt(f"{day} is not both moved and worked", f"{day} 的公休日调休与上班说法不一")
        item.work |= moved

    def _join_weekend(self, item: _Item) -> None:
        joined = set(item.off)
        for first, step in ((min(item.off), -ONE_DAY), (max(item.off), ONE_DAY)):
            day = first + step
            while day.weekday() >= SATURDAY:
                joined.add(day)
                day += step
        if joined == item.off and all(day.weekday() < SATURDAY for day in item.off):
            raise Doubt("the day does not adjoin a weekend", "放假日与周末不相连")
        # Only a count that covers the weekend makes it part of the holiday; else it is a weekend as any other.
        if any(count == len(joined) for count, _own in item.counts):
            item.off |= joined

    def _merged(self) -> tuple[ReadHoliday, ...]:
        """This notice's holidays with those of the notice it amends that it leaves standing."""
        if self._amends is None:
            return tuple(self._holidays)
        replaced = {holiday.name for holiday in self._holidays if holiday not in self._prolonging}
        kept = [entry for entry in self._amends.holidays if entry.name not in replaced]
        for holiday in self._prolonging:
            kept = [self._without_work(entry, holiday) for entry in kept]
        return tuple(sorted([*kept, *self._holidays], key=lambda entry: entry.off + entry.work))

    def _without_work(self, entry: ReadHoliday, prolonging: ReadHoliday) -> ReadHoliday:
        # A day that was to be worked and lies in the prolonged holiday is off now (1 February 2020).
        for day in sorted(set(entry.work) & set(prolonging.off)):
            self._note(prolonging.sentence, f"{day} was to be worked and is off now", f"{day} 原为上班日,现改为放假")
        return replace(entry, work=tuple(day for day in entry.work if day not in prolonging.off))

    def _check_days(self, holidays: tuple[ReadHoliday, ...]) -> None:
        seen: dict[date, ReadHoliday] = {}
        for holiday in holidays:
            for day in (*holiday.off, *holiday.work):
                if seen.setdefault(day, holiday) is not holiday:
                    doubt = listed_already(day, seen[day].name)
                    self._doubt(holiday.sentence, doubt.en, doubt.zh)

    def _doubt(self, quote: str, en: str, zh: str) -> None:
        self._doubts.append(Remark(quote, en, zh))

    def _note(self, quote: str, en: str, zh: str) -> None:
        self._notes.append(Remark(quote, en, zh))


def _number(text: str) -> int:
    """12 from 12, 十二; 20 from 二十; 31 from 三十一."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_DIGITS.get(tens, 1) if ten else 0) * 10 + _DIGITS.get(ones, 0)


_DAYS = rf"(?P<days>{_LIST})、?"
_CLAUSES: tuple[tuple[re.Pattern[str], Callable[[_Reader, _Item, re.Match[str]], None]], ...] = tuple(
    (re.compile(pattern), action)
    for pattern, action in (
        (rf"{_DAYS}(?:全国|统一)?(?:放假|调休|公休|补休|休息)+(?:共?(?P<count>{_NUMBER})天)?", _Reader._off),
        (rf"{_DAYS}(?:两天)?(?:调休|照常|正常|均|补)*(?:上班|补班)", _Reader._work),
        (rf"{_DAYS}起(?:正常|照常|恢复)*上班", _Reader._resume),
        (rf"{_DAYS}(?:为法定节?假日|为公休日|照常公休)", _Reader._told_apart),
        (rf"{_DAYS}(?:(?P<count>{_NUMBER})个)?公休日(?:分别)?调至(?P<to>{_LIST})", _Reader._swap),
        (rf"共计?(?:放假)?(?P<count>{_NUMBER})天", _Reader._count),
        (r"[与和](?:周末|双休日)(?:连休|相连)", _Reader._beside_weekend),
        (r"不调休", _Reader._no_swap),
        (rf"延长(?:\d{{4}}年)?(?P<name>[^\d,]+?)假期至(?P<days>{_DATE})", _Reader._prolong),
    )
)
