"""The unions inside an employer: whoever complains of it must not be known there.

Such a union may well have the matter, for it is near. Its people, and those of the unions below it, see the matter and
nothing of who called, whatever the worker asked for; the centre speaks with the worker.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, exists, select
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual, Conflict
from service.core.unit import Unit
from service.org.tree import org_tree
from service.tickets.models import Assignment, Employer, Ticket


class EmployerUnion(Base):
    """That a union belongs to an employer, and with it every union below. The province's never does."""

    __tablename__ = "employer_union"
    __table_args__ = (
        CheckConstraint("org_code not like '%0000'", name="not_the_province"),
        Index("ix_employer_union_org_code", "org_code"),
    )

    employer_id: Mapped[int] = mapped_column(ForeignKey("employer.id"), primary_key=True, autoincrement=False)
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"), primary_key=True)
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]


class UnionIsInsideTheEmployer(Conflict):
    """Nobody gives a matter to the other side without knowing it."""

    zh = (
        "注意:{union}是被反映单位“{employer}”内部的工会。交其办理的,其人员看不到来电人信息,须由热线中心联系职工;"
        "建议改交上级工会。确认仍交其办理的,请勾选“已知悉是被反映单位内部工会”(known_inside)。"
    )
    en = (
        "Careful: {union} is a union inside the employer complained of, {employer}. Its people won't see who called,"
        " and the centre has to speak with the worker; the union above is the better choice. To give it to them all the"
        " same, tick that you know (known_inside)."
    )


def has_union(unit: Unit, employer_id: int | None) -> bool:
    """Whether any union belongs to the employer."""
    if employer_id is None:
        return False
    return bool(unit.session.scalar(select(exists().where(EmployerUnion.employer_id == employer_id))))


def unions_of(unit: Unit, employer_id: int | None) -> tuple[Bilingual, ...]:
    """The unions that belong to the employer, by name."""
    if employer_id is None:
        return ()
    codes = select(EmployerUnion.org_code).where(EmployerUnion.employer_id == employer_id)
    tree = org_tree(unit.session)
    return tuple(tree.get(code).name for code in unit.session.scalars(codes.order_by(EmployerUnion.org_code)))


def is_inside(unit: Unit, employer_id: int | None) -> bool:
    """Whether the actor's union belongs to the employer, itself or by one above it."""
    if employer_id is None or not _chain(unit, unit.actor.org_code):
        return False
    return bool(unit.session.scalar(select(exists().where(_belongs(unit, employer_id)))))


def about_own_employer(unit: Unit) -> ColumnElement[bool]:
    """Tickets about an employer that the actor's union belongs to."""
    own = EmployerUnion.org_code.in_(_chain(unit, unit.actor.org_code))
    return Ticket.employer_id.in_(select(EmployerUnion.employer_id).where(own))


def unions_inside(unit: Unit, employer_id: int | None, codes: Iterable[str]) -> tuple[Bilingual, ...]:
    """Those of these unions that belong to the employer, by name in their order."""
    if employer_id is None:
        return ()
    tree = org_tree(unit.session)
    marked = set(unit.session.scalars(select(EmployerUnion.org_code).where(EmployerUnion.employer_id == employer_id)))
    return tuple(tree.get(code).name for code in dict.fromkeys(codes) if marked.intersection(_chain(unit, code)))


def inside_of_ticket(unit: Unit, ticket: Ticket) -> tuple[Bilingual, ...]:
    """The unions inside the employer that have the ticket now or assist with it."""
    if ticket.employer_id is None:
        return ()
    given = unit.session.scalars(
        select(Assignment.org_code)
        .where(Assignment.ticket_id == ticket.id, Assignment.ended_at.is_(None))
        .order_by(Assignment.id)
    )
    return unions_inside(unit, ticket.employer_id, (ticket.holder_code, *given))


def check_known_inside(unit: Unit, ticket: Ticket, codes: Iterable[str], *, known: bool) -> None:
    """Refuse to give a matter to a union inside the employer complained of before whoever gives it says that they know.

    Raises UnionUnknown, UnionIsInsideTheEmployer.
    """
    found = unions_inside(unit, ticket.employer_id, codes)
    if found and not known:
        employer = unit.session.get_one(Employer, ticket.employer_id)
        names = Bilingual("、".join(name.zh for name in found), ", ".join(name.en for name in found))
        raise UnionIsInsideTheEmployer(union=names, employer=employer.name)


def _belongs(unit: Unit, employer_id: int) -> ColumnElement[bool]:
    own = EmployerUnion.org_code.in_(_chain(unit, unit.actor.org_code))
    return (EmployerUnion.employer_id == employer_id) & own


def _chain(unit: Unit, code: str) -> list[str]:
    """A union and those above it, without the province: it belongs to nobody. Empty for no union at all."""
    tree = org_tree(unit.session)
    codes: list[str] = []
    union = tree.get(code) if code in tree else None
    while union is not None and union.parent_code is not None:
        codes.append(union.code)
        union = tree.parent(union.code)
    return codes
