"""What somebody leaves open when they leave, and handing it to a colleague.

For administrators, who keep people and see no ticket: numbers and states, nothing of what a matter is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, HotlineError, Malformed
from service.core.unit import Unit
from service.identity.absences import Absence, RecordAbsence, cancel_absence, record_absence
from service.identity.duties import Duty, RecordDuty, cancel_duty, record_duty
from service.identity.handlers import TicketHandler
from service.identity.models import Person
from service.identity.people import person_below
from service.identity.recusals import Recusal
from service.tickets.assigning import HandlerKeepsOut, HandlerUnfit, hand_to, handlers_at
from service.tickets.consulting import Consult
from service.tickets.models import Ticket
from service.tickets.repository import lock_all, visible
from service.tickets.states import STATE_NAMES, TABLE, State, Step

_IN_HAND = tuple(sorted(state.value for state in TABLE[Step.assign].sources))


class NobodyToHandTo(Malformed):
    zh = "请选择另一名在岗人员接手。"
    en = "Choose another active person to take it over."


@dataclass(frozen=True, slots=True)
class TicketInHand:
    """A ticket that somebody has in hand by name."""

    number: str
    state: Bilingual
    org_code: str


@dataclass(frozen=True, slots=True)
class DutyAhead:
    """A turn of duty that lasts or is to come."""

    id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class StandIn:
    """An absence of `username`, for whom somebody stands in."""

    id: int
    username: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class OpenWork:
    """Everything open that hangs on one person: tickets in hand, questions a lawyer took on (the tickets' numbers),
    turns of duty, absences of others for whom they stand in, and their own absences."""

    tickets: Sequence[TicketInHand]
    consults: Sequence[str]
    duties: Sequence[DutyAhead]
    stands_in: Sequence[StandIn]
    absences: Sequence[StandIn]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left open."""
        return not (self.tickets or self.consults or self.duties or self.stands_in or self.absences)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Whose open work, and who takes it."""

    username: str
    to: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What was handed over, by kind, and what could not be: a ticket's number or a day, and why."""

    tickets: int
    consults: int
    duties: int
    stands_in: int
    left: Sequence[tuple[str, Bilingual]]


def open_work(unit: Unit, username: str) -> OpenWork:
    """What hangs on somebody below the actor's union, here still or not. Raises PersonNotFound."""
    person = person_below(unit, username)
    tickets = unit.session.execute(
        select(Ticket.number, Ticket.state, Ticket.holder_code)
        .join(TicketHandler, TicketHandler.ticket_id == Ticket.id)
        .where(TicketHandler.person_id == person.id, Ticket.state.in_(_IN_HAND), visible(unit.actor))
        .order_by(Ticket.id)
    )
    consults = unit.session.scalars(
        select(Ticket.number)
        .join(Consult, Consult.ticket_id == Ticket.id)
        .where(Consult.taken_by == person.id, Consult.answered_at.is_(None), visible(unit.actor))
        .order_by(Ticket.id)
    )
    duties = unit.session.scalars(
        select(Duty)
        .where(Duty.person_id == person.id, Duty.cancelled_at.is_(None), Duty.ends_at > unit.now)
        .order_by(Duty.starts_at)
    )
    return OpenWork(
        tickets=[
            TicketInHand(row.number, Bilingual(*STATE_NAMES[State(row.state)]), row.holder_code) for row in tickets
        ],
        consults=list(consults),
        duties=[DutyAhead(duty.id, duty.starts_at, duty.ends_at) for duty in duties],
        stands_in=_absences(unit, Absence.deputy_id == person.id),
        absences=_absences(unit, Absence.person_id == person.id),
    )


def hand_over(unit: Unit, command: HandOver) -> HandedOver:
    """Give what hangs on somebody to a colleague, as far as the colleague may have it; what they may not have stays,
    with the reason. Who gets a ticket is told of it. Own absences of somebody who has left are cancelled.

    Raises PersonNotFound for either, NobodyToHandTo.
    """
    person, to = person_below(unit, command.username), person_below(unit, command.to)
    if to.id == person.id or not to.active:
        raise NobodyToHandTo
    work = open_work(unit, command.username)
    left: list[tuple[str, Bilingual]] = []
    counts = {
        "tickets": _hand_tickets(unit, work, to, left),
        "consults": _release_consults(unit, work, person),
        "duties": _hand_duties(unit, work, to, left),
        "stands_in": _hand_stand_ins(unit, work, to, left),
    }
    if not person.active:
        for absence in work.absences:
            cancel_absence(unit, absence.id)
    record(unit, "person:hand-over", subject=person.username, after={"to": to.username, **counts, "left": len(left)})
    return HandedOver(**counts, left=left)


def _hand_tickets(unit: Unit, work: OpenWork, to: Person, left: list[tuple[str, Bilingual]]) -> int:
    chosen = next((each for each in handlers_at(unit, to.org_code) if each.username == to.username), None)
    handed = 0
    for ticket in sorted(lock_all(unit, {each.number for each in work.tickets}).values(), key=lambda one: one.id):
        if ticket.state not in _IN_HAND:
            continue
        if chosen is None or ticket.holder_code != to.org_code:
            left.append((ticket.number, said(HandlerUnfit(username=to.username))))
        elif unit.session.get(Recusal, (ticket.id, to.id)) is not None:
            left.append((ticket.number, said(HandlerKeepsOut(name=to.display_name, number=ticket.number))))
        else:
            hand_to(unit, ticket, chosen, note="")
            handed += 1
    return handed


def _release_consults(unit: Unit, work: OpenWork, person: Person) -> int:
    """A question that was taken on waits for any lawyer again."""
    tickets = lock_all(unit, set(work.consults))
    for ticket in tickets.values():
        consult = unit.session.scalars(
            select(Consult).where(
                Consult.ticket_id == ticket.id, Consult.taken_by == person.id, Consult.answered_at.is_(None)
            )
        ).one_or_none()
        if consult is not None:
            consult.taken_by = consult.taken_at = None
    return len(tickets)


def _hand_duties(unit: Unit, work: OpenWork, to: Person, left: list[tuple[str, Bilingual]]) -> int:
    handed = 0
    for duty in work.duties:
        try:
            with unit.session.begin_nested():
                cancel_duty(unit, duty.id)
                record_duty(unit, RecordDuty(username=to.username, starts_at=duty.starts_at, ends_at=duty.ends_at))
            handed += 1
        except HotlineError as refusal:
            left.append((f"{local(duty.starts_at):%Y-%m-%d %H:%M}", said(refusal)))
    return handed


def _hand_stand_ins(unit: Unit, work: OpenWork, to: Person, left: list[tuple[str, Bilingual]]) -> int:
    handed = 0
    for absence in work.stands_in:
        reason = unit.session.get_one(Absence, absence.id).reason
        command = RecordAbsence(
            username=absence.username,
            starts_on=absence.starts_on,
            ends_on=absence.ends_on,
            deputy=to.username,
            reason=reason,
        )
        try:
            with unit.session.begin_nested():
                cancel_absence(unit, absence.id)
                record_absence(unit, command)
            handed += 1
        except HotlineError as refusal:
            left.append((f"{absence.username} {absence.starts_on}", said(refusal)))
    return handed


def said(refusal: HotlineError) -> Bilingual:
    """A refusal in both languages."""
    return Bilingual(refusal.sentence("zh"), refusal.sentence("en"))


def _absences(unit: Unit, whose: ColumnElement[bool]) -> list[StandIn]:
    away = aliased(Person)
    rows = unit.session.execute(
        select(Absence, away.username)
        .join(away, away.id == Absence.person_id)
        .where(whose, Absence.cancelled_at.is_(None), Absence.ends_on >= local(unit.now).date())
        .order_by(Absence.starts_on, Absence.id)
    )
    return [StandIn(row.Absence.id, row.username, row.Absence.starts_on, row.Absence.ends_on) for row in rows]
