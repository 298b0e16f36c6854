"""The scheduler on a host whose clock is wrong: by as many seconds as the file named TEST_CLOCK_SHIFT says now."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.bootstrap import build
from service.core.logging import configure_logging
from service.core.settings import load_settings
from workers.scheduler import run_scheduler
from workers.stopping import stop_event


class ShiftedClock:
    """The machine's clock and what is added to it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        seconds = 0.0
        with suppress(OSError, ValueError):
            seconds = float(self._file.read_text())
        return datetime.now(UTC) + timedelta(seconds=seconds)


def main() -> None:
    settings = load_settings()
    configure_logging()
    run_scheduler(build(settings, clock=ShiftedClock(Path(os.environ["TEST_CLOCK_SHIFT"]))), stop_event())


if __name__ == "__main__":
    main()
