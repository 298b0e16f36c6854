"""Legal hold: what a court, an inspection or a dispute needs is not touched, whatever its period says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import aliased

from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, Conflict, Forbidden, Malformed, NotFound
from service.core.unit import Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.retention.models import LegalHold
from service.tickets import repository
from service.tickets.errors import PermissionMissing
from service.tickets.models import Ticket
from service.tickets.repository import visible

_HOLD = Bilingual("冻结保存", "hold a ticket")
About = Literal["ticket", "caller"]


class HoldNotFound(NotFound):
    zh = "没有编号为 {id} 的冻结,或已解除。"
    en = "There is no hold {id}, or it was lifted."


class HoldByOneself(Forbidden):
    """Four eyes."""

    zh = "冻结不能由设置人自己解除,请由另一人解除。"
    en = "Who set a hold does not lift it; somebody else does."


class HoldInThePast(Malformed):
    zh = "冻结的截止日不能早于今天。"
    en = "The last day of a hold can't lie in the past."


class NoCallerToHold(Conflict):
    zh = "工单 {number} 没有登记来电人,请冻结工单本身。"
    en = "Ticket {number} has no caller on record; hold the ticket itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHold:
    """Which ticket, or (`about` caller) all tickets of its caller; why; and the last day (local), or none."""

    number: str
    reason: str
    about: About = "ticket"
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftHold:
    """Which hold and why."""

    id: int
    reason: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold in force, under the number of a ticket that it was set on; of a caller nothing is told."""

    id: int
    about: About
    numbers: tuple[str, ...]
    reason: str
    until: date | None
    set_by: str
    set_at: datetime


def set_hold(unit: Unit, command: SetHold) -> HoldView:
    """Raises TicketNotFound, PermissionMissing, HoldInThePast, NoCallerToHold."""
    ticket = repository.lock(unit, command.number)
    if not unit.actor.may(Permission.hold_manage) or unit.actor.id is None:
        raise PermissionMissing(step=_HOLD)
    if command.until is not None and command.until < local(unit.now).date():
        raise HoldInThePast
    if command.about == "caller" and ticket.caller_id is None:
        raise NoCallerToHold(number=ticket.number)
    hold = LegalHold(
        ticket_id=ticket.id if command.about == "ticket" else None,
        caller_id=ticket.caller_id if command.about == "caller" else None,
        reason=command.reason,
        until=command.until,
        set_by=unit.actor.id,
        set_at=unit.now,
    )
    unit.session.add(hold)
    unit.session.flush()
    facts = {"about": command.about, "reason": command.reason, "until": str(command.until or "")}
    record(unit, "hold:set", subject=ticket.number, after={"hold": hold.id, **facts})
    return next(each for each in holds(unit) if each.id == hold.id)


def lift_hold(unit: Unit, command: LiftHold) -> None:
    """By another person than who set it. Raises PermissionMissing, HoldNotFound, HoldByOneself."""
    if not unit.actor.may(Permission.hold_manage):
        raise PermissionMissing(step=_HOLD)
    view = next((each for each in holds(unit) if each.id == command.id), None)
    if view is None:
        raise HoldNotFound(id=command.id)
    if view.set_by == unit.actor.name:
        raise HoldByOneself
    unit.session.execute(
        update(LegalHold)
        .where(LegalHold.id == command.id, LegalHold.lifted_at.is_(None))
        .values(lifted_by=unit.actor.id, lifted_at=unit.now, lift_reason=command.reason)
    )
    record(unit, "hold:lift", subject=view.numbers[0], after={"hold": view.id, "reason": command.reason})


def holds(unit: Unit) -> list[HoldView]:
    """Those in force on tickets in the actor's scope, the newest first. Raises PermissionMissing."""
    if not unit.actor.may(Permission.hold_manage):
        raise PermissionMissing(step=_HOLD)
    setter = aliased(Person)
    rows = unit.session.execute(
        select(LegalHold, setter.username, func.array_agg(Ticket.number).label("numbers"))
        .join(setter, setter.id == LegalHold.set_by)
        .join(Ticket, or_(Ticket.id == LegalHold.ticket_id, Ticket.caller_id == LegalHold.caller_id))
        .where(LegalHold.lifted_at.is_(None), _not_over(unit), visible(unit.actor))
        .group_by(LegalHold.id, setter.username)
        .order_by(LegalHold.id.desc())
    )
    return [
        HoldView(
            id=hold.id,
            about="ticket" if hold.ticket_id else "caller",
            numbers=tuple(sorted(numbers)),
            reason=hold.reason,
            until=hold.until,
            set_by=username,
            set_at=hold.set_at,
        )
        for hold, username, numbers in rows
    ]


def held(unit: Unit) -> ColumnElement[bool]:
    """Whether a ticket is held at the moment."""
    return (
        select(LegalHold.id)
        .where(
            or_(LegalHold.ticket_id == Ticket.id, LegalHold.caller_id == Ticket.caller_id),
            LegalHold.lifted_at.is_(None),
            _not_over(unit),
        )
        .correlate(Ticket)
        .exists()
    )


def _not_over(unit: Unit) -> ColumnElement[bool]:
    return or_(LegalHold.until.is_(None), LegalHold.until >= local(unit.now).date())
