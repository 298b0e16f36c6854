"""A chain over the audit

Revision: 0030
After: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A code on each event, and a table of places. Events of before have no code until somebody answers for them."""
    op.add_column("audit_event", sa.Column("code", sa.LargeBinary(length=32), nullable=True))
    op.create_check_constraint(op.f("ck_audit_event_code"), "audit_event", "octet_length(code) = 32")
    op.create_table(
        "audit_link",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_audit_link_position")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_audit_link_hash")),
        sa.ForeignKeyConstraint(["event_id"], ["audit_event.id"], name=op.f("fk_audit_link_event_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_link_event_id")),
    )
    op.create_index("ix_audit_link_at", "audit_link", ["at", "event_id"])
    op.execute(
        "create trigger audit_link_append_only before update or delete or truncate on audit_link "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    """Forget the chain; the events stay."""
    op.drop_table("audit_link")
    op.drop_column("audit_event", "code")
