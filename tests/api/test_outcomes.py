"""The ledger of outcomes over the API."""

from service.tickets.closing import ReviewReply, approve_reply
from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


def test_the_ledger_over_the_api(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    desk.reply(number)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))
    address = "/reports/outcomes?from=2026-11-01&to=2026-12-01"
    found = api.as_("supervisor1").get(address).json()

    assert [row["number"] for row in found["rows"]] == [number]
    assert found["total"]["recovered"] == "356000.00"
    assert number in api.as_("supervisor1").get(f"{address}&format=csv").text
    assert api.as_(f"handler-{GOLMUD}").get(address).status_code == 403
