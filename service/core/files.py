"""Where files lie: outside the database, each under the SHA-256 of its content.

A name is 64 hexadecimal digits and nothing else, so no client's words ever become part of a path, and the same
content sent twice lies there once. Files are stored and handed back as they came: nothing here opens one.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from service.core.errors import Malformed, NotFound, Unavailable

CHUNK_BYTES = 64 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = "unfinished"


class FileMissing(NotFound):
    """The row is there, the file is not: moved by hand, or another store than the one it was put into."""

    zh = "文件不在存储中,请联系管理员。"
    en = "The file is not in the store; tell the administrator."


class FileStoreAway(Unavailable):
    zh = "文件存储暂不可用,文件未保存,请稍后再试。"
    en = "The file store cannot be used right now; the file was not saved. Try again later."


class NoPlaceForFiles(Unavailable):
    zh = "尚未设置文件存储位置,不能收取文件。请管理员设置 HOTLINE_FILES_DIR 或 HOTLINE_S3_ENDPOINT。"
    en = "There is no place for files yet. The administrator sets HOTLINE_FILES_DIR or HOTLINE_S3_ENDPOINT."


class FileEmpty(Malformed):
    zh = "文件是空的(0 字节)。"
    en = "The file is empty (0 bytes)."


class FileTooLarge(Malformed):
    zh = "文件超过 {limit} MB 的上限。"
    en = "The file is larger than {limit} MB."


class FileStore(Protocol):
    """Keeps files by the SHA-256 of their content. Every call may raise FileStoreAway."""

    def put(self, sha256: str, source: BinaryIO, *, size: int) -> None:
        """Keep `size` bytes under their hash. What is there already is left as it is."""
        ...

    def read(self, sha256: str) -> Iterator[bytes]:
        """The content, piece by piece. Raises FileMissing before the first."""
        ...

    def remove(self, sha256: str) -> None:
        """Forget a content that nothing needs any more; what is not there is no fault."""
        ...

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """The hash of every file that is kept, and since when. What bears another name is not of this store."""
        ...

    def tidy(self, before: datetime) -> int:
        """Remove what a crash left half written before that instant. Returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file is known by. `head` is its first bytes."""

    sha256: str
    size: int
    head: bytes


def is_name(name: str) -> bool:
    """Whether a file of the store may be called so."""
    return _NAME.fullmatch(name) is not None


def measured(source: BinaryIO, *, most: int, head: int = 8192) -> Measured:
    """Read a file through once, from its beginning. Raises FileEmpty, FileTooLarge (`most` bytes)."""
    source.seek(0)
    digest, size, first = hashlib.sha256(), 0, b""
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        if size > most:
            raise FileTooLarge(limit=f"{most / 1024 / 1024:.0f}")
        first = first or chunk[:head]
        digest.update(chunk)
    if not size:
        raise FileEmpty
    source.seek(0)
    return Measured(sha256=digest.hexdigest(), size=size, head=first)


class DiskFiles:
    """A folder: `ab/cd/abcd…`. Written under another name first and renamed when whole and on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha256: str, source: BinaryIO, *, size: int) -> None:
        """As the port says. Raises FileStoreAway also when the disk is full."""
        place = self._place(sha256)
        unfinished = self._folder / _UNFINISHED / secrets.token_hex(16)
        try:
            if place.exists():
                return
            for folder in (place.parent, unfinished.parent):
                folder.mkdir(parents=True, exist_ok=True)
            try:
                written = _write(unfinished, source)
                if written != size:
                    raise FileStoreAway
                unfinished.replace(place)
            finally:
                unfinished.unlink(missing_ok=True)
            _settle(place.parent)
        except OSError:
            raise FileStoreAway from None

    def read(self, sha256: str) -> Iterator[bytes]:
        """As the port says."""
        try:
            file = self._place(sha256).open("rb")
        except FileNotFoundError:
            raise FileMissing from None
        except OSError:
            raise FileStoreAway from None
        return _chunks(file)

    def remove(self, sha256: str) -> None:
        """As the port says."""
        try:
            self._place(sha256).unlink(missing_ok=True)
        except OSError:
            raise FileStoreAway from None

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """As the port says."""
        try:
            for path in self._folder.glob("??/??/*"):
                if is_name(path.name):
                    yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:
            raise FileStoreAway from None

    def tidy(self, before: datetime) -> int:
        """As the port says."""
        left = [path for path in (self._folder / _UNFINISHED).glob("*") if path.stat().st_mtime < before.timestamp()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _place(self, sha256: str) -> Path:
        if not is_name(sha256):
            raise FileMissing
        return self._folder / sha256[:2] / sha256[2:4] / sha256


class NoFiles:
    """Stands in where no place was set: everything else works, and whoever sends a file is told what is missing."""

    def put(self, sha256: str, source: BinaryIO, *, size: int) -> None:  # noqa: ARG002 - the port's form
        """Raises NoPlaceForFiles."""
        raise NoPlaceForFiles

    def read(self, sha256: str) -> Iterator[bytes]:  # noqa: ARG002
        """Raises NoPlaceForFiles."""
        raise NoPlaceForFiles

    def remove(self, sha256: str) -> None:
        """There is nothing to forget."""

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """There is none."""
        return iter(())

    def tidy(self, before: datetime) -> int:  # noqa: ARG002
        """There is nothing to remove."""
        return 0


def _write(path: Path, source: BinaryIO) -> int:
    """Bytes written and forced to the disk."""
    size = 0
    with path.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size


def _settle(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
