"""Traces: one thread from a request through its SQL, the outbox and the worker to the call it led to.

Off unless HOTLINE_OTLP_ENDPOINT is set, and then nothing of OpenTelemetry is loaded and each place below costs a look
at an empty list.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from structlog.contextvars import get_contextvars

from service.core.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine


class Tracer(Protocol):
    """What a process traces with."""

    def span(self, name: str, traceparent: str | None) -> AbstractContextManager[None]: ...
    def note(self, facts: dict[str, str]) -> None: ...
    def traceparent(self) -> str | None: ...
    def watch_engine(self, engine: "Engine") -> None: ...
    def watch_app(self, app: "FastAPI") -> None: ...
    def stop(self) -> None: ...


_TRACER: list[Tracer] = []


def configure_tracing(settings: Settings, process: str) -> None:
    """Trace this process, under a name such as "api", if a collector is set."""
    if settings.otlp_endpoint:
        # Megabytes that only those pay who use it.
        from service.core.otlp import OtlpTracer  # noqa: PLC0415

        _TRACER[:] = [OtlpTracer(settings.otlp_endpoint, process)]


@contextmanager
def span(name: str, *, traceparent: str | None = None) -> Iterator[None]:
    """What happens inside is one step of the trace: of the one `traceparent` names (W3C), else of the present one."""
    if not _TRACER:
        yield
        return
    with _TRACER[0].span(name, traceparent):
        yield


def note(**facts: str) -> None:
    """Write facts onto the present step; never a caller's words."""
    for tracer in _TRACER:
        tracer.note(facts)


def traceparent() -> str | None:
    """The present step as W3C writes it, for a message or a call to carry on; None outside a trace."""
    return _TRACER[0].traceparent() if _TRACER else None


def outgoing_headers() -> dict[str, str]:
    """What a call to a gateway carries, so that both sides find it: the request's name, and the trace if there is
    one."""
    name, trace = get_contextvars().get("correlation_id"), traceparent()
    return ({"X-Request-ID": str(name)} if name else {}) | ({"traceparent": trace} if trace else {})


def watch_engine(engine: "Engine") -> None:
    """Let each statement be a step, by its text; its values are bound and never in it."""
    for tracer in _TRACER:
        tracer.watch_engine(engine)


def watch_app(app: "FastAPI") -> None:
    """Let each request begin a trace, or go on with its caller's."""
    for tracer in _TRACER:
        tracer.watch_app(app)


def stop_tracing() -> None:
    """Send what has not been sent."""
    for tracer in _TRACER:
        tracer.stop()
