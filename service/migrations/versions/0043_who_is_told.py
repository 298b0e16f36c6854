"""Who called is hidden from the employer's own unions, and in three levels

Revision: 0043
After: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0037"
branch_labels = None
depends_on = None

# A union belongs to the employer itself, never to another name of one. Where two become one its unions go over,
# whichever version's code makes them one.
UNIONS = (
    """
    create function union_of_the_employer_itself() returns trigger language plpgsql as $$
    begin
      if exists (select from employer where id = new.employer_id and merged_into is not null) then
        raise exception 'a union belongs to the employer itself, not to another name of it (employer %)',
          new.employer_id using errcode = 'restrict_violation';
      end if;
      return null;
    end $$
    """,
    "create constraint trigger employer_union_of_itself after insert or update of employer_id on employer_union "
    "deferrable initially deferred for each row execute function union_of_the_employer_itself()",
    """
    create function unions_go_over() returns trigger language plpgsql as $$
    begin
      insert into employer_union (employer_id, org_code, added_by, added_at)
      select new.merged_into, org_code, added_by, added_at from employer_union where employer_id = new.id
      on conflict do nothing;
      delete from employer_union where employer_id = new.id;
      return null;
    end $$
    """,
    "create trigger employer_unions_go_over after update of merged_into on employer for each row "
    "when (new.merged_into is not null) execute function unions_go_over()",
)
# The version before knows a flag and writes it; this one knows the level. Each finds what it reads.
LEVELS = (
    """
    create function confidentiality_as_flag() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' and new.identity_hidden and new.confidentiality = 'open' then
        new.confidentiality := 'from_unions';
      end if;
      new.identity_hidden := new.confidentiality <> 'open';
      return new;
    end $$
    """,
    "create trigger ticket_confidentiality before insert or update of confidentiality on ticket for each row "
    "when (new.identity_hidden or new.confidentiality <> 'open') execute function confidentiality_as_flag()",
)


def upgrade() -> None:
    """A table, and a column with a constant default; only confidential rows, which are few, are written."""
    op.create_table(
        "employer_union",
        sa.Column("employer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("org_code", sa.String(6), nullable=False),
        sa.Column("added_by", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("org_code not like '%0000'", name=op.f("ck_employer_union_not_the_province")),
        sa.ForeignKeyConstraint(["employer_id"], ["employer.id"], name=op.f("fk_employer_union_employer_id")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_employer_union_org_code")),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_employer_union_added_by")),
        sa.PrimaryKeyConstraint("employer_id", "org_code", name=op.f("pk_employer_union")),
    )
    op.create_index("ix_employer_union_org_code", "employer_union", ["org_code"])
    for statement in UNIONS:
        op.execute(statement)

    op.add_column("ticket", sa.Column("confidentiality", sa.String(), server_default="open", nullable=False))
    op.alter_column("ticket", "identity_hidden", server_default=sa.false())
    op.create_check_constraint(
        op.f("ck_ticket_confidentiality"), "ticket", "confidentiality in ('open', 'from_unions', 'intake_only')"
    )
    for statement in LEVELS:
        op.execute(statement)
    op.execute("update ticket set confidentiality = 'from_unions' where identity_hidden")


def downgrade() -> None:
    """One level again: what the intake alone was to know is hidden from the unions."""
    op.execute("drop trigger ticket_confidentiality on ticket")
    op.execute("drop function confidentiality_as_flag")
    op.drop_constraint(op.f("ck_ticket_confidentiality"), "ticket", type_="check")
    op.alter_column("ticket", "identity_hidden", server_default=None)
    op.drop_column("ticket", "confidentiality")
    op.execute("drop trigger employer_unions_go_over on employer")
    op.execute("drop function unions_go_over")
    op.drop_table("employer_union")
    op.execute("drop function union_of_the_employer_itself")
