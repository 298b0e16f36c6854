"""A matter looked up by the worker themselves: number and query code, no account."""

import hmac
import re
import string
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.core.errors import Bilingual, NotFound
from service.core.ids import QUERY_CODE_LENGTH
from service.core.unit import Unit
from service.core.unreadable import readable
from service.org.tree import org_tree
from service.tickets.models import Ticket
from service.tickets.repository import find
from service.tickets.sealed import QUERY_CODE, query_code_of
from service.tickets.states import GOVERNING, State
from sla_rules import ClockKind

# The states as somebody says them who has no need to know how a union words things.
_IN_PLAIN_WORDS: dict[State, Bilingual] = {
    State.registered: Bilingual("已登记,等待受理", "Registered, waiting to be accepted"),
    State.accepted: Bilingual("已受理,正在安排承办单位", "Accepted; we are choosing the union to handle it"),
    State.to_sign: Bilingual("已转交工会,等待签收", "Passed to the union, which has to sign for it"),
    State.in_progress: Bilingual("工会正在办理", "The union is working on it"),
    State.replied: Bilingual("工会已答复,正在审核", "The union has answered; the answer is being checked"),
    State.to_callback: Bilingual("办理完毕,我们将回访您", "Handled; we will call you back"),
    State.closed: Bilingual("已办结", "Closed"),
    State.archived: Bilingual("已办结", "Closed"),
    State.answered: Bilingual("已直接答复您", "Answered on the phone"),
    State.rejected: Bilingual(
        "不属于受理范围,已告知您其他渠道",
        "Outside what we may take on; you were told where to turn",
    ),
    State.merged: Bilingual("已与同一事项合并办理", "Handled together with the same matter"),
    State.transferred_out: Bilingual("已转交有关部门", "Passed to the authority in charge"),
    State.withdrawn: Bilingual("已按您的要求撤回", "Withdrawn as you asked"),
    State.terminated: Bilingual("已终止办理", "Ended"),
}

# Compared with when there is no such ticket, so that the answer takes as long; no letter of it is in the alphabet.
_NO_CODE = "0" * QUERY_CODE_LENGTH
_LONGEST = 64
_LETTERS_AND_DIGITS = frozenset(string.ascii_uppercase + string.digits)
_PARTS = re.compile(r"(?:QH12351)?(\d{8})(\d{6})")


class NothingToTrack(NotFound):
    """No such number, or the code is not its code: the answer is the same on purpose."""

    zh = "没有找到。请核对工单号和查询码,两项都须与短信一致。"
    en = "Nothing was found. Please check the number and the query code: both must be as in the message."


class CodeNotToTell(NotFound):
    """The code is shown to whoever took the call down, while the ticket is still at the centre."""

    zh = "工单 {number} 的查询码已告知来电人,不再显示。"
    en = "The query code of ticket {number} was told to the caller and is not shown any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTicket:
    """What the worker typed: number and query code in any width, case and spacing."""

    number: str
    query_code: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a worker is told: nothing of the case, nobody's name. `due_at` is the promise while it runs."""

    ticket_id: int
    number: str
    state: State
    holder: Bilingual
    received_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None
    provisional: bool
    suspended: bool
    cycle: int

    @property
    def in_plain_words(self) -> Bilingual:
        """The state, said to a worker."""
        return _IN_PLAIN_WORDS[self.state]


def track_ticket(unit: Unit, command: TrackTicket) -> Tracked:
    """Where a matter stands, for whoever knows its number and code. Raises NothingToTrack.

    The right to see is the code itself, so no scope applies. The codes are compared in constant time.
    """
    number, code = _number(command.number), _folded(command.query_code)
    ticket = unit.session.scalars(select(Ticket).where(Ticket.number == number)).one_or_none()
    expected = readable(unit.vault, ticket.query_code_sealed, QUERY_CODE) if ticket is not None else _NO_CODE
    if not hmac.compare_digest(expected.encode(), code.encode()) or ticket is None:
        raise NothingToTrack
    return tracked(unit, ticket)


def tracked(unit: Unit, ticket: Ticket) -> Tracked:
    """What a worker is told of a ticket that they have shown is theirs."""
    state = State(ticket.state)
    holder = org_tree(unit.session).get(ticket.holder_code)
    promised = GOVERNING.get(state) is ClockKind.resolve and state is not State.replied
    return Tracked(
        ticket_id=ticket.id,
        number=ticket.number,
        state=state,
        holder=Bilingual(holder.name_zh, holder.name_en),
        received_at=ticket.received_at,
        accepted_at=ticket.accepted_at,
        due_at=ticket.due_at if promised else None,
        provisional=ticket.provisional,
        suspended=ticket.suspended,
        cycle=ticket.cycle,
    )


def code_to_tell(unit: Unit, number: str) -> str:
    """The query code, for who registered the ticket and has the caller on the line: until it leaves the centre.

    Raises TicketNotFound, CodeNotToTell.
    """
    ticket = find(unit, number, None)
    at_the_centre = State(ticket.state) in {State.registered, State.accepted}
    if unit.actor.id is None or ticket.created_by != unit.actor.id or not at_the_centre:
        raise CodeNotToTell(number=number)
    return query_code_of(unit.vault, ticket)


def folded_number(typed: str) -> str:
    """A number as it is stored, or '' for what can be none: to count tries by."""
    return _number(typed)


def _number(typed: str) -> str:
    """The number as it is stored, however its parts are set apart, and also without the letters before them."""
    match = _PARTS.fullmatch(_folded(typed))
    return f"QH12351-{match[1]}-{match[2]}" if match else ""


def _folded(typed: str) -> str:
    """Letters and digits alone, as people type them: full width, lower case, with spaces or dashes of any kind."""
    plain = unicodedata.normalize("NFKC", typed[:_LONGEST]).upper()
    return "".join(char for char in plain if char in _LETTERS_AND_DIGITS)
