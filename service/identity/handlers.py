"""Who has which ticket in hand (承办人), for the rooms that tell people and list work."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Select, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.identity.absences import Absence, on_day


class TicketHandler(Base):
    """The person of the holding union who does the work. It ends when the ticket is handed over: a trigger sees to
    that (migration 0018), so that no way of handing over can forget it."""

    __tablename__ = "ticket_handler"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


def in_hands_of(person_id: int | None, day: date) -> Select[tuple[int]]:
    """The tickets somebody has in hand on a local day: their own, and those of whom they stand in for."""
    stands_in = select(Absence.person_id).where(Absence.deputy_id == person_id, on_day(day))
    return select(TicketHandler.ticket_id).where(
        or_(TicketHandler.person_id == person_id, TicketHandler.person_id.in_(stands_in))
    )
