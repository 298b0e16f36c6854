"""Putting a calendar or a policy in force. Versions are published whole, never edited; one of each is active."""

from dataclasses import dataclass, replace

from sqlalchemy import select, text, update

from service.audit.recording import record
from service.core.db import AdvisoryLock
from service.core.errors import Conflict, Forbidden, Malformed
from service.core.unit import PROVINCE_CODE, Unit
from service.sla.models import CalendarVersion, PolicyVersion, RuleChange
from service.sla.rules import Rules, current_rules
from sla_rules import Policy, WorkCalendar

MANAGE = "policy:manage"

_LONGEST_REASON = 500


class RulesNotYours(Forbidden):
    zh = "只有省级管理员可以更改工作日历和办理时限规则。"
    en = "Only an administrator of the province may change the calendar or the policy."


class NothingWouldChange(Conflict):
    zh = "与现行版本 {version} 相同,无需发布。"
    en = "This is the version in force already: {version}. There is nothing to publish."


class CalendarWouldForget(Conflict):
    """A year once published is counted by; leaving it out would move deadlines for no reason of law."""

    zh = "新日历缺少已发布的年份:{years}。请以现行日历为基础补充后再发布。"
    en = "The new calendar lacks years that are in force: {years}. Start from the present one and add to it."


class RulesChangedMeanwhile(Conflict):
    zh = "现行规则已变为 {version},与您预览时不同。请重新预览后再发布。"
    en = "The rules in force are {version} by now and no longer those you previewed. Preview again, then publish."


class RecountUnderWay(Conflict):
    zh = "上一次规则变更(第 {id} 号)仍在重新计算期限,请待其完成后再发布。"
    en = "The change before this one (no. {id}) is still recounting deadlines; publish when it has finished."


class ReasonNeeded(Malformed):
    zh = "请写明变更理由(1 至 500 字)。"
    en = "State the reason of the change, 1 to 500 characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRules:
    """What is to be in force from now on, and why. None leaves the calendar or the policy as it is.

    expected: the version both stood at when the change was previewed, as `rules_label` writes it; None asks
    nothing.
    """

    calendar: WorkCalendar | None = None
    policy: Policy | None = None
    reason: str
    expected: str | None = None


def rules_label(rules: Rules) -> str:
    """Both versions in one word, to be sent back when publishing."""
    return f"{rules.policy.version} {rules.calendar.version}"


def proposed(unit: Unit, *, calendar: WorkCalendar | None, policy: Policy | None) -> Rules:
    """The rules in force with a new calendar or policy in their place. Their version ids are those of the old.

    Raises RulesNotYours, NothingWouldChange, CalendarWouldForget, NoRulesPublished.
    """
    may_manage(unit)
    now = current_rules(unit.session)
    then = replace(now, calendar=calendar or now.calendar, policy=policy or now.policy)
    if (then.calendar.version, then.policy.version) == (now.calendar.version, now.policy.version):
        raise NothingWouldChange(version=rules_label(now))
    missing = {year.year for year in now.calendar.years} - {year.year for year in then.calendar.years}
    if missing:
        raise CalendarWouldForget(years=", ".join(str(year) for year in sorted(missing)))
    return then


def may_manage(unit: Unit) -> None:
    """Raises RulesNotYours unless the actor is an administrator of the province, or the service itself."""
    if not unit.actor.may(MANAGE) or unit.actor.org_code != PROVINCE_CODE:
        raise RulesNotYours


def publish(unit: Unit, command: PublishRules) -> RuleChange:
    """Put rules in force: clocks begin under them from this commit on. The open ones are recounted after it.

    Raises what `proposed` raises, ReasonNeeded, RecountUnderWay, and RulesChangedMeanwhile.
    """
    reason = command.reason.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise ReasonNeeded
    # Two at once would each overturn what the other one previewed.
    unit.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": AdvisoryLock.publishing})
    before = current_rules(unit.session)
    if command.expected is not None and command.expected != rules_label(before):
        raise RulesChangedMeanwhile(version=rules_label(before))
    after = proposed(unit, calendar=command.calendar, policy=command.policy)
    unfinished = unit.session.scalar(select(RuleChange.id).where(RuleChange.finished_at.is_(None)).limit(1))
    if unfinished is not None:
        raise RecountUnderWay(id=unfinished)
    change = RuleChange(
        at=unit.now,
        actor_id=unit.actor.id,
        actor_name=unit.actor.name,
        reason=reason,
        policy_before_id=before.policy_version_id,
        policy_version_id=_activate_policy(unit, after.policy, reason),
        calendar_before_id=before.calendar_version_id,
        calendar_version_id=_activate_calendar(unit, after.calendar, reason),
    )
    unit.session.add(change)
    unit.session.flush()
    record(
        unit,
        "rules:publish",
        subject=f"rule_change:{change.id}",
        before={"policy": before.policy.version, "calendar": before.calendar.version},
        after={"policy": after.policy.version, "calendar": after.calendar.version, "reason": reason},
    )
    return change


def _activate_policy(unit: Unit, policy: Policy, reason: str) -> int:
    session = unit.session
    session.execute(update(PolicyVersion).where(PolicyVersion.active).values(active=False))
    row = session.scalars(select(PolicyVersion).where(PolicyVersion.version == policy.version)).one_or_none()
    if row is None:
        row = PolicyVersion(
            version=policy.version, content=policy.to_document(), reason=reason, published_at=unit.now, active=True
        )
        session.add(row)
    row.active = True
    session.flush()
    return row.id


def _activate_calendar(unit: Unit, calendar: WorkCalendar, reason: str) -> int:
    session = unit.session
    session.execute(update(CalendarVersion).where(CalendarVersion.active).values(active=False))
    row = session.scalars(select(CalendarVersion).where(CalendarVersion.version == calendar.version)).one_or_none()
    if row is None:
        row = CalendarVersion(
            version=calendar.version,
            content=calendar.to_document(),
            covered_until=calendar.covered_until,
            settled_until=calendar.settled_until,
            reason=reason,
            published_at=unit.now,
            active=True,
        )
        session.add(row)
    row.active = True
    session.flush()
    return row.id
