"""What keeps the search index up to date works as the owner of the tables

Revision: 0047
After: 0046

It reads nothing but the ticket that was written and what hangs on it, and writes nothing but its row of the index.
Behind the fence each of its tables came with the question whose ticket it is: two thirds of the time that a
registration spent in the database's triggers.
"""

from alembic import op
from sqlalchemy import text

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

KEEPERS = ("search_rebuild(int, int)", "search_follows_ticket()", "search_follows_assignment()")


def upgrade() -> None:
    """The version before calls them as this one does."""
    schema = op.get_bind().scalar(text("select quote_ident(current_schema())"))
    for function in KEEPERS:
        op.execute(f"alter function {function} security definer set search_path = {schema}, pg_temp")


def downgrade() -> None:
    """As whoever writes."""
    for function in KEEPERS:
        op.execute(f"alter function {function} security invoker reset search_path")
