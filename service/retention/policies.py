"""How long each class is held, as versions with a reason (个人信息保护法, art. 19: as short as the purpose takes)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.audit.recording import record
from service.core.errors import Bilingual, Malformed
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.retention.models import RetentionPolicy
from service.tickets.errors import NotTheCentre, PermissionMissing

# Months after a ticket's end. `matter_long` is for collective and supervised matters.
PERIODS: dict[str, Bilingual] = {
    "files": Bilingual("附件和录音", "files and recordings"),
    "caller": Bilingual("来电人身份", "who called"),
    "matter": Bilingual("工单内容", "the words of a matter"),
    "matter_long": Bilingual("群体性、督办工单的内容", "the words of collective and supervised matters"),
}
LONGEST = 1200
_MANAGE = Bilingual("管理保存期限", "keep the retention periods")


class PeriodsInvalid(Malformed):
    """Periods that contradict each other or are none."""

    zh = "保存期限须为 1 至 1200 个月;来电人和附件不得长于工单内容,群体性、督办工单不得短于一般工单。"
    en = (
        "A period is 1 to 1,200 months; callers and files are held no longer than the matter, and collective and "
        "supervised matters no shorter than others."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRetention:
    """New periods by name in months, and why."""

    months: Mapping[str, int]
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyView:
    """The periods in force, since when, by whom (None: as installed), and why."""

    id: int
    months: Mapping[str, int]
    reason: str
    published_at: datetime
    published_by: str | None


def check_retention(unit: Unit, permission: Permission) -> None:
    """Retention is the provincial centre's. Raises PermissionMissing, NotTheCentre."""
    if not unit.actor.may(permission):
        raise PermissionMissing(step=_MANAGE)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=_MANAGE)


def policy_in_force(unit: Unit) -> PolicyView:
    """The newest version."""
    row, username = (
        unit.session.execute(
            select(RetentionPolicy, Person.username)
            .outerjoin(Person, Person.id == RetentionPolicy.published_by)
            .order_by(RetentionPolicy.id.desc())
            .limit(1)
        )
        .one()
        ._tuple()
    )
    return PolicyView(row.id, row.months, row.reason, row.published_at, username)


def publish_retention(unit: Unit, command: PublishRetention) -> PolicyView:
    """Put new periods in force. Raises PermissionMissing, NotTheCentre, PeriodsInvalid."""
    check_retention(unit, Permission.retention_manage)
    months = dict(command.months)
    sound = months.keys() == PERIODS.keys() and all(1 <= value <= LONGEST for value in months.values())
    if not sound or not max(months["files"], months["caller"]) <= months["matter"] <= months["matter_long"]:
        raise PeriodsInvalid
    before = policy_in_force(unit)
    unit.session.add(
        RetentionPolicy(months=months, reason=command.reason, published_by=unit.actor.id, published_at=unit.now)
    )
    unit.session.flush()
    record(
        unit,
        "retention:publish",
        subject="retention",
        before=dict(before.months),
        after={**months, "reason": command.reason},
    )
    return policy_in_force(unit)
