"""Bringing a backup back into an empty database, and proving that it is all there."""

import base64
import binascii
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from service.audit.recording import record
from service.backup.errors import AnotherKey, DatabaseNotEmpty, RestoredDiffers
from service.backup.manifest import DUMP, Manifest, files_in
from service.backup.programs import program, run
from service.backup.taking import SEAL, SEALED_WORD, rows_of_tables
from service.bootstrap import Application, build
from service.checks import Finding, run_checks
from service.core.crypto import SealBroken
from service.core.fence import ensure_role, grant_rights
from service.embedded import embedded_servers
from service.file_checks import check_files
from service.tickets.models import NUMBER_SEQUENCE

# Numbers that were given after the backup stand on workers' phones and must not be given to others. More than a
# province takes in between two daily backups.
SKIPPED_NUMBERS = 10_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back, and what the invariants say of it as of the moment of the backup."""

    manifest: Manifest
    rows: int
    findings: list[Finding]

    @property
    def sound(self) -> bool:
        """Whether every invariant holds and no file was missing."""
        return not self.manifest.missing and all(finding.holds for finding in self.findings)


def restore(
    application: Application, folder: Path, manifest: Manifest, *, advance_to: Callable[[int], None]
) -> Restored:
    """Bring back a backup that `verify` has read. All of the database or nothing of it; files that the store has
    already are left as they are. `advance_to` hears how many files are through.

    Ticket numbers go on well after those of the backup. Raises AnotherKey, DatabaseNotEmpty, ProgramMissing,
    ProgramFailed, RestoredDiffers, FileStoreAway.
    """
    _need_the_key(application, manifest)
    database = application.database
    with database.as_owner() as connection:
        ensure_role(connection)
        connection.commit()
        tables = len(rows_of_tables(connection))
        server = connection.execute(text("select current_setting('server_version_num')::int / 10000")).scalar_one()
    if tables:
        raise DatabaseNotEmpty(tables=tables)
    pg_restore, _ = program("pg_restore", major=max(server, manifest.dumped_by))
    run(
        pg_restore,
        ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(folder / DUMP)],
        database_url=application.settings.database_url,
    )
    with database.as_owner() as connection, connection.begin():
        grant_rights(connection)
        connection.execute(text("set local statement_timeout = 0"))
        rows = rows_of_tables(connection)
        if rows != manifest.tables:
            raise RestoredDiffers(tables=", ".join(sorted(name for name, _ in rows.items() ^ manifest.tables.items())))
        connection.execute(text("analyze"))
        connection.execute(
            text(f"select setval('{NUMBER_SEQUENCE.name}', nextval('{NUMBER_SEQUENCE.name}') + :skipped)"),
            {"skipped": SKIPPED_NUMBERS},
        )
    for done, file in enumerate(files_in(folder), 1):
        with file.open("rb") as source:
            application.files.put(file.name, source, size=file.stat().st_size)
        advance_to(done)
    with application.reading(now=manifest.taken_at) as unit:
        findings = run_checks(unit, tick=application.settings.sweep_seconds)
    findings += check_files(application, advance_to=lambda _: None)
    with application.unit() as unit:
        record(unit, "backup:restored", subject=folder.name, after={"taken_at": manifest.taken_at.isoformat()})
    return Restored(manifest, sum(rows.values()), findings)


@contextmanager
def scratch(application: Application) -> Iterator[Application]:
    """The same application on a PostgreSQL and a store of files of its own, thrown away afterwards: for a drill."""
    with (
        tempfile.TemporaryDirectory(prefix="hotline-drill-") as folder,
        embedded_servers(Path(folder) / "servers", redis_url=application.settings.redis_url) as servers,
    ):
        place = {"database_url": servers.database_url, "files_dir": Path(folder) / "files", "s3_endpoint": ""}
        other = build(application.settings.model_copy(update=place))
        try:
            yield other
        finally:
            other.database.dispose()


def _need_the_key(application: Application, manifest: Manifest) -> None:
    try:
        word = application.vault.open(base64.b64decode(manifest.seal, validate=True), SEAL)
    except (SealBroken, binascii.Error):
        raise AnotherKey from None
    if word != SEALED_WORD:
        raise AnotherKey
