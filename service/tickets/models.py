"""Tickets and all that hangs on one: events, assignments, requests, replies, call-back attempts."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    Sequence,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words, WordsInside
from service.tickets.confidentiality import CONFIDENTIALITIES

NUMBER_SEQUENCE = Sequence("ticket_number_seq", metadata=Base.metadata)

CHANNELS = (
    "phone", "mini_program", "web", "sms", "visit", "letter", "transfer_12345", "national", "import",
)  # fmt: skip
KINDS = ("consultation", "complaint", "help", "report", "suggestion", "praise")
MEMBERSHIPS = ("member", "not_member", "unknown")
IDENTITY_GROUPS = ("migrant_worker", "platform_worker", "woman_worker", "worker_in_hardship", "other")
CONTACT_WAYS = ("phone", "message", "visit", "letter")
CONTACT_TIMES = ("any", "office_hours", "evening", "weekend")
OTHER_CHANNELS = ("hotline_12345", "labour_inspection", "arbitration", "court", "petition")
# What a caller may honestly not know; every other question has an answer.
UNKNOWABLE = ("employer", "people_count", "amount_owed")
REJECTION_REASONS = (
    "emergency", "legal_channel", "secret_or_unlawful", "nothing_new", "out_of_scope", "malicious",
)  # fmt: skip
OUTCOMES = (
    "spoken_answer", "settlement", "mediation_agreement", "letters", "labour_inspection", "arbitration",
    "procuratorate", "legal_aid", "hardship_relief", "mutual_aid", "transfer_12345",
)  # fmt: skip
STATES = (
    "registered", "accepted", "to_sign", "in_progress", "replied", "to_callback", "closed", "archived",
    "answered", "rejected", "merged", "transferred_out", "withdrawn", "terminated",
)  # fmt: skip
ENDED = (
    "closed", "archived", "answered", "rejected", "merged", "transferred_out", "withdrawn", "terminated",
)  # fmt: skip


def one_of(column: str, values: tuple[str, ...]) -> str:
    """SQL for a closed list."""
    return f"{column} in ({', '.join(repr(value) for value in values)})"


def all_of(column: str, values: tuple[str, ...]) -> str:
    """SQL for a list each member of which is of a closed list."""
    return f"{column} <@ array[{', '.join(repr(value) for value in values)}]"


OPEN_SQL = "not " + one_of("state", ENDED)


class Category(Base):
    """A leaf of the taxonomy: what a matter is about, with the tier it usually gets."""

    __tablename__ = "category"
    __table_args__ = (
        CheckConstraint("suggested_tier in ('ordinary','difficult','complex') or suggested_tier is null", name="tier"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    group_code: Mapped[str]
    group_zh: Mapped[str]
    group_en: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    suggested_tier: Mapped[str | None]
    usual_kind: Mapped[str]


class Caller(Base):
    """A worker. What they told of themselves is sealed; the hash finds a number, the last four help a human ear."""

    __tablename__ = "caller"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    phone_sealed: Mapped[bytes]
    phone_last4: Mapped[str] = mapped_column(index=True)
    name_sealed: Mapped[bytes | None]
    id_number_sealed: Mapped[bytes | None]
    address_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]


class Employer(Base):
    """A name of an employer, one row for each normal form of a name.

    A row with `merged_into` is another name of that employer; the row it names is the employer itself. A ticket's
    `employer_id` is always an employer itself: whoever counts by it counts each employer once.
    """

    __tablename__ = "employer"
    __table_args__ = (
        CheckConstraint("credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$'", name="credit_code"),
        CheckConstraint("merged_into <> id", name="not_into_itself"),
        CheckConstraint("merged_into is null or credit_code is null", name="another_name_has_no_code"),
        Index("ix_employer_merged_into", "merged_into", postgresql_where=text("merged_into is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    credit_code: Mapped[str | None] = mapped_column(unique=True)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("employer.id"))
    created_at: Mapped[datetime]


class Ticket(Base):
    """A matter (工单). `holder_code` is the union that has it now; `due_at` repeats the deadline of the clock
    that governs its present state, so that a queue is one index scan. `due_at`, `half_at` and `suspended`
    are written only together with the clock they repeat; `hotline check` compares them. An ended ticket that came
    from elsewhere without a promise has no `due_at`; no open one is without.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("tier in ('ordinary','difficult','complex')", name="tier"),
        CheckConstraint(
            "tier is not null or state in ('registered','rejected','withdrawn','archived')", name="accepted_has_tier"
        ),
        CheckConstraint(
            "accepted_at is not null or state in ('registered','rejected','withdrawn','archived')",
            name="accepted_has_time",
        ),
        CheckConstraint("people_count between 1 and 1000000", name="people_count"),
        CheckConstraint("amount_owed >= 0", name="amount_owed"),
        CheckConstraint(one_of("membership", MEMBERSHIPS), name="membership"),
        CheckConstraint(one_of("identity_group", IDENTITY_GROUPS), name="identity_group"),
        CheckConstraint(one_of("confidentiality", CONFIDENTIALITIES), name="confidentiality"),
        CheckConstraint(one_of("contact_way", CONTACT_WAYS), name="contact_way"),
        CheckConstraint(one_of("contact_time", CONTACT_TIMES), name="contact_time"),
        CheckConstraint(all_of("other_channels", OTHER_CHANNELS), name="other_channels"),
        CheckConstraint(all_of("not_known", UNKNOWABLE), name="not_known"),
        CheckConstraint("cycle >= 1", name="cycle"),
        CheckConstraint("bounces >= 0", name="bounces"),
        CheckConstraint("(due_at is null) = (half_at is null)", name="due_whole"),
        CheckConstraint("accepted_at >= received_at", name="accepted_after_received"),
        UniqueConstraint("created_by", "idempotency_key"),
        # What a peer system registers is nobody's: its keys are told apart by its name before them.
        Index(
            "uq_ticket_idempotency_of_nobody",
            "idempotency_key",
            unique=True,
            postgresql_where=text("created_by is null"),
        ),
        # A queue is read by one union, by a city with its counties, or by the province: one index each.
        *(
            Index(f"ix_ticket_queue_{length}", column, "due_at", "id", postgresql_where=text(OPEN_SQL))
            for length, column in ((2, "holder_province"), (4, "holder_prefecture"), (6, "holder_code"))
        ),
        Index("ix_ticket_caller_id", "caller_id", postgresql_where=text("caller_id is not null")),
        Index("ix_ticket_employer_id", "employer_id", "received_at", postgresql_where=text("employer_id is not null")),
        Index("ix_ticket_received_at", "received_at"),
        Index("ix_ticket_category_code", "category_code", "received_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    query_code_sealed: Mapped[bytes]
    state: Mapped[str]
    kind: Mapped[str]
    channel: Mapped[str]
    tier: Mapped[str | None]
    tier_reason: Mapped[Words | None]
    urgent: Mapped[bool] = mapped_column(default=False)
    category_code: Mapped[str] = mapped_column(ForeignKey("category.code"))
    place_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    title: Mapped[Words]
    body: Mapped[Words]
    caller_id: Mapped[int | None] = mapped_column(ForeignKey("caller.id"))
    anonymous: Mapped[bool] = mapped_column(default=False)
    confidentiality: Mapped[str] = mapped_column(default="open", server_default="open")
    # What the release before knew of it: kept by a trigger, read by nobody here, and gone with the next release.
    identity_hidden: Mapped[bool] = mapped_column(server_default=text("false"))
    employer_id: Mapped[int | None] = mapped_column(ForeignKey("employer.id"))
    people_count: Mapped[int] = mapped_column(default=1)
    amount_owed: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    membership: Mapped[str] = mapped_column(default="unknown", server_default="unknown")
    identity_group: Mapped[str | None]
    contact_way: Mapped[str | None]
    contact_time: Mapped[str | None]
    other_channels: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    not_known: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    received_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    holder_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    # Its beginnings, for the queues and for the fence: row-level security looks through indexes on columns alone.
    holder_province: Mapped[str] = mapped_column(Computed("left(holder_code, 2)", persisted=True))
    holder_prefecture: Mapped[str] = mapped_column(Computed("left(holder_code, 4)", persisted=True))
    cycle: Mapped[int] = mapped_column(default=1)
    bounces: Mapped[int] = mapped_column(default=0)
    # Null only on an ended ticket, by a deferred trigger: who reads the deadline of an open one need not ask.
    due_at: Mapped[datetime] = mapped_column(nullable=True)
    half_at: Mapped[datetime] = mapped_column(nullable=True)
    provisional: Mapped[bool] = mapped_column(default=False)
    suspended: Mapped[bool] = mapped_column(default=False)
    rejection_reason: Mapped[str | None]
    answer: Mapped[Words | None]
    row_version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    idempotency_key: Mapped[str | None]
    idempotency_digest: Mapped[bytes | None]


class TicketAlias(Base):
    """The number under which a peer system knows a ticket; a number can't name two tickets."""

    __tablename__ = "ticket_alias"

    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)


class TicketEvent(Base):
    """One step of a ticket's life, append-only. What happened, who did it, and from which state to which."""

    __tablename__ = "ticket_event"
    __table_args__ = (Index("ix_ticket_event_ticket_id", "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    at: Mapped[datetime]
    kind: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    cycle: Mapped[int]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    actor_org: Mapped[str]
    note: Mapped[Words]
    data: Mapped[WordsInside]
    correlation_id: Mapped[str]


class Assignment(Base):
    """A union that was given the ticket. The lead (主办) owns it; assisting unions (协办) help.

    An `inner` union was given it by the lead above it (下派), which stays answerable.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("role in ('lead', 'assist', 'inner')", name="role"),
        CheckConstraint("ended_at is null or ended_at >= dispatched_at", name="ended_after_dispatch"),
        CheckConstraint("end_reason in ('returned', 'moved', 'finished')", name="end_reason"),
        Index(
            "uq_assignment_lead",
            "ticket_id",
            unique=True,
            postgresql_where=text("role = 'lead' and ended_at is null"),
        ),
        Index(
            "uq_assignment_inner",
            "ticket_id",
            unique=True,
            postgresql_where=text("role = 'inner' and ended_at is null"),
        ),
        Index(
            "uq_assignment_union",
            "ticket_id",
            "org_code",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_assignment_org_code", "org_code", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    role: Mapped[str]
    adjudicated: Mapped[bool] = mapped_column(default=False)
    dispatched_at: Mapped[datetime]
    dispatched_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    signed_by_silence: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class StepRequest(Base):
    """A step that one asks for and another decides: rejection, return, extension, suspension.

    `level` is the level of the tree whose decision is awaited; an extension climbs from the city to the province.
    """

    __tablename__ = "step_request"
    __table_args__ = (
        CheckConstraint("kind in ('rejection', 'return', 'extension', 'suspension')", name="kind"),
        CheckConstraint("level in ('province', 'prefecture')", name="level"),
        CheckConstraint("verdict in ('granted', 'refused', 'void')", name="verdict"),
        CheckConstraint("(verdict is null) = (decided_at is null)", name="decided_whole"),
        Index(
            "uq_step_request_open",
            "ticket_id",
            "kind",
            unique=True,
            postgresql_where=text("verdict is null"),
        ),
        Index("ix_step_request_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[str]
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    level: Mapped[str]
    reason: Mapped[Words]
    data: Mapped[WordsInside]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    verdict: Mapped[str | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[Words | None]


class Reply(Base):
    """A union's answer to the worker (反馈), signed by its leader before the worker is called back."""

    __tablename__ = "reply"
    __table_args__ = (
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        CheckConstraint("recovered >= 0", name="recovered"),
        CheckConstraint("helped >= 0", name="helped"),
        CheckConstraint("verdict in ('approved', 'sent_back')", name="verdict"),
        CheckConstraint("reviewed_by is null or reviewed_by <> replied_by", name="four_eyes"),
        Index("uq_reply_open", "ticket_id", unique=True, postgresql_where=text("verdict is null")),
        Index("ix_reply_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    text: Mapped[Words]
    basis: Mapped[Words]
    contacted_at: Mapped[datetime]
    contact_way: Mapped[str]
    outcome: Mapped[str]
    recovered: Mapped[Decimal] = mapped_column(Numeric(14, 2), default=Decimal(0))
    helped: Mapped[int] = mapped_column(default=0)
    worker_confirmed: Mapped[bool] = mapped_column(default=False)
    replied_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    replied_at: Mapped[datetime]
    verdict: Mapped[str | None]
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[datetime | None]
    review_note: Mapped[Words | None]


class Supervision(Base):
    """督办: a supervisor, or the ladder, watches over a ticket until it is answered. One open at a time."""

    __tablename__ = "supervision"
    __table_args__ = (
        Index("uq_supervision_open", "ticket_id", unique=True, postgresql_where=text("closed_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    instruction: Mapped[Words]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
