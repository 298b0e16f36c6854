"""What became of the messages of a channel: the last that was tried, and the last test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import Row, text

from service.core.errors import Bilingual
from service.core.unit import Unit
from service.notifications.gateways import ConsoleGateway


class Fate(StrEnum):
    """How a message stands. `logged`: no gateway is set up, so it went to the log and reached nobody."""

    waiting = "waiting"
    delivered = "delivered"
    logged = "logged"
    failed = "failed"
    refused = "refused"
    given_up = "given_up"
    dropped = "dropped"


FATES: Mapping[Fate, Bilingual] = MappingProxyType(
    {
        Fate.waiting: Bilingual(
            "尚未发出。一直没有结果时,请检查 worker 和 scheduler 是否在运行。",
            "Not sent yet. If it stays so: do a worker and a scheduler run?",
        ),
        Fate.delivered: Bilingual("网关已接收。", "It was delivered: the gateway took it."),
        Fate.logged: Bilingual(
            "没有发给任何人:本系统没有设置这种网关,消息只写进了日志。"
            "请设置 HOTLINE_SMTP_HOST(邮件)或 HOTLINE_SMS_URL(短信)。",
            "It reached nobody: no such gateway is set up here, so it was written to the log alone. Set "
            "HOTLINE_SMTP_HOST for mail or HOTLINE_SMS_URL for SMS.",
        ),
        Fate.failed: Bilingual(
            "未送达:网关没有应答或出错,将自动重试。",
            "Not delivered: the gateway did not answer or failed; it is tried again.",
        ),
        Fate.refused: Bilingual("对方拒收,不再重试,请核对地址。", "It was refused for good: check the address."),
        Fate.given_up: Bilingual("多次未能送达,已放弃。", "Given up after many tries in vain."),
        Fate.dropped: Bilingual("未发送:渠道已暂停或删除。", "Not sent: the channel rests or was removed."),
    }
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message of a channel: what became of it, and when it was delivered or buried, else asked for."""

    fate: Fate
    at: datetime

    @property
    def words(self) -> Bilingual:
        """The same as a sentence."""
        return FATES[self.fate]


# By the index on the channel's number; the newest first.
_OF_CHANNELS = """
select asked.channel, m.created_at, m.done_at, m.buried_at, m.last_error, m.gateway
from unnest(cast(:channels as text[])) as asked (channel)
cross join lateral (
  select o.created_at, o.done_at, o.buried_at, o.last_error, d.gateway
  from outbox_message o left join gateway_delivery d on d.key = o.key
  where o.payload ->> 'channel_id' = asked.channel and {wanted}
  order by o.id desc limit 1
) m
"""
_TRIED = text(_OF_CHANNELS.format(wanted="(d.key is not null or o.last_error is not null)"))
_TESTS = text(_OF_CHANNELS.format(wanted="o.payload ->> 'notice_id' is null"))


def last_tried(unit: Unit, channel_ids: Sequence[int]) -> dict[int, Attempt]:
    """The last message of each of these channels that was delivered or failed, as long as the outbox remembers it. One
    statement."""
    rows = unit.session.execute(_TRIED, {"channels": [str(each) for each in channel_ids]})
    return {int(row.channel): _attempt(row) for row in rows}


def last_test(unit: Unit, channel_id: int) -> Attempt | None:
    """The last test of a channel; None where there was none, or it is forgotten."""
    row = unit.session.execute(_TESTS, {"channels": [str(channel_id)]}).one_or_none()
    return _attempt(row) if row is not None else None


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    return Attempt(fate=_fate(row), at=row.done_at or row.buried_at or row.created_at)


def _fate(row: Row[tuple[object, ...]]) -> Fate:
    if row.done_at is not None:
        if row.gateway is None:
            return Fate.dropped
        return Fate.logged if row.gateway == ConsoleGateway.name else Fate.delivered
    if row.buried_at is not None:
        return Fate.refused if row.last_error == "Refused" else Fate.given_up
    return Fate.failed if row.last_error is not None else Fate.waiting
