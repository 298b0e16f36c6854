"""Erasing what two people approved, in batches that may be broken off anywhere and are gone on with.

Of a matter its skeleton stays: number, category, places, unions, states, clocks, breaches, ratings, outcomes with
their sums. Every figure is made of that, so a report says after as before. What goes are words, who called, and files.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, case, delete, func, literal, select, text, update
from sqlalchemy.orm import aliased

from service.audit.recording import record
from service.core.db import Base, table_of
from service.core.files import FileStore
from service.core.unit import Unit
from service.identity.recusals import Recusal
from service.ratings.models import Rating
from service.retention.models import RetentionItem, RetentionPolicy, RetentionRun
from service.retention.runs import GONE, finish, still_due
from service.tickets.assisting import AssistTask
from service.tickets.attachments import Attachment
from service.tickets.concealing import ConcealedNumber
from service.tickets.consulting import Consult
from service.tickets.exclusions import Exclusion
from service.tickets.materials import MaterialRequest
from service.tickets.models import Caller, Reply, StepRequest, Supervision, Ticket
from service.tickets.quality_samples import QualityCheck
from service.tickets.supervising import SupervisionAnswer
from service.tickets.ties import CallerTie
from service.tickets.together import TicketMerge

BATCH = 50
# Columns with words that people wrote, of tables that name the ticket.
WORDS: dict[type[Base], tuple[str, ...]] = {
    Reply: ("text", "basis", "review_note"),
    StepRequest: ("decision_note",),
    Supervision: ("instruction",),
    Consult: ("question", "answer"),
    MaterialRequest: ("piece",),
    AssistTask: ("ask", "answer"),
    Rating: ("comment",),
    QualityCheck: ("note",),
    Exclusion: ("reason", "support_note", "decision_note"),
    TicketMerge: ("reason",),
    Recusal: ("reason",),
}
# Of an event's facts those that are codes, days and numbers, never words; a page tells the story of them.
KEPT_FACTS = (
    "channel", "org", "by", "assisting", "task_of", "tasks_open", "to", "about", "round", "absent_until", "deputy",
    "adjudicated", "way", "outcome", "result", "days", "tier", "cycle", "foreign_number", "import_run", "file", "line",
    "answer_by", "late", "due_on", "due_at", "due_before", "due_after", "provisional_after", "kept", "clock", "rung",
    "told", "person", "contacted", "resolved", "satisfaction", "level", "kind", "master", "merged", "tickets", "cause",
    "attachment", "media_type", "size", "by_worker", "times", "people", "count", "review_at", "verdict", "helped",
    "recovered", "holder", "suspended",
)  # fmt: skip
# Events whose reason is a code.
CODED_REASONS = (
    "rating:recorded", "ticket:rejection_asked", "ticket:rejected", "ticket:suspension_asked", "ticket:suspended",
    "ticket:redo_by_rating",
)  # fmt: skip
# Requests whose reason is free words; those of the others are codes.
_REASONED = ("return", "extension")


@dataclass(frozen=True, slots=True)
class Erased:
    """What a batch did: how much was erased, how much was left, and whether the run is over."""

    done: int
    skipped: int
    finished: bool


def erase_batch(unit: Unit, *, limit: int = BATCH) -> Erased | None:
    """Erase the next so many of the approved run, each on record. None where no run is approved.

    Each ticket is locked and asked about once more: what is held or open again by now is left.
    """
    run = unit.session.scalars(
        select(RetentionRun)
        .where(RetentionRun.approved_at.is_not(None), RetentionRun.finished_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if run is None:
        return None
    months = unit.session.get_one(RetentionPolicy, run.policy_id).months
    items = unit.session.scalars(
        select(RetentionItem)
        .where(RetentionItem.run_id == run.id, RetentionItem.done_at.is_(None), RetentionItem.skipped_at.is_(None))
        .order_by(RetentionItem.ticket_id, RetentionItem.class_)
        .limit(limit)
    ).all()
    if not items:
        finish(unit, run.id)
        return Erased(0, 0, finished=True)
    done = 0
    for item in items:
        number = unit.session.execute(
            select(Ticket.number).where(Ticket.id == item.ticket_id).with_for_update()
        ).scalar_one()
        facts = {"class": item.class_, "run": run.id}
        if still_due(unit, run, item.ticket_id, item.class_, months):
            _ERASE[item.class_](unit, item.ticket_id)
            item.done_at = unit.now
            record(unit, "retention:erase", subject=number, after=facts)
            done += 1
        else:
            item.skipped_at = unit.now
            record(unit, "retention:skip", subject=number, after=facts)
        unit.session.flush()
    return Erased(done, len(items) - done, finished=False)


def contents_to_remove(unit: Unit, *, limit: int = BATCH) -> list[tuple[int, str]]:
    """Attachments that were erased and whose content may still lie in the store: id and SHA-256, or '' where another
    attachment has the same content and keeps it."""
    other = aliased(Attachment)
    needed = select(other.id).where(other.sha256 == Attachment.sha256, other.erased_at.is_(None)).exists()
    rows = unit.session.execute(
        select(Attachment.id, Attachment.sha256, needed.label("needed"))
        .where(Attachment.erased_at.is_not(None), Attachment.removed_at.is_(None))
        .order_by(Attachment.id)
        .limit(limit)
    )
    return [(row.id, "" if row.needed else row.sha256.hex()) for row in rows]


def contents_removed(unit: Unit, ids: Sequence[int]) -> None:
    """They are gone from the store."""
    unit.session.execute(update(Attachment).where(Attachment.id.in_(ids)).values(removed_at=unit.now))


def erase_all(
    units: Callable[[], AbstractContextManager[Unit]],
    files: FileStore,
    *,
    go_on: Callable[[], bool] = lambda: True,
    told: Callable[[int], None] = lambda _: None,
) -> Erased | None:
    """Batch after batch, each a transaction, until the approved run is over; files go from the store after the
    commit that let go of them, with no transaction open. None where there was nothing to do. Raises FileStoreAway."""
    done = skipped = 0
    over = None
    while go_on():
        with units() as unit:
            batch = erase_batch(unit)
        while go_on():
            with units() as unit:
                contents = contents_to_remove(unit)
            if not contents:
                break
            for _, sha256 in contents:
                if sha256:
                    files.remove(sha256)
            with units() as unit:
                contents_removed(unit, [attachment for attachment, _ in contents])
        if batch is None:
            break
        done, skipped, over = done + batch.done, skipped + batch.skipped, batch.finished
        told(done + skipped)
        if batch.finished:
            break
    return None if over is None else Erased(done, skipped, finished=over)


def _erase_files(unit: Unit, ticket_id: int) -> None:
    unit.session.execute(
        update(Attachment)
        .where(Attachment.ticket_id == ticket_id, Attachment.erased_at.is_(None))
        .values(erased_at=unit.now, name=GONE, note="")
    )


def _erase_caller(unit: Unit, ticket_id: int) -> None:
    caller_id = unit.session.scalar(select(Ticket.caller_id).where(Ticket.id == ticket_id))
    unit.session.execute(update(Ticket).where(Ticket.id == ticket_id).values(caller_id=None))
    unit.session.execute(delete(CallerTie).where(CallerTie.ticket_id == ticket_id))
    others = select(func.count()).select_from(Ticket).where(Ticket.caller_id == caller_id)
    holds = text("select count(*) from legal_hold where caller_id = :caller")
    if not unit.session.scalar(others) and not unit.session.scalar(holds, {"caller": caller_id}):
        unit.session.execute(delete(Caller).where(Caller.id == caller_id))


def _erase_matter(unit: Unit, ticket_id: int) -> None:
    session = unit.session
    for model, columns in WORDS.items():
        table = table_of(model)
        values = {name: _gone(table.c[name]) for name in columns}
        session.execute(update(table).where(table.c.ticket_id == ticket_id).values(values))
    said = case((StepRequest.kind.in_(_REASONED), GONE), else_=StepRequest.reason)
    session.execute(update(StepRequest).where(StepRequest.ticket_id == ticket_id).values(reason=said, data={}))
    answers = (
        select(SupervisionAnswer.id)
        .join(Supervision, Supervision.id == SupervisionAnswer.supervision_id)
        .where(Supervision.ticket_id == ticket_id)
    )
    session.execute(
        update(SupervisionAnswer)
        .where(SupervisionAnswer.id.in_(answers))
        .values(text=GONE, review_note=_gone(SupervisionAnswer.review_note))
    )
    kept, coded = (literal(list(names), ARRAY(Text)) for names in (KEPT_FACTS, CODED_REASONS))
    session.execute(select(func.erase_story(ticket_id, kept, coded, GONE)))
    session.execute(
        update(Ticket)
        .where(Ticket.id == ticket_id)
        .values(
            title=GONE,
            body=GONE,
            answer=_gone(Ticket.answer),
            tier_reason=_gone(Ticket.tier_reason),
            idempotency_key=None,
            idempotency_digest=None,
        )
    )
    session.execute(delete(ConcealedNumber).where(ConcealedNumber.ticket_id == ticket_id))
    # What the index says of it is what its texts say now.
    session.execute(select(func.search_rebuild(ticket_id, ticket_id)))


def _gone(column: Any) -> ColumnElement[str]:
    """The mark where there were words; nothing where there were none."""
    return case((column != "", GONE), else_=column)


_ERASE: dict[str, Callable[[Unit, int], None]] = {
    "files": _erase_files,
    "caller": _erase_caller,
    "matter": _erase_matter,
}
