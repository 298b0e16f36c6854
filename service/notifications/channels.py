"""Channels: the ways by which somebody's notices, or a union's, leave the house beside the inbox.

A person may have e-mail and SMS; a union may have the same and a group's robot in 企业微信, 钉钉 or 飞书. What goes out
is the notice's own words, the ticket's number and a link into the console: nothing of the caller.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    LargeBinary,
    UniqueConstraint,
    and_,
    column,
    false,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.crypto import digits_only
from service.core.db import Base
from service.core.errors import Bilingual, Conflict, Forbidden, Malformed, NotFound
from service.core.unit import Unit
from service.identity.errors import PersonNotFound
from service.identity.models import Person
from service.identity.permissions import Permission
from service.identity.recusals import Recusal
from service.notifications.attempts import Attempt, last_test, last_tried
from service.notifications.gateways import Gateway, Letter
from service.notifications.models import GatewayDelivery, Notice
from service.notifications.robots import robot_address
from service.org.tree import UnionUnknown, org_tree, within
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import NetworkCall, NetworkHandler, Payload

TEMPLATE = "notice"
ADDRESS = "channel.address_sealed"
MOST_LISTED = 500
_SIGNED = "职工服务热线12351"
_SMS = "您好,工单{number}有新消息:{link} 。职工服务热线12351。"
_MAIL = re.compile(r"^[^\s@<>,;\"\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.[A-Za-z]{2,}$", re.ASCII)
_MOBILE = re.compile(r"^1\d{10}$")
# A notice knows its ticket by number; what else a ticket is, is known above this room.
_TICKET = table("ticket", column("id"), column("number"))


class ChannelKind(StrEnum):
    """电子邮件、短信、企业微信/钉钉/飞书群机器人."""

    mail = "mail"
    sms = "sms"
    wecom = "wecom"
    dingtalk = "dingtalk"
    feishu = "feishu"

    @property
    def message(self) -> str:
        """The kind of the outbox messages that go this way."""
        return f"{self.value}_notice"


KIND_NAMES = {
    ChannelKind.mail: Bilingual("电子邮件", "e-mail"),
    ChannelKind.sms: Bilingual("短信", "SMS"),
    ChannelKind.wecom: Bilingual("企业微信群机器人", "WeCom group robot"),
    ChannelKind.dingtalk: Bilingual("钉钉群机器人", "DingTalk group robot"),
    ChannelKind.feishu: Bilingual("飞书群机器人", "Feishu group robot"),
}
ROBOTS = (ChannelKind.wecom, ChannelKind.dingtalk, ChannelKind.feishu)


class Channel(Base):
    """A way out for one person's notices, or for those of all people of one union.

    The address is sealed: a robot's is a secret by which anybody could write to the group, an e-mail is personal.
    `hint` is what an administrator tells it by.
    """

    __tablename__ = "channel"
    __table_args__ = (
        CheckConstraint("kind in ('mail', 'sms', 'wecom', 'dingtalk', 'feishu')", name="kind"),
        CheckConstraint("(person_id is null) <> (org_code is null)", name="one_owner"),
        CheckConstraint("person_id is null or kind in ('mail', 'sms')", name="robot_of_a_union"),
        CheckConstraint("octet_length(address_hash) in (32, 33)", name="address_hash"),
        UniqueConstraint("person_id", "kind", "address_hash"),
        UniqueConstraint("org_code", "kind", "address_hash"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    org_code: Mapped[str | None] = mapped_column(ForeignKey("org_unit.code"))
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    urgent_only: Mapped[bool]
    enabled: Mapped[bool]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]


class ChannelNotFound(NotFound):
    """No such channel, or one outside the actor's part of the tree."""

    zh = "找不到通知渠道 {number}。"
    en = "There is no channel {number}."


class ChannelNeverTested(NotFound):
    """No test, or one that is forgotten."""

    zh = "通知渠道 {number} 没有试发记录。"
    en = "There is no test of channel {number} to tell of."


class ChannelsNotYours(Forbidden):
    """Not somebody who keeps people."""

    zh = "通知渠道由管理员维护。"
    en = "Channels are kept by administrators."


class ChannelExists(Conflict):
    """The same address for the same owner: everything would arrive twice."""

    zh = "该地址已登记过,不必重复添加。"
    en = "This address is there already; twice would mean every notice twice."


class ChannelOwnerUnclear(Malformed):
    """Neither or both."""

    zh = "请指定一名人员或一个工会,二者只能选一。"
    en = "Name a person or a union: one of the two."


class RobotNeedsUnion(Malformed):
    """A group is no person."""

    zh = "群机器人只能登记给工会,不能登记给个人。"
    en = "A group's robot belongs to a union, not to a person."


class ChannelAddressUnreadable(Malformed):
    """Not an address of that kind. It is not repeated: it may be a secret."""

    zh = "这不是可用的地址({kind})。邮件:name@example.cn;短信:11 位手机号;机器人:群设置里给出的 https 地址。"
    en = (
        "This is no address for {kind}. Mail: name@example.cn; SMS: 11 digits; a robot: the https address that the"
        " group's settings show."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddChannel:
    """A channel to be: for the person of that user name, or for the union of that code."""

    kind: ChannelKind
    address: str
    username: str = ""
    org_code: str = ""
    urgent_only: bool = False


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as an administrator sees it. `owner` is a user name or the code of a union; `last` is what became of
    the last message that was tried, as far as it is known."""

    id: int
    kind: ChannelKind
    owner: str
    owner_name: str
    hint: str
    urgent_only: bool
    enabled: bool
    last: Attempt | None


def channels(unit: Unit) -> list[ChannelView]:
    """The channels of the people and unions in the actor's subtree; at most 500. Raises ChannelsNotYours."""
    _require_right(unit)
    rows = unit.session.execute(
        select(Channel, Person.username, Person.display_name)
        .outerjoin(Person, Person.id == Channel.person_id)
        .where(
            or_(
                Channel.org_code.startswith(unit.actor.scope, autoescape=True),
                Person.org_code.startswith(unit.actor.scope, autoescape=True),
            )
        )
        .order_by(Channel.id)
        .limit(MOST_LISTED)
    ).all()
    tree = org_tree(unit.session)
    tried = last_tried(unit, [channel.id for channel, _, _ in rows])
    return [
        ChannelView(
            id=channel.id,
            kind=ChannelKind(channel.kind),
            owner=channel.org_code or username,
            owner_name=tree.get(channel.org_code).name_zh if channel.org_code else display_name,
            hint=channel.hint,
            urgent_only=channel.urgent_only,
            enabled=channel.enabled,
            last=tried.get(channel.id),
        )
        for channel, username, display_name in rows
    ]


def add_channel(unit: Unit, command: AddChannel) -> int:
    """Let notices go out this way from now on; answers the id.

    Raises ChannelsNotYours, ChannelOwnerUnclear, RobotNeedsUnion, ChannelAddressUnreadable, PersonNotFound,
    UnionUnknown, ChannelExists.
    """
    _require_right(unit)
    if bool(command.username) == bool(command.org_code):
        raise ChannelOwnerUnclear
    if command.username and command.kind in ROBOTS:
        raise RobotNeedsUnion
    address = _address(command.kind, command.address)
    person_id = _person_in_reach(unit, command.username) if command.username else None
    if command.org_code and not within(org_tree(unit.session).get(command.org_code).code, unit.actor.scope):
        raise UnionUnknown(code=command.org_code)
    owner = person_id or command.org_code
    if _is_there(unit, command.kind, address, owner):
        raise ChannelExists
    channel_id = unit.session.scalar(
        insert(Channel)
        .values(
            kind=command.kind.value,
            person_id=person_id,
            org_code=command.org_code or None,
            address_sealed=unit.vault.seal(address, ADDRESS, str(owner)),
            address_hash=unit.vault.lookup(hashed_as(command.kind, address)),
            hint=_hint(command.kind, address),
            urgent_only=command.urgent_only,
            enabled=True,
            added_by=unit.actor.id,
            added_at=unit.now,
        )
        .on_conflict_do_nothing()
        .returning(Channel.id)
    )
    if channel_id is None:
        raise ChannelExists
    record(
        unit,
        "channel:add",
        subject=str(channel_id),
        after={
            "kind": command.kind.value,
            "for": command.username or command.org_code,
            "urgent_only": command.urgent_only,
        },
    )
    return channel_id


def remove_channel(unit: Unit, channel_id: int) -> None:
    """Forget a channel and its address; what still waits for it is dropped. Raises ChannelsNotYours,
    ChannelNotFound."""
    channel = _to_change(unit, channel_id)
    record(unit, "channel:remove", subject=str(channel_id), before={"kind": channel.kind})
    unit.session.delete(channel)


def pause_channel(unit: Unit, channel_id: int) -> None:
    """Let nothing out this way for now. A repeat changes nothing. Raises ChannelsNotYours, ChannelNotFound."""
    channel = _to_change(unit, channel_id)
    if channel.enabled:
        channel.enabled = False
        record(unit, "channel:pause", subject=str(channel_id))


def resume_channel(unit: Unit, channel_id: int) -> None:
    """Use a paused channel again, for what comes from now on. Raises ChannelsNotYours, ChannelNotFound."""
    channel = _to_change(unit, channel_id)
    if not channel.enabled:
        channel.enabled = True
        record(unit, "channel:resume", subject=str(channel_id))


def try_channel(unit: Unit, channel_id: int) -> str:
    """Ask for a message that says it is a test, by the way every other goes; answers its key in the outbox.

    Raises ChannelsNotYours, ChannelNotFound.
    """
    channel = _to_change(unit, channel_id)
    kind = ChannelKind(channel.kind)
    message = _message(kind, channel_id, occasion=f"test:{unit.correlation_id}", notice_id=None, urgent=True)
    emit(unit, message)
    record(unit, "channel:test", subject=str(channel_id))
    return message.key


def channel_test(unit: Unit, channel_id: int) -> Attempt:
    """What became of the last test of a channel. Raises ChannelsNotYours, ChannelNotFound, ChannelNeverTested."""
    _in_reach(unit, unit.session.get(Channel, channel_id), channel_id)
    found = last_test(unit, channel_id)
    if found is None:
        raise ChannelNeverTested(number=channel_id)
    return found


def spread(unit: Unit, notice: Notice) -> None:
    """Ask for a message to every channel of the person who was just told, and of their union: once for each occasion
    and channel, however many of the union are told. One statement where there are none.

    A union's channel is passed over where somebody of that union has an interest in the ticket (回避), for a group is
    read by all of it; and for a digest, which sums up what one person was not told one by one.
    """
    its_reader_keeps_out = (
        select(Recusal.person_id)
        .join(Person, Person.id == Recusal.person_id)
        .join(_TICKET, _TICKET.c.id == Recusal.ticket_id)
        .where(_TICKET.c.number == notice.ticket_number, Person.org_code == Channel.org_code)
        .exists()
    )
    ones_union = select(Person.org_code).where(Person.id == notice.person_id).scalar_subquery()
    for_all = and_(Channel.org_code == ones_union, ~its_reader_keeps_out) if notice.tally_id is None else false()
    rows = unit.session.execute(
        select(Channel.id, Channel.kind)
        .where(
            Channel.enabled,
            or_(Channel.person_id == notice.person_id, for_all),
            *(() if notice.urgent else (~Channel.urgent_only,)),
        )
        # In one order by everybody, or two who tell the same groups would wait for each other in a circle.
        .order_by(Channel.id)
    ).all()
    emit(
        unit,
        *(
            _message(ChannelKind(row.kind), row.id, occasion=notice.key, notice_id=notice.id, urgent=notice.urgent)
            for row in rows
        ),
    )


def channel_handlers(gateways: Mapping[ChannelKind, Gateway], *, public_url: str) -> dict[str, NetworkHandler]:
    """What becomes of the messages that go out through channels."""
    return {kind.message: _handler(kind, gateway, public_url.rstrip("/")) for kind, gateway in gateways.items()}


def owner_of(channel: Channel) -> str:
    """The person or union to which a channel's address is sealed."""
    return str(channel.person_id or channel.org_code)


def hashed_as(kind: str, address: str) -> str:
    """What an address is looked up by."""
    return f"{kind} {address}"


def _is_there(unit: Unit, kind: ChannelKind, address: str, owner: int | str) -> bool:
    """Whether the owner has this address already, whichever key its hash was made with."""
    same = Channel.address_hash.in_(unit.vault.lookups(hashed_as(kind, address)))
    owned = Channel.person_id == owner if isinstance(owner, int) else Channel.org_code == owner
    return unit.session.scalar(select(Channel.id).where(same, owned).limit(1)) is not None


def _message(kind: ChannelKind, channel_id: int, *, occasion: str, notice_id: int | None, urgent: bool) -> Message:
    """Asks for a notice, or a test, to go out by a channel: once for each occasion."""
    key = f"{kind.message}:{occasion}:{channel_id}"
    payload = {"channel_id": channel_id, "notice_id": notice_id, "key": key}
    return Message(kind.message, key, payload, queue=Queue.urgent if urgent else Queue.default)


def _handler(kind: ChannelKind, gateway: Gateway, public_url: str) -> NetworkHandler:
    def prepare(unit: Unit, payload: Payload) -> NetworkCall | None:
        channel = unit.session.get(Channel, payload["channel_id"])
        notice = _notice(unit, payload)
        if channel is None or not (channel.enabled or notice is None):
            return None
        # The outbox forgets a key after a while; what left once does not leave again.
        if unit.session.get(GatewayDelivery, payload.get("key", "")) is not None:
            return None
        address = unit.vault.open(channel.address_sealed, ADDRESS, owner_of(channel))
        letter = (
            _short(address, notice, public_url) if kind is ChannelKind.sms else _letter(address, notice, public_url)
        )
        return lambda key: gateway.send(letter, key=key)

    def record_delivery(unit: Unit, key: str, payload: Payload) -> None:
        notice = _notice(unit, payload)
        unit.session.add(
            GatewayDelivery(
                key=key,
                gateway=gateway.name,
                ticket_number=notice.ticket_number if notice else "",
                template=TEMPLATE,
                delivered_at=unit.now,
            )
        )

    return NetworkHandler(prepare=prepare, record=record_delivery)


def _notice(unit: Unit, payload: Payload) -> Notice | None:
    """The notice a message carries out; None for a test."""
    return unit.session.get_one(Notice, payload["notice_id"]) if payload["notice_id"] is not None else None


def _letter(address: str, notice: Notice | None, public_url: str) -> Letter:
    """The words of the notice, with the ticket's number where they do not name it, and where to go on."""
    if notice is None:
        zh, en, number = "这是一条测试消息。", "This is a test.", ""
    else:
        zh, en, number = notice.text_zh, notice.text_en, notice.ticket_number
    urgent = "【紧急】" if notice is not None and notice.urgent else ""
    named = f"{number} " if number not in zh else ""
    subject = f"{urgent}{named}{zh}"
    text = f"【{_SIGNED}】{subject}\n{en}\n{_link(notice, public_url)}"
    return Letter(to=address, template=TEMPLATE, text=text, values={"subject": subject})


def _short(address: str, notice: Notice | None, public_url: str) -> Letter:
    """What fits a provider's template: that there is something, about which ticket, and where."""
    values = {"number": (notice.ticket_number if notice else "") or "系统", "link": _link(notice, public_url)}
    return Letter(to=address, template=TEMPLATE, text=_SMS.format(**values), values=values)


def _link(notice: Notice | None, public_url: str) -> str:
    number = notice.ticket_number if notice else ""
    return f"{public_url}/console/tickets/{number}" if number else f"{public_url}/console/inbox"


def _require_right(unit: Unit) -> None:
    if not unit.actor.may(Permission.channel_manage):
        raise ChannelsNotYours


def _to_change(unit: Unit, channel_id: int) -> Channel:
    return _in_reach(unit, unit.session.get(Channel, channel_id, with_for_update=True), channel_id)


def _in_reach(unit: Unit, channel: Channel | None, channel_id: int) -> Channel:
    _require_right(unit)
    if channel is not None:
        person = unit.session.get(Person, channel.person_id) if channel.person_id else None
        if within(person.org_code if person else channel.org_code or "", unit.actor.scope):
            return channel
    raise ChannelNotFound(number=channel_id)


def _person_in_reach(unit: Unit, username: str) -> int:
    person = unit.session.scalars(select(Person).where(Person.username == username, Person.active)).one_or_none()
    if person is None or not within(person.org_code, unit.actor.scope):
        raise PersonNotFound(username=username)
    return person.id


def _address(kind: ChannelKind, text: str) -> str:
    """The address in the one form in which it is kept. Raises ChannelAddressUnreadable."""
    text = text.strip()
    match kind:
        case ChannelKind.mail:
            address = text if _MAIL.match(text) and ".." not in text else None
        case ChannelKind.sms:
            address = digits_only(text) if _MOBILE.match(digits_only(text)) else None
        case _:
            address = robot_address(kind.value, text)
    if address is None:
        raise ChannelAddressUnreadable(kind=KIND_NAMES[kind])
    return address


def _hint(kind: ChannelKind, address: str) -> str:
    if kind is ChannelKind.mail:
        name, domain = address.split("@")
        return f"{name[0]}***@{domain}"
    return f"***{address[-4:]}"
