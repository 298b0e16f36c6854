"""People at their desks: lets a test say who does what to a ticket, through the same use-cases as everywhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from service.bootstrap import Application
from service.core.clock import LOCAL, SimulatedClock
from service.core.unit import Unit
from service.escalations.firing import Swept, sweep
from service.identity.people import actor_of_username
from service.ratings.recording import Answers, RecordCallback, record_callback
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.handling import ReplyToTicket, SignTicket, reply_to_ticket, sign_ticket
from service.tickets.intake import AcceptTicket, RegisterTicket, accept_ticket, register_ticket
from service.tickets.models import Ticket

C = TypeVar("C")
R = TypeVar("R")

GOLMUD = "632801"
HAIXI = "632800"


def at(text_: str) -> datetime:
    """A local time such as "2026-11-20 09:00" as an aware instant."""
    return datetime.fromisoformat(text_).replace(tzinfo=LOCAL)


@dataclass
class Desk:
    """The application with a hand-moved clock."""

    application: Application
    clock: SimulatedClock

    def do(self, who: str, use_case: Callable[[Unit, C], R], command: C) -> R:
        """One person takes one step in one transaction."""
        with self.application.unit() as unit:
            unit.actor = actor_of_username(unit, who)
            return use_case(unit, command)

    def go_to(self, when: str | datetime) -> None:
        """Move the clock without looking at what is due on the way."""
        self.clock.move_to(at(when) if isinstance(when, str) else when)

    def wait(self, **span: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**span))

    def sweep(self, limit: int = 1000) -> Swept:
        with self.application.unit() as unit:
            return sweep(unit, limit=limit, brake=self.application.brake)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.application.reading() as unit:
            return list(unit.session.execute(text(sql), values).all())

    @contextmanager
    def by_hand(self) -> Iterator[Connection]:
        """A transaction of the login that owns the tables, past the fence and the rights of the service's role."""
        with self.application.database.as_owner() as owner, owner.begin():
            yield owner

    def owners_rows(self, sql: str) -> list[Any]:
        """What only the owner of the tables is shown: the sessions of other roles."""
        with self.by_hand() as owner:
            return list(owner.execute(text(sql)).all())

    def ticket(self, number: str) -> Ticket:
        with self.application.reading() as unit:
            return unit.session.query(Ticket).filter_by(number=number).one()

    # Whole stretches of a ticket's life.

    def registered(self, **changes: Any) -> str:
        fields: dict[str, Any] = {
            "title": "拖欠工资",
            "body": "工地三个月没有发工资",
            "kind": "complaint",
            "channel": "phone",
            "category_code": "0101",
            "place_code": GOLMUD,
            "phone": "13897001234",
            "caller_name": "马小明",
            "employer": "某建筑公司",
            "people_count": 1,
            "amount_owed": Decimal("30000"),
        }
        return self.do("agent1", register_ticket, RegisterTicket(**fields | changes)).ticket.number

    def accepted(self, **changes: Any) -> str:
        number = self.registered(**changes)
        self.do("agent1", accept_ticket, AcceptTicket(number=number))
        return number

    def dispatched(self, org: str = GOLMUD, **changes: Any) -> str:
        number = self.accepted(**changes)
        self.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=org))
        return number

    def in_progress(self, org: str = GOLMUD, **changes: Any) -> str:
        number = self.dispatched(org, **changes)
        self.do(f"handler-{org}", sign_ticket, SignTicket(number=number))
        return number

    def reply(self, number: str, org: str = GOLMUD, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "number": number,
            "text": "已督促用人单位足额发放",
            "basis": "《保障农民工工资支付条例》",
            "contacted_at": self.clock.now(),
            "contact_way": "phone",
            "outcome": "settlement",
            "recovered": Decimal("356000"),
            "helped": 12,
        }
        self.do(f"handler-{org}", reply_to_ticket, ReplyToTicket(**fields | changes))

    def to_callback(self, org: str = GOLMUD, **changes: Any) -> str:
        number = self.in_progress(org, **changes)
        self.reply(number, org)
        self.do(f"leader-{org}", approve_reply, ReviewReply(number=number))
        return number

    def rate(self, number: str, *, resolved: bool = True, satisfaction: int = 5, reason: str | None = None) -> None:
        answers = Answers(contacted=True, resolved=resolved, satisfaction=satisfaction, reason=reason)
        self.do("agent2", record_callback, RecordCallback(number=number, result="answered", answers=answers))

    def closed(self, org: str = GOLMUD, **changes: Any) -> str:
        number = self.to_callback(org, **changes)
        self.rate(number)
        return number
