"""What the antivirus said of each content. What it could not be asked about is in quarantine: kept, listed, and sent to
nobody until it has been asked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base
from service.core.errors import Forbidden, Malformed, Unavailable
from service.core.scanning import Scanned, Verdict
from service.core.unit import Unit


class FileScan(Base):
    """The verdict on a content, whatever tickets it hangs on. Where no scanner is set there is no row."""

    __tablename__ = "file_scan"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("verdict in ('clean', 'infected', 'waiting')", name="verdict"),
        Index("ix_file_scan_waiting", "at", postgresql_where=text("verdict = 'waiting'")),
    )

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    verdict: Mapped[str]
    found: Mapped[str]
    at: Mapped[datetime]


class FileInfected(Malformed):
    """Found at the door: it is not kept."""

    zh = "文件含有恶意程序({found}),没有收下。请用杀毒软件检查您的设备后再传。"
    en = "The file holds malware ({found}) and was not taken. Check your device before you send it again."


class FileInQuarantine(Unavailable):
    """The scanner was away when it came and has not been asked yet."""

    zh = "文件尚未查毒(查毒服务暂不可用),已隔离保存,查毒后即可下载。"
    en = "The file has not been scanned yet: the scanner is away. It is kept apart and can be fetched once it has been."


class FileHeldBack(Forbidden):
    """Found later: it is kept for who investigates, and sent to nobody."""

    zh = "文件含有恶意程序({found}),已隔离,不能下载。"
    en = "The file holds malware ({found}); it is kept apart and is not sent."


def note_scan(unit: Unit, sha256: bytes, scanned: Scanned) -> None:
    """Keep a verdict with the file's row. What was found or cleared is not put back among those that wait."""
    statement = insert(FileScan).values(sha256=sha256, verdict=scanned.verdict.value, found=scanned.found, at=unit.now)
    new = statement.excluded
    unit.session.execute(
        statement.on_conflict_do_update(
            index_elements=[FileScan.sha256],
            set_={"verdict": new.verdict, "found": new.found, "at": new.at},
            where=(FileScan.verdict == Verdict.waiting.value) & (new.verdict != Verdict.waiting.value),
        )
    )


def check_scanned(unit: Unit, sha256: bytes) -> None:
    """Raises FileInQuarantine, FileHeldBack for a content that must not be sent."""
    row = unit.session.get(FileScan, sha256)
    if row is not None and row.verdict == Verdict.infected:
        raise FileHeldBack(found=row.found)
    if row is not None and row.verdict == Verdict.waiting:
        raise FileInQuarantine


def held_back_among(unit: Unit, contents: list[bytes]) -> set[bytes]:
    """Those of these contents that are sent to nobody."""
    held = select(FileScan.sha256).where(FileScan.sha256.in_(contents), FileScan.verdict != Verdict.clean.value)
    return set(unit.session.scalars(held)) if contents else set()


def waiting_files(unit: Unit, *, limit: int) -> list[bytes]:
    """Contents that wait for the scanner, the oldest first."""
    waiting = select(FileScan.sha256).where(FileScan.verdict == Verdict.waiting.value)
    return list(unit.session.scalars(waiting.order_by(FileScan.at).limit(limit)))


def count_waiting(unit: Unit) -> int:
    """How many contents wait for the scanner."""
    waiting = select(func.count()).where(FileScan.verdict == Verdict.waiting.value)
    return unit.session.scalar(waiting) or 0


def forget_scan(unit: Unit, sha256: bytes) -> None:
    """The content is gone from the store: nothing waits for a verdict any more."""
    unit.session.execute(delete(FileScan).where(FileScan.sha256 == sha256, FileScan.verdict == Verdict.waiting.value))


def settle_scan(unit: Unit, sha256: bytes, scanned: Scanned) -> None:
    """Keep the verdict on a content that waited. What is found is put into the audit; what got no verdict goes behind
    all others that wait."""
    settled = unit.session.scalar(
        update(FileScan)
        .where(FileScan.sha256 == sha256, FileScan.verdict == Verdict.waiting.value)
        .values(verdict=scanned.verdict.value, found=scanned.found, at=unit.now)
        .returning(FileScan.sha256)
    )
    if settled is not None and scanned.verdict is Verdict.infected:
        record(unit, "file:infected", subject=sha256.hex(), after={"found": scanned.found})
