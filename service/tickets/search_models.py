"""What tickets are found by, and the searches people keep."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words, WordsInside


class TicketSearch(Base):
    """The words of a ticket's texts and the facets it is narrowed by. Kept by triggers (migrations 0003 and 0017), so
    that no way of writing a ticket can forget it; nothing else writes here."""

    __tablename__ = "ticket_search"
    __table_args__ = (
        Index(
            "ix_ticket_search_document",
            "document",
            "facets",
            postgresql_using="gin",
            postgresql_with={"fastupdate": False},
        ),
        Index("ix_ticket_search_received_at", "received_at", "ticket_id"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    received_at: Mapped[datetime]
    document: Mapped[str] = mapped_column(TSVECTOR)
    facets: Mapped[list[str]] = mapped_column(ARRAY(Text))


class SavedView(Base):
    """A search under a name. Its owner changes it; a shared one is read by everybody of the owner's union."""

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("not filters ? 'phone_last4'", name="no_phone"),
        Index("ix_saved_view_org_code", "org_code", postgresql_where=text("shared")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    name: Mapped[Words]
    shared: Mapped[bool] = mapped_column(default=False)
    filters: Mapped[WordsInside]
    changed_at: Mapped[datetime]
