"""The processes' sessions are seen whichever login they have

Revision: 0045
After: 0042

A process may have a login of its own that is a member of `hotline_service` alone, and who asks how things are may have
the owner's.
"""

from alembic import op

revision = "0045"
down_revision = "0042"
branch_labels = None
depends_on = None

OUR_SESSIONS = """
    create or replace function our_sessions() returns table (pid int, application_name text, state_change timestamptz)
    language sql stable security definer set search_path = pg_catalog as $$
      select pid, application_name, state_change from pg_stat_activity
      where datname = current_database() and {ours}
    $$
"""


def upgrade() -> None:
    """The version before asks for the same columns."""
    op.execute(OUR_SESSIONS.format(ours="pg_has_role(usesysid, 'hotline_service', 'member')"))


def downgrade() -> None:
    """Of the asker's own login alone."""
    op.execute(OUR_SESSIONS.format(ours="usename = session_user"))
