"""Prometheus metrics of one process, at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_SECONDS = Histogram("hotline_http_seconds", "Time to answer a request", ["method", "route", "status"])
ESCALATIONS = Counter("hotline_escalations_total", "Rungs written to the ledger", ["clock", "rung"])
WARNINGS = Counter("hotline_warnings_total", "Causes that went to the province at once", ["cause"])
ARCHIVED = Counter("hotline_archived_total", "Ended tickets put into the archive")
TO_ARCHIVE = Gauge("hotline_to_archive", "Ended tickets that are due for the archive and not in it yet")
SWEEP_LAG = Gauge("hotline_sweep_lag_seconds", "Age of the oldest clock that is due and not yet fired")
OUTBOX_AGE = Gauge("hotline_outbox_age_seconds", "Age of the oldest message not yet delivered")
CALENDAR_COVERED_DAYS = Gauge(
    "hotline_calendar_covered_days", "Days after today that the published calendar covers; negative when it ended"
)
CALENDAR_ALARM = Gauge("hotline_calendar_alarm", "1 while next year's calendar is missing from 1 November on")
GATEWAY_RESTING = Gauge(
    "hotline_gateway_resting", "1 while nothing is sent because a gateway keeps failing", ["gateway"]
)
INVARIANT_BROKEN = Gauge("hotline_invariant_broken", "1 while the last look found a contradiction", ["invariant"])
MESSAGES = Counter("hotline_messages_total", "Messages handled", ["kind", "outcome"])

# Until it is looked for the first time nobody knows: zero would be an answer.
for _unknown in (CALENDAR_COVERED_DAYS, CALENDAR_ALARM):
    _unknown.set(float("nan"))
