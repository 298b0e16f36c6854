"""The audit is searched, and who looked at a ticket is found by its number

Revision: 0036
After: 0035c
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035c"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_audit_event_at": ["at", "id"],
    "ix_audit_event_actor_name": ["actor_name", "id"],
    "ix_audit_event_correlation_id": ["correlation_id"],
}


def upgrade() -> None:
    """Indexes alone; the version before writes as before."""
    for name, columns in INDEXES.items():
        op.create_index(name, "audit_event", columns)
    op.create_index(
        "ix_audit_event_tickets",
        "audit_event",
        ["after"],
        postgresql_using="gin",
        postgresql_ops={"after": "jsonb_path_ops"},
        postgresql_where=sa.text("after ? 'tickets'"),
    )


def downgrade() -> None:
    """Look through the whole audit again."""
    for name in ("ix_audit_event_tickets", *reversed(INDEXES)):
        op.drop_index(name, "audit_event")
