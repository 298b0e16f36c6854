"""Writing the audit."""

from typing import Any

from sqlalchemy import insert

from service.audit.chain import code_of
from service.audit.models import AuditEvent
from service.core.db import table_of
from service.core.personal import without_numbers_in
from service.core.unit import Unit

# Core, not ORM: nothing is read back, and the statement is compiled once.
_INSERT = insert(table_of(AuditEvent))


def record(
    unit: Unit,
    action: str,
    *,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one audit event in the unit's transaction. `action` is `subject:verb`; the actor's kind goes before it."""
    event = {
        "at": unit.now,
        "actor_id": unit.actor.id,
        "actor_name": unit.actor.name,
        "actor_org": unit.actor.org_code,
        "action": f"{unit.actor.kind}:{action}",
        "subject": subject,
        # Reasons are people's words.
        "before": without_numbers_in(before),
        "after": without_numbers_in(after),
        "correlation_id": unit.correlation_id,
    }
    unit.session.connection().execute(_INSERT, {**event, "code": code_of(unit.vault.audit_key, event)})
