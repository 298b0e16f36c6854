"""Notices."""

from service.identity.people import actor_of_username
from service.notifications.models import Notice
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
INBOX = f"{CONSOLE}/inbox"


def tell(desk: Desk, who: str, *, number: str = "", count: int = 1) -> None:
    with desk.application.unit() as unit:
        person = actor_of_username(unit, who).id
        assert person is not None
        unit.session.add_all(
            Notice(
                person_id=person,
                key=f"{who}:{each}",
                ticket_number=number,
                urgent=each == 0,
                text_zh=f"第 {each} 条消息",
                text_en=f"notice {each}",
                created_at=unit.now,
            )
            for each in range(count)
        )


def unread(desk: Desk) -> int:
    return len(desk.rows("select 1 from notice where read_at is null"))


def test_the_head_of_every_page_counts_what_is_unread(reader: Reader, desk: Desk) -> None:
    tell(desk, HANDLER, count=3)

    assert "3 条未读" in reader.as_(HANDLER).see(f"{CONSOLE}/")
    assert "条未读" not in seen(reader.as_("agent1").get(f"{CONSOLE}/"))


def test_a_notice_is_read_and_leads_to_its_ticket(reader: Reader, desk: Desk) -> None:
    number = desk.dispatched()
    tell(desk, HANDLER, number=number)
    form = next(form for form in reader.as_(HANDLER).forms(INBOX) if "notice" in form.names)
    response = reader.send(form, open=number)

    assert response.headers["location"] == f"{CONSOLE}/tickets/{number}"
    assert unread(desk) == 0


def test_all_of_a_page_at_once(reader: Reader, desk: Desk) -> None:
    tell(desk, HANDLER, count=3)
    form = next(form for form in reader.as_(HANDLER).forms(INBOX) if len(form.fields.get("notice", [])) == 3)

    assert reader.send(form).status_code == 303
    assert unread(desk) == 0
    assert "标为已读" not in reader.see(INBOX)


def test_somebody_elses_notice_is_not_there(reader: Reader, desk: Desk) -> None:
    tell(desk, HANDLER)
    tell(desk, "agent1")
    theirs = desk.rows("select n.id from notice n join person p on p.id = n.person_id where username = 'agent1'")[0].id
    form = next(form for form in reader.as_(HANDLER).forms(INBOX) if "notice" in form.names)
    for each in (str(theirs), "x", "99999999999"):
        form.fields["notice"] = [each]
        assert reader.send(form).status_code == 404
    assert unread(desk) == 2


def test_a_long_inbox_goes_on(reader: Reader, desk: Desk) -> None:
    tell(desk, HANDLER, count=31)
    first = reader.as_(HANDLER).get(INBOX).text
    following = first.split('rel="next" href="')[1].split('"')[0]

    assert "第 0 条消息" not in first
    assert "第 0 条消息" in reader.see(following.replace("&amp;", "&"))


def test_no_notices_is_a_sentence(reader: Reader) -> None:
    assert "没有消息。" in reader.as_("agent1").see(INBOX)
