"""The worker's confidence after intake: raised by whoever they tell it, lowered only as they agree."""

from dataclasses import dataclass

from service.audit.recording import record
from service.core.errors import Bilingual, Conflict
from service.core.unit import Unit
from service.tickets.concealing import star_out
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import check_sees_clear
from service.tickets.models import Ticket
from service.tickets.states import TABLE, Step
from service.tickets.steps import carry_out, take

_LOWER = Bilingual(TABLE[Step.lower_confidentiality].name_zh, TABLE[Step.lower_confidentiality].name_en)


class ConfidentialityNotRaised(Conflict):
    """It is so confidential already, or more."""

    zh = "工单 {number} 的保密级别已是“{level}”,只能提高到更严的级别。"
    en = "Ticket {number} is “{level}” already; it can only be raised above that."


class ConfidentialityNotLowered(Conflict):
    """It is so open already, or more."""

    zh = "工单 {number} 的保密级别是“{level}”,只能降到更低的级别。"
    en = "Ticket {number} is “{level}”; it can only be lowered below that."


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseConfidentiality:
    """To which level, and what the worker said if there is something to say."""

    number: str
    level: Confidentiality
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerConfidentiality:
    """To which level, and how the worker agreed: when, in what way, to whom."""

    number: str
    level: Confidentiality
    agreed: str
    version: int | None = None


def raise_confidentiality(unit: Unit, command: RaiseConfidentiality) -> Ticket:
    """Hide the caller from more people, from now on and in what the ticket says already.

    Raises ConfidentialityNotRaised and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.raise_confidentiality, version=command.version)
    level = Confidentiality(ticket.confidentiality)
    if command.level.rank <= level.rank:
        raise ConfidentialityNotRaised(number=ticket.number, level=level.words)
    ticket.confidentiality = command.level.value
    star_out(unit, ticket)
    _carry_out(unit, ticket, Step.raise_confidentiality, before=level, after=command.level, note=command.note)
    return ticket


def lower_confidentiality(unit: Unit, command: LowerConfidentiality) -> Ticket:
    """Let more people know of the caller, as the worker agreed. What was starred out of the texts stays so.

    Raises ConfidentialityNotLowered, what `check_sees_clear` raises (who does not see the caller shows them to nobody),
    and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.lower_confidentiality, version=command.version)
    check_sees_clear(unit, ticket, _LOWER)
    level = Confidentiality(ticket.confidentiality)
    if command.level.rank >= level.rank:
        raise ConfidentialityNotLowered(number=ticket.number, level=level.words)
    _carry_out(unit, ticket, Step.lower_confidentiality, before=level, after=command.level, note=command.agreed)
    ticket.confidentiality = command.level.value  # the note was written while the stricter one held
    return ticket


def _carry_out(
    unit: Unit, ticket: Ticket, step: Step, *, before: Confidentiality, after: Confidentiality, note: str
) -> None:
    carry_out(unit, ticket, step, note=note, data={"confidentiality": after.value})
    record(
        unit,
        "caller:confidentiality",
        subject=ticket.number,
        before={"confidentiality": before.value},
        after={"confidentiality": after.value, "reason": note},
    )
