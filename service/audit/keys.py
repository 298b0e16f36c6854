"""The keys of the audit, also those of former years: what was written under a master key outlives that key."""

from sqlalchemy import CheckConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.unit import Unit
from service.core.unreadable import UNREADABLE, readable

SEALED = "audit_key.key_sealed"


class AuditKey(Base):
    """The audit's key of a master key's version, sealed under a newer one: the master key may go, and the audit that it
    coded can still be verified. The key codes the audit and opens nothing."""

    __tablename__ = "audit_key"
    __table_args__ = (CheckConstraint("version between 1 and 63", name="version"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_sealed: Mapped[bytes]


def audit_keys(unit: Unit) -> dict[int, bytes]:
    """The keys that may have made a code or a hash, by their versions. One that does not open is not among them."""
    kept = {
        row.version: readable(unit.vault, row.key_sealed, SEALED, str(row.version))
        for row in unit.session.scalars(select(AuditKey).order_by(AuditKey.version))
        if row.version not in unit.vault.audit_keys
    }
    opened = {version: bytes.fromhex(key) for version, key in kept.items() if key != UNREADABLE}
    return opened | unit.vault.audit_keys


def lost_audit_keys(unit: Unit) -> list[int]:
    """The versions of the keys that were kept and do not open: what they coded can't be verified."""
    return sorted(set(unit.session.scalars(select(AuditKey.version))) - audit_keys(unit).keys())


def keep_audit_keys(unit: Unit) -> None:
    """Keep the keys of all versions but the one that codes now, so that their master keys may go."""
    *former, _ = unit.vault.audit_keys.items()
    for version, key in former:
        unit.session.execute(
            insert(AuditKey)
            .values(version=version, key_sealed=unit.vault.seal(key.hex(), SEALED, str(version)))
            .on_conflict_do_nothing()
        )
