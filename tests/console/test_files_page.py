"""Files on a ticket's page."""

import httpx

from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

PDF = b"%PDF-1.7\n" + b"x" * 500
HANDLER = f"handler-{GOLMUD}"


def send(reader: Reader, number: str, content: bytes, name: str = "合同.pdf") -> httpx.Response:
    form = next(form for form in reader.forms(f"{CONSOLE}/tickets/{number}") if "file" in form.names)
    data = {name: value for name, value in form.fields.items() if name != "file"}
    return reader.client.post(form.action, data=data, files={"file": (name, content)})


def test_a_file_is_sent_seen_fetched_and_taken_back(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    handler = reader.as_(HANDLER)
    assert send(handler, number, PDF).status_code == 303

    page = f"{CONSOLE}/tickets/{number}"
    assert "合同.pdf" in handler.see(page)
    fetch, withdraw = [form for form in handler.forms(page) if "/attachments/" in form.action]
    file = handler.send(fetch)
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in file.headers["content-security-policy"]
    assert handler.send(withdraw).status_code == 303
    assert "合同.pdf" not in handler.see(page)


def test_a_refused_file_gets_a_sentence_on_a_page(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    handler = reader.as_(HANDLER)
    for content, status, sentence in (
        (b"MZ\x90\x00" + bytes(500), 422, "不能收取这种文件"),
        (b"", 422, "空"),
        (bytes(22 * 1024 * 1024), 413, "文件太大"),
    ):
        refused = send(handler, number, content)
        assert refused.status_code == status
        assert sentence in seen(refused)
        assert refused.headers["content-type"].startswith("text/html")


def test_a_form_from_another_site_is_refused(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    path = f"{CONSOLE}/tickets/{number}/attachments"
    assert reader.as_(HANDLER).client.post(path, files={"file": ("a.pdf", PDF)}).status_code == 403
