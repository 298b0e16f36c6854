"""Headers that lie, and requests that another site's page sends."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.routing import Mount, Route

from service.app import create_app
from tests.api.clients import Api, serving
from tests.console.browser import Reader
from tests.desk import GOLMUD, Desk


@pytest.fixture(scope="module")
def base(shared_desk: Desk) -> Iterator[str]:
    with serving(create_app(shared_desk.application)) as base:
        yield base


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "user@localhost", "hotline:x"])
@pytest.mark.parametrize("path", ["/api/v1/me", "/console/login", "/w/track"])
def test_a_request_for_another_host_is_refused(visitor: Reader, host: str, path: str) -> None:
    refused = visitor.client.get(path, headers={"Host": host})

    assert refused.status_code == 421
    assert refused.headers["content-type"].startswith("application/problem" if "/api/" in path else "text/html")
    assert host not in refused.text or not host


@pytest.mark.parametrize("host", ["localhost:8351", "127.0.0.1", "[::1]:8351", "hotline", "HOTLINE"])
def test_loopback_and_the_names_that_are_set_are_ours(visitor: Reader, host: str) -> None:
    assert visitor.client.get("/w/track", headers={"Host": host}).status_code == 200


def test_probes_may_call_us_what_they_like(visitor: Reader) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert visitor.client.get(path, headers={"Host": "api-1:8351"}).status_code != 421


def test_what_a_proxy_might_say_from_outside_changes_nothing(visitor: Reader) -> None:
    lies = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=10.0.0.1;host=evil.example",
        "X-Original-URL": "/metrics",
        "X-Rewrite-URL": "/metrics",
    }
    told = visitor.client.get("/console/", headers=lies)

    assert told.headers["location"].startswith("/console/login")
    assert "evil.example" not in told.text + str(told.headers)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_is_the_one_it_says(shared_api: Api, shared_desk: Desk, name: str) -> None:
    number = shared_desk.dispatched()
    handler = shared_api.as_(f"handler-{GOLMUD}")

    assert handler.get(f"/tickets/{number}/sign", headers={name: "POST"}).status_code in {404, 405}
    assert shared_desk.ticket(number).state == "to_sign"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://hotline.evil.example"},
        {"Origin": "http://hotline@evil.example"},
        {"Origin": "https://hotline", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_that_another_site_sends_is_refused_on_every_page_and_address(
    visitor: Reader, shared_desk: Desk, headers: dict[str, str]
) -> None:
    app = create_app(shared_desk.application)
    mounts = [route for route in app.routes if isinstance(route, Mount) and route.path in {"/console", "/w"}]
    tried = 0
    for mount in mounts:
        for route in mount.routes:
            if isinstance(route, Route) and "POST" in (route.methods or set()):
                path = mount.path + route.path.replace("{number}", "QH12351-20261120-000001").replace(":int", "")
                refused = visitor.client.post(path, data={"a": "b"}, headers=headers)
                assert refused.status_code == 403, path
                assert "其他网站" in refused.text
                tried += 1
    assert tried > 30
    assert visitor.client.post("/api/v1/auth/token", data={"a": "b"}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://hotline"}])
def test_our_own_pages_and_programs_get_through(visitor: Reader, headers: dict[str, str]) -> None:
    sent = visitor.client.post("/w/track", data={"number": "1", "code": "2"}, headers=headers)

    assert sent.status_code != 403


def test_every_form_of_the_staff_carries_a_mark_of_the_login(visitor: Reader, shared_desk: Desk) -> None:
    """Beside the browser's own word: a page of another site that a browser lets pass has no mark."""
    app = create_app(shared_desk.application)
    (console,) = (route for route in app.routes if isinstance(route, Mount) and route.path == "/console")
    reader = visitor.as_("agent1")
    for route in console.routes:
        if isinstance(route, Route) and "POST" in (route.methods or set()):
            path = "/console" + route.path.replace("{number}", "QH12351-20261120-000001").replace(":int", "")
            path = path.replace("{id}", "1").replace("{article_id}", "1")
            for data in ({"form_mark": ""}, {"form_mark": "x" * 43}):
                assert reader.client.post(path, data=data).status_code == 403, path


@pytest.mark.parametrize("path", ["/console/login", "/console/none", "/w/track", "/api/v1/me", "/api/v1/openapi.json"])
def test_every_answer_tells_the_browser_what_it_may_not_do(visitor: Reader, path: str) -> None:
    headers = visitor.client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers, "not over http"
    for name in headers:
        assert len(headers.get_list(name)) == 1, name


def test_over_https_cookies_are_this_hosts_alone(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader.application.settings, "public_url", "https://hotline")
    client = httpx.Client(transport=reader.client._transport, base_url="https://hotline")
    page = client.get("/console/login")

    (cookie,) = page.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-hotline_visitor=")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "SameSite=" in cookie
    assert "Domain" not in cookie
    assert create_app(reader.application)
    planted = reader.client.get("/console/", headers={"Cookie": "hotline_session=planted-by-a-sister-site"})
    assert planted.headers["location"].startswith("/console/login")


def test_it_is_said_that_https_is_the_only_way(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.api.guarding import Guard

    guard = Guard(create_app(reader.application), public_url="https://12351.example")

    assert guard._over_tls
    told = httpx.Client(transport=type(reader.client._transport)(guard, reader.client._transport._portal))
    with told as client:
        assert "max-age=" in client.get("https://12351.example/w/track").headers["strict-transport-security"]


@pytest.mark.parametrize(
    "head",
    [
        "POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
        "POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
        "\r\n\r\n0\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_a_request_that_can_be_read_two_ways_is_read_in_none(base: str, head: str) -> None:
    place = urlsplit(base)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as line:
        line.sendall(head.encode())
        line.settimeout(20)
        answer = line.recv(4096)

    assert answer.split(b" ", 2)[1] in {b"400", b"421"}, answer[:200]


def test_a_header_takes_no_second_line(shared_api: Api) -> None:
    name = "a%0d%0aSet-Cookie:%20x=y"
    for path in (f"/api/v1/tickets/{name}", f"/console/login?next=/console/{name}", f"/console/?lang={name}"):
        told = shared_api.client.get(path)
        assert "x" not in told.cookies
        assert "\r" not in "".join(told.headers.values())


def test_a_name_given_to_a_request_is_passed_on_only_if_it_is_one(shared_api: Api) -> None:
    for given in ("a\x1b[31mred-line", "x" * 65, "13897001234", "short", "with blank in"):
        told = shared_api.client.get("/healthz", headers={"X-Request-ID": given})
        assert told.headers["x-request-id"] != given


def test_an_open_redirect_leads_nowhere(visitor: Reader) -> None:
    for wanted in (
        "https://evil.example",
        "//evil.example",
        "/console//evil.example",
        "/\\evil.example",
        "javascript:1",
    ):
        page = visitor.client.get("/console/login", params={"next": wanted})
        assert page.status_code == 200
