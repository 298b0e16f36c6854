"""Ways out for notices over the API."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from service.api.schemas.fields import FILLED, Code, Flag, Username
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.notifications.attempts import Attempt, Fate
from service.notifications.channels import ChannelView

NoticeWay = Literal["mail", "sms", "wecom", "dingtalk", "feishu"]
Address = Annotated[str, StringConstraints(min_length=3, max_length=400), *FILLED]


class ChannelAdd(RequestBody):
    """通知渠道,属于一名人员或一个工会 / A way out for notices, of one person or of one union"""

    kind: NoticeWay = Field(description="群机器人只属于工会 / A robot belongs to a union")
    address: Address = Field(
        description="邮箱、手机号或群设置里给出的机器人地址;加密保存,不再显示 / "
        "A mail address, a mobile number, or the address that the group's settings show; sealed, and never shown again"
    )
    username: Username | None = Field(None, description="人员 / The person")
    org_code: Code | None = Field(None, description="工会 / The union")
    urgent_only: Flag = Field(False, description="只发紧急消息 / Urgent notices only")


class ChannelAdded(ResponseBody):
    """The id of what was added."""

    id: int


class AttemptOut(ResponseBody):
    """What became of a message: `logged` says that no gateway is set up, and that it reached nobody. `zh` and `en` are
    the same as a sentence; `at` is when it was delivered or buried, else asked for."""

    fate: Fate
    at: datetime
    zh: str
    en: str

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        return cls(fate=attempt.fate, at=attempt.at, zh=attempt.words.zh, en=attempt.words.en)


class ChannelOut(ResponseBody):
    """A way out. `owner` is a user name or a union's code; `hint` is the end of the address, to tell it by."""

    id: int
    kind: NoticeWay
    owner: str
    owner_name: str
    hint: str
    urgent_only: bool
    enabled: bool
    last: AttemptOut | None = Field(description="最近一次发送的结果 / What became of the last message that was tried")

    @classmethod
    def of(cls, view: ChannelView) -> Self:
        return cls(
            id=view.id,
            kind=view.kind.value,
            owner=view.owner,
            owner_name=view.owner_name,
            hint=view.hint,
            urgent_only=view.urgent_only,
            enabled=view.enabled,
            last=AttemptOut.of(view.last) if view.last else None,
        )


class ChannelList(ResponseBody):
    """In the order in which they were added."""

    items: list[ChannelOut]
