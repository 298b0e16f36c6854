"""What a worker reads on the phone: the last day that is still in time, and nothing of the case."""

from sqlalchemy import text

from service.core.clock import local
from service.outbox.delivery import Outcome
from service.tickets.handling import AskExtension, ask_extension, grant_extension
from service.tickets.messages import WORKER_SMS, text_worker
from service.tickets.models import Ticket
from service.tickets.requests import DecideRequest
from service.tickets.worker_codes import WORKER_CODE, ask_for_code
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


def goes_at(desk: Desk, number: str, occasion: str) -> str:
    """The local time from which an SMS may go."""
    (row,) = desk.rows(
        "select available_at from outbox_message where key like :key", key=f"{WORKER_SMS}:{number}:{occasion}%"
    )
    return f"{local(row.available_at):%m-%d %H:%M}"


def test_nobody_is_texted_at_night_that_their_case_went_on(desk: Desk) -> None:
    desk.go_to("2026-11-21 02:00")
    number = desk.to_callback()

    assert goes_at(desk, number, "dispatched") == "11-21 07:00"
    assert goes_at(desk, desk.accepted(), "accepted") == "11-21 02:00"


def test_the_code_that_somebody_waits_for_goes_before_all_other_texts(desk: Desk) -> None:
    desk.in_progress()
    with desk.application.unit() as unit:
        ask_for_code(unit, "13897001234")
    rows = desk.rows("select kind, payload ->> 'template' as template, queue from outbox_message where queue ~ '^sms-'")

    assert {(row.kind, row.template, row.queue) for row in rows} == {
        (WORKER_SMS, "accepted", "sms-urgent"),
        (WORKER_SMS, "dispatched", "sms-default"),
        (WORKER_CODE, None, "sms-urgent"),
    }


def test_by_day_and_in_an_urgent_matter_a_worker_hears_at_once(desk: Desk) -> None:
    assert goes_at(desk, desk.dispatched(), "dispatched") == "11-20 09:00"
    desk.go_to("2026-11-21 02:00")
    assert goes_at(desk, desk.dispatched(urgent=True), "dispatched") == "11-21 02:00"


def test_what_left_once_does_not_leave_again_after_the_outbox_has_forgotten_it(desk: Desk) -> None:
    number = desk.dispatched()
    letter(desk, number, "accepted")
    gateway = desk.application.gateway
    sent = dict(gateway.letters)  # type: ignore[attr-defined]
    with desk.application.unit() as unit:
        unit.session.execute(text("delete from outbox_message"))
        text_worker(unit, unit.session.query(Ticket).filter_by(number=number).one(), "accepted", occasion="accepted")
    (row,) = desk.rows("select id from outbox_message")
    outcome = desk.application.courier.deliver(row.id)

    assert outcome == Outcome.done
    assert (gateway.letters, gateway.copies) == (sent, 0)  # type: ignore[attr-defined]
