"""What can no longer be reopened is taken up by a new linked ticket, from the closed one's page."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import Desk


def test_the_page_of_a_ticket_past_reopening_offers_a_new_linked_one(reader: Reader, desk: Desk) -> None:
    number = desk.closed()
    address = f"{CONSOLE}/tickets/new?follows={number}"
    assert address not in reader.as_("agent1").see(f"{CONSOLE}/tickets/{number}")
    desk.wait(days=31)
    reader.as_("agent1")
    assert address in reader.see(f"{CONSOLE}/tickets/{number}")
    form = reader.see(address)
    assert f'name="follows" value="{number}" checked' in form


def test_a_link_is_made_and_shown_on_the_ticket(reader: Reader, desk: Desk) -> None:
    one, other = desk.in_progress(), desk.in_progress()
    reader.as_("agent1")
    assert reader.step(one, "link", other=other, kind="duplicate").status_code == 303
    page = reader.see(f"{CONSOLE}/tickets/{other}")
    assert one in page
    assert "同一事项" in page
