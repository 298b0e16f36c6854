"""协办: what a union that assists is asked to do, by when, and what it answered to the union that leads.

Each part is a task of its own beside the ticket: it stops no clock, and a reply is not held up by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, literal, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from service.core.clock import local
from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict
from service.core.pagination import Cursor
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import org_tree
from service.outbox.emit import Message, emit
from service.outbox.handlers import Payload
from service.sla.rules import current_rules
from service.tickets.concealing import concealed
from service.tickets.errors import CannotDispatchToProvince
from service.tickets.inside import check_known_inside
from service.tickets.messages import tell_union
from service.tickets.models import ENDED, Assignment, Ticket
from service.tickets.repository import in_subtree, visible
from service.tickets.states import OPEN, State, Step
from service.tickets.steps import carry_out, lead_code, take
from service.tickets.supervising import DateLiesInThePast

TASK_DUE = "task:due"
# Where no date is given: as long as an answer to a supervision may take.
_DAYS_TO_ANSWER = 3
# What a union that was named at dispatch is asked where nobody wrote more.
PLAIN_ASK = "协助主办工会办理,并报告所了解的情况"

_OPEN = "answered_at is null and called_off_at is null"


class AssistTask(Base):
    """An assisting union's part in a ticket. A union has one open at a time."""

    __tablename__ = "assist_task"
    __table_args__ = (
        CheckConstraint("(answered_at is null) = (answer is null)", name="answered_whole"),
        CheckConstraint("answered_at is null or called_off_at is null", name="ended_once"),
        CheckConstraint("due_at > set_at", name="due_after_setting"),
        Index("uq_assist_task_open", "ticket_id", "org_code", unique=True, postgresql_where=text(_OPEN)),
        Index("ix_assist_task_queue", "org_code", "due_at", "id", postgresql_where=text(_OPEN)),
        Index("ix_assist_task_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    ask: Mapped[Words]
    set_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[Words | None]
    answered_at: Mapped[datetime | None]
    called_off_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    called_off_at: Mapped[datetime | None]


class TaskForWhoHandlesIt(Conflict):
    zh = "{union}正在办理该工单,不能再作为协办单位。"
    en = "{union} handles the ticket itself; it can't assist as well."


class TaskAlreadyOpen(Conflict):
    zh = "{union}在工单 {number} 中已有一项协办任务待答复,可先撤销再重新交办。"
    en = "{union} has an open task in ticket {number}; call it off before you set another."


class NoOpenTask(Conflict):
    zh = "{union}在工单 {number} 中没有待答复的协办任务。"
    en = "{union} has no open task in ticket {number}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTask:
    """What a union is asked to do, by when (aware; None: the end of the third working day), and that it is known to be
    one inside the employer where it is."""

    number: str
    org_code: str
    ask: str
    due_at: datetime | None = None
    known_inside: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTask:
    """What one's own union did and found out."""

    number: str
    answer: str
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffTask:
    """Which union's part is needed no longer, and why."""

    number: str
    org_code: str
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task on its ticket. `state` is open, answered or called_off; `late` an open one at or after its date."""

    org_code: str
    org: Bilingual
    ask: str
    set_at: datetime
    due_at: datetime
    state: str
    late: bool
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """An open task in a queue, with the ticket it belongs to."""

    id: int
    number: str
    title: str
    lead: Bilingual
    task: TaskView


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A page of open tasks, and the cursor of the next one if there is more."""

    tasks: tuple[QueuedTask, ...]
    next_cursor: str | None


NO_TASKS = TaskPage(tasks=(), next_cursor=None)


def set_task(unit: Unit, command: SetTask) -> Ticket:
    """Ask another union for its part, at dispatch or later; it sees the ticket from now on.

    Raises UnionUnknown, CannotDispatchToProvince, TaskForWhoHandlesIt, TaskAlreadyOpen, DateLiesInThePast,
    UnionIsInsideTheEmployer and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.set_task, version=command.version)
    union = org_tree(unit.session).get(command.org_code)
    if union.code == PROVINCE_CODE:
        raise CannotDispatchToProvince
    if union.code in {ticket.holder_code, lead_code(unit, ticket)}:
        raise TaskForWhoHandlesIt(union=union.name)
    if _open_of(unit, ticket, union.code) is not None:
        raise TaskAlreadyOpen(number=ticket.number, union=union.name)
    check_date(unit, command.due_at)
    check_known_inside(unit, ticket, (union.code,), known=command.known_inside)
    assists = unit.session.scalar(
        select(Assignment.id).where(
            Assignment.ticket_id == ticket.id, Assignment.org_code == union.code, Assignment.ended_at.is_(None)
        )
    )
    if assists is None:
        unit.session.add(
            Assignment(
                ticket_id=ticket.id,
                cycle=ticket.cycle,
                org_code=union.code,
                role="assist",
                dispatched_at=unit.now,
                dispatched_by=unit.actor.id,
            )
        )
    open_task(unit, ticket, org_code=union.code, ask=command.ask, due_at=command.due_at)
    return ticket


def check_date(unit: Unit, due_at: datetime | None) -> None:
    """Raises DateLiesInThePast."""
    if due_at is not None and due_at <= unit.now:
        raise DateLiesInThePast(due=f"{local(due_at):%Y-%m-%d %H:%M}")


def open_task(unit: Unit, ticket: Ticket, *, org_code: str, ask: str, due_at: datetime | None = None) -> None:
    """Open a task on a locked ticket for a union that assists it, put it on the timeline and tell the union."""
    rules = current_rules(unit.session)
    due_at = due_at or rules.end_of_working_day(org_code, after=unit.now, days=_DAYS_TO_ANSWER)
    task = AssistTask(
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        org_code=org_code,
        ask=concealed(unit, ticket, ask),
        set_by=unit.actor.id,
        set_at=unit.now,
        due_at=due_at,
    )
    unit.session.add(task)
    unit.session.flush()
    carry_out(unit, ticket, Step.set_task, note=ask, data={"task_of": org_code, "answer_by": due_at.isoformat()})
    _tell(
        unit, ticket, ("handler",), "新的协办任务", "your union is asked to assist", occasion="set", org_code=org_code
    )
    emit(
        unit,
        Message(kind=TASK_DUE, key=f"{TASK_DUE}:{task.id}", payload={"task_id": task.id}, not_before=due_at),
    )


def answer_task(unit: Unit, command: AnswerTask) -> Ticket:
    """Report one's own union's part; who has the ticket is told. Raises NoOpenTask and the refusals of `take`."""
    ticket = take(unit, command.number, Step.answer_task, version=command.version)
    task = _waiting(unit, ticket, unit.actor.org_code)
    task.answer = concealed(unit, ticket, command.answer)
    task.answered_by, task.answered_at = unit.actor.id, unit.now
    data = {"task_of": task.org_code, "late": unit.now >= task.due_at}
    carry_out(unit, ticket, Step.answer_task, note=command.answer, data=data)
    _tell(unit, ticket, ("handler",), "协办任务已答复", "a union answered its task", occasion="answered")
    return ticket


def call_off_task(unit: Unit, command: CallOffTask) -> Ticket:
    """A union's part is needed no longer; it is told. Raises UnionUnknown, NoOpenTask and the refusals of `take`."""
    ticket = take(unit, command.number, Step.call_off_task, version=command.version)
    task = _waiting(unit, ticket, org_tree(unit.session).get(command.org_code).code)
    task.called_off_by, task.called_off_at = unit.actor.id, unit.now
    carry_out(unit, ticket, Step.call_off_task, note=command.note, data={"task_of": task.org_code})
    _tell(
        unit,
        ticket,
        ("handler",),
        "协办任务已撤销",
        "your union's task was called off",
        occasion="called_off",
        org_code=task.org_code,
    )
    return ticket


def call_off_tasks(unit: Unit, ticket: Ticket, *, org_code: str | None = None) -> None:
    """The ticket ended, went back, or went to the union itself: its open tasks (of one union) are over with that."""
    for task in _open(unit, ticket):
        if org_code in (None, task.org_code):
            task.called_off_at = unit.now


def remind_of_task(unit: Unit, payload: Payload) -> None:
    """Database handler of `task:due`: a part that did not come is told to its union and to who waits for it, once."""
    task = unit.session.get_one(AssistTask, payload["task_id"])
    ticket = unit.session.get_one(Ticket, task.ticket_id)
    if task.answered_at is not None or task.called_off_at is not None or State(ticket.state) not in OPEN:
        return
    zh, en = "协办任务逾期未答复", "the task of an assisting union is late"
    for org_code, audience in ((task.org_code, ("handler", "leader")), (ticket.holder_code, ("handler",))):
        occasion = f"overdue:{task.id}:{org_code}"
        _tell(unit, ticket, audience, zh, en, occasion=occasion, org_code=org_code)


def tasks_of(unit: Unit, ticket: Ticket) -> tuple[TaskView, ...]:
    """Every task of a ticket, in the order they were set."""
    rows = unit.session.scalars(select(AssistTask).where(AssistTask.ticket_id == ticket.id).order_by(AssistTask.id))
    return tuple(_view(unit, row) for row in rows)


def task_queue(unit: Unit, *, scope: str = "", limit: int = 50, cursor: str | None = None) -> TaskPage:
    """Open tasks of the actor's union and those below it, the earliest date first; `scope` narrows to a subtree of
    these. `limit` 1 to 200. One statement. Raises CursorUnreadable.
    """
    statement = (
        select(AssistTask, Ticket.number, Ticket.title, Ticket.holder_code)
        .join(Ticket, Ticket.id == AssistTask.ticket_id)
        .where(text(_OPEN), Ticket.state.not_in(ENDED), visible(unit.actor))
        .where(in_subtree(AssistTask.org_code, unit.actor.scope))
    )
    if scope:
        statement = statement.where(in_subtree(AssistTask.org_code, scope))
    if cursor is not None:
        after = Cursor.decode(cursor)
        statement = statement.where(
            tuple_(AssistTask.due_at, AssistTask.id) > tuple_(literal(after.at), literal(after.id))
        )
    found = unit.session.execute(statement.order_by(AssistTask.due_at, AssistTask.id).limit(limit + 1)).all()
    tree = org_tree(unit.session)
    last = found[limit - 1].AssistTask if len(found) > limit else None
    return TaskPage(
        tasks=tuple(
            QueuedTask(id=task.id, number=number, title=title, lead=tree.get(holder).name, task=_view(unit, task))
            for task, number, title, holder in found[:limit]
        ),
        next_cursor=Cursor(at=last.due_at, id=last.id).encode() if last else None,
    )


def unions_with_open_tasks(unit: Unit, ticket: Ticket) -> list[str]:
    """The codes of the unions whose part has not come yet."""
    return [task.org_code for task in _open(unit, ticket)]


def _view(unit: Unit, row: AssistTask) -> TaskView:
    state = "answered" if row.answered_at else "called_off" if row.called_off_at else "open"
    return TaskView(
        org_code=row.org_code,
        org=org_tree(unit.session).get(row.org_code).name,
        ask=row.ask,
        set_at=row.set_at,
        due_at=row.due_at,
        state=state,
        late=state == "open" and unit.now >= row.due_at,
        answer=row.answer,
        answered_at=row.answered_at,
    )


def _open(unit: Unit, ticket: Ticket) -> Sequence[AssistTask]:
    return unit.session.scalars(
        select(AssistTask).where(AssistTask.ticket_id == ticket.id, text(_OPEN)).order_by(AssistTask.id)
    ).all()


def _open_of(unit: Unit, ticket: Ticket, org_code: str) -> AssistTask | None:
    return next((task for task in _open(unit, ticket) if task.org_code == org_code), None)


def _waiting(unit: Unit, ticket: Ticket, org_code: str) -> AssistTask:
    task = _open_of(unit, ticket, org_code)
    if task is None:
        union = org_tree(unit.session).get(org_code or PROVINCE_CODE)
        raise NoOpenTask(number=ticket.number, union=union.name)
    return task


def _tell(
    unit: Unit, ticket: Ticket, audience: tuple[str, ...], zh: str, en: str, *, occasion: str, org_code: str = ""
) -> None:
    tell_union(
        unit,
        ticket,
        audience,
        Bilingual(f"{zh}:工单 {ticket.number}", f"Ticket {ticket.number}: {en}"),
        occasion=f"task_{occasion}",
        org_code=org_code,
    )
