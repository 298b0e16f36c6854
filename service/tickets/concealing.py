"""保密: what a worker who asked for confidentiality must not be known by never stands in a ticket's texts.

The name and the number are sealed on the caller's row, where the centre sees them for a reason on record. Texts are
read, searched, exported and copied by the handling union, so a name or a number that somebody writes into one is
taken out as it is written: what is not there can't leak by any of those ways.
"""

import re

from service.core.crypto import digits_only
from service.core.unit import PROVINCE_CODE, Actor, Unit
from service.tickets.models import Caller, Ticket
from service.tickets.sealed import name_of, phone_of

_FULL_WIDTH_ZERO = "０"
# A single character is a family name only where it is used as one.
_CALLED = "先生|女士|小姐|师傅|大哥|大姐|阿姨|同志|某"
_LAST_DIGITS = "尾号|后四位|末四位|最后四位|last four"


def sees_caller(actor: Actor, ticket: Ticket) -> bool:
    """Whether the actor may know anything at all of who called: for a confidential matter the centre alone."""
    return not ticket.identity_hidden or actor.org_code == PROVINCE_CODE


def concealed(unit: Unit, ticket: Ticket, text: str) -> str:
    """A text as it may stand on the ticket: as written, or without its caller who asked for confidentiality."""
    if not text or not ticket.identity_hidden or ticket.caller_id is None:
        return text
    caller = unit.session.get_one(Caller, ticket.caller_id)
    name = name_of(unit.vault, caller)
    return without_caller(text, name=name, phone=phone_of(unit.vault, caller))


def without_caller(text: str, *, name: str | None, phone: str | None) -> str:
    """The text with the name and the number starred out, also in full width, spaced, and told in part (马先生,
    尾号 1234). Never longer than it was."""
    digits = digits_only(phone or "")
    if digits:
        text = re.sub(rf"(?<!\d){_spaced(digits)}(?!\d)", "*" * len(digits), text)
        text = re.sub(rf"((?:{_LAST_DIGITS})\D{{0,4}}){_spaced(digits[-4:])}(?!\d)", r"\1****", text, flags=re.I)
    name = "".join(char for char in name or "" if char.isalnum())
    if len(name) > 1:
        text = re.sub(_spaced(name), "**", text, flags=re.I)
        text = re.sub(rf"{re.escape(name[0])}(?={_CALLED})|(?<=姓){re.escape(name[0])}", "*", text)
    return text


def _spaced(word: str) -> str:
    """A pattern of a word's characters, which may stand apart."""
    return r"[\s·.-]?".join(_either_width(char) for char in word)


def _either_width(char: str) -> str:
    return f"[{char}{chr(ord(_FULL_WIDTH_ZERO) + int(char))}]" if char.isdecimal() else re.escape(char)
