"""法律咨询: who handles a matter asks the lawyers at the centre; the answer joins the ticket and is due by a clock.

A question and its answer stand on the timeline. The clock is its own, not the citizen's: it moves no promise.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.clock import deadline_text
from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict
from service.core.pagination import Cursor
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.org.tree import org_tree
from service.outbox.emit import Message, emit
from service.outbox.handlers import Payload
from service.sla.rules import current_rules
from service.tickets.concealing import concealed
from service.tickets.messages import tell_person, tell_union
from service.tickets.models import ENDED, Ticket
from service.tickets.repository import visible
from service.tickets.states import OPEN, State, Step
from service.tickets.steps import carry_out, take
from sla_rules import Promise, deadline

CONSULT_DUE = "consult:due"


class Consult(Base):
    """A question to the lawyers. One waits for its answer on a ticket at a time."""

    __tablename__ = "consult"
    __table_args__ = (
        CheckConstraint("(answered_at is null) = (answer is null)", name="answered_whole"),
        CheckConstraint("(taken_by is null) = (taken_at is null)", name="taken_whole"),
        CheckConstraint("due_at > asked_at", name="due_after_asking"),
        Index("uq_consult_open", "ticket_id", unique=True, postgresql_where=text("answered_at is null")),
        Index("ix_consult_due_at", "due_at", "id", postgresql_where=text("answered_at is null")),
        Index("ix_consult_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    question: Mapped[Words]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[Words | None]
    answered_at: Mapped[datetime | None]


class ConsultAlreadyOpen(Conflict):
    zh = "工单 {number} 已有一项法律咨询待答复({due} 前),可在备注中补充。"
    en = "Ticket {number} has a question to the lawyers open already (due {due}); add to it by a note."


class NoOpenConsult(Conflict):
    zh = "工单 {number} 没有待答复的法律咨询。"
    en = "Ticket {number} has no question to the lawyers that waits for an answer."


class ConsultTakenByAnother(Conflict):
    zh = "工单 {number} 的法律咨询由 {who} 承办,如需改由您答复,请先承接。"
    en = "The question of ticket {number} is with {who}; take it over first if you are to answer it."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskConsult:
    """What the lawyers are asked."""

    number: str
    question: str
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeConsult:
    """Which ticket's question."""

    number: str
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConsult:
    """What the lawyer says."""

    number: str
    answer: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ConsultView:
    """A question in the lawyers' queue."""

    id: int
    number: str
    title: str
    org_code: str
    org: Bilingual
    question: str
    asked_at: datetime
    due_at: datetime
    late: bool
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class ConsultPage:
    """A page of the queue, and the cursor of the next one if there is more."""

    consults: tuple[ConsultView, ...]
    next_cursor: str | None


def ask_consult(unit: Unit, command: AskConsult) -> Ticket:
    """Ask the lawyers. Due after the policy's `consult_working_days`, by the calendar in force at the centre.

    Raises ConsultAlreadyOpen and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.ask_consult, version=command.version)
    standing = _open(unit, ticket)
    if standing is not None:
        raise ConsultAlreadyOpen(number=ticket.number, due=deadline_text(standing.due_at))
    rules = current_rules(unit.session)
    promise = Promise("working_days", rules.policy.limits.consult_working_days)
    due_at = deadline(promise, unit.now, rules.calendar_of(PROVINCE_CODE)).due_at
    consult = Consult(
        ticket_id=ticket.id,
        asked_by=unit.actor.id,
        org_code=unit.actor.org_code,
        question=concealed(unit, ticket, command.question),
        asked_at=unit.now,
        due_at=due_at,
    )
    unit.session.add(consult)
    unit.session.flush()
    carry_out(unit, ticket, Step.ask_consult, note=command.question, data={"answer_by": due_at.isoformat()})
    _tell(unit, ticket, ("lawyer",), "法律咨询待答复", "a question to the lawyers", occasion="asked")
    emit(
        unit,
        Message(
            kind=CONSULT_DUE,
            key=f"{CONSULT_DUE}:{consult.id}",
            payload={"consult_id": consult.id},
            not_before=due_at,
        ),
    )
    return ticket


def take_consult(unit: Unit, command: TakeConsult) -> Ticket:
    """A lawyer takes the question on, or over from another. Raises NoOpenConsult and the refusals of `take`."""
    ticket = take(unit, command.number, Step.take_consult, version=command.version)
    consult = _waiting(unit, ticket)
    consult.taken_by, consult.taken_at = unit.actor.id, unit.now
    carry_out(unit, ticket, Step.take_consult)
    return ticket


def answer_consult(unit: Unit, command: AnswerConsult) -> Ticket:
    """Answer the question; who asked is told. Raises NoOpenConsult, ConsultTakenByAnother, the refusals of `take`."""
    ticket = take(unit, command.number, Step.answer_consult, version=command.version)
    consult = _waiting(unit, ticket)
    if consult.taken_by not in (None, unit.actor.id):
        who = unit.session.get_one(Person, consult.taken_by)
        raise ConsultTakenByAnother(number=ticket.number, who=who.display_name)
    consult.answer = concealed(unit, ticket, command.answer)
    consult.answered_by, consult.answered_at = unit.actor.id, unit.now
    late = unit.now >= consult.due_at
    carry_out(unit, ticket, Step.answer_consult, note=command.answer, data={"late": late})
    if consult.asked_by is not None:
        tell_person(
            unit,
            ticket,
            consult.asked_by,
            Bilingual(f"工单 {ticket.number} 的法律咨询已答复", f"The lawyers answered about ticket {ticket.number}"),
            key=f"consult:{consult.id}:answered",
        )
    return ticket


def remind_of_consult(unit: Unit, payload: Payload) -> None:
    """Database handler of `consult:due`: an answer that did not come is told to the lawyers and the supervisor."""
    consult = unit.session.get_one(Consult, payload["consult_id"])
    ticket = unit.session.get_one(Ticket, consult.ticket_id)
    if consult.answered_at is None and State(ticket.state) in OPEN:
        _tell(unit, ticket, ("lawyer", "supervisor"), "法律咨询逾期未答复", "the question is late", occasion="overdue")


def consult_queue(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> ConsultPage:
    """Questions that wait, the earliest due first, of the tickets the actor may see. `limit` 1 to 200.

    One statement. Raises CursorUnreadable.
    """
    statement = (
        select(Consult, Ticket.number, Ticket.title, Person.display_name)
        .join(Ticket, Ticket.id == Consult.ticket_id)
        .outerjoin(Person, Person.id == Consult.taken_by)
        .where(Consult.answered_at.is_(None), Ticket.state.not_in(ENDED))
        .where(visible(unit.actor))
    )
    if cursor is not None:
        statement = statement.where(Cursor.decode(cursor).before(Consult.due_at, Consult.id))
    found = unit.session.execute(statement.order_by(Consult.due_at, Consult.id).limit(limit + 1)).all()
    shown = found[:limit]
    tree = org_tree(unit.session)
    last = shown[-1].Consult if len(found) > limit else None
    return ConsultPage(
        consults=tuple(
            ConsultView(
                id=consult.id,
                number=number,
                title=title,
                org_code=consult.org_code,
                org=tree.get(consult.org_code).name,
                question=consult.question,
                asked_at=consult.asked_at,
                due_at=consult.due_at,
                late=unit.now >= consult.due_at,
                taken_by=taken_by,
            )
            for consult, number, title, taken_by in shown
        ),
        next_cursor=Cursor(at=last.due_at, id=last.id).encode() if last else None,
    )


def consult_waits(unit: Unit, ticket: Ticket) -> set[str]:
    """`{"consult"}` while a question of the ticket waits for its answer."""
    return {"consult"} if _open(unit, ticket) is not None else set()


def _open(unit: Unit, ticket: Ticket) -> Consult | None:
    return unit.session.scalars(
        select(Consult).where(Consult.ticket_id == ticket.id, Consult.answered_at.is_(None))
    ).one_or_none()


def _waiting(unit: Unit, ticket: Ticket) -> Consult:
    consult = _open(unit, ticket)
    if consult is None:
        raise NoOpenConsult(number=ticket.number)
    return consult


def _tell(unit: Unit, ticket: Ticket, audience: tuple[str, ...], zh: str, en: str, *, occasion: str) -> None:
    tell_union(
        unit,
        ticket,
        audience,
        Bilingual(f"{zh}:工单 {ticket.number}", f"Ticket {ticket.number}: {en}"),
        occasion=f"consult_{occasion}",
    )
