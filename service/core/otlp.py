"""Traces by OpenTelemetry, sent to a collector over OTLP/HTTP. Imported only where a collector is set."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes
from sqlalchemy import Engine

from service.core.logging import without_literals

# What a span may tell. All else that an instrumentation notes (addresses with their query, names of callers'
# machines, an exception's text) stays in the process.
_TOLD = frozenset(
    {
        "http.method", "http.request.method", "http.status_code", "http.response.status_code",
        "db.system", "db.system.name", "db.statement", "db.query.text", "db.operation",
        "hotline.correlation_id", "hotline.route", "hotline.kind", "error.type",
    }
)  # fmt: skip
# Asked every few seconds by machines, or open for hours.
_NOT_TRACED = "/healthz,/readyz,/metrics,/static/,/events"


class OtlpTracer:
    """Traces one process."""

    def __init__(self, endpoint: str, process: str) -> None:
        self._provider = TracerProvider(
            resource=Resource({"service.name": f"hotline-{process}"}), sampler=ParentBased(_Roots())
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(_WithoutWords(exporter), schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("hotline")
        self._carrier = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, traceparent: str | None) -> Iterator[None]:
        """As the port says."""
        parent = self._carrier.extract({"traceparent": traceparent}) if traceparent else None
        with self._tracer.start_as_current_span(name, context=parent):
            yield

    def note(self, facts: dict[str, str]) -> None:
        """As the port says."""
        trace.get_current_span().set_attributes({f"hotline.{name}": fact for name, fact in facts.items()})

    def traceparent(self) -> str | None:
        """As the port says."""
        carrier: dict[str, str] = {}
        self._carrier.inject(carrier)
        return carrier.get("traceparent")

    def watch_engine(self, engine: Engine) -> None:
        """As the port says."""
        SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=self._provider)

    def watch_app(self, app: FastAPI) -> None:
        """As the port says."""
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=self._provider, excluded_urls=_NOT_TRACED, exclude_spans=["receive", "send"]
        )

    def stop(self) -> None:
        """As the port says."""
        self._provider.shutdown()


class _Roots(Sampler):
    """A statement outside a request, a message or a sweep (the relay's look each second) begins no trace."""

    def should_sample(
        self,
        parent_context: Context | None,  # noqa: ARG002 - the port's form
        trace_id: int,  # noqa: ARG002
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the port says."""
        statement = kind is SpanKind.CLIENT
        decision = Decision.DROP if statement else Decision.RECORD_AND_SAMPLE
        return SamplingResult(decision, None if statement else attributes, trace_state)

    def get_description(self) -> str:
        """As the port says."""
        return "no lone statements"


class _WithoutWords(SpanExporter):
    """Sends spans with what may be told, and nothing else."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As the port says."""
        return self._exporter.export([_told(span) for span in spans])

    def shutdown(self) -> None:
        """As the port says."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As the port says."""
        return self._exporter.force_flush(timeout_millis)


def _told(span: ReadableSpan) -> ReadableSpan:
    attributes: dict[str, Any] = dict(span.attributes or {})
    name = span.name
    if span.kind is SpanKind.SERVER:
        # The instrumentation calls a request whose route it does not know by its whole address.
        method = attributes.get("http.request.method") or attributes.get("http.method")
        name = f"{method} {attributes.get('hotline.route', 'none')}"
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            name: without_literals(value) if isinstance(value, str) else value
            for name, value in attributes.items()
            if name in _TOLD
        },
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )
