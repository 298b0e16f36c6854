"""Which union a matter goes to is data

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, kept from being rewritten by the same function as the published rules."""
    op.create_table(
        "dispatch_catalogue_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["published_by"], ["person.id"], name=op.f("fk_dispatch_catalogue_version_published_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_catalogue_version")),
        sa.UniqueConstraint("version", name=op.f("uq_dispatch_catalogue_version_version")),
    )
    op.create_index(
        "uq_dispatch_catalogue_version_active",
        "dispatch_catalogue_version",
        ["active"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    op.execute(
        "create trigger dispatch_catalogue_version_keep before update on dispatch_catalogue_version "
        "for each row execute function keep_version()"
    )


def downgrade() -> None:
    """Unions are suggested by place alone again."""
    op.drop_table("dispatch_catalogue_version")
