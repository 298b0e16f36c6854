"""The mapping file of an import: which column becomes which field, and what foreign words mean here.

It is TOML. Every refusal names the file, the line and the key, before a single row is read.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.core.errors import Bilingual, Malformed
from sla_rules.toml_lines import line_of

FORMAT = 1

MOMENTS = ("received_at", "accepted_at", "replied_at", "closed_at", "due_at")
CODED = ("state", "kind", "channel", "tier", "category", "place", "holder")
FLAGS = ("urgent", "anonymous", "identity_hidden")
WORDS = ("number", "title", "body", "answer", "phone", "caller_name", "employer", "people_count", "amount_owed")
FIELDS = (*WORDS, *CODED, *FLAGS, *MOMENTS)
REQUIRED = ("number", "title", "state", "kind", "category", "place", "received_at")
# What a remark never quotes: the caller is nobody's to read about in a report.
PERSONAL = frozenset({"phone", "caller_name", "employer", "body", "title", "answer"})

TRUE = frozenset({"true", "1", "yes", "y", "是"})
FALSE = frozenset({"false", "0", "no", "n", "否", ""})

# How long the last moment allowed is, where the file's deadline names it: ours is the instant after.
LAST_MOMENTS = ("second", "minute", "day")

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_KIND = re.compile(r"[a-z][a-z0-9_]{1,31}")


class MappingRefused(Malformed):
    """The mapping says something that cannot be meant, or that the file has no column for."""

    zh = "{where}:{reason}"
    en = "{where}: {reason}"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a field comes from: a `column`, a `text` with {columns} in it, or one `value` for all rows.

    `table` says what a column's words mean; `otherwise` is the value of an empty cell, and of a word that is not in
    the table.
    """

    name: str
    column: str | None = None
    text: str | None = None
    value: str | None = None
    table: Mapping[str, str] | None = None
    otherwise: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        if self.text is not None:
            return tuple(_PLACEHOLDER.findall(self.text))
        return (self.column,) if self.column is not None else ()


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Something to look for in every row: an empty column, or one whose time lies before another's.

    `refuse` or `warn`: whether the row stays out, or comes in with a remark.
    """

    column: str
    before: str | None
    weight: str
    words: Bilingual


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMapping:
    """A mapping that makes sense in itself. `kind` is the kind of the foreign numbers; `last_moment` None means that
    the file's deadline is exclusive, as ours is. Instants without an offset are in `zone`."""

    name: str
    content: str
    kind: str
    title: str
    delimiter: str
    encoding: str | None
    header_line: int
    sheet: str | None
    zone: ZoneInfo
    formats: tuple[str, ...]
    due_by_file: bool
    last_moment: str | None
    fields: Mapping[str, FieldRule]
    kept: tuple[str, ...]
    checks: tuple[RowCheck, ...]
    codes: Mapping[str, frozenset[str]]
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.content.encode()).digest())

    def check_columns(self, header: Iterable[str]) -> None:
        """Raises MappingRefused for the first column that the file does not have."""
        columns = set(header)
        wanted: list[tuple[tuple[str | int, ...], str]] = [
            (("fields", rule.name), column) for rule in self.fields.values() for column in rule.columns
        ]
        wanted += [(("keep", place), column) for place, column in enumerate(self.kept)]
        for place, check in enumerate(self.checks):
            wanted += [(("check", place), column) for column in (check.column, check.before) if column is not None]
        for path, column in wanted:
            if column not in columns:
                raise _refusal(
                    self.name,
                    self.content,
                    path,
                    zh=f"文件没有“{column}”列;文件的列:{'、'.join(header)}",
                    en=f"the file has no column {column!r}; its columns: {', '.join(header)}",
                )


def read_mapping(content: str, *, name: str, codes: Mapping[str, frozenset[str]]) -> HistoryMapping:
    """Read and check a mapping. `codes` gives what each coded field may hold; `name` is what a refusal calls it.

    Raises MappingRefused with the file, the line and the key.
    """
    try:
        document = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingRefused(
            where=name, reason=Bilingual(f"不是有效的 TOML:{error}", f"not valid TOML: {error}")
        ) from error
    top = _Table(document, name, content)
    top.only("format", "kind", "title", "file", "time", "due", "fields", "tables", "keep", "check")
    if document.get("format") != FORMAT:
        raise top.refusal("format", zh=f"须为 {FORMAT}", en=f"must be {FORMAT}")
    kind = top.text("kind")
    if not _KIND.fullmatch(kind):
        raise top.refusal(
            "kind",
            zh="外部编号的种类须为小写字母、数字和下划线,2 至 32 位",
            en="the kind of the foreign numbers is 2 to 32 lower-case letters, digits and underscores",
        )
    file, moments = top.table("file"), top.table("time")
    file.only("delimiter", "encoding", "header", "sheet")
    moments.only("zone", "formats")
    by_file, last_moment = _read_due(top)
    fields = _read_fields(top, codes, by_file=by_file)
    delimiter = file.text("delimiter", ",")
    if len(delimiter) != 1:
        raise file.refusal("delimiter", zh="须为一个字符", en="must be one character")
    header_line = file.values.get("header", 1)
    if isinstance(header_line, bool) or not isinstance(header_line, int) or not 1 <= header_line <= 1000:
        raise file.refusal("header", zh="须为表头所在的行号,1 至 1000", en="must be the heading's line, 1 to 1000")
    return HistoryMapping(
        name=name,
        content=content,
        kind=kind,
        title=top.text("title", kind),
        delimiter=delimiter,
        encoding=_encoding(file),
        header_line=header_line,
        sheet=file.text("sheet") if "sheet" in file.values else None,
        zone=_zone(moments),
        formats=moments.texts("formats") or ("iso",),
        due_by_file=by_file,
        last_moment=last_moment,
        fields=fields,
        kept=top.texts("keep"),
        checks=tuple(_read_check(table) for table in top.tables("check")),
        codes=codes,
    )


def _read_due(top: "_Table") -> tuple[bool, str | None]:
    due = top.table("due")
    due.only("by", "last_moment")
    by = due.choice("by", ("file", "policy"))
    if "last_moment" not in due.values:
        return by == "file", None
    if by == "policy":
        raise due.refusal(
            "last_moment",
            zh="期限由规则计算时不适用",
            en="has no meaning where the policy counts the deadline",
        )
    return True, due.choice("last_moment", LAST_MOMENTS)


def _read_fields(top: "_Table", codes: Mapping[str, frozenset[str]], *, by_file: bool) -> dict[str, FieldRule]:
    table = top.table("fields")
    table.only(*FIELDS)
    required = (*REQUIRED, "due_at") if by_file else REQUIRED
    for name in required:
        if name not in table.values:
            raise table.refusal(zh=f"缺少字段 {name}", en=f"the field {name} is missing")
    if not by_file and "due_at" in table.values:
        raise table.refusal(
            "due_at",
            zh='期限由规则计算时不取文件的期限;要用文件的期限,请写 [due] by = "file"',
            en='is not taken where the policy counts; to take the file\'s deadline write [due] by = "file"',
        )
    rules = {name: _read_field(table.table(name), name, top) for name in table.values}
    for name, rule in rules.items():
        if name in codes:
            _check_codes(top, rule, codes[name])
        if name in ("number", *MOMENTS) and rule.column is None:
            raise table.refusal(name, zh="须取自一列:column = …", en="must come from a column: column = …")
    return rules


def _read_field(table: "_Table", name: str, top: "_Table") -> FieldRule:
    table.only("column", "text", "value", "table", "otherwise")
    sources = [source for source in ("column", "text", "value") if source in table.values]
    if len(sources) != 1:
        raise table.refusal(zh="须写 column、text、value 其中一项", en="say exactly one of column, text and value")
    named = table.values.get("table")
    if (named is not None or "otherwise" in table.values) and sources != ["column"]:
        raise table.refusal(zh="table 和 otherwise 只用于 column", en="table and otherwise go with column")
    if named is not None and (not isinstance(named, str) or named not in top.table("tables").values):
        raise table.refusal("table", zh=f"没有 [tables.{named}]", en=f"there is no [tables.{named}]")
    return FieldRule(
        name=name,
        column=table.text("column") if "column" in sources else None,
        text=table.text("text") if "text" in sources else None,
        value=table.text("value") if "value" in sources else None,
        table=top.table("tables").table(str(named)).all_texts() if named is not None else None,
        otherwise=table.text("otherwise") if "otherwise" in table.values else None,
    )


def _check_codes(top: "_Table", rule: FieldRule, known: frozenset[str]) -> None:
    """Every value the mapping itself writes down for a coded field has to be one we know."""
    written: list[tuple[tuple[str | int, ...], str]] = []
    for key, value in (("value", rule.value), ("otherwise", rule.otherwise)):
        if value is not None:
            written.append((("fields", rule.name, key), value))
    if rule.table is not None:
        name = top.table("fields").table(rule.name).text("table")
        written += [(("tables", name, word), value) for word, value in rule.table.items()]
    for path, value in written:
        if value not in known:
            raise top.refusal(
                *path,
                zh=f"“{value}”不是 {rule.name} 的可用值;可用:{_some(known, '、')}",
                en=f"{value!r} is not a value of {rule.name}; known: {_some(known, ', ')}",
            )


def _read_check(table: "_Table") -> RowCheck:
    table.only("column", "before", "then", "zh", "en")
    return RowCheck(
        column=table.text("column"),
        before=table.text("before") if "before" in table.values else None,
        weight={"warn": "warned", "refuse": "refused"}[table.choice("then", ("warn", "refuse"))],
        words=Bilingual(table.text("zh"), table.text("en")),
    )


def _zone(moments: "_Table") -> ZoneInfo:
    named = moments.text("zone", "Asia/Shanghai")
    try:
        return ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise moments.refusal("zone", zh=f"没有时区 {named}", en=f"there is no time zone {named}") from error


def _encoding(file: "_Table") -> str | None:
    if "encoding" not in file.values:
        return None
    named = file.text("encoding")
    try:
        "".encode(named)
    except (LookupError, UnicodeError) as error:
        raise file.refusal("encoding", zh=f"没有编码 {named}", en=f"there is no encoding {named}") from error
    return named


def _some(known: frozenset[str], between: str) -> str:
    shown = sorted(known)
    return between.join(shown[:20]) + (" …" if len(shown) > 20 else "")


def _refusal(name: str, content: str, path: tuple[str | int, ...], *, zh: str, en: str) -> MappingRefused:
    line = line_of(content, path) if path else None
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
    where_zh = f"{name} 第 {line} 行" if line else name
    where_en = f"{name}, line {line}" if line else name
    return MappingRefused(
        where=Bilingual(f"{where_zh},{key}" if key else where_zh, f"{where_en}, {key}" if key else where_en),
        reason=Bilingual(zh, en),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that knows where it stands, so that every refusal can say so."""

    values: Mapping[str, Any]
    name: str
    content: str
    path: tuple[str | int, ...] = ()

    def refusal(self, *keys: str | int, zh: str, en: str) -> MappingRefused:
        return _refusal(self.name, self.content, (*self.path, *keys), zh=zh, en=en)

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.refusal(
                    key, zh=f"未知的键;可用:{'、'.join(known)}", en=f"unknown key; known: {', '.join(known)}"
                )

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.refusal(key, zh="须为文字", en="must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise self.refusal(key, zh="须为文字列表", en="must be a list of texts")
        return tuple(values)

    def all_texts(self) -> dict[str, str]:
        return {word: self.text(word) for word in self.values}

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value = self.values.get(key)
        if value not in known:
            raise self.refusal(key, zh=f"须为 {'、'.join(known)} 之一", en=f"must be one of {', '.join(known)}")
        return str(value)

    def table(self, key: str) -> "_Table":
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise self.refusal(key, zh="须为表", en="must be a table")
        return _Table(value, self.name, self.content, (*self.path, key))

    def tables(self, key: str) -> list["_Table"]:
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
            raise self.refusal(key, zh="须为表的列表", en="must be a list of tables")
        return [_Table(value, self.name, self.content, (*self.path, key, place)) for place, value in enumerate(values)]
