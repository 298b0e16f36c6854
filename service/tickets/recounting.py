"""Counting the open clocks anew when the calendar or the policy changes: first as a preview, then for good.

Nothing is unsent and no breach is unmade: what the old rules led to stays on record, and what the new ones ask
for comes on top. The recount runs in batches that can be cut off anywhere and go on where they were.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from service.audit.recording import record
from service.core.errors import Bilingual, HotlineError
from service.core.logging import log
from service.core.unit import Unit
from service.notifications.audience import resolve_audience
from service.notifications.telling import tell
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import Payload
from service.sla import clocks
from service.sla.models import RuleChange, SlaClock, SlaDueChange, SlaPause
from service.sla.publishing import PublishRules, publish
from service.sla.rules import Rules, current_rules
from service.tickets.models import Ticket
from service.tickets.repository import lock_free
from service.tickets.states import GOVERNING, State
from service.tickets.steps import repeat_deadline, write_event
from sla_rules import RuleError

RECOUNT = "rules:recount"
BATCH = 200
_READ_AHEAD = 1000
# A transaction that read the rules before a change may commit a clock under them after it: looked for once more.
_STRAGGLERS_AFTER = timedelta(minutes=1)
# A ticket somebody works on is passed over and taken on the next round.
_NEXT_ROUND_AFTER = timedelta(seconds=5)
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Move:
    """What a change of rules does to one open clock. Times are aware UTC; a deadline is exclusive.

    kept: the new count would end earlier, and the deadline told stands.
    newly_late: it passes from open to overdue; no_longer_late: the reverse, though a breach stays on record.
    """

    number: str
    org_code: str
    kind: str
    cycle: int
    tier: str | None
    before: datetime
    after: datetime
    provisional_before: bool
    provisional_after: bool
    kept: bool
    newly_late: bool
    no_longer_late: bool

    @property
    def shift(self) -> timedelta:
        """By how much the deadline moves; negative is earlier."""
        return self.after - self.before

    @property
    def settled(self) -> bool:
        """Whether a provisional date gives way to a certain one."""
        return self.provisional_before and not self.provisional_after

    @property
    def matters(self) -> bool:
        """Whether there is anything to tell of it."""
        return self.kept or self.shift != _NOTHING or self.provisional_before != self.provisional_after


@dataclass(slots=True)
class Preview:
    """What a change of rules would do to the open clocks, counted as they go by."""

    looked_at: int = 0
    moved: int = 0
    earlier: int = 0
    later: int = 0
    kept: int = 0
    settled: int = 0
    newly_late: int = 0
    no_longer_late: int = 0
    largest_shift: timedelta = _NOTHING
    moves: list[Move] = field(default_factory=list)
    failures: list[tuple[str, Bilingual]] = field(default_factory=list)

    def add(self, looked: "Move | Failure") -> None:
        """Take one clock into the figures."""
        self.looked_at += 1
        if isinstance(looked, Failure):
            self.failures.append((looked.number, looked.reason))
            return
        self.moved += looked.shift != _NOTHING
        self.earlier += looked.shift < _NOTHING
        self.later += looked.shift > _NOTHING
        self.kept += looked.kept
        self.settled += looked.settled
        self.newly_late += looked.newly_late
        self.no_longer_late += looked.no_longer_late
        if abs(looked.shift) > abs(self.largest_shift):
            self.largest_shift = looked.shift
        if looked.matters:
            self.moves.append(looked)


@dataclass(frozen=True, slots=True)
class Failure:
    """A clock that cannot be counted under the new rules; it would keep the old ones."""

    number: str
    reason: Bilingual


def open_clocks(unit: Unit) -> int:
    """How many clocks a change of rules looks at."""
    return unit.session.scalar(select(func.count()).select_from(SlaClock).where(SlaClock.stopped_at.is_(None))) or 0


def previewed(unit: Unit, rules: Rules) -> Iterator[Move | Failure]:
    """What `rules` (as `publishing.proposed` gives them) would do to each open clock, by ticket. Nothing is written.

    Streams: memory does not grow with the number of clocks.
    """
    statement = (
        select(SlaClock, Ticket.number)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(SlaClock.stopped_at.is_(None))
        .order_by(SlaClock.id)
        .execution_options(yield_per=_READ_AHEAD)
    )
    # The session holds its rows weakly: one that has been looked at is let go.
    with unit.session.execute(statement) as rows:
        for part in rows.partitions():
            pauses = _pauses(unit, [row.id for row, _number in part])
            for row, number in part:
                try:
                    yield _moved(row, number, pauses[row.id], rules, unit.now)
                except RuleError as error:
                    yield Failure(number, Bilingual(error.zh, error.en))


def preview(unit: Unit, rules: Rules) -> Preview:
    """All of `previewed` as figures with the list of what would change."""
    figures = Preview()
    for looked in previewed(unit, rules):
        figures.add(looked)
    return figures


def apply_rules(unit: Unit, command: PublishRules) -> RuleChange:
    """Publish rules and ask for the recount of the open clocks. Raises what `publishing.publish` raises."""
    change = publish(unit, command)
    _ask_for_next(unit, change, at=unit.now)
    return change


def clocks_left(unit: Unit, change: RuleChange) -> int:
    """How many open clocks the recount of a change has still to look at."""
    return unit.session.scalar(select(func.count()).select_from(SlaClock).where(*_to_do(change))) or 0


def recount_by_message(unit: Unit, payload: Payload) -> None:
    """Database handler of `rules:recount`: one batch, and a message for the next one."""
    recount_next(unit, int(payload["rule_change_id"]))


def recount_next(unit: Unit, rule_change_id: int) -> RuleChange:
    """Recount the next batch of open clocks and ask for the one after it; what is left is found by the version
    they are counted by, so no order of runs, crashes and repeats counts a clock twice or leaves one out."""
    session = unit.session
    change = session.get_one(RuleChange, rule_change_id, with_for_update=True, populate_existing=True)
    rules = current_rules(session)
    if (rules.policy_version_id, rules.calendar_version_id) != (change.policy_version_id, change.calendar_version_id):
        return change  # a later change has taken over, and its recount looks after every open clock
    change.steps += 1
    due = _left(unit, change, after=change.cursor)
    tickets = {ticket.id: ticket for ticket in lock_free(unit, sorted({ticket_id for _id, ticket_id in due}))}
    for clock_id, ticket_id in due:
        if ticket_id in tickets:
            _recount_one(unit, change, tickets[ticket_id], clock_id, rules)
    if due:
        change.cursor = due[-1][0]
        _ask_for_next(unit, change, at=unit.now)
    elif _left(unit, change, after=0):
        change.cursor = 0
        _ask_for_next(unit, change, at=unit.now + _NEXT_ROUND_AFTER)
    elif change.finished_at is None:
        _finish(unit, change)
        change.cursor = 0
        _ask_for_next(unit, change, at=unit.now + _STRAGGLERS_AFTER)
    return change


def _moved(row: SlaClock, number: str, pauses: Sequence[SlaPause], rules: Rules, now: datetime) -> Move:
    result = clocks.recounted(row, pauses, rules, now)
    after = result.deadline
    return Move(
        number=number,
        org_code=row.org_code,
        kind=row.kind,
        cycle=row.cycle,
        tier=row.tier,
        before=row.due_at,
        after=after.due_at,
        provisional_before=row.provisional,
        provisional_after=after.provisional,
        kept=result.kept,
        newly_late=row.due_at > now >= after.due_at,
        no_longer_late=row.due_at <= now < after.due_at,
    )


def _left(unit: Unit, change: RuleChange, *, after: int) -> list[tuple[int, int]]:
    """Ids of open clocks (and their tickets) not yet under the rules of this change."""
    return [
        (row.id, row.ticket_id)
        for row in unit.session.execute(
            select(SlaClock.id, SlaClock.ticket_id)
            .where(SlaClock.id > after, *_to_do(change))
            .order_by(SlaClock.id)
            .limit(BATCH)
        )
    ]


def _to_do(change: RuleChange) -> tuple[ColumnElement[bool], ...]:
    failed = [int(clock_id) for clock_id in change.failures]
    return SlaClock.stopped_at.is_(None), SlaClock.id.not_in(failed), _under_others(change)


def _under_others(change: RuleChange) -> ColumnElement[bool]:
    return or_(
        SlaClock.policy_version_id != change.policy_version_id,
        SlaClock.calendar_version_id != change.calendar_version_id,
    )


def _recount_one(unit: Unit, change: RuleChange, ticket: Ticket, clock_id: int, rules: Rules) -> None:
    session = unit.session
    clock = session.get_one(SlaClock, clock_id, populate_existing=True, with_for_update=True)
    if clock.stopped_at is not None:
        return
    try:
        with session.begin_nested():
            move = _moved(clock, ticket.number, clocks.pauses_of(unit, clock), rules, unit.now)
            clocks.recount_row(unit, clock, rules, reason=change.reason, change=change)
            session.flush()
    except (RuleError, HotlineError) as error:
        log.error("recount_failed", clock_id=clock_id, ticket=ticket.number, error=type(error).__name__)
        change.failures = {**change.failures, str(clock_id): _said(error)}
        change.looked_at += 1
        return
    change.looked_at += 1
    change.moved += move.shift != _NOTHING
    change.kept += move.kept
    change.settled += move.settled
    change.newly_late += move.newly_late
    change.no_longer_late += move.no_longer_late
    if GOVERNING.get(State(ticket.state)) == clock.kind:
        repeat_deadline(ticket, clock)
        ticket.row_version += 1
    if move.matters:
        write_event(
            unit,
            ticket,
            kind="clock:recounted",
            from_state=ticket.state,
            note=change.reason,
            data={
                "clock": clock.kind,
                "due_before": move.before.isoformat(),
                "due_after": clock.due_at.isoformat(),
                "provisional_before": move.provisional_before,
                "provisional_after": clock.provisional,
                "kept": move.kept,
                "calendar_version": rules.calendar.version,
                "policy_version": rules.policy.version,
                "rule_change": change.id,
            },
        )


def _said(error: RuleError | HotlineError) -> dict[str, str]:
    if isinstance(error, RuleError):
        return {"zh": error.zh, "en": error.en}
    return {"zh": error.sentence("zh"), "en": error.sentence("en")}


def _finish(unit: Unit, change: RuleChange) -> None:
    change.finished_at = unit.now
    figures = {
        name: getattr(change, name)
        for name in ("looked_at", "moved", "kept", "settled", "newly_late", "no_longer_late")
    }
    record(
        unit,
        "rules:recount",
        subject=f"rule_change:{change.id}",
        after={**figures, "failed": len(change.failures)},
    )
    for org_code, moved in _moved_by_union(unit, change).items():
        tell(
            unit,
            resolve_audience(unit, ("handler", "leader"), org_code=org_code),
            Bilingual(
                f"因日历或规则更新,本单位 {moved} 件工单的期限已重新计算({change.reason}),请查看队列。",
                f"The deadlines of {moved} of your tickets were counted anew under a new calendar or policy "
                f"({change.reason}); please look at your queue.",
            ),
            key=f"rule_change:{change.id}:{org_code}",
        )


def _moved_by_union(unit: Unit, change: RuleChange) -> dict[str, int]:
    rows = unit.session.execute(
        select(SlaClock.org_code, func.count(SlaClock.ticket_id.distinct()))
        .join(SlaDueChange, SlaDueChange.clock_id == SlaClock.id)
        .where(SlaDueChange.rule_change_id == change.id, SlaDueChange.due_before != SlaDueChange.due_after)
        .group_by(SlaClock.org_code)
    )
    return {org_code: moved for org_code, moved in rows}  # noqa: C416 - a Result has keys(), so dict() takes it for a mapping


def _ask_for_next(unit: Unit, change: RuleChange, *, at: datetime) -> None:
    emit(
        unit,
        Message(
            kind=RECOUNT,
            key=f"{RECOUNT}:{change.id}:{change.steps}",
            payload={"rule_change_id": change.id},
            queue=Queue.bulk,
            not_before=at,
        ),
    )


def _pauses(unit: Unit, clock_ids: Sequence[int]) -> dict[int, list[SlaPause]]:
    found: dict[int, list[SlaPause]] = defaultdict(list)
    for pause in unit.session.scalars(
        select(SlaPause).where(SlaPause.clock_id.in_(clock_ids)).order_by(SlaPause.starts_at)
    ):
        found[pause.clock_id].append(pause)
    return found
