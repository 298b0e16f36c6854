"""Finding tickets: by words, by number, by what is known of them, all inside the actor's scope.

The index narrows: it says which tickets hold the words and the facets, the newest first. The ticket's own columns
and the scope filter decide. A search looks at the newest thousand the index names, puts those whose title says it
first, and goes on with the next thousand when the pages of one are through: no word is too frequent to ask for.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    Text,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from service.audit.looking import TICKET_SEARCH, looked
from service.core.clock import local
from service.core.errors import Bilingual
from service.core.pagination import Cursor, CursorUnreadable
from service.core.unit import Unit
from service.identity.handlers import in_hands_of
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.sla.models import SlaClock
from service.sla.rules import current_rules
from service.tickets.concealing import led_to_by_caller
from service.tickets.employers import employer_key
from service.tickets.errors import PermissionMissing
from service.tickets.models import Caller, Employer, Ticket, TicketAlias
from service.tickets.queries import ROW_COLUMNS, NameBook, QueueNotVisible, ticket_row
from service.tickets.repository import PROVINCE_SCOPE_LENGTH, held_in, in_subtree, visible
from service.tickets.search_models import TicketSearch
from service.tickets.search_record import on_record
from service.tickets.taxonomy import leaves
from service.tickets.views import TicketRow
from service.tickets.wording import Excerpt, Field, Part, Wanted, excerpt, marked, number_term, understood
from sla_rules import ClockKind

# So many of the newest hits are put in order and counted at once; what is beyond is "1,000+".
WINDOW = 1000
# So many of the newest tickets tell how frequent it is what is looked for.
_SAMPLE = 500
# To read a row by date takes 0.75 µs, one that the GIN index names 2 µs: of `many` tickets, of which each d-th fits,
# WINDOW / d rows cost as much as many * d when d² * many is this.
_EVEN = 375
# What was frequent of late and never before is looked for in the GIN index after so many rows.
_MOST_READ = 20_000
# Ranges are narrowed by the step they begin at or after; the index has the same (migration 0017).
_PEOPLE = (2, 5, 10, 20, 50, 100)
_YUAN = (1_000, 10_000, 100_000, 1_000_000)
# A phrase that the index takes for likely may stand nowhere: after so many windows the reader is asked to go on.
_MOST_WINDOWS = 3
_GROUP_LENGTH = 2
_BY_PHONE = Bilingual("按电话后四位查找", "search by the last digits of a phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindQuery:
    """What is looked for; everything given has to hold.

    q: words, "phrases in quotation marks", numbers. number: whole, its last 3 to 6 digits, or a peer system's.
    phone_last4: for those who may see callers, where they may. category_group: two digits; place and org: a union's
    code, which stands for its whole subtree. Instants are aware; `_from` is included, `_to` is not. Counts and
    yuan include both ends. late: the promise to the worker is or was broken. mine: in the actor's hands, or
    in theirs for whom the actor stands in. limit 1 to 200.
    """

    q: str | None = None
    number: str | None = None
    phone_last4: str | None = None
    state: str | None = None
    kind: str | None = None
    channel: str | None = None
    tier: str | None = None
    category_code: str | None = None
    category_group: str | None = None
    place: str | None = None
    org: str | None = None
    employer: str | None = None
    membership: str | None = None
    identity_group: str | None = None
    people_from: int | None = None
    people_to: int | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None
    urgent: bool | None = None
    anonymous: bool | None = None
    suspended: bool | None = None
    collective: bool | None = None
    late: bool | None = None
    mine: bool | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A ticket that was found: its line, its title with the words marked, and where else it says them."""

    row: TicketRow
    title: tuple[Part, ...]
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of hits. `total` is counted for searches by words; with `more` there are at least so many."""

    hits: tuple[Hit, ...]
    next_cursor: str | None
    total: int | None = None
    more: bool = False


def find_tickets(unit: Unit, query: FindQuery) -> FoundPage:
    """Tickets in scope that fit the query: the number asked for first, then by how much of it the title says, then
    the newest; without words simply the newest first.

    Raises QueueNotVisible, UnionUnknown, PermissionMissing (phone_last4), CursorUnreadable.
    """
    page = _found(unit, query)
    numbers = [hit.row.number for hit in page.hits]
    looked(unit, TICKET_SEARCH, subject=str(len(numbers)), query=on_record(unit, given(query)), tickets=numbers)
    return page


def given(query: FindQuery) -> dict[str, Any]:
    """What is asked, without how much of the answer is shown."""
    values = {name: getattr(query, name) for name in FindQuery.__slots__ if name not in {"limit", "cursor"}}
    return {name: value for name, value in values.items() if value is not None}


def _found(unit: Unit, query: FindQuery) -> FoundPage:
    if not query.q:
        return _listed(unit, query)
    wanted = understood(query.q)
    if not wanted.tsquery:
        return FoundPage(hits=(), next_cursor=None, total=0)
    place = _Place.decode(query.cursor) if query.cursor else None
    for _ in range(_MOST_WINDOWS):
        page, following = _window(unit, query, wanted, place)
        if page.hits or following is None:
            break
        place = following
    return page


def each_found(
    unit: Unit, query: FindQuery, columns: Sequence[Any], *, numbers: Sequence[str] = ()
) -> Iterator[Row[Any]]:
    """Every ticket that the same query shows, streamed, the newest first; `numbers` leaves only those of them.

    Each row is `columns` of Ticket and tables that hang on it by `ticket.id`, which is the first. Raises what
    `find_tickets` raises.
    """
    wanted = understood(query.q) if query.q else None
    if wanted is not None and not wanted.tsquery:
        return
    statement = _narrowed(
        select(Ticket.id, *columns).join_from(TicketSearch, Ticket, Ticket.id == TicketSearch.ticket_id), unit, query
    )
    statement = statement.where(visible(unit.actor), *_conditions(unit, query))
    if numbers:
        statement = statement.where(Ticket.number.in_(numbers))
    statement = statement.order_by(*_newest_first(TicketSearch))
    for batch in unit.session.execute(statement, execution_options={"yield_per": 500}).partitions():
        fitting = _fitting(unit, wanted, [row.id for row in batch]) if wanted and wanted.phrases else None
        yield from (row for row in batch if fitting is None or row.id in fitting)


def highest_ticket(unit: Unit) -> int:
    """The highest id of a ticket; 0 when there is none."""
    return unit.session.scalar(select(func.max(Ticket.id))) or 0


def reindex_tickets(unit: Unit, *, first: int, last: int) -> int:
    """Make the index of these ids (both ends included) anew from what the tickets say; how many there were.

    For after a change of how texts are cut into words. Otherwise the database keeps the index itself.
    """
    unit.session.execute(select(func.search_rebuild(first, last)))
    return unit.session.scalar(select(func.count()).where(TicketSearch.ticket_id.between(first, last))) or 0


class _Place(NamedTuple):
    """Where a search goes on: the top of the window, the last hit shown in it (none for a new window), the count."""

    top: Cursor
    total: int
    more: bool
    score: int | None = None
    after: Cursor | None = None

    def encode(self) -> str:
        document = [self.top.encode(), self.total, self.more, self.score, self.after.encode() if self.after else None]
        return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "_Place":
        """Read back what `encode` wrote. Raises CursorUnreadable."""
        try:
            top, total, more, score, after = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            whole = type(total) is int and type(more) is bool and (score is None or type(score) is int)
            if not whole or (score is None) != (after is None) or not abs(score or 0) < 2**31:
                raise CursorUnreadable
            return cls(Cursor.decode(top), total, more, score, Cursor.decode(after) if after else None)
        except (ValueError, TypeError, RecursionError, binascii.Error):
            raise CursorUnreadable from None


def _listed(unit: Unit, query: FindQuery) -> FoundPage:
    statement = _narrowed(
        select(*ROW_COLUMNS).join_from(TicketSearch, Ticket, Ticket.id == TicketSearch.ticket_id), unit, query
    )
    statement = statement.where(visible(unit.actor), *_conditions(unit, query))
    if query.cursor is not None:
        after = Cursor.decode(query.cursor)
        statement = statement.where(_newest(TicketSearch) < tuple_(literal(after.at), literal(after.id)))
    statement = statement.order_by(*_newest_first(TicketSearch))
    found = unit.session.execute(statement.limit(query.limit + 1)).all()
    rows, names = found[: query.limit], NameBook.of(unit.session)
    return FoundPage(
        hits=tuple(
            Hit(ticket_row(row, names=names, now=unit.now, handler=row.handler), (Part(row.title, hit=False),), None)
            for row in rows
        ),
        next_cursor=Cursor(at=rows[-1].received_at, id=rows[-1].id).encode() if len(found) > query.limit else None,
    )


def _window(unit: Unit, query: FindQuery, wanted: Wanted, place: _Place | None) -> tuple[FoundPage, _Place | None]:
    """A page of the window at `place`, and the place of the window after it if there is one."""
    named = _named(unit, query, place.top if place else None)
    if not named:
        return FoundPage(hits=(), next_cursor=None, total=place.total if place else 0), None
    ids = [row.ticket_id for row in named]
    if wanted.phrases:
        ids = sorted(_fitting(unit, wanted, ids))
    found, counted = _in_order(unit, query, wanted, ids, place)
    full = len(named) == WINDOW
    begun = place is None
    total, more = (counted, full) if begun else (place.total, place.more)  # type: ignore[union-attr]
    top = Cursor(at=named[0].received_at, id=named[0].ticket_id)
    last = named[-1]
    following = _Place(Cursor(at=last.received_at, id=last.ticket_id - 1), total, more) if full else None
    shown = found[: query.limit]
    if len(found) > query.limit:
        end = shown[-1]
        next_place: _Place | None = _Place(top, total, more, end.score, Cursor(at=end.received_at, id=end.id))
    else:
        next_place = following
    page = FoundPage(
        hits=_hits(unit, shown, wanted),
        next_cursor=next_place.encode() if next_place else None,
        total=total,
        more=more,
    )
    return page, following


def _named(unit: Unit, query: FindQuery, top: Cursor | None) -> Sequence[Row[Any]]:
    """The newest thousand that the index names, from the top on.

    Two ways lead to them: through the tickets from the newest on until a thousand fit, or through everything that the
    GIN index names. The first is short for what is frequent, the second for what is rare; how many of the last few
    hundred tickets fit tells which. The planner can't: it takes 农民 and 民工 for two words that meet by chance.
    """
    period = _period(query)
    if top is not None:
        period.append(_newest(TicketSearch) <= tuple_(literal(top.at), literal(top.id)))
    newest = select(TicketSearch).where(*period).order_by(*_newest_first(TicketSearch))
    last = aliased(TicketSearch, newest.limit(_SAMPLE).subquery())
    fitting = _joined(select(func.count()).select_from(last), last, unit, query).where(*_said(last, unit, query))
    many: ColumnElement[float] = literal_column(
        "(select reltuples from pg_class where oid = 'ticket_search'::regclass)"
    )
    frequent, of_many = unit.session.execute(select(fitting.scalar_subquery(), many)).one()
    if frequent**2 * of_many > _EVEN * _SAMPLE**2:
        read = aliased(TicketSearch, newest.limit(_MOST_READ).subquery())
        through = _joined(select(read.ticket_id, read.received_at), read, unit, query).where(*_said(read, unit, query))
        found = unit.session.execute(through.order_by(*_newest_first(read)).limit(WINDOW)).all()
        if len(found) == WINDOW:
            return found
    every = select(TicketSearch.ticket_id, TicketSearch.received_at).where(*period, *_indexed(unit, query))
    # Apart from the order: nothing tempts the planner to look for a rare word from the newest ticket on.
    named = _joined(every, TicketSearch, unit, query).cte().prefix_with("materialized")
    return unit.session.execute(
        select(named).order_by(named.c.received_at.desc(), named.c.ticket_id.desc()).limit(WINDOW)
    ).all()


def _joined(statement: Select[Any], search: type[TicketSearch], unit: Unit, query: FindQuery) -> Select[Any]:
    """The statement with what only the tickets themselves can answer, if any of it is asked."""
    if not _asks_the_ticket(query):
        return statement
    return statement.join(Ticket, Ticket.id == search.ticket_id).where(*_conditions(unit, query))


def _in_order(
    unit: Unit, query: FindQuery, wanted: Wanted, ids: Sequence[int], place: _Place | None
) -> tuple[Sequence[Row[Any]], int]:
    """Those of the tickets that are in scope and fit, best first, from the place on; and how many there are."""
    title = func.lower(func.normalize(Ticket.title, literal_column("NFKC")))
    # The title is folded once, not once for each term; only what is shown is read whole.
    fitting = (
        select(Ticket.id, Ticket.number, Ticket.received_at, title.label("title"))
        .where(Ticket.id == any_(literal(ids, ARRAY(Integer))), visible(unit.actor), *_conditions(unit, query))
        .cte()
        .prefix_with("materialized")
    )
    score = _score(wanted, fitting.c).label("score")
    ranked = select(fitting.c.id, fitting.c.received_at, score, func.count().over().label("counted")).subquery()
    order = (ranked.c.score, ranked.c.received_at, ranked.c.id)
    best = select(ranked).order_by(*(column.desc() for column in order)).limit(query.limit + 1)
    if place is not None and place.after is not None:
        best = best.where(
            tuple_(*order) < tuple_(literal(place.score), literal(place.after.at), literal(place.after.id))
        )
    shown = best.subquery()
    found = unit.session.execute(
        select(*ROW_COLUMNS, shown.c.score, shown.c.counted)
        .join_from(shown, Ticket, Ticket.id == shown.c.id)
        .order_by(shown.c.score.desc(), shown.c.received_at.desc(), shown.c.id.desc())
    ).all()
    return found, found[0].counted if found else 0


def _score(wanted: Wanted, fitting: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    """A number that is the ticket's own outweighs everything; then how many of the terms the title says."""
    said: list[ColumnElement[int]] = [case((func.strpos(fitting.title, term) > 0, 1), else_=0) for term in wanted.shown]
    for number in wanted.numbers:
        known = exists().where(TicketAlias.ticket_id == fitting.id, func.lower(TicketAlias.number) == number)
        own = func.lower(fitting.number).endswith(number, autoescape=True)
        said.append(case((or_(own, known), WINDOW), else_=0))
    return cast(sum(said[1:], said[0]), Integer)


def _hits(unit: Unit, rows: Sequence[Row[Any]], wanted: Wanted) -> tuple[Hit, ...]:
    texts = _texts(unit, [row.id for row in rows])
    names = NameBook.of(unit.session)
    return tuple(
        Hit(
            row=ticket_row(row, names=names, now=unit.now, handler=row.handler),
            title=marked(row.title, wanted.shown),
            excerpt=excerpt(((field, text) for field, text in texts.get(row.id, ()) if field != "title"), wanted.shown),
        )
        for row in rows
    )


def _fitting(unit: Unit, wanted: Wanted, ids: Sequence[int]) -> set[int]:
    """Those of the tickets in one of whose texts the phrases stand as they are."""
    fitting = set(ids)
    for phrase in wanted.phrases:
        fitting &= set(unit.session.scalars(_SAYING, {"ids": list(fitting), "phrase": phrase}))
    return fitting


def _texts(unit: Unit, ids: Sequence[int]) -> Mapping[int, list[tuple[Field, str]]]:
    """What tickets say, text by text, in the order in which a reader would look; the latest reply and note first."""
    texts: dict[int, list[tuple[Field, str]]] = {}
    if ids:
        for ticket_id, field, said in unit.session.execute(_TEXTS, {"ids": list(ids)}):
            texts.setdefault(ticket_id, []).append((field, said))
    return texts


_TEXTS = text("""
    select ticket_id, field, said from (
      select id, 1, 'title', title, id from ticket where id = any(:ids)
      union all select id, 2, 'body', body, id from ticket where id = any(:ids)
      union all select id, 3, 'answer', answer, id from ticket where id = any(:ids) and answer is not null
      union all select ticket_id, 4, 'reply', concat_ws(E'\n', text, basis), id from reply where ticket_id = any(:ids)
      union all select ticket_id, 5, 'note', note, id from ticket_event
        where ticket_id = any(:ids) and note <> '' and kind <> 'caller:revealed'
      union all select t.id, 6, 'employer', e.name, t.id from ticket t join employer e on e.id = t.employer_id
        where t.id = any(:ids)
    ) of_each(ticket_id, place, field, said, newest) order by ticket_id, place, newest desc
""")

# Nearly every ticket that has a phrase's pairs of signs has the phrase, most often in its own text and as it was typed:
# that is looked at first, and folding a text costs a hundred times as much. No text holds the sign between two texts.
_SAYING = text("""
    select t.id from ticket t
    left join employer e on e.id = t.employer_id
    cross join lateral (select concat_ws(chr(31), t.title, t.body, t.answer, e.name)) own(said)
    where t.id = any(:ids) and (
      strpos(own.said, :phrase) > 0
      or exists (select from reply where ticket_id = t.id and strpos(concat_ws(E'\n', text, basis), :phrase) > 0)
      or exists (
        select from ticket_event
        where ticket_id = t.id and note <> '' and kind <> 'caller:revealed' and strpos(note, :phrase) > 0
      )
      or strpos(lower(normalize(concat_ws(chr(31), own.said,
          (select string_agg(concat_ws(E'\n', text, basis), chr(31)) from reply where ticket_id = t.id),
          (select string_agg(note, chr(31)) from ticket_event
           where ticket_id = t.id and note <> '' and kind <> 'caller:revealed')
        ), NFKC) collate "C"), :phrase) > 0
    )
""")


def _newest_first(search: type[TicketSearch]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return search.received_at.desc(), search.ticket_id.desc()


def _newest(search: type[TicketSearch]) -> Any:
    return tuple_(search.received_at, search.ticket_id)


def _narrowed(statement: Select[Any], unit: Unit, query: FindQuery) -> Select[Any]:
    """What the index answers."""
    return statement.where(*_indexed(unit, query), *_period(query))


def _indexed(unit: Unit, query: FindQuery) -> list[ColumnElement[bool]]:
    """Words and facets, asked of the GIN index. The values stand in the statement itself: a plan that did not know how
    frequent a word is would be a guess, and a wrong one for the frequent words or for the rare."""
    words, facets = _words(query), _facets(unit, query)
    conditions = _without(TicketSearch, query)
    if words:
        asked = bindparam(None, words, type_=String, literal_execute=True)
        conditions.append(TicketSearch.document.op("@@")(cast(asked, TSQUERY)))
    if facets:
        listed = bindparam(None, "{" + ",".join(facets) + "}", type_=String, literal_execute=True)
        conditions.append(TicketSearch.facets.op("@>")(cast(listed, ARRAY(Text))))
    return conditions


def _said(search: type[TicketSearch], unit: Unit, query: FindQuery) -> list[ColumnElement[bool]]:
    """The same, asked row by row: by the operators' functions, which no index serves."""
    words, facets = _words(query), _facets(unit, query)
    conditions = _without(search, query)
    if facets:
        conditions.append(func.arraycontains(search.facets, literal(facets, ARRAY(Text))))
    if words:
        conditions.append(func.ts_match_vq(search.document, cast(literal(words), TSQUERY)))
    return conditions


def _without(search: type[TicketSearch], query: FindQuery) -> list[ColumnElement[bool]]:
    """The facets that no ticket wanted has; no index answers that."""
    flags = (("urgent", query.urgent), ("anonymous", query.anonymous), ("suspended", query.suspended))
    return [literal(name) != all_(search.facets) for name, value in flags if value is False]


def _words(query: FindQuery) -> str:
    words = understood(query.q).tsquery if query.q else ""
    if query.number:
        words = " & ".join(filter(None, (words, number_term(query.number) or "'#'")))
    return words


def _period(query: FindQuery) -> list[ColumnElement[bool]]:
    received = TicketSearch.received_at
    begins = [received >= query.received_from] if query.received_from is not None else []
    ends = [received < query.received_to] if query.received_to is not None else []
    return begins + ends


def _facets(unit: Unit, query: FindQuery) -> list[str]:
    """The facets that every ticket wanted has. Only values of closed lists, of tables and of the tree."""
    tree, scope = org_tree(unit.session), unit.actor.scope
    facets = [f"scope:{scope}"] if len(scope) > PROVINCE_SCOPE_LENGTH else []
    for name, value in (("state", query.state), ("kind", query.kind), ("channel", query.channel), ("tier", query.tier)):
        if value is not None:
            facets.append(f"{name}:{value}")
    known = leaves(unit.session)
    if query.category_code in known:
        facets.append(f"category:{query.category_code}")
    if query.category_group in {code[:_GROUP_LENGTH] for code in known}:
        facets.append(f"group:{query.category_group}")
    for name, code in (("holder", query.org), ("place", query.place)):
        if code is not None and code in tree and len(tree.get(code).scope) > PROVINCE_SCOPE_LENGTH:
            facets.append(f"{name}:{tree.get(code).scope}")
    for name, value in (("membership", query.membership), ("identity", query.identity_group)):
        if value is not None:
            facets.append(f"{name}:{value}")
    for name, steps, least in (("people", _PEOPLE, _people_from(unit, query)), ("amount", _YUAN, query.amount_from)):
        passed = [step for step in steps if least is not None and step <= least]
        facets += [f"{name}:{passed[-1]}"] if passed else []
    flags = (("urgent", query.urgent), ("anonymous", query.anonymous), ("suspended", query.suspended))
    return facets + [name for name, value in flags if value]


def _people_from(unit: Unit, query: FindQuery) -> int | None:
    """At least so many people: asked for, or because only a collective matter will do."""
    if not query.collective:
        return query.people_from
    return max(current_rules(unit.session).policy.limits.collective_threshold, query.people_from or 0)


def _asks_the_ticket(query: FindQuery) -> bool:
    """Whether anything is asked that the index can't answer."""
    asked = (
        query.phone_last4, query.employer, query.people_to, query.amount_to, query.due_from, query.due_to,
        query.ended_from, query.ended_to, query.collective, query.late, query.mine,
    )  # fmt: skip
    between = (query.people_from not in {None, *_PEOPLE}, query.amount_from not in {None, *_YUAN})
    return any(value is not None for value in asked) or any(between)


def _conditions(unit: Unit, query: FindQuery) -> list[ColumnElement[bool]]:
    """Everything asked of the ticket itself. Raises QueueNotVisible, UnionUnknown, PermissionMissing."""
    tree = org_tree(unit.session)
    conditions: list[ColumnElement[bool]] = []
    equal = (
        (Ticket.state, query.state), (Ticket.kind, query.kind), (Ticket.channel, query.channel),
        (Ticket.tier, query.tier), (Ticket.category_code, query.category_code), (Ticket.urgent, query.urgent),
        (Ticket.anonymous, query.anonymous), (Ticket.suspended, query.suspended),
        (Ticket.membership, query.membership), (Ticket.identity_group, query.identity_group),
    )  # fmt: skip
    conditions += [column == value for column, value in equal if value is not None]
    least = (
        (Ticket.people_count, query.people_from), (Ticket.amount_owed, query.amount_from),
        (Ticket.received_at, query.received_from), (Ticket.due_at, query.due_from), (Ticket.ended_at, query.ended_from),
    )  # fmt: skip
    conditions += [column >= value for column, value in least if value is not None]
    most = ((Ticket.people_count, query.people_to), (Ticket.amount_owed, query.amount_to))
    conditions += [column <= value for column, value in most if value is not None]
    before = (
        (Ticket.received_at, query.received_to), (Ticket.due_at, query.due_to), (Ticket.ended_at, query.ended_to)
    )  # fmt: skip
    conditions += [column < value for column, value in before if value is not None]
    if query.org is not None:
        if query.org not in tree:
            raise QueueNotVisible(code=query.org)
        conditions.append(held_in(tree.get(query.org).scope))
    if query.place is not None:
        conditions.append(in_subtree(Ticket.place_code, tree.get(query.place).scope))
    if query.category_group is not None:
        conditions.append(Ticket.category_code.startswith(query.category_group, autoescape=True))
    if query.collective is not None:
        threshold = current_rules(unit.session).policy.limits.collective_threshold
        conditions.append((Ticket.people_count >= threshold) == query.collective)
    if query.employer is not None:
        conditions.append(_employed_by(query.employer))
    if query.late is not None:
        conditions.append(_broken(unit) if query.late else ~_broken(unit))
    if query.mine is not None:
        in_hand = Ticket.id.in_(in_hands_of(unit.actor.id, local(unit.now).date()))
        conditions.append(in_hand if query.mine else ~in_hand)
    if query.phone_last4 is not None:
        conditions.append(_called_from(unit, query.phone_last4))
    return conditions


def _employed_by(name: str) -> ColumnElement[bool]:
    """Tickets about an employer one of whose names holds these words."""
    itself = select(func.coalesce(Employer.merged_into, Employer.id)).where(
        Employer.name_key.contains(employer_key(name), autoescape=True)
    )
    return Ticket.employer_id.in_(itself)


def _broken(unit: Unit) -> ColumnElement[bool]:
    """The promise to the worker was broken in some round, or is being broken now."""
    late_now = and_(SlaClock.stopped_at.is_(None), SlaClock.due_at <= unit.now, Ticket.suspended.is_(False))
    return exists().where(
        SlaClock.ticket_id == Ticket.id,
        SlaClock.kind == ClockKind.resolve.value,
        or_(SlaClock.breached_at.is_not(None), late_now),
    )


def _called_from(unit: Unit, last4: str) -> ColumnElement[bool]:
    """Tickets of callers whose number ends so, among those whose caller the actor might see. Raises
    PermissionMissing."""
    if not unit.actor.may(Permission.caller_reveal):
        raise PermissionMissing(step=_BY_PHONE)
    called = Ticket.caller_id.in_(select(Caller.id).where(Caller.phone_last4 == last4))
    return and_(called, led_to_by_caller(unit))
