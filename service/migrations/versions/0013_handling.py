"""Material is asked of the worker, and assisting unions have tasks

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
    """New tables."""
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
    op.create_table(
        "assist_task",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("ask", sa.String(), nullable=False),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_off_by", sa.Integer(), nullable=True),
        sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(answered_at is null) = (answer is null)", name=op.f("ck_assist_task_answered_whole")),
        sa.CheckConstraint("answered_at is null or called_off_at is null", name=op.f("ck_assist_task_ended_once")),
        sa.CheckConstraint("due_at > set_at", name=op.f("ck_assist_task_due_after_setting")),
        _refers("assist_task", "ticket_id", "ticket.id"),
        _refers("assist_task", "org_code", "org_unit.code"),
        *(_refers("assist_task", name, "person.id") for name in ("set_by", "answered_by", "called_off_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assist_task")),
    )
    waits = sa.text("answered_at is null and called_off_at is null")
    op.create_index(
        "uq_assist_task_open", "assist_task", ["ticket_id", "org_code"], unique=True, postgresql_where=waits
    )
    op.create_index("ix_assist_task_queue", "assist_task", ["org_code", "due_at", "id"], postgresql_where=waits)
    op.create_index("ix_assist_task_ticket_id", "assist_task", ["ticket_id", "id"])


def downgrade() -> None:
    """Forget the requests and the tasks; what was asked stays on the timelines."""
    op.drop_table("assist_task")
    op.drop_table("material_request")
