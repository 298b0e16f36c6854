"""The sweep with 10,000, 100,000 and 1,000,000 open tickets of which 1,000 are due, and 100,000 due at once.

    python -m bench.sweep [--open 10000 100000 1000000] [--due 1000] [--rounds 3] [--outage 100000]

Tickets and their clocks are loaded by COPY, a database for each number of open ones. The clock is set to where the
next thousand is due and a scheduler's tick fires them; the databases take turns. Printed: seconds of a tick, SQL
statements, rows of clocks that PostgreSQL read, growth of the process's memory; and the ratio of the largest to the
smallest. Then the outage: so many clocks due at once, with one urgent matter in the middle of them, found by a
scheduler and a worker as they are started in production.
"""

import argparse
import random
import resource
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import psycopg
from sqlalchemy import event

from bench.ground import Ground, ground, process
from bench.queue import database, plain
from service.bootstrap import Application, build
from service.core.clock import SimulatedClock
from service.core.db import copy_in, outside_the_fence
from service.core.settings import Settings
from service.org.tree import org_tree
from service.sla.clocks import StartClock, clock_value, prepare
from service.sla.models import SlaClock
from service.sla.rules import Rules, current_rules
from service.tickets.models import Ticket
from sla_rules import ClockKind, Tier, plan
from workers.scheduler import Ticker

CHUNK = 20_000
# So many starts are counted by the rules; tickets share them.
STARTS = 300
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sweeping:
    """What one tick cost."""

    seconds: float
    fired: int
    statements: int
    rows_read: int
    grown_mib: float


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--due", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--outage", type=int, default=100_000)
    options = parser.parse_args()
    with ground() as place:
        what_is_open(place, sorted(options.open), due=options.due, rounds=options.rounds)
        if options.outage:
            an_outage(place, options.outage)


def what_is_open(place: Ground, sizes: Sequence[int], *, due: int, rounds: int) -> None:
    """The same number of due clocks among more and more that are not."""
    begin = datetime.now(UTC)
    places = {size: database(place, f"sweep_{size}") for size in sizes}
    ticks: list[datetime] = []
    for size, each in places.items():
        with each.application.reading() as unit:
            windows = starts_by_check(current_rules(unit.session), begin, windows=rounds + 1)
        ticks = [window[-1]["next_check_at"] for window in windows]
        load(each, [*((due, window) for window in windows[:-1]), (size - due * rounds, windows[-1])])
    results: dict[int, list[Sweeping]] = {size: [] for size in sizes}
    for tick in ticks[:-1]:
        for size, each in places.items():
            results[size].append(one_tick(each, tick))
    print(f"{due:,} clocks due, {rounds} ticks of each, taking turns; medians")
    for size, done in results.items():
        if any(each.fired != due for each in done):
            raise RuntimeError(f"{size}: fired {[each.fired for each in done]}, not {due}")
        print(
            f"  {size:>9,} open   {median(each.seconds for each in done):6.2f} s"
            f"   {due / median(each.seconds for each in done):7.0f} clocks/s"
            f"   {median(each.statements for each in done):6.0f} statements"
            f"   {median(each.rows_read for each in done):7.0f} clock rows read"
            f"   {max(each.grown_mib for each in done):+6.1f} MiB"
        )
    small, large = results[sizes[0]], results[sizes[-1]]
    ratio = median(a.seconds / b.seconds for a, b in zip(large, small, strict=True))
    print(f"  time of the largest / the smallest: {ratio:.2f}")
    for each in places.values():
        each.application.database.dispose()


def one_tick(place: Ground, at: datetime) -> Sweeping:
    """A scheduler's sweep of all that is due at a moment."""
    application = simulated(place, at)
    seen = [0]
    event.listen(application.database.engine, "before_cursor_execute", lambda *_: seen.__setitem__(0, seen[0] + 1))
    before, memory = rows_read(place), peak_mib()
    begun = time.perf_counter()
    swept = Ticker(application, threading.Event()).sweep_all()
    seconds = time.perf_counter() - begun
    application.database.dispose()
    return Sweeping(seconds, swept.fired, seen[0], rows_read(place) - before, peak_mib() - memory)


def an_outage(place: Ground, count: int) -> None:
    """Three days without a scheduler, told by processes of their own; the urgent matter is not the oldest."""
    other = database(place, "outage")
    with other.application.reading() as unit:
        waiting = after_an_outage(current_rules(unit.session), unit.now - 3 * _DAY, unit.now)
    ordinary, urgent = waiting, [{**waiting[len(waiting) // 2], "urgent": True}]
    load(other, [(count, ordinary), (1, urgent)])
    url = plain(other.application.database.url)
    with psycopg.connect(url, autocommit=True) as watch, ExitStack() as stack:
        begun = time.perf_counter()
        for module in ("workers.worker", "workers.scheduler"):
            stack.enter_context(process(["-m", module], other.environment, other.folder / f"{module}.log"))
        first_urgent = fired_all = 0.0
        while True:
            passed = time.perf_counter() - begun
            if not first_urgent and one(watch, "select count(*) from notice where urgent"):
                first_urgent = passed
            if not fired_all and not one(watch, "select count(*) from sla_clock where next_check_at <= now()"):
                fired_all = passed
            if fired_all and not one(
                watch,
                "select count(*) from outbox_message where done_at is null and buried_at is null"
                " and available_at <= now() + interval '1 minute'",
            ):
                break
            if passed > 3600:
                raise RuntimeError("not drained in an hour")
            time.sleep(0.2)
        rungs = one(watch, "select count(*) from escalation")
        notices, digests = one(watch, "select count(*) from notice"), one(watch, "select count(*) from outbox_message")
    print(f"\n{count:,} clocks due at once after an outage; one scheduler, one worker, started cold")
    print(f"  first urgent notice in the inbox after {first_urgent:.1f} s")
    print(f"  {rungs:,} rungs in the ledger after {fired_all:.0f} s: {rungs / fired_all:.0f} a second")
    print(f"  {digests:,} messages made, {notices:,} notices in the inboxes, all after {passed:.0f} s")
    other.application.database.dispose()


def starts_by_check(rules: Rules, begin: datetime, *, windows: int) -> list[list[dict[str, Any]]]:
    """Clocks that began around a moment, in windows by when they are first due; the last window has days to go
    after the one before it."""
    chance = random.Random(windows)
    found = sorted(
        (begun(rules, begin - chance.random() * 5 * _DAY) for _ in range(STARTS * windows)),
        key=lambda values: values["next_check_at"],
    )
    parts = [found[number * STARTS : (number + 1) * STARTS] for number in range(windows)]
    return [[each for each in part if each["next_check_at"] > found[0]["next_check_at"]] for part in parts]


def after_an_outage(rules: Rules, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Clocks of the last month that have rungs due between two moments, as a scheduler that stopped at the first of
    them left them."""
    chance = random.Random(3)
    ladder = rules.policy.ladder(ClockKind.resolve, Tier.complex)
    waiting = []
    while len(waiting) < STARTS:
        values = begun(rules, end - chance.random() * 30 * _DAY)
        row = SlaClock(**values)
        rungs = plan(clock_value(row, []), ladder, rules.calendar_of(row.org_code), as_of=end)
        due = [rung.at for rung in rungs if begin < rung.at <= end]
        if due:
            fired = [rung.rung.name for rung in rungs if rung.at <= begin]
            waiting.append({**values, "fired": fired, "next_check_at": min(due)})
    return sorted(waiting, key=lambda values: values["next_check_at"])


def begun(rules: Rules, at: datetime) -> dict[str, Any]:
    """A running clock of a specially complex matter, without its ticket."""
    return prepare(
        StartClock(
            ticket_id=0,
            kind=ClockKind.resolve,
            leg="citizen",
            org_code="630102",
            cycle=1,
            tier=Tier.complex,
            urgent=False,
            started_at=at,
        ),
        rules,
    )


def load(place: Ground, parts: Sequence[tuple[int, Sequence[dict[str, Any]]]]) -> None:
    """Open tickets with a running clock each, so many of each kind, spread over all unions."""
    with place.application.reading() as unit:
        unions = [union.code for union in org_tree(unit.session) if union.level != "province"]
    chance = random.Random(len(parts))
    with psycopg.connect(plain(place.application.database.url), autocommit=True) as connection:
        # Nobody searches here: the texts need not be cut into words.
        connection.execute("alter table ticket disable trigger user")
        serial = 0
        for count, kinds in parts:
            for begin in range(0, count, CHUNK):
                numbers = range(serial + 1, serial + 1 + min(CHUNK, count - begin))
                serial = numbers[-1]
                matters = [(number, chance.choice(unions), chance.choice(kinds)) for number in numbers]
                with place.application.unit() as unit:
                    outside_the_fence(unit.session)
                    copy_in(unit.session, Ticket, [ticket(*matter) for matter in matters])
                    copy_in(
                        unit.session,
                        SlaClock,
                        [{**values, "ticket_id": number, "org_code": union} for number, union, values in matters],
                    )
        connection.execute("alter table ticket enable trigger user")
        connection.execute("vacuum analyze")


def ticket(number: int, union: str, clock: dict[str, Any]) -> dict[str, Any]:
    """A row of an open ticket in a union's hands."""
    return {
        "id": number,
        "number": f"QH12351-{20000101 + number // 1_000_000}-{number % 1_000_000:06d}",
        "query_code_sealed": b"x" * 37,
        "state": "in_progress",
        "kind": "complaint",
        "channel": "phone",
        "tier": clock["tier"],
        "urgent": clock["urgent"],
        "category_code": "0101",
        "place_code": union,
        "title": f"拖欠工资 {number}",
        "body": "工地三个月没有发工资。" * 5,
        "received_at": clock["started_at"],
        "accepted_at": clock["started_at"],
        "holder_code": union,
        "due_at": clock["due_at"],
        "half_at": clock["half_at"],
        "provisional": clock["provisional"],
        "created_at": clock["started_at"],
    }


def simulated(place: Ground, at: datetime) -> Application:
    """The application at another moment, with an engine of its own."""
    settings: Settings = place.application.settings
    return build(settings, clock=SimulatedClock(at))


def rows_read(place: Ground) -> int:
    """Rows of clocks that PostgreSQL has fetched so far, by any index or by none."""
    with psycopg.connect(plain(place.application.database.url), autocommit=True) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        return one(
            connection,
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'sla_clock'",
        )


def one(connection: psycopg.Connection[Any], query: str) -> int:
    """The single number a query answers with."""
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


def peak_mib() -> float:
    """The most memory this process has had, in MiB. Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
