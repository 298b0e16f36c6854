"""Writing the audit."""

from typing import Any

from sqlalchemy import insert

from service.audit.models import AuditEvent
from service.core.unit import Unit


def record(
    unit: Unit,
    action: str,
    *,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one audit event in the unit's transaction. `action` is `subject:verb`; the actor's kind goes before it."""
    unit.session.execute(
        insert(AuditEvent).values(
            at=unit.now,
            actor_id=unit.actor.id,
            actor_name=unit.actor.name,
            actor_org=unit.actor.org_code,
            action=f"{unit.actor.kind}:{action}",
            subject=subject,
            before=before,
            after=after,
            correlation_id=unit.correlation_id,
        )
    )
