"""The head of the audit's chain, kept outside the database once a day: who rewrites the chain can't rewrite that."""

from pathlib import Path

from sqlalchemy import func, select

from service.audit.chain import Head, anchors_in, head_of
from service.audit.models import AuditEvent
from service.audit.recording import record
from service.core.clock import local
from service.core.unit import Unit

ANCHORED = "audit:anchor"


def head_to_anchor(unit: Unit, sink: str) -> Head | None:
    """The head, once each local day for each sink and at the first chance; None where that sink has today's, or there
    is no chain yet."""
    head = head_of(unit.session)
    done = select(func.count()).where(
        AuditEvent.subject == _today(unit),
        AuditEvent.action.endswith(ANCHORED),
        AuditEvent.after["sink"].astext == sink,
    )
    return head if head.position and not unit.session.scalar(done) else None


def record_anchor(unit: Unit, head: Head, sink: str) -> None:
    """That a sink has the head of today."""
    facts = {"position": head.position, "hash": head.hash.hex(), "sink": sink}
    record(unit, ANCHORED, subject=_today(unit), after=facts)


def anchors_of(file: Path | None) -> list[Head]:
    """The heads of former days; none where no file is set or it was not begun. Raises OSError, ValueError."""
    if file is None or not file.exists():
        return []
    return anchors_in(file.read_text(encoding="utf-8").splitlines())


def _today(unit: Unit) -> str:
    return f"{local(unit.now):%Y-%m-%d}"
