"""Files over HTTP: what a client may send, and how a file comes back."""

import re
from typing import Any

import httpx
import pytest

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

PDF = b"%PDF-1.7\n" + b"x" * 500
HANDLER = f"handler-{GOLMUD}"


@pytest.fixture
def number(desk: Desk) -> str:
    return desk.in_progress()


def send(api: Api, number: str, content: bytes, name: str = "合同.pdf", **more: Any) -> httpx.Response:
    return api.post(f"/tickets/{number}/attachments", files={"file": (name, content, "image/png")}, **more)


def test_a_file_comes_back_as_it_went_and_as_a_download_only(api: Api, number: str) -> None:
    handler = api.as_(HANDLER)
    sent = send(handler, number, PDF, data={"note": "第一页"})
    assert sent.status_code == 201
    listed = handler.get(f"/tickets/{number}/attachments").json()["items"]
    assert listed == [sent.json()]
    assert listed[0]["media_type"] == "application/pdf"
    assert listed[0]["uploaded_by"] == HANDLER

    back = handler.get(f"/tickets/{number}/attachments/{sent.json()['id']}")
    assert back.content == PDF
    assert back.headers["content-type"] == "application/pdf"
    assert back.headers["content-disposition"].startswith("attachment;")
    assert "%E5%90%88%E5%90%8C.pdf" in back.headers["content-disposition"]
    assert back.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in back.headers["content-security-policy"]
    assert back.headers["cache-control"] == "no-store"


def test_a_large_file_comes_through_whole(api: Api, number: str) -> None:
    content = PDF + bytes(range(256)) * 4096 * 8
    sent = send(api.as_(HANDLER), number, content)
    assert sent.status_code == 201
    assert api.as_(HANDLER).get(f"/tickets/{number}/attachments/{sent.json()['id']}").content == content


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"MZ\x90\x00" + bytes(500), "工资条.pdf", 422, "file_kind_refused"),
        (b"<html><script>alert(1)</script>", "工资条.pdf", 201, None),
        (b"", "工资条.pdf", 422, "file_empty"),
        (b"%PDF-" + bytes(20 * 1024 * 1024), "工资条.pdf", 422, "file_too_large"),
        (b"%PDF-" + bytes(22 * 1024 * 1024), "工资条.pdf", 413, "file_too_large"),
        (PDF, "../../../etc/passwd", 201, None),
        (PDF, "😀" * 300 + ".pdf", 201, None),
        (PDF, "a\u202eb.pdf", 201, None),
    ],
)
def test_rubbish_is_refused_in_a_sentence_and_the_rest_is_harmless(
    api: Api, number: str, content: bytes, name: str, status: int, code: str | None
) -> None:
    answer = send(api.as_(HANDLER), number, content, name)
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert answer.json()["detail_zh"]
        return
    shown = answer.json()["name"]
    assert not re.search(r"[/\\\u202e]", shown)
    assert len(shown) <= 120
    back = api.as_(HANDLER).get(f"/tickets/{number}/attachments/{answer.json()['id']}")
    assert back.content == content
    assert not back.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"file": "x"}},
        {"data": {"file": "x"}},
        {"files": {"other": ("a.pdf", PDF)}},
        {"files": {"file": ("a.pdf", PDF)}, "data": {"note": "x" * 2001}},
        {"files": {"file": ("a.pdf", PDF)}, "data": {"note": "a\x00b"}},
        {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
def test_a_form_that_is_none_is_refused(api: Api, number: str, body: dict[str, Any]) -> None:
    answer = api.as_(HANDLER).post(f"/tickets/{number}/attachments", **body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"]
    assert api.as_(HANDLER).get(f"/tickets/{number}/attachments").json() == {"items": []}


def test_nothing_is_stored_for_somebody_outside_the_scope(api: Api, desk: Desk, number: str) -> None:
    refused = send(api.as_("handler-630102"), number, PDF)
    assert refused.status_code == 404
    folder = desk.application.settings.files_dir
    assert folder is not None
    assert not folder.exists()


def test_a_body_elsewhere_is_as_small_as_before(api: Api, number: str) -> None:
    note = api.as_(HANDLER).step(number, "note", note="x" * 2_000_000)
    assert note.status_code == 413
    assert note.json()["code"] == "body_too_large"


def test_taking_a_file_back(api: Api, number: str) -> None:
    handler = api.as_(HANDLER)
    id_ = send(handler, number, PDF).json()["id"]
    assert api.as_(f"leader-{GOLMUD}").request("DELETE", f"/tickets/{number}/attachments/{id_}").status_code == 403
    assert handler.request("DELETE", f"/tickets/{number}/attachments/{id_}").status_code == 204
    assert handler.get(f"/tickets/{number}/attachments/{id_}").status_code == 404
