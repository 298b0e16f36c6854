"""Each gateway has queues of its own

Revision: 0021
After: 0025
"""

from alembic import op

revision = "0021"
down_revision = "0025"
branch_labels = None
depends_on = None

_WAITS = "done_at is null and buried_at is null"


def upgrade() -> None:
    """Messages that wait for the SMS gateway go into its lane. The version before has no workers there: what it
    writes meanwhile it delivers itself, from the queues it knows. The index leads with the queue, so that a lane
    that is full is no longer walked through in search of another's messages."""
    op.drop_constraint(op.f("ck_outbox_message_queue"), "outbox_message")
    op.create_check_constraint(
        op.f("ck_outbox_message_queue"),
        "outbox_message",
        "queue ~ '^((sms|mail|wecom|dingtalk|feishu)-)?(urgent|default|bulk)$'",
    )
    op.execute(
        "update outbox_message set queue = 'sms-' || queue "
        "where kind in ('worker_sms', 'worker_code') and done_at is null and queue !~ '-'"
    )
    op.drop_index("ix_outbox_message_pending", "outbox_message")
    op.create_index(
        "ix_outbox_message_pending",
        "outbox_message",
        ["queue", "available_at", "id"],
        postgresql_where=_WAITS,
    )


def downgrade() -> None:
    """Every message back into the queue of its urgency."""
    op.drop_index("ix_outbox_message_pending", "outbox_message")
    op.create_index(
        "ix_outbox_message_pending",
        "outbox_message",
        ["available_at", "id"],
        postgresql_where=_WAITS,
    )
    op.execute("update outbox_message set queue = regexp_replace(queue, '^.*-', '') where queue ~ '-'")
    op.drop_constraint(op.f("ck_outbox_message_queue"), "outbox_message")
    op.create_check_constraint(
        op.f("ck_outbox_message_queue"), "outbox_message", "queue in ('urgent', 'default', 'bulk')"
    )
