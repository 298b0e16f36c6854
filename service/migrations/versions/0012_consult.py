"""The lawyers are asked

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "consult",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(answered_at is null) = (answer is null)", name=op.f("ck_consult_answered_whole")),
        sa.CheckConstraint("(taken_by is null) = (taken_at is null)", name=op.f("ck_consult_taken_whole")),
        sa.CheckConstraint("due_at > asked_at", name=op.f("ck_consult_due_after_asking")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_consult_ticket_id")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_consult_org_code")),
        *(
            sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_consult_{name}"))
            for name in ("asked_by", "taken_by", "answered_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult")),
    )
    waits = sa.text("answered_at is null")
    op.create_index("uq_consult_open", "consult", ["ticket_id"], unique=True, postgresql_where=waits)
    op.create_index("ix_consult_due_at", "consult", ["due_at", "id"], postgresql_where=waits)
    op.create_index("ix_consult_ticket_id", "consult", ["ticket_id", "id"])


def downgrade() -> None:
    """Forget the questions; what was asked and answered stays on the timelines."""
    op.drop_table("consult")
