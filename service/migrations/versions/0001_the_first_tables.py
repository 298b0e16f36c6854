"""The first tables

Revision: 0001
After:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("ticket_event", "escalation", "audit_event")

# What the tables alone cannot say: history is not edited, a breach is not unmade, a published rule is not rewritten.
GUARDS = (
    """
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$
    """,
    *(
        f"create trigger {table}_append_only before update or delete or truncate on {table} "
        "for each statement execute function refuse_change()"
        for table in APPEND_ONLY
    ),
    """
    create function keep_breach() returns trigger language plpgsql as $$
    begin
      if old.breached_at is not null and new.breached_at is distinct from old.breached_at then
        raise exception 'a breach is never unmade (clock %)', old.id using errcode = 'restrict_violation';
      end if;
      if new.first_due_at is distinct from old.first_due_at then
        raise exception 'the first deadline is kept (clock %)', old.id using errcode = 'restrict_violation';
      end if;
      return new;
    end $$
    """,
    "create trigger sla_clock_keep_breach before update on sla_clock for each row execute function keep_breach()",
    """
    create function keep_version() returns trigger language plpgsql as $$
    begin
      if new.content is distinct from old.content or new.version is distinct from old.version then
        raise exception 'a published version is never rewritten (%)', old.version using errcode = 'restrict_violation';
      end if;
      return new;
    end $$
    """,
    "create trigger calendar_version_keep before update on calendar_version "
    "for each row execute function keep_version()",
    "create trigger policy_version_keep before update on policy_version for each row execute function keep_version()",
    """
    create function ring_outbox() returns trigger language plpgsql as $$
    begin
      perform pg_notify('hotline_outbox', '');
      return null;
    end $$
    """,
    "create trigger outbox_message_ring after insert on outbox_message "
    "for each statement execute function ring_outbox()",
)

UNGUARD = tuple(
    f"drop function if exists {name}() cascade"
    for name in ("refuse_change", "keep_breach", "keep_version", "ring_outbox")
)


def upgrade() -> None:
    op.execute("create sequence ticket_number_seq")
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("actor_org", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject", "id"], unique=False)
    op.create_table(
        "calendar_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("covered_until", sa.Date(), nullable=False),
        sa.Column("settled_until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("settled_until <= covered_until", name=op.f("ck_calendar_version_settled_within_covered")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_version")),
        sa.UniqueConstraint("version", name=op.f("uq_calendar_version_version")),
    )
    op.create_index(
        "uq_calendar_version_active",
        "calendar_version",
        ["active"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "caller",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("phone_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_last4", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller")),
        sa.UniqueConstraint("phone_hash", name=op.f("uq_caller_phone_hash")),
    )
    op.create_index(op.f("ix_caller_phone_last4"), "caller", ["phone_last4"], unique=False)
    op.create_table(
        "category",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("group_code", sa.String(), nullable=False),
        sa.Column("group_zh", sa.String(), nullable=False),
        sa.Column("group_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("suggested_tier", sa.String(), nullable=True),
        sa.Column("usual_kind", sa.String(), nullable=False),
        sa.CheckConstraint(
            "suggested_tier in ('ordinary','difficult','complex') or suggested_tier is null",
            name=op.f("ck_category_tier"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_category")),
    )
    op.create_table(
        "employer",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer")),
        sa.UniqueConstraint("name_key", name=op.f("uq_employer_name_key")),
    )
    op.create_table(
        "gateway_delivery",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ticket_number", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_gateway_delivery")),
    )
    op.create_table(
        "org_unit",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("pinyin", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(length=6), nullable=True),
        sa.Column("autonomy", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(level = 'province') = (parent_code is null)",
            name=op.f("ck_org_unit_only_the_province_has_no_parent"),
        ),
        sa.CheckConstraint("code ~ '^[0-9]{6}$'", name=op.f("ck_org_unit_code_is_six_digits")),
        sa.CheckConstraint("level in ('province', 'prefecture', 'county')", name=op.f("ck_org_unit_level")),
        sa.ForeignKeyConstraint(["parent_code"], ["org_unit.code"], name=op.f("fk_org_unit_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_org_unit")),
        sa.UniqueConstraint("name_zh", name=op.f("uq_org_unit_name_zh")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("publishes", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("queue in ('urgent', 'default', 'bulk')", name=op.f("ck_outbox_message_queue")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_message_attempts")),
        sa.CheckConstraint(
            "not (done_at is not null and buried_at is not null)",
            name=op.f("ck_outbox_message_done_or_buried"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_message_key")),
    )
    op.create_index(
        "ix_outbox_message_pending",
        "outbox_message",
        ["available_at", "id"],
        unique=False,
        postgresql_where=sa.text("done_at is null and buried_at is null"),
    )
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint("version", name=op.f("uq_policy_version_version")),
    )
    op.create_index(
        "uq_policy_version_active",
        "policy_version",
        ["active"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "org_alias",
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_org_alias_org_code")),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_org_alias")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "username = lower(username) and username ~ '^[a-z0-9][a-z0-9._-]{1,63}$'",
            name=op.f("ck_person_username"),
        ),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_person_org_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("username", name=op.f("uq_person_username")),
    )
    op.create_index("ix_person_org_code", "person", ["org_code"], unique=False, postgresql_where=sa.text("active"))
    op.create_table(
        "login_token",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_login_token_expires_after_creation")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_login_token_person_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_token")),
    )
    op.create_index(op.f("ix_login_token_person_id"), "login_token", ["person_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ticket_number", sa.String(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("text_zh", sa.String(), nullable=False),
        sa.Column("text_en", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_notice_person_id_key")),
    )
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["person_id", "id"],
        unique=False,
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_table(
        "person_role",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.CheckConstraint(
            "role in ('agent','lawyer','dispatcher','handler','reviewer','supervisor','admin','auditor')",
            name=op.f("ck_person_role_role"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_role_person_id")),
        sa.PrimaryKeyConstraint("person_id", "role", name=op.f("pk_person_role")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("query_code_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("tier_reason", sa.String(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("place_code", sa.String(length=6), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("caller_id", sa.Integer(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("identity_hidden", sa.Boolean(), nullable=False),
        sa.Column("employer_id", sa.Integer(), nullable=True),
        sa.Column("people_count", sa.Integer(), nullable=False),
        sa.Column("amount_owed", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder_code", sa.String(length=6), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("bounces", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("rejection_reason", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("idempotency_digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "accepted_at is not null or state in ('registered','rejected','withdrawn')",
            name=op.f("ck_ticket_accepted_has_time"),
        ),
        sa.CheckConstraint(
            "channel in ('phone', 'mini_program', 'web', 'sms', 'visit', 'letter', 'transfer_12345', 'national', 'import')",
            name=op.f("ck_ticket_channel"),
        ),
        sa.CheckConstraint(
            "kind in ('consultation', 'complaint', 'help', 'report', 'suggestion', 'praise')",
            name=op.f("ck_ticket_kind"),
        ),
        sa.CheckConstraint(
            "state in ('registered', 'accepted', 'to_sign', 'in_progress', 'replied', 'to_callback', 'closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')",
            name=op.f("ck_ticket_state"),
        ),
        sa.CheckConstraint("tier in ('ordinary','difficult','complex')", name=op.f("ck_ticket_tier")),
        sa.CheckConstraint(
            "tier is not null or state in ('registered','rejected','withdrawn')",
            name=op.f("ck_ticket_accepted_has_tier"),
        ),
        sa.CheckConstraint("accepted_at >= received_at", name=op.f("ck_ticket_accepted_after_received")),
        sa.CheckConstraint("amount_owed >= 0", name=op.f("ck_ticket_amount_owed")),
        sa.CheckConstraint("bounces >= 0", name=op.f("ck_ticket_bounces")),
        sa.CheckConstraint("cycle >= 1", name=op.f("ck_ticket_cycle")),
        sa.CheckConstraint("people_count between 1 and 1000000", name=op.f("ck_ticket_people_count")),
        sa.ForeignKeyConstraint(["caller_id"], ["caller.id"], name=op.f("fk_ticket_caller_id")),
        sa.ForeignKeyConstraint(["category_code"], ["category.code"], name=op.f("fk_ticket_category_code")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_ticket_created_by")),
        sa.ForeignKeyConstraint(["employer_id"], ["employer.id"], name=op.f("fk_ticket_employer_id")),
        sa.ForeignKeyConstraint(["holder_code"], ["org_unit.code"], name=op.f("fk_ticket_holder_code")),
        sa.ForeignKeyConstraint(["place_code"], ["org_unit.code"], name=op.f("fk_ticket_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_ticket_created_by_idempotency_key")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
    )
    op.create_index(
        "ix_ticket_caller_id",
        "ticket",
        ["caller_id"],
        unique=False,
        postgresql_where=sa.text("caller_id is not null"),
    )
    op.create_index(
        "ix_ticket_employer_id",
        "ticket",
        ["employer_id"],
        unique=False,
        postgresql_where=sa.text("employer_id is not null"),
    )
    op.create_index(
        "ix_ticket_queue_2",
        "ticket",
        [sa.literal_column('"left"(holder_code, 2)'), "due_at", "id"],
        unique=False,
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.create_index(
        "ix_ticket_queue_4",
        "ticket",
        [sa.literal_column('"left"(holder_code, 4)'), "due_at", "id"],
        unique=False,
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.create_index(
        "ix_ticket_queue_6",
        "ticket",
        [sa.literal_column('"left"(holder_code, 6)'), "due_at", "id"],
        unique=False,
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.create_index("ix_ticket_received_at", "ticket", ["received_at"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("adjudicated", sa.Boolean(), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_by", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.Integer(), nullable=True),
        sa.Column("signed_by_silence", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint("end_reason in ('returned', 'moved', 'finished')", name=op.f("ck_assignment_end_reason")),
        sa.CheckConstraint("role in ('lead', 'assist')", name=op.f("ck_assignment_role")),
        sa.CheckConstraint(
            "ended_at is null or ended_at >= dispatched_at", name=op.f("ck_assignment_ended_after_dispatch")
        ),
        sa.ForeignKeyConstraint(["dispatched_by"], ["person.id"], name=op.f("fk_assignment_dispatched_by")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_assignment_org_code")),
        sa.ForeignKeyConstraint(["signed_by"], ["person.id"], name=op.f("fk_assignment_signed_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_assignment_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index("ix_assignment_org_code", "assignment", ["org_code", "ticket_id"], unique=False)
    op.create_index(
        "uq_assignment_lead",
        "assignment",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("role = 'lead' and ended_at is null"),
    )
    op.create_index(
        "uq_assignment_union",
        "assignment",
        ["ticket_id", "org_code"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "callback_attempt",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.CheckConstraint(
            "result in ('answered', 'timeout', 'invalid_key', 'unreachable', 'refused')",
            name=op.f("ck_callback_attempt_result"),
        ),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_callback_attempt_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_callback_attempt_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempt")),
    )
    op.create_index("ix_callback_attempt_ticket_id", "callback_attempt", ["ticket_id", "cycle", "id"], unique=False)
    op.create_table(
        "rating",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("agent_score", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(contacted, resolved, satisfaction) = case when result = 'answered' then 3 else 0 end",
            name=op.f("ck_rating_answered_whole"),
        ),
        sa.CheckConstraint(
            "result in ('answered', 'timeout', 'invalid_key', 'unreachable', 'refused')",
            name=op.f("ck_rating_result"),
        ),
        sa.CheckConstraint("way in ('call', 'link')", name=op.f("ck_rating_way")),
        sa.CheckConstraint("agent_score between 1 and 5", name=op.f("ck_rating_agent_score")),
        sa.CheckConstraint("satisfaction between 1 and 5", name=op.f("ck_rating_satisfaction")),
        sa.CheckConstraint(
            "satisfaction is null or satisfaction >= 3 or reason is not null",
            name=op.f("ck_rating_low_has_reason"),
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_rating_recorded_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_rating_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("ticket_id", "cycle", name=op.f("uq_rating_ticket_id_cycle")),
    )
    op.create_index("ix_rating_rated_at", "rating", ["rated_at"], unique=False)
    op.create_table(
        "reply",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_way", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("recovered", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("helped", sa.Integer(), nullable=False),
        sa.Column("worker_confirmed", sa.Boolean(), nullable=False),
        sa.Column("replied_by", sa.Integer(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("reviewed_by", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "outcome in ('spoken_answer', 'settlement', 'mediation_agreement', 'letters', 'labour_inspection', 'arbitration', 'procuratorate', 'legal_aid', 'hardship_relief', 'mutual_aid', 'transfer_12345')",
            name=op.f("ck_reply_outcome"),
        ),
        sa.CheckConstraint("verdict in ('approved', 'sent_back')", name=op.f("ck_reply_verdict")),
        sa.CheckConstraint("helped >= 0", name=op.f("ck_reply_helped")),
        sa.CheckConstraint("recovered >= 0", name=op.f("ck_reply_recovered")),
        sa.CheckConstraint("reviewed_by is null or reviewed_by <> replied_by", name=op.f("ck_reply_four_eyes")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_reply_org_code")),
        sa.ForeignKeyConstraint(["replied_by"], ["person.id"], name=op.f("fk_reply_replied_by")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["person.id"], name=op.f("fk_reply_reviewed_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_reply_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
    )
    op.create_index("ix_reply_ticket_id", "reply", ["ticket_id", "id"], unique=False)
    op.create_index("uq_reply_open", "reply", ["ticket_id"], unique=True, postgresql_where=sa.text("verdict is null"))
    op.create_table(
        "sla_clock",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("tier", sa.String(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("promise", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy_version_id", sa.Integer(), nullable=False),
        sa.Column("calendar_version_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("extension_days", sa.Integer(), nullable=False),
        sa.Column("extensions", sa.Integer(), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fired", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_failures", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind in ('dispatch','sign','first_contact','resolve','callback')", name=op.f("ck_sla_clock_kind")
        ),
        sa.CheckConstraint("leg in ('citizen','province','prefecture','county')", name=op.f("ck_sla_clock_leg")),
        sa.CheckConstraint("cycle >= 1", name=op.f("ck_sla_clock_cycle")),
        sa.CheckConstraint("due_at > started_at", name=op.f("ck_sla_clock_due_after_start")),
        sa.CheckConstraint("extension_days >= 0", name=op.f("ck_sla_clock_extension")),
        sa.CheckConstraint(
            "stopped_at is null or next_check_at is null or next_check_at <= stopped_at",
            name=op.f("ck_sla_clock_stopped_rests"),
        ),
        sa.CheckConstraint(
            "stopped_at is null or stopped_at >= started_at", name=op.f("ck_sla_clock_stopped_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["calendar_version_id"], ["calendar_version.id"], name=op.f("fk_sla_clock_calendar_version_id")
        ),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_sla_clock_org_code")),
        sa.ForeignKeyConstraint(
            ["policy_version_id"], ["policy_version.id"], name=op.f("fk_sla_clock_policy_version_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_clock_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_clock")),
    )
    op.create_index("ix_sla_clock_due_at", "sla_clock", ["due_at", "org_code"], unique=False)
    op.create_index(
        "ix_sla_clock_next_check_at",
        "sla_clock",
        ["next_check_at", "id"],
        unique=False,
        postgresql_where=sa.text("next_check_at is not null"),
    )
    op.create_index("ix_sla_clock_ticket_id", "sla_clock", ["ticket_id", "id"], unique=False)
    op.create_index(
        "uq_sla_clock_running",
        "sla_clock",
        ["ticket_id", "kind", "leg", "cycle"],
        unique=True,
        postgresql_where=sa.text("stopped_at is null"),
    )
    op.create_table(
        "step_request",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "kind in ('rejection', 'return', 'extension', 'suspension')", name=op.f("ck_step_request_kind")
        ),
        sa.CheckConstraint("level in ('province', 'prefecture')", name=op.f("ck_step_request_level")),
        sa.CheckConstraint("verdict in ('granted', 'refused', 'void')", name=op.f("ck_step_request_verdict")),
        sa.CheckConstraint("(verdict is null) = (decided_at is null)", name=op.f("ck_step_request_decided_whole")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_step_request_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_step_request_decided_by")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_step_request_org_code")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_step_request_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_request")),
    )
    op.create_index("ix_step_request_ticket_id", "step_request", ["ticket_id", "id"], unique=False)
    op.create_index(
        "uq_step_request_open",
        "step_request",
        ["ticket_id", "kind"],
        unique=True,
        postgresql_where=sa.text("verdict is null"),
    )
    op.create_table(
        "supervision",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("instruction", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_supervision_opened_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_supervision_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision")),
    )
    op.create_index(
        "uq_supervision_open",
        "supervision",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "ticket_alias",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_alias_ticket_id")),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_ticket_alias")),
    )
    op.create_index(op.f("ix_ticket_alias_ticket_id"), "ticket_alias", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_event",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("actor_org", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_event_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_event")),
    )
    op.create_index("ix_ticket_event_ticket_id", "ticket_event", ["ticket_id", "id"], unique=False)
    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("clock_id", sa.Integer(), nullable=False),
        sa.Column("clock_kind", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("org_code", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("targets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("calendar_version", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.CheckConstraint("fired_at >= planned_at", name=op.f("ck_escalation_never_early")),
        sa.ForeignKeyConstraint(["clock_id"], ["sla_clock.id"], name=op.f("fk_escalation_clock_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_escalation_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint(
            "ticket_id", "clock_id", "cycle", "rung", name=op.f("uq_escalation_ticket_id_clock_id_cycle_rung")
        ),
    )
    op.create_index("ix_escalation_planned_at", "escalation", ["planned_at"], unique=False)
    op.create_table(
        "sla_pause",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("clock_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(clock_id, clock_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_sla_pause_overlap",
        ),
        sa.CheckConstraint("ends_at is null or ends_at >= starts_at", name=op.f("ck_sla_pause_ends_after_start")),
        sa.CheckConstraint("review_at > starts_at", name=op.f("ck_sla_pause_review_after_start")),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_sla_pause_approved_by")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_sla_pause_asked_by")),
        sa.ForeignKeyConstraint(["clock_id"], ["sla_clock.id"], name=op.f("fk_sla_pause_clock_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_pause")),
    )
    op.create_index(op.f("ix_sla_pause_clock_id"), "sla_pause", ["clock_id"], unique=False)
    for statement in GUARDS:
        op.execute(statement)


def downgrade() -> None:
    for statement in UNGUARD:
        op.execute(statement)
    op.drop_index(op.f("ix_sla_pause_clock_id"), table_name="sla_pause")
    op.drop_table("sla_pause")
    op.drop_index("ix_escalation_planned_at", table_name="escalation")
    op.drop_table("escalation")
    op.drop_index("ix_ticket_event_ticket_id", table_name="ticket_event")
    op.drop_table("ticket_event")
    op.drop_index(op.f("ix_ticket_alias_ticket_id"), table_name="ticket_alias")
    op.drop_table("ticket_alias")
    op.drop_index("uq_supervision_open", table_name="supervision", postgresql_where=sa.text("closed_at is null"))
    op.drop_table("supervision")
    op.drop_index("uq_step_request_open", table_name="step_request", postgresql_where=sa.text("verdict is null"))
    op.drop_index("ix_step_request_ticket_id", table_name="step_request")
    op.drop_table("step_request")
    op.drop_index("uq_sla_clock_running", table_name="sla_clock", postgresql_where=sa.text("stopped_at is null"))
    op.drop_index("ix_sla_clock_ticket_id", table_name="sla_clock")
    op.drop_index(
        "ix_sla_clock_next_check_at",
        table_name="sla_clock",
        postgresql_where=sa.text("next_check_at is not null"),
    )
    op.drop_index("ix_sla_clock_due_at", table_name="sla_clock")
    op.drop_table("sla_clock")
    op.drop_index("uq_reply_open", table_name="reply", postgresql_where=sa.text("verdict is null"))
    op.drop_index("ix_reply_ticket_id", table_name="reply")
    op.drop_table("reply")
    op.drop_index("ix_rating_rated_at", table_name="rating")
    op.drop_table("rating")
    op.drop_index("ix_callback_attempt_ticket_id", table_name="callback_attempt")
    op.drop_table("callback_attempt")
    op.drop_index("uq_assignment_union", table_name="assignment", postgresql_where=sa.text("ended_at is null"))
    op.drop_index(
        "uq_assignment_lead",
        table_name="assignment",
        postgresql_where=sa.text("role = 'lead' and ended_at is null"),
    )
    op.drop_index("ix_assignment_org_code", table_name="assignment")
    op.drop_table("assignment")
    op.drop_index("ix_ticket_received_at", table_name="ticket")
    op.drop_index(
        "ix_ticket_queue_6",
        table_name="ticket",
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.drop_index(
        "ix_ticket_queue_4",
        table_name="ticket",
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.drop_index(
        "ix_ticket_queue_2",
        table_name="ticket",
        postgresql_where=sa.text(
            "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
        ),
    )
    op.drop_index("ix_ticket_employer_id", table_name="ticket", postgresql_where=sa.text("employer_id is not null"))
    op.drop_index("ix_ticket_caller_id", table_name="ticket", postgresql_where=sa.text("caller_id is not null"))
    op.drop_table("ticket")
    op.drop_table("person_role")
    op.drop_index("ix_notice_unread", table_name="notice", postgresql_where=sa.text("read_at is null"))
    op.drop_table("notice")
    op.drop_index(op.f("ix_login_token_person_id"), table_name="login_token")
    op.drop_table("login_token")
    op.drop_index("ix_person_org_code", table_name="person", postgresql_where=sa.text("active"))
    op.drop_table("person")
    op.drop_table("org_alias")
    op.drop_index("uq_policy_version_active", table_name="policy_version", postgresql_where=sa.text("active"))
    op.drop_table("policy_version")
    op.drop_index(
        "ix_outbox_message_pending",
        table_name="outbox_message",
        postgresql_where=sa.text("done_at is null and buried_at is null"),
    )
    op.drop_table("outbox_message")
    op.drop_table("org_unit")
    op.drop_table("gateway_delivery")
    op.drop_table("employer")
    op.drop_table("category")
    op.drop_index(op.f("ix_caller_phone_last4"), table_name="caller")
    op.drop_table("caller")
    op.drop_index("uq_calendar_version_active", table_name="calendar_version", postgresql_where=sa.text("active"))
    op.drop_table("calendar_version")
    op.drop_index("ix_audit_event_subject", table_name="audit_event")
    op.drop_table("audit_event")
    op.execute("drop sequence if exists ticket_number_seq")
