"""Bodies on a real socket: too large, said and unsaid, too slow, cut off."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from service.api.middleware import BodyGate
from service.app import create_app
from service.bootstrap import Application
from tests.api.clients import API, Api, serving, token_of
from tests.api.test_life import WAGES
from tests.desk import Desk

MIB = 1024 * 1024


@pytest.fixture
def address(application: Application) -> Iterator[str]:
    with serving(create_app(application)) as address:
        yield address


@pytest.mark.parametrize("size", [MIB + 1, 5 * MIB, 12 * MIB])
def test_a_large_body_is_refused_and_the_connection_goes_on(address: str, application: Application, size: int) -> None:
    token = token_of(application, "agent1")
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        refused = client.post(address + API + "/tickets", content=b"x" * size)
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.post(address + API + "/tickets", json=WAGES).status_code == 201


def test_a_body_in_chunks_is_counted_as_it_comes(address: str, application: Application) -> None:
    token = token_of(application, "agent1")

    def chunks() -> Iterator[bytes]:
        for _ in range(80):
            yield b"x" * 65536

    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        refused = client.post(address + API + "/tickets", content=chunks())

    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_a_body_in_chunks_within_the_limit_is_taken(address: str, application: Application) -> None:
    headers = {
        "Authorization": f"Bearer {token_of(application, 'agent1')}",
        "Content-Type": "application/json",
    }
    body = httpx.Request("POST", "http://x", json=WAGES).content

    taken = httpx.post(
        address + API + "/tickets", content=(body[at : at + 7] for at in range(0, len(body), 7)), headers=headers
    )

    assert taken.status_code == 201


def test_who_asks_before_sending_too_much_is_told_no(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_sender_who_goes_away_leaves_nothing_behind(address: str, desk: Desk) -> None:
    host, port = address.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{")
    token = token_of(desk.application, "agent1")

    taken = httpx.post(address + API + "/tickets", json=WAGES, headers={"Authorization": f"Bearer {token}"})

    assert taken.status_code == 201
    assert desk.rows("select count(*) as n from ticket")[0].n == 1


def test_slow_senders_hold_no_slot_and_are_told_so_in_the_end(application: Application) -> None:
    app = create_app(application)
    app.user_middleware = [
        type(entry)(entry.cls, *entry.args, **{**entry.kwargs, "seconds": 1.0}) if entry.cls is BodyGate else entry
        for entry in app.user_middleware
    ]
    token = token_of(application, "agent1")
    answers: list[bytes] = []
    with serving(app) as address:
        host, port = address.removeprefix("http://").split(":")

        def trickle() -> None:
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(b"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{")
                answers.append(connection.recv(65536))

        senders = [threading.Thread(target=trickle) for _ in range(20)]
        for sender in senders:
            sender.start()
        time.sleep(0.2)
        began = time.perf_counter()
        served = httpx.get(address + API + "/me", headers={"Authorization": f"Bearer {token}"})
        waited = time.perf_counter() - began
        for sender in senders:
            sender.join()

    assert served.status_code == 200
    assert waited < 0.8
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)


def test_what_is_not_http_does_not_disturb_the_next(address: str, api: Api) -> None:
    host, port = address.removeprefix("http://").split(":")
    for rubbish in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 1000):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)

    assert httpx.get(address + "/healthz").status_code == 200
