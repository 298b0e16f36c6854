"""A ring of keys: hashes that say their key, the audit's keys of former years, and what callers tell apart

Revision: 0034
After: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None

HASHES = {
    ("worker_code", "ck_worker_code_hashes"): "octet_length(phone_hash) {0} and octet_length(code_hash) {0}",
    ("channel", "ck_channel_address_hash"): "octet_length(address_hash) {0}",
}


def upgrade() -> None:
    """What the version before writes still fits: a key without a version makes hashes without a head."""
    _hold("in (32, 33)")
    op.add_column("caller", sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("caller", sa.Column("address_sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "audit_key",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("version between 1 and 63", name=op.f("ck_audit_key_version")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_audit_key")),
    )


def downgrade() -> None:
    """Only while no key has a version: hashes with a head don't fit any more."""
    op.drop_table("audit_key")
    op.drop_column("caller", "address_sealed")
    op.drop_column("caller", "id_number_sealed")
    _hold("= 32")


def _hold(length: str) -> None:
    for (table, name), condition in HASHES.items():
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, condition.format(length))
