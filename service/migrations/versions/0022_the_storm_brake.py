"""The storm brake: what a person was told in a window, and what a digest stands for

Revision: 0022
After: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, and a column that the release before leaves empty; what a digest stands for is never rewritten."""
    op.create_table(
        "notice_tally",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("window_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.CheckConstraint("told > 0", name=op.f("ck_notice_tally_told")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_tally_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_tally")),
        sa.UniqueConstraint(
            "person_id", "window_at", "urgent", name=op.f("uq_notice_tally_person_id_window_at_urgent")
        ),
    )
    op.create_table(
        "held_notice",
        sa.Column("tally_id", sa.Integer(), nullable=False),
        sa.Column("escalation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tally_id"], ["notice_tally.id"], name=op.f("fk_held_notice_tally_id")),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalation.id"], name=op.f("fk_held_notice_escalation_id")),
        sa.PrimaryKeyConstraint("tally_id", "escalation_id", name=op.f("pk_held_notice")),
    )
    op.create_index(op.f("ix_held_notice_escalation_id"), "held_notice", ["escalation_id"])
    op.execute(
        "create trigger held_notice_append_only before update or delete or truncate on held_notice "
        "for each statement execute function refuse_change()"
    )
    op.add_column("notice", sa.Column("tally_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_notice_tally_id"), "notice", "notice_tally", ["tally_id"], ["id"])


def downgrade() -> None:
    """Forget what was held back; the ledger has it all."""
    op.drop_constraint(op.f("fk_notice_tally_id"), "notice", type_="foreignkey")
    op.drop_column("notice", "tally_id")
    op.drop_table("held_notice")
    op.drop_table("notice_tally")
