"""督办: a supervisor, or the ladder, puts a matter under supervision with an instruction and a date. The union answers,
the supervisor accepts the answer or sends it back, and all of it stands on the timeline."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, and_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.clock import local
from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict, Malformed
from service.core.pagination import Cursor
from service.core.unit import Unit
from service.org.tree import org_tree
from service.outbox.emit import Message, emit
from service.outbox.handlers import Payload
from service.sla.rules import current_rules
from service.tickets.concealing import concealed
from service.tickets.messages import tell_union
from service.tickets.models import Supervision, Ticket
from service.tickets.repository import visible
from service.tickets.states import State, Step
from service.tickets.steps import carry_out, take

SUPERVISION_DUE = "supervision:due"

# Where no date is given: three working days, as the ladder's own supervision means them.
_DAYS_TO_ANSWER = 3


class SupervisionAnswer(Base):
    """What the union reports to a supervision. One waits for the supervisor at a time."""

    __tablename__ = "supervision_answer"
    __table_args__ = (
        CheckConstraint("verdict in ('accepted', 'returned')", name="verdict"),
        CheckConstraint("(verdict is null) = (reviewed_at is null)", name="reviewed_whole"),
        CheckConstraint("reviewed_by is null or reviewed_by <> answered_by", name="four_eyes"),
        Index("uq_supervision_answer_open", "supervision_id", unique=True, postgresql_where=text("verdict is null")),
        Index("ix_supervision_answer_supervision_id", "supervision_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    supervision_id: Mapped[int] = mapped_column(ForeignKey("supervision.id"))
    text: Mapped[Words]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime]
    verdict: Mapped[str | None]
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]
    review_note: Mapped[Words | None]


class NoOpenSupervision(Conflict):
    zh = "工单 {number} 没有待答复的督办。"
    en = "Ticket {number} has no supervision that waits for an answer."


# Who has to know that a matter is supervised, beside the supervisor: who answers, who leads them, and the union above.
SUPERVISED: tuple[str, ...] = ("handler", "leader", "parent_leader")


class SupervisionAlreadyOpen(Conflict):
    zh = "工单 {number} 已在督办中({instruction}),请先办结该督办。"
    en = "Ticket {number} is under supervision already ({instruction}); close that one first."


class SupervisionAlreadyAnswered(Conflict):
    zh = "工单 {number} 的督办答复正在等待督办员审核。"
    en = "The answer to the supervision of ticket {number} waits for its review."


class NoSupervisionAnswer(Conflict):
    zh = "工单 {number} 没有待审核的督办答复。"
    en = "Ticket {number} has no answer to a supervision to review."


class DateLiesInThePast(Malformed):
    zh = "答复期限须晚于现在,现为 {due}。"
    en = "The date for the answer must lie ahead, got {due}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperviseTicket:
    """What is to be done, and by when it is to be answered (aware; None: the end of the third working day)."""

    number: str
    note: str
    due_at: datetime | None = None
    version: int | None = None


def supervise_ticket(unit: Unit, command: SuperviseTicket) -> Ticket:
    """Open a supervision with an instruction and a date. Raises SupervisionAlreadyOpen, DateLiesInThePast and the
    refusals of `take`."""
    ticket = take(unit, command.number, Step.supervise, version=command.version)
    if command.due_at is not None and command.due_at <= unit.now:
        raise DateLiesInThePast(due=f"{local(command.due_at):%Y-%m-%d %H:%M}")
    standing = _open(unit, ticket)
    if standing is not None:
        raise SupervisionAlreadyOpen(number=ticket.number, instruction=standing.instruction)
    open_supervision(unit, ticket, instruction=command.note, due_at=command.due_at)
    return ticket


def open_supervision(unit: Unit, ticket: Ticket, *, instruction: str, due_at: datetime | None = None) -> None:
    """Open a supervision on a locked ticket unless one is open, and tell those who have to answer it."""
    if start_supervision(unit, ticket, instruction=instruction, due_at=due_at):
        _tell(unit, ticket, SUPERVISED, "督办", "supervision", occasion="supervised")


def start_supervision(unit: Unit, ticket: Ticket, *, instruction: str, due_at: datetime | None = None) -> bool:
    """Open a supervision on a locked ticket and put it on the timeline. False where one is open. Whoever calls this
    tells `SUPERVISED` in words of their own."""
    rules = current_rules(unit.session)
    due_at = due_at or rules.end_of_working_day(ticket.holder_code, after=unit.now, days=_DAYS_TO_ANSWER)
    opened = unit.session.execute(
        insert(Supervision)
        .values(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            opened_at=unit.now,
            opened_by=unit.actor.id,
            instruction=concealed(unit, ticket, instruction),
            due_at=due_at,
        )
        .on_conflict_do_nothing(index_elements=["ticket_id"], index_where=Supervision.closed_at.is_(None))
        .returning(Supervision.id)
    ).scalar_one_or_none()
    if opened is None:
        return False
    carry_out(unit, ticket, Step.supervise, note=instruction, data={"answer_by": due_at.isoformat()})
    if unit.actor.id is not None:  # the ladder that opens one goes on reminding by its own rungs
        emit(
            unit,
            Message(
                kind=SUPERVISION_DUE,
                key=f"{SUPERVISION_DUE}:{opened}",
                payload={"supervision_id": opened},
                not_before=due_at,
            ),
        )
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSupervision:
    """What the union did about the instruction."""

    number: str
    text: str
    version: int | None = None


def answer_supervision(unit: Unit, command: AnswerSupervision) -> Ticket:
    """Report to a supervision. Raises NoOpenSupervision, SupervisionAlreadyAnswered and the refusals of `take`."""
    ticket = take(unit, command.number, Step.answer_supervision, version=command.version)
    answer_open_supervision(unit, ticket, command.text)
    carry_out(unit, ticket, Step.answer_supervision, note=command.text)
    return ticket


def answer_open_supervision(unit: Unit, ticket: Ticket, words: str) -> SupervisionAnswer:
    """Put an answer before the supervisor of a locked ticket. Raises NoOpenSupervision, SupervisionAlreadyAnswered."""
    supervision = _open(unit, ticket)
    if supervision is None:
        raise NoOpenSupervision(number=ticket.number)
    if _waiting(unit, supervision) is not None:
        raise SupervisionAlreadyAnswered(number=ticket.number)
    answer = SupervisionAnswer(
        supervision_id=supervision.id,
        text=concealed(unit, ticket, words),
        answered_by=unit.actor.id,
        answered_at=unit.now,
    )
    unit.session.add(answer)
    unit.session.flush()
    _tell(unit, ticket, ("supervisor",), "督办已答复,请审核", "the supervision was answered", occasion="answered")
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSupervision:
    """What the supervisor says to the answer; compulsory when sending it back."""

    number: str
    note: str = ""
    version: int | None = None


def close_supervision(unit: Unit, command: ReviewSupervision) -> Ticket:
    """Accept the answer: the supervision ends. Raises NoOpenSupervision, NoSupervisionAnswer."""
    ticket = take(unit, command.number, Step.close_supervision, version=command.version)
    supervision = _review(unit, ticket, "accepted", command.note)
    supervision.closed_at = unit.now
    carry_out(unit, ticket, Step.close_supervision, note=command.note)
    return ticket


def return_supervision(unit: Unit, command: ReviewSupervision) -> Ticket:
    """Send the answer back: the supervision goes on. Raises as `close_supervision` does."""
    ticket = take(unit, command.number, Step.return_supervision, version=command.version)
    _review(unit, ticket, "returned", command.note)
    carry_out(unit, ticket, Step.return_supervision, note=command.note)
    _tell(unit, ticket, ("handler", "leader"), "督办答复被退回", "your answer was sent back", occasion="returned")
    return ticket


def remind_of_supervision(unit: Unit, payload: Payload) -> None:
    """Database handler of `supervision:due`: an answer that did not come is told to the leader and the supervisor."""
    supervision = unit.session.get_one(Supervision, payload["supervision_id"])
    ticket = unit.session.get_one(Ticket, supervision.ticket_id)
    # By what stood at the date itself, so that a late delivery tells what a punctual one would have told.
    due, answered = (
        supervision.due_at,
        unit.session.scalar(
            select(SupervisionAnswer.id)
            .where(
                SupervisionAnswer.supervision_id == supervision.id, SupervisionAnswer.answered_at < supervision.due_at
            )
            .limit(1)
        ),
    )
    ends = [moment for moment in (supervision.closed_at, ticket.ended_at) if moment is not None]
    if answered is None and all(moment >= due for moment in ends):
        _tell(
            unit,
            ticket,
            ("leader", "supervisor"),
            "督办逾期未答复",
            "the supervision is unanswered",
            occasion="overdue",
        )


def supervision_waits(unit: Unit, ticket: Ticket) -> set[str]:
    """What a ticket's open supervision waits for: `{"supervision"}` (the answer), `{"supervision_answer"}` (its
    review), or nothing."""
    supervision = _open(unit, ticket)
    if supervision is None:
        return set()
    return {"supervision" if _waiting(unit, supervision) is None else "supervision_answer"}


@dataclass(frozen=True, slots=True)
class SupervisionView:
    """An open supervision in a list. `answered_at` while an answer waits for its review."""

    id: int
    number: str
    title: str
    state: State
    org_code: str
    org: Bilingual
    instruction: str
    opened_at: datetime
    due_at: datetime
    late: bool
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class SupervisionPage:
    """Supervisions by the date of their answer."""

    supervisions: tuple[SupervisionView, ...]
    next_cursor: str | None


def open_supervisions(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> SupervisionPage:
    """The open supervisions of the tickets the actor may see, of closed ones as well, the nearest date first. `limit`
    1 to 200. One statement. Raises CursorUnreadable.
    """
    statement = (
        select(
            Supervision, Ticket.number, Ticket.title, Ticket.state, Ticket.holder_code, SupervisionAnswer.answered_at
        )
        .join(Ticket, Ticket.id == Supervision.ticket_id)
        .outerjoin(
            SupervisionAnswer,
            and_(SupervisionAnswer.supervision_id == Supervision.id, SupervisionAnswer.verdict.is_(None)),
        )
        .where(Supervision.closed_at.is_(None), visible(unit.actor))
    )
    if cursor is not None:
        statement = statement.where(Cursor.decode(cursor).before(Supervision.due_at, Supervision.id))
    found = unit.session.execute(statement.order_by(Supervision.due_at, Supervision.id).limit(limit + 1)).all()
    shown = found[:limit]
    tree = org_tree(unit.session)
    last = shown[-1].Supervision if len(found) > limit else None
    return SupervisionPage(
        supervisions=tuple(
            SupervisionView(
                id=supervision.id,
                number=number,
                title=title,
                state=State(state),
                org_code=holder,
                org=tree.get(holder).name,
                instruction=supervision.instruction,
                opened_at=supervision.opened_at,
                due_at=supervision.due_at,
                late=answered_at is None and unit.now >= supervision.due_at,
                answered_at=answered_at,
            )
            for supervision, number, title, state, holder, answered_at in shown
        ),
        next_cursor=Cursor(at=last.due_at, id=last.id).encode() if last else None,
    )


def _open(unit: Unit, ticket: Ticket) -> Supervision | None:
    return unit.session.scalars(
        select(Supervision).where(Supervision.ticket_id == ticket.id, Supervision.closed_at.is_(None))
    ).one_or_none()


def _waiting(unit: Unit, supervision: Supervision) -> SupervisionAnswer | None:
    return unit.session.scalars(
        select(SupervisionAnswer).where(
            SupervisionAnswer.supervision_id == supervision.id, SupervisionAnswer.verdict.is_(None)
        )
    ).one_or_none()


def _review(unit: Unit, ticket: Ticket, verdict: str, note: str) -> Supervision:
    supervision = _open(unit, ticket)
    if supervision is None:
        raise NoOpenSupervision(number=ticket.number)
    answer = _waiting(unit, supervision)
    if answer is None:
        raise NoSupervisionAnswer(number=ticket.number)
    answer.verdict, answer.reviewed_by, answer.reviewed_at = verdict, unit.actor.id, unit.now
    answer.review_note = concealed(unit, ticket, note)
    return supervision


def _tell(unit: Unit, ticket: Ticket, audience: tuple[str, ...], zh: str, en: str, *, occasion: str) -> None:
    tell_union(
        unit,
        ticket,
        audience,
        Bilingual(f"{zh}:工单 {ticket.number}", f"Ticket {ticket.number}: {en}"),
        occasion=f"supervision_{occasion}",
    )
