"""Reply templates over the API."""

from datetime import datetime
from typing import Self

from pydantic import Field

from service.api.schemas.fields import Code, ReplyText, Title
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.tickets.reply_templates import TemplateView


class TemplateIn(RequestBody):
    """一份模板的新版本 / What a template says from now on"""

    title: Title
    body: ReplyText = Field(description="占位符 {number} {title} {union} {date} / With placeholders")
    category_code: Code | None = Field(None, description="诉求类别,缺省为通用 / Category; any matter if left out")


class TemplateOut(ResponseBody):
    """A template in force. `filled`: with a ticket's facts where one was asked for; `own`: kept by one's own union."""

    id: int
    owner_code: str
    owner: Words
    category_code: str | None
    category: Words | None
    title: str
    body: str
    filled: str
    version: int
    published_at: datetime
    own: bool

    @classmethod
    def of(cls, view: TemplateView) -> Self:
        return cls(
            id=view.id,
            owner_code=view.owner_code,
            owner=Words.of(view.owner),
            category_code=view.category_code,
            category=Words.of(view.category) if view.category else None,
            title=view.title,
            body=view.body,
            filled=view.filled,
            version=view.version,
            published_at=view.published_at,
            own=view.own,
        )


class TemplateList(ResponseBody):
    """Templates that one may use."""

    items: list[TemplateOut]


class TemplatePublished(ResponseBody):
    """The template's id."""

    id: int
