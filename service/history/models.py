"""What an import leaves behind: the run, the tickets it brought, and what was remarked about the file's rows."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class ImportRun(Base):
    """One file read by one mapping: the same two make the same run, however often and in how many pieces.

    `cursor` counts the rows of the file that are done with; it moves in the transaction that brings their tickets, so
    a run that was cut off goes on exactly there. Each row done with was imported, known already or refused.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        UniqueConstraint("file_digest", "mapping_digest"),
        CheckConstraint("cursor = imported + known + refused", name="every_row_accounted"),
        CheckConstraint("warned <= imported", name="warned"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    file_name: Mapped[str]
    file_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    mapping_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    mapping: Mapped[str]
    kind: Mapped[str]
    cursor: Mapped[int] = mapped_column(default=0)
    imported: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    warned: Mapped[int] = mapped_column(default=0)
    actor_name: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportedTicket(Base):
    """Where a ticket came from. `undated`: its source promised nothing, so it is neither late nor in time there."""

    __tablename__ = "imported_ticket"
    __table_args__ = (UniqueConstraint("run_id", "line"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    line: Mapped[int]
    undated: Mapped[bool]


class ImportRemark(Base):
    """Why a row was refused, or what about an imported one deserves a look. Never holds a caller's data."""

    __tablename__ = "import_remark"
    __table_args__ = (
        CheckConstraint("weight in ('refused', 'warned')", name="weight"),
        Index("ix_import_remark_run_id", "run_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    line: Mapped[int]
    weight: Mapped[str]
    field: Mapped[str]
    zh: Mapped[str]
    en: Mapped[str]
