"""The policy: what is promised, how it escalates, where the limits lie. Versioned data with sources."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from functools import cached_property
from typing import Any, get_args

from sla_rules.calendar import WorkCalendar
from sla_rules.errors import TierRequired
from sla_rules.ladder import AtDue, AtFraction, AtWorkingDays, AtWorkingTime, Ladder, Place
from sla_rules.promise import ClockKind, Promise, Tier, Unit
from sla_rules.quiet import QuietHours
from sla_rules.recount import Shorten

DOCUMENT_FORMAT = 1
SHORTEN_RULES: tuple[str, ...] = get_args(Shorten)


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
    # Later than the first policies: one stored without it means this, and keeps its version.
    consult_working_days: int = 1
    employer_warning_tickets: int = 5
    employer_warning_days: int = 30
    quality_share_ordinary: float = 0.0
    quality_share_difficult: float = 0.0
    quality_share_complex: float = 0.0

    def quality_share(self, tier: Tier) -> float:
        """The share of a tier's signed replies that is drawn for a quality check, 0 to 1."""
        return {
            Tier.ordinary: self.quality_share_ordinary,
            Tier.difficult: self.quality_share_difficult,
            Tier.complex: self.quality_share_complex,
        }[tier]


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
    recount_shorten: what becomes of an open deadline that a new calendar or policy would end earlier: `keep`, it
    stays as it was told, or `follow`, it is moved.
    quiet_hours: None, messages never wait.
    """

    name: str
    title: str
    label: str
    promises: tuple[PromiseRule, ...]
    ladders: tuple[LadderRule, ...]
    limits: Limits
    limit_sources: tuple[tuple[str, str], ...] = ()
    recount_shorten: Shorten = "keep"
    recount_source: str = ""
    quiet_hours: QuietHours | None = None

    @cached_property
    def version(self) -> str:
        """`qinghai-2026.1+5c1b09aa`: name, label and a digest of the whole content."""
        content = self._content()
        content["promise"] = [_as_first_written(rule) for rule in content["promise"]]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
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
        if kind is ClockKind.leg:
            kind = ClockKind.resolve  # a part of that promise, ending a few working days earlier
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

        In an urgent matter every message is urgent: it does not wait for the end of quiet hours. A policy of before
        there were clocks of this kind has no rungs for them.
        """
        if unit is None:
            unit = self.promise(kind, tier, urgent=urgent, cycle=cycle).unit
        fitting = [rule for rule in self.ladders if rule.kind == kind and rule.unit in (None, unit)]
        if not fitting:
            return ()
        rungs = max(fitting, key=lambda rule: rule.unit is not None).rungs
        return tuple(replace(rung, urgent=True) for rung in rungs) if urgent else rungs

    def message_at(self, at: datetime, calendar: WorkCalendar) -> datetime:
        """When a message that is not urgent and belongs to the instant `at` is delivered: after the quiet hours.

        Raises NaiveTime, OutsideCalendar.
        """
        return at if self.quiet_hours is None else self.quiet_hours.over_at(at, calendar)

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `policy_from_document` reads back to an equal policy of the same version."""
        return {**self._content(), "digest": self.version.rpartition("+")[2]}

    def _content(self) -> dict[str, Any]:
        sources = dict(self.limit_sources)
        content = {
            "format": DOCUMENT_FORMAT,
            "name": self.name,
            "title": self.title,
            "version": self.label,
            "promise": [_promise_document(rule) for rule in self.promises],
            "ladder": [_ladder_document(rule) for rule in self.ladders],
            "limits": {
                name: {"value": _plain(value), "source": sources.get(name, "")}
                for name, value, default in (
                    (field.name, getattr(self.limits, field.name), field.default) for field in fields(Limits)
                )
                if value != default or name in sources
            },
        }
        if (self.recount_shorten, self.recount_source) != ("keep", ""):
            content["recount"] = {"shorten": self.recount_shorten, "source": self.recount_source}
        if self.quiet_hours is not None:
            quiet = self.quiet_hours
            content["quiet_hours"] = {
                "from": _plain(quiet.start),
                "to": _plain(quiet.end),
                "rest_days": quiet.rest_days,
                "source": quiet.source,
            }
        return content


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
        "start": rule.promise.start,
        "end": rule.promise.end,
        "quiet": rule.promise.quiet,
        "source": rule.source,
    }


def _as_first_written(rule: dict[str, Any]) -> dict[str, Any]:
    """A promise's document without the rules that came later, where they are the unit's own: a policy stored before
    there was a choice keeps the version it was stored with."""
    own = Promise(rule["unit"], rule["amount"])
    later = {name for name in ("start", "end", "quiet") if rule[name] == getattr(own, name)}
    return {name: value for name, value in rule.items() if name not in later}


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
