"""Files hang on tickets; workers get one-time codes

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MEDIA_TYPES = (
    "application/pdf", "image/jpeg", "image/png", "image/webp", "image/heic", "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "audio/wav", "audio/mpeg", "audio/mp4",
    "audio/amr", "video/mp4", "text/plain",
)  # fmt: skip

# What was sent is not rewritten and does not vanish; that it was taken back is all that is ever added.
_GUARDS = (
    """
    create function keep_attachment() returns trigger language plpgsql as $$
    begin
      if tg_op <> 'UPDATE' or old.withdrawn_at is not null
        or to_jsonb(old) - 'withdrawn_at' <> to_jsonb(new) - 'withdrawn_at' then
        raise exception 'an attachment is kept as it was sent' using errcode = 'restrict_violation';
      end if;
      return new;
    end $$
    """,
    "create trigger attachment_keep before update or delete on attachment "
    "for each row execute function keep_attachment()",
    "create trigger attachment_keep_all before truncate on attachment "
    "for each statement execute function keep_attachment()",
)


def upgrade() -> None:
    """Two tables and the guard of the first."""
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("uploaded_by", sa.Integer(), nullable=True),
        sa.Column("by_worker", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_attachment_sha256")),
        sa.CheckConstraint("size > 0", name=op.f("ck_attachment_size")),
        sa.CheckConstraint(
            f"media_type in ({', '.join(repr(kind) for kind in _MEDIA_TYPES)})", name=op.f("ck_attachment_media_type")
        ),
        sa.CheckConstraint("length(name) between 1 and 120", name=op.f("ck_attachment_name")),
        sa.CheckConstraint("(uploaded_by is null) = by_worker", name=op.f("ck_attachment_uploaded_by_somebody")),
        sa.CheckConstraint("withdrawn_at >= at", name=op.f("ck_attachment_withdrawn_after_upload")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_attachment_ticket_id")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["person.id"], name=op.f("fk_attachment_uploaded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_ticket_id", "attachment", ["ticket_id", "id"])
    op.create_index(
        "uq_attachment_content",
        "attachment",
        ["ticket_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "worker_code",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("phone_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "octet_length(phone_hash) = 32 and octet_length(code_hash) = 32", name=op.f("ck_worker_code_hashes")
        ),
        sa.CheckConstraint("tries between 0 and 5", name=op.f("ck_worker_code_tries")),
        sa.CheckConstraint("expires_at > asked_at", name=op.f("ck_worker_code_expires_later")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_code")),
    )
    op.create_index(
        "uq_worker_code_open",
        "worker_code",
        ["phone_hash"],
        unique=True,
        postgresql_where=sa.text("used_at is null"),
    )
    op.create_index("ix_worker_code_expires_at", "worker_code", ["expires_at"])
    for guard in _GUARDS:
        op.execute(guard)


def downgrade() -> None:
    """The files stay where they lie; what they belonged to is lost."""
    op.drop_table("worker_code")
    op.drop_table("attachment")
    op.execute("drop function keep_attachment()")
