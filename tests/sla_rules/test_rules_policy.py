"""The policy as data: what is promised to whom, the limits, versions, and files that are refused."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest

import sla_rules
from sla_rules import (
    AtWorkingTime,
    ClockKind,
    LadderInvalid,
    Policy,
    PolicyInvalid,
    Promise,
    QuietHours,
    Tier,
    TierRequired,
    load_policy,
    policy_from_document,
)

# As it was stored before promises said when they start, end and keep quiet, and before there was a recount rule.
FIRST_VERSION = Path(__file__).parent / "policy_of_the_first_version.json"
BUILT_IN = Path(sla_rules.__file__).parent / "policies" / "qinghai.toml"
Document = dict[str, Any]


@pytest.fixture
def document() -> Document:
    return copy.deepcopy(tomllib.loads(BUILT_IN.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("kind", "tier", "urgent", "cycle", "expected"),
    [
        (ClockKind.resolve, Tier.ordinary, False, 1, Promise("same_day", 1)),
        (ClockKind.resolve, Tier.difficult, False, 1, Promise("working_days", 5)),
        (ClockKind.resolve, Tier.complex, False, 1, Promise("calendar_days", 15, roll=True)),
        (ClockKind.resolve, Tier.complex, True, 1, Promise("calendar_days", 15, roll=True)),
        (ClockKind.resolve, Tier.ordinary, False, 2, Promise("working_days", 3)),
        (ClockKind.resolve, None, True, 3, Promise("working_days", 3)),
        (ClockKind.dispatch, None, False, 1, Promise("working_minutes", 30)),
        (ClockKind.dispatch, Tier.complex, True, 2, Promise("working_minutes", 30)),
        (ClockKind.sign, Tier.ordinary, False, 1, Promise("working_days", 1)),
        (ClockKind.sign, None, True, 2, Promise("real_minutes", 30)),
        (ClockKind.first_contact, None, False, 1, Promise("working_days", 1)),
        (ClockKind.first_contact, None, True, 1, Promise("real_minutes", 120)),
        (ClockKind.callback, None, False, 1, Promise("working_days", 1)),
    ],
)
def test_what_is_promised(
    kind: ClockKind, tier: Tier | None, urgent: bool, cycle: int, *, expected: Promise, policy: Policy
) -> None:
    assert policy.promise(kind, tier, urgent=urgent, cycle=cycle) == expected


def test_the_resolve_promise_depends_on_the_tier(policy: Policy) -> None:
    with pytest.raises(TierRequired):
        policy.promise(ClockKind.resolve)


def test_every_promise_and_limit_has_a_source(policy: Policy) -> None:
    assert all(rule.source for rule in policy.promises)
    assert all(rule.source for rule in policy.ladders)
    assert all(source for _, source in policy.limit_sources)
    assert "当天办结" in policy.promise_rule(ClockKind.resolve, Tier.ordinary).source


def test_the_limits(policy: Policy) -> None:
    limits = policy.limits
    assert (limits.extension_max_times, limits.extension_working_days) == (2, 5)
    assert limits.extension_ask_before == time(17)
    assert (limits.suspension_cap_days, limits.reopen_window_days, limits.redo_max_rounds) == (60, 30, 2)
    assert (limits.bounce_limit_per_ticket, limits.bounce_limit_per_unit) == (2, 1)
    assert limits.collective_threshold == 10
    assert limits.basically_satisfied_weight == 0.6


def test_the_share_of_quality_checks_goes_by_tier_and_older_policies_have_none(policy: Policy) -> None:
    stored = policy_from_document(json.loads(FIRST_VERSION.read_text(encoding="utf-8")))
    assert [policy.limits.quality_share(tier) for tier in Tier] == [0.05, 0.2, 1]
    assert [stored.limits.quality_share(tier) for tier in Tier] == [0, 0, 0]


def test_a_policy_of_before_there_were_legs_has_no_rungs_for_them() -> None:
    stored = policy_from_document(json.loads(FIRST_VERSION.read_text(encoding="utf-8")))
    assert stored.ladder(ClockKind.leg, Tier.ordinary) == ()
    assert stored.ladder(ClockKind.sign, Tier.ordinary) != ()


def test_the_ladder_follows_the_unit_of_the_promise(policy: Policy) -> None:
    same_day = [rung.name for rung in policy.ladder(ClockKind.resolve, Tier.ordinary)]
    in_days = [rung.name for rung in policy.ladder(ClockKind.resolve, Tier.difficult)]
    assert same_day == ["warn_4h", "warn_1h", "breach", "late_1", "late_3"]
    assert in_days == ["half", "most", "breach", "late_1", "late_3"]
    assert [rung.name for rung in policy.ladder(ClockKind.resolve, Tier.ordinary, cycle=2)] == in_days
    assert [rung.name for rung in policy.ladder(ClockKind.resolve, unit="same_day")] == same_day


def test_rungs_say_who_is_told_and_what_happens(policy: Policy) -> None:
    rungs = {rung.name: rung for rung in policy.ladder(ClockKind.resolve, Tier.difficult)}
    assert rungs["half"].audience == ("handler", "leader")
    assert rungs["breach"].audience == ("leader", "parent_leader")
    assert (rungs["late_1"].audience, rungs["late_1"].effects) == (("supervisor",), ("open_supervision",))
    assert (rungs["late_3"].audience, rungs["late_3"].effects) == (("leadership",), ("bulletin",))
    sign = policy.ladder(ClockKind.sign)
    assert [rung.audience for rung in sign] == [("deputy",), ("leader", "parent_leader")]
    assert sign[-1].effects == ("sign_by_silence",)


def test_an_urgent_matter_does_not_wait_for_quiet_hours(policy: Policy) -> None:
    assert not any(rung.urgent for rung in policy.ladder(ClockKind.sign))
    assert all(rung.urgent for rung in policy.ladder(ClockKind.sign, urgent=True))


# -- versions -------------------------------------------------------------------------------------------


def test_a_policy_survives_being_stored_as_json(policy: Policy) -> None:
    restored = policy_from_document(json.loads(json.dumps(policy.to_document(), ensure_ascii=False)))
    assert restored == policy
    assert restored.version == policy.version


def test_every_place_and_a_cut_off_survive_being_stored(document: Document) -> None:
    document["promise"][0]["cutoff"] = "17:00:00"
    document["ladder"][0]["rung"].append(
        {"name": "soon", "place": "working_minutes_from_due", "value": -60, "to": ["handler"], "urgent": True}
    )
    changed = policy_from_document(document)
    assert changed.ladders[0].rungs[-1].at == AtWorkingTime(-60)
    assert changed.promise(ClockKind.resolve, Tier.ordinary).cutoff == time(17)
    assert policy_from_document(json.loads(json.dumps(changed.to_document()))) == changed


def test_start_end_and_quiet_are_read_and_survive_being_stored(document: Document) -> None:
    document["promise"][1].update(start="same_day", end="office_end", quiet="pass", cutoff=time(16))
    changed = policy_from_document(document)
    promise = changed.promise(ClockKind.resolve, Tier.difficult)
    assert promise == Promise("working_days", 5, start="same_day", end="office_end", quiet="pass", cutoff=time(16))
    stored = changed.to_document()
    assert stored["promise"][1]["end"] == "office_end"
    assert stored["promise"][0]["start"] == "same_day", "also where it is the unit's own rule"
    assert policy_from_document(json.loads(json.dumps(stored))) == changed
    assert changed.version != load_policy().version


def test_the_shipped_file_says_every_promises_rules_and_they_are_the_units_own(
    document: Document, policy: Policy
) -> None:
    for entry, rule in zip(document["promise"], policy.promises, strict=True):
        assert (entry["start"], entry["end"], entry["quiet"]) == (
            rule.promise.start,
            rule.promise.end,
            rule.promise.quiet,
        )
        assert rule.promise == Promise(entry["unit"], entry["amount"])


def test_a_policy_stored_before_there_was_a_choice_reads_and_keeps_its_version() -> None:
    stored = json.loads(FIRST_VERSION.read_text(encoding="utf-8"))
    assert "start" not in stored["promise"][0]
    policy = policy_from_document(stored)
    assert policy.version == "qinghai-2026.1+6fa457a6"
    assert policy.promise(ClockKind.sign, urgent=True).quiet == "pass"
    assert policy.recount_shorten == "keep"
    assert policy.quiet_hours is None
    assert policy_from_document(policy.to_document()) == policy


def test_a_recount_keeps_what_was_told_unless_the_policy_says_otherwise(policy: Policy, document: Document) -> None:
    assert policy.recount_shorten == "keep"
    assert policy.recount_source
    document["recount"].update(shorten="follow")
    following = policy_from_document(document)
    assert following.recount_shorten == "follow"
    assert policy_from_document(following.to_document()) == following
    assert following.version != policy.version


def test_quiet_hours_survive_being_stored_and_may_be_left_out(policy: Policy, document: Document) -> None:
    assert policy.quiet_hours == QuietHours(time(22), time(7), source=document["quiet_hours"]["source"])
    document["quiet_hours"]["rest_days"] = True
    changed = policy_from_document(document)
    assert changed.version != policy.version
    assert policy_from_document(json.loads(json.dumps(changed.to_document()))) == changed
    del document["quiet_hours"]
    assert policy_from_document(document).quiet_hours is None


def test_the_version_follows_the_content(policy: Policy) -> None:
    assert policy.version.startswith("qinghai-2026.1+")
    stricter = replace(policy, limits=replace(policy.limits, redo_max_rounds=1))
    assert stricter.version != policy.version


def test_an_altered_document_is_refused(policy: Policy) -> None:
    stored = policy.to_document()
    stored["limits"]["redo_max_rounds"]["value"] = 9
    with pytest.raises(PolicyInvalid, match="altered"):
        policy_from_document(stored)


def test_the_built_in_policy_is_read_once_and_a_file_when_asked(policy: Policy, document: Document) -> None:
    assert load_policy() is policy
    assert load_policy(BUILT_IN) == policy == policy_from_document(document)


# -- what is refused ------------------------------------------------------------------------------------

WRONG: list[tuple[str, Callable[[Document], object]]] = [
    ("name: must be a text", lambda it: it.pop("name")),
    ("version: must be a text", lambda it: it.update(version=2026)),
    ("colour: unknown key", lambda it: it.update(colour="red")),
    ("format: unknown format 7", lambda it: it.update(format=7)),
    ("promise: must be a list", lambda it: it.update(promise=[])),
    ("promise[1].kind: unknown value 'answer'", lambda it: it["promise"][0].update(kind="answer")),
    ("promise[1].tier: unknown value 'easy'", lambda it: it["promise"][0].update(tier="easy")),
    ("promise[2].unit: unknown value 'weeks'", lambda it: it["promise"][1].update(unit="weeks")),
    ("promise[2].amount: the amount must be 1", lambda it: it["promise"][1].update(amount=0)),
    ("promise[2].amount: must be a whole number", lambda it: it["promise"][1].update(amount="5")),
    ("promise[3].roll: must be true or false", lambda it: it["promise"][2].update(roll="yes")),
    ("promise[2].cutoff: a cut-off", lambda it: it["promise"][1].update(cutoff=time(17))),
    ("promise[1].cutoff: must be a local time", lambda it: it["promise"][0].update(cutoff="late")),
    ("promise[1].cutoff: must be a local time", lambda it: it["promise"][0].update(cutoff=17)),
    (
        "promise[2].start: unknown value 'at_once'; known for working_days: next_day, same_day",
        lambda it: it["promise"][1].update(start="at_once"),
    ),
    (
        "promise[7].end: unknown value 'end_of_day'; known for real_minutes: to_the_minute",
        lambda it: it["promise"][6].update(end="end_of_day"),
    ),
    ("promise[2].quiet: unknown value True; known: wait, pass", lambda it: it["promise"][1].update(quiet=True)),
    ("recount.shorten: unknown value 'never'; known: keep, follow", lambda it: it["recount"].update(shorten="never")),
    ("recount.shorten: unknown value None", lambda it: it["recount"].pop("shorten")),
    ("recount.source: must be a text", lambda it: it["recount"].pop("source")),
    ("recount.lengthen: unknown key", lambda it: it["recount"].update(lengthen="follow")),
    ("quiet_hours.to: must differ from `from`", lambda it: it["quiet_hours"].update(to=time(22))),
    ("quiet_hours.from: must be a local time", lambda it: it["quiet_hours"].pop("from")),
    ("quiet_hours.source: must be a text", lambda it: it["quiet_hours"].pop("source")),
    ("quiet_hours.until: unknown key", lambda it: it["quiet_hours"].update(until=time(7))),
    ("recount: must be a table [recount], got 'keep'", lambda it: it.update(recount="keep")),
    ("promise[2].source: must be a text", lambda it: it["promise"][1].pop("source")),
    ("promise[2].amuont: unknown key", lambda it: it["promise"][1].update(amuont=5)),
    ("promise[11]: the same case is promised twice", lambda it: it["promise"].append(it["promise"][0])),
    ("promise: nothing is promised for resolve of tier difficult", lambda it: it["promise"].pop(1)),
    ("ladder: the callback clock has no ladder", lambda it: it["ladder"].pop(5)),
    ("ladder[8]: the same clock has two ladders", lambda it: it["ladder"].append(it["ladder"][0])),
    ("ladder[2].unit: unknown value", lambda it: it["ladder"][1].update(unit="weeks")),
    ("limits: is missing", lambda it: it.pop("limits")),
    ("limits.redo_max_rounds: is missing", lambda it: it["limits"].pop("redo_max_rounds")),
    ("limits.redo: unknown key", lambda it: it["limits"].update(redo={"value": 1, "source": "x"})),
    (
        "limits.redo_max_rounds.value: must be a whole number from 1",
        lambda it: it["limits"]["redo_max_rounds"].update(value=0),
    ),
    ("limits.redo_max_rounds.value: must be a whole", lambda it: it["limits"]["redo_max_rounds"].update(value=2.5)),
    ("limits.redo_max_rounds.source: must be a text", lambda it: it["limits"]["redo_max_rounds"].pop("source")),
    (
        "limits.basically_satisfied_weight.value: must be a number from 0 to 1",
        lambda it: it["limits"]["basically_satisfied_weight"].update(value=1.5),
    ),
    (
        "limits.basically_satisfied_weight.value: must be a number",
        lambda it: it["limits"]["basically_satisfied_weight"].update(value="most"),
    ),
    (
        "limits.extension_ask_before.value: must be a local time",
        lambda it: it["limits"]["extension_ask_before"].update(value=17),
    ),
]

WRONG_RUNGS: list[tuple[str, Callable[[Document], object]]] = [
    ("ladder[1].rung[1].place: unknown value 'soon'", lambda it: it.update(place="soon")),
    ("ladder[1].rung[1].value: must be a number from 0 to 1", lambda it: it.update(value=1.5)),
    ("ladder[1].rung[1].value: must be a number", lambda it: it.update(value="half")),
    ("ladder[1].rung[1].value: the place `due` takes no value", lambda it: it.update(place="due")),
    ("ladder[1].rung[1].to: must be a list of texts", lambda it: it.update(to="leader")),
    ("ladder[1].rung[1].to[1]: unknown value 'press'", lambda it: it.update(to=["press"])),
    ("ladder[1].rung[1].effects[1]: unknown value 'dismiss'", lambda it: it.update(effects=["dismiss"])),
    ("ladder[1].rung[1].name: must be a text", lambda it: it.update(name="")),
    ("ladder[1].rung[3].name: two rungs are named 'breach'", lambda it: it.update(name="breach")),
]


@pytest.mark.parametrize(("reason", "damage"), WRONG, ids=[reason for reason, _ in WRONG])
def test_a_wrong_value_is_named_with_its_key(
    reason: str, damage: Callable[[Document], object], document: Document
) -> None:
    damage(document)
    with pytest.raises(PolicyInvalid) as refused:
        policy_from_document(document, origin="qinghai.toml")
    assert str(refused.value).startswith(f"qinghai.toml: {reason}")
    assert refused.value.zh.startswith("qinghai.toml:")


@pytest.mark.parametrize(("reason", "damage"), WRONG_RUNGS, ids=[reason for reason, _ in WRONG_RUNGS])
def test_a_wrong_rung_is_named_with_its_place(
    reason: str, damage: Callable[[Document], object], document: Document
) -> None:
    damage(document["ladder"][0]["rung"][0])
    with pytest.raises(PolicyInvalid) as refused:
        policy_from_document(document)
    assert reason in str(refused.value)


def test_a_ladder_error_is_a_policy_error(document: Document) -> None:
    document["ladder"][0]["rung"][0]["value"] = 0
    with pytest.raises(LadderInvalid):
        policy_from_document(document)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", encoding="utf-8")
    for path in (broken, tmp_path / "absent.toml"):
        with pytest.raises(PolicyInvalid, match=path.name):
            load_policy(path)
