"""A backup holds one moment whole, comes back only whole, and says so when it can't."""

import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from service.backup.errors import AnotherKey, BackupDamaged, BackupRunning, DatabaseNotEmpty, NoBackup
from service.backup.manifest import DUMP, FILES, NAME, Manifest, files_in, verify
from service.backup.restoring import SKIPPED_NUMBERS, Restored, restore
from service.backup.taking import alone, backups, keep_newest, take_backup
from service.bootstrap import Application, build
from service.notifications.gateways import MemoryGateway
from service.tickets.closing import AddNote, add_note
from service.tickets.models import Caller
from service.tickets.sealed import phone_of
from tests.conftest import Servers, drop, settings_for
from tests.desk import Desk
from tests.tickets.test_attachments import attach

PDF = b"%PDF-1.4 a contract"
HANDLER = "handler-632801"


def nothing(_: int) -> None:
    """Nobody watches the progress."""


@pytest.fixture
def empty(servers: Servers, tmp_path: Path) -> Iterator[Application]:
    """The application on an empty database and an empty store."""
    name = f"hotline_{uuid.uuid4().hex[:12]}"
    with servers.admin() as admin:
        admin.execute(f'create database "{name}"')
    settings = settings_for(servers.url_of(name), servers.redis_url, files_dir=tmp_path / "other files")
    application = build(settings, gateway=MemoryGateway())
    yield application
    application.database.dispose()
    drop(servers, name)


def taken(desk: Desk, target: Path) -> Path:
    desk.wait(minutes=1)
    return take_backup(desk.application, target, advance_to=nothing)


def brought_back(empty: Application, folder: Path) -> Restored:
    return restore(empty, folder, verify(folder, advance_to=nothing), advance_to=nothing)


def test_what_was_there_at_the_moment_comes_back_and_nothing_later(
    desk: Desk, empty: Application, tmp_path: Path
) -> None:
    number = desk.in_progress()
    attach(desk, HANDLER, number, PDF)
    folder = taken(desk, tmp_path / "backups")
    later = desk.registered()
    restored = brought_back(empty, folder)
    assert restored.sound, [finding for finding in restored.findings if not finding.holds]
    there = Desk(empty, desk.clock)
    assert there.ticket(number).title == desk.ticket(number).title
    assert there.rows("select count(*) from ticket where number = :number", number=later) == [(0,)]
    [(digest,)] = there.rows("select encode(sha256, 'hex') from attachment")
    assert b"".join(empty.files.read(digest)) == PDF
    with empty.reading() as unit:
        assert phone_of(empty.vault, unit.session.scalars(select(Caller)).one()) == "13897001234"


def test_a_number_given_after_the_backup_is_not_given_again(desk: Desk, empty: Application, tmp_path: Path) -> None:
    desk.registered()
    folder = taken(desk, tmp_path)
    lost = [desk.registered() for _ in range(3)]
    brought_back(empty, folder)
    there = Desk(build(empty.settings, clock=desk.clock, gateway=MemoryGateway()), desk.clock)
    fresh = there.registered()
    assert int(fresh[-6:]) > max(int(number[-6:]) for number in lost)
    assert int(fresh[-6:]) >= SKIPPED_NUMBERS
    there.application.database.dispose()


def test_it_is_one_moment_while_people_go_on_working(desk: Desk, empty: Application, tmp_path: Path) -> None:
    numbers = [desk.in_progress() for _ in range(3)]
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            desk.registered()
            for number in numbers:
                desk.do(HANDLER, add_note, AddNote(number=number, note="已电话联系用人单位"))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        folder = take_backup(desk.application, tmp_path, advance_to=nothing)
    finally:
        stop.set()
        worker.join()
    assert brought_back(empty, folder).sound


@pytest.mark.parametrize("harm", ["dump", "file", "file gone"])
def test_a_damaged_backup_is_refused_before_anything_is_restored(
    harm: str, desk: Desk, empty: Application, tmp_path: Path
) -> None:
    attach(desk, HANDLER, desk.in_progress(), PDF)
    folder = taken(desk, tmp_path)
    [file] = files_in(folder)
    harmed = folder / DUMP if harm == "dump" else file
    if harm == "file gone":
        harmed.unlink()
    else:
        content = bytearray(harmed.read_bytes())
        content[len(content) // 2] ^= 1
        harmed.write_bytes(content)
    with pytest.raises(BackupDamaged):
        brought_back(empty, folder)
    assert Desk(empty, desk.clock).rows("select * from pg_tables where schemaname = 'public'") == []


def test_a_database_with_tables_is_never_overwritten(desk: Desk, tmp_path: Path) -> None:
    number = desk.registered()
    folder = taken(desk, tmp_path)
    with pytest.raises(DatabaseNotEmpty):
        brought_back(desk.application, folder)
    assert desk.ticket(number).title == "拖欠工资"


def test_without_the_key_of_that_time_nothing_is_restored(desk: Desk, empty: Application, tmp_path: Path) -> None:
    folder = taken(desk, tmp_path)
    other = build(empty.settings.model_copy(update={"master_key": _key("QUJD" * 10 + "QUI=")}), gateway=MemoryGateway())
    with pytest.raises(AnotherKey):
        brought_back(other, folder)
    other.database.dispose()


def _key(text: str) -> object:
    return settings_for("postgresql://", "", master_key=text).master_key


def test_files_of_the_backup_before_are_linked_not_copied(desk: Desk, tmp_path: Path) -> None:
    number = desk.in_progress()
    attach(desk, HANDLER, number, PDF)
    first = taken(desk, tmp_path)
    attach(desk, HANDLER, number, PDF + b" and another")
    second = taken(desk, tmp_path)
    [old] = files_in(first)
    assert (second / old.relative_to(first)).stat().st_ino == old.stat().st_ino
    assert len(files_in(second)) == 2
    shutil.rmtree(first)
    assert verify(second, advance_to=nothing).files == 2, "the second stands by itself"


def test_a_file_that_the_store_lost_is_named(desk: Desk, empty: Application, tmp_path: Path) -> None:
    attach(desk, HANDLER, desk.in_progress(), PDF)
    [(digest,)] = desk.rows("select encode(sha256, 'hex') from attachment")
    assert desk.application.settings.files_dir is not None
    shutil.rmtree(desk.application.settings.files_dir)
    folder = taken(desk, tmp_path / "backups")
    assert Manifest.read(folder).missing == [digest]
    restored = brought_back(empty, folder)
    assert not restored.sound


def test_one_that_was_cut_off_is_no_backup_and_is_cleared_away_by_the_next(desk: Desk, tmp_path: Path) -> None:
    whole = taken(desk, tmp_path)
    cut = tmp_path / "hotline-20991231T000000Z.partial"
    shutil.copytree(whole, cut)
    unfinished = tmp_path / "hotline-20991230T000000Z"
    (unfinished / FILES).mkdir(parents=True)
    assert backups(tmp_path) == [whole]
    with pytest.raises(NoBackup):
        verify(unfinished, advance_to=nothing)
    newest = taken(desk, tmp_path)
    assert not cut.exists()
    assert backups(tmp_path) == [newest, whole]


def test_only_the_newest_are_kept(desk: Desk, tmp_path: Path) -> None:
    made = [taken(desk, tmp_path) for _ in range(3)]
    assert keep_newest(tmp_path, 2) == made[:1]
    assert backups(tmp_path) == [made[2], made[1]]


def test_two_at_once_do_not_meet(desk: Desk, tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BackupRunning):
        taken(desk, tmp_path)


def test_only_its_owner_may_read_it(desk: Desk, tmp_path: Path) -> None:
    attach(desk, HANDLER, desk.in_progress(), PDF)
    target = tmp_path / "backups"
    folder = taken(desk, target)
    inside = [target, folder, folder / NAME, folder / DUMP, *folder.rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in inside} == {0}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}', '{"format": 1, "taken_at": 5}'])
def test_rubbish_is_no_backup(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(NoBackup):
        Manifest.read(tmp_path)
