"""The policy: what is promised, how it escalates, where the limits lie. Versioned data with sources."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import time
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from sla_rules.errors import LadderInvalid, PolicyInvalid, PromiseInvalid, TierRequired
from sla_rules.ladder import (
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
from sla_rules.promise import ClockKind, Promise, Tier, Unit

_BUILT_IN = Path(__file__).parent / "policies" / "qinghai.toml"
_DOCUMENT_FORMAT = 1
_UNITS: tuple[str, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The policy's numbers. Counts and days are 1 or more, weights and fractions within 0 to 1."""

    extension_max_times: int
    extension_working_days: int
    extension_ask_before: time
    suspension_cap_days: int
    reopen_window_days: int
    redo_max_rounds: int
    bounce_limit_per_ticket: int
    bounce_limit_per_unit: int
    return_within_working_days: int
    inner_leg_earlier_working_days: int
    collective_threshold: int
    urging_to_supervisor: int
    low_score_at_most: int
    callback_attempts: int
    callback_days: int
    callback_time_bands: int
    rating_link_valid_days: int
    basically_satisfied_weight: float
    duplicate_window_days: int
    light_yellow_at_fraction: float
    unrated_below_due: int
    wilson_below: int
    red_after_working_days_late: int
    appeal_working_days: int
    retention_recording_months: int
    retention_ticket_years: int
    retention_collective_years: int


@dataclass(frozen=True, slots=True)
class PromiseRule:
    """A promise with where it applies; None of `tier` is any tier."""

    kind: ClockKind
    promise: Promise
    tier: Tier | None = None
    urgent: bool = False
    redo: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class LadderRule:
    """A ladder with where it applies; None of `unit` is any unit."""

    kind: ClockKind
    rungs: Ladder
    unit: Unit | None = None
    source: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy version: immutable, comparable, and able to write itself down.

    label: the version its authors gave it; `version` adds a digest of the content.
    limit_sources: why each limit has its value, by its name.
    """

    name: str
    title: str
    label: str
    promises: tuple[PromiseRule, ...]
    ladders: tuple[LadderRule, ...]
    limits: Limits
    limit_sources: tuple[tuple[str, str], ...] = ()

    @cached_property
    def version(self) -> str:
        """`qinghai-2026.1+5c1b09aa`: name, label and a digest of the whole content."""
        text = json.dumps(self._content(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{self.label}+{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def promise(self, kind: ClockKind, tier: Tier | None = None, *, urgent: bool = False, cycle: int = 1) -> Promise:
        """What is promised for a clock of `kind`; cycles count from 1, later ones are redone work (重办).

        The most specific rule applies: one for redone work before one for any cycle, one for urgent matters
        before one for all, one for the tier before one for any.
        Raises TierRequired when the promise depends on the tier and none is given.
        """
        return self.promise_rule(kind, tier, urgent=urgent, cycle=cycle).promise

    def promise_rule(
        self, kind: ClockKind, tier: Tier | None = None, *, urgent: bool = False, cycle: int = 1
    ) -> PromiseRule:
        """As `promise`, with the rule's source."""
        redo = cycle > 1
        fitting = [
            rule
            for rule in self.promises
            if rule.kind == kind
            and (rule.tier is None or rule.tier == tier)
            and (urgent or not rule.urgent)
            and (redo or not rule.redo)
        ]
        if not fitting:
            raise TierRequired(
                f"the promise of the {kind} clock depends on the tier; none was given",
                f"{kind} 时限取决于问题分级,尚未定级",
            )
        return max(fitting, key=lambda rule: (rule.redo, rule.urgent, rule.tier is not None))

    def ladder(
        self,
        kind: ClockKind,
        tier: Tier | None = None,
        *,
        urgent: bool = False,
        cycle: int = 1,
        unit: Unit | None = None,
    ) -> Ladder:
        """The rungs for a clock of `kind`. `unit` is that of its promise, looked up when left out.

        In an urgent matter every message is urgent: it does not wait for the end of quiet hours.
        """
        if unit is None:
            unit = self.promise(kind, tier, urgent=urgent, cycle=cycle).unit
        fitting = [rule for rule in self.ladders if rule.kind == kind and rule.unit in (None, unit)]
        rungs = max(fitting, key=lambda rule: rule.unit is not None).rungs
        return tuple(replace(rung, urgent=True) for rung in rungs) if urgent else rungs

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `policy_from_document` reads back to an equal policy of the same version."""
        return {**self._content(), "digest": self.version.rpartition("+")[2]}

    def _content(self) -> dict[str, Any]:
        sources = dict(self.limit_sources)
        return {
            "format": _DOCUMENT_FORMAT,
            "name": self.name,
            "title": self.title,
            "version": self.label,
            "promise": [_promise_document(rule) for rule in self.promises],
            "ladder": [_ladder_document(rule) for rule in self.ladders],
            "limits": {
                name: {"value": _plain(value), "source": sources.get(name, "")}
                for name, value in ((field.name, getattr(self.limits, field.name)) for field in fields(Limits))
            },
        }


def load_policy(path: Path | str | None = None) -> Policy:
    """The built-in policy of Qinghai (cached), or the one in a TOML file.

    Raises PolicyInvalid naming the file, the key and the reason.
    """
    return _built_in() if path is None else _from_file(Path(path))


@lru_cache(maxsize=1)
def _built_in() -> Policy:
    return _from_file(_BUILT_IN)


def _from_file(path: Path) -> Policy:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyInvalid(f"{path}: can't be read: {error}", f"{path}:无法读取:{error}") from error
    return policy_from_document(document, origin=path.name)


def policy_from_document(document: Mapping[str, Any], *, origin: str = "policy") -> Policy:
    """Build and check a policy from parsed TOML or from `Policy.to_document`.

    Raises PolicyInvalid (LadderInvalid for a ladder) with `origin`, the key and the reason; also when a
    recorded digest no longer matches the content.
    """
    top = _Table(document, origin, "")
    top.only("format", "name", "title", "version", "promise", "ladder", "limits", "digest")
    if document.get("format", _DOCUMENT_FORMAT) != _DOCUMENT_FORMAT:
        raise top.refusal("format", f"unknown format {document['format']!r}", "未知格式")
    limits, limit_sources = _read_limits(top)
    policy = Policy(
        name=top.text("name"),
        title=top.text("title"),
        label=top.text("version"),
        promises=tuple(_read_promise(table) for table in top.tables("promise")),
        ladders=tuple(_read_ladder(table) for table in top.tables("ladder")),
        limits=limits,
        limit_sources=limit_sources,
    )
    _check_complete(policy, top)
    recorded = document.get("digest")
    if recorded is not None and not policy.version.endswith(f"+{recorded}"):
        raise top.refusal("digest", "the content was altered after it was stored", "内容在存储后被改动")
    return policy


# -- reading ---------------------------------------------------------------------------------------------


class _Table:
    """A table of the file that knows where it stands, so that every refusal can say so."""

    def __init__(self, values: Mapping[str, Any], origin: str, where: str) -> None:
        self.values = values
        self.origin = origin
        self.where = where

    def refusal(
        self, key: str, en: str, zh: str, error: Callable[[str, str], PolicyInvalid] = PolicyInvalid
    ) -> PolicyInvalid:
        place = ".".join(part for part in (self.where, key) if part)
        return error(f"{self.origin}: {place}: {en}", f"{self.origin}:{place}:{zh}")

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.refusal(key, f"unknown key; known: {', '.join(known)}", "未知的键")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise self.refusal(key, f"must be a text, got {value!r}", f"须为文字,现为 {value!r}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.refusal(key, f"must be true or false, got {value!r}", f"须为 true 或 false,现为 {value!r}")
        return value

    def whole(self, key: str) -> int:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal(key, f"must be a whole number, got {value!r}", f"须为整数,现为 {value!r}")
        return value

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value = self.values.get(key)
        if value not in known:
            raise self.refusal(
                key,
                f"unknown value {value!r}; known: {', '.join(known)}",
                f"未知的值 {value!r},可用:{'、'.join(known)}",
            )
        return cast("str", value)

    def tables(self, key: str) -> list[_Table]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(entry, Mapping) for entry in value):
            raise self.refusal(key, "must be a list of tables with at least one entry", "须为至少一项的表列表")
        prefix = f"{self.where}.{key}" if self.where else key
        return [_Table(entry, self.origin, f"{prefix}[{number}]") for number, entry in enumerate(value, 1)]

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise self.refusal(key, f"must be a list of texts, got {value!r}", f"须为文字列表,现为 {value!r}")
        return tuple(value)


def _read_promise(table: _Table) -> PromiseRule:
    table.only("kind", "tier", "urgent", "redo", "unit", "amount", "roll", "cutoff", "source")
    kind = ClockKind(table.choice("kind", tuple(ClockKind)))
    tier = Tier(table.choice("tier", tuple(Tier))) if table.values.get("tier") is not None else None
    unit = table.choice("unit", _UNITS)
    cutoff = table.values.get("cutoff")
    try:
        promise = Promise(
            unit=cast("Unit", unit),
            amount=table.whole("amount"),
            roll=table.flag("roll", True),
            cutoff=None if cutoff is None else _time(table, "cutoff", cutoff),
        )
    except PromiseInvalid as error:
        raise table.refusal("amount" if cutoff is None else "cutoff", error.en, error.zh) from error
    return PromiseRule(
        kind=kind,
        promise=promise,
        tier=tier,
        urgent=table.flag("urgent", False),
        redo=table.flag("redo", False),
        source=table.text("source"),
    )


def _read_ladder(table: _Table) -> LadderRule:
    table.only("kind", "unit", "source", "rung")
    kind = ClockKind(table.choice("kind", tuple(ClockKind)))
    unit = table.choice("unit", _UNITS) if table.values.get("unit") is not None else None
    rungs = [_read_rung(rung) for rung in table.tables("rung")]
    try:
        ladder = check_ladder(rungs)
    except LadderInvalid as error:
        raise table.refusal("rung", error.en, error.zh, LadderInvalid) from error
    return LadderRule(kind=kind, rungs=ladder, unit=cast("Unit | None", unit), source=table.text("source"))


_PLACES: dict[str, Callable[[_Table], Place]] = {
    "fraction": lambda table: AtFraction(_number(table, "value")),
    "due": lambda _: AtDue(),
    "working_minutes_from_due": lambda table: AtWorkingTime(table.whole("value")),
    "working_days_after_due": lambda table: AtWorkingDays(table.whole("value")),
    "minutes_before_office_end": lambda table: BeforeOfficeEnd(table.whole("value")),
}


def _read_rung(table: _Table) -> Rung:
    table.only("name", "place", "value", "to", "effects", "urgent")
    place = table.choice("place", tuple(_PLACES))
    if place == "due" and table.values.get("value") is not None:
        raise table.refusal("value", "the place `due` takes no value", "due 不带数值", LadderInvalid)
    try:
        return Rung(
            name=table.text("name"),
            at=_PLACES[place](table),
            audience=cast("tuple[Audience, ...]", table.texts("to")),
            effects=cast("tuple[Effect, ...]", table.texts("effects")),
            urgent=table.flag("urgent", False),
        )
    except LadderInvalid as error:
        raise table.refusal(place, error.en, error.zh, LadderInvalid) from error


def _read_limits(top: _Table) -> tuple[Limits, tuple[tuple[str, str], ...]]:
    values = top.values.get("limits")
    if not isinstance(values, Mapping):
        raise top.refusal("limits", "must be a table", "须为表")
    kinds = get_type_hints(Limits)
    _Table(values, top.origin, "limits").only(*kinds)
    numbers: dict[str, Any] = {}
    sources: list[tuple[str, str]] = []
    for name, kind in kinds.items():
        entry = values.get(name)
        if not isinstance(entry, Mapping):
            raise top.refusal(f"limits.{name}", "is missing; write { value = …, source = … }", "缺失")
        table = _Table(entry, top.origin, f"limits.{name}")
        table.only("value", "source")
        numbers[name] = _limit(table, kind)
        sources.append((name, table.text("source")))
    return Limits(**numbers), tuple(sources)


def _limit(table: _Table, kind: type) -> int | float | time:
    if kind is time:
        return _time(table, "value", table.values.get("value"))
    if kind is float:
        share = _number(table, "value")
        if not 0 <= share <= 1:
            raise table.refusal("value", f"must lie within 0 to 1, got {share}", f"须在 0 至 1 之间,现为 {share}")
        return share
    number = table.whole("value")
    if number < 1:
        raise table.refusal("value", f"must be above 0, got {number}", f"须大于 0,现为 {number}")
    return number


def _number(table: _Table, key: str) -> float:
    value = table.values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise table.refusal(key, f"must be a number, got {value!r}", f"须为数字,现为 {value!r}")
    return float(value)


def _time(table: _Table, key: str, value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str):
        try:
            return time.fromisoformat(value)
        except ValueError:
            pass
    raise table.refusal(
        key, f"must be a time such as 17:00:00, got {value!r}", f"须为 17:00:00 这样的时刻,现为 {value!r}"
    )


def _check_complete(policy: Policy, top: _Table) -> None:
    seen: set[tuple[ClockKind, Tier | None, bool, bool]] = set()
    for number, rule in enumerate(policy.promises, 1):
        key = (rule.kind, rule.tier, rule.urgent, rule.redo)
        if key in seen:
            raise top.refusal(f"promise[{number}]", "the same case is promised twice", "同一情形重复承诺")
        seen.add(key)
    laddered: set[tuple[ClockKind, Unit | None]] = set()
    for number, ladder in enumerate(policy.ladders, 1):
        if (ladder.kind, ladder.unit) in laddered:
            raise top.refusal(f"ladder[{number}]", "the same clock has two ladders", "同一时限有两个升级梯")
        laddered.add((ladder.kind, ladder.unit))
    for kind in ClockKind:
        if (kind, None) not in laddered:
            raise top.refusal("ladder", f"the {kind} clock has no ladder", f"{kind} 时限没有升级梯")
        for tier in Tier:
            try:
                policy.promise(kind, tier)
            except TierRequired as error:
                raise top.refusal(
                    "promise",
                    f"nothing is promised for {kind} of tier {tier}",
                    f"{kind} 时限缺少 {tier} 级的承诺",
                ) from error


# -- writing ---------------------------------------------------------------------------------------------


def _promise_document(rule: PromiseRule) -> dict[str, Any]:
    return {
        "kind": str(rule.kind),
        "tier": str(rule.tier) if rule.tier is not None else None,
        "urgent": rule.urgent,
        "redo": rule.redo,
        "unit": rule.promise.unit,
        "amount": rule.promise.amount,
        "roll": rule.promise.roll,
        "cutoff": _plain(rule.promise.cutoff),
        "source": rule.source,
    }


def _ladder_document(rule: LadderRule) -> dict[str, Any]:
    return {
        "kind": str(rule.kind),
        "unit": rule.unit,
        "source": rule.source,
        "rung": [
            {
                "name": rung.name,
                **_place_document(rung.at),
                "to": list(rung.audience),
                "effects": list(rung.effects),
                "urgent": rung.urgent,
            }
            for rung in rule.rungs
        ],
    }


def _place_document(place: Place) -> dict[str, Any]:
    match place:
        case AtFraction(fraction):
            return {"place": "fraction", "value": fraction}
        case AtDue():
            return {"place": "due", "value": None}
        case AtWorkingTime(minutes):
            return {"place": "working_minutes_from_due", "value": minutes}
        case AtWorkingDays(days):
            return {"place": "working_days_after_due", "value": days}
    return {"place": "minutes_before_office_end", "value": place.minutes}


def _plain(value: float | time | None) -> float | str | None:
    return value.isoformat() if isinstance(value, time) else value
