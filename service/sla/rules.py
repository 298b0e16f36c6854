"""The rules in force: the active policy and calendar versions, and any older version a clock was made with."""

from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from service.core.errors import Unavailable
from service.sla.models import CalendarVersion, PolicyVersion
from sla_rules import Policy, WorkCalendar, calendar_from_document, policy_from_document


class NoRulesPublished(Unavailable):
    """The database was migrated and not seeded."""

    zh = "尚未发布工作日历或办理时限规则,请管理员运行 hotline seed。"
    en = "No calendar or policy has been published yet; an administrator should run: hotline seed"


@dataclass(frozen=True, slots=True)
class Rules:
    """A policy and a calendar with the ids of their rows."""

    policy: Policy
    calendar: WorkCalendar
    policy_version_id: int
    calendar_version_id: int

    def calendar_of(self, org_code: str) -> WorkCalendar:
        """The calendar as it holds for a union: with its region's observances."""
        return self.calendar.for_union(org_code)

    def end_of_working_day(self, org_code: str, *, after: datetime, days: int) -> datetime:
        """The end of a union's `days`-th working day after the day of `after`."""
        calendar = self.calendar_of(org_code)
        return calendar.end_of_day(calendar.add_working_days(calendar.local_date(after), days))


_ACTIVE = text("select (select id from policy_version where active), (select id from calendar_version where active)")


class _Parsed:
    """Versions never change once published, so each process parses each one once."""

    def __init__(self) -> None:
        self.policies: dict[int, Policy] = {}
        self.calendars: dict[int, WorkCalendar] = {}


_PARSED: WeakKeyDictionary[Engine, _Parsed] = WeakKeyDictionary()


def current_rules(session: Session) -> Rules:
    """The active versions. One statement. Raises NoRulesPublished."""
    policy_id, calendar_id = session.connection().execute(_ACTIVE).one()
    if policy_id is None or calendar_id is None:
        raise NoRulesPublished
    return rules_of(session, policy_id, calendar_id)


def rules_of(session: Session, policy_version_id: int, calendar_version_id: int) -> Rules:
    """The versions a clock was made with."""
    parsed = _PARSED.setdefault(session.get_bind().engine, _Parsed())
    if policy_version_id not in parsed.policies:
        content = session.scalars(select(PolicyVersion.content).where(PolicyVersion.id == policy_version_id)).one()
        parsed.policies[policy_version_id] = policy_from_document(content)
    if calendar_version_id not in parsed.calendars:
        content = session.scalars(
            select(CalendarVersion.content).where(CalendarVersion.id == calendar_version_id)
        ).one()
        parsed.calendars[calendar_version_id] = calendar_from_document(content)
    return Rules(
        policy=parsed.policies[policy_version_id],
        calendar=parsed.calendars[calendar_version_id],
        policy_version_id=policy_version_id,
        calendar_version_id=calendar_version_id,
    )
