"""Who looked: what is read of somebody's matter is on record like what is changed in it.

A use-case says what it shows (`looked`). It runs in a READ ONLY transaction, so the edge writes it down afterwards, in
a transaction of its own with one INSERT and before the answer leaves: what can't be put on record is not shown.
Writing units need none of it: a step is on record as a step.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from service.audit.recording import record
from service.core.unit import Actor, ActorKind, Look, Unit

TICKET_READ = "ticket:read"
TICKET_SEARCH = "ticket:search"
CALLER_LOOKUP = "caller:lookup"
REPORT_READ = "report:read"
AUDIT_SEARCH = "audit:search"

# The same person who sees the same again within this time looks once: a page that is reloaded, a program that polls.
ONE_LOOK = timedelta(minutes=10)
# What a process remembers of that; beyond it begins anew, which costs a row too many.
_REMEMBERED = 20_000
# The service looks at everything all the time, and a worker at what is their own.
_UNWATCHED = frozenset({ActorKind.system, ActorKind.worker})


def looked(unit: Unit, action: str, *, subject: str, **facts: Any) -> None:
    """Say that the actor is shown something. Personal data stands neither in `subject` nor in `facts`."""
    unit.looks.append(Look(action, subject, facts))


def looked_at_ticket(unit: Unit, number: str, part: str) -> None:
    """Say that the actor is shown a part of a ticket: all parts in one unit are one look."""
    for look in unit.looks:
        if (look.action, look.subject) == (TICKET_READ, number):
            if part not in look.facts["parts"]:
                look.facts["parts"].append(part)
            return
    looked(unit, TICKET_READ, subject=number, parts=[part])


def looked_at_report(unit: Unit, name: str, *, org: str, start: date, end: date) -> None:
    """Say that the actor is shown the rows of a report: of which union's subtree, from which day, before which."""
    looked(unit, REPORT_READ, subject=name, org=org, start=start.isoformat(), end=end.isoformat())


class RecentLooks:
    """What this process has put on record of late, so that one look is one row.

    A memory and no table: an append-only row can't count, and a question to the database at each reload would cost as
    much as the row it spares. Other processes have memories of their own, so a look may stand there once for each.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[object, ...], datetime] = {}

    def new(self, unit: Unit) -> list[Look]:
        """The looks of a unit that are to be put on record."""
        if not unit.looks or unit.actor.kind in _UNWATCHED:
            return []
        return [look for look in unit.looks if not self._is_known(unit, look)]

    def remember(self, unit: Unit, looks: Sequence[Look]) -> None:
        """Once they are on record, and not before."""
        if len(self._since) > _REMEMBERED:
            self._since = {}
        self._since |= {_key(unit.actor, look): unit.now for look in looks}

    def _is_known(self, unit: Unit, look: Look) -> bool:
        since = self._since.get(_key(unit.actor, look))
        return since is not None and timedelta(0) <= unit.now - since < ONE_LOOK


def record_looks(unit: Unit, looks: Sequence[Look]) -> None:
    """Write them into the audit, in a unit that commits."""
    for look in looks:
        record(unit, look.action, subject=look.subject, after=look.facts)


def _key(actor: Actor, look: Look) -> tuple[object, ...]:
    # By name: peer systems have no id among the people. Who looks by a login that is not theirs looks for themselves.
    shown = json.dumps([look.action, look.subject, look.facts], ensure_ascii=False, sort_keys=True)
    return actor.kind, actor.name, actor.login.id if actor.login else None, shown
