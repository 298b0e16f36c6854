"""What a worker runs. One job: deliver the message with this id."""

from contextlib import suppress

from service.bootstrap import Application, build
from service.core.logging import log
from service.core.settings import load_settings

_APPLICATION: list[Application] = []


def use(application: Application) -> None:
    """Let this process's jobs run with these parts. Without it they are built from the environment."""
    _APPLICATION[:] = [application]


def application() -> Application:
    """The parts of this process, built at the first job and kept."""
    if not _APPLICATION:
        use(build(load_settings()))
    return _APPLICATION[0]


def deliver(message_id: int) -> None:
    """Deliver one outbox message. What becomes of it is in its row, so nothing is returned and nothing raised.

    Where not even the row can be written (PostgreSQL is away), the lease brings the message back. An exception
    would go to Redis with its text, and a text may quote a caller's data.
    """
    try:
        application().courier.deliver(message_id)
    except Exception as error:
        log.error("delivery_not_recorded", message_id=message_id, error=type(error).__name__)


def close() -> None:
    """Close this process's connections."""
    for parts in _APPLICATION:
        with suppress(Exception):
            parts.database.dispose()
    _APPLICATION.clear()
