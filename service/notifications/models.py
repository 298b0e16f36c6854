"""The in-app inbox, and the record of what left through a gateway."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words


class Notice(Base):
    """Something one person was told. `key` makes a second delivery of the same message a no-op; `tally_id` is there
    where it is a digest of many."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("person_id", "key"),
        Index("ix_notice_unread", "person_id", "id", postgresql_where=text("read_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    key: Mapped[str]
    ticket_number: Mapped[str]
    tally_id: Mapped[int | None] = mapped_column(ForeignKey("notice_tally.id"))
    urgent: Mapped[bool] = mapped_column(default=False)
    text_zh: Mapped[Words]
    text_en: Mapped[Words]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class GatewayDelivery(Base):
    """A message handed to a gateway outside this service, once for each key."""

    __tablename__ = "gateway_delivery"

    key: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str]
    ticket_number: Mapped[str] = mapped_column(index=True)
    template: Mapped[str]
    delivered_at: Mapped[datetime]
