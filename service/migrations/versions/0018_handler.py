"""A ticket is in somebody's hands

Revision: 0018
After: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table, and what ends an assignment when the ticket goes to another union."""
    op.create_table(
        "ticket_handler",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_ticket_handler_{name}"))
            for name, table in (("ticket_id", "ticket"), ("person_id", "person"), ("by", "person"))
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_handler")),
    )
    op.create_index(op.f("ix_ticket_handler_person_id"), "ticket_handler", ["person_id"])
    op.execute(
        """
        create function handler_leaves_with_the_holder() returns trigger language plpgsql as $$
        begin
          delete from ticket_handler where ticket_id = new.id;
          return null;
        end $$
        """
    )
    op.execute(
        "create trigger handler_leaves after update of holder_code on ticket for each row "
        "when (old.holder_code is distinct from new.holder_code) execute function handler_leaves_with_the_holder()"
    )


def downgrade() -> None:
    """Who had what is told by the timelines."""
    op.execute("drop trigger handler_leaves on ticket")
    op.execute("drop function handler_leaves_with_the_holder()")
    op.drop_table("ticket_handler")
