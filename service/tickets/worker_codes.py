"""One-time codes for workers: sent to a phone, good for ten minutes, five tries, and for nothing after that."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class WorkerCode(Base):
    """A code asked for with a phone, whether or not the phone has tickets: the two must look the same.

    Neither the phone nor the code stands here, only keyed hashes.
    """

    __tablename__ = "worker_code"
    __table_args__ = (
        CheckConstraint("octet_length(phone_hash) = 32 and octet_length(code_hash) = 32", name="hashes"),
        CheckConstraint("tries between 0 and 5", name="tries"),
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        Index("uq_worker_code_open", "phone_hash", unique=True, postgresql_where=text("used_at is null")),
        Index("ix_worker_code_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
