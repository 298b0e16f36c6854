"""Articles are kept and used

Revision: 0007
After: 0006
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPEND_ONLY = ("article_version", "article_use")


def _when(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _refers(table: str, name: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [to], name=op.f(f"fk_{table}_{name}"))


def upgrade() -> None:
    """New tables; what an article said and where it was used is never rewritten."""
    op.create_table(
        "article",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        _number("version"),
        _when("created_at"),
        _when("withdrawn_at", nullable=True),
        _number("withdrawn_by", nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_article_version")),
        sa.CheckConstraint("withdrawn_by is null or withdrawn_at is not null", name=op.f("ck_article_withdrawn_whole")),
        _refers("article", "category_code", "category.code"),
        _refers("article", "withdrawn_by", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
    )
    op.create_index("ix_article_category_code", "article", ["category_code"])
    op.create_table(
        "article_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        _number("article_id"),
        _number("number"),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("words", postgresql.ARRAY(sa.Text()), nullable=False),
        _number("published_by", nullable=True),
        _when("published_at"),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_article_version_valid_until_after_from")),
        sa.CheckConstraint("title <> '' and body <> ''", name=op.f("ck_article_version_says_something")),
        _refers("article_version", "article_id", "article.id"),
        _refers("article_version", "published_by", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_version")),
        sa.UniqueConstraint("article_id", "number", name=op.f("uq_article_version_article_id_number")),
    )
    op.create_index("ix_article_version_words", "article_version", ["words"], postgresql_using="gin")
    op.create_table(
        "article_use",
        _number("ticket_id"),
        _number("version_id"),
        _number("by", nullable=True),
        _when("at"),
        _refers("article_use", "ticket_id", "ticket.id"),
        _refers("article_use", "version_id", "article_version.id"),
        _refers("article_use", "by", "person.id"),
        sa.PrimaryKeyConstraint("ticket_id", "version_id", name=op.f("pk_article_use")),
    )
    op.create_index(op.f("ix_article_use_version_id"), "article_use", ["version_id"])
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def downgrade() -> None:
    """Forget the articles; that they were used stays on the timelines."""
    for table in ("article_use", "article_version", "article"):
        op.drop_table(table)
