"""Do the attachments and the store of files agree? Run by `hotline check`, for it reads every file once.

No transaction is open while a file travels: rows are read in batches, files between them.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from service.checks import EXAMPLES, Finding
from service.core.files import FileMissing, FileStore, NoPlaceForFiles
from service.tickets.attachments import Attachment
from service.tickets.models import Ticket

if TYPE_CHECKING:
    from service.bootstrap import Application

BATCH = 500
# A file is in the store before its row is written; nobody takes a day for the step between.
_ORPHAN_AFTER = timedelta(days=1)


class _Named(NamedTuple):
    """A row, and what its file should be."""

    id: int
    number: str
    sha256: bytes


def count_attachments(application: "Application") -> int:
    """How many rows `check_files` looks at."""
    with application.reading() as unit:
        return unit.session.scalar(select(func.count()).where(Attachment.erased_at.is_(None))) or 0


def check_files(application: "Application", *, advance_to: Callable[[int], None]) -> list[Finding]:
    """Read every attachment's file and look for files that no attachment names; `advance_to` hears how many
    attachments are through. Those taken back count: their rows stay, and their files with them.

    Raises FileStoreAway.
    """
    return [
        Finding(
            name="every_attachment_has_its_file",
            zh="附件的文件都在,内容与上传时相同",
            en="every attachment has its file, as it was sent",
            examples=tuple(islice(_unsound(application, advance_to), EXAMPLES)),
        ),
        Finding(
            name="every_file_is_an_attachment",
            zh="存储中没有不属于任何附件的文件",
            en="the store holds no file that no attachment names",
            examples=tuple(islice(_orphans(application), EXAMPLES)),
        ),
    ]


def _unsound(application: "Application", advance_to: Callable[[int], None]) -> Iterator[str]:
    """Attachments without their file, with what is wrong. The same content is read once."""
    found: dict[bytes, str] = {}
    done = last = 0
    while batch := _rows_after(application, last):
        for row in batch:
            if row.sha256 not in found:
                found[row.sha256] = _wrong_with(application.files, row.sha256)
            done += 1
            advance_to(done)
            if found[row.sha256]:
                yield f"{row.number} #{row.id} {row.sha256.hex()}: {found[row.sha256]}"
        last = batch[-1].id


def _rows_after(application: "Application", last: int) -> list[_Named]:
    with application.reading() as unit:
        rows = unit.session.execute(
            select(Attachment.id, Ticket.number, Attachment.sha256)
            .join(Ticket, Ticket.id == Attachment.ticket_id)
            .where(Attachment.id > last, Attachment.erased_at.is_(None))
            .order_by(Attachment.id)
            .limit(BATCH)
        )
        return [_Named(*row) for row in rows]


def _wrong_with(store: FileStore, sha256: bytes) -> str:
    digest = hashlib.sha256()
    try:
        for chunk in store.read(sha256.hex()):
            digest.update(chunk)
    except (FileMissing, NoPlaceForFiles):
        return "不在存储中 / not in the store"
    return "" if digest.digest() == sha256 else "内容已变 / not what was sent"


def _orphans(application: "Application") -> Iterator[str]:
    """Files old enough that no row names, with the local day they came."""
    before = application.clock.now() - _ORPHAN_AFTER
    old = ((name, at) for name, at in application.files.stored() if at < before)
    while batch := dict(islice(old, BATCH)):
        with application.reading() as unit:
            named = unit.session.scalars(
                select(Attachment.sha256).where(Attachment.sha256.in_([bytes.fromhex(name) for name in batch]))
            )
            known = {sha256.hex() for sha256 in named}
        yield from (f"{name} {at:%Y-%m-%d}" for name, at in batch.items() if name not in known)
