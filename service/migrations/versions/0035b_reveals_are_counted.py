"""How many callers a person looked at on a day

Revision: 0035b
After: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0035b"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table that the version before does not know."""
    op.create_table(
        "reveal_tally",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reveals", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reveals >= 1", name=op.f("ck_reveal_tally_reveals")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reveal_tally_person_id")),
        sa.PrimaryKeyConstraint("person_id", "day", name=op.f("pk_reveal_tally")),
    )
    op.create_index(op.f("ix_reveal_tally_day"), "reveal_tally", ["day"])


def downgrade() -> None:
    """Forget the counts; each reveal stays on record."""
    op.drop_table("reveal_tally")
