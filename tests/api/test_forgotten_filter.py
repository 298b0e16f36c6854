"""The code forgets its scope filter everywhere at once, and still nobody reads what is not theirs."""

import sys

import pytest
from sqlalchemy import true

from tests.api.clients import Api
from tests.api.test_auth import example_query, operations
from tests.desk import GOLMUD, Desk

SIBLING = "632802"
TITLE = "看不见的工单"


@pytest.fixture
def without_the_filter(monkeypatch: pytest.MonkeyPatch) -> int:
    """Every place where the code narrows by scope lets everything through. Returns how many places that are."""
    everywhere = {"visible": true, "held_in": true, "in_subtree": true, "within": lambda: True}
    places = 0
    for module in [module for name, module in sys.modules.items() if name.startswith("service.")]:
        for name, everything in everywhere.items():
            if callable(getattr(module, name, None)):
                monkeypatch.setattr(module, name, lambda *_, everything=everything: everything())
                places += 1
    return places


def test_without_the_codes_filter_the_database_shows_a_sibling_nothing(
    api: Api, desk: Desk, without_the_filter: int
) -> None:
    assert without_the_filter > 20
    number = desk.to_callback(title=TITLE)
    asked = 0
    for who, sees in ((f"handler-{GOLMUD}", True), (f"handler-{SIBLING}", False), (f"leader-{SIBLING}", False)):
        person, seen = api.as_(who), set()
        for method, path, operation in operations(api, number=number):
            if method != "GET" or operation["operationId"] in {"events", "me"}:
                continue
            answer = person.get(path + example_query(operation))
            asked += 1
            text = answer.text.replace(path, "")
            if TITLE in text or (number in text and answer.status_code == 200):
                seen.add(operation["operationId"])
        assert ({"ticket_get", "ticket_list", "ticket_timeline", "queue"} <= seen) if sees else not seen, (who, seen)
    assert asked > 60


def test_without_it_a_sibling_takes_no_step_either(api: Api, desk: Desk, without_the_filter: int) -> None:
    assert without_the_filter
    number = desk.in_progress(title=TITLE)
    version = desk.ticket(number).row_version

    for path, body in (("reveal", {"reason": "试一试"}), ("note", {"note": "试一试"}), ("sign", {})):
        refused = api.as_(f"handler-{SIBLING}").post(f"/tickets/{number}/{path}", json=body)
        assert refused.status_code == 404, (path, refused.text)
    assert desk.ticket(number).row_version == version
