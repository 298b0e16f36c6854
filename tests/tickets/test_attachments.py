"""Files on a ticket: what is taken, under which name, who gets them, and where they lie."""

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service import file_checks
from service.core.errors import HotlineError
from service.core.files import DiskFiles, FileEmpty, FileMissing, FileStore, FileStoreAway, FileTooLarge, NoFiles
from service.core.unit import WORKER
from service.file_checks import check_files, count_attachments
from service.tickets.attachments import (
    AttachFile,
    AttachmentNotFound,
    FetchFile,
    NotTheUploader,
    ReasonToSeeMissing,
    attach_by_worker,
    attach_file,
    attachments_of,
    fetch_file,
    keep_file,
    shown_name,
    withdraw_file,
)
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import IdentityIsHidden
from service.tickets.errors import PermissionMissing, TicketNotFound
from service.tickets.file_kinds import Examined, FileKindRefused, examine
from service.tickets.models import Ticket
from tests.desk import GOLMUD, Desk

PDF = b"%PDF-1.7\n" + b"x" * 500
LIMIT = 20 * 1024 * 1024
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


def sheet() -> bytes:
    file = io.BytesIO()
    openpyxl.Workbook().save(file)
    return file.getvalue()


TAKEN = {
    "application/pdf": PDF,
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(300),
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(300),
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 " + bytes(300),
    "image/heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": sheet(),
    "audio/wav": b"RIFF\x10\0\0\0WAVEfmt " + bytes(300),
    "audio/mpeg": b"ID3\3\0\0\0\0\0\0" + bytes(300),
    "audio/mp4": b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(300),
    "audio/amr": b"#!AMR\n" + b"\x3c" * 300,
    "video/mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(300),
    "text/plain": "三个月没有发工资\r\n共三万元".encode(),
}


@pytest.mark.parametrize("media_type", TAKEN)
def test_a_kind_is_told_by_its_content(media_type: str) -> None:
    assert examine(io.BytesIO(TAKEN[media_type]), most=LIMIT).media_type == media_type


def test_text_from_an_old_telephone_is_text() -> None:
    assert examine(io.BytesIO("拖欠工资".encode("gb18030") * 9000), most=LIMIT).media_type == "text/plain"


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00" + bytes(500),
        b"\x7fELF" + bytes(500),
        b"PK\x03\x04" + bytes(500),
        b"Rar!\x1a\x07\x00" + bytes(500),
        b"GIF89a" + bytes(500),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        bytes(2000),
        "文字".encode() + b"\x00" + b"more",
        b"a" * 70_000 + b"\xff\xff",
    ],
)
def test_what_is_none_of_them_is_refused_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(FileKindRefused):
        examine(io.BytesIO(content), most=LIMIT)


def test_an_empty_file_and_one_over_the_limit_are_refused() -> None:
    with pytest.raises(FileEmpty):
        examine(io.BytesIO(b""), most=LIMIT)
    assert examine(io.BytesIO(PDF), most=len(PDF)).size == len(PDF)
    with pytest.raises(FileTooLarge):
        examine(io.BytesIO(PDF), most=len(PDF) - 1)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("工资条.pdf", "工资条.pdf"),
        ("工资条.PDF", "工资条.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\马小明\\合同.pdf", "合同.pdf"),
        ("..", "file.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "a b Set-Cookie x.pdf"),
        ("exe\u202efdp.pdf", "exe fdp.pdf"),
        ("invoice.exe", "invoice.exe.pdf"),
        ("\ud800.pdf", "file.pdf"),
        ("😀" * 300 + ".pdf", "😀" * 116 + ".pdf"),
    ],
)
def test_a_name_is_shown_without_what_could_do_harm(sent: str, shown: str) -> None:
    assert shown_name(sent, "application/pdf") == shown


# The stores: the same promises of each.


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as is used: signed PUT, GET and DELETE of one object, in one part, and the list of all."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    away: ClassVar[bool] = False

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused():
            return
        self.objects[self.path] = body
        self._answer(200, b"", ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')

    def do_GET(self) -> None:
        if self._refused():
            return
        if self.path.startswith("/hotline?"):
            listed = "".join(
                f"<Contents><Key>{path.removeprefix('/hotline/')}</Key><LastModified>2026-11-20T01:00:00.000Z"
                "</LastModified><ETag>x</ETag><Size>1</Size></Contents>"
                for path in self.objects
            )
            answer = (
                f"<ListBucketResult><Name>hotline</Name><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
            )
            self._answer(200, answer.encode(), **{"Content-Type": "application/xml"})
        elif self.path in self.objects:
            self._answer(200, self.objects[self.path])
        else:
            error = b"<Error><Code>NoSuchKey</Code><Message>x</Message></Error>"
            self._answer(404, error, **{"Content-Type": "application/xml"})

    def do_DELETE(self) -> None:
        if self._refused():
            return
        self.objects.pop(self.path, None)
        self._answer(204, b"")

    def _refused(self) -> bool:
        signed = "AWS4-HMAC-SHA256 Credential=key/" in self.headers.get("Authorization", "")
        if self.away or not signed:
            self._answer(503 if self.away else 403, b"")
            return True
        return False

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def bucket() -> Iterator[str]:
    Bucket.objects.clear()
    Bucket.away = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "disk":
        return DiskFiles(tmp_path / "files")
    from service.core.s3_files import S3Files

    endpoint = request.getfixturevalue("bucket")
    return S3Files(endpoint, "hotline", access_key="key", secret_key="secret", region="us-east-1")


def test_a_store_gives_back_what_was_put_and_nothing_else(store: FileStore) -> None:
    kept = keep_file(store, io.BytesIO(PDF), most=LIMIT)
    again = keep_file(store, io.BytesIO(PDF), most=LIMIT)

    assert kept.sha256 == again.sha256 == hashlib.sha256(PDF).hexdigest()
    assert b"".join(store.read(kept.sha256)) == PDF
    assert [name for name, _ in store.stored()] == [kept.sha256]
    with pytest.raises(FileMissing):
        store.read("0" * 64)
    store.remove(kept.sha256)
    store.remove(kept.sha256)
    assert list(store.stored()) == []
    with pytest.raises(FileMissing):
        store.read(kept.sha256)


def test_a_bucket_that_is_away_is_said_in_a_sentence(bucket: str) -> None:
    from service.core.s3_files import S3Files

    store = S3Files(bucket, "hotline", access_key="key", secret_key="secret", region="us-east-1")
    Bucket.away = True
    with pytest.raises(FileStoreAway):
        keep_file(store, io.BytesIO(PDF), most=LIMIT)
    with pytest.raises(FileStoreAway):
        store.read("0" * 64)
    with pytest.raises(FileStoreAway):
        list(store.stored())


def test_on_disk_a_file_lies_under_its_hash_and_no_half_of_one_is_ever_there(tmp_path: Path) -> None:
    store = DiskFiles(tmp_path)
    kept = keep_file(store, io.BytesIO(PDF), most=LIMIT)
    with pytest.raises(FileStoreAway):
        store.put("ab" * 32, io.BytesIO(PDF[:100]), size=500)

    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [f"{kept.sha256[:2]}/{kept.sha256[2:4]}/{kept.sha256}"]
    for name in ("../../etc/passwd", "AB" * 32, "", "x" * 64):
        with pytest.raises(FileMissing):
            store.read(name)


def test_what_a_crash_left_half_written_is_removed_and_nothing_else(tmp_path: Path, desk: Desk) -> None:
    store = DiskFiles(tmp_path / "store")
    kept = keep_file(store, io.BytesIO(PDF), most=LIMIT)
    left = tmp_path / "store" / "unfinished" / "0123"
    left.write_bytes(b"half")
    written = desk.application.clock.now().fromtimestamp(left.stat().st_mtime, tz=desk.application.clock.now().tzinfo)

    assert store.tidy(written - timedelta(hours=1)) == 0
    assert store.tidy(written + timedelta(hours=1)) == 1
    assert b"".join(store.read(kept.sha256)) == PDF


def test_without_a_place_for_files_the_refusal_says_what_to_set() -> None:
    with pytest.raises(HotlineError) as refused:
        keep_file(NoFiles(), io.BytesIO(PDF), most=LIMIT)
    assert "HOTLINE_FILES_DIR" in refused.value.sentence("zh")


# On a ticket.


def kept(desk: Desk, content: bytes = PDF) -> Examined:
    return keep_file(desk.application.files, io.BytesIO(content), most=LIMIT)


def attach(desk: Desk, who: str, number: str, content: bytes = PDF, name: str = "合同.pdf") -> int:
    command = AttachFile(number=number, file=kept(desk, content), name=name, note="第一页")
    return desk.do(who, attach_file, command).id


def attach_as_worker(desk: Desk, number: str, name: str = "马小明身份证.pdf") -> int:
    file = kept(desk, PDF + b"worker")
    with desk.application.unit(WORKER) as unit:
        ticket = unit.session.query(Ticket).filter_by(number=number).with_for_update().one()
        attach_by_worker(unit, ticket, AttachFile(number=number, file=file, name=name, note="我的证件"))
    return int(desk.rows("select max(id) as id from attachment")[0].id)


def fetch(desk: Desk, who: str, number: str, id_: int, reason: str = "") -> str:
    return desk.do(who, fetch_file, FetchFile(number=number, id=id_, reason=reason)).name


def names(desk: Desk, who: str, number: str) -> list[str]:
    return [view.name for view in desk.do(who, attachments_of, number)]


def test_a_file_is_on_the_timeline_and_every_fetching_in_the_audit(desk: Desk) -> None:
    number = desk.in_progress()
    id_ = attach(desk, HANDLER, number)
    assert fetch(desk, LEADER, number, id_) == "合同.pdf"

    event = desk.rows("select data from ticket_event where kind = 'attachment:added'")[0].data
    assert event == {"attachment": id_, "media_type": "application/pdf", "size": len(PDF), "by_worker": False}
    audited = desk.rows("select action, actor_name from audit_event where action like '%attachment%' order by id")
    assert [tuple(row) for row in audited] == [
        ("person:attachment:add", HANDLER),
        ("person:attachment:download", LEADER),
    ]


def test_the_same_content_twice_is_one_attachment(desk: Desk) -> None:
    number = desk.in_progress()
    assert attach(desk, HANDLER, number) == attach(desk, LEADER, number, name="又一次.pdf")
    assert names(desk, HANDLER, number) == ["合同.pdf"]


def test_outside_the_scope_there_is_neither_list_nor_file(desk: Desk) -> None:
    number = desk.in_progress()
    id_ = attach(desk, HANDLER, number)
    other = "handler-630102"
    for look in (lambda: names(desk, other, number), lambda: fetch(desk, other, number, id_)):
        with pytest.raises(TicketNotFound):
            look()
    with pytest.raises(TicketNotFound):
        attach(desk, other, number)


def test_a_file_is_found_under_its_own_ticket_only(desk: Desk) -> None:
    one, other = desk.in_progress(), desk.in_progress(phone="13897005678")
    id_ = attach(desk, HANDLER, one)
    with pytest.raises(AttachmentNotFound):
        fetch(desk, HANDLER, other, id_)


def test_what_a_worker_sent_in_confidence_is_for_the_centre_with_a_reason(desk: Desk) -> None:
    number = desk.in_progress(confidentiality=Confidentiality.from_unions)
    id_ = attach_as_worker(desk, number)

    for who in (HANDLER, "agent1"):
        view = desk.do(who, attachments_of, number)[0]
        assert view.hidden
        assert "马小明" not in view.name
        assert view.note == ""
    with pytest.raises(IdentityIsHidden):
        fetch(desk, HANDLER, number, id_, "想知道是谁")
    with pytest.raises(PermissionMissing):
        fetch(desk, "dispatcher1", number, id_, "派单需要")
    with pytest.raises(ReasonToSeeMissing):
        fetch(desk, "agent1", number, id_)
    assert "马小明" not in fetch(desk, "agent1", number, id_, "核对合同主体")
    revealed = desk.rows("select note from ticket_event where kind = 'caller:revealed'")
    assert [row.note for row in revealed] == ["核对合同主体"]


def test_without_confidence_the_union_that_has_the_ticket_reads_it(desk: Desk) -> None:
    number = desk.in_progress()
    assert fetch(desk, HANDLER, number, attach_as_worker(desk, number, "工资条.pdf")) == "工资条.pdf"


def test_only_who_sent_a_file_takes_it_back_and_that_it_was_there_stays(desk: Desk) -> None:
    number = desk.in_progress()
    id_ = attach(desk, HANDLER, number)
    with pytest.raises(NotTheUploader):
        desk.do(LEADER, lambda unit, _: withdraw_file(unit, number, id=id_), None)
    desk.do(HANDLER, lambda unit, _: withdraw_file(unit, number, id=id_), None)

    assert names(desk, HANDLER, number) == []
    with pytest.raises(AttachmentNotFound):
        fetch(desk, HANDLER, number, id_)
    assert attach(desk, LEADER, number) != id_


@pytest.mark.parametrize(
    "sql",
    [
        "delete from attachment",
        "truncate attachment",
        "update attachment set name = 'x'",
        "update attachment set sha256 = sha256(sha256)",
        "update attachment set withdrawn_at = at - interval '1 hour'",
    ],
)
def test_the_database_keeps_a_file_as_it_was_sent(desk: Desk, sql: str) -> None:
    attach(desk, HANDLER, desk.in_progress())
    with pytest.raises(DBAPIError), desk.by_hand() as owner:
        owner.execute(text(sql))


def contradictions(desk: Desk) -> dict[str, tuple[str, ...]]:
    through: list[int] = []
    findings = check_files(desk.application, advance_to=through.append)
    assert through == list(range(1, count_attachments(desk.application) + 1))
    return {finding.name: finding.examples for finding in findings}


def place_of(desk: Desk, content: bytes) -> Path:
    sha256 = hashlib.sha256(content).hexdigest()
    folder = desk.application.settings.files_dir
    assert folder is not None
    return folder / sha256[:2] / sha256[2:4] / sha256


def test_a_file_that_is_gone_or_changed_is_named_with_its_ticket(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_checks, "BATCH", 2)
    number = desk.in_progress()
    contents = [PDF + str(each).encode() for each in range(5)]
    ids = [attach(desk, HANDLER, number, content) for content in contents]
    assert set(contradictions(desk).values()) == {()}
    place_of(desk, contents[1]).unlink()
    place_of(desk, contents[4]).write_bytes(PDF)

    gone, changed = contradictions(desk)["every_attachment_has_its_file"]
    assert gone.startswith(f"{number} #{ids[1]} ")
    assert "not in the store" in gone
    assert changed.startswith(f"{number} #{ids[4]} ")
    assert "not what was sent" in changed


def test_a_file_that_no_attachment_names_is_an_orphan_after_a_day(desk: Desk) -> None:
    attach(desk, HANDLER, desk.in_progress())
    left = kept(desk, PDF + b"left")
    now = desk.clock.now()
    for content, hours in ((PDF, 90), (PDF + b"left", 23)):
        os.utime(place_of(desk, content), times=((now - timedelta(hours=hours)).timestamp(),) * 2)

    assert contradictions(desk)["every_file_is_an_attachment"] == ()
    desk.wait(hours=2)
    (orphan,) = contradictions(desk)["every_file_is_an_attachment"]
    assert orphan.startswith(left.sha256)
