"""One message's life in a replay: what people do with it, step by step, each at its own simulated moment.

A life is a generator: it yields the instant of its next step and goes on when the world has come there. What it
finds then may have changed (silence has signed, the ticket was closed by a link), so it looks before it acts.
"""

from collections.abc import Callable, Generator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from service.core.clock import LOCAL, last_day, local
from service.core.unit import Unit
from service.ratings.recording import (
    Answers,
    CloseUnreachable,
    RateByLink,
    RecordCallback,
    close_unreachable,
    rate_by_link,
    rating_path,
    record_callback,
)
from service.replay.behaviour import Behaviour, Rating
from service.replay.messages import Message
from service.tickets.closing import ReviewReply, approve_reply, send_reply_back
from service.tickets.dispatching import (
    AskRejection,
    AskReturn,
    DispatchTicket,
    ask_rejection,
    ask_return,
    dispatch_ticket,
    grant_rejection,
    grant_return,
    refuse_return,
)
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    RecordContact,
    ReplyToTicket,
    SignTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    record_contact,
    reply_to_ticket,
    sign_ticket,
)
from service.tickets.intake import (
    AcceptTicket,
    AnswerTicket,
    RegisterTicket,
    accept_ticket,
    answer_ticket,
    register_ticket,
)
from service.tickets.models import Ticket
from service.tickets.repository import find
from service.tickets.requests import DecideRequest
from service.tickets.states import State
from sla_rules import WorkCalendar

C = TypeVar("C")
R = TypeVar("R")
Steps = Generator[datetime, None, None]

MINUTE = timedelta(minutes=1)
WORKING_DAY_MINUTES = 7 * 60


class World(Protocol):
    """What a life needs of the world around it."""

    calendar: WorkCalendar

    def now(self) -> datetime: ...

    def do(self, who: str, use_case: Callable[[Unit, C], R], command: C) -> R:
        """One person takes one step now, in one transaction."""
        ...

    def by_worker(self, use_case: Callable[[Unit, C], R], command: C) -> R:
        """The worker acts through a link."""
        ...

    def ticket(self, number: str) -> Ticket:
        """The ticket as it stands."""
        ...

    def registered(self, message: Message, number: str) -> None:
        """Told the number a message got."""
        ...


class Life:
    """The life of one message in a world."""

    def __init__(self, world: World, message: Message, behaviour: Behaviour) -> None:
        self.world = world
        self.message = message
        self.behaviour = behaviour
        self.number = ""
        self.org = behaviour.org_code

    def steps(self) -> Steps:
        """The whole life. Yields aware instants, never before the world's now."""
        yield self.message.received_at
        self._register()
        yield self._after(self.behaviour.accept_minutes, leaving=30 * MINUTE)
        self._do("agent1", accept_ticket, AcceptTicket(number=self.number))
        if self.behaviour.rejected:
            yield from self._reject()
            return
        if self.behaviour.answered_at_once:
            yield self._after(5)
            self._do("agent1", answer_ticket, AnswerTicket(number=self.number, answer="已当场答复并告知政策依据。"))
            return
        yield from self._dispatch_and_sign()
        if self.behaviour.reply_days is None and self.message.replied_at is None:
            yield from self._ask_for_more_time()
            return
        yield from self._handle_and_rate()

    def _register(self) -> None:
        made = self._do(
            "agent1",
            register_ticket,
            RegisterTicket(
                title=self.message.title,
                body=self.message.body,
                kind=self.behaviour.kind,
                channel="web",
                category_code=self.behaviour.category_code,
                place_code=self.behaviour.org_code,
                phone=self.behaviour.phone,
                people_count=self.behaviour.people_count,
                received_at=self.message.received_at,
                idempotency_key=f"replay-{self.message.id}",
            ),
        )
        self.number = made.ticket.number
        self.world.registered(self.message, self.number)

    def _reject(self) -> Steps:
        yield self._after(3)
        ask = AskRejection(number=self.number, reason="out_of_scope", note="已告知拨打 12345")
        self._do("agent1", ask_rejection, ask)
        yield self._after(10)
        self._do("dispatcher1", grant_rejection, DecideRequest(number=self.number, note="同意"))

    def _dispatch_and_sign(self) -> Steps:
        yield self._after(self.behaviour.dispatch_minutes, leaving=20 * MINUTE)
        self._do("dispatcher1", dispatch_ticket, DispatchTicket(number=self.number, org_code=self.org))
        if self.behaviour.returns:
            yield from self._return()
        if self.behaviour.signs or self.message.replied_at is not None:
            yield self._after(self.behaviour.sign_minutes, leaving=10 * MINUTE)
            if self._state() is State.to_sign:
                self._do(f"handler-{self.org}", sign_ticket, SignTicket(number=self.number))
        else:
            # Long enough for silence to sign: the sweep comes by at the limit.
            yield self._after(2 * WORKING_DAY_MINUTES + self.behaviour.sign_minutes)
        yield self._after(self.behaviour.contact_minutes, leaving=5 * MINUTE)
        if self._state() is State.in_progress:
            contact = RecordContact(number=self.number, way="phone", note="已电话联系职工核实情况")
            self._do(f"handler-{self.org}", record_contact, contact)

    def _return(self) -> Steps:
        yield self._after(self.behaviour.return_minutes)
        if self._state() is not State.to_sign:
            return
        self._do(f"handler-{self.org}", ask_return, AskReturn(number=self.number, reason="用人单位注册地不在本辖区"))
        yield self._after(15)
        decision = DecideRequest(number=self.number, note="已核实")
        if not self.behaviour.return_granted:
            self._do("dispatcher1", refuse_return, decision)
            return
        self._do("dispatcher1", grant_return, decision)
        yield self._after(10)
        self.org = self.behaviour.other_org_code
        self._do("dispatcher1", dispatch_ticket, DispatchTicket(number=self.number, org_code=self.org))

    def _ask_for_more_time(self) -> Steps:
        if self.behaviour.suspends:
            yield self._after(60)
            if self._state() is not State.in_progress:
                return
            review_at = self.world.now() + timedelta(days=self.behaviour.suspension_days)
            ask = AskSuspension(number=self.number, reason="legal_procedure", review_at=review_at)
            self._do(f"handler-{self.org}", ask_suspension, ask)
            yield self._after(120)
            if self._state() is State.in_progress:
                self._do("dispatcher1", grant_suspension, DecideRequest(number=self.number, note="同意"))
        elif self.behaviour.extends:
            due_at = self.world.ticket(self.number).due_at
            ask_at = datetime.combine(last_day(due_at) - timedelta(days=1), time(10), LOCAL)
            if ask_at <= self.world.now() or self._state() is not State.in_progress:
                return
            yield ask_at
            if self._state() is not State.in_progress:
                return
            ask_more = AskExtension(number=self.number, days=3, reason="需进一步核实")
            self._do(f"handler-{self.org}", ask_extension, ask_more)
            decision = DecideRequest(number=self.number, note="同意")
            yield self._after(60)
            city = f"{self.org[:4]}00"
            if city != self.org:
                self._do(f"leader-{city}", grant_extension, decision)
                yield self._after(60)
            if self.world.now() < self.world.ticket(self.number).due_at:
                self._do("supervisor1", grant_extension, decision)

    def _handle_and_rate(self) -> Steps:
        yield from self._ask_for_more_time()
        if self.message.replied_at is not None:
            yield max(self.message.replied_at, self.world.now() + MINUTE)
        else:
            yield self._after(int((self.behaviour.reply_days or 0) * WORKING_DAY_MINUTES))
        self._reply()
        if self.behaviour.sent_back:
            yield self._after(self.behaviour.review_minutes)
            self._do(f"leader-{self.org}", send_reply_back, ReviewReply(number=self.number, note="请补充依据"))
            yield self._after(self.behaviour.rework_minutes)
            self._reply()
        for rating in self.behaviour.ratings:
            yield self._after(self.behaviour.review_minutes)
            self._do(f"leader-{self.org}", approve_reply, ReviewReply(number=self.number, note="同意"))
            yield from self._call_back(rating)
            if self._state() is not State.in_progress:
                return
            yield self._after(int(self.behaviour.redo_reply_days * WORKING_DAY_MINUTES))
            self._reply()

    def _reply(self) -> None:
        self._do(
            f"handler-{self.org}",
            reply_to_ticket,
            ReplyToTicket(
                number=self.number,
                text=self.message.reply or "已与用人单位和职工核实,相关诉求已依法处理。",
                basis="《劳动合同法》《工会法》",
                contacted_at=self.world.now() - MINUTE,
                contact_way="phone",
                outcome=self.behaviour.outcome,
                recovered=Decimal(self.behaviour.recovered),
                helped=self.behaviour.people_count,
                worker_confirmed=True,
            ),
        )

    def _call_back(self, rating: Rating) -> Steps:
        for attempt in (1, 2, 3):
            yield self._after(self.behaviour.callback_minutes) if attempt == 1 else self._other_half_day()
            reached = rating.reached_at_attempt == attempt
            self._do("agent2", record_callback, self._callback(rating, reached=reached))
            if reached:
                return
        path = self._do("agent2", _path_of, self.number)
        yield self.world.now() + timedelta(hours=20)
        if rating.answers_link:
            token = path.rpartition("/")[2]
            self.world.by_worker(rate_by_link, RateByLink(token=token, answers=_answers(rating)))
        else:
            self._do("agent2", close_unreachable, CloseUnreachable(number=self.number))

    def _callback(self, rating: Rating, *, reached: bool) -> RecordCallback:
        if not reached:
            return RecordCallback(number=self.number, result="unreachable")
        if rating.refuses:
            return RecordCallback(number=self.number, result="refused")
        return RecordCallback(number=self.number, result="answered", answers=_answers(rating))

    def _other_half_day(self) -> datetime:
        """The next working day, in the other half of the day than now: attempts need two days and two bands."""
        now = local(self.world.now())
        day = self.world.calendar.add_working_days(now.date(), 1)
        return datetime.combine(day, time(16) if now.hour < 12 else time(10), LOCAL)

    def _after(self, minutes: int, *, leaving: timedelta | None = None) -> datetime:
        """So many working minutes from now. A step before a reply of the file leaves that much room before it:
        `leaving` says how much, and a minute is always left since the step before."""
        planned = self.world.calendar.add_open_time(self.world.now(), minutes * MINUTE)
        planned = max(planned, self.world.now())
        if leaving is not None and self.message.replied_at is not None:
            planned = min(planned, self.message.replied_at - leaving)
        return max(planned, self.world.now() + MINUTE)

    def _state(self) -> State:
        return State(self.world.ticket(self.number).state)

    def _do(self, who: str, use_case: Callable[[Unit, C], R], command: C) -> R:
        return self.world.do(who, use_case, command)


def _path_of(unit: Unit, number: str) -> str:
    """The link the worker got by SMS."""
    return rating_path(unit, find(unit, number))


def _answers(rating: Rating) -> Answers:
    return Answers(
        contacted=True,
        resolved=rating.resolved,
        satisfaction=rating.satisfaction,
        reason=rating.reason,
        agent_score=rating.agent_score,
    )
