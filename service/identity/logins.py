"""Logging in, the logins somebody has, and ending them."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update

from service.audit.recording import record
from service.core.crypto import SealBroken
from service.core.errors import Malformed, NotFound
from service.core.ids import new_token
from service.core.unit import Actor, LoginInUse, Unit
from service.identity.errors import LoginFailed, NotLoggedIn, SecondFactorNeeded
from service.identity.models import LoginToken, Person, PersonRole
from service.identity.otp import Shown, is_confirmed, take_code
from service.identity.passwords import PasswordUnchanged, check_password, hash_password, is_outdated, matches
from service.identity.people import digest, holder_of_token, person_below

# An address is remembered for so long after a login from it.
REMEMBERED = timedelta(days=30)
# The last use of a login is noted no more often than this: a request that only reads writes nothing in between.
NOTED_EVERY = timedelta(minutes=3)
# A password made for somebody and not used by then opens nothing any more.
GIVEN_PASSWORD_LASTS = timedelta(days=7)
MOST_LISTED = 100
# Between the right password and the code of the authenticator.
PROOF_LASTS = timedelta(minutes=5)
_PROOF = "login.proof"
_LONGEST_ADDRESS, _LONGEST_AGENT, _LONGEST_PROOF = 45, 60, 1000

# The first that fits: each browser names those it descends from as well.
_BROWSERS = (
    ("MicroMessenger", r"MicroMessenger/(\d+)"),
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("QQBrowser", r"QQBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari"),
)
_SYSTEMS = ("HarmonyOS", "Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_UNPRINTABLE = re.compile(r"[^ -~]+")

_NOTE_USE = text(
    "update login_token set used_at = :now, idle_until = case when idle_until is not null then"
    " cast(:idle_until as timestamptz) end"
    " where id = :id and revoked_at is null and coalesce(used_at, created_at) = :used_at"
)


class LoginNotFound(NotFound):
    zh = "找不到这次登录,或已退出。"
    en = "There is no such login, or it has ended."


class PasswordNotRight(Malformed):
    """Said to somebody who is logged in and shows by the password that it is still they."""

    zh = "当前密码不正确。"
    en = "The present password is not right."


class Way(StrEnum):
    """How a login was made: with a password of ours, or by the identity provider."""

    password = "password"  # noqa: S105 - a way, not one
    oidc = "oidc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every login says of itself: where it came from (an IP address and what the program calls itself), how long
    it lasts, and after how long without use it ends before. `code` is of the authenticator or a recovery code;
    `second_factor_for` are the roles that must show one."""

    address: str
    agent: str
    lasts: timedelta
    idle: timedelta
    code: str = ""
    second_factor_for: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn(Entry):
    """Name and password as typed; with `proof` of a refusal for want of a code the password need not be typed again."""

    username: str
    password: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A fresh token and how long it lasts."""

    token: str
    expires_in: timedelta
    actor: Actor


@dataclass(frozen=True, slots=True)
class LoginView:
    """A login that lasts. `address` and `agent` are where it was made, empty where that is not known; `way` is how."""

    id: int
    began_at: datetime
    used_at: datetime
    ends_at: datetime
    address: str
    agent: str
    way: Way
    present: bool


def log_in(unit: Unit, command: LogIn) -> Login:
    """Check a password, and a second factor where there is one, and hand out a token. How often one may try is the
    edge's to count. Raises LoginFailed, SecondFactorNeeded, SecondFactorWrong.

    Nothing is locked and nothing written before the password is known to be right: a stranger who tries many makes
    the person they pretend to be wait for nothing.
    """
    username = command.username.strip().lower()
    found = unit.session.execute(
        select(Person.id, Person.password_hash).where(
            Person.username == username,
            Person.active,
            func.coalesce(Person.password_given_at, unit.now) > unit.now - GIVEN_PASSWORD_LASTS,
        )
    ).one_or_none()
    stored = found.password_hash if found else None
    right = _is_proven(unit, command.proof, username, stored) if command.proof else matches(stored, command.password)
    if not right or found is None:
        raise LoginFailed
    # What was checked holds still until the commit: a password that is reset meanwhile makes no login.
    person = unit.session.scalars(
        select(Person)
        .where(Person.id == found.id, Person.active, Person.password_hash == stored)
        .with_for_update(key_share=True)
    ).one_or_none()
    if person is None:
        raise LoginFailed
    shown = ask_second_factor(unit, person, command, lambda: _proof(unit, username, person.password_hash))
    if is_outdated(person.password_hash) and not command.proof:
        person.password_hash = hash_password(command.password)
    return begin_login(unit, person, command, way=Way.password, shown=shown)


def ask_second_factor(unit: Unit, person: Person, command: Entry, proof: Callable[[], str]) -> Shown:
    """Take the code of somebody who has a second factor. `proof` is what spares the first step when the code comes.
    Raises SecondFactorNeeded, SecondFactorWrong, SecondFactorUnreadable."""
    if not is_confirmed(unit, person.id):
        return Shown.nothing
    if not command.code:
        raise SecondFactorNeeded(proof=proof())
    return take_code(unit, person.id, command.code)


def _proof(unit: Unit, username: str, stored: str) -> str:
    """What shows to ourselves alone that the password was right a moment ago. It holds no password, and is good for
    nothing without the second factor."""
    ends = int((unit.now + PROOF_LASTS).timestamp())
    clear = json.dumps([username, hashlib.sha256(stored.encode()).hexdigest(), ends])
    return urlsafe_b64encode(unit.vault.seal(clear, _PROOF)).decode()


def _is_proven(unit: Unit, proof: str, username: str, stored: str | None) -> bool:
    try:
        shown = json.loads(unit.vault.open(urlsafe_b64decode(proof[:_LONGEST_PROOF].encode()), _PROOF))
    except (SealBroken, ValueError):
        return False
    name, digest_of_hash, ends = shown
    right = stored is not None and hashlib.sha256(stored.encode()).hexdigest() == digest_of_hash
    return right and name == username and unit.now.timestamp() < ends


def begin_login(unit: Unit, person: Person, command: Entry, *, way: Way, shown: Shown) -> Login:
    """A token for somebody who has shown what is asked, put on record. It owes a second factor where their role
    requires one and none was shown."""
    token = new_token()
    roles = set(unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id)))
    unit.session.add(
        LoginToken(
            digest=digest(token),
            person_id=person.id,
            created_at=unit.now,
            expires_at=unit.now + command.lasts,
            idle_until=unit.now + command.idle,
            address=command.address[:_LONGEST_ADDRESS],
            agent=in_short(command.agent),
            owes_second_factor=shown is Shown.nothing and bool(roles & command.second_factor_for),
            way=way.value,
        )
    )
    unit.session.flush()
    login = Login(token=token, expires_in=command.lasts, actor=holder_of_token(unit, token))
    with unit.acting_as(login.actor):
        after = {"address": command.address, "factor": shown, "way": way}
        record(unit, "login:begin", subject=person.username, after=after)
    return login


def has_logged_in_from(unit: Unit, username: str, address: str) -> bool:
    """Whether somebody of this name logged in from an address within 30 days."""
    found = unit.session.scalar(
        select(LoginToken.id)
        .join(Person, Person.id == LoginToken.person_id)
        .where(
            Person.username == username,
            LoginToken.address == address[:_LONGEST_ADDRESS],
            LoginToken.created_at > unit.now - REMEMBERED,
        )
        .limit(1)
    )
    return bool(address) and found is not None


def log_out(unit: Unit, token: str) -> Way | None:
    """Revoke a token; answers how its login was made. Revoking twice changes nothing, and answers None."""
    try:
        holder = holder_of_token(unit, token)
    except NotLoggedIn:
        return None
    with unit.acting_as(holder):
        _end(unit, LoginToken.digest == digest(token))
        record(unit, "login:end", subject=holder.name, after={"ended": 1})
    way = unit.session.scalar(select(LoginToken.way).where(LoginToken.digest == digest(token)))
    return Way(way) if way else None


def note_lock(unit: Unit, username: str, *, limit: str, address: str) -> None:
    """Put on record that a place may try no more for a while. What was typed as a name is kept only where it is one:
    people type passwords into the wrong field."""
    known = unit.session.scalar(select(Person.username).where(Person.username == username))
    record(unit, "login:lock", subject=known or "", after={"limit": limit, "address": address})


def forget_logins(unit: Unit, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` logins that ended before an instant; so many there were."""
    ended = func.least(LoginToken.revoked_at, LoginToken.expires_at, LoginToken.idle_until)
    old = select(LoginToken.digest).where(ended < before).limit(limit).with_for_update(skip_locked=True)
    gone = unit.session.execute(delete(LoginToken).where(LoginToken.digest.in_(old)).returning(LoginToken.id))
    return len(gone.all())


def is_stale(login: LoginInUse, now: datetime) -> bool:
    """Whether the use of a login is to be noted again."""
    return now - login.used_at >= NOTED_EVERY


def note_use(unit: Unit, login: LoginInUse, *, idle: timedelta) -> None:
    """Note that a login was used now. Of several requests at once one writes."""
    values = {"id": login.id, "used_at": login.used_at, "now": unit.now, "idle_until": unit.now + idle}
    unit.session.connection().execute(_NOTE_USE, values)


def own_logins(unit: Unit) -> list[LoginView]:
    """The actor's logins that last, the one used last first."""
    return _logins(unit, unit.actor.id)


def logins_of(unit: Unit, username: str) -> list[LoginView]:
    """The logins that last of somebody below the actor's union. Raises PersonNotFound."""
    return _logins(unit, person_below(unit, username).id)


def end_own_login(unit: Unit, login_id: int) -> None:
    """End one of the actor's own logins. Raises LoginNotFound."""
    if not _end(unit, LoginToken.id == login_id, LoginToken.person_id == unit.actor.id):
        raise LoginNotFound
    record(unit, "login:end", subject=unit.actor.name, after={"ended": 1})


def end_other_logins(unit: Unit) -> int:
    """End every login of the actor but the present one; so many ended."""
    present = unit.actor.login.id if unit.actor.login else 0
    ended = _end(unit, LoginToken.person_id == unit.actor.id, LoginToken.id != present)
    if ended:
        record(unit, "login:end", subject=unit.actor.name, after={"ended": ended})
    return ended


def end_logins_of(unit: Unit, username: str) -> int:
    """End every login of somebody below the actor's union; so many ended. Raises PersonNotFound."""
    ended = _end(unit, LoginToken.person_id == person_below(unit, username).id)
    if ended:
        record(unit, "login:end", subject=username, after={"ended": ended})
    return ended


def end_logins_by_provider(unit: Unit, person_id: int) -> int:
    """End those of somebody's logins that the identity provider opened, but the present one; so many ended."""
    present = unit.actor.login.id if unit.actor.login else 0
    return _end(unit, LoginToken.person_id == person_id, LoginToken.way == Way.oidc.value, LoginToken.id != present)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """One's own, both in clear."""

    present: str
    new: str


def change_password(unit: Unit, command: ChangePassword) -> None:
    """Choose another password; every other login of the actor ends.

    Raises PasswordNotRight, PasswordUnchanged, and what check_password raises.
    """
    person = show_password_again(unit, command.present)
    check_password(command.new, username=person.username, display_name=person.display_name)
    if matches(person.password_hash, command.new):
        raise PasswordUnchanged
    person.password_hash, person.password_given_at = hash_password(command.new), None
    record(unit, "person:password", subject=person.username)
    end_other_logins(unit)


def show_password_again(unit: Unit, password: str) -> Person:
    """The actor themselves, their row locked, who show that it is still they. Raises PasswordNotRight."""
    person = unit.session.get_one(Person, unit.actor.id, with_for_update={"key_share": True})
    if not matches(person.password_hash, password):
        raise PasswordNotRight
    return person


def in_short(agent: str) -> str:
    """What a program calls itself, as a person would say it: "Edge 131 · Windows". The beginning of it where it is
    none of the known ones."""
    system = next((name for name in _SYSTEMS if name in agent), "")
    for name, pattern in _BROWSERS:
        found = re.search(pattern, agent)
        if found:
            return f"{name} {found[1]}{f' · {system}' if system else ''}"
    return _UNPRINTABLE.sub(" ", agent)[:_LONGEST_AGENT].strip()


def _logins(unit: Unit, person_id: int | None) -> list[LoginView]:
    rows = unit.session.scalars(
        select(LoginToken)
        .where(
            LoginToken.person_id == person_id,
            LoginToken.revoked_at.is_(None),
            LoginToken.expires_at > unit.now,
            or_(LoginToken.idle_until.is_(None), LoginToken.idle_until > unit.now),
        )
        .order_by(func.coalesce(LoginToken.used_at, LoginToken.created_at).desc(), LoginToken.id.desc())
        .limit(MOST_LISTED)
    )
    present = unit.actor.login.id if unit.actor.login else None
    return [
        LoginView(
            id=row.id,
            began_at=row.created_at,
            used_at=row.used_at or row.created_at,
            ends_at=row.expires_at,
            address=row.address,
            agent=row.agent,
            way=Way(row.way),
            present=row.id == present,
        )
        for row in rows
    ]


def _end(unit: Unit, *which: ColumnElement[bool]) -> int:
    """End those of these logins that last; so many there were."""
    ended = unit.session.execute(
        update(LoginToken)
        .where(*which, LoginToken.revoked_at.is_(None), LoginToken.expires_at > unit.now)
        .values(revoked_at=unit.now)
        .returning(LoginToken.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())
