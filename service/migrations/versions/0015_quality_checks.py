"""Replies are drawn for a quality check

Revision: 0015
After: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "quality_check",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("checked_by", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("verdict in ('passed', 'failed')", name=op.f("ck_quality_check_verdict")),
        sa.CheckConstraint("(verdict is null) = (checked_at is null)", name=op.f("ck_quality_check_checked_whole")),
        sa.CheckConstraint(
            "verdict is distinct from 'failed' or note <> ''", name=op.f("ck_quality_check_failed_for_a_reason")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_quality_check_ticket_id")),
        sa.ForeignKeyConstraint(["checked_by"], ["person.id"], name=op.f("fk_quality_check_checked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_check")),
        sa.UniqueConstraint("ticket_id", "cycle", name=op.f("uq_quality_check_ticket_id_cycle")),
    )
    op.create_index(
        "ix_quality_check_open",
        "quality_check",
        ["drawn_at", "id"],
        postgresql_where=sa.text("verdict is null"),
    )


def downgrade() -> None:
    """Forget what was drawn; what was judged stays on the timelines."""
    op.drop_table("quality_check")
