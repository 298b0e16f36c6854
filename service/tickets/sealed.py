"""What stands sealed on a ticket and its caller: sealed, opened and looked up here, each value in its place.

A caller's number is held to its row by its hash, and all else on the row by the number: a value that somebody moved to
another caller's row does not open there.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, TextClause, text

from service.core.crypto import SealBroken, Vault
from service.core.personal import masked_name
from service.core.unit import Unit
from service.core.unreadable import UNREADABLE, note_unreadable, readable
from service.tickets.models import Caller, Ticket

PHONE, NAME = "caller.phone_sealed", "caller.name_sealed"
ID_NUMBER, ADDRESS = "caller.id_number_sealed", "caller.address_sealed"
QUERY_CODE = "ticket.query_code_sealed"

_TOLD = ("name_sealed", "id_number_sealed", "address_sealed")


def _noting(kept: str) -> TextClause:
    """Find or make a caller's row, and keep what they told: one statement, for a registration waits for it.

    Who is known under a hash of another key is known: the row keeps its hash until the rotation comes to it."""
    change = ", ".join(f"{name} = {kept.format(name=name)}" for name in _TOLD)
    columns = ", ".join(_TOLD)
    return text(
        f"""
        with told as (
            select {", ".join(f"cast(:{name} as bytea) as {name}" for name in _TOLD)}
        ), known as (
            update caller set {change} from told
            where caller.id = (select min(id) from caller where phone_hash = any(cast(:hashes as bytea[])))
            returning caller.id
        ), made as (
            insert into caller (phone_hash, phone_sealed, phone_last4, created_at, {columns})
            select cast(:hash as bytea), cast(:phone as bytea), :last4, cast(:now as timestamptz), {columns}
            from told where not exists (select from known)
            on conflict (phone_hash) do update set {change.replace("told.", "excluded.")} returning id
        )
        select id from known union all select id from made
        """  # noqa: S608 - only names from above
    )


# What is told now is newer than what is known, and silence overwrites nothing; a history only fills gaps.
_NEWER, _OLDER = _noting("coalesce(told.{name}, caller.{name})"), _noting("coalesce(caller.{name}, told.{name})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a caller told of themselves; `digits` is the number, empty where there is none."""

    digits: str = ""
    name: str | None = None
    id_number: str | None = None
    address: str | None = None

    @property
    def is_readable(self) -> bool:
        """Whether all of it opened."""
        return UNREADABLE not in (self.digits, self.name, self.id_number, self.address)


def note_caller(unit: Unit, told: Told) -> int:
    """The row of a caller who tells us this; made if there is none. Returns its id."""
    return _noted(unit, _NEWER, told)


def note_former_caller(unit: Unit, told: Told) -> int:
    """The row of a caller of former days: what is known of them already stays. Returns its id."""
    return _noted(unit, _OLDER, told)


def _noted(unit: Unit, statement: TextClause, told: Told) -> int:
    vault, digits = unit.vault, told.digits
    clear = {NAME: told.name, ID_NUMBER: told.id_number, ADDRESS: told.address}
    values = {
        "hashes": vault.lookups(digits),
        "hash": vault.lookup(digits),
        "phone": vault.seal(digits, PHONE),
        "last4": digits[-4:],
        "now": unit.now,
        **{place.partition(".")[2]: vault.seal(each, place, digits) if each else None for place, each in clear.items()},
    }
    row: int = unit.session.connection().execute(statement, values).scalar_one()
    return row


def has_phone(vault: Vault, digits: str) -> ColumnElement[bool]:
    """Whether a caller's number is this one, whichever key its hash was made with."""
    return Caller.phone_hash.in_(vault.lookups(digits))


def phone_of(vault: Vault, caller: Caller) -> str:
    """A caller's digits. Raises SealBroken, also for a number that was moved here from another row."""
    digits = vault.open(caller.phone_sealed, PHONE)
    if caller.phone_hash not in vault.lookups(digits):
        raise SealBroken(place=PHONE)
    return digits


def name_of(vault: Vault, caller: Caller) -> str | None:
    """A caller's name as it is shown to most (马**), if they told it; UNREADABLE where it does not open."""
    name = told_by(vault, caller).name if caller.name_sealed else None
    return masked_name(name) if name and name != UNREADABLE else name


def told_by(vault: Vault, caller: Caller) -> Told:
    """All that a caller told of themselves, in clear. What does not open is UNREADABLE, and where that is the number
    all else is as well, for it is bound to the number."""
    try:
        digits = phone_of(vault, caller)
    except SealBroken as broken:
        note_unreadable(broken)
        digits = UNREADABLE

    def opened(sealed: bytes | None, place: str) -> str | None:
        return readable(vault, sealed, place, digits) if sealed else None

    return Told(
        digits=digits,
        name=opened(caller.name_sealed, NAME),
        id_number=opened(caller.id_number_sealed, ID_NUMBER),
        address=opened(caller.address_sealed, ADDRESS),
    )


def sealed_query_code(vault: Vault, code: str) -> bytes:
    """A query code as it is stored."""
    return vault.seal(code, QUERY_CODE)


def query_code_of(vault: Vault, ticket: Ticket) -> str:
    """The code with which the worker looks the ticket up."""
    return vault.open(ticket.query_code_sealed, QUERY_CODE)
