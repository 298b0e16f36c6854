"""What goes up at once, what is left out of a score, and tickets linked after registration

Revision: 0016
After: 0015
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What the checks of one row cannot say: whose people they are, and that a decision stands.
KEEP_EXCLUSION = """
    create function keep_exclusion() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' or old.verdict is not null then
        raise exception 'an exclusion is kept as it was decided (%)', old.id using errcode = 'restrict_violation';
      end if;
      if (new.ticket_id, new.org_code, new.asked_by, new.reason)
          is distinct from (old.ticket_id, old.org_code, old.asked_by, old.reason)
          or new.rating_id is distinct from old.rating_id or new.clock_id is distinct from old.clock_id
          or (old.supported_by is not null and new.supported_by is distinct from old.supported_by) then
        raise exception 'what was asked and said is kept (exclusion %)', old.id using errcode = 'restrict_violation';
      end if;
      if exists (select from person where id in (new.supported_by, new.decided_by) and org_code = new.org_code) then
        raise exception 'the asking union does not decide (exclusion %)', old.id using errcode = 'check_violation';
      end if;
      return new;
    end $$
"""


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _when(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    """Two tables, a wider list of links, and an index that finds an employer's latest matters."""
    _create_warning()
    _create_exclusion()
    op.drop_constraint("ck_ticket_link_kind", "ticket_link")
    op.create_check_constraint(op.f("ck_ticket_link_kind"), "ticket_link", "kind in ('duplicate', 'related', 'appeal')")
    op.drop_index("ix_ticket_employer_id", table_name="ticket")
    op.create_index(
        "ix_ticket_employer_id",
        "ticket",
        ["employer_id", "received_at"],
        postgresql_where=sa.text("employer_id is not null"),
    )


def downgrade() -> None:
    """Forget the warnings and the exclusions; both stay on the timelines. An appeal is a related ticket again."""
    op.drop_index("ix_ticket_employer_id", table_name="ticket")
    op.create_index(
        "ix_ticket_employer_id", "ticket", ["employer_id"], postgresql_where=sa.text("employer_id is not null")
    )
    op.drop_constraint("ck_ticket_link_kind", "ticket_link")
    op.execute("update ticket_link set kind = 'related' where kind = 'appeal'")
    op.create_check_constraint(op.f("ck_ticket_link_kind"), "ticket_link", "kind in ('duplicate', 'related')")
    op.drop_table("exclusion")
    op.execute("drop function keep_exclusion()")
    op.drop_table("warning")


def _create_warning() -> None:
    op.create_table(
        "warning",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        _number("ticket_id"),
        _text("cause"),
        _number("cycle"),
        _number("group_id", nullable=True),
        _number("employer_id", nullable=True),
        _when("ends_at", nullable=True),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        _when("fired_at"),
        sa.Column("targets", postgresql.JSONB(), nullable=False),
        _text("policy_version"),
        _text("correlation_id"),
        _check(
            "warning",
            "cause",
            "cause in ('urging', 'low_score', 'urgent', 'collective', 'group', 'employer')",
        ),
        _check("warning", "employer", "(cause = 'employer') = (employer_id is not null)"),
        _check("warning", "group", "(cause = 'group') = (group_id is not null)"),
        _check("warning", "wave", "(employer_id is null) = (ends_at is null)"),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(employer_id, employer_id, '[]')"), "&&"),
            (sa.text("tstzrange(fired_at, ends_at)"), "&&"),
            where=sa.text("employer_id is not null"),
            using="gist",
            name="ex_warning_wave",
        ),
        _refers("warning", "ticket_id", "ticket.id"),
        _refers("warning", "group_id", "ticket_group.id"),
        _refers("warning", "employer_id", "employer.id"),
        _refers("warning", "org_code", "org_unit.code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warning")),
    )
    op.create_index(
        "uq_warning_ticket_id_cause_cycle",
        "warning",
        ["ticket_id", "cause", "cycle"],
        unique=True,
        postgresql_where=sa.text("employer_id is null and group_id is null"),
    )
    op.create_index(
        "uq_warning_group_id", "warning", ["group_id"], unique=True, postgresql_where=sa.text("group_id is not null")
    )
    op.create_index("ix_warning_fired_at", "warning", ["fired_at", "id"])
    op.execute(
        "create trigger warning_append_only before update or delete or truncate on warning "
        "for each statement execute function refuse_change()"
    )


def _create_exclusion() -> None:
    op.create_table(
        "exclusion",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        _number("ticket_id"),
        _number("rating_id", nullable=True),
        _number("clock_id", nullable=True),
        sa.Column("org_code", sa.String(length=6), nullable=False),
        _text("reason"),
        _number("asked_by"),
        _when("asked_at"),
        _number("supported_by", nullable=True),
        _when("supported_at", nullable=True),
        _text("support_note"),
        _text("verdict", nullable=True),
        _number("decided_by", nullable=True),
        _when("decided_at", nullable=True),
        _text("decision_note"),
        _check("exclusion", "about_one", "num_nonnulls(rating_id, clock_id) = 1"),
        _check("exclusion", "reason", "reason <> ''"),
        _check("exclusion", "supported_whole", "(supported_by is null) = (supported_at is null)"),
        _check("exclusion", "decided_whole", "num_nulls(verdict, decided_by, decided_at) in (0, 3)"),
        _check("exclusion", "verdict", "verdict in ('granted', 'refused')"),
        _check("exclusion", "two_people", "verdict <> 'granted' or supported_by is not null"),
        _check("exclusion", "supporter_is_another", "supported_by <> asked_by"),
        _check("exclusion", "decider_is_another", "decided_by <> asked_by and decided_by <> supported_by"),
        _refers("exclusion", "ticket_id", "ticket.id"),
        _refers("exclusion", "rating_id", "rating.id"),
        _refers("exclusion", "clock_id", "sla_clock.id"),
        _refers("exclusion", "org_code", "org_unit.code"),
        *(_refers("exclusion", name, "person.id") for name in ("asked_by", "supported_by", "decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
        sa.UniqueConstraint("rating_id", name=op.f("uq_exclusion_rating_id")),
        sa.UniqueConstraint("clock_id", name=op.f("uq_exclusion_clock_id")),
    )
    waits = sa.text("verdict is null")
    op.create_index("uq_exclusion_open", "exclusion", ["ticket_id"], unique=True, postgresql_where=waits)
    op.create_index("ix_exclusion_asked_at", "exclusion", ["asked_at", "id"], postgresql_where=waits)
    op.create_index("ix_exclusion_ticket_id", "exclusion", ["ticket_id", "id"])
    op.execute(KEEP_EXCLUSION)
    op.execute(
        "create trigger exclusion_keep before update or delete on exclusion "
        "for each row execute function keep_exclusion()"
    )
