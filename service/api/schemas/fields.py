"""Field types of requests: texts with a longest length, instants with an offset, closed lists.

A text is stored as it was sent or refused with a reason. Refused are characters that no keyboard makes and that
files and databases choke on: NUL and other control characters (not tab and line breaks), half surrogate pairs, and
the two code points XML forbids.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from service.core.ids import TICKET_NUMBER
from service.tickets.errors import TicketNotFound
from service.tickets.materials import LONGEST_PIECE

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DATED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_LOST_PLUS = re.compile(r"(T\d\d:\d\d.*) (\d\d:?\d\d)")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


A_TICKET_NUMBER = "QH12351-20261120-000001"


def fit(text: str) -> str:
    """The text, when every character of it can be stored and shown."""
    if _UNFIT.search(text):
        raise PydanticCustomError("text_control_character", "Holds a control character")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("text_blank", "Must not be blank")
    return text


def _written_out(value: Any) -> Any:
    """A number, or digits alone, would pass for seconds since 1970, and nobody means that."""
    if isinstance(value, str) and _DATED.match(value):
        return value
    raise PydanticCustomError("instant_text", "Must be a time with its offset")


def _written_day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return value
    raise PydanticCustomError("date_type", "Must be a date")


def _from_address(value: Any) -> Any:
    """In an address `+` means a space unless it is escaped, and a day alone means its local midnight."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return f"{value}T00:00:00+08:00"
    return _written_out(_LOST_PLUS.sub(r"\1+\2", value) if isinstance(value, str) else value)


def _storable(instant: datetime) -> datetime:
    """Years that both PostgreSQL and Python can turn into any time zone."""
    if not _EARLIEST <= instant < _LATEST:
        raise PydanticCustomError("instant_out_of_range", "The year must be between 1900 and 9998")
    return instant.astimezone(UTC)


def _storable_day(day: date) -> date:
    if not _EARLIEST.date() <= day < _LATEST.date():
        raise PydanticCustomError("instant_out_of_range", "The year must be between 1900 and 9998")
    return day


def _known_form(number: str) -> str:
    """A number of another form can't be a ticket's: said without asking the database, and without repeating rubbish."""
    if not TICKET_NUMBER.match(number):
        raise TicketNotFound(number=_UNFIT.sub("?", number[:40]))
    return number


FILLED = (AfterValidator(fit), AfterValidator(_not_blank))

Title = Annotated[str, StringConstraints(min_length=1, max_length=200), *FILLED]
Body = Annotated[str, StringConstraints(min_length=1, max_length=20_000), *FILLED]
ReplyText = Annotated[str, StringConstraints(min_length=1, max_length=10_000), *FILLED]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000), *FILLED]
Note = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(fit)]
Username = Annotated[str, StringConstraints(min_length=2, max_length=64), *FILLED]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=50), *FILLED]
Phone = Annotated[str, StringConstraints(min_length=5, max_length=30), *FILLED]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), *FILLED]
Piece = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PIECE), *FILLED]
EmployerName = Annotated[str, StringConstraints(min_length=1, max_length=200), *FILLED]
Address = Annotated[str, StringConstraints(min_length=1, max_length=200), *FILLED]
Code = Annotated[str, StringConstraints(min_length=1, max_length=12), *FILLED]

Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_storable)]
Flag = StrictBool
Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]
Helped = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
Score = Annotated[StrictInt, Field(ge=1, le=5)]
RowVersion = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
Yuan = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]

TierName = Literal["ordinary", "difficult", "complex"]
StateName = Literal[
    "registered", "accepted", "to_sign", "in_progress", "replied", "to_callback", "closed", "archived",
    "answered", "rejected", "merged", "transferred_out", "withdrawn", "terminated",
]  # fmt: skip
ChannelName = Literal[
    "phone", "mini_program", "web", "sms", "visit", "letter", "transfer_12345", "national", "import"
]  # fmt: skip
KindName = Literal["consultation", "complaint", "help", "report", "suggestion", "praise"]
Membership = Literal["member", "not_member", "unknown"]
IdentityGroup = Literal["migrant_worker", "platform_worker", "woman_worker", "worker_in_hardship", "other"]
ContactWay = Literal["phone", "message", "visit", "letter"]
ContactTime = Literal["any", "office_hours", "evening", "weekend"]
OtherChannel = Literal["hotline_12345", "labour_inspection", "arbitration", "court", "petition"]
Unknowable = Literal["employer", "people_count", "amount_owed"]
DraftKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
RejectionReason = Literal[
    "emergency", "legal_channel", "secret_or_unlawful", "nothing_new", "out_of_scope", "malicious"
]
OutcomeName = Literal[
    "spoken_answer", "settlement", "mediation_agreement", "letters", "labour_inspection", "arbitration",
    "procuratorate", "legal_aid", "hardship_relief", "mutual_aid", "transfer_12345",
]  # fmt: skip
SuspensionReason = Literal["legal_procedure", "caller_unreachable", "material_awaited"]
CallbackResult = Literal["answered", "timeout", "invalid_key", "unreachable", "refused"]
Dissatisfaction = Literal[
    "not_contacted", "not_resolved", "attitude", "late", "untrue_reply", "policy_does_not_allow", "unreasonable_demand"
]
ClockName = Literal["dispatch", "sign", "first_contact", "resolve", "callback", "leg"]

TicketNumber = Annotated[
    str,
    AfterValidator(_known_form),
    Path(description="工单号 / Ticket number `QH12351-YYYYMMDD-NNNNNN`", examples=["QH12351-20261120-000001"]),
]
PageLimit = Annotated[int, Query(ge=1, le=200, description="每页条数 / Rows of a page")]
PageCursor = Annotated[
    str | None, Query(max_length=200, description="上一页的 `next_cursor` / `next_cursor` of the page before")
]
InstantQuery = Annotated[AwareDatetime, BeforeValidator(_from_address), AfterValidator(_storable)]
Day = Annotated[date, BeforeValidator(_written_day), AfterValidator(_storable_day)]

# A ticket named in a body: a number of another form is not found, as in an address.
MentionedTicket = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(fit),
    Field(examples=[A_TICKET_NUMBER]),
]
