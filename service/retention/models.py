"""Periods by class, holds that win over them, and runs that erase what is past its time."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words
from service.tickets.models import one_of

# What is erased: files and recordings; who called; what the texts of a matter say.
CLASSES = ("files", "caller", "matter")


class RetentionPolicy(Base):
    """A version of the periods, in months after a ticket's end. Append-only; the newest is in force."""

    __tablename__ = "retention_policy"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    months: Mapped[dict[str, Any]]
    reason: Mapped[Words]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime]


class LegalHold(Base):
    """A ticket, or all of one caller's, that is not touched: because of a case, an inspection. Lifted by another than
    who set it. `until` is the last day of it (local); without one it lasts until it is lifted."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        CheckConstraint("num_nonnulls(ticket_id, caller_id) = 1", name="about_one"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("num_nulls(lifted_by, lifted_at, lift_reason) in (0, 3)", name="lifted_whole"),
        CheckConstraint("lifted_by <> set_by", name="lifted_by_another"),
        Index("ix_legal_hold_ticket_id", "ticket_id", postgresql_where=text("lifted_at is null")),
        Index("ix_legal_hold_caller_id", "caller_id", postgresql_where=text("lifted_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    caller_id: Mapped[int | None] = mapped_column(ForeignKey("caller.id"))
    reason: Mapped[Words]
    until: Mapped[date | None]
    set_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[Words | None]


class RetentionRun(Base):
    """A preview of what is past its time, and what became of it: one person asks for the erasure, another approves.

    `figures` is the preview: for each class how many tickets and the oldest. A run is over (`finished_at`) when all of
    it is done, or when a newer preview took its place.
    """

    __tablename__ = "retention_run"
    __table_args__ = (
        CheckConstraint("(asked_by is null) = (asked_at is null)", name="asked_whole"),
        CheckConstraint("num_nulls(approved_by, approved_at) in (0, 2)", name="approved_whole"),
        CheckConstraint("approved_by is null or asked_by is not null", name="asked_before"),
        CheckConstraint("approved_by <> asked_by", name="approved_by_another"),
        Index("uq_retention_run_open", text("(finished_at is null)"), unique=True,
              postgresql_where=text("finished_at is null")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("retention_policy.id"))
    previewed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    previewed_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime | None]
    reason: Mapped[Words] = mapped_column(default="")
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RetentionItem(Base):
    """One class of one ticket in a run: to be erased, done, or left (`skipped`) because a hold came or it was reopened.

    While it is approved and not done the database lets its ticket's words go, and at no other time.
    """

    __tablename__ = "retention_item"
    __table_args__ = (
        CheckConstraint(one_of("class", CLASSES), name="class"),
        CheckConstraint("num_nonnulls(done_at, skipped_at) <= 1", name="done_or_skipped"),
        Index("ix_retention_item_ticket_id", "ticket_id", "class"),
        Index("ix_retention_item_open", "run_id", "ticket_id",
              postgresql_where=text("done_at is null and skipped_at is null")),
    )  # fmt: skip

    run_id: Mapped[int] = mapped_column(ForeignKey("retention_run.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    class_: Mapped[str] = mapped_column("class", primary_key=True)
    done_at: Mapped[datetime | None]
    skipped_at: Mapped[datetime | None]
