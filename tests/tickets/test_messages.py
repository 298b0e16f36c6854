"""What a worker reads on the phone: the last day that is still in time, and nothing of the case."""

from service.tickets.handling import AskExtension, ask_extension, grant_extension
from service.tickets.messages import WORKER_SMS
from service.tickets.requests import DecideRequest
from tests.desk import GOLMUD, Desk, at


def letter(desk: Desk, number: str, occasion: str) -> object:
    """The letter of an occasion, as the gateway is handed it."""
    (row,) = desk.rows("select id, key from outbox_message where key like :k", k=f"{WORKER_SMS}:{number}:{occasion}%")
    desk.application.courier.deliver(row.id)
    return desk.application.gateway.letters[row.key]  # type: ignore[attr-defined]


def test_an_extension_is_told_by_its_last_day_and_not_by_the_first_that_is_too_late(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(f"handler-{GOLMUD}", ask_extension, AskExtension(number=number, days=3, reason="须调解"))
    desk.do("supervisor1", grant_extension, DecideRequest(number=number))
    assert desk.ticket(number).due_at == at("2026-12-03 00:00")
    told = letter(desk, number, "extended")
    assert "办理期限延至12-02。" in told.text  # type: ignore[attr-defined]
    assert told.values == {"number": number, "due": "12-02"}  # type: ignore[attr-defined]


def test_a_gateway_is_given_what_the_text_speaks_of_and_nothing_else(desk: Desk) -> None:
    number = desk.dispatched()
    assert letter(desk, number, "dispatched").values == {"number": number}  # type: ignore[attr-defined]
    assert set(letter(desk, number, "accepted").values) == {"number", "code"}  # type: ignore[attr-defined]
