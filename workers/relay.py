"""The relay alone, without the scheduler's ticks: for a replay, whose sweeps follow a simulated clock.

Run as `python -m workers.relay`.
"""

from service.bootstrap import build
from service.core.logging import configure_logging
from service.core.settings import load_settings
from workers.publisher import Publisher
from workers.stopping import stop_event


def main() -> None:
    """The process: settings from the environment. Ends on SIGINT or SIGTERM."""
    settings = load_settings()
    settings.require_servers()
    configure_logging(as_json=settings.log_json)
    stop = stop_event()
    application = build(settings)
    try:
        Publisher(application).run(stop)
    finally:
        application.database.dispose()


if __name__ == "__main__":
    main()
