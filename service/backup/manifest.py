"""What a backup says of itself, and whether that is still so."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from service.backup.errors import BackupDamaged, NoBackup

NAME = "manifest.json"
DUMP = "database.dump"
FILES = "files"
_FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """taken_at: the moment all of it is of (UTC). revision: of the tables. server, dumped_by: major versions of
    PostgreSQL and of pg_dump. seal: a word that the master key of that time opens. tables: rows of each. files: the
    attachments' digests in the folder beside; missing: those that the store no longer had."""

    taken_at: datetime
    revision: str
    server: int
    dumped_by: int
    seal: str
    tables: dict[str, int]
    dump_sha256: str
    dump_bytes: int
    files: int
    file_bytes: int
    missing: list[str]

    def write(self, folder: Path) -> None:
        """Put it beside what it is about."""
        document = {"format": _FORMAT, **asdict(self), "taken_at": self.taken_at.isoformat()}
        (folder / NAME).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises NoBackup."""
        try:
            document: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
            if document.pop("format") != _FORMAT:
                raise NoBackup(folder=folder)
            return cls(**{**document, "taken_at": datetime.fromisoformat(document["taken_at"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise NoBackup(folder=folder) from None


def verify(folder: Path, *, advance_to: Callable[[int], None]) -> Manifest:
    """Read every byte of a backup and compare it with its digest; `advance_to` hears how many files are through.

    Raises NoBackup, BackupDamaged.
    """
    manifest = Manifest.read(folder)
    if digest_of(folder / DUMP) != manifest.dump_sha256:
        raise BackupDamaged(file=DUMP)
    files = files_in(folder)
    if len(files) != manifest.files:
        raise BackupDamaged(file=f"{FILES}: {len(files)} ≠ {manifest.files}")
    for done, file in enumerate(files, 1):
        if digest_of(file) != file.name:
            raise BackupDamaged(file=f"{FILES}/{file.parent.name}/{file.name}")
        advance_to(done)
    return manifest


def files_in(folder: Path) -> list[Path]:
    """The attachments in a backup, each under the digest of its content."""
    return sorted((folder / FILES).glob("??/*"))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file; of one that is not there, of nothing."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()
