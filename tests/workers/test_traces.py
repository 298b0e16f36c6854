"""One trace from a request to the call it led to, over two processes; and none, nor its cost, where none is asked."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service.notifications.standin_sms import Provider
from tests.desk import Desk
from tests.embedded.processes import within
from tests.workers.conftest import Crew
from tests.workers.test_logs import (
    IDENTITY,
    NAME,
    PHONE,
    PLACE,
    STORY,
    WRONG_PASSWORD,
    by_api,
    by_pages,
    house,
    log_in,
    provider,
    register,
)

__all__ = ["house", "provider"]


@dataclass
class Collector:
    """Takes traces as a collector does. `steps`: the process, the trace and the name of each span."""

    raw: list[bytes] = field(default_factory=list)

    def steps(self) -> set[tuple[str, str, str]]:
        found = set()
        for body in list(self.raw):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                (process,) = (a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
                for scope in resource.scope_spans:
                    found |= {(process, span.trace_id.hex(), span.name) for span in scope.spans}
        return found

    def traces_with(self, name: str) -> dict[str, set[tuple[str, str]]]:
        """The traces in which a step of this name is: process and step, by trace."""
        wanted = {trace for _, trace, step in self.steps() if step == name}
        return {trace: {(p, step) for p, t, step in self.steps() if t == trace} for trace in wanted}


@contextmanager
def collecting() -> Iterator[tuple[str, Collector]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            collector.raw.append(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def collector(crew: Crew) -> Iterator[Collector]:
    """Asked for before the house, so that its processes know of it."""
    with collecting() as (address, collector):
        crew.environment["HOTLINE_OTLP_ENDPOINT"] = address
        yield collector


def test_a_request_and_what_it_led_to_are_one_trace(
    collector: Collector, house: httpx.Client, desk: Desk, provider: tuple[str, Provider]
) -> None:
    token = log_in(house)
    number = register(house, token).json()["number"]
    by_api(house, token, number)
    by_pages(house, number, "ABCD2345", desk)
    accepted = house.post(f"/api/v1/tickets/{number}/accept", json={}, headers={"Authorization": f"Bearer {token}"})
    assert accepted.status_code == 200

    wanted = {
        ("hotline-api", "POST /api/v1/tickets/{number}/accept"),
        ("hotline-api", "INSERT"),
        ("hotline-scheduler", "relay"),
        ("hotline-worker", "deliver worker_sms"),
        ("hotline-worker", "UPDATE"),
    }

    def whole() -> bool:
        # The verb of a statement's step; the database's name follows.
        traces = collector.traces_with("deliver worker_sms").values()
        return any(
            wanted <= {(p, step if " /" in step or "deliver" in step else step.split()[0]) for p, step in trace}
            for trace in traces
        )

    assert within(20, whole), collector.traces_with("deliver worker_sms")
    of_messages = (
        "select distinct split_part(traceparent, '-', 2) as trace from outbox_message where kind = 'worker_sms'"
    )
    (row,) = desk.rows(of_messages)
    assert row.trace in collector.traces_with("deliver worker_sms")
    assert within(20, lambda: collector.traces_with("sweep")), "a sweep is a trace of its own"

    sent = b"".join(collector.raw)
    for canary in (NAME, PHONE, IDENTITY, PLACE, STORY, WRONG_PASSWORD, token):
        assert canary.encode() not in sent, sent[sent.index(canary.encode()) - 300 :][:400]


def test_without_a_collector_nothing_that_traces_is_loaded() -> None:
    # The client of Redis loads the metrics of OpenTelemetry wherever they are installed; that is not ours to keep out.
    ask = (
        "import sys, service.app, workers.worker, workers.scheduler;"
        "of_traces = ('opentelemetry.exporter', 'opentelemetry.instrumentation', 'opentelemetry.sdk.trace');"
        "print(*(name for name in sys.modules if name.startswith(of_traces)))"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_collector_that_is_away_stops_nobody(crew: Crew, request: pytest.FixtureRequest) -> None:
    crew.environment["HOTLINE_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    house: httpx.Client = request.getfixturevalue("house")
    token = log_in(house)
    number = register(house, token).json()["number"]
    assert house.get(f"/api/v1/tickets/{number}", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    api, worker, scheduler = crew.processes
    assert crew.says(worker, '"event": "handled"')
    for process in (worker, scheduler):
        process.terminate()
        assert process.wait(20) == 0
    assert api.poll() is None
