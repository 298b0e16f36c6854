"""Material is asked of the worker

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _refers(table: str, name: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [to], name=op.f(f"fk_{table}_{name}"))


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "material_request",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("piece", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('asked', 'received', 'not_needed')", name=op.f("ck_material_request_state")),
        sa.CheckConstraint("(state = 'asked') = (settled_at is null)", name=op.f("ck_material_request_settled_whole")),
        sa.CheckConstraint(
            "settled_by is null or settled_at is not null", name=op.f("ck_material_request_settled_by_somebody")
        ),
        sa.CheckConstraint("length(piece) between 1 and 100", name=op.f("ck_material_request_piece")),
        _refers("material_request", "ticket_id", "ticket.id"),
        _refers("material_request", "org_code", "org_unit.code"),
        _refers("material_request", "asked_by", "person.id"),
        _refers("material_request", "settled_by", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_request")),
    )
    op.create_index(
        "uq_material_request_open",
        "material_request",
        ["ticket_id", "piece"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index("ix_material_request_ticket_id", "material_request", ["ticket_id", "id"])


def downgrade() -> None:
    """Forget the requests; what was asked stays on the timelines."""
    op.drop_table("material_request")
