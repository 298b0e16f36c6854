"""The head of the audit's chain, kept outside the database once a day: who rewrites the chain can't rewrite that."""

from pathlib import Path

from sqlalchemy import func, select

from service.audit.chain import Head, anchors_in, head_of, known_since
from service.audit.models import AuditEvent
from service.audit.recording import record
from service.core.clock import local
from service.core.logging import log
from service.core.unit import Unit

ANCHORED = "audit:anchor"


def anchor_chain(unit: Unit, file: Path | None) -> Head | None:
    """Once each local day, and at the first chance: write the head as a line of the log, which a collector carries off
    this machine, and at the end of `file`, if there is one. None where it was done today or there is no chain yet.

    Raises OSError when the file can't be written; then it is tried again.
    """
    head = head_of(unit.session)
    subject = f"{local(unit.now):%Y-%m-%d}"
    done = select(func.count()).where(AuditEvent.subject == subject, AuditEvent.action.endswith(ANCHORED))
    if not head.position or unit.session.scalar(done):
        return None
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(known_since(head, unit.now) + "\n")
    log.info("audit_anchor", position=head.position, hash=head.hash.hex())
    record(unit, ANCHORED, subject=subject, after={"position": head.position, "hash": head.hash.hex()})
    return head


def anchors_of(file: Path | None) -> list[Head]:
    """The heads of former days; none where no file is set or it was not begun. Raises OSError, ValueError."""
    if file is None or not file.exists():
        return []
    return anchors_in(file.read_text(encoding="utf-8").splitlines())
