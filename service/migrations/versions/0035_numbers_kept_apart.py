"""Other people's numbers stand sealed beside a ticket, not in its texts

Revision: 0035
After: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table that the version before does not know."""
    op.create_table(
        "concealed_number",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("clear_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_concealed_number_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concealed_number")),
    )
    op.create_index(op.f("ix_concealed_number_ticket_id"), "concealed_number", ["ticket_id"])


def downgrade() -> None:
    """Forget the numbers: the texts stay masked."""
    op.drop_table("concealed_number")
