"""Files that are not what they say, or grow when they are opened."""

import io
import struct
import zipfile
import zlib

import pytest

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


@pytest.fixture
def at_a_ticket(shared_api: Api, shared_desk: Desk) -> tuple[Api, str]:
    return shared_api.as_(f"handler-{GOLMUD}"), f"/tickets/{shared_desk.in_progress()}/attachments"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "C:\\autoexec.bat",
        "a\x00.txt",
        "a\r\nSet-Cookie: x=y.txt",
        'a";filename="b.html',
        ".",
        "..",
        "con.txt",
        "\u202etxt.exe",
        "a" * 500 + ".txt",
        "",
    ],
)
def test_a_name_is_a_label_and_never_a_place(at_a_ticket: tuple[Api, str], shared_desk: Desk, name: str) -> None:
    api, path = at_a_ticket
    folder = shared_desk.application.settings.files_dir
    assert folder is not None

    taken = api.post(path, files={"file": (name, f"工资条 {name!r}".encode())})

    assert taken.status_code in {201, 422}, taken.text
    assert all(len(each.name) == 64 for each in folder.rglob("*") if each.is_file())
    if taken.status_code == 201:
        shown = taken.json()["name"]
        assert not set(shown) & set("/\\\r\n\x00\u202e")
        fetched = api.get(f"{path}/{taken.json()['id']}")
        assert fetched.headers["content-disposition"].startswith("attachment")
        assert "x" not in fetched.cookies
        assert fetched.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("照片.jpg", b"MZ\x90\x00" + b"\x00" * 60 + b"This program cannot be run in DOS mode"),
        ("工资.pdf", b"\x7fELF\x02\x01\x01" + b"\x00" * 60),
        ("表.txt", b"PK\x03\x04" + b"\x00" * 60),
        ("图.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>\x00"),
        ("记录.txt", b"#!/bin/sh\nrm -rf /\x00"),
    ],
)
def test_a_program_with_the_name_of_a_picture_is_refused(
    at_a_ticket: tuple[Api, str], name: str, content: bytes
) -> None:
    api, path = at_a_ticket

    assert api.post(path, files={"file": (name, content)}).status_code == 422


def test_what_is_text_is_sent_as_text_whatever_it_says(at_a_ticket: tuple[Api, str]) -> None:
    api, path = at_a_ticket
    page = b"<html><script>alert(document.cookie)</script></html>"

    taken = api.post(path, files={"file": ("x.html", page, "text/html")}).json()
    fetched = api.get(f"{path}/{taken['id']}")

    assert fetched.headers["content-type"].startswith("text/plain")
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in fetched.headers["content-security-policy"]


def test_a_bomb_is_kept_as_it_is_and_opened_by_nobody_here(at_a_ticket: tuple[Api, str]) -> None:
    """Ten megabytes of nothing in ten kilobytes: its size is that of what was sent."""
    api, path = at_a_ticket
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("xl/workbook.xml", b"0" * 10_000_000)
    picture = _png(30_000, 30_000)

    for name, content in (("bomb.xlsx", book.getvalue()), ("bomb.png", picture)):
        answer = api.post(path, files={"file": (name, content)})
        assert answer.status_code in {201, 422}
        if answer.status_code == 201:
            assert answer.json()["size"] == len(content)


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 4_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
