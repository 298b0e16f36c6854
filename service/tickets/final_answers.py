"""最终答复: when every round was used and the worker still is not content, the head of the union answers for good.

The matter is closed and stays so, and a supervision stands open over it. The final answer is signed by the union's
leader, told to the worker, and reported to the supervisor, who accepts it or sends it back.
"""

from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words
from service.core.errors import Conflict
from service.core.unit import Unit
from service.sla.rules import current_rules
from service.tickets.closing import redo_rounds_left
from service.tickets.concealing import concealed
from service.tickets.messages import text_worker
from service.tickets.models import Ticket
from service.tickets.states import Step
from service.tickets.steps import carry_out, take
from service.tickets.supervising import answer_open_supervision


class FinalAnswer(Base):
    """What makes an answer to a supervision a final one: the law or policy it rests on. Append-only."""

    __tablename__ = "final_answer"
    __table_args__ = (CheckConstraint("basis <> ''", name="basis"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("supervision_answer.id"), primary_key=True)
    basis: Mapped[Words]


class RoundsLeft(Conflict):
    zh = "工单 {number} 还可重办(最多 {rounds} 次),用尽后才出具最终答复。"
    en = "Ticket {number} can still be done again ({rounds} rounds at most); a final answer comes after the last."


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveFinalAnswer:
    """The answer for good, and the law or policy it rests on."""

    number: str
    text: str
    basis: str
    version: int | None = None


def give_final_answer(unit: Unit, command: GiveFinalAnswer) -> Ticket:
    """Answer for good, as the head of the union that has the matter (最终答复).

    It answers the open supervision as well. Raises RoundsLeft, NoOpenSupervision, SupervisionAlreadyAnswered and the
    refusals of `take`.
    """
    ticket = take(unit, command.number, Step.final_answer, version=command.version)
    if redo_rounds_left(unit, ticket):
        rounds = current_rules(unit.session).policy.limits.redo_max_rounds
        raise RoundsLeft(number=ticket.number, rounds=rounds)
    answer = answer_open_supervision(unit, ticket, command.text)
    unit.session.add(FinalAnswer(answer_id=answer.id, basis=concealed(unit, ticket, command.basis)))
    carry_out(unit, ticket, Step.final_answer, note=command.text, data={"basis": command.basis})
    text_worker(unit, ticket, "final_answer", occasion=f"final_answer:{answer.id}")
    return ticket
