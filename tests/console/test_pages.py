"""What all pages share: headers, languages, errors, and templates that keep to the rules."""

import re
from pathlib import Path
from string import Formatter

import pytest

import service.console
from service.bootstrap import Application
from service.console import queue
from service.console.texts import ROOMS, TEXTS
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

ROOM = Path(service.console.__file__).parent
# A file of ours, run after the page is there; never a line of script in a page.
OUR_SCRIPT = r"""<script src="\{\{ static\('[a-z]+\.js'\) \}\}" defer(?: data-[a-z]+="[^"<>]*")*></script>"""
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))
CODE = [path.read_text() for path in [*TEMPLATES, *ROOM.glob("*.py")]]


@pytest.mark.parametrize("path", ["/console/login", "/console/no", "/console/static/pages.css", "/w/track", "/w/no"])
def test_every_response_forbids_what_is_not_ours(visitor: Reader, path: str) -> None:
    headers = visitor.get(path).headers

    assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-request-id"]


def test_no_template_needs_what_the_policy_forbids() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        text = re.sub(OUR_SCRIPT, "", text)
        assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=\"|javascript:|https?://", text), path.name
        assert "|safe" not in text, path.name


def test_the_style_sheet_is_kept_for_a_year_under_an_address_of_its_content(visitor: Reader) -> None:
    page = visitor.get("/console/login").text
    address = re.search(r'href="(/console/static/pages\.css\?v=\w+)"', page)
    assert address
    sheet = visitor.get(address[1])

    assert "immutable" in sheet.headers["cache-control"]
    assert len(sheet.content) < 24_000
    assert "@import" not in sheet.text
    assert "url(" not in sheet.text


def test_pages_themselves_are_kept_nowhere(visitor: Reader, shared_desk: Desk) -> None:
    assert visitor.as_("agent1").get(f"{CONSOLE}/").headers["cache-control"] == "no-store"


def test_every_text_a_page_asks_for_is_there_in_both_languages() -> None:
    code = "\n".join(CODE)
    asked = set(re.findall(r"""\bt\(\s*['"]([a-z_.]+[a-z])['"]""", code))
    asked |= set(
        re.findall(
            r'"((?:field|hint|choice|question|rate|advice|rules|find|audit|retention)\.(?!html)[a-z_0-9]+)"', code
        )
    )
    asked |= {f"find.in_{part}" for part in ("body", "answer", "reply", "note", "employer")}
    asked |= {f"advice.{status}" for status in (403, 404, 405, 409, 413, 429, 503)}

    assert asked - TEXTS.keys() == set()
    assert TEXTS.keys() - asked == set(), "texts that no page says"


def test_a_text_stands_in_one_room() -> None:
    assert sum(len(room.PAIRS) for room in ROOMS) == len(TEXTS)


def test_both_languages_of_a_text_hold_the_same_facts() -> None:
    for key, text in TEXTS.items():
        places = [{name for _, name, *_ in Formatter().parse(words) if name} for words in (text.zh, text.en)]
        assert places[0] == places[1], key
        assert text.zh.strip(), key
        assert text.en.strip(), key
        assert not re.search(r"[\u4e00-\u9fff]", text.en), key


def test_every_field_has_a_label(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.in_progress()
    for who, path in (("agent1", "/tickets/new"), (f"handler-{GOLMUD}", f"/tickets/{number}"), ("supervisor1", "/")):
        page = visitor.as_(who).get(CONSOLE + path).text
        labelled = set(re.findall(r'<label for="([^"]+)"', page))
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
            if 'type="hidden"' in tag or 'type="radio"' in tag or 'type="checkbox"' in tag:
                continue
            found = re.search(r'\bid="([^"]+)"', tag)
            assert found, tag
            assert found[1] in labelled, tag
        identifiers = re.findall(r'\bid="([^"]+)"', page)
        assert len(identifiers) == len(set(identifiers))


def test_english_by_a_switch_that_is_remembered(reader: Reader, desk: Desk) -> None:
    desk.in_progress()
    reader.as_(f"handler-{GOLMUD}")
    assert '<html lang="zh-CN">' in reader.get(f"{CONSOLE}/").text
    switched = reader.get(f"{CONSOLE}/?lang=en")
    assert '<html lang="en">' in switched.text
    assert "HttpOnly" in switched.headers["set-cookie"]

    later = seen(reader.get(f"{CONSOLE}/"))
    assert "in progress" in later
    assert "5 working days left" in later
    assert "Fri 27 Nov 24:00" in later
    assert "Where does my matter stand?" in seen(reader.get("/w/track"))
    assert "待办工单" in seen(reader.get(f"{CONSOLE}/?lang=zh"))
    assert '<html lang="zh-CN">' in reader.get(f"{CONSOLE}/?lang=fr").text


@pytest.mark.parametrize("path", ["/console/no/such/page", "/w/nothing", "/console/static/none.css"])
def test_an_unknown_address_is_a_page(visitor: Reader, path: str) -> None:
    response = visitor.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "没有这个地址" in seen(response)
    assert "There is nothing at this address" in seen(response)


def test_the_short_addresses_lead_to_the_pages(visitor: Reader) -> None:
    assert visitor.get("/").headers["location"] == "/console/"
    assert visitor.get("/console").headers["location"] == "/console/"
    assert visitor.get("/w").headers["location"] == "/w/track"


def test_a_method_or_a_body_that_no_page_takes_is_refused(visitor: Reader, shared_desk: Desk) -> None:
    assert visitor.as_("agent1").client.post(f"{CONSOLE}/", data={}).status_code == 405
    assert visitor.client.put(f"{CONSOLE}/inbox").status_code == 405
    assert visitor.client.post(f"{CONSOLE}/inbox", json={}).status_code == 415
    assert visitor.client.post("/w/track", files={"number": b"x"}).status_code == 415


def test_what_nobody_expected_is_a_sentence_and_no_traceback(
    visitor: Reader, monkeypatch: pytest.MonkeyPatch, shared_desk: Desk
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail 13897001234")

    monkeypatch.setattr(queue, "queue_page", broken)
    response = visitor.as_("agent1").get(f"{CONSOLE}/")

    assert response.status_code == 500
    assert "系统内部错误" in seen(response)
    assert response.headers["x-request-id"] in response.text
    for detail in ("RuntimeError", "Traceback", "secret detail"):
        assert detail not in response.text


def test_a_database_that_is_away_is_a_sentence(
    visitor: Reader, monkeypatch: pytest.MonkeyPatch, application: Application, shared_desk: Desk
) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("select 1", {"phone": "13897001234"}, Exception("connection refused"))

    monkeypatch.setattr(queue, "queue_page", away)
    response = visitor.as_("agent1").get(f"{CONSOLE}/")

    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "数据库暂不可用" in seen(response)


def test_a_commit_that_fails_is_not_told_as_done(
    visitor: Reader, monkeypatch: pytest.MonkeyPatch, shared_desk: Desk
) -> None:
    from sqlalchemy import event, text
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.orm import Session

    number = shared_desk.dispatched()
    form = visitor.as_(f"handler-{GOLMUD}").step_form(number, "sign")

    def fail(session: Session) -> None:
        # A page that only reads ends its transaction with a commit too.
        if session.scalar(text("show transaction_read_only")) == "off":
            raise OperationalError("COMMIT", None, Exception("server closed the connection"))

    event.listen(Session, "before_commit", fail)
    try:
        response = visitor.send(form)
    finally:
        event.remove(Session, "before_commit", fail)

    assert response.status_code == 503
    assert "没有完成" in seen(response)
    assert shared_desk.ticket(number).state == "to_sign"
