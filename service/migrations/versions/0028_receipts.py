"""What became of the messages that a gateway took

Revision: 0028
After: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables that the release before does not know, and an index for a ticket's own messages."""
    op.create_table(
        "sms_receipt",
        sa.Column("message_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('delivered', 'failed', 'expired')", name=op.f("ck_sms_receipt_state")),
        sa.CheckConstraint(
            "reason in ('unknown_number', 'switched_off', 'refused_by_operator', 'other')",
            name=op.f("ck_sms_receipt_reason"),
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (reason is not null)", name=op.f("ck_sms_receipt_failed_for_a_reason")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sms_receipt_ticket_id")),
        sa.PrimaryKeyConstraint("message_key", "state", name=op.f("pk_sms_receipt")),
    )
    op.create_index("ix_sms_receipt_ticket_id", "sms_receipt", ["ticket_id"])
    op.execute(
        "create trigger sms_receipt_append_only before update or delete or truncate on sms_receipt "
        "for each statement execute function refuse_change()"
    )
    op.create_table(
        "gateway_call",
        sa.Column("signature", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 32", name=op.f("ck_gateway_call_signature")),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_gateway_call")),
    )
    op.create_index(op.f("ix_gateway_call_received_at"), "gateway_call", ["received_at"])
    op.create_index(op.f("ix_gateway_delivery_ticket_number"), "gateway_delivery", ["ticket_number"])


def downgrade() -> None:
    """Forget what was reported."""
    op.drop_index(op.f("ix_gateway_delivery_ticket_number"), "gateway_delivery")
    op.drop_table("gateway_call")
    op.drop_table("sms_receipt")
