"""That the caller whom a ticket names is who called: a code over the number of each, beside the ticket.

What stands sealed is bound to its place, but whose row a ticket names is a plain number: who can write to the database
could point a ticket at another caller's row, or exchange two rows, and every value would open. The code is made with
the audit's key, which the database does not have, and is looked at whenever a caller is shown (docs/adr/0032).
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, func, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.keys import audit_keys
from service.core.crypto import SealBroken
from service.core.db import Base, table_of
from service.core.errors import Unavailable
from service.core.unit import Unit
from service.tickets.models import Caller, Ticket
from service.tickets.sealed import phone_of

# What the audit of a registration and of an import says of it, yes or no: a tie that is not there was taken away then,
# or never was a caller.
TIED = "tied"
_BOUND = "a ticket's caller"
_ON_RECORD = text(
    """
    select exists (
        select from audit_event where subject = :number and action like '%:ticket:register' and after ? 'tied'
    ) or exists (
        select from imported_ticket i join audit_event a on a.subject = 'import_run:' || i.run_id
        where i.ticket_id = :id and a.action like '%:history:import' and a.after ? 'tied'
    ) or exists (
        select from audit_event where subject = 'callers' and action like '%:caller:tie'
        and (after ->> 'last')::int >= :id
    )
    """
)


class CallerMisplaced(Unavailable):
    """Somebody changed the database by hand, and what would be shown is another's."""

    zh = "工单 {number} 的来电人与登记时不符,可能有人改动过数据库,未予显示。请联系系统管理员运行 hotline check。"
    en = (
        "The caller of ticket {number} is not the one who was taken down; somebody may have changed the database, and"
        " nothing is shown. Ask an operator to run hotline check."
    )


class CallerTie(Base):
    """The code of a ticket that has a caller. It goes with the caller."""

    __tablename__ = "caller_tie"
    __table_args__ = (CheckConstraint("octet_length(code) = 32", name="code"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    code: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True, slots=True)
class _Place:
    """A ticket, the caller it names, and its code if there is one."""

    ticket_id: int
    number: str
    caller: Caller
    code: bytes | None


_INSERT = insert(table_of(CallerTie))


def tie_of(unit: Unit, ticket_id: int, number: str, digits: str) -> dict[str, Any]:
    """The tie of a ticket to a caller's number, as a row."""
    return {"ticket_id": ticket_id, "code": _code(unit.vault.audit_key, number, digits)}


def tie_caller(unit: Unit, ticket_id: int, number: str, digits: str) -> None:
    """Tie a ticket that was just written to its caller."""
    unit.session.connection().execute(_INSERT, tie_of(unit, ticket_id, number, digits))


def caller_of(unit: Unit, ticket: Ticket) -> Caller | None:
    """A ticket's caller, if it has one. One statement. Raises CallerMisplaced for one who is not who called."""
    if ticket.caller_id is None:
        return None
    row = unit.session.execute(
        select(Caller, CallerTie.code)
        .outerjoin(CallerTie, CallerTie.ticket_id == ticket.id)
        .where(Caller.id == ticket.caller_id)
    ).one()
    place = _Place(ticket.id, ticket.number, row.Caller, row.code)
    # The keys of former years cost a question, and only what they coded is worth it.
    if not (_fits(unit, place, unit.vault.audit_keys.values()) or _fits(unit, place, audit_keys(unit).values())):
        raise CallerMisplaced(number=ticket.number)
    return place.caller


def misplaced_callers(unit: Unit, *, most: int, turn: int) -> list[str]:
    """The tickets among `most` whose caller is not who called; with each `turn` others."""
    last = unit.session.scalar(select(func.max(Ticket.id))) or 0
    start = turn * most % (last + 1)
    statement = (
        select(Ticket.id, Ticket.number, Caller, CallerTie.code)
        .join(Caller, Caller.id == Ticket.caller_id)
        .outerjoin(CallerTie, CallerTie.ticket_id == Ticket.id)
        .order_by(Ticket.id)
    )
    rows = unit.session.execute(statement.where(Ticket.id >= start).limit(most)).all()
    if len(rows) < most:
        rows = [*rows, *unit.session.execute(statement.where(Ticket.id < start).limit(most - len(rows)))]
    keys = audit_keys(unit).values()
    return [row.number for row in rows if not _fits(unit, _Place(*row), keys)]


def tie_older(unit: Unit, *, after: int, limit: int) -> tuple[int | None, int]:
    """Tie up to `limit` tickets after an id that an older version wrote, as they are now; the last id that was looked
    at, or None after the last, and how many were tied. One that lost its tie stays without."""
    rows = unit.session.execute(
        select(Ticket.id, Ticket.number, Caller, CallerTie.ticket_id.label("tied"))
        .join(Caller, Caller.id == Ticket.caller_id)
        .outerjoin(CallerTie, CallerTie.ticket_id == Ticket.id)
        .where(Ticket.id > after)
        .order_by(Ticket.id)
        .limit(limit)
    ).all()
    older = (row for row in rows if row.tied is None and not _is_on_record(unit, row.id, row.number))
    opened = ((row, _digits(unit, row.Caller)) for row in older)
    ties = [tie_of(unit, row.id, row.number, digits) for row, digits in opened if digits is not None]
    if ties:
        unit.session.execute(_INSERT, ties)
    return (rows[-1].id if rows else None), len(ties)


def _fits(unit: Unit, place: _Place, keys: Iterable[bytes]) -> bool:
    if place.code is None:
        return not _is_on_record(unit, place.ticket_id, place.number)
    digits = _digits(unit, place.caller)
    # What does not open can't be shown either, and is another invariant's to find.
    return digits is None or any(hmac.compare_digest(place.code, _code(key, place.number, digits)) for key in keys)


def _is_on_record(unit: Unit, ticket_id: int, number: str) -> bool:
    return bool(unit.session.scalar(_ON_RECORD, {"id": ticket_id, "number": number}))


def _digits(unit: Unit, caller: Caller) -> str | None:
    try:
        return phone_of(unit.vault, caller)
    except SealBroken:
        return None


def _code(key: bytes, number: str, digits: str) -> bytes:
    return hmac.new(key, f"{_BOUND}\0{number}\0{digits}".encode(), hashlib.sha256).digest()
