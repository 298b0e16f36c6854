"""The knowledge base on the screen."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
KNOWLEDGE = f"{CONSOLE}/knowledge"
FILLED = {"category_code": "0101", "title": "欠薪怎么办", "body": "可以申请仲裁。", "source": "条例第三十条"}


def write(reader: Reader, **changes: str) -> str:
    sent = reader.send(reader.as_("lawyer1").forms(f"{KNOWLEDGE}/new")[-1], **FILLED | changes)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def test_an_article_is_written_found_and_used_in_a_ticket(reader: Reader, desk: Desk) -> None:
    page = write(reader)
    number = desk.in_progress()
    reader.as_(HANDLER)
    assert "欠薪怎么办" in reader.see(f"{KNOWLEDGE}?q=仲裁")
    assert "没有找到文章" in reader.see(f"{KNOWLEDGE}?q=工伤")

    used = reader.send(reader.forms(page)[-1], number=number, act="use")
    assert (used.status_code, used.headers["location"]) == (303, f"{CONSOLE}/tickets/{number}")
    assert "引用 1 次" in reader.see(page)
    assert "引用知识" in reader.see(f"{CONSOLE}/tickets/{number}")
    assert reader.send(reader.forms(page)[-1], number="QH1", act="use").status_code == 404


def test_a_writer_revises_and_withdraws(reader: Reader) -> None:
    page = write(reader)
    use, revise, withdraw = reader.forms(page)[-3:]
    assert "number" in use.names
    assert reader.send(revise, title="欠薪维权", act="revise").status_code == 303
    assert "欠薪维权" in reader.see(page)
    assert reader.send(revise, title="", act="revise").status_code == 422
    assert reader.send(withdraw, act="withdraw").status_code == 303
    assert "已撤回" in reader.see(page)


def test_a_form_that_misses_something_comes_back_with_what_was_typed(reader: Reader) -> None:
    form = reader.as_("lawyer1").forms(f"{KNOWLEDGE}/new")[-1]
    refused = reader.send(form, **FILLED | {"source": ""})

    assert refused.status_code == 422
    assert "欠薪怎么办" in refused.text


def test_who_does_not_write_gets_no_form(reader: Reader) -> None:
    page = write(reader)
    reader.as_(HANDLER)

    assert reader.get(f"{KNOWLEDGE}/new").status_code == 403
    assert all("title" not in form.names for form in reader.forms(page))
