"""The knowledge base: versions that stay, words that find, days that end, uses that count."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.core.errors import HotlineError
from service.tickets.errors import CategoryUnknown, PermissionMissing, TicketNotFound
from service.tickets.knowledge import (
    ArticleDatesUnfit,
    ArticleNotFound,
    ArticleNotInForce,
    ArticleView,
    ArticleWithdrawn,
    FindArticles,
    KnowledgeNotYours,
    PublishArticle,
    UseArticles,
    article_view,
    find_articles,
    publish_article,
    suggested_articles,
    use_articles,
    withdraw_article,
)
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER = f"handler-{GOLMUD}"


def publish(desk: Desk, *, by: str = "lawyer1", **changes: Any) -> int:
    fields: dict[str, Any] = {
        "category_code": "0101",
        "title": "拖欠农民工工资怎么办",
        "body": "可向劳动保障监察机构投诉,也可以申请劳动仲裁。总承包单位先行清偿。",
        "source": "《保障农民工工资支付条例》第三十条",
        "valid_from": date(2026, 1, 1),
    }
    return desk.do(by, publish_article, PublishArticle(**fields | changes))


def found(desk: Desk, words: str = "", **changes: Any) -> list[ArticleView]:
    return desk.do("agent1", find_articles, FindArticles(words=words, **changes))


def view(desk: Desk, article: int) -> ArticleView:
    return desk.do("agent1", article_view, article)


def use(desk: Desk, number: str, *articles: int, by: str = HANDLER) -> None:
    desk.do(by, use_articles, UseArticles(number=number, article_ids=articles))


def suggested(desk: Desk, number: str) -> list[int]:
    return [article.id for article in desk.do(HANDLER, suggested_articles, number)]


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("仲裁", True),
        ("农民工 清偿", True),
        ("拖欠工资", True),
        ('"拖欠农民工"', True),
        ('"农民工拖欠"', False),
        ("清", True),
        ("工伤", False),
        ("仲裁 工伤", False),
        ("", True),
        ("%_'\\", True),
    ],
)
def test_articles_are_found_by_their_words(desk: Desk, words: str, *, there: bool) -> None:
    article = publish(desk)

    assert [each.id for each in found(desk, words)] == ([article] if there else [])


def test_a_title_and_many_uses_come_first(desk: Desk) -> None:
    in_body = publish(desk, title="经济补偿", body="拖欠工资的,还可以要求经济补偿。")
    in_title, often = publish(desk), publish(desk, title="工资被拖欠,拖欠多久可以走")
    use(desk, desk.in_progress(), often)

    assert [each.id for each in found(desk, "拖欠")] == [often, in_title, in_body]
    assert [each.id for each in found(desk, category="02")] == []


def test_a_new_version_is_what_is_found_and_the_old_one_stays(desk: Desk) -> None:
    article = publish(desk)
    publish(desk, article_id=article, title="欠薪维权", body="拨打12351。")

    assert found(desk, "仲裁") == []
    now = view(desk, article)
    assert (now.version, now.title, [each.number for each in now.versions]) == (2, "欠薪维权", [2, 1])
    for statement in ("update article_version set body = 'x'", "delete from article_version"):
        with pytest.raises(DBAPIError, match="append-only"), desk.by_hand() as owner:
            owner.execute(text(statement))


def test_an_expired_article_is_marked_and_neither_suggested_nor_used(desk: Desk) -> None:
    article = publish(desk, valid_until=date(2026, 11, 20))
    number = desk.in_progress()
    assert (view(desk, article).state, suggested(desk, number)) == ("valid", [article])
    desk.wait(days=1)

    assert [(each.id, each.state) for each in found(desk, "仲裁")] == [(article, "expired")]
    assert suggested(desk, number) == []
    with pytest.raises(ArticleNotInForce):
        use(desk, number, article)


def test_an_article_of_tomorrow_waits(desk: Desk) -> None:
    article = publish(desk, valid_from=date(2026, 11, 21))

    assert view(desk, article).state == "future"
    desk.wait(days=1)
    assert view(desk, article).state == "valid"


def test_a_withdrawn_article_is_not_found_and_takes_no_version(desk: Desk) -> None:
    article = publish(desk)
    desk.do("supervisor1", withdraw_article, article)
    desk.do("admin1", withdraw_article, article)

    assert found(desk) == []
    assert view(desk, article).state == "withdrawn"
    with pytest.raises(ArticleWithdrawn):
        publish(desk, article_id=article)


def test_a_use_counts_once_for_each_ticket_and_stands_on_its_timeline(desk: Desk) -> None:
    article = publish(desk)
    first, second = desk.in_progress(), desk.in_progress()
    use(desk, first, article, article)
    use(desk, first, article)
    publish(desk, article_id=article, title="欠薪维权")
    use(desk, first, article)
    use(desk, second, article, by="agent1")

    assert view(desk, article).uses == 2
    events = desk.rows("select note, data from ticket_event where kind = 'article:used' order by id")
    assert [(event.note, event.data["version"]) for event in events] == [
        ("拖欠农民工工资怎么办", 1),
        ("欠薪维权", 2),
        ("欠薪维权", 2),
    ]


def test_the_leaf_is_suggested_before_its_group(desk: Desk) -> None:
    group, leaf, other = (publish(desk, category_code=code) for code in ("0102", "0101", "0201"))
    suggestions = suggested(desk, desk.in_progress())

    assert suggestions == [leaf, group]
    assert other not in suggestions


def test_a_use_goes_through_the_scope(desk: Desk) -> None:
    article, number = publish(desk), desk.in_progress(HAIXI)

    with pytest.raises(TicketNotFound):
        use(desk, number, article)
    with pytest.raises(ArticleNotFound):
        use(desk, number, 4711, by="agent1")
    with pytest.raises(PermissionMissing):
        use(desk, number, article, by="admin1")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"by": "agent1"}, KnowledgeNotYours),
        ({"by": HANDLER}, KnowledgeNotYours),
        ({"category_code": "9999"}, CategoryUnknown),
        ({"valid_until": date(2025, 12, 31)}, ArticleDatesUnfit),
        ({"article_id": 4711}, ArticleNotFound),
    ],
)
def test_an_article_is_refused_in_a_sentence(desk: Desk, changes: dict[str, Any], refusal: type[HotlineError]) -> None:
    with pytest.raises(refusal):
        publish(desk, **changes)
