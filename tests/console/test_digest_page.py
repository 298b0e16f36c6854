"""The list behind a digest."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import Desk
from tests.notifications.test_brake import HANDLER, LEADER, deliver, inbox, stormy, swept


def digest(desk: Desk) -> int:
    """One of many escalations, in the handler's inbox."""
    stormy(desk)
    swept(desk)
    deliver(desk)
    (notice,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]
    return int(notice.tally_id)


def test_the_notice_leads_to_its_list(reader: Reader, desk: Desk) -> None:
    digest_id = digest(desk)
    forms = reader.as_(HANDLER).forms(f"{CONSOLE}/inbox")
    form = next(form for form in forms if ("open", str(digest_id)) in form.buttons)
    response = reader.send(form, open=str(digest_id))

    assert response.headers["location"] == f"{CONSOLE}/inbox/digests/{digest_id}"


def test_the_list_names_each_ticket_and_what_is_the_matter(reader: Reader, desk: Desk) -> None:
    digest_id = digest(desk)
    page = reader.as_(HANDLER).see(f"{CONSOLE}/inbox/digests/{digest_id}")

    held = "select distinct number from ticket t join escalation e on e.ticket_id = t.id join held_notice h"
    for row in desk.rows(f"{held} on h.escalation_id = e.id where h.tally_id = {digest_id}"):
        assert row.number in page
    assert "办理 · 时限已用八成" in page


def test_somebody_elses_digest_and_one_that_never_was_are_not_there(reader: Reader, desk: Desk) -> None:
    for digest_id in (digest(desk), 99_999_999_999):
        assert reader.as_(LEADER).get(f"{CONSOLE}/inbox/digests/{digest_id}").status_code == 404
