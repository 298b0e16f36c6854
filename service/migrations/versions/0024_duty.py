"""Who is on duty

Revision: 0024
After: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table; the release before tells nobody on duty."""
    op.create_table(
        "duty",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("org_code", sa.String(6), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_by", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "ends_at > starts_at and ends_at <= starts_at + interval '10 days'", name=op.f("ck_duty_length")
        ),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(person_id, person_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("cancelled_at is null"),
            using="gist",
            name="ex_duty_overlap",
        ),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_duty_org_code")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_duty_person_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_duty_recorded_by")),
        sa.ForeignKeyConstraint(["cancelled_by"], ["person.id"], name=op.f("fk_duty_cancelled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
    )
    op.create_index("ix_duty_org_code", "duty", ["org_code", "ends_at"])


def downgrade() -> None:
    """Forget who is on duty."""
    op.drop_table("duty")
