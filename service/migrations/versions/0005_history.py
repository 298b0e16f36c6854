"""History can be imported

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ENDED = "('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"

GUARDS = (
    # Deferred, so that a ticket may be reopened before its new clock is there, in the same transaction.
    f"""
    create function open_ticket_has_due() returns trigger language plpgsql as $$
    begin
      if exists (select from ticket where id = new.id and due_at is null and state not in {_ENDED}) then
        raise exception 'an open ticket has a deadline (ticket %)', new.id using errcode = 'restrict_violation';
      end if;
      return null;
    end $$
    """,
    "create constraint trigger ticket_open_has_due after insert or update of state, due_at on ticket "
    "deferrable initially deferred for each row when (new.due_at is null) "
    "execute function open_ticket_has_due()",
)


def upgrade() -> None:
    """Columns that rewrite no row, and three tables: runs, what they brought, what was remarked."""
    op.alter_column("ticket", "due_at", nullable=True)
    op.alter_column("ticket", "half_at", nullable=True)
    op.create_check_constraint(op.f("ck_ticket_due_whole"), "ticket", "(due_at is null) = (half_at is null)")
    op.add_column("sla_clock", sa.Column("given", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("sla_clock", sa.Column("taken_over_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_sla_clock_taken_over"), "sla_clock", "next_check_at > taken_over_at")
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mapping_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mapping", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cursor = imported + known + refused", name=op.f("ck_import_run_every_row_accounted")),
        sa.CheckConstraint("warned <= imported", name=op.f("ck_import_run_warned")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("file_digest", "mapping_digest", name=op.f("uq_import_run_file_digest_mapping_digest")),
    )
    op.create_table(
        "imported_ticket",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("undated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_imported_ticket_ticket_id")),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_imported_ticket_run_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_imported_ticket")),
        sa.UniqueConstraint("run_id", "line", name=op.f("uq_imported_ticket_run_id_line")),
    )
    op.create_table(
        "import_remark",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("weight", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("zh", sa.String(), nullable=False),
        sa.Column("en", sa.String(), nullable=False),
        sa.CheckConstraint("weight in ('refused', 'warned')", name=op.f("ck_import_remark_weight")),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_remark_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_remark")),
    )
    op.create_index("ix_import_remark_run_id", "import_remark", ["run_id", "id"])
    for guard in GUARDS:
        op.execute(guard)


def downgrade() -> None:
    """Forget where tickets came from. Undated ones get the end they had as their deadline."""
    for table in ("import_remark", "imported_ticket", "import_run"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_sla_clock_taken_over"), "sla_clock")
    op.drop_column("sla_clock", "taken_over_at")
    op.drop_column("sla_clock", "given")
    op.execute("drop function if exists open_ticket_has_due() cascade")
    op.drop_constraint(op.f("ck_ticket_due_whole"), "ticket")
    op.execute("update ticket set due_at = ended_at, half_at = ended_at where due_at is null")
    op.alter_column("ticket", "half_at", nullable=False)
    op.alter_column("ticket", "due_at", nullable=False)
