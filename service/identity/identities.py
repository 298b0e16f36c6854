"""Accounts at the identity provider that open a person's login here.

An account is known by issuer and subject, which never change hands, and opens one person's login. An administrator
enters it beforehand, by its subject or by the value of another claim that is bound to the subject at the first login;
or people link their own. Nobody is ever found by an address of mail.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, UniqueConstraint, and_, delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.crypto import SealBroken
from service.core.db import Base
from service.core.unit import Unit
from service.identity.errors import (
    AccountInvalid,
    IdentityNotThere,
    IdentityTaken,
    IdentityThere,
    IdentityUnknown,
    LoginInterrupted,
)
from service.identity.keeping import PersonHasLeft, lock_other
from service.identity.logins import (
    PROOF_LASTS,
    Entry,
    Login,
    Way,
    ask_second_factor,
    begin_login,
    end_logins_by_provider,
    show_password_again,
)
from service.identity.models import Person
from service.identity.otp import Shown
from service.identity.people import person_below
from service.identity.providers import SUBJECT, ProviderSettings

LONGEST_ACCOUNT = 255
_PROOF = "login.identity_proof"
_LONGEST_PROOF = 3000


class LinkedIdentity(Base):
    """An account of somebody's. `subject` is missing until the first login where an administrator entered another
    claim's value, `account`, by which people know it again afterwards."""

    __tablename__ = "linked_identity"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="uq_linked_identity_subject"),
        Index(
            "uq_linked_identity_awaited",
            "issuer",
            "account",
            unique=True,
            postgresql_where=text("subject is null"),
        ),
        CheckConstraint("subject is not null or account is not null", name="whose"),
        CheckConstraint(
            "length(issuer) between 1 and 500 and length(subject) between 1 and 255"
            " and length(account) between 1 and 255",
            name="lengths",
        ),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str | None]
    account: Mapped[str | None]
    linked_at: Mapped[datetime]
    linked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownIdentity:
    """What a verified ID token says: whose account it is, what the chosen claim calls it (empty where that is the
    subject), and whether a second factor was shown there."""

    issuer: str
    subject: str
    account: str
    strong: bool


@dataclass(frozen=True, slots=True)
class IdentityView:
    """A linked account as its person and their administrators see it. `waiting`: it has not been used yet, and is bound
    to its subject when it is."""

    issuer: str
    account: str
    waiting: bool
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInByIdentity(Entry):
    """The account that was shown."""

    shown: ShownIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterIdentity:
    """Whose account is which: a subject, or the value of the claim that the settings name."""

    username: str
    account: str


def log_in_by_identity(unit: Unit, command: LogInByIdentity) -> Login:
    """A login for whoever an account belongs to. Our own second factor is asked for unless one was shown there.

    Raises IdentityUnknown, for leavers too; SecondFactorNeeded, SecondFactorWrong, SecondFactorUnreadable.
    """
    shown = command.shown
    person = _holder(unit, shown)
    if person is None:
        raise IdentityUnknown
    factor = Shown.provider if shown.strong else ask_second_factor(unit, person, command, lambda: _proof(unit, shown))
    return begin_login(unit, person, command, way=Way.oidc, shown=factor)


def proven(unit: Unit, proof: str) -> ShownIdentity:
    """The account that was shown a moment ago, before the code was asked for. Raises LoginInterrupted."""
    try:
        shown = json.loads(unit.vault.open(urlsafe_b64decode(proof[:_LONGEST_PROOF].encode()), _PROOF))
    except (SealBroken, ValueError):
        raise LoginInterrupted from None
    issuer, subject, account, ends = shown
    if unit.now.timestamp() >= ends:
        raise LoginInterrupted
    return ShownIdentity(issuer=issuer, subject=subject, account=account, strong=False)


def username_of(unit: Unit, shown: ShownIdentity) -> str:
    """Whose account it is, by name; empty where nobody's."""
    person_id = unit.session.scalar(_whose(shown))
    return unit.session.scalar(select(Person.username).where(Person.id == person_id)) or ""


def own_identities(unit: Unit) -> list[IdentityView]:
    """The actor's own."""
    return _identities(unit, unit.actor.id)


def identities_of(unit: Unit, username: str) -> list[IdentityView]:
    """Those of somebody below the actor's union. Raises PersonNotFound."""
    return _identities(unit, person_below(unit, username).id)


def link_own(unit: Unit, shown: ShownIdentity) -> None:
    """Link the account that was shown to the actor. Raises IdentityTaken, IdentityThere."""
    if unit.actor.id is None:
        raise IdentityUnknown
    _add(unit, unit.actor.id, shown.issuer, subject=shown.subject, account=shown.account or None)
    record(unit, "person:link-identity", subject=unit.actor.name, after={"issuer": shown.issuer})


def enter_identity(unit: Unit, command: EnterIdentity, *, provider: ProviderSettings) -> int:
    """Say beforehand which account is whose; answers the person's id.

    Raises PersonNotFound, PersonHasLeft, NotOneself, AccountInvalid, IdentityTaken, IdentityThere.
    """
    account = command.account.strip()
    if not 0 < len(account) <= LONGEST_ACCOUNT or not account.isprintable():
        raise AccountInvalid
    person = lock_other(unit, command.username)
    if not person.active:
        raise PersonHasLeft(username=person.username)
    if provider.claim == SUBJECT:
        _add(unit, person.id, provider.issuer, subject=account, account=None)
    else:
        _add(unit, person.id, provider.issuer, subject=None, account=account)
    record(unit, "person:link-identity", subject=person.username, after={"issuer": provider.issuer})
    return person.id


def unlink_own(unit: Unit, password: str) -> None:
    """Link the actor to no account any more; other logins that it opened end. Raises PasswordNotRight,
    IdentityNotThere."""
    _remove(unit, show_password_again(unit, password))


def unlink_identity(unit: Unit, username: str) -> int:
    """Link somebody to no account any more, and end the logins that it opened; answers their id.

    Raises PersonNotFound, NotOneself, IdentityNotThere.
    """
    person = lock_other(unit, username)
    _remove(unit, person)
    return person.id


def _whose(shown: ShownIdentity) -> Select[tuple[int]]:
    """The subject's person first; else who waits for an account of this name."""
    waits = and_(LinkedIdentity.subject.is_(None), LinkedIdentity.account == shown.account)
    return (
        select(LinkedIdentity.person_id)
        .where(LinkedIdentity.issuer == shown.issuer, or_(LinkedIdentity.subject == shown.subject, waits))
        .order_by(LinkedIdentity.subject.is_(None))
        .limit(1)
    )


def _holder(unit: Unit, shown: ShownIdentity) -> Person | None:
    """Whose account it is, their row locked, if they are here still. One that waited is theirs from now on."""
    person_id = unit.session.scalar(_whose(shown))
    person = unit.session.scalars(
        select(Person).where(Person.id == person_id, Person.active).with_for_update(key_share=True)
    ).one_or_none()
    if person is None:
        return None
    # Asked again under the person's lock: it may have been taken from them, or bound, a moment ago.
    link = unit.session.get(LinkedIdentity, (person.id, shown.issuer), with_for_update=True)
    if link is None or link.subject not in (None, shown.subject):
        return None
    if link.subject is None:
        link.subject = shown.subject
        record(unit, "person:bind-identity", subject=person.username, after={"issuer": shown.issuer})
        unit.session.flush()
    return person


def _add(unit: Unit, person_id: int, issuer: str, *, subject: str | None, account: str | None) -> None:
    added = unit.session.execute(
        insert(LinkedIdentity)
        .values(
            person_id=person_id,
            issuer=issuer,
            subject=subject,
            account=account,
            linked_at=unit.now,
            linked_by=unit.actor.id,
        )
        .on_conflict_do_nothing()
        .returning(LinkedIdentity.person_id)
    ).one_or_none()
    if added is None:
        raise IdentityThere if unit.session.get(LinkedIdentity, (person_id, issuer)) else IdentityTaken


def _remove(unit: Unit, person: Person) -> None:
    removed = unit.session.execute(
        delete(LinkedIdentity).where(LinkedIdentity.person_id == person.id).returning(LinkedIdentity.issuer)
    ).scalars()
    issuers = sorted(removed)
    if not issuers:
        raise IdentityNotThere
    ended = end_logins_by_provider(unit, person.id)
    record(unit, "person:unlink-identity", subject=person.username, before={"issuer": issuers}, after={"ended": ended})


def _identities(unit: Unit, person_id: int | None) -> list[IdentityView]:
    rows = unit.session.scalars(
        select(LinkedIdentity).where(LinkedIdentity.person_id == person_id).order_by(LinkedIdentity.issuer)
    )
    return [
        IdentityView(
            issuer=row.issuer,
            account=row.account or row.subject or "",
            waiting=row.subject is None,
            linked_at=row.linked_at,
        )
        for row in rows
    ]


def _proof(unit: Unit, shown: ShownIdentity) -> str:
    """What shows to ourselves alone which account it was; good for nothing without the second factor."""
    ends = int((unit.now + PROOF_LASTS).timestamp())
    clear = json.dumps([shown.issuer, shown.subject, shown.account, ends])
    return urlsafe_b64encode(unit.vault.seal(clear, _PROOF)).decode()
