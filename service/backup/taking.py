"""Taking a backup while the service runs: the database as of one moment, then the files its rows name.

A file is in the store before its row, and no row of the moment loses its file afterwards, so the two fit together
however many people work meanwhile.
"""

import base64
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from service.backup.errors import BackupRunning
from service.backup.manifest import DUMP, FILES, NAME, Manifest, digest_of
from service.backup.programs import program, run
from service.bootstrap import Application
from service.core.files import FileMissing

# Whoever opens it holds the key it was sealed with.
SEALED_WORD, SEAL = "hotline backup", "backup.seal"
_PARTIAL = ".partial"
_LOCK = ".lock"


def take_backup(application: Application, target: Path, *, advance_to: Callable[[int], None]) -> Path:
    """Make a backup in a folder of its own under `target`, which only its owner may enter; returns that folder, which
    bears its name only when all of it is on the disk. `advance_to` hears how many files are through.

    A file that the backup before has is not copied again but linked. Raises BackupRunning, ProgramMissing,
    ProgramFailed, FileStoreAway.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(target):
        for left in target.glob(f"*{_PARTIAL}"):
            shutil.rmtree(left)  # whoever made it held the lock, and is gone
        before = next(iter(backups(target)), None)
        with _moment(application) as (connection, snapshot):
            taken_at = application.clock.now()
            place = target / f"hotline-{taken_at:%Y%m%dT%H%M%SZ}"
            partial = place.with_name(place.name + _PARTIAL)
            partial.mkdir(mode=0o700)
            server = connection.execute(text("select current_setting('server_version_num')::int / 10000")).scalar_one()
            pg_dump, dumped_by = program("pg_dump", major=server)
            dump = partial / DUMP
            run(
                pg_dump,
                ["--format=custom", f"--snapshot={snapshot}", f"--file={dump}"],
                database_url=application.settings.database_url,
            )
            revision = connection.execute(text("select version_num from alembic_version")).scalar_one()
            tables = rows_of_tables(connection)
            names = _attachments(connection)
        missing = _copy_files(application, names, partial / FILES, before, advance_to)
        copied = [partial / FILES / name[:2] / name for name in names if name not in missing]
        Manifest(
            taken_at=taken_at,
            revision=revision,
            server=server,
            dumped_by=dumped_by,
            seal=base64.b64encode(application.vault.seal(SEALED_WORD, SEAL)).decode(),
            tables=tables,
            dump_sha256=digest_of(dump),
            dump_bytes=dump.stat().st_size,
            files=len(copied),
            file_bytes=sum(file.stat().st_size for file in copied),
            missing=missing,
        ).write(partial)
        for path in (*partial.rglob("*"), partial):
            _settle(path)
        partial.rename(place)
        _settle(target)
    return place


def backups(target: Path) -> list[Path]:
    """The finished backups under a folder, newest first."""
    return sorted((path.parent for path in target.glob(f"hotline-*Z/{NAME}")), reverse=True)


def keep_newest(target: Path, count: int) -> list[Path]:
    """Remove all but the newest so many (at least one); returns what was removed. Raises BackupRunning."""
    with alone(target):
        surplus = backups(target)[max(1, count) :]
        for folder in surplus:
            shutil.rmtree(folder)
    return surplus


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """One backup at a time in a folder, by a lock that a dead process does not leave behind."""
    with (target / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRunning(folder=target) from None
        yield


@contextmanager
def _moment(application: Application) -> Iterator[tuple[Connection, str]]:
    """A transaction that goes on seeing the database as it is now, and the name by which pg_dump sees the same."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with application.database.as_owner() as owner, owner.execution_options(**options) as connection:
        # It stands idle while pg_dump works, for as long as that takes.
        connection.execute(text("set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0"))
        yield connection, connection.execute(text("select pg_export_snapshot()")).scalar_one()


def rows_of_tables(connection: Connection) -> dict[str, int]:
    names = connection.execute(
        text("select tablename from pg_tables where schemaname = current_schema() order by tablename")
    ).scalars()
    return {
        name: connection.execute(text(f'select count(*) from "{name}"')).scalar_one()  # noqa: S608 - of the catalogue
        for name in names.all()
    }


def _attachments(connection: Connection) -> list[str]:
    kept = "select distinct encode(sha256, 'hex') as name from attachment where erased_at is null order by name"
    rows = connection.execute(text(kept))
    return list(rows.scalars())


def _copy_files(
    application: Application,
    names: Sequence[str],
    into: Path,
    before: Path | None,
    advance_to: Callable[[int], None],
) -> list[str]:
    """Copy or link every file; returns those that the store does not have."""
    missing: list[str] = []
    for done, name in enumerate(names, 1):
        place = into / name[:2] / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = before / FILES / name[:2] / name if before else None
        if known is not None and known.exists():
            os.link(known, place)
        else:
            try:
                chunks = application.files.read(name)
                with place.open("xb") as file:
                    file.writelines(chunks)
            except FileMissing:
                missing.append(name)
        advance_to(done)
    return missing


def _settle(path: Path) -> None:
    """Force a file or a folder to the disk, readable by its owner alone."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
