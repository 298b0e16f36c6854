"""Answers for good

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, which nothing is taken out of."""
    op.create_table(
        "final_answer",
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("basis <> ''", name=op.f("ck_final_answer_basis")),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["supervision_answer.id"], name=op.f("fk_final_answer_answer_id_supervision_answer")
        ),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_final_answer")),
    )
    op.execute(
        "create trigger final_answer_append_only before update or delete or truncate on final_answer "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    """Forget which answers were for good; what they said stays with the supervision."""
    op.drop_table("final_answer")
