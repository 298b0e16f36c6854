"""Prometheus metrics of one process, at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_SECONDS = Histogram("hotline_http_seconds", "Time to answer a request", ["method", "route", "status"])
ESCALATIONS = Counter("hotline_escalations_total", "Rungs written to the ledger", ["clock", "rung"])
SWEEP_LAG = Gauge("hotline_sweep_lag_seconds", "Age of the oldest clock that is due and not yet fired")
OUTBOX_AGE = Gauge("hotline_outbox_age_seconds", "Age of the oldest message not yet delivered")
MESSAGES = Counter("hotline_messages_total", "Messages handled", ["kind", "outcome"])
