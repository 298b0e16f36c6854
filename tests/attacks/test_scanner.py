"""Files that hold malware, and a scanner that is away."""

import hashlib
import io
import socket
import threading

import httpx
import pytest

from service.bootstrap import build
from service.core.metrics import FILES_WAITING
from service.core.scanning import Clamd, Verdict
from service.core.settings import SettingsMissing
from service.core.standin_scanner import EICAR, FOUND, scanner_at
from tests.api.clients import Api
from tests.conftest import settings_for
from tests.console.browser import Reader
from tests.desk import GOLMUD, Desk
from workers.chores import Scan

HANDLER = f"handler-{GOLMUD}"
AWAY = "tcp://127.0.0.1:9"


def scanned_by(desk: Desk, address: str) -> None:
    """From now on this desk's files are given to the scanner at an address."""
    desk.application.__dict__["scanner"] = Clamd(address, timeout=5)


def send(api: Api, number: str, content: bytes) -> httpx.Response:
    return api.as_(HANDLER).post(f"/tickets/{number}/attachments", files={"file": ("工资条.txt", content)})


def test_what_is_found_is_refused_and_not_kept(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    with scanner_at() as address:
        scanned_by(desk, address)
        refused = send(api, number, b"see: " + EICAR)
        taken = send(api, number, "三个月工资".encode())

    assert (refused.status_code, refused.json()["code"]) == (422, "file_infected")
    assert FOUND in refused.json()["detail_en"]
    assert taken.status_code == 201
    assert taken.json()["held_back"] is False
    (row,) = desk.rows("select encode(sha256, 'hex') as name from attachment")
    assert [name for name, _ in desk.application.files.stored()] == [row.name]


def test_while_the_scanner_is_away_a_file_is_kept_listed_and_sent_to_nobody(
    api: Api, desk: Desk, reader: Reader
) -> None:
    number = desk.in_progress()
    scanned_by(desk, AWAY)
    clean, bad = (send(api, number, content).json() for content in ("三个月工资".encode(), b"see: " + EICAR))
    path = f"/tickets/{number}/attachments"

    assert clean["held_back"]
    assert bad["held_back"]
    waiting = api.as_(HANDLER).get(f"{path}/{clean['id']}")
    assert (waiting.status_code, waiting.json()["code"]) == (503, "file_in_quarantine")
    assert "尚未查毒" in reader.as_(HANDLER).see(f"/console/tickets/{number}")

    chore = Scan(desk.application, threading.Event(), lambda: True)
    chore.tick()
    assert api.as_(HANDLER).get(f"{path}/{clean['id']}").status_code == 503, "still away"
    with scanner_at() as address:
        scanned_by(desk, address)
        chore.tick()
    fetched, held = (api.as_(HANDLER).get(f"{path}/{each['id']}") for each in (clean, bad))
    assert (fetched.status_code, fetched.text) == (200, "三个月工资")
    assert (held.status_code, held.json()["code"]) == (403, "file_held_back")
    assert [each["held_back"] for each in api.as_(HANDLER).get(path).json()["items"]] == [False, True]
    assert len(desk.rows("select 1 from audit_event where action like '%file:infected'")) == 1


def test_a_file_too_long_for_the_scanner_keeps_no_other_waiting(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    scanned_by(desk, AWAY)
    long, _, short = (send(api, number, content).json() for content in (b"0123456789" * 1000, b"gone", b"short"))
    desk.application.files.remove(hashlib.sha256(b"gone").hexdigest())
    with scanner_at(longest=5000) as address:
        scanned_by(desk, address)
        for _ in range(2):
            Scan(desk.application, threading.Event(), lambda: True).tick()

    items = api.as_(HANDLER).get(f"/tickets/{number}/attachments").json()["items"]
    held_back = {each["id"]: each["held_back"] for each in items}
    assert (held_back[long["id"]], held_back[short["id"]]) == (True, False)
    assert [metric.samples[0].value for metric in FILES_WAITING.collect()] == [1], "the one that is too long"


def test_sent_again_once_the_scanner_is_back_it_is_free(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    scanned_by(desk, AWAY)
    assert send(api, number, b"the same").json()["held_back"]
    with scanner_at() as address:
        scanned_by(desk, address)
        assert send(api, number, b"the same").json()["held_back"] is False
    scanned_by(desk, AWAY)
    assert send(api, number, b"the same").json()["held_back"] is False, "what was cleared stays cleared"


def test_without_a_scanner_nothing_is_held_back(api: Api, desk: Desk) -> None:
    number = desk.in_progress()

    assert send(api, number, b"anything").json()["held_back"] is False
    assert desk.rows("select count(*) as n from file_scan")[0].n == 0


@pytest.mark.parametrize("said", [b"", b"stream: ", b"INSTREAM size limit exceeded. ERROR\0", b"nonsense\0", b"\xff\0"])
def test_whatever_is_no_verdict_is_none(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(65_536)
                line.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        scanned = Clamd(f"tcp://127.0.0.1:{listening.getsockname()[1]}", timeout=5).scan(io.BytesIO(b"x"))
        thread.join()

    assert scanned is not None
    assert scanned.verdict is Verdict.waiting


@pytest.mark.parametrize("address", ["clamd:3310", "http://127.0.0.1", "tcp://", "unix://"])
def test_an_address_that_is_none_is_said_at_the_start(address: str) -> None:
    settings = settings_for("postgresql://nowhere/none", "redis://nowhere", scanner=address)
    with pytest.raises(SettingsMissing, match="HOTLINE_SCANNER"):
        build(settings)
