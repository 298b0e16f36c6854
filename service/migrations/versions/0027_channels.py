"""Notices leave the house through channels

Revision: 0027
After: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table that the version before does not know."""
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer()),
        sa.Column("org_code", sa.String(length=6)),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("urgent_only", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("added_by", sa.Integer()),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('mail', 'sms', 'wecom', 'dingtalk', 'feishu')", name=op.f("ck_channel_kind")),
        sa.CheckConstraint("(person_id is null) <> (org_code is null)", name=op.f("ck_channel_one_owner")),
        sa.CheckConstraint("person_id is null or kind in ('mail', 'sms')", name=op.f("ck_channel_robot_of_a_union")),
        sa.CheckConstraint("octet_length(address_hash) = 32", name=op.f("ck_channel_address_hash")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_channel_person_id")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_channel_org_code")),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_channel_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("person_id", "kind", "address_hash", name=op.f("uq_channel_person_id_kind_address_hash")),
        sa.UniqueConstraint("org_code", "kind", "address_hash", name=op.f("uq_channel_org_code_kind_address_hash")),
    )


def downgrade() -> None:
    """Forget every channel."""
    op.drop_table("channel")
