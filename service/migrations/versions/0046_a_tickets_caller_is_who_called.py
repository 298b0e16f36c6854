"""That the caller whom a ticket names is who called, a code says

Revision: 0046
After: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table that the version before does not know: what it registers has no code, nor a word of one in the
    audit."""
    op.create_table(
        "caller_tie",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("octet_length(code) = 32", name=op.f("ck_caller_tie_code")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_caller_tie_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_caller_tie")),
    )
    op.execute("alter table caller_tie enable row level security")
    op.execute(
        "create policy reach on caller_tie using (exists (select from ticket t where t.id = caller_tie.ticket_id))"
    )


def downgrade() -> None:
    """Nothing says it any more."""
    op.drop_table("caller_tie")
