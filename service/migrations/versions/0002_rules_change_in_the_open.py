"""What moves a deadline is recorded, and a change of rules recounts the open clocks

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("sla_due_change",)

GUARDS = (
    *(
        f"create trigger {table}_append_only before update or delete or truncate on {table} "
        "for each statement execute function refuse_change()"
        for table in APPEND_ONLY
    ),
    # Deferred, so that the record may be written after the clock in the same transaction.
    """
    create function due_is_recorded() returns trigger language plpgsql as $$
    begin
      if not exists (select from sla_due_change where clock_id = new.id and due_before = old.due_at)
         or not exists (select from sla_due_change where clock_id = new.id and due_after = new.due_at) then
        raise exception 'a deadline never moves without a record (clock %)', new.id
          using errcode = 'restrict_violation';
      end if;
      return null;
    end $$
    """,
    "create constraint trigger sla_clock_due_is_recorded after update of due_at on sla_clock "
    "deferrable initially deferred for each row when (old.due_at is distinct from new.due_at) "
    "execute function due_is_recorded()",
)


def upgrade() -> None:
    """Two columns with a constant default, which no row is rewritten for, two tables and their guards."""
    op.add_column("sla_clock", sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sla_clock", sa.Column("kept_extension_days", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_sla_clock_kept_extension"), "sla_clock", "kept_extension_days between 0 and extension_days"
    )
    op.create_table(
        "rule_change",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("policy_before_id", sa.Integer(), nullable=False),
        sa.Column("policy_version_id", sa.Integer(), nullable=False),
        sa.Column("calendar_before_id", sa.Integer(), nullable=False),
        sa.Column("calendar_version_id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("failures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("newly_late", sa.Integer(), nullable=False),
        sa.Column("no_longer_late", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_rule_change_reason")),
        sa.CheckConstraint("moved <= looked_at and kept <= looked_at", name=op.f("ck_rule_change_figures")),
        sa.ForeignKeyConstraint(
            ["calendar_before_id"], ["calendar_version.id"], name=op.f("fk_rule_change_calendar_before_id")
        ),
        sa.ForeignKeyConstraint(
            ["calendar_version_id"], ["calendar_version.id"], name=op.f("fk_rule_change_calendar_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_before_id"], ["policy_version.id"], name=op.f("fk_rule_change_policy_before_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_version_id"], ["policy_version.id"], name=op.f("fk_rule_change_policy_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_change")),
    )
    op.create_index("ix_rule_change_unfinished", "rule_change", ["id"], postgresql_where=sa.text("finished_at is null"))
    op.create_table(
        "sla_due_change",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("clock_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("due_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional_before", sa.Boolean(), nullable=False),
        sa.Column("provisional_after", sa.Boolean(), nullable=False),
        sa.Column("policy_version_id", sa.Integer(), nullable=False),
        sa.Column("calendar_version_id", sa.Integer(), nullable=False),
        sa.Column("rule_change_id", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.CheckConstraint(
            "cause in ('pause','resume','extension','retier','handover','recount')",
            name=op.f("ck_sla_due_change_cause"),
        ),
        sa.CheckConstraint(
            "(cause = 'recount') or rule_change_id is null", name=op.f("ck_sla_due_change_recount_of_a_change")
        ),
        sa.ForeignKeyConstraint(
            ["calendar_version_id"], ["calendar_version.id"], name=op.f("fk_sla_due_change_calendar_version_id")
        ),
        sa.ForeignKeyConstraint(["clock_id"], ["sla_clock.id"], name=op.f("fk_sla_due_change_clock_id")),
        sa.ForeignKeyConstraint(
            ["policy_version_id"], ["policy_version.id"], name=op.f("fk_sla_due_change_policy_version_id")
        ),
        sa.ForeignKeyConstraint(["rule_change_id"], ["rule_change.id"], name=op.f("fk_sla_due_change_rule_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_due_change")),
    )
    op.create_index("ix_sla_due_change_clock_id", "sla_due_change", ["clock_id", "id"])
    op.create_index(
        "ix_sla_due_change_rule_change_id",
        "sla_due_change",
        ["rule_change_id", "clock_id"],
        postgresql_where=sa.text("rule_change_id is not null"),
    )
    for guard in GUARDS:
        op.execute(guard)


def downgrade() -> None:
    """Forget the record of what moved the deadlines."""
    op.execute("drop function if exists due_is_recorded() cascade")
    op.drop_table("sla_due_change")
    op.drop_table("rule_change")
    op.drop_constraint(op.f("ck_sla_clock_kept_extension"), "sla_clock")
    op.drop_column("sla_clock", "kept_extension_days")
    op.drop_column("sla_clock", "kept_at")
