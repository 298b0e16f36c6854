"""The robots of groups in 企业微信, 钉钉 and 飞书, through Apprise.

Apprise knows the vendors' addresses, how each wants its message, and how 钉钉 wants it signed. It looks at the HTTP
status alone, and all three vendors answer 200 to what they refuse (`{"errcode": 93000, …}`). So its plugins are given
a `requests` that keeps the answer, and the answer is judged here. That also sets our time-out, follows no redirect,
and lets a stand-in take the place of the vendors.

An address leads nowhere but to its vendor: from what is typed only the token is taken.
"""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from service.notifications.gateways import GatewayFailed, Letter
from service.outbox.handlers import NotNow, Refused

# What the settings of a group show. Nothing but the token, and the secret, is ever taken from it.
_ADDRESSES = {
    "wecom": re.compile(r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=(?P<token>[A-Za-z0-9_-]{8,128})"),
    "dingtalk": re.compile(
        r"https://oapi\.dingtalk\.com/robot/send\?access_token=(?P<token>[A-Za-z0-9]{8,128})"
        r"(?:&secret=(?P<secret>SEC[A-Za-z0-9]{8,128}))?"
    ),
    "feishu": re.compile(r"https://open\.feishu\.cn/open-apis/bot/v2/hook/(?P<token>[A-Za-z0-9_-]{8,128})/?"),
}

# Apprise takes a third of a second and 23 MiB: only a worker that writes to a robot pays for it.
_PLUGINS = {
    "wecom": ("apprise.plugins.wecombot", "NotifyWeComBot"),
    "dingtalk": ("apprise.plugins.dingtalk", "NotifyDingTalk"),
    "feishu": ("apprise.plugins.feishu", "NotifyFeishu"),
}
_TOKEN = {"wecom": "key", "dingtalk": "token", "feishu": "token"}
# What each vendor says where a robot wrote too much: 20 messages a minute (企业微信, 钉钉), 100 a minute (飞书).
_BUSY_CODES: Final[Mapping[str, frozenset[int]]] = {
    "wecom": frozenset({45009}),
    "dingtalk": frozenset({130101, 410100}),
    "feishu": frozenset({11232, 99991400}),
}
_BUSY_FOR = timedelta(minutes=1)
_SYSTEM_BUSY = -1  # 企业微信 and 钉钉: "system busy, try again"
# 企业微信 takes 2,048 bytes of text; the others take more than any notice has.
_LONGEST_BYTES = 2000


@dataclass
class _Call:
    """One call over the wire: where it goes instead, if anywhere, and what came of it."""

    timeout: float
    stand_in: str
    answer: requests.Response | None = None
    failure: str = "not asked"


_CALL: ContextVar[_Call] = ContextVar("robot_call")


class _Wire:
    """What Apprise's plugins know as `requests`."""

    codes = requests.codes
    RequestException = requests.RequestException

    @staticmethod
    def post(url: str, **options: Any) -> requests.Response:
        """As requests.post does, by the rules of the call under way."""
        call = _CALL.get()
        if call.stand_in:
            url = urlunsplit((*urlsplit(call.stand_in)[:2], *urlsplit(url)[2:]))
        params = options.get("params")
        if params and "sign" in params:
            # Apprise 2.2 quotes the signature of 钉钉, and requests quotes it again: refused there (310000).
            options["params"] = params | {"sign": unquote(params["sign"])}
        try:
            options |= {"timeout": call.timeout, "allow_redirects": False}
            call.answer = requests.post(url, **options)  # noqa: S113 - it is among the options
        except requests.RequestException as error:
            call.failure = type(error).__name__
            raise
        return call.answer


_LOADING = threading.Lock()


@cache
def _plugin(vendor: str) -> Any:
    with _LOADING:
        # Its log quotes tokens and texts.
        logging.getLogger("apprise").disabled = True
        module_name, class_name = _PLUGINS[vendor]
        module = import_module(module_name)
        module.requests = _Wire  # type: ignore[attr-defined]
        return getattr(module, class_name)


def robot_address(vendor: str, text: str) -> str | None:
    """What of a robot's address is kept, its token, with `secret@` before it where it wants signatures; None where the
    address is none of this vendor's.

    `text` is the https address that the group's settings show, for 钉钉 with `&secret=SEC…` at its end if it is a robot
    that wants signatures (加签).
    """
    known = _ADDRESSES[vendor].fullmatch(text)
    if known is None:
        return None
    parts = known.groupdict()
    return f"{parts['secret']}@{parts['token']}" if parts.get("secret") else parts["token"]


class Robot:
    """Writes to groups of one vendor. `timeout` is in seconds, for connecting and for each read; `stand_in` is an
    address to send to instead of the vendor's.

    No vendor drops a repeat by its key: a worker killed between a call and its record lets a group read it twice.
    """

    def __init__(self, vendor: str, *, timeout: float = 5.0, stand_in: str = "") -> None:
        self.name = vendor
        self._timeout, self._stand_in = timeout, stand_in

    def send(self, letter: Letter, *, key: str) -> None:  # noqa: ARG002 - see the class
        """Raises Refused where the vendor will never take it, NotNow where the robot wrote too much, GatewayFailed
        else."""
        secret, _, token = letter.to.rpartition("@")
        robot = _plugin(self.name)(**{_TOKEN[self.name]: token}, **({"secret": secret} if secret else {}))
        robot.request_rate_per_sec = 0  # the pace is the guard's to keep
        call = _Call(self._timeout, self._stand_in)
        before = _CALL.set(call)
        try:
            robot.send(_cut(letter.text))
        finally:
            _CALL.reset(before)
        if call.answer is None:
            raise GatewayFailed(call.failure)
        _judge(self.name, call.answer)


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= _LONGEST_BYTES else raw[: _LONGEST_BYTES - 3].decode(errors="ignore") + "…"


def _judge(vendor: str, answer: requests.Response) -> None:
    code = _code(answer.json)
    if answer.status_code == requests.codes.too_many_requests or code in _BUSY_CODES[vendor]:
        raise NotNow(_BUSY_FOR)
    if answer.status_code == requests.codes.ok and code == 0:
        return
    if code is None or code == _SYSTEM_BUSY or answer.status_code >= 500:
        raise GatewayFailed(f"{vendor} answered {answer.status_code}")
    raise Refused(f"{vendor} answered {code}")


def _code(read: Callable[[], Any]) -> int | None:
    """The code in an answer: 0 is done. None where it is no answer of a vendor's."""
    try:
        document = read()
    except ValueError:
        return None
    found = document.get("errcode", document.get("code")) if isinstance(document, dict) else None
    return found if isinstance(found, int) else None
