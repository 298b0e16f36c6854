"""Who is on duty at a union, and when (值班): told of what is urgent beside those whom it concerns."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, select, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.clock import local
from service.core.db import Base
from service.core.errors import Conflict, Forbidden, Malformed, NotFound
from service.core.unit import Unit
from service.identity.errors import PersonNotFound
from service.identity.models import Person, PersonRole
from service.identity.permissions import Permission, Role, permissions_of
from service.org.tree import within

# A turn of duty longer than a holiday week is a mistake in a date.
LONGEST_DUTY = timedelta(days=10)
MOST_LISTED = 200


class Duty(Base):
    """Somebody is on duty at their union from one instant to another, the second not included. Nobody is twice at
    once; several together may be."""

    __tablename__ = "duty"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at and ends_at <= starts_at + interval '10 days'", name="length"),
        ExcludeConstraint(
            (text("int8range(person_id, person_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_duty_overlap",
            using="gist",
            where=text("cancelled_at is null"),
        ),
        Index("ix_duty_org_code", "org_code", "ends_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None]


class DutyNotFound(NotFound):
    zh = "找不到这条值班记录,或您无权更改。"
    en = "There is no such turn of duty, or it is not yours to change."


class DutyNotYours(Forbidden):
    zh = "值班由单位负责人或管理员安排。"
    en = "Turns of duty are set by the union's leader or an administrator."


class DutyTimesUnfit(Malformed):
    zh = "值班须在开始之后结束、尚未结束,且一次不超过 {days} 天。"
    en = "A turn of duty ends after it starts, is not over yet, and lasts at most {days} days."


class DutyUnfit(Malformed):
    zh = "{username} 的岗位不办理工单,不能安排值班。"
    en = "{username} has no role that handles tickets, and can't be on duty."


class DutiesOverlap(Conflict):
    zh = "{username} 在 {first} 至 {last} 已有值班安排,请先取消或调整时间。"
    en = "{username} is on duty from {first} to {last} already; cancel that or choose another time."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDuty:
    """Who is on duty, from which instant to which, the second not included."""

    username: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class DutyView:
    """A turn of duty that lasts or is to come."""

    id: int
    username: str
    name: str
    org_code: str
    starts_at: datetime
    ends_at: datetime
    may_cancel: bool


def record_duty(unit: Unit, command: RecordDuty) -> int:
    """Put somebody below the actor's union on duty at their own; answers the id.

    Raises DutyNotYours, PersonNotFound, DutyTimesUnfit, DutyUnfit, DutiesOverlap.
    """
    _only_who_manages(unit)
    lasts = command.ends_at - command.starts_at
    if not timedelta(0) < lasts <= LONGEST_DUTY or command.ends_at <= unit.now:
        raise DutyTimesUnfit(days=LONGEST_DUTY.days)
    # The row is locked: two turns of one person that come at once are compared one after the other.
    person = unit.session.scalars(
        select(Person).where(Person.username == command.username, Person.active).with_for_update(key_share=True)
    ).one_or_none()
    if person is None or not within(person.org_code, unit.actor.scope):
        raise PersonNotFound(username=command.username)
    roles = unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id))
    if Permission.ticket_read not in permissions_of(frozenset(Role(role) for role in roles)):
        raise DutyUnfit(username=command.username)
    clash = unit.session.scalars(
        select(Duty)
        .where(
            Duty.person_id == person.id,
            Duty.cancelled_at.is_(None),
            func.tstzrange(Duty.starts_at, Duty.ends_at).op("&&")(func.tstzrange(command.starts_at, command.ends_at)),
        )
        .order_by(Duty.starts_at)
        .limit(1)
    ).one_or_none()
    if clash is not None:
        raise DutiesOverlap(username=person.username, first=_minute(clash.starts_at), last=_minute(clash.ends_at))
    duty = Duty(
        org_code=person.org_code,
        person_id=person.id,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        recorded_by=unit.actor.id,
        recorded_at=unit.now,
    )
    unit.session.add(duty)
    unit.session.flush()
    record(
        unit,
        "duty:record",
        subject=person.username,
        after={"from": command.starts_at.isoformat(), "to": command.ends_at.isoformat()},
    )
    return duty.id


def cancel_duty(unit: Unit, duty_id: int) -> None:
    """Take somebody off duty. A repeat changes nothing. Raises DutyNotYours, DutyNotFound."""
    _only_who_manages(unit)
    duty = unit.session.get(Duty, duty_id, with_for_update=True)
    if duty is None or not within(duty.org_code, unit.actor.scope):
        raise DutyNotFound
    if duty.cancelled_at is None:
        duty.cancelled_at, duty.cancelled_by = unit.now, unit.actor.id
        record(unit, "duty:cancel", subject=unit.session.get_one(Person, duty.person_id).username)


def duties(unit: Unit) -> list[DutyView]:
    """Turns of duty in the actor's subtree that last or are to come, the earliest first; at most 200."""
    manages = unit.actor.may(Permission.duty_manage)
    rows = unit.session.execute(
        select(Duty, Person)
        .join(Person, Person.id == Duty.person_id)
        .where(Duty.cancelled_at.is_(None), Duty.ends_at > unit.now, Duty.org_code.startswith(unit.actor.scope))
        .order_by(Duty.starts_at, Duty.id)
        .limit(MOST_LISTED)
    )
    return [
        DutyView(
            id=duty.id,
            username=person.username,
            name=person.display_name,
            org_code=duty.org_code,
            starts_at=duty.starts_at,
            ends_at=duty.ends_at,
            may_cancel=manages,
        )
        for duty, person in rows
    ]


def _only_who_manages(unit: Unit) -> None:
    if not unit.actor.may(Permission.duty_manage):
        raise DutyNotYours


def _minute(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M}"
