"""Keeping the people of one's union and those below it: who they are, what they may do, and when they leave.

The administrator's room: nothing here sees a ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, exists, func, or_, select

from service.audit.recording import record
from service.core.db import AdvisoryLock
from service.core.errors import Conflict, Forbidden, Malformed
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.errors import NotLoggedIn, PersonNotFound
from service.identity.logins import end_logins_of
from service.identity.models import LoginToken, Person, PersonRole
from service.identity.passwords import hash_password, new_password
from service.identity.people import CreatePerson, create_person, person_below
from service.identity.permissions import ROLE_NAMES, Role
from service.org.tree import org_tree, within

MOST_LISTED = 200

_EVERYWHERE = frozenset({"province", "prefecture", "county"})
# Where a role has its place: the centre takes calls, answers and dispatches; who watches over others sits above them.
ROLE_LEVELS: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.agent: frozenset({"province"}),
        Role.lawyer: frozenset({"province"}),
        Role.dispatcher: frozenset({"province"}),
        Role.handler: _EVERYWHERE,
        Role.reviewer: _EVERYWHERE,
        Role.supervisor: frozenset({"province", "prefecture"}),
        Role.admin: _EVERYWHERE,
        Role.auditor: frozenset({"province"}),
    }
)


class RoleOutOfPlace(Malformed):
    zh = "{union} 不能设置岗位“{role}”。"
    en = "There is no {role} at {union}."


class UnionOutOfReach(Forbidden):
    zh = "{union} 不在您的管辖范围内。"
    en = "{union} is not your union nor below it."


class RolesMissing(Malformed):
    zh = "请至少选择一个岗位;不再任职的请停用。"
    en = "Choose at least one role; disable somebody who has left."


class RolesApart(Malformed):
    """Who keeps people and rules, or handles matters, is whom the auditor looks at."""

    zh = "审计员不能兼任其他岗位。"
    en = "An auditor holds no other role."


class NotOneself(Forbidden):
    zh = "不能对本人的账号做此操作,请由另一名管理员办理。"
    en = "Nobody does this to their own account; ask another administrator."


class LastAdministrator(Conflict):
    zh = "{name} 是省级最后一名在用的管理员,请先新增另一名。"
    en = "{name} is the province's last active administrator; add another first."


class PersonHasLeft(Conflict):
    zh = "{username} 已停用,请先恢复。"
    en = "{username} is disabled; enable the account first."


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPeople:
    """Which people: part of a name or user name, a union's code (with those below it), a role, here still or not.
    Empty and None: all."""

    text: str = ""
    org_code: str = ""
    role: Role | None = None
    active: bool | None = True
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody as an administrator sees them. `last_used_at` is of their logins that are kept; `password_given_at` is
    there as long as they have not chosen a password of their own."""

    username: str
    name: str
    org_code: str
    roles: tuple[Role, ...]
    active: bool
    created_at: datetime
    last_used_at: datetime | None
    password_given_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """People by user name; `next_after` continues the list."""

    rows: list[PersonRow]
    total: int
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPerson:
    """Somebody to be added, with a password made for one login."""

    username: str
    display_name: str
    org_code: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePerson:
    """What becomes different about somebody; None: nothing."""

    username: str
    display_name: str | None = None
    org_code: str | None = None
    roles: frozenset[Role] | None = None


def find_people(unit: Unit, command: FindPeople) -> PeoplePage:
    """A page of the people of the actor's union and those below it, by user name."""
    wanted = _wanted(unit, command)
    total = unit.session.scalar(select(func.count()).select_from(Person).where(*wanted)) or 0
    if command.after:
        wanted = [*wanted, Person.username > command.after]
    limit = min(command.limit, MOST_LISTED)
    rows = _rows(unit, *wanted, limit=limit + 1)
    more = len(rows) > limit
    return PeoplePage(rows=rows[:limit], total=total, next_after=rows[limit - 1].username if more else None)


def person_row(unit: Unit, username: str) -> PersonRow:
    """Somebody below the actor's union, here still or not. Raises PersonNotFound."""
    for row in _rows(unit, Person.username == username, _below(unit), limit=1):
        return row
    raise PersonNotFound(username=username)


def add_person(unit: Unit, command: AddPerson) -> str:
    """Add somebody; answers the password for their first login, which is kept nowhere else.

    Raises UnionUnknown, UnionOutOfReach, RoleOutOfPlace, RolesMissing, RolesApart, UsernameInvalid, UsernameTaken.
    """
    check_place(unit, command.org_code, command.roles)
    password = new_password()
    person = create_person(
        unit,
        CreatePerson(
            username=command.username,
            display_name=command.display_name,
            org_code=command.org_code,
            roles=command.roles,
            password=password,
        ),
        password_hash=hash_password(password),
    )
    person.password_given_at = unit.now
    return password


def change_person(unit: Unit, command: ChangePerson) -> None:
    """Change somebody's name, union or roles; it holds from their next request on. A repeat changes nothing.

    Raises PersonNotFound, PersonHasLeft, NotOneself, LastAdministrator, RoleOutOfPlace, RolesMissing, RolesApart,
    UnionUnknown, UnionOutOfReach, NotLoggedIn.
    """
    _one_at_a_time(unit)
    person = _lock(unit, command.username)
    if not person.active:
        raise PersonHasLeft(username=person.username)
    held = _roles(unit, person)
    roles = held if command.roles is None else command.roles
    org_code = command.org_code or person.org_code
    called, name = person.display_name, command.display_name or person.display_name
    before = _facts(person, held)
    if (org_code, roles) != (person.org_code, held):
        _not_oneself(unit, person)
        check_place(unit, org_code, roles)
        if Role.admin in held and (Role.admin not in roles or org_code != person.org_code):
            _not_the_last(unit, person)
    unit.session.execute(delete(PersonRole).where(PersonRole.person_id == person.id, PersonRole.role.not_in([*roles])))
    unit.session.add_all(PersonRole(person_id=person.id, role=role.value) for role in sorted(roles - held))
    person.org_code, person.display_name = org_code, name
    unit.session.flush()
    after = _facts(person, roles)
    changed = [key for key in after if after[key] != before[key]]
    renamed = {} if name == called else {"renamed": True}
    if changed or renamed:
        record(
            unit,
            "person:change",
            subject=person.username,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed} | renamed,
        )


def reset_password(unit: Unit, username: str) -> str:
    """A new password for one login of somebody, whose logins end; it is kept nowhere else.

    Raises PersonNotFound, PersonHasLeft, NotOneself.
    """
    person = lock_other(unit, username)
    if not person.active:
        raise PersonHasLeft(username=username)
    return _give_password(unit, person, "person:reset-password")


def disable_person(unit: Unit, username: str) -> None:
    """A leaver: no more logins, and every one of theirs ends now. A repeat changes nothing.

    Raises PersonNotFound, NotOneself, LastAdministrator, NotLoggedIn.
    """
    _one_at_a_time(unit)
    person = lock_other(unit, username)
    if not person.active:
        return
    if Role.admin in _roles(unit, person):
        _not_the_last(unit, person)
    person.active = False
    end_logins_of(unit, username)
    record(unit, "person:disable", subject=username, before={"active": True}, after={"active": False})


def enable_person(unit: Unit, username: str) -> str:
    """Somebody is back, with the roles of before and a password for one login. Raises PersonNotFound, NotOneself."""
    person = lock_other(unit, username)
    if not person.active:
        person.active = True
        record(unit, "person:enable", subject=username, before={"active": False}, after={"active": True})
    return _give_password(unit, person, "person:reset-password")


def unions_in_reach(unit: Unit) -> list[str]:
    """The codes of the unions whose people the actor keeps."""
    return [union.code for union in org_tree(unit.session) if within(union.code, unit.actor.scope)]


def _give_password(unit: Unit, person: Person, action: str) -> str:
    password = new_password()
    person.password_hash, person.password_given_at = hash_password(password), unit.now
    end_logins_of(unit, person.username)
    record(unit, action, subject=person.username)
    return password


def lock_other(unit: Unit, username: str) -> Person:
    """Somebody else below the actor's union, their row locked. Raises PersonNotFound, NotOneself."""
    person = _lock(unit, username)
    _not_oneself(unit, person)
    return person


def _lock(unit: Unit, username: str) -> Person:
    """Somebody below the actor's union, their row locked. Raises PersonNotFound."""
    person = person_below(unit, username)
    unit.session.refresh(person, with_for_update={"key_share": True})
    if not within(person.org_code, unit.actor.scope):
        raise PersonNotFound(username=username)
    return person


def _not_oneself(unit: Unit, person: Person) -> None:
    if person.id == unit.actor.id:
        raise NotOneself


def _one_at_a_time(unit: Unit) -> None:
    """Wait for whoever changes people at this moment. Of two administrators who disable each other the second finds
    that they are none any more. Raises NotLoggedIn."""
    unit.session.execute(select(func.pg_advisory_xact_lock(int(AdvisoryLock.people))))
    if unit.actor.id is None:
        return
    roles = select(PersonRole.role).where(PersonRole.person_id == Person.id)
    now = unit.session.execute(
        select(Person.active, func.array(roles.scalar_subquery()).label("roles")).where(Person.id == unit.actor.id)
    ).one()
    if not now.active or not unit.actor.roles <= set(now.roles):
        raise NotLoggedIn


def _not_the_last(unit: Unit, person: Person) -> None:
    """Raises LastAdministrator. Asked while nobody else changes people."""
    if person.org_code != PROVINCE_CODE:
        return
    another = unit.session.scalar(
        select(Person.id)
        .where(
            Person.active,
            Person.org_code == PROVINCE_CODE,
            Person.id != person.id,
            exists().where(PersonRole.person_id == Person.id, PersonRole.role == Role.admin),
        )
        .limit(1)
    )
    if another is None:
        raise LastAdministrator(name=person.display_name)


def check_place(unit: Unit, org_code: str, roles: frozenset[Role]) -> None:
    """Whether the actor may put somebody with these roles at a union. Raises UnionUnknown, UnionOutOfReach,
    RolesMissing, RoleOutOfPlace, RolesApart."""
    union = org_tree(unit.session).get(org_code)
    if not within(org_code, unit.actor.scope):
        raise UnionOutOfReach(union=union.name)
    if not roles:
        raise RolesMissing
    for role in sorted(roles):
        if union.level not in ROLE_LEVELS[role]:
            raise RoleOutOfPlace(role=ROLE_NAMES[role], union=union.name)
    if Role.auditor in roles and len(roles) > 1:
        raise RolesApart


def _roles(unit: Unit, person: Person) -> frozenset[Role]:
    held = unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id))
    return frozenset(Role(role) for role in held)


def _facts(person: Person, roles: frozenset[Role]) -> dict[str, object]:
    """What the audit keeps: whose name it was does not belong there."""
    return {"org": person.org_code, "roles": sorted(role.value for role in roles)}


def _below(unit: Unit) -> ColumnElement[bool]:
    return Person.org_code.startswith(unit.actor.scope, autoescape=True)


def _wanted(unit: Unit, command: FindPeople) -> list[ColumnElement[bool]]:
    wanted = [_below(unit)]
    if command.text.strip():
        part = command.text.strip()
        wanted.append(
            or_(Person.username.icontains(part, autoescape=True), Person.display_name.icontains(part, autoescape=True))
        )
    if command.org_code:
        wanted.append(Person.org_code.startswith(org_tree(unit.session).get(command.org_code).scope, autoescape=True))
    if command.role is not None:
        wanted.append(exists().where(PersonRole.person_id == Person.id, PersonRole.role == command.role))
    if command.active is not None:
        wanted.append(Person.active.is_(command.active))
    return wanted


def _rows(unit: Unit, *wanted: ColumnElement[bool], limit: int) -> list[PersonRow]:
    roles = select(func.array_agg(PersonRole.role)).where(PersonRole.person_id == Person.id).scalar_subquery()
    used = (
        select(func.max(func.coalesce(LoginToken.used_at, LoginToken.created_at)))
        .where(LoginToken.person_id == Person.id)
        .scalar_subquery()
    )
    columns = (Person, roles.label("roles"), used.label("last_used_at"))
    found = unit.session.execute(select(*columns).where(*wanted).order_by(Person.username).limit(limit))
    return [
        PersonRow(
            username=row.Person.username,
            name=row.Person.display_name,
            org_code=row.Person.org_code,
            roles=tuple(sorted(Role(role) for role in row.roles or ())),
            active=row.Person.active,
            created_at=row.Person.created_at,
            last_used_at=row.last_used_at,
            password_given_at=row.Person.password_given_at,
        )
        for row in found
    ]
