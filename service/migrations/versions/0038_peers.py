"""Keys of peer systems

Revision: 0038
After: 0034
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0034"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Keys, their secrets, and the nonces that were used. The version before knows nothing of them."""
    op.create_table(
        "peer",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("org_code", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("networks", postgresql.ARRAY(postgresql.CIDR()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_by", sa.Integer(), nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{1,40}$'", name=op.f("ck_peer_name")),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_peer_scopes")),
        sa.CheckConstraint("cardinality(networks) > 0", name=op.f("ck_peer_networks")),
        sa.CheckConstraint("per_minute between 1 and 6000", name=op.f("ck_peer_per_minute")),
        sa.CheckConstraint(
            "expires_at > created_at and expires_at <= created_at + interval '366 days'",
            name=op.f("ck_peer_expires_within_a_year"),
        ),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_peer_org_code")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_peer_created_by")),
        sa.ForeignKeyConstraint(["revoked_by"], ["person.id"], name=op.f("fk_peer_revoked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer")),
        sa.UniqueConstraint("name", name=op.f("uq_peer_name")),
    )
    op.create_table(
        "peer_secret",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("peer_id", sa.Integer(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_peer_secret_peer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_secret")),
    )
    op.create_index("ix_peer_secret_peer_id", "peer_secret", ["peer_id"])
    op.create_index(
        "uq_peer_secret_current", "peer_secret", ["peer_id"], unique=True, postgresql_where=sa.text("ends_at is null")
    )
    op.create_table(
        "peer_call",
        sa.Column("peer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("length(nonce) between 16 and 64", name=op.f("ck_peer_call_nonce")),
        sa.ForeignKeyConstraint(["peer_id"], ["peer.id"], name=op.f("fk_peer_call_peer_id")),
        sa.PrimaryKeyConstraint("peer_id", "nonce", name=op.f("pk_peer_call")),
    )
    op.create_index("ix_peer_call_at", "peer_call", ["at"])
    op.drop_constraint("ck_attachment_uploaded_by_somebody", "attachment")
    op.create_check_constraint(
        op.f("ck_attachment_uploaded_by_somebody"), "attachment", "not by_worker or uploaded_by is null"
    )
    op.create_index(
        "uq_ticket_idempotency_of_nobody",
        "ticket",
        ["idempotency_key"],
        unique=True,
        postgresql_where=sa.text("created_by is null"),
    )


def downgrade() -> None:
    """Forget them; peers get no answer any more, and what they sent counts as the worker's."""
    op.execute("alter table attachment disable trigger user")
    op.execute("update attachment set by_worker = true where uploaded_by is null")
    op.execute("alter table attachment enable trigger user")
    op.drop_constraint("ck_attachment_uploaded_by_somebody", "attachment")
    op.create_check_constraint(
        op.f("ck_attachment_uploaded_by_somebody"), "attachment", "(uploaded_by is null) = by_worker"
    )
    op.drop_index("uq_ticket_idempotency_of_nobody", "ticket")
    op.drop_table("peer_call")
    op.drop_table("peer_secret")
    op.drop_table("peer")
