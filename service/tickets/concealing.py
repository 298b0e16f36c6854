"""What must not be known of people never stands in a ticket's texts: taken out as it is written, for everybody.

The caller's name and number are sealed on the caller's row. Texts are read, searched, exported and copied, so what
somebody writes of them into one is masked (马**, 138****5678), and starred out where the caller asked for
confidentiality (保密) or the employer complained of has a union of its own. Other people's numbers are masked too; in
clear they stand sealed beside the ticket, and open with the caller, for a reason on record (docs/adr/0022). What is not
there can't leak by any way.
"""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Identity, and_, false, func, not_, select, true
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Unavailable
from service.core.personal import masked_name, masked_number, personal_numbers
from service.core.unit import PROVINCE_CODE, Actor, Unit
from service.core.unreadable import UNREADABLE, readable
from service.identity.permissions import Permission
from service.tickets.confidentiality import Confidentiality
from service.tickets.inside import about_own_employer, has_union, is_inside
from service.tickets.models import Caller, Ticket
from service.tickets.sealed import Told, told_by

_FULL_WIDTH_ZERO = "０"
# A single character is a family name only where it is used as one.
_CALLED = "先生|女士|小姐|师傅|大哥|大姐|阿姨|同志|某"
_LAST_DIGITS = "尾号|后四位|末四位|最后四位|last four"
# Down to the county an address is everybody's; what follows is somebody's.
_COUNTY = re.compile(r".*[省市州县区旗]")
_SHORTEST_TAIL = 4
# A shorter number is a service's: who calls from 12345 does not make its name somebody's.
_SHORTEST_NUMBER = 7
CLEAR = "concealed_number.clear_sealed"

# A number as it is shown, and in clear.
Apart = dict[str, str]


class ConcealedNumber(Base):
    """A number of somebody's that was written into a ticket's texts: how it is shown there, and sealed what it is."""

    __tablename__ = "concealed_number"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    masked: Mapped[str]
    clear_sealed: Mapped[bytes]
    at: Mapped[datetime]


class CallerUnreadable(Unavailable):
    """保密, and nobody can say what must not stand in the text."""

    zh = "工单 {number} 要求保密,而来电人信息打不开,无法核对文字中是否提到职工。请联系系统管理员运行 hotline check。"
    en = (
        "Ticket {number} is confidential and its caller's data does not open, so nobody can see whether the text names"
        " them. Ask an operator to run hotline check."
    )


class Sight(StrEnum):
    """How much of a caller somebody may see: nothing at all, the masked form, or for a reason all of it."""

    nothing = "nothing"
    masked = "masked"
    clear = "clear"


def sight_of_caller(unit: Unit, ticket: Ticket) -> Sight:
    """How much an actor who may read a ticket may see of its caller."""
    return sight(unit.actor, ticket, inside=is_inside(unit, ticket.employer_id))


def sight(actor: Actor, ticket: Ticket, *, inside: bool) -> Sight:
    """The one place that decides it. `inside`: the actor's union belongs to the employer complained of.

    Inside the employer nobody learns anything of who called; a surname and four digits are somebody on its payroll.
    Nor does anybody outside the centre of a confidential matter. Whoever has to ring back sees the caller for a reason
    on record, the centre everybody's and a union those of its tickets; but for one who confided in the intake alone it
    takes a right of its own. Everybody else sees the masked form.
    """
    at_the_centre = actor.org_code == PROVINCE_CODE
    level = Confidentiality(ticket.confidentiality)
    if inside or (level is not Confidentiality.open and not at_the_centre):
        return Sight.nothing
    rings_back = actor.may(Permission.caller_reveal) and (at_the_centre or actor.org_code == ticket.holder_code)
    confided = level is not Confidentiality.intake_only or actor.may(Permission.caller_reveal_confided)
    return Sight.clear if rings_back and confided else Sight.masked


def sees_caller(unit: Unit, ticket: Ticket) -> bool:
    """Whether the actor may know anything at all of who called."""
    return sight_of_caller(unit, ticket) is not Sight.nothing


def led_to_by_caller(unit: Unit) -> ColumnElement[bool]:
    """Tickets to which the actor may be led by who called: whose caller `sight_of_caller` might show them."""
    actor = unit.actor
    if actor.org_code == PROVINCE_CODE:
        confided = Ticket.confidentiality == Confidentiality.intake_only.value
        return true() if actor.may(Permission.caller_reveal_confided) else not_(confided)
    return and_(
        Ticket.holder_code == actor.org_code,
        Ticket.confidentiality == Confidentiality.open.value,
        not_(func.coalesce(about_own_employer(unit), false())),
    )


def concealed(unit: Unit, ticket: Ticket, text: str) -> str:
    """A text as it may stand on the ticket. Other people's numbers in it are kept sealed beside the ticket.

    Where the caller's row does not open the work goes on and numbers are masked as ever; but who may not be known
    (保密) can't be taken out of a text unknown. Raises CallerUnreadable then.
    """
    if not text:
        return text
    # Whoever asks may be in the midst of changing a row.
    with unit.session.no_autoflush:
        caller = unit.session.get_one(Caller, ticket.caller_id) if ticket.caller_id else None
        told = told_by(unit.vault, caller) if caller else Told()
        starred = _is_starred(unit, ticket)
        if starred and not told.is_readable:
            raise CallerUnreadable(number=ticket.number)
        kept, apart = conceal(text, told, starred=starred)
        keep_apart(unit, ticket.id, apart)
    return kept


def _is_starred(unit: Unit, ticket: Ticket) -> bool:
    """Whether the texts of a matter show not even the masked form: the caller asked for it, or somebody inside the
    employer may come to read them."""
    return ticket.confidentiality != Confidentiality.open or has_union(unit, ticket.employer_id)


def star_out(unit: Unit, ticket: Ticket) -> None:
    """Take the caller out of what the ticket itself says, also where it stands masked: from now on it is read by
    somebody who must not know. What stands on the timeline stays as it was written; see `shown_to`."""
    caller = unit.session.get(Caller, ticket.caller_id) if ticket.caller_id else None
    if caller is None:
        return
    told = told_by(unit.vault, caller)
    if not told.is_readable:
        return
    ticket.title, ticket.body = without_caller(ticket.title, told), without_caller(ticket.body, told)
    ticket.tier_reason = without_caller(ticket.tier_reason, told) if ticket.tier_reason else ticket.tier_reason
    ticket.answer = without_caller(ticket.answer, told) if ticket.answer else ticket.answer


def shown_to(unit: Unit, ticket: Ticket) -> Callable[[str], str]:
    """How a text of a ticket is shown to the actor: as it was written, and where they are to know nothing of the caller
    without the masked form as well, which may stand there from before."""
    caller = unit.session.get(Caller, ticket.caller_id) if ticket.caller_id else None
    if caller is None or sees_caller(unit, ticket):
        return str
    told = told_by(unit.vault, caller)
    if not told.is_readable:
        return lambda text: text and UNREADABLE  # nobody can say what of it is theirs
    return lambda text: without_caller(text, told)


def conceal(text: str, told: Told, *, starred: bool) -> tuple[str, Apart]:
    """A text without its caller and without anybody's numbers, and those of the numbers that are not the caller's."""
    text = without_caller(text, told) if starred else with_caller_masked(text, told)
    apart: Apart = {}
    for found in reversed(personal_numbers(text)):
        apart[found.masked] = found.clear
        text = text[: found.start] + found.masked + text[found.end :]
    return text, apart


def keep_apart(unit: Unit, ticket_id: int, apart: Apart) -> None:
    """Keep numbers sealed beside a ticket, each once."""
    if not apart:
        return
    known = {clear for _, clear in numbers_apart(unit, ticket_id)}
    unit.session.add_all(
        ConcealedNumber(**number_row(unit, ticket_id, masked, clear))
        for masked, clear in apart.items()
        if clear not in known
    )


def number_row(unit: Unit, ticket_id: int, masked: str, clear: str) -> dict[str, Any]:
    """A number as it is stored."""
    sealed = unit.vault.seal(clear, CLEAR, str(ticket_id))
    return {"ticket_id": ticket_id, "masked": masked, "clear_sealed": sealed, "at": unit.now}


def numbers_apart(unit: Unit, ticket_id: int) -> list[tuple[str, str]]:
    """The numbers kept beside a ticket, as they are shown and in clear; UNREADABLE where one does not open. Never
    logged, never put into a message."""
    rows = unit.session.scalars(
        select(ConcealedNumber).where(ConcealedNumber.ticket_id == ticket_id).order_by(ConcealedNumber.id)
    )
    opened = ((row.masked, readable(unit.vault, row.clear_sealed, CLEAR, str(ticket_id))) for row in rows)
    return list(dict.fromkeys(opened))


def without_caller(text: str, told: Told) -> str:
    """The text with all that its caller told of themselves starred out, also in full width, spaced, masked before, and
    told in part (马先生, 尾号 1234). Never longer than it was."""
    text = _replaced(text, told, number=lambda digits: "*" * len(digits), name=lambda _: "**")
    for masked in _masked_forms(told):
        text = text.replace(masked, "*" * len(masked))
    if told.digits:
        last = rf"((?:{_LAST_DIGITS})\D{{0,4}}){_spaced(told.digits[-4:])}(?!\d)"
        text = re.sub(last, r"\1****", text, flags=re.IGNORECASE)
    name = _letters(told.name)
    if len(name) > 1:
        text = re.sub(rf"{re.escape(name[0])}(?={_CALLED})|(?<=姓){re.escape(name[0])}", "*", text)
    return text


def _masked_forms(told: Told) -> list[str]:
    numbers = [masked_number(each) for each in (told.digits, told.id_number) if each and len(each) >= _SHORTEST_NUMBER]
    return [*numbers, masked_name(name)] if (name := _letters(told.name)) else numbers


def with_caller_masked(text: str, told: Told) -> str:
    """The text with what its caller told of themselves masked, also in full width and spaced: whoever handles the
    matter still knows of whom it speaks."""
    return _replaced(text, told, number=masked_number, name=masked_name)


def _replaced(text: str, told: Told, *, number: Callable[[str], str], name: Callable[[str], str]) -> str:
    for digits in filter(None, (told.digits if len(told.digits) >= _SHORTEST_NUMBER else "", told.id_number)):
        pattern = rf"(?<!\d)(?:[+＋]?86)?{_spaced(digits)}(?!\d)"
        text = re.sub(pattern, number(digits), text, flags=re.IGNORECASE)
    if len(letters := _letters(told.name)) > 1:
        text = re.sub(_spaced(letters), name(letters), text, flags=re.IGNORECASE)
    tail = _letters(_COUNTY.sub("", told.address or ""))
    if len(tail) >= _SHORTEST_TAIL:
        text = re.sub(_spaced(tail), "***", text, flags=re.IGNORECASE)
    return text


def _letters(words: str | None) -> str:
    return "".join(char for char in words or "" if char.isalnum())


def _spaced(word: str) -> str:
    """A pattern of a word's characters, which may stand apart."""
    return r"[\s·.-]?".join(_either_width(char) for char in word)


def _either_width(char: str) -> str:
    return f"[{char}{chr(ord(_FULL_WIDTH_ZERO) + int(char))}]" if char.isdecimal() else re.escape(char)
