"""Clocks on a ticket, their pauses, and the versions of the rules they are counted by.

A clock knows its ticket only by id: this room counts time and knows nothing of what a ticket is.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, false, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words


class CalendarVersion(Base):
    """A published work calendar, whole: later years and amended notices make a new row, never an edit."""

    __tablename__ = "calendar_version"
    __table_args__ = (
        Index("uq_calendar_version_active", "active", unique=True, postgresql_where=text("active")),
        CheckConstraint("settled_until <= covered_until", name="settled_within_covered"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    version: Mapped[str] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    covered_until: Mapped[date]
    settled_until: Mapped[date]
    reason: Mapped[str]
    published_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True)


class PolicyVersion(Base):
    """A published policy: promises, limits and ladders."""

    __tablename__ = "policy_version"
    __table_args__ = (Index("uq_policy_version_active", "active", unique=True, postgresql_where=text("active")),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    version: Mapped[str] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    reason: Mapped[str]
    published_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True)


class SlaClock(Base):
    """One promise being kept: from `started_at` until `stopped_at`, owed before `due_at` (exclusive).

    `leg` says whose time it is: the citizen's own, the province's, the city's or the county's. `fired` lists
    the rungs already in the ledger, so that planning the next check needs no join; the ledger's unique key is
    what forbids a second firing. `breached_at` is set once and the database refuses to unset it. `kept_at` is a
    deadline told before a recount, below which no count goes; `kept_extension_days` how many days of extension it
    held already. Whoever moves `due_at` writes an `SlaDueChange` in the same transaction, or the commit is refused.

    A clock of kind `leg` is a lower union's part of the resolve clock that began at `whole_started_at`; it shares that
    clock's promise, pauses and extensions and ends `inner_days` working days earlier.
    `given` marks a deadline that came with the matter from elsewhere: it stands in `kept_at`, and no policy counts it
    anew. `taken_over_at` is when a matter that began elsewhere came here: no rung at or before it is ours to fire.
    """

    __tablename__ = "sla_clock"
    __table_args__ = (
        CheckConstraint("kind in ('dispatch','sign','first_contact','resolve','callback','leg')", name="kind"),
        CheckConstraint("leg in ('citizen','province','prefecture','county')", name="leg"),
        CheckConstraint("cycle >= 1", name="cycle"),
        # A lower union may be given its part when little or nothing of the whole is left.
        CheckConstraint("due_at > coalesce(whole_started_at, started_at)", name="due_after_start"),
        CheckConstraint("stopped_at is null or stopped_at >= started_at", name="stopped_after_start"),
        CheckConstraint(
            "stopped_at is null or next_check_at is null or next_check_at <= stopped_at", name="stopped_rests"
        ),
        CheckConstraint("extension_days >= 0", name="extension"),
        CheckConstraint(
            "(kind = 'leg') = (whole_started_at is not null) and inner_days >= 0", name="leg_is_part_of_a_whole"
        ),
        CheckConstraint("whole_started_at <= started_at", name="leg_begins_later"),
        CheckConstraint("kept_extension_days between 0 and extension_days", name="kept_extension"),
        CheckConstraint("next_check_at > taken_over_at", name="taken_over"),
        Index(
            "uq_sla_clock_running",
            "ticket_id",
            "kind",
            "leg",
            "cycle",
            unique=True,
            postgresql_where=text("stopped_at is null"),
        ),
        Index(
            "ix_sla_clock_next_check_at",
            "next_check_at",
            "id",
            postgresql_where=text("next_check_at is not null"),
        ),
        # An urgent matter is found at once in whatever backlog.
        Index(
            "ix_sla_clock_urgent_next_check_at",
            "next_check_at",
            "id",
            postgresql_where=text("urgent and next_check_at is not null"),
        ),
        Index("ix_sla_clock_ticket_id", "ticket_id", "id"),
        Index("ix_sla_clock_due_at", "due_at", "org_code"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[str]
    leg: Mapped[str]
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    tier: Mapped[str | None]
    urgent: Mapped[bool]
    promise: Mapped[dict[str, Any]]
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    calendar_version_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    started_at: Mapped[datetime]
    first_due_at: Mapped[datetime]
    due_at: Mapped[datetime]
    half_at: Mapped[datetime]
    provisional: Mapped[bool]
    extension_days: Mapped[int] = mapped_column(default=0)
    extensions: Mapped[int] = mapped_column(default=0)
    kept_at: Mapped[datetime | None]
    kept_extension_days: Mapped[int] = mapped_column(default=0, server_default="0")
    given: Mapped[bool] = mapped_column(default=False, server_default=false())
    taken_over_at: Mapped[datetime | None]
    whole_started_at: Mapped[datetime | None]
    inner_days: Mapped[int] = mapped_column(default=0, server_default="0")
    next_check_at: Mapped[datetime | None]
    fired: Mapped[list[str]] = mapped_column(ARRAY(TEXT), default=list)
    stopped_at: Mapped[datetime | None]
    stop_reason: Mapped[str | None]
    breached_at: Mapped[datetime | None]
    check_failures: Mapped[int] = mapped_column(default=0)


class RuleChange(Base):
    """A calendar or policy put in force, and the recount of the open clocks that follows it.

    The recount goes through the clocks in batches (`steps` of them so far), each in its own transaction; `cursor`
    is the last clock looked at, so it goes on where it was cut off. A clock that cannot be counted under the new
    rules keeps the old ones and stands in `failures` by its id with the reason. The figures are of the clocks done
    so far.
    """

    __tablename__ = "rule_change"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("moved <= looked_at and kept <= looked_at", name="figures"),
        Index("ix_rule_change_unfinished", "id", postgresql_where=text("finished_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    reason: Mapped[str]
    policy_before_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    calendar_before_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    calendar_version_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    cursor: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    failures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    looked_at: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    newly_late: Mapped[int] = mapped_column(default=0)
    no_longer_late: Mapped[int] = mapped_column(default=0)
    settled: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]


class SlaDueChange(Base):
    """What moved a deadline: append-only, one row for each move."""

    __tablename__ = "sla_due_change"
    __table_args__ = (
        CheckConstraint("cause in ('pause','resume','extension','retier','handover','merge','recount')", name="cause"),
        CheckConstraint("(cause = 'recount') or rule_change_id is null", name="recount_of_a_change"),
        Index("ix_sla_due_change_clock_id", "clock_id", "id"),
        Index(
            "ix_sla_due_change_rule_change_id",
            "rule_change_id",
            "clock_id",
            postgresql_where=text("rule_change_id is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id"))
    at: Mapped[datetime]
    cause: Mapped[str]
    reason: Mapped[Words]
    due_before: Mapped[datetime]
    due_after: Mapped[datetime]
    provisional_before: Mapped[bool]
    provisional_after: Mapped[bool]
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    calendar_version_id: Mapped[int] = mapped_column(ForeignKey("calendar_version.id"))
    rule_change_id: Mapped[int | None] = mapped_column(ForeignKey("rule_change.id"))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]


class SlaPause(Base):
    """An interval in which a clock does not count. Open while `ends_at` is null; two never overlap."""

    __tablename__ = "sla_pause"
    __table_args__ = (
        CheckConstraint("ends_at is null or ends_at >= starts_at", name="ends_after_start"),
        CheckConstraint("review_at > starts_at", name="review_after_start"),
        # The range types carry their own GiST operators, so no extension is needed for the integer.
        ExcludeConstraint(
            (text("int8range(clock_id, clock_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_sla_pause_overlap",
            using="gist",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    review_at: Mapped[datetime]
    reason: Mapped[Words]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
