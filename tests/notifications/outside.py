"""What stands outside in the tests: a stand-in for each gateway, with the same moods, on a port of its own."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Protocol

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.handlers import Message as Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from service.notifications.channels import ChannelKind
from service.notifications.standin_robots import Vendors, vendors_at
from service.notifications.standin_sms import Provider, provider_at
from service.tickets.messages import TEMPLATES
from service.tickets.worker_codes import CODE_TEMPLATE

# Longer than the adapters' patience in these tests, shorter than a test's.
HANGS_SECONDS = 3.0
PATIENCE_SECONDS = 0.5


class Outside(Protocol):
    """A gateway's stand-in. `mood` is one of: well, hangs, refuses, not_now, broken."""

    kind: ChannelKind
    address: str
    mood: str

    def settings(self) -> dict[str, Any]: ...
    def texts(self) -> list[str]: ...


@dataclass
class SmsOutside:
    url: str
    provider: Provider
    mood: str = "well"
    kind: ChannelKind = ChannelKind.sms
    address: str = "13900000001"

    def settings(self) -> dict[str, Any]:
        templates = {name: name for name in [*TEMPLATES, CODE_TEMPLATE, "notice"]}
        return {"sms_url": self.url, "sms_secret": "s", "sms_templates": templates, "sms_timeout": PATIENCE_SECONDS}

    def texts(self) -> list[str]:
        return [str(message["values"]) for message in self.provider.taken.values()]

    def answer(self) -> int | None:
        if self.mood == "hangs":
            time.sleep(HANGS_SECONDS)
        return {"refuses": 422, "not_now": 429, "broken": 503}.get(self.mood)


@contextmanager
def sms_outside() -> Iterator[SmsOutside]:
    provider = Provider("hotline", "s")
    with provider_at(provider) as url:
        outside = SmsOutside(url, provider)
        provider.answer = outside.answer
        yield outside


@dataclass
class RobotOutside:
    kind: ChannelKind
    address: str
    url: str
    vendors: Vendors
    mood: str = "well"

    def settings(self) -> dict[str, Any]:
        return {"robot_stand_in": self.url, "robot_timeout": PATIENCE_SECONDS}

    def texts(self) -> list[str]:
        return [told.text for told in self.vendors.told if told.vendor == self.kind]

    def answer(self, vendor: str) -> tuple[int, dict[str, Any]] | None:
        if vendor != self.kind:
            return None
        if self.mood == "hangs":
            time.sleep(HANGS_SECONDS)
        code = "code" if vendor == "feishu" else "errcode"
        refused = {"wecom": 93000, "dingtalk": 300001, "feishu": 19001}[vendor]
        too_much = {"wecom": 45009, "dingtalk": 130101, "feishu": 11232}[vendor]
        return {
            "refuses": (200, {code: refused}),
            "not_now": (200, {code: too_much}),
            "broken": (502, {}),
        }.get(self.mood)


ROBOT_ADDRESSES = {
    ChannelKind.wecom: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa",
    ChannelKind.dingtalk: "https://oapi.dingtalk.com/robot/send?access_token=566cc69da782ec&secret=SEC0123456789abcdef",
    ChannelKind.feishu: "https://open.feishu.cn/open-apis/bot/v2/hook/ca1c9f0a-4a4c-4f28-bb9a-0ec2aaaa0000",
}


@contextmanager
def robot_outside(kind: ChannelKind) -> Iterator[RobotOutside]:
    vendors = Vendors(secrets={"566cc69da782ec": "SEC0123456789abcdef"})
    with vendors_at(vendors) as url:
        outside = RobotOutside(kind, ROBOT_ADDRESSES[kind], url, vendors)
        vendors.answer = outside.answer
        yield outside


@dataclass
class MailOutside:
    port: int = 0
    mood: str = "well"
    kind: ChannelKind = ChannelKind.mail
    address: str = "li.ming@example.cn"
    messages: list[Message] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_security": "none",
            "smtp_from": "hotline@example.cn",
            "smtp_timeout": PATIENCE_SECONDS,
        }

    def texts(self) -> list[str]:
        return [
            f"{message['Subject']}\n{message.get_payload(decode=True).decode()}"  # type: ignore[union-attr]
            for message in self.messages
        ]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mood == "hangs":
            await asyncio.sleep(HANGS_SECONDS)
        answers = {"refuses": "550 5.1.1 no such mailbox", "not_now": "421 4.3.2 closing", "broken": "451 4.3.0 later"}
        if self.mood in answers:
            return answers[self.mood]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(_Read().prepare_message(session, envelope))
        return "250 OK"

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)


class _Read(Mailbox):
    def handle_message(self, message: Message) -> None:
        """Read by its caller."""


@contextmanager
def mail_outside(**server: Any) -> Iterator[MailOutside]:
    """A mail server in a thread of its own; `server` are options of aiosmtpd's SMTP."""
    outside = MailOutside()
    loop = asyncio.new_event_loop()
    controller = UnthreadedController(
        outside, hostname="127.0.0.1", port=0, loop=loop, authenticator=outside.login, **server
    )
    controller.begin()
    outside.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield outside
    finally:

        async def end() -> None:
            controller.server.close()  # type: ignore[union-attr]
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def outside(kind: ChannelKind) -> Iterator[Outside]:
    """The stand-in of a kind of channel."""
    if kind is ChannelKind.sms:
        with sms_outside() as sms:
            yield sms
    elif kind is ChannelKind.mail:
        with mail_outside() as mail:
            yield mail
    else:
        with robot_outside(kind) as robot:
            yield robot
