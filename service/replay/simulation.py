"""The simulated world: one clock, a heap of lives waiting for their next moment, and the sweep in between.

Everything is done through the same use-cases, sweeps, ledger and outbox as in production. Only two things differ:
the clock is moved by hand, and the sweep comes by at exactly the instants at which something is due.
"""

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import select

from service.bootstrap import Application
from service.core.clock import SimulatedClock
from service.core.errors import Conflict
from service.core.unit import WORKER, Actor, Unit
from service.escalations.firing import oldest_due, sweep
from service.identity.people import actor_of_username
from service.org.tree import org_tree
from service.replay.behaviour import Behaviour, behaviour_of
from service.replay.life import Life, Steps
from service.replay.messages import Message
from service.sla.rules import current_rules
from service.tickets.models import Ticket
from service.tickets.taxonomy import leaves
from sla_rules import ClockKind, Promise, WorkCalendar

C = TypeVar("C")
R = TypeVar("R")

# What is still undecided a month after the last word in the file stays open: a report has open tickets too.
AFTERMATH = timedelta(days=30)
SWEEP_LIMIT = 500


class TicketsAlreadyThere(Conflict):
    """A replay needs a database of its own: its tickets lie in the past and would mix with real ones."""

    zh = "数据文件夹中已有工单。请用 --data 指定一个新的文件夹再回放。"
    en = "There are tickets in this data folder already. Name a new one with --data."


@dataclass
class Progress:
    """How far the replay is, for the bar: messages begun, and steps and sweeps done."""

    messages: int = 0
    steps: int = 0
    sweeps: int = 0
    fired: int = 0


@dataclass
class Simulation:
    """Plays messages. `speed` is how many simulated seconds pass in a real one; None is as fast as it goes.

    `numbers` maps message id to ticket number.
    """

    application: Application
    clock: SimulatedClock
    seed: int
    speed: float | None = None
    numbers: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self._actors: dict[str, Actor] = {}
        with self.application.reading() as unit:
            if unit.session.scalar(select(Ticket.id).limit(1)) is not None:
                raise TicketsAlreadyThere
            self.calendar: WorkCalendar = current_rules(unit.session).calendar

    def play(self, messages: list[Message], *, on_step: Callable[[Progress], None] = lambda _: None) -> datetime:
        """Play all messages to the end of the aftermath; the instant of that end."""
        end = max(message.replied_at or message.received_at for message in messages) + AFTERMATH
        heap: list[tuple[datetime, int, int, Steps]] = []
        for order, (message, behaviour) in enumerate(zip(messages, self._behaviours(messages), strict=True)):
            steps = Life(self, message, behaviour).steps()
            heap.append((next(steps), order, 0, steps))
        heapq.heapify(heap)
        while heap and heap[0][0] <= end:
            when, order, count, steps = heapq.heappop(heap)
            self._sweep_until(when)
            self._move_to(when)
            self.progress.messages += count == 0
            self.progress.steps += 1
            following = next(steps, None)
            if following is not None:
                heapq.heappush(heap, (following, order, count + 1, steps))
            on_step(self.progress)
        self._sweep_until(end)
        self._move_to(end)
        return end.astimezone(UTC)

    # What a life needs of the world.

    def now(self) -> datetime:
        return self.clock.now()

    def do(self, who: str, use_case: Callable[[Unit, C], R], command: C) -> R:
        with self.application.unit() as unit:
            if who not in self._actors:
                self._actors[who] = actor_of_username(unit, who)
            unit.actor = self._actors[who]
            return use_case(unit, command)

    def by_worker(self, use_case: Callable[[Unit, C], R], command: C) -> R:
        with self.application.unit(WORKER) as unit:
            return use_case(unit, command)

    def ticket(self, number: str) -> Ticket:
        with self.application.reading() as unit:
            return unit.session.scalars(select(Ticket).where(Ticket.number == number)).one()

    def registered(self, message: Message, number: str) -> None:
        self.numbers[message.id] = number

    def _behaviours(self, messages: list[Message]) -> list[Behaviour]:
        with self.application.reading() as unit:
            policy = current_rules(unit.session).policy
            tree = org_tree(unit.session)
            days = {
                code: _working_days(policy.promise(ClockKind.resolve, leaf.tier))
                for code, leaf in leaves(unit.session).items()
            }
        return [behaviour_of(message, seed=self.seed, tree=tree, days_promised=days) for message in messages]

    def _sweep_until(self, when: datetime) -> None:
        """Sweep at every instant before `when` at which something is due, in order."""
        while True:
            with self.application.reading() as unit:
                due = oldest_due(unit.session)
            if due is None or due > when:
                return
            self._move_to(due)
            with self.application.unit() as unit:
                self.progress.fired += sweep(unit, limit=SWEEP_LIMIT, brake=self.application.brake).fired
            self.progress.sweeps += 1

    def _move_to(self, when: datetime) -> None:
        if self.speed is not None:
            wait = (when - self.clock.now()).total_seconds() / self.speed
            time.sleep(max(0.0, wait))
        self.clock.move_to(when)


def _working_days(promise: Promise) -> float:
    """About how many working days a promise gives: to draw replies that are in time, not to judge them."""
    if promise.unit == "same_day":
        return 0.3
    return promise.amount * (5 / 7) if promise.unit == "calendar_days" else float(promise.amount)
