"""Accounts at an identity provider, and how a login was made

Revision: 0042
After: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table, and a column that the version before leaves as it stands: it makes logins by password alone."""
    op.create_table(
        "linked_identity",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("linked_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("subject is not null or account is not null", name=op.f("ck_linked_identity_whose")),
        sa.CheckConstraint(
            "length(issuer) between 1 and 500 and length(subject) between 1 and 255"
            " and length(account) between 1 and 255",
            name=op.f("ck_linked_identity_lengths"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_linked_identity_person_id")),
        sa.ForeignKeyConstraint(["linked_by"], ["person.id"], name=op.f("fk_linked_identity_linked_by")),
        sa.PrimaryKeyConstraint("person_id", "issuer", name=op.f("pk_linked_identity")),
        sa.UniqueConstraint("issuer", "subject", name="uq_linked_identity_subject"),
    )
    op.create_index(
        "uq_linked_identity_awaited",
        "linked_identity",
        ["issuer", "account"],
        unique=True,
        postgresql_where=sa.text("subject is null"),
    )
    op.add_column("login_token", sa.Column("way", sa.String(), server_default="password", nullable=False))
    op.create_check_constraint(op.f("ck_login_token_way"), "login_token", "way in ('password','oidc')")


def downgrade() -> None:
    """Passwords alone; logins that a provider opened end, for nobody could tell them any more."""
    op.execute("update login_token set revoked_at = now() where way = 'oidc' and revoked_at is null")
    op.drop_column("login_token", "way")
    op.drop_table("linked_identity")
