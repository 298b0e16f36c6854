"""From a row of a file to a ticket of ours, or to the reasons why not. Pure: no session, no clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from operator import itemgetter

from service.core.crypto import digits_only
from service.core.errors import Bilingual
from service.history.mapping import FALSE, FLAGS, MOMENTS, PERSONAL, TRUE, FieldRule, HistoryMapping
from service.history.source import Cell, Record
from service.tickets.concealing import Apart, conceal
from service.tickets.intake import EARLIEST
from service.tickets.sealed import Told
from service.tickets.states import ENDED, STATE_NAMES, State

# A merged ticket needs the one it went into, a reply under review its text, a call-back its reviewed reply: what no
# row of a table brings along.
OPEN_STATES = frozenset({State.registered, State.accepted, State.to_sign, State.in_progress})
STATES = OPEN_STATES | (ENDED - {State.merged})

_LONGEST = {"number": 100, "title": 200, "body": 100_000, "answer": 100_000, "employer": 200, "caller_name": 100}
_NEVER_EMPTY = frozenset({"number", "title", "received_at"})
_QUOTED = 40
_MOST_PEOPLE = 1_000_000
_MOST_OWED = Decimal(10) ** 12
_CENT = Decimal("0.01")
_SPANS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1)}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a field of a row: `refused` keeps the row out, `warned` lets it in."""

    weight: str
    field: str
    words: Bilingual


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A ticket as it was elsewhere, in our words. Instants aware; `tier` None is the category's usual one; `kept` are
    the columns the mapping keeps as they were.

    due_at: the file's deadline, exclusive; None where there is none or the policy counts it.
    undated: nothing was promised, by the file where the file says it, and to nobody before acceptance.
    """

    number: str
    title: str
    body: str
    answer: str
    state: State
    kind: str
    channel: str
    tier: str | None
    category_code: str
    place_code: str
    holder_code: str
    urgent: bool
    anonymous: bool
    identity_hidden: bool
    people_count: int
    amount_owed: Decimal | None
    phone: str | None
    caller_name: str | None
    employer: str | None
    received_at: datetime
    accepted_at: datetime
    replied_at: datetime | None
    closed_at: datetime | None
    due_at: datetime | None
    undated: bool
    kept: dict[str, str]
    apart: Apart = field(default_factory=Apart)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row: the ticket, or None with at least one remark that refuses it."""

    line: int
    row: HistoryRow | None
    remarks: tuple[Remark, ...]


class RowReader:
    """Reads the rows of one file by one mapping. Raises MappingRefused when the file lacks a column."""

    def __init__(self, mapping: HistoryMapping, header: Sequence[str], *, now: datetime) -> None:
        mapping.check_columns(header)
        self._mapping = mapping
        self._now = now
        self._width = len(header)
        self._places = {column: place for place, column in enumerate(header)}
        self._getters = {name: self._getter(rule) for name, rule in mapping.fields.items()}

    def read(self, record: Record) -> Verdict:
        """One row. Every fault that can be seen is remarked, not only the first."""
        if len(record.cells) != self._width:
            given = len(record.cells)
            words = Bilingual(
                f"该行有 {given} 列,表头有 {self._width} 列", f"the row has {given} cells, the heading {self._width}"
            )
            return Verdict(record.line, None, (Remark("refused", "", words),))
        reading = _Reading(self._mapping, {name: get(record.cells) for name, get in self._getters.items()})
        row = reading.row(self._now, {column: self._kept(record, column) for column in self._mapping.kept})
        remarks = (*reading.remarks, *self._checked(record))
        refused = any(remark.weight == "refused" for remark in remarks)
        return Verdict(record.line, None if refused else row, remarks)

    def _getter(self, rule: FieldRule) -> Callable[[Sequence[Cell]], Cell]:
        if rule.value is not None:
            value = rule.value
            return lambda _cells: value
        if rule.text is not None:
            text, places = rule.text, [(f"{{{column}}}", self._places[column]) for column in rule.columns]
            return lambda cells: _filled(text, [(hole, cells[place]) for hole, place in places])
        return itemgetter(self._places[rule.columns[0]])

    def _kept(self, record: Record, column: str) -> str:
        return _shown(record.cells[self._places[column]]).replace("\0", "")

    def _checked(self, record: Record) -> Iterator[Remark]:
        for check in self._mapping.checks:
            cell = record.cells[self._places[check.column]]
            if check.before is None:
                found = not _shown(cell)
            else:
                other = record.cells[self._places[check.before]]
                first, second = _instant(cell, self._mapping), _instant(other, self._mapping)
                found = first is not None and second is not None and first < second
            if found:
                yield Remark(check.weight, check.column, check.words)


class _Reading:
    """The fields of one row being read, with what was remarked on the way."""

    def __init__(self, mapping: HistoryMapping, cells: Mapping[str, Cell]) -> None:
        self._mapping = mapping
        self._cells = cells
        self.remarks: list[Remark] = []

    def row(self, now: datetime, kept: dict[str, str]) -> HistoryRow | None:
        """The ticket; None where a field refuses it."""
        words = {name: self._word(name) for name in self._cells if name not in MOMENTS}
        moments = {name: self._moment(name) for name in MOMENTS if name in self._cells}
        people_count, amount_owed = self._people(words), self._amount(words)
        flags = {name: self._flag(name, words.get(name, "")) for name in FLAGS}
        received_at = moments["received_at"]
        if self._is_refused or received_at is None:
            return None
        state, due_at = State(words["state"]), self._due(moments.get("due_at"))
        if due_at is not None and state is State.registered:
            self._warn(
                "due_at",
                "尚未受理的诉求没有办理时限,文件中的期限未导入",
                "nothing is promised before acceptance, so the file's deadline was left out",
            )
        row = HistoryRow(
            number=words["number"],
            title=words["title"],
            body=words.get("body", ""),
            answer=words.get("answer", ""),
            state=state,
            kind=words["kind"],
            channel=words.get("channel", "import"),
            tier=words.get("tier"),
            category_code=words["category"],
            place_code=words["place"],
            holder_code=words.get("holder", words["place"]),
            urgent=flags["urgent"],
            anonymous=flags["anonymous"],
            identity_hidden=flags["identity_hidden"],
            people_count=people_count,
            amount_owed=amount_owed,
            phone=self._phone(words),
            caller_name=words.get("caller_name") or None,
            employer=words.get("employer") or None,
            received_at=received_at,
            accepted_at=moments.get("accepted_at") or received_at,
            replied_at=moments.get("replied_at"),
            closed_at=moments.get("closed_at"),
            due_at=None if state is State.registered else due_at,
            undated=state is State.registered or (self._mapping.due_by_file and due_at is None),
            kept=kept,
        )
        self._check_order(row, now)
        return _concealed(row)

    @property
    def _is_refused(self) -> bool:
        return any(remark.weight == "refused" for remark in self.remarks)

    def _word(self, name: str) -> str:
        rule, text = self._mapping.fields[name], _shown(self._cells[name])
        if rule.table is not None and text in rule.table:
            return rule.table[text]
        if rule.otherwise is not None and (not text or rule.table is not None):
            return rule.otherwise
        if rule.table is not None:
            self._refuse(name, f"{_quoted(name, text)}不在对照表中", f"{_quoted(name, text)} is not in the table")
        elif not text and name in _NEVER_EMPTY:
            self._refuse(name, "为空", "is empty")
        elif name in self._mapping.codes and text not in self._mapping.codes[name]:
            self._refuse(name, f"{_quoted(name, text)}不是可用值", f"{_quoted(name, text)} is not a known value")
        elif "\0" in text:
            self._refuse(name, "含有空字符", "holds a null character")
        elif len(text) > _LONGEST.get(name, len(text)):
            self._refuse(name, f"超过 {_LONGEST[name]} 字", f"is longer than {_LONGEST[name]} characters")
        return text

    def _moment(self, name: str) -> datetime | None:
        cell, mapping = self._cells[name], self._mapping
        if not _shown(cell):
            if name in _NEVER_EMPTY:
                self._refuse(name, "为空", "is empty")
            return None
        moment = _time_of(cell, mapping.formats)
        instant = _placed(moment, mapping)
        if instant is None or moment is None:
            self._refuse(
                name,
                f"{_quoted(name, _shown(cell))}不是 {'、'.join(mapping.formats)} 格式的时间",
                f"{_quoted(name, _shown(cell))} is no time in the form {' or '.join(mapping.formats)}",
            )
        elif moment.tzinfo is None and instant.astimezone(mapping.zone).replace(tzinfo=None) != moment:
            self._warn(
                name,
                "当地时钟拨快,没有这一时刻;按拨快前的时差读取",
                "the clocks were put forward over this hour; read by the offset before",
            )
        return instant

    def _due(self, named: datetime | None) -> datetime | None:
        """The instant after the last moment allowed. A day ends at the next local midnight."""
        last, zone = self._mapping.last_moment, self._mapping.zone
        if named is None or last is None:
            return named
        if named.year == MAXYEAR:
            self._refuse("due_at", "超出可用年份", "is beyond every calendar")
            return named
        if last in _SPANS:
            return named + _SPANS[last]
        return datetime.combine(named.astimezone(zone).date() + timedelta(days=1), time(), zone).astimezone(UTC)

    def _flag(self, name: str, word: str) -> bool:
        if word.casefold() in TRUE:
            return True
        if word.casefold() not in FALSE:
            self._refuse(name, f"{_quoted(name, word)}不是 是/否", f"{_quoted(name, word)} is neither yes nor no")
        return False

    def _people(self, words: Mapping[str, str]) -> int:
        word = words.get("people_count") or "1"
        if word.isascii() and word.isdecimal() and len(word) <= 7 and 1 <= int(word) <= _MOST_PEOPLE:
            return int(word)
        shown = _quoted("people_count", word)
        self._refuse(
            "people_count", f"{shown}不是 1 至 {_MOST_PEOPLE} 的整数", f"{shown} is no number from 1 to {_MOST_PEOPLE}"
        )
        return 1

    def _amount(self, words: Mapping[str, str]) -> Decimal | None:
        word = words.get("amount_owed", "").replace(",", "").replace(",", "")
        if not word:
            return None
        try:
            amount = Decimal(word)
        except InvalidOperation:
            amount = Decimal("nan")
        if amount.is_finite() and 0 <= amount < _MOST_OWED:
            return amount.quantize(_CENT)
        shown = _quoted("amount_owed", word)
        self._refuse("amount_owed", f"{shown}不是金额(元)", f"{shown} is no amount in yuan")
        return None

    def _phone(self, words: Mapping[str, str]) -> str | None:
        digits = digits_only(words.get("phone", ""))
        if words.get("phone") and not 5 <= len(digits) <= 15:
            self._warn("phone", "号码无法识别,未导入", "the number can't be read and was left out")
            return None
        return digits or None

    def _check_order(self, row: HistoryRow, now: datetime) -> None:
        """What was before what, as far as our tables insist on it."""
        for name, earliest, latest, zh, en in (
            ("received_at", EARLIEST, now, "不在 2000 年至今之间", "does not lie between the year 2000 and now"),
            ("accepted_at", row.received_at, now, "早于收到或晚于现在", "lies before the receipt or after now"),
            ("closed_at", row.accepted_at, now, "早于受理或晚于现在", "lies before the acceptance or after now"),
            (
                "replied_at",
                row.accepted_at,
                row.closed_at or now,
                "早于受理或晚于办结",
                "lies before the acceptance or after the end",
            ),
        ):
            moment = getattr(row, name)
            if moment is not None and not earliest <= moment <= latest:
                self._refuse(name, zh, en)
                return
        state = Bilingual(*STATE_NAMES[row.state])
        if row.state in ENDED and row.closed_at is None:
            self._refuse("closed_at", f"为空,而状态是{state.zh}", f"is empty, and the state is {state.en}")
        if row.state in OPEN_STATES and row.closed_at is not None:
            self._refuse("closed_at", f"已填写,而状态是{state.zh}", f"is given, and the state is {state.en}")
        if row.due_at is not None and row.due_at <= row.accepted_at:
            self._refuse("due_at", "不晚于受理", "does not come after the acceptance")

    def _refuse(self, name: str, zh: str, en: str) -> None:
        self.remarks.append(Remark("refused", name, Bilingual(zh, en)))

    def _warn(self, name: str, zh: str, en: str) -> None:
        self.remarks.append(Remark("warned", name, Bilingual(zh, en)))


def _concealed(row: HistoryRow) -> HistoryRow:
    """A matter's texts, as they are kept of those that are taken down here."""
    told, apart = Told(digits=digits_only(row.phone or ""), name=row.caller_name), Apart()

    def said(text: str) -> str:
        kept, others = conceal(text, told, starred=row.identity_hidden)
        apart.update(others)
        return kept

    kept = {column: said(text) for column, text in row.kept.items()}
    return replace(row, title=said(row.title), body=said(row.body), answer=said(row.answer), kept=kept, apart=apart)


def _filled(text: str, holes: list[tuple[str, Cell]]) -> str:
    for hole, cell in holes:
        text = text.replace(hole, _shown(cell))
    return text


def _shown(cell: Cell) -> str:
    return cell.strip() if isinstance(cell, str) else str(cell)


def _quoted(name: str, text: str) -> str:
    """A word as a remark quotes it; what is personal is not quoted."""
    if name in PERSONAL:
        return "“…”"
    return f"“{text}”" if len(text) <= _QUOTED else f"“{text[:_QUOTED]}…”"


def _instant(cell: Cell, mapping: HistoryMapping) -> datetime | None:
    """A cell as an instant (UTC); None when it is empty or no time."""
    return _placed(_time_of(cell, mapping.formats), mapping)


def _placed(moment: datetime | None, mapping: HistoryMapping) -> datetime | None:
    """A time as written, in the mapping's zone unless it says otherwise; None also beyond what UTC can hold."""
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=mapping.zone)).astimezone(UTC)
    except OverflowError:
        return None


def _time_of(cell: Cell, formats: Sequence[str]) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    text = cell.strip()
    for form in formats if text else ():
        try:
            # Without an offset it is in the mapping's zone, which the caller gives it.
            return datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
    return None
