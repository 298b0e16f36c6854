"""Matters are merged, grouped and supervised with an answer

Revision: 0008
After: 0007
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KINDS = "kind in ('dispatch','sign','first_contact','resolve','callback','leg')"
_KINDS_BEFORE = "kind in ('dispatch','sign','first_contact','resolve','callback')"
_CAUSES = "cause in ('pause','resume','extension','retier','handover','merge','recount')"
_CAUSES_BEFORE = "cause in ('pause','resume','extension','retier','handover','recount')"


def _when(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _who(name: str, table: str) -> "tuple[sa.Column[int], sa.ForeignKeyConstraint]":
    return (
        sa.Column(name, sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_{table}_{name}")),
    )


def upgrade() -> None:
    """A supervision gets a date; those that stand without one are answered within three days of the migration."""
    op.drop_constraint(op.f("ck_sla_due_change_cause"), "sla_due_change")
    op.create_check_constraint(op.f("ck_sla_due_change_cause"), "sla_due_change", _CAUSES)
    op.drop_constraint(op.f("ck_sla_clock_kind"), "sla_clock")
    op.create_check_constraint(op.f("ck_sla_clock_kind"), "sla_clock", _KINDS)
    op.add_column("sla_clock", _when("whole_started_at", nullable=True))
    op.add_column("sla_clock", sa.Column("inner_days", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_sla_clock_leg_is_part_of_a_whole"),
        "sla_clock",
        "(kind = 'leg') = (whole_started_at is not null) and inner_days >= 0",
    )
    op.create_check_constraint(op.f("ck_sla_clock_leg_begins_later"), "sla_clock", "whole_started_at <= started_at")
    op.drop_constraint(op.f("ck_sla_clock_due_after_start"), "sla_clock")
    op.create_check_constraint(
        op.f("ck_sla_clock_due_after_start"), "sla_clock", "due_at > coalesce(whole_started_at, started_at)"
    )
    # What was withdrawn before it was accepted is archived like everything else.
    for column, name in (("tier", "accepted_has_tier"), ("accepted_at", "accepted_has_time")):
        op.drop_constraint(op.f(f"ck_ticket_{name}"), "ticket")
        op.create_check_constraint(
            op.f(f"ck_ticket_{name}"),
            "ticket",
            f"{column} is not null or state in ('registered','rejected','withdrawn','archived')",
        )
    op.drop_constraint(op.f("ck_assignment_role"), "assignment")
    op.create_check_constraint(op.f("ck_assignment_role"), "assignment", "role in ('lead', 'assist', 'inner')")
    op.create_index(
        "uq_assignment_inner",
        "assignment",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("role = 'inner' and ended_at is null"),
    )
    op.add_column("supervision", _when("due_at", nullable=True))
    op.execute("update supervision set due_at = greatest(opened_at, now()) + interval '3 days'")
    op.alter_column("supervision", "due_at", nullable=False)
    op.create_table(
        "supervision_answer",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("supervision_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        *_who("answered_by", "supervision_answer"),
        _when("answered_at"),
        sa.Column("verdict", sa.String(), nullable=True),
        *_who("reviewed_by", "supervision_answer"),
        _when("reviewed_at", nullable=True),
        sa.Column("review_note", sa.String(), nullable=True),
        sa.CheckConstraint("verdict in ('accepted', 'returned')", name=op.f("ck_supervision_answer_verdict")),
        sa.CheckConstraint(
            "(verdict is null) = (reviewed_at is null)", name=op.f("ck_supervision_answer_reviewed_whole")
        ),
        sa.CheckConstraint(
            "reviewed_by is null or reviewed_by <> answered_by", name=op.f("ck_supervision_answer_four_eyes")
        ),
        sa.ForeignKeyConstraint(
            ["supervision_id"], ["supervision.id"], name=op.f("fk_supervision_answer_supervision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_answer")),
    )
    op.create_index(
        "uq_supervision_answer_open",
        "supervision_answer",
        ["supervision_id"],
        unique=True,
        postgresql_where=sa.text("verdict is null"),
    )
    op.create_index("ix_supervision_answer_supervision_id", "supervision_answer", ["supervision_id", "id"])
    op.create_table(
        "ticket_merge",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("master_id", sa.Integer(), nullable=False),
        _when("merged_at"),
        *_who("merged_by", "ticket_merge"),
        sa.Column("reason", sa.String(), nullable=False),
        _when("ended_at", nullable=True),
        sa.CheckConstraint("ticket_id <> master_id", name=op.f("ck_ticket_merge_not_into_itself")),
        sa.CheckConstraint("ended_at is null or ended_at >= merged_at", name=op.f("ck_ticket_merge_ended_after_merge")),
        sa.ForeignKeyConstraint(["master_id"], ["ticket.id"], name=op.f("fk_ticket_merge_master_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_merge_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_merge")),
    )
    op.create_index(
        "uq_ticket_merge_open", "ticket_merge", ["ticket_id"], unique=True, postgresql_where=sa.text("ended_at is null")
    )
    op.create_index(
        "ix_ticket_merge_master_id", "ticket_merge", ["master_id"], postgresql_where=sa.text("ended_at is null")
    )
    op.create_table(
        "ticket_group",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        _when("opened_at"),
        *_who("opened_by", "ticket_group"),
        sa.CheckConstraint("title <> ''", name=op.f("ck_ticket_group_title")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_group")),
    )
    op.create_table(
        "ticket_group_member",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        _when("added_at"),
        *_who("added_by", "ticket_group_member"),
        sa.ForeignKeyConstraint(["group_id"], ["ticket_group.id"], name=op.f("fk_ticket_group_member_group_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_group_member_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_group_member")),
    )
    op.create_index("ix_ticket_group_member_group_id", "ticket_group_member", ["group_id"])


def downgrade() -> None:
    """Forget merges, groups and answers."""
    for table in ("ticket_group_member", "ticket_group", "ticket_merge", "supervision_answer"):
        op.drop_table(table)
    op.drop_column("supervision", "due_at")
    op.drop_index("uq_assignment_inner", "assignment")
    op.drop_constraint(op.f("ck_assignment_role"), "assignment")
    op.execute("update assignment set role = 'assist' where role = 'inner'")
    op.create_check_constraint(op.f("ck_assignment_role"), "assignment", "role in ('lead', 'assist')")
    for column, name in (("tier", "accepted_has_tier"), ("accepted_at", "accepted_has_time")):
        op.drop_constraint(op.f(f"ck_ticket_{name}"), "ticket")
        op.execute(f"update ticket set state = 'withdrawn' where state = 'archived' and {column} is null")  # noqa: S608 - this module's own names
        op.create_check_constraint(
            op.f(f"ck_ticket_{name}"),
            "ticket",
            f"{column} is not null or state in ('registered','rejected','withdrawn')",
        )
    op.drop_constraint(op.f("ck_sla_clock_due_after_start"), "sla_clock")
    op.execute("update sla_clock set started_at = whole_started_at where due_at <= started_at")
    op.create_check_constraint(op.f("ck_sla_clock_due_after_start"), "sla_clock", "due_at > started_at")
    op.drop_column("sla_clock", "inner_days")
    op.drop_column("sla_clock", "whole_started_at")
    op.drop_constraint(op.f("ck_sla_clock_kind"), "sla_clock")
    op.create_check_constraint(op.f("ck_sla_clock_kind"), "sla_clock", _KINDS_BEFORE)
    op.execute("alter table sla_due_change disable trigger sla_due_change_append_only")
    op.execute("update sla_due_change set cause = 'retier' where cause = 'merge'")
    op.execute("alter table sla_due_change enable trigger sla_due_change_append_only")
    op.drop_constraint(op.f("ck_sla_due_change_cause"), "sla_due_change")
    op.create_check_constraint(op.f("ck_sla_due_change_cause"), "sla_due_change", _CAUSES_BEFORE)
