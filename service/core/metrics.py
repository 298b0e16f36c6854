"""Prometheus metrics of one process: the API's at /metrics, a worker's and a scheduler's at HOTLINE_METRICS_PORT."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.core.logging import log
from service.core.settings import Settings


class Measured(Collector):
    """A gauge that says nothing until this process has measured it: zero would be an answer, and an old value too."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = ()) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._values: dict[tuple[str, ...], float] = {}
        REGISTRY.register(self)

    def set(self, value: float, *labels: str) -> None:
        """What was measured, under these labels."""
        self._values[labels] = value

    def replace(self, values: dict[str, float]) -> None:
        """What was measured under each value of the one label; what is not among them is gone."""
        self._values = {(label,): value for label, value in values.items()}

    def forget(self) -> None:
        """Nobody knows any more."""
        self._values = {}

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The name, for the registry."""
        return [GaugeMetricFamily(self._name, self._documentation, labels=self._labels)]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What is known now."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, value in sorted(self._values.items()):
            family.add_metric(labels, value)
        return [family]


HTTP_SECONDS = Histogram("hotline_http_seconds", "Time to answer a request", ["method", "route", "status"])
LOGINS = Counter(
    "hotline_logins_total", "Tries to log in by what became of them; whose they were is not said", ["outcome"]
)
LISTENERS = Gauge("hotline_listeners", "Open pages that hear of notices at once")
ESCALATIONS = Counter("hotline_escalations_total", "Rungs written to the ledger", ["clock", "rung"])
NOTICES_HELD = Counter("hotline_notices_held_total", "Notices of rungs that the storm brake put into a digest")
WARNINGS = Counter("hotline_warnings_total", "Causes that went to the province at once", ["cause"])
ARCHIVED = Counter("hotline_archived_total", "Ended tickets put into the archive")
MESSAGES = Counter("hotline_messages_total", "Messages handled", ["kind", "outcome"])
DELIVERY_SECONDS = Histogram("hotline_delivery_seconds", "Time to handle a message", ["kind"])
SWEEP_SECONDS = Histogram(
    "hotline_sweep_seconds",
    "Time of a sweep, all batches",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
GATEWAY_RESTING = Gauge(
    "hotline_gateway_resting", "1 while nothing is sent because a gateway keeps failing", ["gateway"]
)
SEALED_UNREADABLE = Counter("hotline_sealed_unreadable_total", "Sealed values that did not open when needed", ["place"])
INVARIANT_BROKEN = Gauge("hotline_invariant_broken", "1 while the last look found a contradiction", ["invariant"])

# Measured by whoever looks at the servers: the API at each scrape, a scheduler at each tick.
DATABASE_UP = Measured("hotline_database_up", "1 while PostgreSQL answers")
REDIS_UP = Measured("hotline_redis_up", "1 while Redis answers")
SWEEP_LAG = Measured("hotline_sweep_lag_seconds", "Age of the oldest clock that is due and not yet fired")
LEADERS = Measured("hotline_leaders", "Schedulers that hold the lead: one, or none")
LEADER_SILENT = Measured("hotline_leader_silent_seconds", "Time since the leading scheduler last said that it leads")
OUTBOX_AGE = Measured("hotline_outbox_age_seconds", "Age of the oldest message not yet delivered")
OUTBOX_WAITING = Measured("hotline_outbox_waiting", "Messages not delivered whose time has come", ["queue"])
OUTBOX_FAILING = Measured("hotline_outbox_failing", "Of those waiting, tried in vain at least once", ["queue"])
OUTBOX_BURIED = Measured("hotline_outbox_buried", "Messages given up; each waits for somebody to look")
QUEUE_LENGTH = Measured("hotline_queue_length", "Ids in Redis that no worker has taken yet", ["queue"])
CALENDAR_COVERED_DAYS = Measured(
    "hotline_calendar_covered_days", "Days after today that the published calendar covers; negative when it ended"
)
CALENDAR_ALARM = Measured("hotline_calendar_alarm", "1 while next year's calendar is missing from 1 November on")
FILES_FREE = Measured("hotline_files_free_ratio", "Share of the disk of the attachments that is free, 0 to 1")

# Measured by a scheduler alone.
LEADS = Measured("hotline_leads", "1 while this scheduler leads")
LAST_SWEEP = Measured("hotline_last_sweep_timestamp_seconds", "When this scheduler last ended a sweep")
TO_ARCHIVE = Measured("hotline_to_archive", "Ended tickets that are due for the archive and not in it yet")
FILES_WAITING = Measured("hotline_files_waiting", "Contents without a verdict of the antivirus, sent to nobody")

POOL_IN_USE = Gauge("hotline_pool_in_use", "Database connections of this process that somebody holds")
POOL_SIZE = Gauge("hotline_pool_size", "Database connections this process may open")


def count_pool(size: int, in_use: Callable[[], int]) -> None:
    """Let each scrape see how many connections are held, of how many."""
    POOL_SIZE.set(size)
    POOL_IN_USE.set_function(in_use)


def show_metrics(settings: Settings) -> None:
    """Serve this process's metrics at HOTLINE_METRICS_HOST and HOTLINE_METRICS_PORT; without a port nowhere.

    An address that is taken is no reason not to work: it is logged, and Prometheus misses the process.
    """
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, settings.metrics_host)
    except OSError as error:
        log.warning("metrics_not_shown", port=settings.metrics_port, error=type(error).__name__)
