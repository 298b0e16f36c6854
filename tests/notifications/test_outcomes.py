"""What becomes of a message that a gateway puts off, or will never take."""

from datetime import timedelta

from service.bootstrap import Application, build
from service.notifications.gateways import Letter, MemoryGateway
from service.outbox.delivery import Outcome
from service.outbox.handlers import NotNow, Refused
from tests.desk import Desk


class Moody(MemoryGateway):
    """A gateway in the mood it was given."""

    mood: Exception | None = None

    def send(self, letter: Letter, *, key: str) -> None:
        if self.mood is not None:
            raise self.mood
        super().send(letter, key=key)


def waiting(desk: Desk) -> tuple[Application, Moody, int]:
    desk.accepted()
    gateway = Moody()
    (row,) = desk.rows("select id from outbox_message where kind = 'worker_sms'")
    return build(desk.application.settings, clock=desk.clock, gateway=gateway), gateway, row.id


def test_what_is_put_off_comes_again_with_all_its_attempts(desk: Desk) -> None:
    application, gateway, message = waiting(desk)
    gateway.mood = NotNow(timedelta(minutes=5))
    assert [application.courier.deliver(message) for _ in range(20)] == [Outcome.put_off] * 20
    (row,) = desk.rows(
        "select attempts, buried_at, available_at > now() + interval '4 minutes' as later"
        " from outbox_message where id = :id",
        id=message,
    )
    assert (row.attempts, row.buried_at, row.later) == (0, None, True)

    gateway.mood = None
    assert application.courier.deliver(message) is Outcome.done
    assert len(gateway.letters) == 1
    application.database.dispose()


def test_what_will_never_be_taken_waits_for_somebody_to_look_at_once(desk: Desk) -> None:
    application, gateway, message = waiting(desk)
    gateway.mood = Refused("no such number: 13897001234")
    assert application.courier.deliver(message) is Outcome.buried
    (row,) = desk.rows("select attempts, buried_at, last_error from outbox_message where id = :id", id=message)
    assert row.buried_at is not None
    assert (row.attempts, row.last_error) == (1, "Refused"), "an error's text may quote a number"
    application.database.dispose()
