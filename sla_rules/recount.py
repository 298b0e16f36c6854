"""Counting a running clock anew under another promise or calendar, without bringing forward what was told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sla_rules.calendar import WorkCalendar
from sla_rules.clock import Clock
from sla_rules.promise import Deadline, Promise

Shorten = Literal["keep", "follow"]


@dataclass(frozen=True, slots=True)
class Recount:
    """The clock under the new rules and its deadline; `kept` says that the deadline told stood against them."""

    clock: Clock
    deadline: Deadline
    kept: bool


def recount(
    clock: Clock, promise: Promise, calendar: WorkCalendar, *, told: datetime, shorten: Shorten, as_of: datetime | None
) -> Recount:
    """`clock` counted from the same start, pauses and extensions under `promise` and `calendar`.

    told: the deadline until now (aware). Where the new count ends before it, `keep` lets it stand and `follow`
    lets the new one apply, a deadline kept earlier included.
    as_of: as for `Clock.deadline`. Raises ClockStepRefused for a stopped clock: what is finished is not recounted.
    """
    anew = clock.retier(promise)
    if shorten == "follow":
        anew = replace(anew, kept=None)
    due = anew.deadline(calendar, as_of=as_of)
    if due.due_at >= told or shorten == "follow":
        return Recount(anew, due, kept=False)
    held = anew.keep(told)
    return Recount(held, held.deadline(calendar, as_of=as_of), kept=True)
