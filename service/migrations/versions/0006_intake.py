"""The whole intake form

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TICKET_CHECKS = {
    "membership": "membership in ('member', 'not_member', 'unknown')",
    "identity_group": (
        "identity_group in ('migrant_worker', 'platform_worker', 'woman_worker', 'worker_in_hardship', 'other')"
    ),
    "contact_way": "contact_way in ('phone', 'message', 'visit', 'letter')",
    "contact_time": "contact_time in ('any', 'office_hours', 'evening', 'weekend')",
    "other_channels": (
        "other_channels <@ array['hotline_12345', 'labour_inspection', 'arbitration', 'court', 'petition']"
    ),
    "not_known": "not_known <@ array['employer', 'people_count', 'amount_owed']",
}
TICKET_COLUMNS = ("membership", "identity_group", "contact_way", "contact_time", "other_channels", "not_known")

# Another name leads to the employer itself in one step, and no step leads back. Deferred, so that a merge may move
# the names one after the other.
GUARDS = (
    """
    create function employer_itself() returns trigger language plpgsql as $$
    begin
      if exists (select from employer where id = new.merged_into and merged_into is not null)
         or exists (select from employer where merged_into = new.id) then
        raise exception 'another name of an employer leads to the employer itself (employer %)', new.id
          using errcode = 'restrict_violation';
      end if;
      return null;
    end $$
    """,
    "create constraint trigger employer_merged_into after insert or update of merged_into on employer "
    "deferrable initially deferred for each row when (new.merged_into is not null) "
    "execute function employer_itself()",
)


def upgrade() -> None:
    """Columns with a constant default, which no row is rewritten for, and three tables."""
    texts = postgresql.ARRAY(sa.Text())
    op.add_column("ticket", sa.Column("membership", sa.String(), server_default="unknown", nullable=False))
    for name in ("identity_group", "contact_way", "contact_time"):
        op.add_column("ticket", sa.Column(name, sa.String(), nullable=True))
    for name in ("other_channels", "not_known"):
        op.add_column("ticket", sa.Column(name, texts, server_default="{}", nullable=False))
    for name, condition in TICKET_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_ticket_{name}"), "ticket", condition)
    op.create_index("ix_ticket_category_code", "ticket", ["category_code", "received_at"])

    op.add_column("employer", sa.Column("credit_code", sa.String(), nullable=True))
    op.add_column("employer", sa.Column("merged_into", sa.Integer(), nullable=True))
    op.create_unique_constraint(op.f("uq_employer_credit_code"), "employer", ["credit_code"])
    op.create_foreign_key(op.f("fk_employer_merged_into"), "employer", "employer", ["merged_into"], ["id"])
    op.create_check_constraint(
        op.f("ck_employer_credit_code"),
        "employer",
        "credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$'",
    )
    op.create_check_constraint(op.f("ck_employer_not_into_itself"), "employer", "merged_into <> id")
    op.create_check_constraint(
        op.f("ck_employer_another_name_has_no_code"), "employer", "merged_into is null or credit_code is null"
    )
    op.create_index(
        "ix_employer_merged_into", "employer", ["merged_into"], postgresql_where=sa.text("merged_into is not null")
    )
    for guard in GUARDS:
        op.execute(guard)

    op.create_table(
        "intake_draft",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("key ~ '^[0-9a-f]{32}$'", name=op.f("ck_intake_draft_key")),
        sa.CheckConstraint("octet_length(content_sealed) <= 262144", name=op.f("ck_intake_draft_size")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_intake_draft_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_intake_draft")),
    )
    op.create_index(op.f("ix_intake_draft_saved_at"), "intake_draft", ["saved_at"])
    op.create_table(
        "ticket_link",
        sa.Column("a_id", sa.Integer(), nullable=False),
        sa.Column("b_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("linked_by", sa.Integer(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("a_id < b_id", name=op.f("ck_ticket_link_ordered")),
        sa.CheckConstraint("kind in ('duplicate', 'related')", name=op.f("ck_ticket_link_kind")),
        sa.ForeignKeyConstraint(["a_id"], ["ticket.id"], name=op.f("fk_ticket_link_a_id")),
        sa.ForeignKeyConstraint(["b_id"], ["ticket.id"], name=op.f("fk_ticket_link_b_id")),
        sa.ForeignKeyConstraint(["linked_by"], ["person.id"], name=op.f("fk_ticket_link_linked_by")),
        sa.PrimaryKeyConstraint("a_id", "b_id", name=op.f("pk_ticket_link")),
    )
    op.create_index(op.f("ix_ticket_link_b_id"), "ticket_link", ["b_id"])
    op.create_table(
        "suggestion",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("suggested", sa.String(), nullable=True),
        sa.Column("reasons", texts, nullable=False),
        sa.Column("decided", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrected_to", sa.String(), nullable=True),
        sa.Column("corrected_by", sa.Integer(), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('tier', 'union')", name=op.f("ck_suggestion_kind")),
        sa.CheckConstraint(
            "(corrected_at is null) = (corrected_to is null)", name=op.f("ck_suggestion_corrected_whole")
        ),
        sa.CheckConstraint("corrected_at >= decided_at", name=op.f("ck_suggestion_corrected_after")),
        sa.ForeignKeyConstraint(["corrected_by"], ["person.id"], name=op.f("fk_suggestion_corrected_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_suggestion_decided_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_suggestion_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "kind", name=op.f("pk_suggestion")),
    )
    op.create_index(op.f("ix_suggestion_decided_at"), "suggestion", ["decided_at"])


def downgrade() -> None:
    """Forget what the form asks beyond the first one. Other names of an employer become employers again."""
    op.drop_table("suggestion")
    op.drop_table("ticket_link")
    op.drop_table("intake_draft")
    op.execute("drop function if exists employer_itself() cascade")
    op.drop_index("ix_employer_merged_into", table_name="employer")
    op.drop_column("employer", "merged_into")
    op.drop_column("employer", "credit_code")
    op.drop_index("ix_ticket_category_code", table_name="ticket")
    for name in reversed(TICKET_COLUMNS):
        op.drop_column("ticket", name)
