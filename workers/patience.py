"""Going on while something this process stands on is away: wait a little longer each time, speak once."""

import threading

from service.core.logging import log

_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 2.0


class Patience:
    """Counts failures in a row of one thing, named in the log."""

    def __init__(self, what: str, stop: threading.Event) -> None:
        self._what = what
        self._stop = stop
        self.failures = 0

    def failed(self, error: Exception) -> None:
        """Note a failure; the first in a row is logged, by its type alone (a text may quote data)."""
        self.failures += 1
        if self.failures == 1:
            log.warning(f"{self._what}_interrupted", error=type(error).__name__)

    def wait(self) -> None:
        """Pause before the next try: 0.25 s, doubling up to 2 s; ends at once when the process is to stop."""
        self._stop.wait(min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(self.failures - 1, 10)))

    def succeeded(self) -> None:
        """Note that it works; the first time after a failure is logged."""
        if self.failures:
            log.warning(f"{self._what}_resumed", failures=self.failures)
            self.failures = 0
