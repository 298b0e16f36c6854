"""What became of a channel's messages is found by the channel

Revision: 0031
After: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NAME = "ix_outbox_message_channel"


def upgrade() -> None:
    """Over the messages that go out through channels alone; the version before does not notice."""
    op.create_index(
        NAME,
        "outbox_message",
        [sa.text("(payload ->> 'channel_id')"), "id"],
        postgresql_where=sa.text("payload ->> 'channel_id' is not null"),
    )


def downgrade() -> None:
    """Look through all of them again."""
    op.drop_index(NAME, "outbox_message")
