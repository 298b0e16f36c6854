"""One contract for every place that keeps the head of the chain, and a place that is away holds up no other."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.audit.anchoring import anchors_of
from service.audit.chain import Head, anchors_in, known_since
from service.audit.sinks import AnchorSink, FileSink, HttpSink, LogSink, SyslogSink
from service.core.settings import Settings
from tests.conftest import START
from tests.desk import Desk
from workers.chores import Chain

LINES = [known_since(Head(place, bytes([place]) * 32), START) for place in (1, 2)]


class Kept(list[str]):
    """What arrived at the other end, as lines of JSON."""

    def lines(self) -> list[str]:
        return list(self)


@pytest.fixture
def http() -> Iterator[tuple[str, Kept, list[int]]]:
    """A server that keeps what it is sent, and answers with the status it is told."""
    kept, status = Kept(), [204]

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if status[0] < 300 and self.headers["Authorization"] == "Bearer secret":
                kept.append(body)
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/anchors", kept, status
    server.shutdown()
    server.server_close()


@pytest.fixture
def syslog() -> Iterator[tuple[str, Kept]]:
    kept = Kept()
    server = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                length, _, frame = stream.read().partition(b" ")
                assert int(length) == len(frame)
                kept.append(frame.decode().partition(" audit_anchor - ")[2])

    threading.Thread(target=take, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}", kept
    server.close()


@pytest.mark.parametrize("name", ["log", "file", "http", "syslog"])
def test_whatever_keeps_the_head_gives_back_what_it_was_given_in_order(
    name: str,
    tmp_path: Path,
    http: tuple[str, Kept, list[int]],
    syslog: tuple[str, Kept],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "anchors"
    sinks: dict[str, tuple[AnchorSink, Callable[[], list[str]]]] = {
        "log": (LogSink(), lambda: re.findall(r"anchor=\'?(\{.*?\})", capsys.readouterr().out)),
        "file": (FileSink(file), lambda: file.read_text().splitlines()),
        "http": (HttpSink(http[0], token="secret"), http[1].lines),
        "syslog": (SyslogSink(syslog[0]), syslog[1].lines),
    }
    sink, kept = sinks[name]
    assert sink.name == name
    for line in LINES:
        sink.put(line)
    found = kept()
    assert found == LINES
    assert [head.position for head in anchors_in(found)] == [1, 2]


@pytest.mark.parametrize(
    "sink",
    [
        FileSink(Path("/nowhere/at/all/anchors")),
        HttpSink("http://127.0.0.1:9/anchors", timeout=1),
        SyslogSink("127.0.0.1:9", timeout=1),
    ],
    ids=lambda sink: sink.name,
)
def test_a_place_that_is_away_says_so(sink: AnchorSink) -> None:
    with pytest.raises(OSError, match=r"\w"):
        sink.put(LINES[0])


def test_an_address_that_refuses_has_not_kept_it(http: tuple[str, Kept, list[int]]) -> None:
    address, kept, status = http
    status[0] = 500
    with pytest.raises(OSError, match="500"):
        HttpSink(address, token="secret").put(LINES[0])
    assert kept == []


def test_a_place_that_is_away_holds_up_no_other_and_gets_its_head_later(
    desk: Desk, tmp_path: Path, http: tuple[str, Kept, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, kept, status = http
    settings: Settings = desk.application.settings
    settings.audit_anchor_url, settings.audit_anchor_file = address, tmp_path / "anchors"
    monkeypatch.setattr(settings, "audit_anchor_token", None)
    status[0] = 503
    desk.registered()
    chain = Chain(desk.application, threading.Event(), leads=lambda: True)
    chain.tick()
    chain.tick()
    assert len(anchors_of(tmp_path / "anchors")) == 1
    assert kept == []
    [(sinks,)] = desk.rows("select array_agg(after ->> 'sink') from audit_event where action like '%audit:anchor'")
    assert sorted(sinks) == ["file", "log"]
    status[0] = 200
    Chain(desk.application, threading.Event(), leads=lambda: True).tick()
    [(sinks,)] = desk.rows("select array_agg(after ->> 'sink') from audit_event where action like '%audit:anchor'")
    assert sorted(sinks) == ["file", "http", "log"]
