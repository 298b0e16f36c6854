"""Call-back (回访) and rating (评价): what the worker says decides whether a matter is closed or done again."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from service.audit.recording import record
from service.core.clock import local
from service.core.unit import Unit
from service.ratings.errors import (
    AnswersIncomplete,
    AnswersWithoutCall,
    RaterIsHandler,
    RatingLinkInvalid,
    RatingNotOpen,
    UnreachableTooEarly,
)
from service.ratings.links import RatingLink, make_token, read_token
from service.ratings.models import HANDLER_FAULTS, CallbackAttempt, Rating
from service.sla.rules import current_rules
from service.tickets.closing import close_ticket, redo_by_rating, redo_rounds_left
from service.tickets.concealing import concealed
from service.tickets.messages import text_worker
from service.tickets.models import Assignment, Reply, Ticket
from service.tickets.states import State, Step
from service.tickets.steps import carry_out, take, write_event
from service.tickets.supervising import open_supervision
from service.tickets.warning import warn_of_low_score

NOON_HOUR = 12
# Up to this satisfaction somebody is asked why.
DISSATISFIED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The three questions and the agent's own service. Scores 1 (very dissatisfied) to 5 (very satisfied)."""

    contacted: bool
    resolved: bool
    satisfaction: int
    reason: str | None = None
    agent_score: int | None = None
    comment: str = ""

    def ask_for_redo(self) -> bool:
        """重办: not resolved, or dissatisfied through the handler's fault. Policy or an unreasonable demand is not."""
        return not self.resolved or (self.satisfaction <= DISSATISFIED and self.reason in HANDLER_FAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCallback:
    """One call-back: `answered` comes with answers, every other result without."""

    number: str
    result: str
    answers: Answers | None = None
    version: int | None = None


def record_callback(unit: Unit, command: RecordCallback) -> Ticket:
    """Record a call-back by an agent who did not handle the ticket.

    An answer is a rating and closes the ticket or sends it for redo; `refused` closes without a score; anything
    else is an attempt, and the third on two days in two time bands sends one SMS with a rating link.
    Raises RaterIsHandler, AnswersIncomplete, AnswersWithoutCall, and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.callback, version=command.version)
    if unit.actor.id is not None and unit.actor.id in _handled_by(unit, ticket):
        raise RaterIsHandler
    if (command.answers is None) == (command.result == "answered"):
        raise AnswersIncomplete if command.answers is None else AnswersWithoutCall
    unit.session.add(
        CallbackAttempt(ticket_id=ticket.id, cycle=ticket.cycle, at=unit.now, by=unit.actor.id, result=command.result)
    )
    carry_out(unit, ticket, Step.callback, data={"result": command.result})
    if command.answers is not None:
        _rate_and_go_on(unit, ticket, command.answers, way="call")
    elif command.result == "refused":
        _write_rating(unit, ticket, "refused", None, way="call")
        close_ticket(unit, ticket, note="拒绝评价")
    elif _tried_enough(unit, ticket):
        send_rating_link(unit, ticket)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUnreachable:
    """The ticket to close because nobody could be reached."""

    number: str
    note: str = ""
    version: int | None = None


def close_unreachable(unit: Unit, command: CloseUnreachable) -> Ticket:
    """Close without a rating after enough attempts. Raises UnreachableTooEarly and the refusals of `take`."""
    ticket = take(unit, command.number, Step.close, version=command.version)
    if not _tried_enough(unit, ticket):
        limits = current_rules(unit.session).policy.limits
        made = len(_attempts(unit, ticket))
        raise UnreachableTooEarly(days=limits.callback_days, attempts=limits.callback_attempts, made=made)
    _write_rating(unit, ticket, "unreachable", None, way="call")
    close_ticket(unit, ticket, note=command.note or "多次回访无法接通")
    return ticket


def send_rating_link(unit: Unit, ticket: Ticket) -> None:
    """One SMS with a signed link for this round."""
    text_worker(unit, ticket, "rating", occasion=f"rating:{ticket.cycle}", link=rating_path(unit, ticket))


def rating_path(unit: Unit, ticket: Ticket) -> str:
    """The path of the signed link for the ticket's present round."""
    return f"/w/rate/{rating_token(unit, ticket)}"


def rating_token(unit: Unit, ticket: Ticket) -> str:
    """What the link of the ticket's present round carries; valid for the policy's days from now."""
    days = current_rules(unit.session).policy.limits.rating_link_valid_days
    link = RatingLink(ticket_id=ticket.id, cycle=ticket.cycle, expires_at=unit.now + timedelta(days=days))
    return make_token(unit.vault, link)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateByLink:
    """A token from a link and the worker's answers."""

    token: str
    answers: Answers


def open_rating(unit: Unit, token: str) -> Ticket:
    """The ticket a link is for, to show the page; records nothing (mail scanners fetch links by themselves).

    Raises RatingLinkInvalid, RatingLinkExpired, RatingNotOpen.
    """
    link = read_token(unit.vault, token, now=unit.now)
    ticket = unit.session.get(Ticket, link.ticket_id)
    if ticket is None:
        raise RatingLinkInvalid
    if ticket.cycle != link.cycle or (ticket.state != State.to_callback and not _rated(unit, ticket)):
        raise RatingNotOpen
    return ticket


def rate_by_link(unit: Unit, command: RateByLink) -> Ticket:
    """Record a rating from a link. The same round rated again is a no-op: the first word stands."""
    ticket = open_rating(unit, command.token)
    unit.session.refresh(ticket, with_for_update=True)
    if _rated(unit, ticket):
        return ticket
    if ticket.state != State.to_callback:
        raise RatingNotOpen
    carry_out(unit, ticket, Step.callback, data={"result": "link"})
    _rate_and_go_on(unit, ticket, command.answers, way="link")
    return ticket


def _rate_and_go_on(unit: Unit, ticket: Ticket, answers: Answers, *, way: str) -> None:
    if answers.satisfaction <= DISSATISFIED and answers.reason is None:
        raise AnswersIncomplete
    _write_rating(unit, ticket, "answered", answers, way=way)
    warn_of_low_score(unit, ticket, satisfaction=answers.satisfaction)
    if not answers.ask_for_redo():
        close_ticket(unit, ticket)
    elif redo_rounds_left(unit, ticket):
        redo_by_rating(unit, ticket, reason=answers.reason or "not_resolved")
    else:
        # The rounds are used up and did not help: a supervisor watches over it from here (转督办).
        open_supervision(unit, ticket, instruction="两次重办后仍未解决,请督办或出具最终答复")
        close_ticket(unit, ticket, note="重办次数已满,转督办")


def _write_rating(unit: Unit, ticket: Ticket, result: str, answers: Answers | None, *, way: str) -> None:
    values = {
        "ticket_id": ticket.id,
        "cycle": ticket.cycle,
        "org_code": ticket.holder_code,
        "way": way,
        "result": result,
        "contacted": answers.contacted if answers else None,
        "resolved": answers.resolved if answers else None,
        "satisfaction": answers.satisfaction if answers else None,
        "agent_score": answers.agent_score if answers else None,
        "reason": answers.reason if answers else None,
        "comment": concealed(unit, ticket, answers.comment) if answers else "",
        "recorded_by": unit.actor.id,
        "rated_at": unit.now,
    }
    unit.session.execute(insert(Rating).values(values))
    facts = {name: values[name] for name in ("way", "result", "contacted", "resolved", "satisfaction", "reason")}
    write_event(unit, ticket, kind="rating:recorded", from_state=ticket.state, data=facts)
    record(unit, "rating:record", subject=ticket.number, after=facts)


def _rated(unit: Unit, ticket: Ticket) -> bool:
    return (
        unit.session.scalar(select(Rating.id).where(Rating.ticket_id == ticket.id, Rating.cycle == ticket.cycle))
        is not None
    )


def _attempts(unit: Unit, ticket: Ticket) -> list[CallbackAttempt]:
    return list(
        unit.session.scalars(
            select(CallbackAttempt)
            .where(CallbackAttempt.ticket_id == ticket.id, CallbackAttempt.cycle == ticket.cycle)
            .order_by(CallbackAttempt.id)
        )
    )


def _tried_enough(unit: Unit, ticket: Ticket) -> bool:
    """At least so many attempts, on so many days, in the morning and in the afternoon."""
    limits = current_rules(unit.session).policy.limits
    times = [local(attempt.at) for attempt in _attempts(unit, ticket)]
    return (
        len(times) >= limits.callback_attempts
        and len({time.date() for time in times}) >= limits.callback_days
        and len({time.hour < NOON_HOUR for time in times}) == 2
    )


def _handled_by(unit: Unit, ticket: Ticket) -> set[int]:
    """Everybody who signed for, answered or reviewed the ticket."""
    people = unit.session.execute(
        select(Reply.replied_by)
        .where(Reply.ticket_id == ticket.id)
        .union(
            select(Reply.reviewed_by).where(Reply.ticket_id == ticket.id),
            select(Assignment.signed_by).where(Assignment.ticket_id == ticket.id),
        )
    ).scalars()
    return {person for person in people if person is not None}
