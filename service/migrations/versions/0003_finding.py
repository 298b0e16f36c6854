"""Tickets can be found

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The database keeps the index itself: a text is found from the commit that wrote it on, whatever way wrote it.
FUNCTIONS = {
    # Two neighbouring Chinese characters are a word, and so is the last of a run alone: any two-character name is
    # found whatever a dictionary knows, and one character by its beginning. service/tickets/wording.py cuts queries
    # into the same words; a test compares the two. Phones and numbers of seven digits and more are no words.
    "search_words(text)": r"""
    create function search_words(content text) returns text[] language sql immutable parallel safe as $$
      with plain as materialized (
        select regexp_replace(
          lower(normalize(content, NFKC) collate "C"), '1[3-9][0-9](?:[ -]?[0-9]{4}){2}', ' ', 'g') as it
      ), sign as materialized (
        select one, place, ascii(one) between 13312 and 40959 or ascii(one) between 131072 and 262143 as han
        from plain, string_to_table(it, null) with ordinality as cut(one, place)
      ), word as (
        select case when lead(han) over line then one || lead(one) over line else one end as it, han
        from sign window line as (order by place)
        union all
        select found[1], true from plain, regexp_matches(it, '[a-z0-9à-ʯа-ӿء-ۿ༠-༩ཀ-ྼ]+', 'g') found
        where octet_length(found[1]) <= 30 and found[1] !~ '^[0-9]{7,}$'
      )
      select coalesce(array_agg(distinct it), '{}') from word where han
    $$
    """,
    # A number is read out by its last digits: 3 to 6 of them, or with its day.
    "search_number_words(text)": r"""
    create function search_number_words(number text) returns text[] language sql immutable parallel safe as $$
      select array_agg('#' || right(lower(number), size)) from unnest(array[3, 4, 5, 6, 15, length(number)]) size
    $$
    """,
    "search_alias_word(text)": r"""
    create function search_alias_word(number text) returns text language sql immutable parallel safe as $$
      select '#' || left(lower(normalize(number, NFKC) collate "C"), 60)
    $$
    """,
    # What lists are narrowed by. The ticket's own columns decide after it.
    "search_facets(int)": r"""
    create function search_facets(wanted int) returns text[] language sql stable as $$
      select array(
        select 'scope:' || left(code, size) from (
          select t.holder_code union
          select org_code from assignment
          where ticket_id = wanted and (end_reason is null or end_reason <> 'returned')
        ) given(code), unnest(array[4, 6]) size
        union
        select 'holder:' || left(t.holder_code, size) from unnest(array[4, 6]) size
        union
        select 'place:' || left(t.place_code, size) from unnest(array[4, 6]) size
        union all
        select facet from unnest(array[
          'state:' || t.state, 'kind:' || t.kind, 'channel:' || t.channel, 'tier:' || t.tier,
          'category:' || t.category_code, 'group:' || c.group_code,
          case when t.urgent then 'urgent' end, case when t.anonymous then 'anonymous' end,
          case when t.suspended then 'suspended' end
        ]) facet where facet is not null
      )
      from ticket t join category c on c.code = t.category_code where t.id = wanted
    $$
    """,
    # All that whoever sees a ticket may read. Why somebody looked at the caller is left out: it names them.
    # A tsvector ends at one megabyte; 25,000 words of at most 30 bytes stay below.
    "search_rebuild(int, int)": r"""
    create function search_rebuild(first_id int, last_id int) returns void language sql as $$
      insert into ticket_search (ticket_id, received_at, document, facets)
      select t.id, t.received_at,
        array_to_tsvector((search_number_words(t.number) || array(
          select search_alias_word(number) from ticket_alias where ticket_id = t.id
        ) || search_words(concat_ws(' ', t.title, t.body, t.answer,
          (select name from employer where id = t.employer_id),
          (select string_agg(concat_ws(' ', text, basis), ' ' order by id desc) from reply where ticket_id = t.id),
          (select string_agg(note, ' ' order by id desc) from ticket_event
           where ticket_id = t.id and note <> '' and kind <> 'caller:revealed')
        )))[1:25000]),
        search_facets(t.id)
      from ticket t where t.id between first_id and last_id
      on conflict (ticket_id) do update
        set received_at = excluded.received_at, document = excluded.document, facets = excluded.facets
    $$
    """,
    "search_append(int, text[])": r"""
    create function search_append(wanted int, words text[]) returns void language sql as $$
      update ticket_search set document = document || array_to_tsvector(words)
      where ticket_id = wanted and length(document) < 25000 and words <> '{}'
    $$
    """,
    "search_follows_ticket()": r"""
    create function search_follows_ticket() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or (old.title, old.body, old.answer, old.employer_id, old.received_at)
         is distinct from (new.title, new.body, new.answer, new.employer_id, new.received_at) then
        perform search_rebuild(new.id, new.id);
      else
        update ticket_search set facets = search_facets(new.id) where ticket_id = new.id;
      end if;
      return null;
    end $$
    """,
    "search_follows_assignment()": r"""
    create function search_follows_assignment() returns trigger language plpgsql as $$
    begin
      update ticket_search set facets = search_facets(new.ticket_id)
      where ticket_id = new.ticket_id and facets is distinct from search_facets(new.ticket_id);
      return null;
    end $$
    """,
    "search_follows_reply()": r"""
    create function search_follows_reply() returns trigger language plpgsql as $$
    begin
      perform search_append(new.ticket_id, search_words(concat_ws(' ', new.text, new.basis)));
      return null;
    end $$
    """,
    "search_follows_note()": r"""
    create function search_follows_note() returns trigger language plpgsql as $$
    begin
      perform search_append(new.ticket_id, search_words(new.note));
      return null;
    end $$
    """,
    "search_follows_alias()": r"""
    create function search_follows_alias() returns trigger language plpgsql as $$
    begin
      perform search_append(new.ticket_id, array[search_alias_word(new.number)]);
      return null;
    end $$
    """,
}

_FOLLOWED = (
    "title, body, answer, employer_id, received_at, state, kind, channel, tier, category_code, place_code, holder_code, "
    "urgent, anonymous, suspended"
)
TRIGGERS = (
    ("ticket", "search_insert", "after insert on ticket for each row execute function search_follows_ticket()"),
    (
        "ticket",
        "search_update",
        f"after update of {_FOLLOWED} on ticket for each row "
        f"when (({', '.join('old.' + name for name in _FOLLOWED.split(', '))}) is distinct from "
        f"({', '.join('new.' + name for name in _FOLLOWED.split(', '))})) execute function search_follows_ticket()",
    ),
    (
        "assignment",
        "search_assignment",
        "after insert or update of org_code, end_reason on assignment for each row "
        "execute function search_follows_assignment()",
    ),
    ("reply", "search_reply", "after insert on reply for each row execute function search_follows_reply()"),
    (
        "ticket_event",
        "search_note",
        "after insert on ticket_event for each row when (new.note <> '' and new.kind <> 'caller:revealed') "
        "execute function search_follows_note()",
    ),
    (
        "ticket_alias",
        "search_alias",
        "after insert on ticket_alias for each row execute function search_follows_alias()",
    ),
)


def upgrade() -> None:
    """The index with what keeps it, filled from the tickets there are; and the views people keep."""
    op.create_table(
        "ticket_search",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_search_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_search")),
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("org_code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_view_name")),
        sa.CheckConstraint("not filters ? 'phone_last4'", name=op.f("ck_saved_view_no_phone")),
        sa.ForeignKeyConstraint(["org_code"], ["org_unit.code"], name=op.f("fk_saved_view_org_code")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_saved_view_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_view_owner_id_name")),
    )
    op.create_index(op.f("ix_saved_view_org_code"), "saved_view", ["org_code"], postgresql_where=sa.text("shared"))
    for function in FUNCTIONS.values():
        op.execute(function)
    op.execute("select search_rebuild(0, 2147483647)")
    # Without a pending list: what one search would read through, or one intake write out for a hundred others.
    op.create_index(
        op.f("ix_ticket_search_document"),
        "ticket_search",
        ["document", "facets"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": False},
    )
    op.create_index(op.f("ix_ticket_search_received_at"), "ticket_search", ["received_at", "ticket_id"])
    # How many tickets a union sees is guessed at one in two hundred otherwise, and the province's plans go wrong.
    for length in (2, 4, 6):
        op.execute(f'create statistics ticket_holder_{length} on ("left"(holder_code, {length})) from ticket')
    for _, name, rest in TRIGGERS:
        op.execute(f"create trigger {name} {rest}")


def downgrade() -> None:
    """Nothing is lost but the views: the index is made of the tickets."""
    for table, name, _ in TRIGGERS:
        op.execute(f"drop trigger {name} on {table}")
    for length in (2, 4, 6):
        op.execute(f"drop statistics ticket_holder_{length}")
    for signature in FUNCTIONS:
        op.execute(f"drop function {signature}")
    op.drop_table("saved_view")
    op.drop_table("ticket_search")
