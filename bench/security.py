"""What encryption, row-level security and the audit cost, as ratios: on an intake, on a ticket's page, on a queue page.

    python -m bench.security [--open 100000] [--calls 200] [--rounds 7]

One process, one PostgreSQL (fsync on). Each contestant is the service as it is, with one of the three taken out: the
vault writes what it is given, the tables have no policies, the audit writes no event. They take turns, the order
changes each round; the median of a round's calls counts, and of the rounds' ratios the median. `1.10` means: with it a
call takes 1.10 times what it takes without. The row `nothing` is the service against itself: the noise.
"""

import argparse
import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from decimal import Decimal
from itertools import count
from statistics import median
from typing import Any
from unittest import mock

from sqlalchemy import text

from bench.ground import Ground, ground
from bench.intake import body
from bench.queue import QUEUES, database, load
from service.audit import recording
from service.bootstrap import Application
from service.core.crypto import Vault
from service.identity.people import actor_of_username
from service.tickets.intake import RegisterTicket, register_ticket
from service.tickets.queries import QueueQuery, queue_page, ticket_view

Contestant = Callable[[Application], AbstractContextManager[None]]


def as_it_is(_application: Application) -> AbstractContextManager[None]:
    """Nothing taken out."""
    return nullcontext()


@contextmanager
def without_encryption(_application: Application) -> Iterator[None]:
    """Personal fields are written and read as they are; a look-up hash is bare SHA-256."""
    seal: Callable[..., bytes] = lambda _self, clear, *_: clear.encode()  # noqa: E731
    opened: Callable[..., str] = lambda _self, sealed, *_: bytes(sealed).decode(errors="replace")  # noqa: E731
    hashed: Callable[..., bytes] = lambda _self, clear: hashlib.sha256(clear.encode()).digest()  # noqa: E731
    with (
        mock.patch.object(Vault, "seal", seal),
        mock.patch.object(Vault, "open", opened),
        mock.patch.object(Vault, "lookup", hashed),
    ):
        yield


@contextmanager
def without_the_fence(application: Application) -> Iterator[None]:
    """No table has row-level security; the reach is still told."""
    with application.database.as_owner() as owner:
        fenced = owner.execute(text("select relname from pg_class where relrowsecurity")).scalars().all()
        _switch(application, fenced, "disable")
        try:
            yield
        finally:
            _switch(application, fenced, "enable")


def _switch(application: Application, tables: Sequence[str], how: str) -> None:
    with application.database.as_owner() as owner, owner.begin():
        for table in tables:
            owner.execute(text(f"alter table {table} {how} row level security"))


@contextmanager
def without_audit(_application: Application) -> Iterator[None]:
    """No event is written, and none gets its code."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("service.") and getattr(module, "record", None) is recording.record:
                stack.enter_context(mock.patch.object(module, "record", return_value=None))
        yield


CONTESTANTS: dict[str, Contestant] = {
    "nothing": as_it_is,
    "encryption": without_encryption,
    "row-level security": without_the_fence,
    "audit": without_audit,
}


def fields(turn: int) -> dict[str, Any]:
    """What the agent typed."""
    typed = body(turn)
    return {**typed, "amount_owed": Decimal(str(typed["amount_owed"]))}


def intake(application: Application) -> Callable[[], object]:
    """A call taken down by an agent."""
    serial = count()

    def call() -> object:
        with application.unit() as unit:
            unit.actor = actor_of_username(unit, "agent1")
            return register_ticket(unit, RegisterTicket(**fields(next(serial))))

    return call


def a_ticket(application: Application, number: str, who: str) -> Callable[[], object]:
    """A ticket's page, as its union sees it."""

    def call() -> object:
        with application.reading() as unit:
            unit.actor = actor_of_username(unit, who)
            return ticket_view(unit, number)

    return call


def a_queue(application: Application, org: str, who: str) -> Callable[[], object]:
    """The first fifty of a queue."""

    def call() -> object:
        with application.reading() as unit:
            unit.actor = actor_of_username(unit, who)
            return queue_page(unit, QueueQuery(org=org))

    return call


def milliseconds(call: Callable[[], object], times: int) -> float:
    """The median of so many calls."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return median(taken)


def compare(place: Ground, work: dict[str, Callable[[], object]], *, calls: int, rounds: int) -> None:
    """Print a line for each piece of work and each thing taken out."""
    chance = random.Random(rounds)
    full: dict[str, list[float]] = {name: [] for name in work}
    ratios: dict[tuple[str, str], list[float]] = {(name, out): [] for name in work for out in CONTESTANTS}
    for turn in range(rounds + 1):
        for out in chance.sample(sorted(CONTESTANTS), len(CONTESTANTS)):
            for name, call in work.items():
                whole = milliseconds(call, calls)
                with CONTESTANTS[out](place.application):
                    milliseconds(call, 5)
                    bare = milliseconds(call, calls)
                if turn:
                    full[name].append(whole)
                    ratios[name, out].append(whole / bare)
    for name in work:
        print(f"\n{name}: {median(full[name]):.2f} ms")
        for out in CONTESTANTS:
            each = sorted(ratios[name, out])
            print(f"  {out:20} {median(each):.2f}   ({each[0]:.2f}-{each[-1]:.2f})")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ground() as place:
        full = database(place, "security")
        load(full, options.open)
        application = full.application
        with application.reading() as unit:
            county, who = QUEUES["county"]
            number = queue_page(unit, QueueQuery(org=county)).rows[0].number
        work = {
            "intake": intake(application),
            "a ticket's page, county": a_ticket(application, number, who),
            **{f"queue page, {name}": a_queue(application, *whose) for name, whose in QUEUES.items()},
        }
        print(f"{options.open:,} open tickets; {options.rounds} rounds of {options.calls} calls, taking turns")
        compare(full, work, calls=options.calls, rounds=options.rounds)
        application.database.dispose()


if __name__ == "__main__":
    main()
