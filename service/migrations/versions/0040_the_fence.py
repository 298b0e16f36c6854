"""The service sees the tickets in reach of who is asking, and no others

Revision: 0040
After: 0033

The columns repeat the beginning of `holder_code`. Under row-level security PostgreSQL looks only through an index on
what cannot leak, and `left()` is not of these: the queues' indexes stand on the columns now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0033"
branch_labels = None
depends_on = None

COLUMNS = {"holder_province": 2, "holder_prefecture": 4}
QUEUES = {2: "holder_province", 4: "holder_prefecture", 6: "holder_code"}
OPEN = "not state in ('closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated')"
# Once in a statement, not once a row. A setting that was set in an earlier transaction is empty afterwards, not null.
REACH = "(select nullif(current_setting('hotline.reach', true), ''))"
# In reach is what a union of the subtree has or ever had, and what is merged into that: what a union is late with stays
# in its figures after it handed the ticket back. Who may look at it now is for the code's filter to say, which is
# narrower.
TICKETS_IN_REACH = f"""
    holder_province = {REACH} or holder_prefecture = {REACH} or holder_code = {REACH}
    or exists (select from assignment a where a.ticket_id = ticket.id and starts_with(a.org_code, {REACH}))
    or exists (
        select from ticket_merge m join assignment a on a.ticket_id = m.master_id
        where m.ticket_id = ticket.id and starts_with(a.org_code, {REACH})
    )
"""  # noqa: S608 - constants of this file
# What holds somebody's words or story of one ticket.
OF_A_TICKET = (
    "assist_task", "attachment", "callback_attempt", "concealed_number", "consult", "exclusion", "imported_ticket",
    "material_request", "quality_check", "rating", "reply", "sms_receipt", "step_request", "suggestion", "supervision",
    "ticket_alias", "ticket_event", "warning",
)  # fmt: skip
# What hangs on a row of these, by its column.
OF_A_ROW = {
    "supervision_answer": ("supervision", "supervision_id"),
    "final_answer": ("supervision_answer", "answer_id"),
    "outcome_evidence": ("reply", "reply_id"),
}


def upgrade() -> None:
    """The version before works as the owner of the tables, for whom there is no fence; its queues sort until it is
    gone."""
    for name, length in COLUMNS.items():
        beginning = sa.Computed(f"left(holder_code, {length})", persisted=True)
        op.add_column("ticket", sa.Column(name, sa.String(), beginning, nullable=False))
    for length, column in QUEUES.items():
        op.drop_index(f"ix_ticket_queue_{length}", "ticket")
        op.create_index(f"ix_ticket_queue_{length}", "ticket", [column, "due_at", "id"], postgresql_where=sa.text(OPEN))
    _fence("ticket", TICKETS_IN_REACH)
    for table in OF_A_TICKET:
        _fence(table, f"exists (select from ticket t where t.id = {table}.ticket_id)")
    for table, (parent, column) in OF_A_ROW.items():
        _fence(table, f"exists (select from {parent} p where p.id = {table}.{column})")
    # A caller is written down before the first ticket is, and by the centre.
    _fence("caller", f"length({REACH}) = 2 or exists (select from ticket t where t.caller_id = caller.id)")

    # What the sessions of other roles do is hidden from a role that is not theirs; this much of ours the service asks.
    op.execute("""
        create function our_sessions() returns table (pid int, application_name text, state_change timestamptz)
        language sql stable security definer set search_path = pg_catalog as $$
          select pid, application_name, state_change from pg_stat_activity
          where datname = current_database() and usename = session_user
        $$
    """)


def _fence(table: str, rows: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"create policy reach on {table} using ({rows})")


def downgrade() -> None:
    """Leave it to the code again."""
    op.execute("drop function our_sessions")
    for table in ("ticket", *OF_A_TICKET, *OF_A_ROW, "caller"):
        op.execute(f"drop policy reach on {table}")
        op.execute(f"alter table {table} disable row level security")
    for length in QUEUES:
        op.drop_index(f"ix_ticket_queue_{length}", "ticket")
        op.create_index(
            f"ix_ticket_queue_{length}",
            "ticket",
            [sa.text(f'"left"(holder_code, {length})'), "due_at", "id"],
            postgresql_where=sa.text(OPEN),
        )
    for name in COLUMNS:
        op.drop_column("ticket", name)
