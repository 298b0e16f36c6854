"""People, and who acts by which token."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, text

from service.audit.recording import record
from service.core.fence import REACH
from service.core.unit import Actor, LoginInUse, Unit
from service.identity.errors import (
    NotLoggedIn,
    PasswordToBeChanged,
    PersonNotFound,
    SecondFactorToBeSet,
    UsernameInvalid,
    UsernameTaken,
)
from service.identity.models import Person, PersonRole
from service.identity.passwords import check_password, hash_password
from service.identity.permissions import Permission, Role, permissions_of
from service.org.tree import org_tree, within

_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,63}$")
# Text, for it runs with every request: SQLAlchemy's own form costs more to look up in its cache than to execute. By
# the way it tells the fence how far the person reaches, which so costs no round trip.
_BY_TOKEN = text(
    """
    select p.id, p.username, p.org_code, t.owes_second_factor,
     case when t.way = 'password' then p.password_given_at end as password_given_at,
     t.id as login, coalesce(t.used_at, t.created_at) as used_at,
     (select array_agg(r.role) from person_role r where r.person_id = p.id) as roles,
     set_config(:setting, left(u.code, case u.level when 'province' then 2 when 'prefecture' then 4 else 6 end), true)
     as reach
    from login_token t join person p on p.id = t.person_id join org_unit u on u.code = p.org_code
    where t.digest = :digest and t.revoked_at is null and t.expires_at > :now and p.active
     and (t.idle_until is null or t.idle_until > :now)
    """
).bindparams(setting=REACH)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePerson:
    """A person to be, with the password in clear."""

    username: str
    display_name: str
    org_code: str
    roles: frozenset[Role]
    password: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody to choose: who, and of which union."""

    username: str
    name: str
    org_code: str


def people_in_reach(unit: Unit, *, able_to: Permission | None = None) -> list[PersonView]:
    """The active people of the actor's union and those below it, by union; with a permission, those whose roles have
    it."""
    statement = select(Person.username, Person.display_name, Person.org_code).where(
        Person.active, Person.org_code.startswith(unit.actor.scope, autoescape=True)
    )
    if able_to is not None:
        roles = [role.value for role in Role if able_to in permissions_of(frozenset({role}))]
        statement = statement.where(Person.id.in_(select(PersonRole.person_id).where(PersonRole.role.in_(roles))))
    rows = unit.session.execute(statement.order_by(Person.org_code, Person.username))
    return [PersonView(username=row.username, name=row.display_name, org_code=row.org_code) for row in rows]


def create_person(unit: Unit, command: CreatePerson, *, password_hash: str | None = None) -> Person:
    """Add somebody. `password_hash` spares the hashing when many share one password (the demo's people).

    Raises UsernameInvalid, UsernameTaken, UnionUnknown, and what check_password raises unless the hash is given.
    """
    if not _USERNAME.match(command.username):
        raise UsernameInvalid
    if password_hash is None:
        check_password(command.password, username=command.username, display_name=command.display_name)
    org_tree(unit.session).get(command.org_code)
    if unit.session.scalar(select(Person.id).where(Person.username == command.username)) is not None:
        raise UsernameTaken(username=command.username)
    person = Person(
        username=command.username,
        display_name=command.display_name,
        org_code=command.org_code,
        password_hash=password_hash or hash_password(command.password),
        active=True,
        failed_logins=0,
        created_at=unit.now,
    )
    unit.session.add(person)
    unit.session.flush()
    unit.session.add_all(PersonRole(person_id=person.id, role=role.value) for role in sorted(command.roles))
    record(unit, "person:create", subject=command.username, after={"org": command.org_code})
    return person


def actor_of_token(unit: Unit, token: str) -> Actor:
    """Who holds a token. One statement. Raises NotLoggedIn for an unknown, expired, idle or revoked one and for
    leavers, PasswordToBeChanged where a password that was given opened this login and is not changed yet,
    SecondFactorToBeSet for a login that owes a second factor."""
    row = _by_token(unit, token)
    if row.password_given_at is not None:
        raise PasswordToBeChanged
    if row.owes_second_factor:
        raise SecondFactorToBeSet
    return _actor_of(unit, row)


def holder_of_token(unit: Unit, token: str) -> Actor:
    """As actor_of_token, whatever is owed: for what is paid by it. Raises NotLoggedIn."""
    return _actor_of(unit, _by_token(unit, token))


def _by_token(unit: Unit, token: str) -> Row[Any]:
    row = unit.session.connection().execute(_BY_TOKEN, {"digest": digest(token), "now": unit.now}).one_or_none()
    if row is None:
        raise NotLoggedIn
    return row


def _actor_of(unit: Unit, row: Row[Any]) -> Actor:
    unit.reaches(row.reach)
    login = LoginInUse(id=row.login, used_at=row.used_at)
    return actor(
        unit, person_id=row.id, username=row.username, org_code=row.org_code, roles=row.roles or [], login=login
    )


def actor_of_username(unit: Unit, username: str) -> Actor:
    """The actor for a person by name, without a login: replays and tests. Raises NotLoggedIn."""
    row = unit.session.execute(
        select(Person.id, Person.username, Person.org_code).where(Person.username == username, Person.active)
    ).one_or_none()
    if row is None:
        raise NotLoggedIn
    roles = unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == row.id)).all()
    return actor(unit, person_id=row.id, username=row.username, org_code=row.org_code, roles=list(roles))


def actor(
    unit: Unit,
    *,
    person_id: int,
    username: str,
    org_code: str,
    roles: list[str],
    login: LoginInUse | None = None,
) -> Actor:
    """An actor with the rights of these roles and the scope of this union."""
    held = frozenset(Role(role) for role in roles)
    return Actor(
        id=person_id,
        name=username,
        org_code=org_code,
        scope=org_tree(unit.session).get(org_code).scope,
        permissions=permissions_of(held),
        roles=frozenset(role.value for role in held),
        login=login,
    )


def display_name(unit: Unit) -> str:
    """The name for people of who is logged in; for the service itself its own."""
    name = unit.session.scalar(select(Person.display_name).where(Person.id == unit.actor.id))
    return name or unit.actor.name


def person_below(unit: Unit, username: str) -> Person:
    """Somebody of the actor's union or one below it, here still or not. Raises PersonNotFound."""
    person = unit.session.scalars(select(Person).where(Person.username == username)).one_or_none()
    if person is None or not within(person.org_code, unit.actor.scope):
        raise PersonNotFound(username=username)
    return person


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()
