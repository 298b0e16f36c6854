"""The knowledge base."""

from typing import Annotated

from fastapi import Body, Path, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import TicketNumber
from service.api.schemas.knowledge import (
    ArticleIn,
    ArticleList,
    ArticleOut,
    ArticlePublished,
    ArticlesOfTicket,
    ArticleUsed,
    ArticleUses,
)
from service.identity.permissions import Permission
from service.tickets.knowledge import (
    MOST_FOUND,
    FindArticles,
    PublishArticle,
    UseArticles,
    article_view,
    find_articles,
    publish_article,
    suggested_articles,
    use_articles,
    used_articles,
    withdraw_article,
)
from service.tickets.wording import LONGEST_QUERY

router = room("knowledge")

ArticleId = Annotated[int, Path(ge=1, lt=2**31, description="文章编号 / Id of the article", examples=[1])]
_READ, _WRITE = needs(Permission.knowledge_read), needs(Permission.knowledge_write)
_WRITE_REFUSALS = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
ARTICLE_EXAMPLES = {
    "overtime": {
        "summary": "加班费 / Overtime pay",
        "value": {
            "category_code": "0103",
            "title": "法定休假日加班费怎么算",
            "body": "法定休假日安排工作的,支付不低于工资百分之三百的工资报酬,不能以补休代替。",
            "source": "《劳动法》第四十四条",
            "valid_from": "2026-01-01",
        },
    }
}
USE_EXAMPLES = {"one": {"summary": "引用一篇 / One article", "value": {"article_ids": [1]}}}


@router.get(
    "/articles",
    name="article_find",
    summary=both("查找知识", "Find articles"),
    response_model=ArticleList,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=_READ,
)
def found(
    work: Working,
    words: Annotated[
        str, Query(alias="q", max_length=LONGEST_QUERY, description="查找内容 / Words that must be there")
    ] = "",
    category: Annotated[str, Query(max_length=12, description="类别代码或其开头 / Category or its beginning")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FOUND, description="最多条数 / At most so many")] = 20,
) -> Response:
    """有效的在前,过期的标明。/ Those valid today come first; expired ones are marked."""
    with work.reading(Permission.knowledge_read) as unit:
        views = find_articles(unit, FindArticles(words=words, category=category, limit=limit))
        return answer(ArticleList(items=[ArticleOut.of(view) for view in views]))


@router.post(
    "/articles",
    status_code=201,
    name="article_publish",
    summary=both("发布文章", "Publish an article"),
    response_model=ArticlePublished,
    responses=refusals(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=_WRITE,
)
def publish(work: Working, body: Annotated[ArticleIn, Body(openapi_examples=ARTICLE_EXAMPLES)]) -> Response:
    """新建一篇文章。/ Begin a new article."""
    with work.writing() as unit:
        article_id = publish_article(unit, PublishArticle(**dict(body)))
    return answer(ArticlePublished(id=article_id), status=201)


@router.get(
    "/articles/{article_id}",
    name="article_get",
    summary=both("一篇文章", "One article"),
    response_model=ArticleOut,
    responses=READ_REFUSALS,
    openapi_extra=_READ,
)
def one(work: Working, article_id: ArticleId) -> Response:
    """现行内容和全部版本。/ What it says now, and all its versions."""
    with work.reading(Permission.knowledge_read) as unit:
        return answer(ArticleOut.of(article_view(unit, article_id)))


@router.post(
    "/articles/{article_id}/versions",
    status_code=201,
    name="article_revise",
    summary=both("发布新版本", "Publish a new version"),
    response_model=ArticlePublished,
    responses=_WRITE_REFUSALS,
    openapi_extra=_WRITE,
)
def revise(
    work: Working, article_id: ArticleId, body: Annotated[ArticleIn, Body(openapi_examples=ARTICLE_EXAMPLES)]
) -> Response:
    """旧版本保留不改。/ Earlier versions stay as they were."""
    with work.writing() as unit:
        publish_article(unit, PublishArticle(**dict(body), article_id=article_id))
    return answer(ArticlePublished(id=article_id), status=201)


@router.post(
    "/articles/{article_id}/withdraw",
    status_code=204,
    name="article_withdraw",
    summary=both("撤回文章", "Withdraw an article"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=_WRITE,
)
def withdraw(work: Working, article_id: ArticleId) -> Response:
    """不再能查到和引用,引用记录保留。/ No longer found or used; where it was used stays on record."""
    with work.writing() as unit:
        withdraw_article(unit, article_id)
    return Response(status_code=204)


@router.get(
    "/tickets/{number}/articles",
    name="ticket_articles",
    summary=both("工单的知识", "Articles for a ticket"),
    response_model=ArticlesOfTicket,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def of_ticket(work: Working, number: TicketNumber) -> Response:
    """已引用的文章,以及按类别推荐的有效文章。/ What served the ticket, and what is valid for its category."""
    with work.reading(Permission.ticket_read) as unit:
        used = [
            ArticleUsed(id=each, version=version, title=title) for each, version, title in used_articles(unit, number)
        ]
        suggested = [ArticleOut.of(view) for view in suggested_articles(unit, number)]
        return answer(ArticlesOfTicket(used=used, suggested=suggested))


@router.post(
    "/tickets/{number}/articles",
    status_code=204,
    name="ticket_use_articles",
    summary=both("记录引用", "Record that articles were used"),
    responses=_WRITE_REFUSALS,
    openapi_extra=needs(Permission.ticket_note),
)
def use(
    work: Working, number: TicketNumber, body: Annotated[ArticleUses, Body(openapi_examples=USE_EXAMPLES)]
) -> Response:
    """答复或反馈引用了哪些文章,计入引用次数并记入办理过程;重复不计。

    Which articles served an answer or a reply; counted, and put on the timeline. A repeat does not count.
    """
    with work.writing() as unit:
        use_articles(unit, UseArticles(number=number, article_ids=body.article_ids))
    return Response(status_code=204)
