"""Files on a ticket: what a union's people and the worker add, seen and fetched inside one's scope only.

The file is in the store before its row is written (see `service.core.files`): a row always leads to a file, and no
transaction is open while a file travels.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict, Forbidden, NotFound
from service.core.files import FileStore
from service.core.scanning import Scanner, Verdict
from service.core.unit import ActorKind, Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.tickets import repository
from service.tickets.concealing import concealed, shown_to
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import check_sees_clear
from service.tickets.errors import PermissionMissing
from service.tickets.file_kinds import ENDINGS, MEDIA_TYPES, Examined, examine
from service.tickets.inside import is_inside
from service.tickets.models import Ticket, one_of
from service.tickets.reveals import count_reveal
from service.tickets.scans import FileInfected, check_scanned, held_back_among, note_scan
from service.tickets.steps import write_event

LONGEST_NAME = 120
# Enough for every page of a contract photographed alone; a folder of thousands is nobody's evidence.
MOST_FILES = 100
MOST_FILES_BY_WORKER = 30

_ATTACH = Bilingual("上传附件", "attach a file")
_FETCH = Bilingual("下载职工提供的材料", "fetch what the worker sent")
_BLANKS = re.compile(r"\s+")


class Attachment(Base):
    """A file on a ticket. Its row stays: a file taken back is marked, and only that may change.

    `by_worker` files carry nobody's name and may show who called.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint(one_of("media_type", MEDIA_TYPES), name="media_type"),
        CheckConstraint(f"length(name) between 1 and {LONGEST_NAME}", name="name"),
        # A file of the worker carries nobody's name; neither does one of a peer system.
        CheckConstraint("not by_worker or uploaded_by is null", name="uploaded_by_somebody"),
        CheckConstraint("withdrawn_at >= at", name="withdrawn_after_upload"),
        Index(
            "uq_attachment_content", "ticket_id", "sha256", unique=True, postgresql_where=text("withdrawn_at is null")
        ),
        Index("ix_attachment_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    size: Mapped[int]
    media_type: Mapped[str]
    name: Mapped[Words]
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    by_worker: Mapped[bool]
    at: Mapped[datetime]
    note: Mapped[Words]
    withdrawn_at: Mapped[datetime | None]
    # Past its time: its content was let go of, and is gone from the store.
    erased_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class AttachmentNotFound(NotFound):
    zh = "工单 {number} 没有编号为 {id} 的附件,或已撤回。"
    en = "Ticket {number} has no attachment {id}, or it was taken back."


class TooManyFiles(Conflict):
    zh = "附件已达 {most} 个,不能再添加。"
    en = "There are {most} files already; no more can be added."


class NotTheUploader(Forbidden):
    zh = "附件只能由上传人撤回。"
    en = "Only who uploaded a file can take it back."


class ReasonToSeeMissing(Forbidden):
    zh = "职工要求保密,其提供的材料可能显示身份。请填写查看原因(reason),原因将记录在案。"
    en = "The worker asked for confidentiality and this may show who they are: give a reason; it is put on record."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachFile:
    """A file that lies in the store already, under the name its sender gave it."""

    number: str
    file: Examined
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFile:
    """Which file. `reason` is asked for where it may show who called although they asked for confidentiality."""

    number: str
    id: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """A file as it is listed. `size` in bytes; `hidden` says that its name is not shown and it needs a reason,
    `held_back` that the antivirus has not cleared it."""

    id: int
    name: str
    size: int
    media_type: str
    by_worker: bool
    uploaded_by: str | None
    at: datetime
    note: str
    hidden: bool
    own: bool
    held_back: bool


@dataclass(frozen=True, slots=True)
class FileToSend:
    """Where a file lies and what to call it."""

    id: int
    sha256: str
    size: int
    media_type: str
    name: str


def keep_file(store: FileStore, source: BinaryIO, *, most: int, scanner: Scanner | None = None) -> Examined:
    """Examine a file, have it scanned and put it into the store, before any transaction begins.

    Raises FileEmpty, FileTooLarge (`most` bytes), FileKindRefused, FileInfected, FileStoreAway, NoPlaceForFiles.
    """
    found = examine(source, most=most)
    scanned = scanner.scan(source) if scanner else None
    if scanned is not None and scanned.verdict is Verdict.infected:
        raise FileInfected(found=scanned.found)
    store.put(found.sha256, source, size=found.size)
    return replace(found, scanned=scanned)


def check_may_attach(unit: Unit, number: str) -> None:
    """Asked before a file is taken in at all. Raises TicketNotFound, PermissionMissing, TooManyFiles."""
    ticket = repository.find(unit, number, None)
    _check_right(unit)
    _check_room(unit, ticket, most=MOST_FILES)


def attach_file(unit: Unit, command: AttachFile) -> AttachmentView:
    """Hang a file on a ticket in any state. The same content twice is the same attachment.

    Raises TicketNotFound, PermissionMissing, TooManyFiles.
    """
    ticket = repository.lock(unit, command.number)
    _check_right(unit)
    row = _attach(unit, ticket, command, most=MOST_FILES)
    held_back = row.sha256 in held_back_among(unit, [row.sha256])
    return _view(unit, row, unit.actor.name, hidden=_is_hidden(unit, ticket, row), held_back=held_back)


def attach_by_worker(unit: Unit, ticket: Ticket, command: AttachFile) -> None:
    """The same by the worker's own hand, on a locked ticket that they have shown is theirs. Raises TooManyFiles."""
    _attach(unit, ticket, command, most=MOST_FILES_BY_WORKER)


def attachments_of(unit: Unit, number: str) -> tuple[AttachmentView, ...]:
    """The files of a ticket, oldest first, without those taken back. Raises TicketNotFound."""
    ticket = repository.find(unit, number, "files")
    rows = unit.session.execute(
        select(Attachment, Person.username)
        .outerjoin(Person, Person.id == Attachment.uploaded_by)
        .where(Attachment.ticket_id == ticket.id, Attachment.withdrawn_at.is_(None), Attachment.erased_at.is_(None))
        .order_by(Attachment.id)
    ).all()
    held = held_back_among(unit, [row.sha256 for row, _ in rows])
    hides, shown = _hides(unit, ticket), shown_to(unit, ticket)
    views = (
        _view(unit, row, username, hidden=hides and row.by_worker, held_back=row.sha256 in held)
        for row, username in rows
    )
    return tuple(replace(view, name=shown(view.name), note=shown(view.note)) for view in views)


def fetch_file(unit: Unit, command: FetchFile) -> FileToSend:
    """Where a file lies, for whoever may read the ticket; who fetched it is audited.

    What a worker sent on a confidential ticket may show who they are, and any of it does to a union inside the
    employer: only who may see the caller sees it, and the reason goes on the timeline as when a caller is looked at
    (PIPL art. 51). Raises TicketNotFound, AttachmentNotFound, ReasonToSeeMissing, FileInQuarantine, FileHeldBack, and
    what `check_sees_clear` raises.
    """
    ticket = repository.find(unit, command.number)
    row = _find(unit, ticket, command.id)
    check_scanned(unit, row.sha256)
    name = row.name
    if _is_hidden(unit, ticket, row):
        name = _masked(row)
        check_sees_clear(unit, ticket, _FETCH)
        if not command.reason.strip():
            raise ReasonToSeeMissing
        count_reveal(unit)
        write_event(unit, ticket, kind="caller:revealed", from_state=ticket.state, note=command.reason)
    facts = {"attachment": row.id} | ({"reason": concealed(unit, ticket, command.reason)} if command.reason else {})
    record(unit, "attachment:download", subject=ticket.number, after=facts)
    return FileToSend(id=row.id, sha256=row.sha256.hex(), size=row.size, media_type=row.media_type, name=name)


def withdraw_file(unit: Unit, number: str, *, id: int) -> None:  # noqa: A002 - what the address calls it
    """Take back a file uploaded by mistake. Raises TicketNotFound, AttachmentNotFound, NotTheUploader."""
    ticket = repository.lock(unit, number)
    row = _find(unit, ticket, id)
    if row.uploaded_by is None or row.uploaded_by != unit.actor.id:
        raise NotTheUploader
    row.withdrawn_at = unit.now
    write_event(unit, ticket, kind="attachment:withdrawn", from_state=ticket.state, data={"attachment": row.id})
    record(unit, "attachment:withdraw", subject=ticket.number, after={"attachment": row.id})


def shown_name(name: str, media_type: str) -> str:
    """A sender's name for a file, fit to be shown and saved: no folders, no control or direction characters, at most
    LONGEST_NAME characters, and the ending of what the file is."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(char if unicodedata.category(char)[0] not in "CZ" else " " for char in last)
    plain = _BLANKS.sub(" ", re.sub(r'[<>:"|?*]', " ", kept)).strip()
    ending = ENDINGS[media_type]
    stem, dot, given = plain.rpartition(".")
    same = dot and (given.lower() == ending or (ending, given.lower()) == ("jpg", "jpeg"))
    stem = (stem if same else plain).strip(" .") or "file"
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def _attach(unit: Unit, ticket: Ticket, command: AttachFile, *, most: int) -> Attachment:
    digest = bytes.fromhex(command.file.sha256)
    if command.file.scanned is not None:
        note_scan(unit, digest, command.file.scanned)
    already = unit.session.scalars(
        select(Attachment).where(
            Attachment.ticket_id == ticket.id, Attachment.sha256 == digest, Attachment.withdrawn_at.is_(None)
        )
    ).one_or_none()
    if already is not None:
        return already
    _check_room(unit, ticket, most=most)
    row = Attachment(
        ticket_id=ticket.id,
        sha256=digest,
        size=command.file.size,
        media_type=command.file.media_type,
        name=concealed(unit, ticket, shown_name(command.name, command.file.media_type)),
        uploaded_by=unit.actor.id,
        by_worker=unit.actor.kind is ActorKind.worker,
        at=unit.now,
        note=concealed(unit, ticket, command.note),
    )
    unit.session.add(row)
    unit.session.flush()
    facts = {"attachment": row.id, "media_type": row.media_type, "size": row.size}
    write_event(
        unit, ticket, kind="attachment:added", from_state=ticket.state, data={**facts, "by_worker": row.by_worker}
    )
    record(unit, "attachment:add", subject=ticket.number, after={**facts, "sha256": command.file.sha256})
    return row


def _find(unit: Unit, ticket: Ticket, id_: int) -> Attachment:
    row = unit.session.scalars(
        select(Attachment).where(
            Attachment.id == id_,
            Attachment.ticket_id == ticket.id,
            Attachment.withdrawn_at.is_(None),
            Attachment.erased_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise AttachmentNotFound(number=ticket.number, id=id_)
    return row


def _view(unit: Unit, row: Attachment, username: str | None, *, hidden: bool, held_back: bool) -> AttachmentView:
    return AttachmentView(
        id=row.id,
        name=_masked(row) if hidden else row.name,
        size=row.size,
        media_type=row.media_type,
        by_worker=row.by_worker,
        uploaded_by=username,
        at=row.at,
        note="" if hidden else row.note,
        hidden=hidden,
        own=row.uploaded_by is not None and row.uploaded_by == unit.actor.id,
        held_back=held_back,
    )


def _is_hidden(unit: Unit, ticket: Ticket, row: Attachment) -> bool:
    return row.by_worker and _hides(unit, ticket)


def _hides(unit: Unit, ticket: Ticket) -> bool:
    """Whether what the worker sent is not simply shown."""
    return ticket.confidentiality != Confidentiality.open or is_inside(unit, ticket.employer_id)


def _masked(row: Attachment) -> str:
    """A name given by the worker may be their own."""
    return f"职工材料-{row.id}.{ENDINGS[row.media_type]}"


def _check_right(unit: Unit) -> None:
    if not unit.actor.may(Permission.ticket_note):
        raise PermissionMissing(step=_ATTACH)


def _check_room(unit: Unit, ticket: Ticket, *, most: int) -> None:
    count = unit.session.scalar(
        select(func.count()).where(Attachment.ticket_id == ticket.id, Attachment.withdrawn_at.is_(None))
    )
    if (count or 0) >= most:
        raise TooManyFiles(most=most)
