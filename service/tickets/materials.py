"""请求补充材料: the union that handles a matter asks the worker for named pieces of material by a day.

The worker reads on the own page what is asked and may answer it there. Asking stops no clock: a suspension for awaited
material is a request with a decision of its own, and needs a piece that stands open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.clock import local
from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict, Malformed
from service.core.unit import Unit
from service.outbox.emit import Message, emit
from service.outbox.handlers import Payload
from service.sla.rules import current_rules
from service.tickets.concealing import concealed
from service.tickets.messages import tell_union, text_worker
from service.tickets.models import Ticket, one_of
from service.tickets.states import OPEN, State, Step
from service.tickets.steps import carry_out, take

MATERIAL_DUE = "material:due"
MATERIAL_STATES = ("asked", "received", "not_needed")
# The suspension reason that needs a piece to be awaited.
AWAITED = "material_awaited"
LONGEST_PIECE = 100
MOST_PIECES = 20


class MaterialRequest(Base):
    """One piece of material asked of the worker. A piece is asked once at a time."""

    __tablename__ = "material_request"
    __table_args__ = (
        CheckConstraint(one_of("state", MATERIAL_STATES), name="state"),
        CheckConstraint("(state = 'asked') = (settled_at is null)", name="settled_whole"),
        CheckConstraint("settled_by is null or settled_at is not null", name="settled_by_somebody"),
        CheckConstraint(f"length(piece) between 1 and {LONGEST_PIECE}", name="piece"),
        Index("uq_material_request_open", "ticket_id", "piece", unique=True, postgresql_where=text("state = 'asked'")),
        Index("ix_material_request_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    piece: Mapped[Words]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    state: Mapped[str]
    # Null with a date: the worker sent it, or the service found it needed no more.
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    settled_at: Mapped[datetime | None]


class MaterialAskedAlready(Conflict):
    zh = "工单 {number} 已请求补充“{piece}”,尚未收到。"
    en = "Ticket {number} awaits “{piece}” already."


class MaterialNotAsked(Conflict):
    zh = "工单 {number} 没有待收的材料“{piece}”。"
    en = "Ticket {number} awaits no “{piece}”."


class NoMaterialAwaited(Conflict):
    zh = "工单 {number} 没有待收的材料。以“等待职工补充材料”挂起,须先请求补充材料。"
    en = "Ticket {number} awaits no material: ask the worker for it first, then for a suspension until it comes."


class DayOutOfRange(Malformed):
    zh = "补充材料的期限须在今天起 {days} 天之内,现为 {day}。"
    en = "The day for the material must lie within {days} days from today, got {day}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMaterial:
    """What the worker is to send, piece by piece, and until which local day, that day included."""

    number: str
    pieces: tuple[str, ...]
    due_on: date
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMaterial:
    """Which pieces need not be awaited any more, by what they were asked as."""

    number: str
    pieces: tuple[str, ...]
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class MaterialView:
    """A piece that was asked for. `state` is asked, received or not_needed; `late` an open one after its day."""

    piece: str
    due_on: date
    asked_at: datetime
    state: str
    settled_at: datetime | None
    late: bool


def ask_material(unit: Unit, command: AskMaterial) -> Ticket:
    """Ask the worker for material; an SMS says that something is needed, and not what.

    Raises DayOutOfRange, MaterialAskedAlready and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.ask_material, version=command.version)
    rules = current_rules(unit.session)
    # No longer than a suspension could wait for it.
    longest = timedelta(days=rules.policy.limits.suspension_cap_days)
    if not timedelta() <= command.due_on - local(unit.now).date() <= longest:
        raise DayOutOfRange(days=longest.days, day=command.due_on.isoformat())
    pieces = _named(unit, ticket, command.pieces)
    for standing in _awaited(unit, ticket):
        if standing.piece in pieces:
            raise MaterialAskedAlready(number=ticket.number, piece=standing.piece)
    rows = [
        MaterialRequest(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=ticket.holder_code,
            piece=piece,
            asked_by=unit.actor.id,
            asked_at=unit.now,
            due_on=command.due_on,
            state="asked",
        )
        for piece in pieces
    ]
    unit.session.add_all(rows)
    unit.session.flush()
    carry_out(unit, ticket, Step.ask_material, note="、".join(pieces), data={"due_on": command.due_on.isoformat()})
    text_worker(unit, ticket, "material", occasion=f"material:{ticket.row_version}")
    emit(
        unit,
        Message(
            kind=MATERIAL_DUE,
            key=f"{MATERIAL_DUE}:{rows[0].id}",
            payload={"ids": [row.id for row in rows]},
            not_before=rules.calendar_of(ticket.holder_code).end_of_day(command.due_on),
        ),
    )
    return ticket


def receive_material(unit: Unit, command: SettleMaterial) -> Ticket:
    """Note that pieces came, by whatever way. Raises MaterialNotAsked and the refusals of `take`."""
    return _settle(unit, command, Step.receive_material, state="received")


def waive_material(unit: Unit, command: SettleMaterial) -> Ticket:
    """Note that pieces are needed no longer. Raises as `receive_material` does."""
    return _settle(unit, command, Step.waive_material, state="not_needed")


def receive_from_worker(unit: Unit, ticket: Ticket, pieces: Sequence[str]) -> list[str]:
    """The pieces of these that a locked ticket awaited and the worker says are sent now; others are passed over."""
    came = [row for row in _awaited(unit, ticket) if row.piece in pieces]
    for row in came:
        row.state, row.settled_at = "received", unit.now
    unit.session.flush()
    return [row.piece for row in came]


def waive_all(unit: Unit, ticket: Ticket) -> None:
    """With a reply, or any other end, nothing is awaited of the worker any more. The step's own event tells it."""
    for row in _awaited(unit, ticket):
        row.state, row.settled_at = "not_needed", unit.now


def remind_of_material(unit: Unit, payload: Payload) -> None:
    """Database handler of `material:due`: what did not come by its day is told to the handler, once."""
    rows = unit.session.scalars(
        select(MaterialRequest).where(MaterialRequest.id.in_(payload["ids"]), MaterialRequest.state == "asked")
    ).all()
    if not rows:
        return
    ticket = unit.session.get_one(Ticket, rows[0].ticket_id)
    if State(ticket.state) not in OPEN:
        return
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(
            f"工单 {ticket.number} 有 {len(rows)} 项补充材料逾期未收到",
            f"Ticket {ticket.number}: material asked of the worker did not come in time ({len(rows)})",
        ),
        occasion=f"material_overdue:{rows[0].id}",
    )


def materials_of(unit: Unit, ticket: Ticket) -> tuple[MaterialView, ...]:
    """Every piece that was ever asked for, in the order of asking."""
    today = local(unit.now).date()
    rows = unit.session.scalars(
        select(MaterialRequest).where(MaterialRequest.ticket_id == ticket.id).order_by(MaterialRequest.id)
    )
    return tuple(
        MaterialView(
            piece=row.piece,
            due_on=row.due_on,
            asked_at=row.asked_at,
            state=row.state,
            settled_at=row.settled_at,
            late=row.state == "asked" and row.due_on < today,
        )
        for row in rows
    )


def check_material_awaited(unit: Unit, ticket: Ticket) -> None:
    """Raises NoMaterialAwaited where nothing stands open: there is nothing that a suspension would wait for."""
    if not _awaited(unit, ticket):
        raise NoMaterialAwaited(number=ticket.number)


def _settle(unit: Unit, command: SettleMaterial, step: Step, *, state: str) -> Ticket:
    ticket = take(unit, command.number, step, version=command.version)
    standing = {row.piece: row for row in _awaited(unit, ticket)}
    pieces = _named(unit, ticket, command.pieces)
    for piece in pieces:
        row = standing.get(piece)
        if row is None:
            raise MaterialNotAsked(number=ticket.number, piece=piece)
        row.state, row.settled_by, row.settled_at = state, unit.actor.id, unit.now
    carry_out(unit, ticket, step, note=command.note, data={"pieces": list(pieces)})
    return ticket


def _named(unit: Unit, ticket: Ticket, pieces: Sequence[str]) -> tuple[str, ...]:
    """Each once and on one line, so that a piece has one name whoever typed it."""
    return tuple(dict.fromkeys(concealed(unit, ticket, " ".join(piece.split())) for piece in pieces))


def _awaited(unit: Unit, ticket: Ticket) -> Sequence[MaterialRequest]:
    return unit.session.scalars(
        select(MaterialRequest)
        .where(MaterialRequest.ticket_id == ticket.id, MaterialRequest.state == "asked")
        .order_by(MaterialRequest.id)
    ).all()
