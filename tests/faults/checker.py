"""The independent checker: reads rows by SQL of its own and the gateway's journal, and holds both against what clients
were told. It shares with the service nothing but the pure rules, which say what had to fire when."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg

from sla_rules import (
    Clock,
    ClockKind,
    Kept,
    Pause,
    PlannedRung,
    Policy,
    Promise,
    Tier,
    WorkCalendar,
    calendar_from_document,
    plan,
    policy_from_document,
)
from tests.faults.clients import Journal, Told
from tests.faults.ground import ROOT, Ground

LOCAL = ZoneInfo("Asia/Shanghai")
MOST_EXAMPLES = 8

# What a person's step leaves on the timeline, where its name there is another.
EVENTS = {
    "register": "ticket:registered", "accept": "ticket:accepted", "dispatch": "ticket:dispatched",
    "sign": "ticket:signed", "contact": "ticket:contacted", "reply": "ticket:replied", "approve": "ticket:approved",
    "callback": "ticket:callback_attempted", "note": "ticket:noted", "urge": "ticket:urged",
}  # fmt: skip
# On a timeline and no step.
BESIDES = ("ticket:warned",)
OPEN = ("registered", "accepted", "to_sign", "in_progress", "replied", "to_callback")

Row = dict[str, Any]


@dataclass
class Verdict:
    """What the checker found, and the figures it has seen on the way."""

    faults: list[str] = field(default_factory=list)
    figures: dict[str, int | float] = field(default_factory=dict)

    def expect(self, name: str, offenders: Iterable[object]) -> None:
        """Nobody may be among the offenders."""
        found = [str(one) for one in offenders]
        if found:
            more = f" … and {len(found) - MOST_EXAMPLES} more" if len(found) > MOST_EXAMPLES else ""
            self.faults.append(f"{name}: {'; '.join(found[:MOST_EXAMPLES])}{more}")


def still_due(ground: Ground, by: datetime) -> dict[str, int]:
    """How much of what was due by that instant is still to be done, by what it is; empty when it is quiet."""
    (row,) = ground.rows(
        """
        select (select count(*) from sla_clock where next_check_at < %(by)s) as clocks,
            (select count(*) from outbox_message
             where done_at is null and buried_at is null and available_at < %(by)s) as messages,
            (select count(*) from rule_change where finished_at is null) as rule_changes
        """,
        by=by,
    )
    return {name: count for name, count in row.items() if count}


@dataclass
class Checker:
    """One look at everything, once all is done that was due by that instant."""

    ground: Ground
    journal: Journal
    by: datetime
    verdict: Verdict = field(default_factory=Verdict)

    def look(self, *, final: bool = True) -> Verdict:
        """All checks. Before the `final` one a message may still wait for its next try."""
        self.now = datetime.now(UTC)
        self.verdict.expect("what no answer may be", self.journal.wrong)
        self.breach_report()
        with self.ground.connection() as self.snapshot:
            # The clock goes on while we look: all reads are of one moment.
            self.snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._look_at_rows(final=final)
        if final:
            self.own_invariants()
        return self.verdict

    def _look_at_rows(self, *, final: bool) -> None:
        for check in (
            self.answers_and_rows,
            self.one_ticket_for_each_key,
            self.life_of_each_ticket,
            self.audit,
            self.clocks,
            self.ledger,
            self.told_of_each_rung,
            self.digests,
            self.inboxes,
            self.gateway,
        ):
            check()
        self.messages(final=final)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        return self.snapshot.execute(sql, values).fetchall()

    # -- what clients were told ----------------------------------------------------------------------------

    def answers_and_rows(self) -> None:
        """Acknowledged: there, once. Refused: not there. Unclear: whole or not at all."""
        named = "correlation_id as request, {} as what from {} where correlation_id like '%%:%%'"
        events, audits, messages = (
            _by(self.rows(f"select {named.format(*place)}"))
            for place in (("kind", "ticket_event"), ("action", "audit_event"), ("kind", "outbox_message"))
        )
        told_once = Counter(told.request for told in self.journal.entries)
        self.verdict.expect("requests named twice", (name for name, times in told_once.items() if times > 1))
        whole = self._shapes(events, audits, messages)
        lost, twice, done_all_the_same, half = [], [], [], []
        there = 0
        for told in self.journal.entries:
            seen = (events[told.request], audits[told.request], messages[told.request])
            times = events[told.request][EVENTS.get(told.step, told.step)]
            if told.acknowledged and not told.replayed:
                lost += [told] if times == 0 else []
                twice += [told] if times > 1 else []
            elif told.refused or told.replayed:
                done_all_the_same += [told] if any(seen) else []
            elif any(seen):
                there += 1
                half += [told] if _shape(told, *seen) not in whole else []
        expect = self.verdict.expect
        expect("acknowledged and not there", lost)
        expect("acknowledged once and there twice", twice)
        expect("refused and done all the same", done_all_the_same)
        expect("without an answer, and there by half", half)
        known = {told.request for told in self.journal.entries}
        expect("done and never asked for", (set(events) | set(audits) | set(messages)) - known)
        self.verdict.figures["unclear_and_done"] = there
        self.verdict.figures["repeats_answered_with_the_first"] = sum(told.replayed for told in self.journal.entries)

    def _shapes(self, *seen: dict[str, Counter[str]]) -> set[object]:
        """What acknowledged steps leave behind: an unclear one that left anything else is not whole."""
        return {
            _shape(told, *(place[told.request] for place in seen))
            for told in self.journal.entries
            if told.acknowledged and not told.replayed
        }

    def one_ticket_for_each_key(self) -> None:
        rows = self.rows("select idempotency_key as key, number from ticket where idempotency_key is not null")
        numbers: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            numbers[row["key"]].add(row["number"])
        self.verdict.expect("several tickets for one key", (key for key, found in numbers.items() if len(found) > 1))
        self.verdict.expect(
            "told a number that is not the key's",
            (
                told
                for told in self.journal.entries
                if told.step == "register" and told.acknowledged and numbers[told.key] != {told.number}
            ),
        )
        self.verdict.figures["tickets"] = len(rows)

    # -- each ticket as a whole ----------------------------------------------------------------------------

    def life_of_each_ticket(self) -> None:
        """From event to event without a gap, to the state and version the row has now."""
        events = _groups(
            self.rows("select ticket_id, kind, from_state, to_state, cycle from ticket_event order by ticket_id, id"),
            "ticket_id",
        )
        broken, cut_short, versions = [], [], []
        for ticket in self.rows("select id, number, state, cycle, row_version from ticket"):
            life = events.get(ticket["id"], [])
            kinds = [event["kind"] for event in life[1:]]
            steps = sum(kind.startswith("ticket:") and kind not in BESIDES for kind in kinds)
            # A recount is told of each clock, and raises the version where it moves the ticket's own deadline.
            recounts = kinds.count("clock:recounted")
            if not life or life[0]["kind"] != "ticket:registered" or life[0]["from_state"] is not None:
                broken.append(ticket["number"])
                continue
            broken += [
                f"{ticket['number']} {before['to_state']} -> {after['from_state']}"
                for before, after in pairwise(life)
                if before["to_state"] != after["from_state"]
            ]
            if (life[-1]["to_state"], life[-1]["cycle"]) != (ticket["state"], ticket["cycle"]):
                cut_short.append(ticket["number"])
            if not 0 <= ticket["row_version"] - (1 + steps) <= recounts:
                versions.append(f"{ticket['number']} {ticket['row_version']} <> 1 + {steps}")
        self.verdict.expect("a timeline with a gap", broken)
        self.verdict.expect("a state that the timeline does not end in", cut_short)
        self.verdict.expect("a version that does not count the steps", versions)

    def audit(self) -> None:
        """One audit row for each event that a step wrote, and none without. Who looked is on record alone."""
        events = Counter(
            row["request"]
            for row in self.rows(
                "select correlation_id || ' ' || t.number as request from ticket_event e join ticket t on"
                " t.id = e.ticket_id where e.kind ~ '^(ticket|rating):' and e.kind <> all(%(besides)s)",
                besides=list(BESIDES),
            )
        )
        audits = Counter(
            row["request"]
            for row in self.rows(
                "select correlation_id || ' ' || subject as request from audit_event"
                " where action ~ '^[a-z]+:(ticket|rating):' and action !~ ':(warn|read$|search$)'"
            )
        )
        self.verdict.expect("an event without its audit, or the reverse", _apart(events, audits))

    def clocks(self) -> None:
        """Nobody waits without somebody being on the clock."""
        self.verdict.expect(
            "an open ticket without a live clock",
            (
                row["number"]
                for row in self.rows(
                    """
                    select t.number from ticket t where t.state = any(%(open)s) and not exists (
                        select from sla_clock c
                        where c.ticket_id = t.id and c.stopped_at is null and c.cycle = t.cycle
                    ) and t.state <> 'replied'
                    """,
                    open=list(OPEN),
                )
            ),
        )
        self.verdict.expect(
            "an ended ticket with a live clock",
            (
                row["number"]
                for row in self.rows(
                    "select distinct t.number from ticket t join sla_clock c on c.ticket_id = t.id"
                    " where c.stopped_at is null and not t.state = any(%(open)s)",
                    open=list(OPEN),
                )
            ),
        )
        self.verdict.expect(
            "a clock set aside for failing",
            (row["id"] for row in self.rows("select id from sla_clock where check_failures > 0")),
        )

    # -- the ledger ----------------------------------------------------------------------------------------

    def ledger(self) -> None:
        """Each rung that had to fire fired once, at no other instant than planned, and no other did."""
        rules = self._rules()
        fired = _groups(
            self.rows(
                "select clock_id, cycle, rung, planned_at, fired_at, org_code, policy_version, calendar_version"
                " from escalation"
            ),
            "clock_id",
        )
        pauses = _groups(self.rows("select clock_id, starts_at, ends_at, reason from sla_pause"), "clock_id")
        missing, early, twice, strange, moved, unnoted = [], [], [], [], [], []
        lateness = timedelta(0)
        rungs = 0
        for row in self.rows("select c.*, t.number from sla_clock c join ticket t on t.id = c.ticket_id"):
            name = f"{row['number']} {row['kind']}/{row['cycle']}"
            there = fired.pop(row["id"], [])
            rungs += len(there)
            times = Counter(entry["rung"] for entry in there)
            twice += [f"{name} {rung} x{count}" for rung, count in times.items() if count > 1]
            policy, calendar = rules(row)
            ladder = policy.ladder(ClockKind(row["kind"]), _tier(row), urgent=row["urgent"], cycle=row["cycle"])
            clock = _clock(row, pauses.get(row["id"], []))
            must = plan(clock, ladder, calendar, as_of=self.now)
            missing += [f"{name} {one.rung.name}" for one in _due(must, self.by) if one.rung.name not in times]
            for entry in there:
                # By the rules it was fired under: a change of rules moves what is to come, not what was.
                may = self._instants(row, replace(clock, stopped_at=None), *rules(entry))
                if entry["rung"] not in may or (row["stopped_at"] and entry["planned_at"] > row["stopped_at"]):
                    strange.append(f"{name} {entry['rung']}")
                elif may[entry["rung"]] != entry["planned_at"]:
                    moved.append(f"{name} {entry['rung']} {entry['planned_at']} <> {may[entry['rung']]}")
                early += [f"{name} {entry['rung']}"] if entry["fired_at"] < entry["planned_at"] else []
                lateness = max(lateness, entry["fired_at"] - entry["planned_at"])
            if sorted(row["fired"]) != sorted(times):
                unnoted.append(name)
        expect = self.verdict.expect
        expect("a rung that did not fire", missing)
        expect("a rung fired twice", twice)
        expect("a rung fired early", early)
        expect("a rung fired that was not due", strange)
        expect("a rung planned for another instant than the rules say", moved)
        expect("a clock that does not know its ledger", unnoted)
        expect("a rung of no clock", fired)
        self.verdict.figures["rungs"] = rungs
        self.verdict.figures["latest_rung_seconds"] = round(lateness.total_seconds(), 1)

    def _instants(self, row: Row, clock: Clock, policy: Policy, calendar: WorkCalendar) -> dict[str, datetime]:
        """When the rungs of a clock stand by these rules, as though it ran for ever."""
        which = (ClockKind(row["kind"]), _tier(row))
        promise = policy.promise(*which, urgent=row["urgent"], cycle=row["cycle"])
        ladder = policy.ladder(*which, urgent=row["urgent"], cycle=row["cycle"])
        planned = plan(replace(clock, promise=promise), ladder, calendar, as_of=self.now)
        return {one.rung.name: one.at for one in planned}

    def _rules(self) -> Callable[[Row], tuple[Policy, WorkCalendar]]:
        """The rules that a clock's row, or a ledger's, names."""
        policies: dict[Any, Policy] = {}
        calendars: dict[Any, WorkCalendar] = {}
        for row in self.rows("select id, version, content from policy_version"):
            policies[row["id"]] = policies[row["version"]] = policy_from_document(row["content"])
        for row in self.rows("select id, version, content from calendar_version"):
            calendars[row["id"]] = calendars[row["version"]] = calendar_from_document(row["content"])

        def rules(row: Row) -> tuple[Policy, WorkCalendar]:
            if "policy_version" in row:
                return policies[row["policy_version"]], calendars[row["calendar_version"]].for_union(row["org_code"])
            calendar = calendars[row["calendar_version_id"]]
            return policies[row["policy_version_id"]], calendar.for_union(row["org_code"])

        return rules

    def told_of_each_rung(self) -> None:
        """Each ledger row has its event, and each target of it one message or a place in one digest."""
        rows = self.rows("select id, ticket_id, clock_kind, rung, correlation_id, targets from escalation")
        events = Counter(
            (row["ticket_id"], row["clock"], row["rung"], row["correlation_id"])
            for row in self.rows(
                "select ticket_id, data->>'clock' as clock, data->>'rung' as rung, correlation_id"
                " from ticket_event where kind = 'escalation:fired'"
            )
        )
        ledger = Counter((row["ticket_id"], row["clock_kind"], row["rung"], row["correlation_id"]) for row in rows)
        self.verdict.expect("a rung and its event do not pair", _apart(ledger, events))
        told = Counter(
            row["key"] for row in self.rows("select key from outbox_message where key like 'notice:escalation:%%'")
        )
        told += Counter(
            row["key"]
            for row in self.rows(
                "select 'notice:escalation:' || h.escalation_id || ':' || t.person_id as key"
                " from held_notice h join notice_tally t on t.id = h.tally_id"
            )
        )
        wanted = Counter(
            f"notice:escalation:{row['id']}:{target['person_id']}" for row in rows for target in row["targets"]
        )
        self.verdict.expect("a target of a rung told not once, or somebody who is none", _apart(wanted, told))

    def digests(self) -> None:
        """Who was not told one by one has one notice that counts all the rest."""
        rows = self.rows(
            """
            select t.id, h.held,
                (select count(*) from notice n where n.tally_id = t.id) as notices,
                (select count(*) from notice n where n.tally_id = t.id and n.person_id = t.person_id
                    and n.text_en like h.held || ' more notices %%') as right_ones,
                exists (select from outbox_message o where o.kind = 'digest' and o.done_at is null
                    and (o.payload->>'tally_id')::int = t.id) as waits
            from (select tally_id, count(*) as held from held_notice group by tally_id) h
            join notice_tally t on t.id = h.tally_id
            """
        )
        self.verdict.expect(
            "a digest that is not one, or does not count all it stands for",
            (row for row in rows if (row["notices"], row["right_ones"]) != (1, 1) and not row["waits"]),
        )
        self.verdict.figures["rungs_told_by_digest"] = sum(row["held"] for row in rows)

    # -- messages ------------------------------------------------------------------------------------------

    def messages(self, *, final: bool) -> None:
        """None buried, none that waits without a reason; in the end none but what the clock said a moment ago."""
        waiting = self.rows(
            """
            select kind || ' ' || id || ' attempts ' || attempts || ' publishes ' || publishes || ' in '
                || round(extract(epoch from available_at - now())) as what
            from outbox_message
            where buried_at is not null
               or (done_at is null and created_at < %(latest)s and (%(final)s or available_at < %(latest)s))
            """,
            final=final,
            latest=self.by,
        )
        self.verdict.expect("a message that was not delivered", (row["what"] for row in waiting))
        (count,) = self.rows(
            "select count(*) as messages, sum(publishes) as published, sum(attempts) as failed from outbox_message"
        )
        self.verdict.figures |= {name: int(value or 0) for name, value in count.items()}

    def inboxes(self) -> None:
        """A notice delivered is one row in one inbox, and there is no row that no message brought."""
        done = Counter(
            row["key"]
            for row in self.rows(
                "select 'notice:' || (payload->>'key') || ':' || (payload->>'person_id') as key"
                " from outbox_message where kind = 'notice' and done_at is not null"
            )
        )
        inbox = Counter(
            row["key"]
            for row in self.rows(
                "select 'notice:' || key || ':' || person_id as key from notice"
                # A digest grows in place, and that messages lie undelivered is told without a message.
                " where tally_id is null and not starts_with(key, 'outbox:')"
            )
        )
        self.verdict.expect("delivered and not in the inbox, or the reverse", _apart(done, inbox))

    def gateway(self) -> None:
        """What the gateway has taken is what the outbox says it was given, each key once."""
        provider = self.ground.gateway
        sms = self.rows("select key, done_at is not null as done from outbox_message where kind like 'worker%%'")
        done, all_keys = {row["key"] for row in sms if row["done"]}, {row["key"] for row in sms}
        taken = dict(provider.taken)
        self.verdict.expect("marked as sent and never taken by the gateway", done - set(taken))
        self.verdict.expect("taken by the gateway and never asked for", set(taken) - all_keys)
        recorded = Counter(row["key"] for row in self.rows("select key from gateway_delivery"))
        self.verdict.expect("sent and not recorded, or the reverse", _apart(Counter(done), recorded))
        self.verdict.figures["sms_taken"] = len(taken)
        self.verdict.figures["sms_repeats_seen_by_key"] = provider.repeats

    # -- figures -------------------------------------------------------------------------------------------

    def breach_report(self) -> None:
        """The figures of the report are the sums of rows, counted here in another way. The scheduler goes on working,
        so something may come between the two looks: what does not fit is looked at again, and only what stays is a
        finding."""
        apart: list[str] = []
        for _ in range(5):
            report = self._report()
            if report is None:
                return
            total, here = report["total"], self._counted(datetime.fromisoformat(report["as_of"]))
            told = (total["due"], total["late"], total["on_time"], len(report["rows"]))
            apart = [f"{told} <> {here}"] if told != here else []
            if not apart:
                break
        self.verdict.expect("the breach report is not the rows", apart)
        by_clock = sum(one["late"] for one in report["by_clock"])
        self.verdict.expect("its parts are not its sum", [by_clock] if by_clock != total["late"] else [])
        self.verdict.figures["breaches"] = total["late"]

    def _days(self) -> tuple[date, date]:
        today = self.now.astimezone(LOCAL).date()
        return today - timedelta(days=2), today + timedelta(days=3)

    def _report(self) -> dict[str, Any] | None:
        """What an API process answers; None when it does not, which is a finding."""
        start, end = self._days()
        answer = httpx.get(
            self.ground.api("api-1", direct=True) + "/api/v1/reports/breaches",
            params={"from": start.isoformat(), "to": end.isoformat(), "org": "630000"},
            headers={"Authorization": f"Bearer {self.ground.token('supervisor1')}"},
            timeout=60,
        )
        if answer.status_code != 200:
            self.verdict.expect("the breach report", [f"{answer.status_code} {answer.text[:200]}"])
            return None
        document: dict[str, Any] = answer.json()
        return document

    def _counted(self, as_of: datetime) -> tuple[int, ...]:
        """Due, late, in time, and late once more for the list, from the rows."""
        start, end = self._days()
        (count,) = self.ground.rows(
            """
            select count(*) as due,
                count(*) filter (where coalesce(stopped_at, %(as_of)s) >= due_at) as late,
                count(*) filter (where stopped_at < due_at) as on_time
            from sla_clock where due_at > %(start)s and due_at <= %(end)s
            """,
            as_of=as_of,
            start=datetime.combine(start, time(), LOCAL),
            end=datetime.combine(end, time(), LOCAL),
        )
        return count["due"], count["late"], count["on_time"], count["late"]

    def own_invariants(self) -> None:
        """The service's own word."""
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", "check", "--no-files"],
            cwd=ROOT,
            # What is late here is the machine, and was measured by whoever waited for quiet.
            env=self.ground.full_environment("check") | {"HOTLINE_SWEEP_SECONDS": "30"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            self.verdict.expect("hotline check", [line for line in done.stdout.splitlines() if "FAIL" in line])


def _shape(told: Told, *seen: Counter[str]) -> object:
    return told.step, *(frozenset(place.items()) for place in seen)


def _apart(one: Counter[Any], other: Counter[Any]) -> Counter[Any]:
    return (one - other) + (other - one)


def _by(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["request"]][row["what"]] += 1
    return found


def _groups(rows: Iterable[Row], name: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _tier(row: Row) -> Tier | None:
    return Tier(row["tier"]) if row["tier"] else None


def _clock(row: Row, pauses: list[Row]) -> Clock:
    promise = row["promise"]
    cutoff = time.fromisoformat(promise["cutoff"]) if promise["cutoff"] else None
    return Clock(
        kind=ClockKind(row["kind"]),
        promise=Promise(
            promise["unit"], promise["amount"], promise["roll"], cutoff,
            start=promise["start"], end=promise["end"], quiet=promise["quiet"],
        ),
        started_at=row["started_at"],
        pauses=tuple(Pause(pause["starts_at"], pause["ends_at"], pause["reason"]) for pause in pauses),
        extension_days=row["extension_days"],
        stopped_at=row["stopped_at"],
        kept=Kept(row["kept_at"], row["kept_extension_days"]) if row["kept_at"] else None,
        cycle=row["cycle"],
    )  # fmt: skip


def _due(planned: Iterable[PlannedRung], by: datetime) -> Iterator[PlannedRung]:
    return (one for one in planned if one.at <= by)
