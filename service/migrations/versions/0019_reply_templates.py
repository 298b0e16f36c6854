"""Replies begin with templates

Revision: 0019
After: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PROVINCE = "630000"


def upgrade() -> None:
    """A template is a kind of article that a union owns; one for any matter has no category."""
    op.add_column("article", sa.Column("kind", sa.String(), server_default="article", nullable=False))
    op.add_column("article", sa.Column("owner_code", sa.String(length=6), server_default=PROVINCE, nullable=False))
    op.alter_column("article", "category_code", nullable=True)
    op.create_foreign_key(op.f("fk_article_owner_code"), "article", "org_unit", ["owner_code"], ["code"])
    op.create_check_constraint(op.f("ck_article_kind"), "article", "kind in ('article', 'reply_template')")
    op.create_check_constraint(
        op.f("ck_article_category_of_article"), "article", "category_code is not null or kind = 'reply_template'"
    )


def downgrade() -> None:
    """Articles alone again. Refused by the database where a template for any matter stands: it has no category."""
    op.drop_constraint(op.f("ck_article_category_of_article"), "article")
    op.drop_constraint(op.f("ck_article_kind"), "article")
    op.drop_constraint(op.f("fk_article_owner_code"), "article")
    op.alter_column("article", "category_code", nullable=False)
    op.drop_column("article", "owner_code")
    op.drop_column("article", "kind")
