"""The knowledge base over the API."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, StrictInt

from service.api.schemas.fields import Body, Code, Day, Reason, Title
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.tickets.knowledge import ArticleView


class ArticleIn(RequestBody):
    """一篇文章的新版本 / What an article says from now on"""

    category_code: Code = Field(description="诉求类别代码 / Category")
    title: Title
    body: Body
    source: Reason = Field(description="依据 / What it rests on")
    valid_from: Day = Field(description="有效期第一天 / First day it is valid")
    valid_until: Day | None = Field(None, description="有效期最后一天,缺省为长期 / Last day; for good if left out")


class ArticleUses(RequestBody):
    """引用的文章 / The articles that served a ticket"""

    article_ids: Annotated[tuple[Annotated[StrictInt, Field(ge=1, lt=2**31)], ...], Field(min_length=1, max_length=20)]


class ArticlePublished(ResponseBody):
    """The article's id."""

    id: int


class ArticleVersionOut(ResponseBody):
    """One version."""

    number: int
    title: str
    published_at: datetime
    valid_from: date
    valid_until: date | None


class ArticleOut(ResponseBody):
    """An article as it stands: `state` is valid, future, expired or withdrawn; `uses` counts the tickets it served."""

    id: int
    category_code: str
    category: Words
    version: int
    title: str
    body: str
    source: str
    valid_from: date
    valid_until: date | None
    published_at: datetime
    state: str
    uses: int
    versions: list[ArticleVersionOut]

    @classmethod
    def of(cls, view: ArticleView) -> Self:
        return cls(
            id=view.id,
            category_code=view.category_code,
            category=Words.of(view.category),
            version=view.version,
            title=view.title,
            body=view.body,
            source=view.source,
            valid_from=view.valid_from,
            valid_until=view.valid_until,
            published_at=view.published_at,
            state=view.state,
            uses=view.uses,
            versions=[
                ArticleVersionOut(
                    number=version.number,
                    title=version.title,
                    published_at=version.published_at,
                    valid_from=version.valid_from,
                    valid_until=version.valid_until,
                )
                for version in view.versions
            ],
        )


class ArticleList(ResponseBody):
    """What was found."""

    items: list[ArticleOut]


class ArticleUsed(ResponseBody):
    """A version that served a ticket."""

    id: int
    version: int
    title: str


class ArticlesOfTicket(ResponseBody):
    """What served the ticket, and what may help."""

    used: list[ArticleUsed]
    suggested: list[ArticleOut]
