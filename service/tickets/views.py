"""What a reader of tickets is given: frozen values, never rows. Whoever reads, the caller is masked here."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from service.core.errors import Bilingual
from service.tickets.assisting import TaskView
from service.tickets.confidentiality import Confidentiality
from service.tickets.materials import MaterialView
from service.tickets.states import ENDED, STATE_NAMES, State, Step


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A line of a queue or list. `light` is green, yellow, red, blue (suspended) or none (ended); `handler` the name of
    who has it in hand."""

    id: int
    number: str
    title: str
    state: State
    tier: str | None
    kind: str
    channel: str
    urgent: bool
    category_code: str
    category: Bilingual
    place_code: str
    holder_code: str
    holder: Bilingual
    people_count: int
    received_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None
    provisional: bool
    suspended: bool
    cycle: int
    row_version: int
    light: str
    handler: str | None

    @property
    def state_name(self) -> Bilingual:
        """The state in words."""
        return Bilingual(*STATE_NAMES[self.state])


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerView:
    """A person who handles tickets. While they are away, `absent_until` is the last day of it (local) and `deputy` the
    name of who stands in."""

    person_id: int
    username: str
    name: str
    absent_until: date | None
    deputy: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows, and the cursor of the next one if there is more."""

    rows: tuple[TicketRow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that waits for a decision."""

    kind: str
    level: str
    reason: str
    data: dict[str, Any]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """A union that has or had the ticket."""

    org_code: str
    org: Bilingual
    role: str
    cycle: int
    adjudicated: bool
    dispatched_at: datetime
    signed_at: datetime | None
    signed_by_silence: bool
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class ReplyView:
    """A union's answer. Money in yuan."""

    cycle: int
    org_code: str
    text: str
    basis: str
    contacted_at: datetime
    contact_way: str
    outcome: str
    recovered: Decimal
    helped: int
    worker_confirmed: bool
    replied_at: datetime
    verdict: str | None
    review_note: str | None


@dataclass(frozen=True, slots=True)
class LinkedTicket:
    """Another ticket about the same matter (`duplicate`) or a `related` one."""

    number: str
    kind: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket as its reader may see it: the caller is masked here whoever reads, and `caller_withheld` says that the
    reader is shown nothing of them: the caller asked for confidentiality, or the reader sits inside the employer
    (`reader_inside`). `employer_unions` belong to the employer, `inside` are those at or below them that have the
    ticket; `may_be_revealed` says that this reader may see the caller in clear."""

    row: TicketRow
    handler: HandlerView | None
    body: str
    employer: str | None
    amount_owed: Decimal | None
    membership: str
    identity_group: str | None
    contact_way: str | None
    contact_time: str | None
    other_channels: tuple[str, ...]
    not_known: tuple[str, ...]
    linked: tuple[LinkedTicket, ...]
    anonymous: bool
    confidentiality: Confidentiality
    caller_withheld: bool
    reader_inside: bool
    inside: tuple[Bilingual, ...]
    employer_unions: tuple[Bilingual, ...]
    caller_name: str | None
    caller_phone: str | None
    may_be_revealed: bool
    tier_reason: str | None
    replied_at: datetime | None
    ended_at: datetime | None
    rejection_reason: str | None
    answer: str | None
    bounces: int
    assignments: tuple[AssignmentView, ...]
    replies: tuple[ReplyView, ...]
    open_requests: tuple[OpenRequest, ...]
    materials: tuple[MaterialView, ...]
    tasks: tuple[TaskView, ...]
    possible_steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One step of the story."""

    id: int
    at: datetime
    kind: str
    name: Bilingual
    from_state: str | None
    to_state: str
    cycle: int
    actor: str
    actor_org: str
    note: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PauseView:
    """An interval in which a clock did not count."""

    starts_at: datetime
    ends_at: datetime | None
    review_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ClockView:
    """One clock with what is left of it. Spans in seconds of counted time."""

    kind: str
    leg: str
    cycle: int
    org_code: str
    tier: str | None
    promise: dict[str, Any]
    started_at: datetime
    due_at: datetime
    first_due_at: datetime
    stopped_at: datetime | None
    breached_at: datetime | None
    provisional: bool
    status: str
    used_seconds: int
    remaining: Bilingual
    extension_days: int
    fired: tuple[str, ...]
    pauses: tuple[PauseView, ...]
    policy_version: str
    calendar_version: str


def light_of(
    *, state: State, suspended: bool, due_at: datetime, half_at: datetime, replied_at: datetime | None, now: datetime
) -> str:
    """绿黄红蓝: green above half of the time left, yellow at half or less, red overdue, blue suspended.

    A reply under review is judged at the moment it was given: the citizen's clock stands.
    """
    if state in ENDED:
        return "none"
    if suspended:
        return "blue"
    judged = replied_at if state is State.replied and replied_at is not None else now
    if judged >= due_at:
        return "red"
    if state is State.replied:
        return "green"
    return "yellow" if now >= half_at else "green"
