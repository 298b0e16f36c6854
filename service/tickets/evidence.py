"""What proves an outcome: attachments of the ticket that its reply names. Named once, with the reply."""

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.unit import Unit
from service.tickets.attachments import Attachment, AttachmentNotFound
from service.tickets.models import Reply, Ticket


class OutcomeEvidence(Base):
    """An attachment that a reply names as evidence of its outcome. Append-only."""

    __tablename__ = "outcome_evidence"

    reply_id: Mapped[int] = mapped_column(ForeignKey("reply.id"), primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"), primary_key=True, index=True)
    at: Mapped[datetime]


def name_evidence(unit: Unit, ticket: Ticket, reply: Reply, attachment_ids: tuple[int, ...]) -> None:
    """Note what proves a reply's outcome. Raises AttachmentNotFound for what is not on the ticket or taken back."""
    wanted = dict.fromkeys(attachment_ids)
    found = set(
        unit.session.scalars(
            select(Attachment.id).where(
                Attachment.ticket_id == ticket.id, Attachment.id.in_(wanted), Attachment.withdrawn_at.is_(None)
            )
        )
    )
    for each in wanted:
        if each not in found:
            raise AttachmentNotFound(number=ticket.number, id=each)
    unit.session.flush()
    unit.session.add_all(OutcomeEvidence(reply_id=reply.id, attachment_id=each, at=unit.now) for each in wanted)
