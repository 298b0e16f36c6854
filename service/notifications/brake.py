"""The storm brake: who would be told of very many things at once is told of the first few and then, in one notice that
grows, of all the rest.

A sweep after an outage fires thousands of rungs, and each names the same supervisor. The ledger has them all; people
can read only some. What is held back here is no less told: the digest counts it by kind and opens a list of exactly
these escalations (`service/escalations/digests.py`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Identity, UniqueConstraint, text, update
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual
from service.core.logging import log
from service.core.metrics import NOTICES_HELD
from service.core.unit import Unit
from service.notifications.audience import Target
from service.notifications.telling import notice_to
from service.outbox.emit import Message, Queue, emit

DIGEST = "digest"
# A digest that was asked for so long ago is asked for again: whoever was to write it may have been of an older version.
_ASK_AGAIN = timedelta(minutes=1)


class NoticeTally(Base):
    """How many firings one person was told of in one window, counted in the transaction of their ledger rows; urgent
    ones apart."""

    __tablename__ = "notice_tally"
    __table_args__ = (
        UniqueConstraint("person_id", "window_at", "urgent"),
        CheckConstraint("told > 0", name="told"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    window_at: Mapped[datetime]
    urgent: Mapped[bool]
    told: Mapped[int]
    # Since when, or from when on, a message waits that will write the digest; the message takes it away.
    digest_asked_at: Mapped[datetime | None]


class HeldNotice(Base):
    """An escalation that a person is told of by a digest and by no notice of its own. Append-only."""

    __tablename__ = "held_notice"

    tally_id: Mapped[int] = mapped_column(ForeignKey("notice_tally.id"), primary_key=True)
    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalation.id"), primary_key=True, index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """How many notices of firings, and of urgent ones, a person gets one by one within a `window`."""

    notices: int = 10
    urgent: int = 20
    window: timedelta = timedelta(minutes=5)

    def window_of(self, instant: datetime) -> datetime:
        """The beginning of the window in which an instant lies. Windows follow from the time alone, so that it does
        not matter who sweeps, how often, or in how many transactions."""
        seconds = int(self.window.total_seconds())
        return datetime.fromtimestamp(int(instant.timestamp()) // seconds * seconds, UTC)

    def bound(self, *, urgent: bool) -> int:
        """How many of these pass one by one."""
        return self.urgent if urgent else self.notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """An escalation that was just written to the ledger, and what its targets are told. Before `not_before` nobody
    hears of it."""

    escalation_id: int
    ticket_number: str
    text: Bilingual
    targets: Sequence[Target]
    urgent: bool = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class _Lane:
    """What is counted together. Its window is that in which people hear of it: what a night's quiet holds back comes
    all at once in the morning, and that is the storm."""

    person_id: int
    window_at: datetime
    urgent: bool


def tell_all(unit: Unit, occasions: Sequence[Occasion], brake: Brake) -> None:
    """Tell of many escalations in few statements, in the order given, each of them new in this transaction.

    The counts are rows that this transaction adds to, persons in one order whoever sweeps: two sweeps wait for each
    other here and never in a circle, and a sweep that is cut off has counted nothing.
    """
    waiting: dict[_Lane, list[tuple[Target, Occasion]]] = defaultdict(list)
    for occasion in occasions:
        window = brake.window_of(occasion.not_before or unit.now)
        for target in occasion.targets:
            waiting[_Lane(target.person_id, window, occasion.urgent)].append((target, occasion))
    messages: list[Message] = []
    held: list[tuple[int, int]] = []
    asked: list[tuple[int, datetime]] = []
    for lane, tally in _count(unit, waiting):
        listed = waiting[lane]
        free = max(0, brake.bound(urgent=lane.urgent) - (tally.told - len(listed)))
        messages += [
            notice_to(
                target,
                occasion.text,
                key=f"escalation:{occasion.escalation_id}",
                ticket_number=occasion.ticket_number,
                urgent=occasion.urgent,
                not_before=occasion.not_before,
            )
            for target, occasion in listed[:free]
        ]
        if listed[free:]:
            held += [(tally.id, occasion.escalation_id) for _, occasion in listed[free:]]
            not_before = _heard_at([occasion for _, occasion in listed[free:]])
            at = not_before or unit.now
            if tally.asked_at is None or at < tally.asked_at or tally.asked_at < unit.now - _ASK_AGAIN:
                messages.append(_digest(lane, tally, not_before))
                asked.append((tally.id, at))
    _hold(unit, held)
    _ask(unit, asked)
    emit(unit, *messages)


@dataclass(frozen=True, slots=True)
class _Tally:
    """What a lane counts now, and whether its digest was asked for."""

    id: int
    told: int
    asked_at: datetime | None


def _count(unit: Unit, waiting: dict[_Lane, list[tuple[Target, Occasion]]]) -> list[tuple[_Lane, _Tally]]:
    """Each lane with its tally. One statement."""
    if not waiting:
        return []
    lanes = sorted(waiting)
    rows = unit.session.execute(
        text(
            """
            insert into notice_tally (person_id, window_at, urgent, told)
            select * from unnest(
                cast(:people as int[]), cast(:windows as timestamptz[]), cast(:urgent as bool[]), cast(:added as int[])
            ) as lane (person_id, window_at, urgent, added) order by 1, 2, 3
            on conflict (person_id, window_at, urgent) do update set told = notice_tally.told + excluded.told
            returning id, person_id, window_at, urgent, told, digest_asked_at
            """
        ),
        {
            "people": [lane.person_id for lane in lanes],
            "windows": [lane.window_at for lane in lanes],
            "urgent": [lane.urgent for lane in lanes],
            "added": [len(waiting[lane]) for lane in lanes],
        },
    )
    return [
        (_Lane(row.person_id, row.window_at, row.urgent), _Tally(row.id, row.told, row.digest_asked_at)) for row in rows
    ]


def _hold(unit: Unit, held: Sequence[tuple[int, int]]) -> None:
    """Write down what a digest stands for, and raise the alarm: a brake that engages means that something was away."""
    if not held:
        return
    unit.session.execute(
        text(
            "insert into held_notice (tally_id, escalation_id)"
            " select * from unnest(cast(:tallies as int[]), cast(:escalations as int[]))"
        ),
        {"tallies": [tally_id for tally_id, _ in held], "escalations": [escalation_id for _, escalation_id in held]},
    )
    NOTICES_HELD.inc(len(held))
    log.warning("storm_brake", held=len(held), digests=len({tally_id for tally_id, _ in held}))


def _ask(unit: Unit, asked: Sequence[tuple[int, datetime]]) -> None:
    """Note for which digests a message waits from now on: a storm of many batches asks for each of them once, not once
    a batch, and each writing of a digest counts all that it stands for."""
    if asked:
        unit.session.execute(
            text(
                "update notice_tally set digest_asked_at = asked.at"
                " from unnest(cast(:ids as int[]), cast(:at as timestamptz[])) as asked (id, at)"
                " where notice_tally.id = asked.id"
            ),
            {"ids": [tally_id for tally_id, _ in asked], "at": [at for _, at in asked]},
        )


def digest_begun(unit: Unit, tally_id: int) -> NoticeTally:
    """The tally whose digest is about to be written, locked: what is held back from now on asks again, and what was
    held back before is counted."""
    return unit.session.scalars(
        update(NoticeTally).where(NoticeTally.id == tally_id).values(digest_asked_at=None).returning(NoticeTally)
    ).one()


def _heard_at(occasions: Sequence[Occasion]) -> datetime | None:
    """When the first of them may be heard of; None for now."""
    waits = [occasion.not_before for occasion in occasions if occasion.not_before is not None]
    return min(waits) if len(waits) == len(occasions) else None


def _digest(lane: _Lane, tally: _Tally, not_before: datetime | None) -> Message:
    """Asks for the digest to be written, or to grow. `told` never counts back, so no two messages have one key."""
    return Message(
        kind=DIGEST,
        key=f"{DIGEST}:{tally.id}:{tally.told}",
        payload={"person_id": lane.person_id, "tally_id": tally.id},
        queue=Queue.urgent if lane.urgent else Queue.default,
        not_before=not_before,
    )
