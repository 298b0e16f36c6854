"""Logins are listed: where from, with what, when last; and a password may be one that was given

Revision: 0032
After: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What the version before does not write takes a default. Few rows: logins live for hours."""
    op.add_column("login_token", sa.Column("id", sa.Integer(), sa.Identity(), nullable=False))
    op.create_unique_constraint(op.f("uq_login_token_id"), "login_token", ["id"])
    op.add_column("login_token", sa.Column("address", sa.String(), server_default="", nullable=False))
    op.add_column("login_token", sa.Column("agent", sa.String(), server_default="", nullable=False))
    op.add_column("login_token", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("login_token", sa.Column("idle_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_login_token_seen_from"), "login_token", "length(address) <= 45 and length(agent) <= 60"
    )
    op.create_index("ix_login_token_address", "login_token", ["person_id", "address", "created_at"])
    op.add_column("person", sa.Column("password_given_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget where logins came from."""
    op.drop_column("person", "password_given_at")
    op.drop_index("ix_login_token_address", "login_token")
    op.drop_constraint(op.f("ck_login_token_seen_from"), "login_token")
    for column in ("idle_until", "used_at", "agent", "address", "id"):
        op.drop_column("login_token", column)
