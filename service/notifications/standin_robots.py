"""A stand-in for 企业微信, 钉钉 and 飞书, which lie outside this machine: it answers a group's robot as they do.

    python -m service.notifications.standin_robots --port 9352

and set HOTLINE_ROBOT_STAND_IN to the address it prints. Any token is a group; it prints what each is told. The
vendors' documents: 企业微信 developer.work.weixin.qq.com/document/path/91770,
钉钉 open.dingtalk.com/document/orgapp/custom-robots-send-group-messages,
飞书 open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.
"""

import argparse
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from service.notifications.standin import serve

_WECOM_LONGEST_TEXT = 2048  # bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a group was told: by which vendor, under which token, in which words."""

    vendor: str
    token: str
    text: str


@dataclass
class Vendors:
    """What the three know and keep. `answer` decides before anything else, by the vendor: a status and a document, or
    None to go on as documented; it may also sleep. `secrets` are the 加签 secrets of 钉钉 robots by token."""

    answer: Callable[[str], tuple[int, dict[str, Any]] | None] = lambda _: None
    secrets: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    asked: int = 0
    hear: Callable[[Told], None] = lambda _: None

    def take(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The status and the document a vendor answers with."""
        self.asked += 1
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/cgi-bin/webhook/send":
            return self._answer("wecom", query.get("key", ""), query, body)
        if url.path == "/robot/send":
            return self._answer("dingtalk", query.get("access_token", ""), query, body)
        if url.path.startswith("/open-apis/bot/v2/hook/"):
            return self._answer("feishu", url.path.rstrip("/").rpartition("/")[2], query, body)
        return 404, {}

    def _answer(self, vendor: str, token: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        told_to = self.answer(vendor)
        if told_to is not None:
            return told_to
        try:
            document = json.loads(body)
            kind, content, done = _SHAPES[vendor]
            if document[kind] != "text":
                raise ValueError
            text = document[content[0]][content[1]]
        except (ValueError, KeyError, TypeError):
            return _WRONG_SHAPE[vendor]
        if vendor == "wecom" and len(text.encode()) > _WECOM_LONGEST_TEXT:
            return 200, {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
        if vendor == "dingtalk" and not self._signed(token, query):
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        told = Told(vendor, token, text)
        self.told.append(told)
        self.hear(told)
        return 200, done

    def _signed(self, token: str, query: dict[str, str]) -> bool:
        secret = self.secrets.get(token)
        if secret is None:
            return True
        signed = f"{query.get('timestamp', '')}\n{secret}".encode()
        expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected, query.get("sign", ""))


# Where each vendor's text message says what it is, where its words are, and the answer to one that was taken.
_SHAPES: dict[str, tuple[str, tuple[str, str], dict[str, Any]]] = {
    "wecom": ("msgtype", ("text", "content"), {"errcode": 0, "errmsg": "ok"}),
    "dingtalk": ("msgtype", ("text", "content"), {"errcode": 0, "errmsg": "ok"}),
    "feishu": ("msg_type", ("content", "text"), {"code": 0, "msg": "success", "data": {}}),
}
_WRONG_SHAPE: dict[str, tuple[int, dict[str, Any]]] = {
    "wecom": (200, {"errcode": 40008, "errmsg": "invalid message type"}),
    "dingtalk": (200, {"errcode": 400105, "errmsg": "unsupported msgtype"}),
    "feishu": (400, {"code": 9499, "msg": "Bad Request", "data": {}}),
}


@contextmanager
def vendors_at(vendors: Vendors, port: int = 0) -> Iterator[str]:
    """Serve all three on loopback; yields the address. Port 0 is any that is free."""

    def answer(path: str, _headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        status, document = vendors.take(path, body)
        return status, json.dumps(document).encode()

    with serve(answer, port) as address:
        yield address


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=9352)

    def say(told: Told) -> None:
        print(f"[{told.vendor} …{told.token[-4:]}]\n{told.text}\n", flush=True)  # noqa: T201

    with vendors_at(Vendors(hear=say), options.parse_args().port) as address:
        print(f"HOTLINE_ROBOT_STAND_IN={address}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
