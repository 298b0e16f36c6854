"""Lanes: what goes through one gateway waits in queues of its own, so that a slow gateway holds up only itself.

Which lane a message takes follows from its kind, here and nowhere else (docs/adr/0017).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from service.core.errors import Malformed


class Queue(StrEnum):
    """How much a message hurries, in the order in which a lane is emptied."""

    urgent = "urgent"
    default = "default"
    bulk = "bulk"


class Lane(StrEnum):
    """Inside: what PostgreSQL alone is needed for. The others: one for each gateway."""

    inside = "inside"
    sms = "sms"
    mail = "mail"
    wecom = "wecom"
    dingtalk = "dingtalk"
    feishu = "feishu"


# The kinds that leave the house. A test holds this against the handlers: each that calls a network has its lane.
GATEWAY_LANES: Mapping[str, Lane] = MappingProxyType(
    {
        "worker_sms": Lane.sms,
        "worker_code": Lane.sms,
        "sms_notice": Lane.sms,
        "mail_notice": Lane.mail,
        "wecom_notice": Lane.wecom,
        "dingtalk_notice": Lane.dingtalk,
        "feishu_notice": Lane.feishu,
    }
)


class LaneUnknown(Malformed):
    """A lane was named that does not exist."""

    zh = "没有名为 {name} 的通道,可选:{known}。"
    en = "There is no lane called {name}; there are: {known}."


def lane_of(kind: str) -> Lane:
    """The lane of a kind of message."""
    return GATEWAY_LANES.get(kind, Lane.inside)


def queue_name(lane: Lane, queue: Queue) -> str:
    """What the queue is called in the outbox and in Redis: `urgent` inside, `sms-urgent` before a gateway."""
    return queue.value if lane is Lane.inside else f"{lane.value}-{queue.value}"


def queue_names(lane: Lane) -> tuple[str, ...]:
    """A lane's queues, most urgent first."""
    return tuple(queue_name(lane, queue) for queue in Queue)


def lanes_named(text: str) -> tuple[Lane, ...]:
    """Lanes by their names, with commas between, each once; all of them for an empty text. Raises LaneUnknown."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in Lane.__members__:
            raise LaneUnknown(name=name, known=", ".join(Lane))
    return tuple(lane for lane in Lane if lane in names) or tuple(Lane)
