"""People are away, and keep out of what they have an interest in

Revision: 0010
After: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _person(name: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_{table}_{name}"))


def upgrade() -> None:
    """Both tables are new: nothing waits for them."""
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_by", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(person_id, person_id, '[]')"), "&&"),
            (sa.text("daterange(starts_on, ends_on, '[]')"), "&&"),
            where=sa.text("cancelled_at is null"),
            using="gist",
            name="ex_absence_overlap",
        ),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_absence_ends_after_start")),
        sa.CheckConstraint("deputy_id <> person_id", name=op.f("ck_absence_deputy_is_another")),
        *(_person(name, "absence") for name in ("person_id", "deputy_id", "recorded_by", "cancelled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_person_id", "absence", ["person_id", "ends_on"])
    op.create_index("ix_absence_deputy_id", "absence", ["deputy_id", "ends_on"])
    op.create_table(
        "recusal",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_recusal_ticket_id")),
        *(_person(name, "recusal") for name in ("person_id", "by")),
        sa.PrimaryKeyConstraint("ticket_id", "person_id", name=op.f("pk_recusal")),
    )
    op.create_index(op.f("ix_recusal_person_id"), "recusal", ["person_id"])


def downgrade() -> None:
    """Forget who was away and who kept out."""
    op.drop_table("recusal")
    op.drop_table("absence")
