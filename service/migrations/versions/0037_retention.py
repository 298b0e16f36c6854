"""What is past its time may go, and nothing else

Revision: 0037
After: 0036
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ENDED = "'closed', 'archived', 'answered', 'rejected', 'merged', 'transferred_out', 'withdrawn', 'terminated'"

# Whether a ticket, or its caller with all that is theirs, is held at the moment.
IS_HELD = """
    create function is_held(asked integer) returns boolean language sql stable as $$
      select exists (
        select from ticket t join legal_hold h on h.ticket_id = t.id or h.caller_id = t.caller_id
        where t.id = asked and h.lifted_at is null
          and (h.until is null or h.until >= (now() at time zone 'Asia/Shanghai')::date))
    $$
"""
# Whether this class of a ticket may be erased now: approved by two, ended, not held, and not done yet.
MAY_ERASE = f"""
    create function may_erase(asked integer, wanted text) returns boolean language sql stable as $$
      select exists (
        select from retention_item i join retention_run r on r.id = i.run_id join ticket t on t.id = i.ticket_id
        where i.ticket_id = asked and i.class = wanted and i.done_at is null and i.skipped_at is null
          and r.approved_at is not null and r.finished_at is null and t.state in ({ENDED}))
        and not is_held(asked)
    $$
"""  # noqa: S608 - a closed list
KEEP_EVENT = """
    create function keep_ticket_event() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' and to_jsonb(old) - 'note' - 'data' = to_jsonb(new) - 'note' - 'data'
        and may_erase(old.ticket_id, 'matter') then
        return new;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$
"""
KEEP_FINAL_ANSWER = """
    create function keep_final_answer() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' and old.answer_id = new.answer_id and may_erase((
          select s.ticket_id from supervision_answer a join supervision s on s.id = a.supervision_id
          where a.id = old.answer_id), 'matter') then
        return new;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$
"""
# The service's own role may not change these two tables at all: it asks for this, and the owner does it.
ERASE_STORY = """
    create function erase_story(asked integer, kept text[], coded text[], gone text) returns void
    language plpgsql security definer set search_path = pg_catalog, public as $$
    begin
      if not may_erase(asked, 'matter') then
        raise exception 'the story of ticket % is kept', asked using errcode = 'restrict_violation';
      end if;
      update ticket_event e set note = '', data = coalesce((
          select jsonb_object_agg(key, value) from jsonb_each(e.data)
          where (key = any(kept) or key = 'reason' and e.kind = any(coded)) and jsonb_typeof(value) <> 'object'
        ), '{}'::jsonb) where e.ticket_id = asked;
      update final_answer f set basis = gone from supervision_answer a join supervision s on s.id = a.supervision_id
        where f.answer_id = a.id and s.ticket_id = asked;
    end $$
"""
KEEP_WORDS = """
    create function keep_words_of_ticket() returns trigger language plpgsql as $$
    begin
      if new.title = '(已去除)' and old.title <> new.title and not may_erase(old.id, 'matter') then
        raise exception 'the words of ticket % are kept', old.number using errcode = 'restrict_violation';
      end if;
      if old.caller_id is not null and new.caller_id is null and not may_erase(old.id, 'caller') then
        raise exception 'the caller of ticket % is kept', old.number using errcode = 'restrict_violation';
      end if;
      return new;
    end $$
"""
_KEPT_ATTACHMENT = """
    create or replace function keep_attachment() returns trigger language plpgsql as $$
    begin
      {erasing}if tg_op <> 'UPDATE' or old.withdrawn_at is not null
        or to_jsonb(old) - 'withdrawn_at' <> to_jsonb(new) - 'withdrawn_at' then
        raise exception 'an attachment is kept as it was sent' using errcode = 'restrict_violation';
      end if;
      return new;
    end $$
"""
ERASING = """if tg_op = 'UPDATE' and ((old.erased_at is null and may_erase(old.ticket_id, 'files')
          and to_jsonb(old) - 'erased_at' - 'name' - 'note' = to_jsonb(new) - 'erased_at' - 'name' - 'note')
        or (old.erased_at is not null and to_jsonb(old) - 'removed_at' = to_jsonb(new) - 'removed_at')) then
        return new;
      end if;
      """
_KEPT_EXCLUSION = """
    create or replace function keep_exclusion() returns trigger language plpgsql as $$
    begin
      {erasing}if tg_op = 'DELETE' or old.verdict is not null then
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
ERASING_EXCLUSION = """if tg_op = 'UPDATE' and may_erase(old.ticket_id, 'matter')
        and to_jsonb(old) - 'reason' - 'support_note' - 'decision_note'
          = to_jsonb(new) - 'reason' - 'support_note' - 'decision_note' then
        return new;
      end if;
      """
# DOMAIN 8: recordings and files 24 months, tickets 10 years, collective and supervised ones 30.
FIRST = '{"files": 24, "caller": 60, "matter": 120, "matter_long": 360}'


def _when(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    """Four tables, two columns that may be null, and guards that let go of nothing but what two people approved."""
    op.create_table(
        "retention_policy",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("months", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("published_by", sa.Integer(), nullable=True),
        _when("published_at"),
        _refers("retention_policy", "published_by", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_policy")),
    )
    op.execute(
        "create trigger retention_policy_append_only before update or delete or truncate on retention_policy "
        "for each statement execute function refuse_change()"
    )
    op.execute(
        f"insert into retention_policy (months, reason, published_at) values ('{FIRST}', '系统默认', now())"  # noqa: S608
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("caller_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=False),
        _when("set_at"),
        sa.Column("lifted_by", sa.Integer(), nullable=True),
        _when("lifted_at", nullable=True),
        sa.Column("lift_reason", sa.String(), nullable=True),
        _check("legal_hold", "about_one", "num_nonnulls(ticket_id, caller_id) = 1"),
        _check("legal_hold", "reason", "reason <> ''"),
        _check("legal_hold", "lifted_whole", "num_nulls(lifted_by, lifted_at, lift_reason) in (0, 3)"),
        _check("legal_hold", "lifted_by_another", "lifted_by <> set_by"),
        _refers("legal_hold", "ticket_id", "ticket.id"),
        _refers("legal_hold", "caller_id", "caller.id"),
        _refers("legal_hold", "set_by", "person.id"),
        _refers("legal_hold", "lifted_by", "person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    for column in ("ticket_id", "caller_id"):
        in_force = sa.text("lifted_at is null")
        op.create_index(f"ix_legal_hold_{column}", "legal_hold", [column], postgresql_where=in_force)
    op.create_table(
        "retention_run",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("previewed_by", sa.Integer(), nullable=True),
        _when("previewed_at"),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        _when("asked_at", nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        _when("approved_at", nullable=True),
        _when("finished_at", nullable=True),
        _check("retention_run", "asked_whole", "(asked_by is null) = (asked_at is null)"),
        _check("retention_run", "approved_whole", "num_nulls(approved_by, approved_at) in (0, 2)"),
        _check("retention_run", "asked_before", "approved_by is null or asked_by is not null"),
        _check("retention_run", "approved_by_another", "approved_by <> asked_by"),
        _refers("retention_run", "policy_id", "retention_policy.id"),
        *(_refers("retention_run", column, "person.id") for column in ("previewed_by", "asked_by", "approved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
    )
    op.create_index(
        "uq_retention_run_open",
        "retention_run",
        [sa.text("(finished_at is null)")],
        unique=True,
        postgresql_where=sa.text("finished_at is null"),
    )
    op.create_table(
        "retention_item",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        _when("done_at", nullable=True),
        _when("skipped_at", nullable=True),
        _check("retention_item", "class", "class in ('files', 'caller', 'matter')"),
        _check("retention_item", "done_or_skipped", "num_nonnulls(done_at, skipped_at) <= 1"),
        _refers("retention_item", "run_id", "retention_run.id"),
        _refers("retention_item", "ticket_id", "ticket.id"),
        sa.PrimaryKeyConstraint("run_id", "ticket_id", "class", name=op.f("pk_retention_item")),
    )
    op.create_index("ix_retention_item_ticket_id", "retention_item", ["ticket_id", "class"])
    op.create_index(
        "ix_retention_item_open",
        "retention_item",
        ["run_id", "ticket_id"],
        postgresql_where=sa.text("done_at is null and skipped_at is null"),
    )
    op.add_column("attachment", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attachment", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    for function in (IS_HELD, MAY_ERASE, KEEP_EVENT, KEEP_FINAL_ANSWER, KEEP_WORDS, ERASE_STORY):
        op.execute(function)
    op.execute(_KEPT_ATTACHMENT.format(erasing=ERASING))
    op.execute(_KEPT_EXCLUSION.format(erasing=ERASING_EXCLUSION))
    for table in ("ticket_event", "final_answer"):
        op.execute(f"drop trigger {table}_append_only on {table}")
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table} "
            f"for each row execute function keep_{table}()"
        )
        op.execute(
            f"create trigger {table}_append_only_all before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(
        "create trigger ticket_keeps_its_words before update of title, caller_id on ticket "
        "for each row execute function keep_words_of_ticket()"
    )


def downgrade() -> None:
    """Nothing may be erased any more; what was is gone."""
    op.execute("drop trigger ticket_keeps_its_words on ticket")
    for table in ("ticket_event", "final_answer"):
        op.execute(f"drop trigger {table}_append_only_all on {table}")
        op.execute(f"drop trigger {table}_append_only on {table}")
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(_KEPT_EXCLUSION.format(erasing=""))
    op.execute(_KEPT_ATTACHMENT.format(erasing=""))
    for function in ("keep_words_of_ticket()", "keep_final_answer()", "keep_ticket_event()"):
        op.execute(f"drop function {function}")
    op.drop_column("attachment", "removed_at")
    op.drop_column("attachment", "erased_at")
    op.execute("drop function erase_story(integer, text[], text[], text)")
    op.execute("drop function may_erase(integer, text)")
    op.execute("drop function is_held(integer)")
    for table in ("retention_item", "retention_run", "legal_hold", "retention_policy"):
        op.drop_table(table)
