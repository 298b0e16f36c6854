"""Whatever people do to tickets, in whatever order and at whatever hour: the states, clocks, deadlines, timeline and
scope stay true.

Random people take random steps against the model in `lives.py`, and after each step everything is looked at again.
In CI 60 examples of 30 steps; `HOTLINE_LIVES=2000 HOTLINE_LIFE_STEPS=60 pytest tests/tickets/test_any_life.py` looks
longer, and with `HOTLINE_LIFE_SHRINK=1` Hypothesis also looks for a smaller example of what it found.
"""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from service.bootstrap import Application
from service.checks import run_checks
from service.core.clock import SimulatedClock
from service.core.errors import HotlineError
from service.core.unit import Actor, Unit
from service.escalations.firing import sweep
from service.identity.people import actor_of_username
from service.outbox.models import OutboxMessage
from service.tickets import together
from service.tickets.endings import EndTicket, archive_ended, withdraw_ticket
from service.tickets.errors import TicketNotFound
from service.tickets.intake import RegisterTicket, register_ticket
from service.tickets.queries import QueueQuery, queue_page
from service.tickets.repository import find
from tests.conftest import START
from tests.desk import GOLMUD
from tests.tickets.lives import ACTIONS, DELINGHA, MASTERS, OPEN, PEOPLE, STRANGER, Action, Life, Lives

EXAMPLES = int(os.environ.get("HOTLINE_LIVES", "60"))
STEPS = int(os.environ.get("HOTLINE_LIFE_STEPS", "30"))
TICKETS = 4
# The test relays no messages and sweeps when it likes; what these two invariants watch is the processes'.
OF_PROCESSES = {"no_message_waits_unpublished", "no_clock_waits_for_its_sweep"}

_TICKETS = text("select * from ticket where number = any(:numbers) order by id")
_CLOCKS = text(
    "select c.*, t.number, exists (select from sla_pause p where p.clock_id = c.id and p.ends_at is null) as paused"
    " from sla_clock c join ticket t on t.id = c.ticket_id where t.number = any(:numbers) order by c.id"
)
_EVENTS = text(
    "select e.id, t.number, e.kind, e.from_state, e.to_state from ticket_event e join ticket t on t.id = e.ticket_id"
    " where t.number = any(:numbers) order by e.id"
)
_MOVES = text(
    "select d.id, d.clock_id, d.due_before, d.due_after from sla_due_change d join sla_clock c on c.id = d.clock_id"
    " join ticket t on t.id = c.ticket_id where t.number = any(:numbers) order by d.id"
)
_WAITING_REQUESTS = text(
    "select t.number from step_request r join ticket t on t.id = r.ticket_id"
    " where t.number = any(:numbers) and r.verdict is null and not t.state = any(:open)"
)


class Seen:
    """Everything the database says of some tickets at one moment."""

    def __init__(self, unit: Unit, numbers: list[str]) -> None:
        def rows(statement: Any) -> list[Any]:
            return list(unit.session.execute(statement, {"numbers": numbers, "open": sorted(OPEN)}).all())

        self.tickets = {row.number: row for row in rows(_TICKETS)}
        self.clocks = {row.id: row for row in rows(_CLOCKS)}
        self.events = rows(_EVENTS)
        self.moves = rows(_MOVES)
        self.asked_in_vain = rows(_WAITING_REQUESTS)

    def same_as(self, other: "Seen") -> bool:
        return (self.tickets, self.clocks, self.events, self.moves) == (
            other.tickets, other.clocks, other.events, other.moves
        )  # fmt: skip


class AnyLife(RuleBasedStateMachine):
    def __init__(self, application: Application, actors: dict[str, Actor]) -> None:
        super().__init__()
        self.clock = SimulatedClock(START)
        self.application = replace(application, clock=self.clock)
        self.actors = actors
        self.lives = Lives(now=START)
        self.seen: Seen | None = None

    # What may happen -----------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.register()

    @precondition(lambda self: 0 < len(self.lives.all) < TICKETS)
    @rule()
    def register(self) -> None:
        command = RegisterTicket(
            title="拖欠工资", body="工地三个月没有发工资", kind="complaint", channel="phone", category_code="0101",
            place_code=GOLMUD, phone="13897001234", caller_name="马小明", employer="某建筑公司",
            people_count=4 * len(self.lives.all) + 1, amount_owed=30000,
        )  # fmt: skip
        with self.application.unit(self.actors["agent1"]) as unit:
            number = register_ticket(unit, command).ticket.number
        self.lives.all[number] = Life(number, people=command.people_count or 1)
        self.look()

    @rule(data=st.data())
    def take_a_step_that_fits(self, data: st.DataObject) -> None:
        self.take_fitting(data)

    @rule(data=st.data())
    def take_another_step_that_fits(self, data: st.DataObject) -> None:
        self.take_fitting(data)

    @rule(data=st.data())
    def take_any_step(self, data: st.DataObject) -> None:
        life = self.any_life(data)
        self.take(data, data.draw(st.sampled_from(PEOPLE), "who"), data.draw(st.sampled_from(ACTIONS), "action"), life)

    @rule(data=st.data(), sweeps=st.booleans())
    def time_passes(self, data: st.DataObject, sweeps: bool) -> None:
        spans = [1, 17, 60, 240, 24 * 60, 3 * 24 * 60, 12 * 24 * 60, 40 * 24 * 60]
        minutes = data.draw(st.sampled_from(spans), "minutes")
        self.clock.move_to(self.clock.now() + timedelta(minutes=minutes))
        self.lives.now = self.clock.now()
        if sweeps:
            self.sweep()

    @rule()
    def the_scheduler_comes_by(self) -> None:
        self.sweep()

    @rule(data=st.data())
    def a_message_is_delivered(self, data: st.DataObject) -> None:
        waiting = self.messages()
        for message in [data.draw(st.sampled_from(waiting), "message")] if waiting else []:
            self.deliver(message)

    @rule(data=st.data())
    def tickets_are_grouped(self, data: st.DataObject) -> None:
        numbers = data.draw(st.lists(st.sampled_from(sorted(self.lives.all)), max_size=3), "numbers")
        command = together.GroupTickets(numbers=tuple(numbers), title="某工地欠薪")
        self.attempt(data.draw(st.sampled_from(["agent1", "supervisor1", "lawyer1"])), together.group_tickets, command)
        self.look()

    @rule(data=st.data())
    def a_ticket_leaves_its_group(self, data: st.DataObject) -> None:
        self.attempt("agent1", together.leave_group, self.any_life(data).number)
        self.look()

    # How it is done ------------------------------------------------------------------------------------------

    def any_life(self, data: st.DataObject) -> Life:
        return self.lives.all[data.draw(st.sampled_from(sorted(self.lives.all)), "ticket")]

    def take_fitting(self, data: st.DataObject) -> None:
        life = self.any_life(data)
        fitting = [one for one in ACTIONS if life.state in one.sources and one.when(self.lives, life) and one.may(life)]
        if fitting:
            action = data.draw(st.sampled_from(fitting), "action")
            self.take(data, data.draw(st.sampled_from(action.may(life)), "who"), action, life)

    def take(self, data: st.DataObject, who: str, action: Action, life: Life) -> None:
        assert self.seen is not None
        values = action.fill(data, self.lives, life)
        stale = data.draw(st.integers(0, 19), "stale") == 19
        version = self.seen.tickets[life.number].row_version - stale if data.draw(st.booleans(), "version") else None
        command = action.command(number=life.number, version=version, **values)
        refused = self.attempt(who, action.use_case, command)
        if refused is None:
            assert who in action.may(life), f"{who} may not {action.name} {life}"
            assert life.state in action.sources, f"{action.name} from {life}"
            assert not (stale and version is not None), "somebody wrote over what they had not read"
            action.effect(self.lives, life, command)
        self.look(refused, touched=life)

    def attempt(self, who: str, use_case: Any, command: Any) -> HotlineError | None:
        """Any other exception is a fault."""
        try:
            with self.application.unit(self.actors[who]) as unit:
                use_case(unit, command)
        except HotlineError as refusal:
            refused = refusal
        else:
            return None
        assert refused.sentence("zh")
        assert refused.sentence("en")
        return refused

    def sweep(self) -> None:
        with self.application.unit() as unit:
            swept = sweep(unit, limit=1000)
            assert swept.failed == 0
        with self.application.unit() as unit:
            archive_ended(unit, limit=1000)
        with self.application.reading() as unit:
            seen = Seen(unit, list(self.lives.all))
        for life in self.lives.all.values():
            ticket = seen.tickets[life.number]
            if life.review_at is not None and life.review_at <= self.lives.now:
                life.review_at = None
            signs = [row for row in self._clocks_of(life, "sign") if row.stopped_at is None]
            if life.state == "to_sign" and not life.return_asked and signs[0].due_at <= self.lives.now:
                life.signed()
            if ticket.state == "archived":
                life.goes_to("archived")
        self.look()
        with self.application.reading() as unit:
            late = [one for one in run_checks(unit, tick=60) if one.name == "no_clock_waits_for_its_sweep"]
        assert late[0].holds, late[0]

    def _clocks_of(self, life: Life, kind: str) -> list[Any]:
        assert self.seen is not None
        return [row for row in self.seen.clocks.values() if row.number == life.number and row.kind == kind]

    def messages(self) -> list[int]:
        with self.application.reading() as unit:
            return list(
                unit.session.scalars(
                    text(
                        "select id from outbox_message where kind = 'tickets:follow' and done_at is null"
                        " and payload->>'number' = any(:numbers) order by id"
                    ),
                    {"numbers": list(self.lives.all)},
                )
            )

    def deliver(self, message_id: int) -> None:
        """As the courier does, dated when the message was written, but letting a fault be seen."""
        with self.application.unit() as unit:
            message = unit.session.get_one(OutboxMessage, message_id)
            unit.now = message.created_at
            together.follow_master(unit, message.payload)
            message.done_at = self.lives.now
            number = message.payload["number"]
        self.lives.follow(number)
        self.look(touched=self.lives.all[number])

    # What must be true ---------------------------------------------------------------------------------------

    def look(self, refused: HotlineError | None = None, *, touched: Life | None = None) -> None:
        before = self.seen
        with self.application.reading() as unit:
            now = Seen(unit, list(self.lives.all))
            if refused is not None:
                assert before is not None
                assert now.same_as(before), f"refused by {refused!r} and changed all the same"
                return
            broken = [one for one in run_checks(unit, tick=60) if not one.holds and one.name not in OF_PROCESSES]
            if touched is not None:
                self._scope_holds(unit, touched)
        self.seen = now
        assert not broken, broken
        assert not now.asked_in_vain, "a request waits for a decision that nobody can take any more"
        for life in self.lives.all.values():
            self._as_the_model_says(life, now)
        if before is not None:
            _nothing_is_undone(before, now)
        _timeline_explains(now)

    def _as_the_model_says(self, life: Life, now: Seen) -> None:
        ticket = now.tickets[life.number]
        assert (ticket.state, ticket.holder_code, ticket.cycle, ticket.people_count, ticket.suspended) == (
            life.state,
            life.holder,
            life.cycle,
            life.people,
            life.review_at is not None,
        ), life
        running = [row for row in now.clocks.values() if row.number == life.number and row.stopped_at is None]
        assert sorted(row.kind for row in running) == sorted(life.clocks()), life
        for row in running:
            pausable = row.kind in {"resolve", "first_contact", "leg"}
            assert row.paused == (pausable and life.review_at is not None), (row.kind, life)
            assert row.cycle == life.cycle
        assert not any(row.paused for row in now.clocks.values() if row.stopped_at is not None)
        assert (ticket.ended_at is not None) == (life.state not in OPEN)
        waits = life.state == "merged" and self.lives.all[life.master].state not in MASTERS | {"replied"}
        assert not waits or self.messages(), f"nobody will ever tell {life} what became of its master"

    def _scope_holds(self, unit: Unit, life: Life) -> None:
        outside = [f"handler-{STRANGER}"]
        if life.holder != DELINGHA and DELINGHA not in life.given:
            outside.append(f"handler-{DELINGHA}")
        for who in outside:
            unit.actor = self.actors[who]
            with pytest.raises(TicketNotFound):
                find(unit, life.number)
            page = queue_page(unit, QueueQuery(org=unit.actor.org_code, limit=200))
            assert life.number not in {row.number for row in page.rows}
        if f"handler-{life.holder}" in self.actors:
            unit.actor = self.actors[f"handler-{life.holder}"]
            assert find(unit, life.number)

    def teardown(self) -> None:
        """Every matter can be brought to an end, and then nothing of it is left running."""
        if self.seen is None:
            return
        for life in self.lives.all.values():
            if life.state in OPEN:
                assert self.attempt("agent1", withdraw_ticket, EndTicket(number=life.number, reason="已付清")) is None
                life.goes_to("withdrawn")
        self.look()
        while waiting := self.messages():
            for message in waiting:
                self.deliver(message)
            for life in self.lives.all.values():
                if life.state in OPEN:
                    command = EndTicket(number=life.number, reason="已付清")
                    assert self.attempt("agent1", withdraw_ticket, command) is None
                    life.goes_to("withdrawn")
        self.sweep()
        self.sweep()


def _nothing_is_undone(before: Seen, now: Seen) -> None:
    """A breach stays, and a deadline moves with a record that leads from the one to the other."""
    told = {row.id for row in before.moves}
    for clock in before.clocks.values():
        after = now.clocks[clock.id]
        if clock.breached_at is not None:
            assert after.breached_at == clock.breached_at, "a breach was unmade"
        assert after.first_due_at == clock.first_due_at
        due = clock.due_at
        for move in now.moves:
            if move.clock_id == clock.id and move.id not in told:
                assert move.due_before == due
                due = move.due_after
        assert due == after.due_at, "a deadline moved and nothing says why"
    assert now.events[: len(before.events)] == before.events


def _timeline_explains(now: Seen) -> None:
    for ticket in now.tickets.values():
        state = None
        for event in now.events:
            if event.number == ticket.number:
                assert event.from_state == state, event
                state = event.to_state
        assert state == ticket.state


@pytest.mark.timeout(3600 if EXAMPLES > 60 else 300)
def test_whatever_people_do_states_clocks_deadlines_and_timeline_stay_true(application: Application) -> None:
    with application.reading() as unit:
        actors = {name: actor_of_username(unit, name) for name in PEOPLE}
    run_state_machine_as_test(
        lambda: AnyLife(application, actors),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            database=None,
            # The examples share a database, so a smaller one is looked for only where somebody waits for it.
            phases=[Phase.generate, Phase.shrink] if "HOTLINE_LIFE_SHRINK" in os.environ else [Phase.generate],
        ),
    )
