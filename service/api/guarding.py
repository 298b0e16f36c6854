"""What every request passes first: is it meant for this service, does it come from a page of ours, and what a browser
may do with the answer. Plain ASGI, before a body is read.
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import Problem, framework_problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Asked by the machine's own probes and by Prometheus, under whatever name they know us.
_WITHOUT_HOST = frozenset({"/healthz", "/readyz", "/metrics"})
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})
# What a browser says of where a request comes from (Fetch Metadata). "none": somebody typed the address.
_OUR_PAGES = frozenset({b"same-origin", b"none"})

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # A rating link is a key: its address is told to nobody outside.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# Nothing from elsewhere, nothing written into the page: a script smuggled into a ticket's text does not run.
_OF_PAGES = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    b" manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
)
# A document or a file is no page, whatever it holds.
_OF_DOCUMENTS = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox")
# Half a year and more, as the browsers' own lists ask; without the names below ours, which are somebody else's to say.
_HTTPS_ALONE = (b"strict-transport-security", b"max-age=31536000")
_PAGES = ("/console/", "/w/")


class Guard:
    """Refuses a request for another host and one that another site's page sends, and puts the headers on every answer.

    `public_url` says under which name people reach the service, `hosts` under which further ones; loopback is always
    ours. `answer` makes the refusal: a document, or a page for who came from one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        public_url: str,
        hosts: tuple[str, ...] = (),
        answer: Callable[[Scope, Problem], ASGIApp] = lambda scope, problem: problem.response(scope),
    ) -> None:
        self.app = app
        self._hosts = frozenset({urlsplit(public_url).hostname or "", *(host.lower() for host in hosts)}) - {""}
        self._over_tls = public_url.startswith("https://")
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        policy = _OF_PAGES if scope["path"].startswith(_PAGES) else _OF_DOCUMENTS
        headers = [*_ALWAYS, policy, *([_HTTPS_ALONE] if self._over_tls else [])]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                message = {**message, "headers": [*given, *(each for each in headers if each[0] not in names)]}
            await send(message)

        code = self._refusal(scope)
        app = self.app if code is None else self._answer(scope, framework_problem(code))
        await app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> str | None:
        if scope["path"] not in _WITHOUT_HOST and not self._is_ours(_host(scope)):
            return "other_host"
        if scope["method"] not in _SAFE and not self._comes_from_us(scope):
            return "other_site"
        return None

    def _is_ours(self, host: str | None) -> bool:
        return host is not None and (host in self._hosts or is_loopback(host))

    def _comes_from_us(self, scope: Scope) -> bool:
        """Whether no browser says otherwise. Programs say nothing, and carry no cookies of somebody's."""
        headers = dict(scope["headers"])
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site in _OUR_PAGES
        origin = headers.get(b"origin")
        return origin is None or _hostname(origin.decode("latin-1")) == _host(scope) is not None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


def _host(scope: Scope) -> str | None:
    """The host that a request names, without its port; None where it names none or two."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    return _hostname("//" + named[0].decode("latin-1")) if len(named) == 1 else None


def _hostname(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for what is no number
    except ValueError:
        return None
    return None if "@" in parts.netloc else parts.hostname
