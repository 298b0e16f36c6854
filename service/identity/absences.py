"""Who is away, and who stands in meanwhile (AB角): what the one is told, the other is told as well."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Identity, Index, and_, func, or_, select, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, aliased, mapped_column

from service.audit.recording import record
from service.core.clock import local
from service.core.db import Base, Words
from service.core.errors import Conflict, Forbidden, Malformed, NotFound
from service.core.unit import ActorKind, Unit
from service.identity.errors import PersonNotFound
from service.identity.models import Person
from service.identity.permissions import Permission
from service.org.tree import within

# A longer absence is a change of people, and wants an account of its own.
LONGEST_ABSENCE = timedelta(days=366)
MOST_LISTED = 200


class Absence(Base):
    """Somebody is away on these days, the last one included, and a colleague of the same union stands in."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="ends_after_start"),
        CheckConstraint("deputy_id <> person_id", name="deputy_is_another"),
        ExcludeConstraint(
            (text("int8range(person_id, person_id, '[]')"), "&&"),
            (text("daterange(starts_on, ends_on, '[]')"), "&&"),
            name="ex_absence_overlap",
            using="gist",
            where=text("cancelled_at is null"),
        ),
        Index("ix_absence_person_id", "person_id", "ends_on"),
        Index("ix_absence_deputy_id", "deputy_id", "ends_on"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    deputy_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[Words]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None]


class AbsenceNotFound(NotFound):
    zh = "找不到这条请假记录,或您无权更改。"
    en = "There is no such absence, or it is not yours to change."


class AbsenceOfAnother(Forbidden):
    zh = "只能登记本人的请假;代他人登记请由单位负责人或管理员办理。"
    en = "You can record your own absence only; for somebody else the leader or an administrator does it."


class AbsenceDatesUnfit(Malformed):
    zh = "请假的最后一天不能早于第一天,且一次不超过 {days} 天。"
    en = "The last day of an absence is not before its first, and one lasts at most {days} days."


class DeputyUnfit(Malformed):
    zh = "代理人 {username} 须为本单位其他在岗人员。"
    en = "The deputy {username} must be another active person of the same union."


class AbsencesOverlap(Conflict):
    zh = "{username} 在 {first} 至 {last} 已有请假记录,请先取消或调整日期。"
    en = "{username} is recorded as absent from {first} to {last} already; cancel that or choose other days."


class DeputyIsAbsentToo(Conflict):
    zh = "代理人 {username} 在 {first} 至 {last} 也不在岗,请另选代理人。"
    en = "The deputy {username} is away from {first} to {last} as well; choose another."


class StandsInForAnother(Conflict):
    zh = "{username} 在 {first} 至 {last} 是他人的代理人,请先为对方另定代理人。"
    en = "{username} stands in for somebody from {first} to {last}; name another deputy there first."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAbsence:
    """The first and the last day away (local days, both included) and who stands in. No `username`: oneself."""

    starts_on: date
    ends_on: date
    deputy: str
    reason: str
    username: str = ""


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """An absence that lasts or is to come. `reason` is empty for those whom it does not concern."""

    id: int
    username: str
    name: str
    org_code: str
    deputy: str
    deputy_name: str
    starts_on: date
    ends_on: date
    reason: str
    may_cancel: bool


def on_day(day: date) -> ColumnElement[bool]:
    """Whether an absence covers a local day."""
    return and_(Absence.starts_on <= day, Absence.ends_on >= day, Absence.cancelled_at.is_(None))


def record_absence(unit: Unit, command: RecordAbsence) -> int:
    """Note an absence; answers its id. From its first to its last day the deputy is told what the person is told.

    One's own, or as leader or administrator somebody's below one's union. Raises PersonNotFound, AbsenceOfAnother,
    AbsenceDatesUnfit, DeputyUnfit, AbsencesOverlap, DeputyIsAbsentToo, StandsInForAnother.
    """
    if not timedelta(0) <= command.ends_on - command.starts_on < LONGEST_ABSENCE:
        raise AbsenceDatesUnfit(days=LONGEST_ABSENCE.days)
    username = command.username or unit.actor.name
    if not unit.actor.may(Permission.absence_record if username == unit.actor.name else Permission.absence_manage):
        raise AbsenceOfAnother
    # Both rows in the order of their ids: two absences that name each other as deputies do not wait in a circle.
    people = {
        row.username: row
        for row in unit.session.scalars(
            select(Person)
            .where(Person.username.in_((username, command.deputy)), Person.active)
            .order_by(Person.id)
            .with_for_update(key_share=True)
        )
    }
    person, deputy = people.get(username), people.get(command.deputy)
    if person is None or not _in_reach(unit, person):
        raise PersonNotFound(username=username)
    if deputy is None or deputy is person or deputy.org_code != person.org_code:
        raise DeputyUnfit(username=command.deputy)
    _refuse_clash(unit, Absence.person_id == person.id, command, AbsencesOverlap, username)
    _refuse_clash(unit, Absence.person_id == deputy.id, command, DeputyIsAbsentToo, command.deputy)
    _refuse_clash(unit, Absence.deputy_id == person.id, command, StandsInForAnother, username)
    absence = Absence(
        person_id=person.id,
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        deputy_id=deputy.id,
        reason=command.reason,
        recorded_by=unit.actor.id,
        recorded_at=unit.now,
    )
    unit.session.add(absence)
    unit.session.flush()
    record(
        unit,
        "absence:record",
        subject=username,
        after={"deputy": deputy.username, "from": str(command.starts_on), "to": str(command.ends_on)},
    )
    return absence.id


def cancel_absence(unit: Unit, absence_id: int) -> None:
    """Somebody is back, or stays: the deputy stands in no longer. A repeat changes nothing. Raises AbsenceOfAnother,
    AbsenceNotFound."""
    if not unit.actor.may(Permission.absence_record):
        raise AbsenceOfAnother
    absence = unit.session.get(Absence, absence_id, with_for_update=True)
    person = unit.session.get(Person, absence.person_id) if absence else None
    if absence is None or person is None or not _may_change(unit, person):
        raise AbsenceNotFound
    if absence.cancelled_at is None:
        absence.cancelled_at, absence.cancelled_by = unit.now, unit.actor.id
        record(unit, "absence:cancel", subject=person.username)


def absences(unit: Unit) -> list[AbsenceView]:
    """Absences in the actor's subtree that last or are to come, the earliest first; at most 200."""
    deputy = aliased(Person)
    rows = unit.session.execute(
        select(Absence, Person, deputy.username, deputy.display_name)
        .join(Person, Person.id == Absence.person_id)
        .join(deputy, deputy.id == Absence.deputy_id)
        .where(
            Absence.cancelled_at.is_(None),
            Absence.ends_on >= local(unit.now).date(),
            or_(Person.org_code.startswith(unit.actor.scope), Person.id == unit.actor.id),
        )
        .order_by(Absence.starts_on, Absence.id)
        .limit(MOST_LISTED)
    )
    return [
        AbsenceView(
            id=absence.id,
            username=person.username,
            name=person.display_name,
            org_code=person.org_code,
            deputy=deputy_username,
            deputy_name=deputy_name,
            starts_on=absence.starts_on,
            ends_on=absence.ends_on,
            reason=absence.reason if _may_change(unit, person) else "",
            may_cancel=_may_change(unit, person),
        )
        for absence, person, deputy_username, deputy_name in rows
    ]


def colleagues(unit: Unit) -> list[tuple[str, str]]:
    """User name and name of the active people of the actor's own union."""
    rows = unit.session.execute(
        select(Person.username, Person.display_name)
        .where(Person.active, Person.org_code == unit.actor.org_code)
        .order_by(Person.username)
    )
    return [(row.username, row.display_name) for row in rows]


def _in_reach(unit: Unit, person: Person) -> bool:
    return person.id == unit.actor.id or within(person.org_code, unit.actor.scope)


def _may_change(unit: Unit, person: Person) -> bool:
    if person.id == unit.actor.id or unit.actor.kind is ActorKind.system:
        return True
    return unit.actor.may(Permission.absence_manage) and within(person.org_code, unit.actor.scope)


def _refuse_clash(
    unit: Unit, whose: ColumnElement[bool], command: RecordAbsence, refusal: type[Conflict], username: str
) -> None:
    """Refuse when an absence of these touches the days asked for."""
    clash = unit.session.scalars(
        select(Absence)
        .where(
            whose,
            Absence.cancelled_at.is_(None),
            func.daterange(Absence.starts_on, Absence.ends_on, "[]").op("&&")(
                func.daterange(command.starts_on, command.ends_on, "[]")
            ),
        )
        .order_by(Absence.starts_on)
        .limit(1)
    ).one_or_none()
    if clash is not None:
        raise refusal(username=username, first=clash.starts_on, last=clash.ends_on)
