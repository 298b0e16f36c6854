"""The shared scenarios that need the ledger, the sweep, ratings or the database; the others are in tests/sla_rules."""

import dataclasses
import threading
from collections import Counter
from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import text

from service.bootstrap import Application, build
from service.core.errors import Conflict, Forbidden, Gone
from service.core.unit import WORKER
from service.escalations.coverage import warn_of_missing_year
from service.escalations.firing import due_clocks, sweep
from service.ratings.recording import Answers, RateByLink, RecordCallback, rate_by_link, rating_path, record_callback
from service.sla.coverage import provisional_now
from service.sla.models import PolicyVersion
from service.tickets import errors
from service.tickets.closing import (
    AddNote,
    ReopenTicket,
    ReviewReply,
    add_note,
    approve_reply,
    reopen_ticket,
    urge_ticket,
)
from service.tickets.dispatching import (
    AskRejection,
    DispatchTicket,
    RetierTicket,
    ask_rejection,
    dispatch_ticket,
    grant_rejection,
    retier_ticket,
)
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    ResumeTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    resume_ticket,
)
from service.tickets.repository import find
from service.tickets.requests import DecideRequest
from service.tickets.together import MergeTicket, merge_ticket
from sla_rules import Tier, load_policy, policy_from_document
from tests.desk import GOLMUD, Desk, at
from tests.rows import covers

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
# The row's thousand takes half a minute to register; tests/workers/test_scheduler.py does it on a thousand copies.
MANY = 200


def two_hours_to_dispatch(desk: Desk, *rungs: str) -> None:
    """A policy under which the centre has 120 minutes, with warnings 60 and 30 minutes before and the breach."""
    places = {
        "l1": {"place": "working_minutes_from_due", "value": -60},
        "l2": {"place": "working_minutes_from_due", "value": -30},
        "breach": {"place": "due", "value": None},
    }
    content = load_policy().to_document()
    del content["digest"]
    for promise in content["promise"]:
        if promise["kind"] == "dispatch":
            promise["amount"] = 120
    for ladder in content["ladder"]:
        if ladder["kind"] == "dispatch":
            ladder["rung"] = [
                {"name": name, **places[name], "to": ["supervisor"], "effects": [], "urgent": False} for name in rungs
            ]
    policy = policy_from_document(content)
    with desk.application.unit() as unit:
        unit.session.execute(text("update policy_version set active = false"))
        unit.session.add(
            PolicyVersion(
                version=policy.version, content=policy.to_document(), reason="scenario", published_at=unit.now
            )
        )


def ledger(desk: Desk) -> list[str]:
    return [row.rung for row in desk.rows("select rung from escalation order by id")]


def suspended(desk: Desk) -> str:
    number = desk.in_progress()
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=desk.clock.now() + timedelta(days=10))
    desk.do(HANDLER, ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    return number


# -- clocks ---------------------------------------------------------------------------------------------


@covers("S8")
def test_a_promise_that_no_longer_applies_ends_with_a_reason_and_keeps_its_deadline(desk: Desk) -> None:
    # By choice: Zammad would forget the deadlines.
    number = desk.accepted()
    promised = desk.rows("select kind, due_at from sla_clock order by id")
    desk.wait(hours=1)
    desk.do("agent1", ask_rejection, AskRejection(number=number, reason="out_of_scope", note="已告知"))
    desk.do("dispatcher1", grant_rejection, DecideRequest(number=number))

    ended = desk.rows("select kind, due_at, stopped_at, stop_reason from sla_clock order by id")
    assert [(row.kind, row.due_at) for row in ended] == [(row.kind, row.due_at) for row in promised]
    assert {(row.stopped_at, row.stop_reason) for row in ended} == {(desk.clock.now(), "grant-rejection")}


@covers("S10")
def test_asking_again_before_the_reply_moves_no_deadline(desk: Desk) -> None:
    number = desk.in_progress()
    before = desk.rows("select kind, due_at, started_at from sla_clock order by id")
    desk.wait(hours=5)
    desk.do("agent1", urge_ticket, AddNote(number=number, note="职工再次来电"))
    desk.do("agent1", add_note, AddNote(number=number, note="补充材料"))

    assert desk.rows("select kind, due_at, started_at from sla_clock order by id") == before


@covers("S16")
def test_a_reopened_matter_keeps_the_breach_of_its_first_cycle_and_has_clocks_of_its_own(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-12-01 10:00")  # due at the end of Friday 11-27
    desk.reply(number)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    desk.rate(number)
    desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number, reason="单位再次拖欠"))
    desk.sweep()
    desk.go_to("2026-12-04 23:59")  # three working days from Tuesday
    desk.sweep()

    query = "select cycle, due_at, stopped_at, breached_at from sla_clock where kind = 'resolve' order by id"
    first, second = desk.rows(query)
    assert (first.cycle, first.due_at, first.breached_at) == (1, at("2026-11-28 00:00"), at("2026-11-28 00:00"))
    assert (second.cycle, second.due_at, second.breached_at) == (2, at("2026-12-05 00:00"), None)
    by_cycle = Counter(
        row.cycle for row in desk.rows("select cycle from escalation where rung = 'breach' and clock_kind = 'resolve'")
    )
    assert by_cycle == {1: 1}
    desk.go_to("2026-12-05 00:00")
    desk.sweep()
    assert [row.breached_at for row in desk.rows(query)] == [at("2026-11-28 00:00"), at("2026-12-05 00:00")]


@covers("S21")
def test_nothing_done_to_a_ticket_moves_the_start_of_its_clock(desk: Desk) -> None:
    # By choice the date is not open to editing: GLPI lets it be edited and leaves the deadline where it was.
    started = desk.clock.now()
    number = desk.in_progress(received_at=started - timedelta(days=3))  # a letter of Tuesday, registered on Friday
    desk.wait(hours=1)
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="涉及工伤认定"))
    desk.do(HANDLER, ask_extension, AskExtension(number=number, days=1, reason="需核查"))
    desk.do("supervisor1", grant_extension, DecideRequest(number=number))
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=desk.clock.now() + timedelta(days=10))
    desk.do(HANDLER, ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    desk.wait(hours=1)
    desk.do(HANDLER, resume_ticket, ResumeTicket(number=number))

    assert [row.at for row in desk.rows("select started_at as at from sla_clock where kind = 'resolve'")] == [started]
    rooms = ("intake", "dispatching", "handling", "closing", "requests")
    commands = [
        value
        for room in rooms
        for value in vars(import_module(f"service.tickets.{room}")).values()
        if dataclasses.is_dataclass(value)
    ]
    assert len(commands) > 10
    fields = [{field.name for field in dataclasses.fields(command)} for command in commands]
    of_a_ticket = set().union(*(names for names in fields if "number" in names))
    assert not of_a_ticket & {"accepted_at", "received_at", "started_at", "due_at"}


@covers("S23")
def test_a_deadline_past_the_last_notice_is_provisional_and_the_missing_year_an_alarm(desk: Desk) -> None:
    settled = desk.accepted()
    desk.go_to("2026-12-28 10:00")
    number = desk.accepted()

    assert (desk.ticket(settled).provisional, desk.ticket(number).provisional) == (False, True)
    assert desk.ticket(number).due_at > at("2027-01-01 00:00")
    with desk.application.unit() as unit:
        alarm = warn_of_missing_year(unit)
        waiting = provisional_now(unit)
    assert alarm is not None
    assert alarm.missing_year == 2027
    assert (waiting.tickets, waiting.clocks) == (1, 2)  # its dispatch and its promise
    assert desk.rows("select count(*) as n from outbox_message where key like 'notice:calendar:2027:%'")[0].n == 1


@covers("reassign while paused")
def test_a_suspended_matter_is_not_given_to_another_union_and_stays_suspended(desk: Desk) -> None:
    number = suspended(desk)
    before = desk.rows("select c.due_at, p.starts_at, p.ends_at from sla_clock c join sla_pause p on p.clock_id = c.id")
    desk.wait(hours=1)

    with pytest.raises(errors.StepNotPossible):
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code="630102"))
    after = desk.rows("select c.due_at, p.starts_at, p.ends_at from sla_clock c join sla_pause p on p.clock_id = c.id")
    assert after == before
    assert desk.ticket(number).suspended


@covers("merge of two tickets with different dues")
@pytest.mark.parametrize("earlier_is_master", [True, False])
def test_two_matters_merged_are_due_when_the_earlier_was(earlier_is_master: bool, desk: Desk) -> None:
    earlier = desk.accepted()
    desk.go_to("2026-11-23 10:00")
    later = desk.accepted()
    dues = {number: desk.ticket(number).due_at for number in (earlier, later)}
    assert dues[earlier] < dues[later]
    master, merged = (earlier, later) if earlier_is_master else (later, earlier)
    desk.do("dispatcher1", merge_ticket, MergeTicket(number=merged, master=master, reason="同一诉求"))

    running = desk.rows("select ticket_id, due_at from sla_clock where kind = 'resolve' and stopped_at is null")
    assert [(row.ticket_id, row.due_at) for row in running] == [(desk.ticket(master).id, dues[earlier])]
    assert desk.ticket(master).due_at == dues[earlier]
    assert desk.ticket(merged).state == "merged"


# -- the sweep ------------------------------------------------------------------------------------------


@covers("S12")
def test_each_level_fires_at_its_tick_and_nothing_is_left_to_look_at(desk: Desk) -> None:
    two_hours_to_dispatch(desk, "l1", "l2")
    desk.go_to("2026-11-20 10:00")
    desk.registered()
    fired = []
    for tick in ("10:59", "11:01", "11:01", "11:31", "11:31", "11:59"):
        desk.go_to(f"2026-11-20 {tick}")
        fired.append(dict(desk.sweep().by_rung))

    assert fired == [{}, {"dispatch.l1": 1}, {}, {"dispatch.l2": 1}, {}, {}]
    assert ledger(desk) == ["l1", "l2"]
    assert desk.rows("select count(*) as n from sla_clock where next_check_at is not null")[0].n == 0


@covers("S13")
def test_one_tick_after_an_outage_catches_up_in_order(desk: Desk) -> None:
    two_hours_to_dispatch(desk, "l1", "l2", "breach")
    desk.go_to("2026-11-20 10:00")
    desk.registered()
    desk.go_to("2026-11-20 12:30")
    desk.sweep()
    desk.sweep()

    rows = desk.rows("select rung, planned_at, fired_at from escalation order by id")
    assert [(row.rung, row.planned_at) for row in rows] == [
        ("l1", at("2026-11-20 11:00")),
        ("l2", at("2026-11-20 11:30")),
        ("breach", at("2026-11-20 12:00")),
    ]
    assert {row.fired_at for row in rows} == {at("2026-11-20 12:30")}
    # The row asks for one digest. Ours tells each rung in a message of its own, once: a digest is not built.
    told = desk.rows("select key from outbox_message where key like 'notice:escalation:%'")
    assert len(told) == len({row.key for row in told}) == 3


@covers("S14")
def test_two_schedulers_at_once_fire_each_rung_once(desk: Desk, application: Application) -> None:
    two_hours_to_dispatch(desk, "l1", "breach")
    for _ in range(MANY):
        desk.registered()
    desk.go_to("2026-11-20 10:30")  # an hour before the first of them is due
    other = build(application.settings, clock=application.clock, gateway=application.gateway)
    start = threading.Barrier(2)
    fired: Counter[int] = Counter()

    def schedule(place: int, one: Application) -> None:
        start.wait()
        left = True
        while left:
            # Small batches, so that both have something in hand nearly all the time.
            with one.unit() as unit:
                fired[place] += sweep(unit, limit=20).fired
            with one.reading() as unit:
                left = bool(due_clocks(unit.session, unit.now, limit=1))

    threads = [threading.Thread(target=schedule, args=pair) for pair in enumerate((application, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.database.dispose()

    rows = desk.rows("select ticket_id, rung from escalation")
    assert len(rows) == len(set(rows)) == MANY == fired.total()
    assert {row.rung for row in rows} == {"l1"}
    assert min(fired.values()) > 0, "both took part"


# -- ratings --------------------------------------------------------------------------------------------


@covers("S22")
def test_a_rating_counts_once_from_others_in_time_and_for_its_own_cycle(desk: Desk) -> None:
    praise = Answers(contacted=True, resolved=True, satisfaction=5)

    def token(number: str) -> str:
        with desk.application.unit() as unit:
            return rating_path(unit, find(unit, number)).rpartition("/")[2]

    def rate(link: str) -> None:
        with desk.application.unit(WORKER) as unit:
            rate_by_link(unit, RateByLink(token=link, answers=praise))

    number = desk.to_callback()
    first_cycle = token(number)
    rate(first_cycle)
    rate(first_cycle)  # the same again is a no-op
    assert desk.rows("select count(*) as n from rating")[0].n == 1

    desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number, reason="单位再次拖欠"))
    with pytest.raises(Conflict):
        rate(first_cycle)  # cycle 1 is over

    handled = desk.to_callback()
    with desk.application.unit() as unit:
        unit.session.execute(text("update reply set replied_by = (select id from person where username = 'agent2')"))
    with pytest.raises(Forbidden):
        desk.do("agent2", record_callback, RecordCallback(number=handled, result="answered", answers=praise))

    late = token(handled)
    desk.wait(days=7)
    with pytest.raises(Gone):
        rate(late)
    assert desk.rows("select count(*) as n from rating")[0].n == 1
