"""Reading a policy: from a TOML file, where every refusal names the line, or from a stored document."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, fields, replace
from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_type_hints

from sla_rules.errors import LadderInvalid, PolicyInvalid, PromiseInvalid, TierRequired
from sla_rules.ladder import (
    AUDIENCES,
    EFFECTS,
    AtDue,
    AtFraction,
    AtWorkingDays,
    AtWorkingTime,
    Audience,
    BeforeOfficeEnd,
    Effect,
    Ladder,
    Place,
    Rung,
    check_ladder,
)
from sla_rules.policy import DOCUMENT_FORMAT, SHORTEN_RULES, LadderRule, Limits, Policy, PromiseRule
from sla_rules.promise import (
    END_RULES,
    QUIET_RULES,
    START_RULES,
    UNITS,
    ClockKind,
    EndRule,
    Promise,
    QuietRule,
    StartRule,
    Tier,
    Unit,
)
from sla_rules.quiet import QuietHours
from sla_rules.recount import Shorten
from sla_rules.toml_lines import line_of

_BUILT_IN = Path(__file__).parent / "policies" / "qinghai.toml"
# What any whole number may come to, minutes and days alike: no promise is longer.
_MOST = 1_000_000
# A limit counts people, tries, days, months or years; a thousand of any of them is no limit any more.
_MOST_OF_A_LIMIT = 1_000
_SHOWN = 60
_SYNTAX = re.compile(r"(.*?)(?: \(at (?:line (\d+), column \d+|end of document)\))?", re.DOTALL)


def load_policy(path: Path | str | None = None) -> Policy:
    """The built-in policy of Qinghai (cached), or the one in a TOML file.

    Raises PolicyInvalid naming the file, the line, the key and the reason.
    """
    return _built_in() if path is None else _from_file(Path(path))


def read_policy(text: str, *, origin: str) -> Policy:
    """The policy that a TOML text describes. `origin` is what a refusal calls it, such as the file's name.

    Raises PolicyInvalid (LadderInvalid for a ladder) such as `qinghai.toml, line 37, promise[3].amount: must be …`;
    entries of a list count from 1.
    """
    source = _Source(origin, text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise source.syntax_refusal(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise source.refusal((), f"can't be read: {error}", f"无法读取:{error}") from error
    return _read(document, source)


def policy_from_document(document: Mapping[str, Any], *, origin: str = "policy") -> Policy:
    """Build and check a policy from `Policy.to_document`, of this version or an earlier one, or from parsed TOML.

    Raises PolicyInvalid (LadderInvalid for a ladder) with `origin`, the key and the reason; also when a
    recorded digest no longer matches the content.
    """
    return _read(document, _Source(origin))


@lru_cache(maxsize=1)
def _built_in() -> Policy:
    return _from_file(_BUILT_IN)


def _from_file(path: Path) -> Policy:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"{path}: can't be read: {error}", f"{path}:无法读取:{error}") from error
    return read_policy(text, origin=path.name)


# -- tables that know where they stand -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """What is read: a text, or a document, which has no lines."""

    origin: str
    text: str | None = None

    def refusal(
        self, path: tuple[str | int, ...], en: str, zh: str, error: type[PolicyInvalid] = PolicyInvalid
    ) -> PolicyInvalid:
        line = line_of(self.text, path) if self.text is not None and path else None
        at, at_zh = ("", "") if line is None else (f", line {line}", f" 第 {line} 行")
        key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
        between, between_zh = (": ", ":") if line is None else (", ", ",")
        if not key:
            return error(f"{self.origin}: {en}", f"{self.origin}:{zh}")
        return error(f"{self.origin}{at}{between}{key}: {en}", f"{self.origin}{at_zh}{between_zh}{key}:{zh}")

    def syntax_refusal(self, said: str) -> PolicyInvalid:
        reason, line = cast("re.Match[str]", _SYNTAX.fullmatch(said)).groups()
        line = line or cast("str", self.text).rstrip("\n").count("\n") + 1
        return PolicyInvalid(
            f"{self.origin}, line {line}: not valid TOML: {reason}",
            f"{self.origin} 第 {line} 行:不是有效的 TOML:{reason}",
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that knows where it stands, so that every refusal can say so."""

    values: Mapping[str, Any]
    source: _Source
    path: tuple[str | int, ...] = ()
    error: type[PolicyInvalid] = PolicyInvalid

    def refusal(self, *keys: str | int, en: str, zh: str) -> PolicyInvalid:
        return self.source.refusal((*self.path, *keys), en, zh, self.error)

    @contextmanager
    def blaming(self, key: str) -> Iterator[None]:
        """What a value refuses inside is the fault of `key`."""
        try:
            yield
        except (PromiseInvalid, LadderInvalid) as error:
            raise self.refusal(key, en=error.en, zh=error.zh) from error

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.refusal(key, en=f"unknown key; known: {', '.join(known)}", zh="未知的键")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text", "文字")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", " true 或 false")
        return value

    def whole(self, key: str, least: int = 1, most: int = _MOST) -> int:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(key, f"a whole number from {least} to {most}", f" {least} 至 {most} 的整数")
        return value

    def share(self, key: str) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._wrong(key, "a number from 0 to 1", " 0 至 1 的数")
        return float(value)

    def time(self, key: str) -> time:
        value = self.values.get(key)
        if isinstance(value, str):
            with suppress(ValueError):
                value = time.fromisoformat(value)
        if not isinstance(value, time) or value.tzinfo is not None:
            raise self._wrong(key, "a local time such as 17:00:00", " 17:00:00 这样的当地时刻")
        return value

    def choice(self, key: str, known: tuple[str, ...], of: str = "") -> str:
        return self._known(self.values.get(key), known, key, of=of)

    def choice_if_any(self, key: str, known: tuple[str, ...], of: str = "") -> str | None:
        return self.choice(key, known, of) if self.has(key) else None

    def choices(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        values = self.values.get(key, [])
        if not isinstance(values, list):
            raise self._wrong(key, "a list of texts", "文字列表")
        for place, value in enumerate(values):
            self._known(value, known, key, place)
            if value in values[:place]:
                raise self.refusal(key, place, en=f"{value!r} is named twice", zh=f"{value!r} 重复")
        return tuple(values)

    def table(self, key: str, like: str) -> _Table:
        value = self.values.get(key)
        if value is None:
            raise self.refusal(key, en=f"is missing; write {like}", zh=f"缺失,请写 {like}")
        if not isinstance(value, Mapping):
            raise self._wrong(key, f"a table {like}", f"表 {like}")
        return _Table(value, self.source, (*self.path, key), self.error)

    def tables(self, key: str, error: type[PolicyInvalid] = PolicyInvalid) -> list[_Table]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(entry, Mapping) for entry in value):
            raise self._wrong(key, "a list of tables with at least one entry", "至少一项的表列表")
        return [_Table(entry, self.source, (*self.path, key, place), error) for place, entry in enumerate(value)]

    def _known(self, value: object, known: tuple[str, ...], *keys: str | int, of: str = "") -> str:
        if value not in known:
            shown, only_of = _shown(value), f" for {of}" if of else ""
            raise self.refusal(
                *keys,
                en=f"unknown value {shown}; known{only_of}: {', '.join(known)}",
                zh=f"未知的值 {shown},{of}可用:{'、'.join(known)}",
            )
        return value

    def _wrong(self, key: str, en: str, zh: str) -> PolicyInvalid:
        shown = _shown(self.values.get(key))
        return self.refusal(key, en=f"must be {en}, got {shown}", zh=f"须为{zh},现为 {shown}")


def _shown(value: object) -> str:
    """A value as a refusal quotes it. A whole number written in hexadecimal may have no decimal form Python prints."""
    try:
        text = repr(value)
    except ValueError:
        return "a number too long to print"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# -- what the tables mean --------------------------------------------------------------------------------


def _read(document: Mapping[str, Any], source: _Source) -> Policy:
    top = _Table(document, source)
    top.only(
        "format", "name", "title", "version", "promise", "ladder", "limits", "recount", "quiet_hours", "digest",
    )  # fmt: skip
    if document.get("format", DOCUMENT_FORMAT) != DOCUMENT_FORMAT:
        raise top.refusal("format", en=f"unknown format {_shown(document['format'])}", zh="未知格式")
    limits, limit_sources = _read_limits(top.table("limits", "[limits]"))
    recount_shorten, recount_source = _read_recount(top)
    policy = Policy(
        name=top.text("name"),
        title=top.text("title"),
        label=top.text("version"),
        promises=tuple(_read_promise(table) for table in top.tables("promise")),
        ladders=tuple(_read_ladder(table) for table in top.tables("ladder", LadderInvalid)),
        limits=limits,
        limit_sources=limit_sources,
        recount_shorten=recount_shorten,
        recount_source=recount_source,
        quiet_hours=_read_quiet_hours(top),
    )
    _check_complete(policy, top)
    if document.get("digest") not in (None, policy.version.rpartition("+")[2]):
        raise top.refusal("digest", en="the content was altered after it was stored", zh="内容在存储后被改动")
    return policy


def _read_promise(table: _Table) -> PromiseRule:
    table.only(
        "kind", "tier", "urgent", "redo", "unit", "amount", "roll", "cutoff", "start", "end", "quiet", "source",
    )  # fmt: skip
    kind = ClockKind(table.choice("kind", tuple(ClockKind)))
    tier = table.choice_if_any("tier", tuple(Tier))
    unit = cast("Unit", table.choice("unit", UNITS))
    amount, roll = table.whole("amount", 0), table.flag("roll", True)
    start = cast("StartRule", table.choice_if_any("start", START_RULES[unit], unit) or "")
    end = cast("EndRule", table.choice_if_any("end", END_RULES[unit], unit) or "")
    quiet = cast("QuietRule", table.choice_if_any("quiet", QUIET_RULES) or "")
    with table.blaming("amount"):
        promise = Promise(unit, amount, roll=roll, start=start, end=end, quiet=quiet)
    if table.has("cutoff"):
        cutoff = table.time("cutoff")
        with table.blaming("cutoff"):
            promise = replace(promise, cutoff=cutoff)
    return PromiseRule(
        kind=kind,
        promise=promise,
        tier=Tier(tier) if tier else None,
        urgent=table.flag("urgent", False),
        redo=table.flag("redo", False),
        source=table.text("source"),
    )


def _read_ladder(table: _Table) -> LadderRule:
    table.only("kind", "unit", "source", "rung")
    kind = ClockKind(table.choice("kind", tuple(ClockKind)))
    unit = cast("Unit | None", table.choice_if_any("unit", UNITS))
    rungs: Ladder = ()
    for entry in table.tables("rung", LadderInvalid):
        rung = _read_rung(entry)
        with entry.blaming("name"):
            rungs = check_ladder((*rungs, rung))
    return LadderRule(kind=kind, rungs=rungs, unit=unit, source=table.text("source"))


# How the value of each place is read, and what it makes.
_PLACES: dict[str, tuple[Callable[[_Table, str], float], Callable[[Any], Place]]] = {
    "fraction": (_Table.share, AtFraction),
    "working_minutes_from_due": (lambda table, key: table.whole(key, -_MOST), AtWorkingTime),
    "working_days_after_due": (_Table.whole, AtWorkingDays),
    "minutes_before_office_end": (_Table.whole, BeforeOfficeEnd),
}


def _read_place(table: _Table) -> Place:
    place = table.choice("place", ("due", *_PLACES))
    if place == "due":
        if table.has("value"):
            raise table.refusal("value", en="the place `due` takes no value", zh="due 不带数值")
        return AtDue()
    read, make = _PLACES[place]
    value = read(table, "value")
    with table.blaming("value"):
        return make(value)


def _read_rung(table: _Table) -> Rung:
    table.only("name", "place", "value", "to", "effects", "urgent")
    name, at, urgent = table.text("name"), _read_place(table), table.flag("urgent", False)
    audience = cast("tuple[Audience, ...]", table.choices("to", AUDIENCES))
    effects = cast("tuple[Effect, ...]", table.choices("effects", EFFECTS))
    with table.blaming("to"):
        return Rung(name=name, at=at, audience=audience, effects=effects, urgent=urgent)


def _read_recount(top: _Table) -> tuple[Shorten, str]:
    if not top.has("recount"):
        return "keep", ""
    table = top.table("recount", "[recount]")
    table.only("shorten", "source")
    return cast("Shorten", table.choice("shorten", SHORTEN_RULES)), table.text("source")


def _read_quiet_hours(top: _Table) -> QuietHours | None:
    if not top.has("quiet_hours"):
        return None
    table = top.table("quiet_hours", "[quiet_hours]")
    table.only("from", "to", "rest_days", "source")
    quiet = QuietHours(
        start=table.time("from"),
        end=table.time("to"),
        rest_days=table.flag("rest_days", False),
        source=table.text("source"),
    )
    if quiet.start == quiet.end:
        raise table.refusal("to", en="must differ from `from`", zh="须与 from 不同")
    return quiet


def _read_limits(limits: _Table) -> tuple[Limits, tuple[tuple[str, str], ...]]:
    kinds = get_type_hints(Limits)
    limits.only(*kinds)
    numbers: dict[str, Any] = {}
    sources: list[tuple[str, str]] = []
    optional = {each.name for each in fields(Limits) if each.default is not MISSING}
    for name, kind in kinds.items():
        if name in optional and not limits.has(name):
            continue
        table = limits.table(name, "{ value = …, source = … }")
        table.only("value", "source")
        numbers[name] = _limit(table, kind)
        sources.append((name, table.text("source")))
    return Limits(**numbers), tuple(sources)


def _limit(table: _Table, kind: type) -> int | float | time:
    if kind is time:
        return table.time("value")
    if kind is float:
        return table.share("value")
    return table.whole("value", 1, _MOST_OF_A_LIMIT)


def _check_complete(policy: Policy, top: _Table) -> None:
    """Every case is promised once, and every clock has one ladder for promises in whatever unit."""
    promised: set[tuple[ClockKind, Tier | None, bool, bool]] = set()
    for place, rule in enumerate(policy.promises):
        case = (rule.kind, rule.tier, rule.urgent, rule.redo)
        if case in promised:
            raise top.refusal("promise", place, en="the same case is promised twice", zh="同一情形重复承诺")
        promised.add(case)
    laddered: set[tuple[ClockKind, Unit | None]] = set()
    for place, ladder in enumerate(policy.ladders):
        if (ladder.kind, ladder.unit) in laddered:
            raise top.refusal("ladder", place, en="the same clock has two ladders", zh="同一时限有两个升级梯")
        laddered.add((ladder.kind, ladder.unit))
    for kind in ClockKind:
        if kind is ClockKind.leg:
            continue  # promised with the whole, and policies of before there were legs have no ladder for it
        if (kind, None) not in laddered:
            raise top.refusal("ladder", en=f"the {kind} clock has no ladder", zh=f"{kind} 时限没有升级梯")
        for tier in Tier:
            try:
                policy.promise(kind, tier)
            except TierRequired as error:
                raise top.refusal(
                    "promise",
                    en=f"nothing is promised for {kind} of tier {tier}",
                    zh=f"{kind} 时限缺少 {tier} 级的承诺",
                ) from error
