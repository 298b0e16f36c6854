"""People and logins: passwords by argon2id, tokens opaque and revocable."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, select, text, update

from service.audit.recording import record
from service.core.ids import new_token
from service.core.unit import Actor, Unit
from service.identity.errors import (
    LoginFailed,
    LoginLocked,
    NotLoggedIn,
    PasswordTooShort,
    UsernameInvalid,
    UsernameTaken,
)
from service.identity.models import LoginToken, Person, PersonRole
from service.identity.permissions import Permission, Role, permissions_of
from service.org.tree import org_tree

SHORTEST_PASSWORD = 12
FAILURES_BEFORE_LOCK = 10
LOCK_FOR = timedelta(minutes=15)

_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,63}$")
# OWASP's second choice (19 MiB, 2 passes): safe beside several processes on a county's small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified when the name is unknown, so that the answer takes as long as for a known one.
_DECOY = _hasher.hash(secrets.token_hex())

# Text, for it runs with every request: SQLAlchemy's own form costs more to look up in its cache than to execute.
_BY_TOKEN = text(
    "select p.id, p.username, p.org_code,"
    " (select array_agg(r.role) from person_role r where r.person_id = p.id) as roles"
    " from login_token t join person p on p.id = t.person_id"
    " where t.digest = :digest and t.revoked_at is null and t.expires_at > :now and p.active"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePerson:
    """A person to be. `password` in clear, at least 12 characters (NIST SP 800-63B asks for 8 and more)."""

    username: str
    display_name: str
    org_code: str
    roles: frozenset[Role]
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """A fresh token and how long it lasts."""

    token: str
    expires_in: timedelta
    actor: Actor


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

    Raises UsernameInvalid, UsernameTaken, PasswordTooShort, UnionUnknown.
    """
    if not _USERNAME.match(command.username):
        raise UsernameInvalid
    if len(command.password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(least=SHORTEST_PASSWORD)
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


def hash_password(password: str) -> str:
    """argon2id, with its parameters in the string."""
    return _hasher.hash(password)


def log_in(unit: Unit, username: str, password: str, *, lasts: timedelta) -> Login:
    """Check a password and hand out a token. Raises LoginFailed, LoginLocked.

    The failure counter must survive the refusal: the edge commits when it sees LoginFailed.
    """
    person = unit.session.scalars(
        # No key update: whoever writes a row that names this person meanwhile does not have to wait.
        select(Person).where(Person.username == username.strip().lower()).with_for_update(key_share=True)
    ).one_or_none()
    if person is None or not person.active:
        _matches(_DECOY, password)
        raise LoginFailed
    if person.locked_until is not None and unit.now < person.locked_until:
        raise LoginLocked(minutes=max(1, int((person.locked_until - unit.now).total_seconds() // 60)))
    if not _matches(person.password_hash, password):
        person.failed_logins += 1
        if person.failed_logins >= FAILURES_BEFORE_LOCK:
            person.locked_until, person.failed_logins = unit.now + LOCK_FOR, 0
        raise LoginFailed
    person.failed_logins, person.locked_until = 0, None
    token = new_token()
    unit.session.add(
        LoginToken(digest=_digest(token), person_id=person.id, created_at=unit.now, expires_at=unit.now + lasts)
    )
    unit.session.flush()
    return Login(token=token, expires_in=lasts, actor=actor_of_token(unit, token))


def actor_of_token(unit: Unit, token: str) -> Actor:
    """Who holds a token. One statement. Raises NotLoggedIn for an unknown, expired or revoked one, and for leavers."""
    row = unit.session.connection().execute(_BY_TOKEN, {"digest": _digest(token), "now": unit.now}).one_or_none()
    if row is None:
        raise NotLoggedIn
    return actor(unit, person_id=row.id, username=row.username, org_code=row.org_code, roles=row.roles or [])


def actor_of_username(unit: Unit, username: str) -> Actor:
    """The actor for a person by name, without a login: replays and tests. Raises NotLoggedIn."""
    row = unit.session.execute(
        select(Person.id, Person.username, Person.org_code).where(Person.username == username, Person.active)
    ).one_or_none()
    if row is None:
        raise NotLoggedIn
    roles = unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == row.id)).all()
    return actor(unit, person_id=row.id, username=row.username, org_code=row.org_code, roles=list(roles))


def actor(unit: Unit, *, person_id: int, username: str, org_code: str, roles: list[str]) -> Actor:
    """An actor with the rights of these roles and the scope of this union."""
    held = frozenset(Role(role) for role in roles)
    return Actor(
        id=person_id,
        name=username,
        org_code=org_code,
        scope=org_tree(unit.session).get(org_code).scope,
        permissions=permissions_of(held),
        roles=frozenset(role.value for role in held),
    )


def display_name(unit: Unit) -> str:
    """The name for people of who is logged in; for the service itself its own."""
    name = unit.session.scalar(select(Person.display_name).where(Person.id == unit.actor.id))
    return name or unit.actor.name


def log_out(unit: Unit, token: str) -> None:
    """Revoke a token; revoking twice changes nothing."""
    unit.session.execute(
        update(LoginToken)
        .where(LoginToken.digest == _digest(token), LoginToken.revoked_at.is_(None))
        .values(revoked_at=unit.now)
    )


def disable_person(unit: Unit, username: str) -> None:
    """A leaver: no more logins, and every token of theirs ends now."""
    person = unit.session.scalars(select(Person).where(Person.username == username).with_for_update()).one_or_none()
    if person is None:
        raise NotLoggedIn
    person.active = False
    unit.session.execute(delete(LoginToken).where(LoginToken.person_id == person.id))
    record(unit, "person:disable", subject=username)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
