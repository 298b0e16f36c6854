"""质检: a supervisor who had no part in it looks at what was drawn, and passes it or sends it back.

The worker's call-back does not wait for it, and a reply that fails after the worker was content is taken up all the
same (docs/adr/0015).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.core.errors import Bilingual, Conflict
from service.core.pagination import Cursor
from service.core.unit import Unit
from service.org.tree import org_tree
from service.tickets.closing import OrderRedo, ReopenTicket, order_redo, redo_rounds_left, reopen_ticket
from service.tickets.concealing import concealed
from service.tickets.models import Ticket
from service.tickets.quality_samples import QualityCheck
from service.tickets.repository import visible
from service.tickets.states import TABLE, State, Step
from service.tickets.steps import carry_out, take
from service.tickets.supervising import open_supervision


class NothingToCheck(Conflict):
    zh = "工单 {number} 本轮没有待质检的办理结果。"
    en = "This round of ticket {number} was not drawn for a quality check, or was checked already."


@dataclass(frozen=True, slots=True, kw_only=True)
class PassQuality:
    """What the checker remarks, if anything."""

    number: str
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailQuality:
    """What is wrong with the reply or the way it came about."""

    number: str
    note: str
    version: int | None = None


def pass_quality(unit: Unit, command: PassQuality) -> Ticket:
    """The handling stands (质检合格). Raises NothingToCheck and the refusals of `take`."""
    ticket = take(unit, command.number, Step.pass_quality, version=command.version)
    _judge(unit, ticket, "passed", command.note)
    carry_out(unit, ticket, Step.pass_quality, note=command.note)
    return ticket


def fail_quality(unit: Unit, command: FailQuality) -> Ticket:
    """The handling does not stand (质检不合格): the matter is done again, or put under supervision where no round is
    left. Raises NothingToCheck, ReopeningWindowClosed and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.fail_quality, version=command.version)
    _judge(unit, ticket, "failed", command.note)
    carry_out(unit, ticket, Step.fail_quality, note=command.note)
    reason = f"质检不合格:{command.note}"
    if not redo_rounds_left(unit, ticket):
        open_supervision(unit, ticket, instruction=reason)
    elif ticket.state == State.closed:
        reopen_ticket(unit, ReopenTicket(number=ticket.number, reason=reason))
    else:
        order_redo(unit, OrderRedo(number=ticket.number, reason=reason))
    return ticket


@dataclass(frozen=True, slots=True)
class QualityView:
    """A ticket that waits for its quality check."""

    id: int
    number: str
    title: str
    state: State
    cycle: int
    org_code: str
    org: Bilingual
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class QualityPage:
    """Quality checks in the order they were drawn."""

    checks: tuple[QualityView, ...]
    next_cursor: str | None


def quality_queue(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> QualityPage:
    """What was drawn and waits, of the tickets the actor may see, the oldest first. `limit` 1 to 200. A round that the
    worker had done again meanwhile waits no more. One statement. Raises CursorUnreadable.
    """
    states = [state.value for state in TABLE[Step.pass_quality].sources]
    statement = (
        select(QualityCheck, Ticket.number, Ticket.title, Ticket.state, Ticket.holder_code)
        .join(Ticket, Ticket.id == QualityCheck.ticket_id)
        .where(
            QualityCheck.verdict.is_(None),
            QualityCheck.cycle == Ticket.cycle,
            Ticket.state.in_(states),
            visible(unit.actor),
        )
    )
    if cursor is not None:
        statement = statement.where(Cursor.decode(cursor).before(QualityCheck.drawn_at, QualityCheck.id))
    found = unit.session.execute(statement.order_by(QualityCheck.drawn_at, QualityCheck.id).limit(limit + 1)).all()
    shown = found[:limit]
    tree = org_tree(unit.session)
    last = shown[-1].QualityCheck if len(found) > limit else None
    return QualityPage(
        checks=tuple(
            QualityView(
                id=check.id,
                number=number,
                title=title,
                state=State(state),
                cycle=check.cycle,
                org_code=holder,
                org=tree.get(holder).name,
                drawn_at=check.drawn_at,
            )
            for check, number, title, state, holder in shown
        ),
        next_cursor=Cursor(at=last.drawn_at, id=last.id).encode() if last else None,
    )


def quality_waits(unit: Unit, ticket: Ticket) -> set[str]:
    """`{"quality"}` while this round of a ticket waits for its quality check."""
    return {"quality"} if _waiting(unit, ticket) is not None else set()


def _judge(unit: Unit, ticket: Ticket, verdict: str, note: str) -> None:
    check = _waiting(unit, ticket)
    if check is None:
        raise NothingToCheck(number=ticket.number)
    check.verdict, check.checked_by, check.checked_at = verdict, unit.actor.id, unit.now
    check.note = concealed(unit, ticket, note)
    unit.session.flush()


def _waiting(unit: Unit, ticket: Ticket) -> QualityCheck | None:
    return unit.session.scalars(
        select(QualityCheck).where(
            QualityCheck.ticket_id == ticket.id, QualityCheck.cycle == ticket.cycle, QualityCheck.verdict.is_(None)
        )
    ).one_or_none()
