"""The administrators' rules room: what is in force, what a file would make of it, what each change did.

Shown are numbers, unions, tiers and dates: nothing a caller said. Every function raises RulesNotYours for anybody
but an administrator of the province.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from service.core.clock import local
from service.core.errors import Bilingual, Malformed, NotFound
from service.core.pagination import Cursor
from service.core.unit import Unit
from service.sla.coverage import Provisional, provisional_now
from service.sla.models import CalendarVersion, PolicyVersion, RuleChange, SlaClock, SlaDueChange
from service.sla.publishing import PublishRules, may_manage, proposed, rules_label
from service.sla.rule_files import RuleFile, read_rule_file, rule_proposal
from service.sla.rule_words import PromiseLine, Understood, promise_lines, understood
from service.sla.rules import Rules, current_rules
from service.tickets.models import Ticket
from service.tickets.recounting import Move, Preview, apply_rules, clocks_left, preview
from sla_rules import CoverageAlarm, DayInfo, Policy, RuleError, WorkCalendar, arrangement_of, coverage_alarm, to_toml

# Failures are exceptions; a page of them is enough to see what is wrong.
_MOST_FAILURES = 200
# A refusal quotes every sentence in doubt; the first dozen say what is wrong.
_LONGEST_REASON = 2_000


class RuleFileRefused(Malformed):
    """What a file says cannot be put in force; the reason names its line or quotes its sentence."""

    zh = "文件不能载入:{reason}"
    en = "The file cannot be put in force: {reason}"


class YearOutsideCalendar(NotFound):
    zh = "日历只能回答 {first} 至 {last} 年。"
    en = "The calendar can speak of the years {first} to {last} only."


class RuleChangeNotFound(NotFound):
    zh = "没有第 {id} 号规则变更。"
    en = "There is no change of rules no. {id}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """Put in force what a file says. `expected` is the label its preview showed; None asks nothing."""

    file: RuleFile
    reason: str
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change of rules and how far its recount is. `left` clocks are still under other rules.

    failures: the numbers of tickets with a clock that kept the old rules, each with the reason.
    """

    id: int
    at: datetime
    actor_name: str
    reason: str
    policy_before: str
    policy_after: str
    calendar_before: str
    calendar_after: str
    looked_at: int
    moved: int
    kept: int
    settled: int
    newly_late: int
    no_longer_late: int
    finished_at: datetime | None
    left: int = 0
    failed: int = 0
    failures: tuple[tuple[str, Bilingual], ...] = ()

    @property
    def progress(self) -> float:
        """The part of the clocks that is done, 0 to 1."""
        if self.finished_at is not None:
            return 1.0
        return self.looked_at / (self.looked_at + self.left) if self.looked_at + self.left else 0.0


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, newest first, and the cursor of the next page if there is more."""

    changes: tuple[ChangeView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """What a recount did to one clock, as recorded with it."""

    number: str
    org_code: str
    kind: str
    cycle: int
    tier: str | None
    before: datetime
    after: datetime
    provisional_before: bool
    provisional_after: bool

    @property
    def shift(self) -> timedelta:
        """By how much the deadline moved; negative is earlier."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class MovePage:
    """Moves in the order of their clocks, and the cursor of the next page if there is more."""

    moves: tuple[RecordedMove, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules and how they stand. `label` is what a change sends back as `expected`."""

    label: str
    policy: Policy
    policy_since: datetime
    calendar: WorkCalendar
    calendar_since: datetime
    today: date
    alarm: CoverageAlarm | None
    provisional: Provisional
    promises: tuple[PromiseLine, ...]
    unfinished: ChangeView | None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """Every day of a year. `noticed`: its own notice is in force; without it the days are computed by law."""

    year: int
    calendar_version: str
    days: tuple[DayInfo, ...]
    noticed: bool
    published_years: tuple[int, ...]

    @property
    def special(self) -> tuple[DayInfo, ...]:
        """The days that their weekday alone does not explain."""
        return tuple(day for day in self.days if day.kind in ("off", "work") or day.name)

    @property
    def working_days(self) -> int:
        """How many days are worked."""
        return sum(day.working for day in self.days)


@dataclass(frozen=True, slots=True)
class FilePreview:
    """What a file would do. `label` is of the rules in force now, `after` of those that would follow.

    moves: the gravest first: newly late, then by how far they move, then what is only kept or settled.
    """

    label: str
    after: str
    figures: Preview
    moves: tuple[Move, ...]


def rules_in_force(unit: Unit) -> RulesInForce:
    """The rules in force, how far they reach and what is under way."""
    may_manage(unit)
    rules = current_rules(unit.session)
    today = local(unit.now).date()
    policy_since = select(PolicyVersion.published_at).where(PolicyVersion.id == rules.policy_version_id)
    calendar_since = select(CalendarVersion.published_at).where(CalendarVersion.id == rules.calendar_version_id)
    unfinished = unit.session.execute(_changes().where(RuleChange.finished_at.is_(None)).limit(1)).first()
    return RulesInForce(
        label=rules_label(rules),
        policy=rules.policy,
        policy_since=unit.session.scalars(policy_since).one(),
        calendar=rules.calendar,
        calendar_since=unit.session.scalars(calendar_since).one(),
        today=today,
        alarm=coverage_alarm(rules.calendar, today),
        provisional=provisional_now(unit),
        promises=promise_lines(rules.policy),
        unfinished=_change_view(unit, unfinished) if unfinished else None,
    )


def calendar_year(unit: Unit, year: int | None = None) -> CalendarYear:
    """A year of the calendar in force, the present one if none is named. Raises YearOutsideCalendar."""
    may_manage(unit)
    calendar = current_rules(unit.session).calendar
    wanted = local(unit.now).year if year is None else year
    if not calendar.first_day.year <= wanted <= calendar.last_day.year:
        raise YearOutsideCalendar(first=calendar.first_day.year, last=calendar.last_day.year)
    first = date(wanted, 1, 1)
    length = (date(wanted + 1, 1, 1) - first).days
    published = tuple(each.year for each in calendar.years)
    return CalendarYear(
        year=wanted,
        calendar_version=calendar.version,
        days=tuple(calendar.day(first + timedelta(days=offset)) for offset in range(length)),
        noticed=wanted in published,
        published_years=published,
    )


def arrangement_text(unit: Unit) -> str:
    """What is laid over the notices now, as the TOML that can be edited and loaded."""
    may_manage(unit)
    return to_toml(arrangement_of(current_rules(unit.session).calendar))


def policy_in_force(unit: Unit) -> Policy:
    """The policy, whole."""
    may_manage(unit)
    return current_rules(unit.session).policy


def read_for_review(unit: Unit, file: RuleFile) -> Understood:
    """What a file says, doubts and all. Raises RuleFileRefused, and as `read_rule_file` does."""
    may_manage(unit)
    calendar = current_rules(unit.session).calendar
    years = frozenset(year.year for year in calendar.years)
    with _in_the_files_words():
        return understood(read_rule_file(calendar, file), in_force=frozenset() if file.amends else years)


def preview_file(unit: Unit, file: RuleFile) -> FilePreview:
    """What a file would do to the open clocks; nothing is written.

    Raises RuleFileRefused, and as `rule_proposal` and `proposed` do.
    """
    may_manage(unit)
    now = current_rules(unit.session)
    then = _proposed(unit, now, file)
    figures = preview(unit, then)
    moves = sorted(figures.moves, key=lambda move: (not move.newly_late, -abs(move.shift), not move.kept, move.number))
    return FilePreview(label=rules_label(now), after=rules_label(then), figures=figures, moves=tuple(moves))


def change_rules(unit: Unit, command: ChangeRules) -> RuleChange:
    """Put in force what a file says and ask for the recount.

    Raises RuleFileRefused, and as `rule_proposal` and `publishing.publish` do.
    """
    may_manage(unit)
    with _in_the_files_words():
        proposal = rule_proposal(current_rules(unit.session).calendar, command.file)
    return apply_rules(
        unit,
        PublishRules(
            calendar=proposal.calendar, policy=proposal.policy, reason=command.reason, expected=command.expected
        ),
    )


def rule_changes(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> ChangePage:
    """The changes, newest first. `limit` 1 to 200. Raises CursorUnreadable."""
    may_manage(unit)
    statement = _changes()
    if cursor is not None:
        statement = statement.where(RuleChange.id < Cursor.decode(cursor).id)
    found = unit.session.execute(statement.limit(limit + 1)).all()
    views = tuple(_change_view(unit, row) for row in found[:limit])
    more = len(found) > limit
    return ChangePage(views, Cursor(at=views[-1].at, id=views[-1].id).encode() if more else None)


def rule_change(unit: Unit, change_id: int) -> ChangeView:
    """One change with its failures. Raises RuleChangeNotFound."""
    may_manage(unit)
    row = unit.session.execute(_changes().where(RuleChange.id == change_id)).one_or_none()
    if row is None:
        raise RuleChangeNotFound(id=change_id)
    return _change_view(unit, row)


def recorded_moves(unit: Unit, change_id: int, *, limit: int = 50, cursor: str | None = None) -> MovePage:
    """The clocks whose deadline a change moved or settled, one row each. `limit` 1 to 200.

    Raises RuleChangeNotFound, CursorUnreadable.
    """
    may_manage(unit)
    if unit.session.get(RuleChange, change_id) is None:
        raise RuleChangeNotFound(id=change_id)
    statement = (
        select(SlaDueChange, SlaClock.org_code, SlaClock.kind, SlaClock.cycle, SlaClock.tier, Ticket.number)
        .join(SlaClock, SlaClock.id == SlaDueChange.clock_id)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(SlaDueChange.rule_change_id == change_id)
        .order_by(SlaDueChange.clock_id)
    )
    if cursor is not None:
        statement = statement.where(SlaDueChange.clock_id > Cursor.decode(cursor).id)
    found = unit.session.execute(statement.limit(limit + 1)).all()
    moves = tuple(
        RecordedMove(
            number=row.number,
            org_code=row.org_code,
            kind=row.kind,
            cycle=row.cycle,
            tier=row.tier,
            before=row.SlaDueChange.due_before,
            after=row.SlaDueChange.due_after,
            provisional_before=row.SlaDueChange.provisional_before,
            provisional_after=row.SlaDueChange.provisional_after,
        )
        for row in found[:limit]
    )
    last = found[limit - 1].SlaDueChange if len(found) > limit else None
    return MovePage(moves, Cursor(at=last.at, id=last.clock_id).encode() if last else None)


@contextmanager
def _in_the_files_words() -> Iterator[None]:
    """What the rules refuse about a file is the sender's to put right."""
    try:
        yield
    except RuleError as error:
        raise RuleFileRefused(reason=Bilingual(_shortened(error.zh), _shortened(error.en))) from error


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"


def _proposed(unit: Unit, now: Rules, file: RuleFile) -> Rules:
    with _in_the_files_words():
        proposal = rule_proposal(now.calendar, file)
    return proposed(unit, calendar=proposal.calendar, policy=proposal.policy)


def _changes() -> Select[RuleChange, str, str, str, str]:  # type: ignore[type-arg]
    policies, calendars = aliased(PolicyVersion), aliased(CalendarVersion)
    policies_before, calendars_before = aliased(PolicyVersion), aliased(CalendarVersion)
    return (
        select(
            RuleChange,
            policies_before.version.label("policy_before"),
            policies.version.label("policy_after"),
            calendars_before.version.label("calendar_before"),
            calendars.version.label("calendar_after"),
        )
        .join(policies_before, policies_before.id == RuleChange.policy_before_id)
        .join(policies, policies.id == RuleChange.policy_version_id)
        .join(calendars_before, calendars_before.id == RuleChange.calendar_before_id)
        .join(calendars, calendars.id == RuleChange.calendar_version_id)
        .order_by(RuleChange.id.desc())
    )


def _change_view(unit: Unit, row: Row[RuleChange, str, str, str, str]) -> ChangeView:  # type: ignore[type-arg]
    change = row.RuleChange
    return ChangeView(
        id=change.id,
        at=change.at,
        actor_name=change.actor_name,
        reason=change.reason,
        policy_before=row.policy_before,
        policy_after=row.policy_after,
        calendar_before=row.calendar_before,
        calendar_after=row.calendar_after,
        looked_at=change.looked_at,
        moved=change.moved,
        kept=change.kept,
        settled=change.settled,
        newly_late=change.newly_late,
        no_longer_late=change.no_longer_late,
        finished_at=change.finished_at,
        left=0 if change.finished_at else clocks_left(unit, change),
        failed=len(change.failures),
        failures=_failures(unit, change),
    )


def _failures(unit: Unit, change: RuleChange) -> tuple[tuple[str, Bilingual], ...]:
    if not change.failures:
        return ()
    shown = dict(sorted(change.failures.items(), key=lambda entry: int(entry[0]))[:_MOST_FAILURES])
    rows = unit.session.execute(
        select(SlaClock.id, Ticket.number)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(SlaClock.id.in_([int(clock_id) for clock_id in shown]))
        .order_by(SlaClock.id)
    )
    return tuple((number, Bilingual(**shown[str(clock_id)])) for clock_id, number in rows)
