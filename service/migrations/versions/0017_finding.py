"""Every closed list of the form narrows a search, and a history is put into the index once

Revision: 0017
After: 0016
"""

from importlib import import_module

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = import_module("service.migrations.versions.0003_finding")

# Both answer what those of migration 0003 answer, in half the time: a run of Chinese characters is found whole and cut
# into its pairs, instead of sign by sign. In pieces of a hundred, for to find the n-th sign of a text takes n steps.
SEARCH_WORDS = r"""
    create or replace function search_words(content text) returns text[] language sql immutable parallel safe as $$
      with plain as materialized (
        select regexp_replace(
          lower(normalize(content, NFKC) collate "C"), '1[3-9][0-9](?:[ -]?[0-9]{4}){2}', ' ', 'g') as it
      ), run as materialized (
        select found[1] as han, found[2] as other from plain, regexp_matches(
          it, '([㐀-鿿𠀀-𿿿]+)|([a-z0-9à-ʯа-ӿء-ۿ༠-༩ཀ-ྼ]+)', 'g') found
      ), word as (
        select substr(piece, place, 2) as it
        from run, generate_series(0, (length(han) - 1) / 100) hundred,
          lateral (select substr(han, hundred * 100 + 1, 101)) cut(piece),
          generate_series(1, least(100, length(piece))) place
        union all
        select other from run where octet_length(other) <= 30 and other !~ '^[0-9]{7,}$'
      )
      select coalesce(array_agg(distinct it), '{}') from word
    $$
"""

# With the closed lists that came after it and the steps that ranges are narrowed by: service/tickets/finding.py knows
# the same steps, and a test asks for each of them.
SEARCH_FACETS = r"""
    create or replace function search_facets(wanted int) returns text[] language sql stable as $$
      select array(
        select distinct 'scope:' || left(code, size) from (
          select t.holder_code union all
          select org_code from assignment
          where ticket_id = wanted and (end_reason is null or end_reason <> 'returned')
        ) given(code), unnest('{4,6}'::int[]) size
      ) || array(select 'people:' || step from unnest('{2,5,10,20,50,100}'::int[]) step where t.people_count >= step)
      || array(select 'amount:' || step from unnest('{1000,10000,100000,1000000}'::int[]) step
               where t.amount_owed >= step)
      || array_remove(array[
        'holder:' || left(t.holder_code, 4), 'holder:' || left(t.holder_code, 6),
        'place:' || left(t.place_code, 4), 'place:' || left(t.place_code, 6),
        'state:' || t.state, 'kind:' || t.kind, 'channel:' || t.channel, 'tier:' || t.tier,
        'category:' || t.category_code, 'group:' || c.group_code,
        'membership:' || t.membership, 'identity:' || t.identity_group,
        case when t.urgent then 'urgent' end, case when t.anonymous then 'anonymous' end,
        case when t.suspended then 'suspended' end
      ], null)
      from ticket t join category c on c.code = t.category_code where t.id = wanted
    $$
"""

# A new ticket that is in the index already was put there by a batch, with all that hangs on it.
SEARCH_FOLLOWS_TICKET = """
    create or replace function search_follows_ticket() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' then
        if not exists (select from ticket_search where ticket_id = new.id) then
          perform search_rebuild(new.id, new.id);
        end if;
      elsif (old.title, old.body, old.answer, old.employer_id, old.received_at)
         is distinct from (new.title, new.body, new.answer, new.employer_id, new.received_at) then
        perform search_rebuild(new.id, new.id);
      else
        update ticket_search set facets = search_facets(new.id) where ticket_id = new.id;
      end if;
      return null;
    end $$
"""

_FOLLOWED = (
    "title, body, answer, employer_id, received_at, state, kind, channel, tier, category_code, place_code, holder_code, "
    "urgent, anonymous, suspended, membership, identity_group, people_count, amount_owed"
)


def upgrade() -> None:
    """The words stay as they are; the facets of all tickets are made anew."""
    op.execute(SEARCH_WORDS)
    op.execute(SEARCH_FACETS)
    op.execute(SEARCH_FOLLOWS_TICKET)
    _follow(_FOLLOWED)
    # Deferrable: a batch of a history says "set constraints search_insert deferred" and puts its tickets into the index
    # together, with all that hangs on them. What it left out the trigger puts there at the commit.
    op.execute("drop trigger search_insert on ticket")
    op.execute(
        "create constraint trigger search_insert after insert on ticket deferrable initially immediate "
        "for each row execute function search_follows_ticket()"
    )
    _make_facets_anew()


def downgrade() -> None:
    """Functions and triggers as they were. Facets that nobody asks for do no harm."""
    for signature in ("search_words(text)", "search_facets(int)", "search_follows_ticket()"):
        op.execute(_BEFORE.FUNCTIONS[signature].replace("create function", "create or replace function"))
    _follow(_BEFORE._FOLLOWED)
    op.execute("drop trigger search_insert on ticket")
    op.execute(
        "create trigger search_insert after insert on ticket for each row execute function search_follows_ticket()"
    )


def _make_facets_anew() -> None:
    """Written again instead of updated: updating every row would leave the table twice as long and the index with
    every entry dead once, and cost three times as much. Searches wait meanwhile."""
    op.execute(
        "create temporary table kept on commit drop as select ticket_id, received_at, document from ticket_search"
    )
    op.execute("truncate ticket_search")
    op.execute("drop index ix_ticket_search_document")
    op.execute(
        "insert into ticket_search (ticket_id, received_at, document, facets) "
        "select ticket_id, received_at, document, search_facets(ticket_id) from kept order by received_at, ticket_id"
    )
    op.create_index(
        op.f("ix_ticket_search_document"),
        "ticket_search",
        ["document", "facets"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": False},
    )
    op.execute("analyze ticket_search")


def _follow(columns: str) -> None:
    """The trigger that follows these columns of a ticket."""
    names = columns.split(", ")
    op.execute("drop trigger search_update on ticket")
    op.execute(
        f"create trigger search_update after update of {columns} on ticket for each row "
        f"when (({', '.join('old.' + name for name in names)}) is distinct from "
        f"({', '.join('new.' + name for name in names)})) execute function search_follows_ticket()"
    )
