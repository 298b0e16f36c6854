"""Whom a rung of a ladder means, resolved at the moment it fires against who holds which role then.

A ticket that somebody was given by name has that one handler; `deputy` are all of them still. Who is away is told all
the same, and their deputy with them. Who has an interest in the ticket is not told; where that
leaves nobody of the role at a union, the union above is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Row, and_, any_, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from service.core.clock import local
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.absences import Absence, on_day
from service.identity.duties import Duty
from service.identity.handlers import TicketHandler
from service.identity.models import Person, PersonRole
from service.identity.permissions import Role
from service.identity.recusals import Recusal
from service.org.tree import org_tree

DEPUTY = "deputy"
ON_DUTY = "on_duty"

_Deputy = aliased(Person)


@dataclass(frozen=True, slots=True)
class Target:
    """A person to be told, and as what."""

    person_id: int
    username: str
    audience: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a message is for: audience names at a union. `ticket_id` is the ticket they are told of, if it is about
    one: nobody with an interest in it is told. Of what is `urgent` whoever is on duty at the union is told as well."""

    names: Iterable[str]
    org_code: str
    ticket_id: int | None = None
    urgent: bool = False


def resolve_audience(
    unit: Unit, names: Iterable[str], *, org_code: str, ticket_id: int | None = None, urgent: bool = False
) -> list[Target]:
    """The people behind audience names for a union, as `Wanted` has it. Each person once, under the first name that
    fits."""
    return resolve_audiences(unit, [Wanted(names, org_code, ticket_id, urgent=urgent)])[0]


def resolve_audiences(unit: Unit, wanted: Sequence[Wanted]) -> list[list[Target]]:
    """The same for many messages: one statement, one more where some are urgent, and others only where a whole role
    has an interest."""
    meant = [[(name, *_meaning(unit, name, each.org_code)) for name in each.names] for each in wanted]
    pairs = sorted({(org, role) for meanings in meant for _, org, role in meanings if role is not None})
    found: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    if pairs:
        for row in _people(unit, _holds(pairs), tickets=[each.ticket_id for each in wanted]):
            found[row.org_code, row.role].append(row)
    told = [
        _told(unit, each, [(name, org, role) for name, org, role in meanings if role is not None], found)
        for each, meanings in zip(wanted, meant, strict=True)
    ]
    return _with_those_on_duty(unit, wanted, told)


def _with_those_on_duty(unit: Unit, wanted: Sequence[Wanted], told: list[list[Target]]) -> list[list[Target]]:
    """The targets of each message, and after them, where it is urgent, those on duty at its union who are not among
    them and have no interest in its ticket. No statement where nothing is urgent."""
    urgent = [each for each in wanted if each.urgent]
    if not urgent:
        return told
    ids = sorted({each.ticket_id for each in urgent if each.ticket_id is not None})
    rows = unit.session.execute(
        select(
            Duty.org_code,
            Person.id,
            Person.username,
            _of_these(Recusal.ticket_id, Recusal.person_id == Person.id, ids).label("recused_from"),
        )
        .join(Person, Person.id == Duty.person_id)
        .where(
            Person.active,
            Duty.cancelled_at.is_(None),
            Duty.starts_at <= unit.now,
            Duty.ends_at > unit.now,
            Duty.org_code.in_({each.org_code for each in urgent}),
        )
        .order_by(Person.id)
    ).all()
    for each, targets in zip(wanted, told, strict=True):
        among = {target.person_id for target in targets}
        targets += [
            Target(person_id=row.id, username=row.username, audience=ON_DUTY)
            for row in rows
            if each.urgent
            and row.org_code == each.org_code
            and row.id not in among
            and each.ticket_id not in row.recused_from
        ]
    return told


def _told(
    unit: Unit,
    wanted: Wanted,
    roles: Sequence[tuple[str, str, str]],
    found: Mapping[tuple[str, str], Sequence[Row[Any]]],
) -> list[Target]:
    """Whom one message goes to, of all the people found."""
    told: list[tuple[str, Row[Any]]] = []
    for name, org, role in roles:
        holders = found.get((org, role), ())
        free = [row for row in holders if wanted.ticket_id not in row.recused_from]
        if holders and not free:
            free = _above(unit, org, role, wanted.ticket_id)
        elif name == Role.handler:
            free = [row for row in free if wanted.ticket_id in row.in_hand] or free
        told += [(name, row) for row in free]
    return _targets(told, wanted.ticket_id)


def administrators(unit: Unit) -> list[Target]:
    """Everybody who keeps people and rules, at whatever union."""
    rows = _people(unit, PersonRole.role == Role.admin)
    return _targets([(Role.admin.value, row) for row in rows])


def administrators_over(unit: Unit, org_code: str) -> list[Target]:
    """Those who keep the people of a union: its own administrators, and those of the unions above it."""
    tree = org_tree(unit.session)
    codes, above = [org_code], tree.parent(org_code)
    while above is not None:
        codes.append(above.code)
        above = tree.parent(above.code)
    rows = _people(unit, and_(PersonRole.role == Role.admin, Person.org_code.in_(codes)))
    return _targets([(Role.admin.value, row) for row in rows])


def these_people(
    unit: Unit, person_ids: Sequence[int], *, org_code: str = "", ticket_id: int | None = None, urgent: bool = False
) -> list[Target]:
    """Certain people, as far as they are active and free of interest, with the deputies of those who are away; of what
    is urgent at a union, whoever is on duty there as well."""
    rows = _people(unit, Person.id.in_(person_ids), tickets=[ticket_id])
    told = _targets([(row.role, row) for row in rows if ticket_id not in row.recused_from], ticket_id)
    return _with_those_on_duty(unit, [Wanted((), org_code, ticket_id, urgent=urgent)], [told])[0]


def free_of_interest(unit: Unit, targets: Sequence[Target], ticket_ids: Sequence[int]) -> list[Target]:
    """Those of these people who have an interest in none of several tickets that are told of together."""
    if not ticket_ids:
        return list(targets)
    recused = set(unit.session.scalars(select(Recusal.person_id).where(Recusal.ticket_id.in_(ticket_ids))))
    return [target for target in targets if target.person_id not in recused]


def _targets(told: Sequence[tuple[str, Row[Any]]], ticket_id: int | None = None) -> list[Target]:
    """Each person once, and after them the deputies of those who are away."""
    targets: dict[int, Target] = {}
    for name, row in told:
        targets.setdefault(row.id, Target(person_id=row.id, username=row.username, audience=name))
    for _, row in told:
        if row.deputy_id is not None and ticket_id not in row.deputy_recused_from:
            deputy = Target(person_id=row.deputy_id, username=row.deputy_username, audience=DEPUTY)
            targets.setdefault(deputy.person_id, deputy)
    return list(targets.values())


def _people(unit: Unit, meant: ColumnElement[bool], *, tickets: Iterable[int | None] = ()) -> Sequence[Row[Any]]:
    """Who is meant, with their deputy of today, and in which of these tickets either has an interest or a hand. One
    statement."""
    today = local(unit.now).date()
    ids = sorted({ticket_id for ticket_id in tickets if ticket_id is not None})
    return unit.session.execute(
        select(
            Person.id,
            Person.username,
            Person.org_code,
            PersonRole.role,
            _of_these(Recusal.ticket_id, Recusal.person_id == Person.id, ids).label("recused_from"),
            _Deputy.id.label("deputy_id"),
            _Deputy.username.label("deputy_username"),
            _of_these(Recusal.ticket_id, Recusal.person_id == _Deputy.id, ids).label("deputy_recused_from"),
            _of_these(TicketHandler.ticket_id, TicketHandler.person_id == Person.id, ids).label("in_hand"),
        )
        .join(PersonRole, PersonRole.person_id == Person.id)
        .outerjoin(Absence, and_(Absence.person_id == Person.id, on_day(today)))
        .outerjoin(_Deputy, and_(_Deputy.id == Absence.deputy_id, _Deputy.active))
        .where(Person.active, meant)
        .order_by(Person.id)
    ).all()


def _of_these(ticket_id: InstrumentedAttribute[int], whose: ColumnElement[bool], ids: Sequence[int]) -> Any:
    """Those of these tickets that somebody has to do with, as an array."""
    return func.array(select(ticket_id).where(whose, ticket_id == any_(literal(ids, ARRAY(Integer)))).scalar_subquery())


def _above(unit: Unit, org_code: str, role: str, ticket_id: int | None) -> list[Row[Any]]:
    """Those with the role at the nearest union above that has somebody free of interest, else its leaders."""
    tree = org_tree(unit.session)
    parent = tree.parent(org_code)
    while parent is not None:
        for each in (role, Role.reviewer):
            rows = _people(unit, _holds([(parent.code, each)]), tickets=[ticket_id])
            free = [row for row in rows if ticket_id not in row.recused_from]
            if free:
                return free
        parent = tree.parent(parent.code)
    return []


def _holds(places: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """Has one of these roles at its union. The same statement for however many, so that it is compiled once."""
    return tuple_(Person.org_code, PersonRole.role).in_(places)


def _meaning(unit: Unit, name: str, org_code: str) -> tuple[str, str | None]:
    """The union and the role an audience name stands for; the role is None for nobody (the province's parent).

    `deputy` (AB角) is every handler of the union: with one or two of them each is the other's, absence or not.
    """
    parent = org_tree(unit.session).parent(org_code)
    meanings: dict[str, tuple[str, str | None]] = {
        "handler": (org_code, Role.handler),
        DEPUTY: (org_code, Role.handler),
        "leader": (org_code, Role.reviewer),
        "parent_leader": (parent.code, Role.reviewer) if parent else (org_code, None),
        "supervisor": (PROVINCE_CODE, Role.supervisor),
        "leadership": (PROVINCE_CODE, Role.reviewer),
        "dispatcher": (PROVINCE_CODE, Role.dispatcher),
        "agent": (PROVINCE_CODE, Role.agent),
        "lawyer": (PROVINCE_CODE, Role.lawyer),
    }
    return meanings[name]
