"""Reply templates: owned by a union, seen by those below, filled from the ticket, kept in versions."""

import pytest

from service.core.unit import PROVINCE_CODE
from service.tickets.knowledge import ArticleNotFound, FindArticles, article_view, find_articles
from service.tickets.queries import ticket_view
from service.tickets.reply_templates import (
    PlaceholderUnknown,
    PublishTemplate,
    TemplateNotFound,
    TemplateNotYours,
    TemplateWithdrawn,
    publish_template,
    templates,
    templates_for,
    withdraw_template,
)
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, LEADER, CITY_LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}", f"leader-{HAIXI}"
SIBLING = "handler-632802"


def publish(desk: Desk, who: str = "supervisor1", **changes: object) -> int:
    fields = {"title": "欠薪已支付", "body": "您反映的{title}(工单 {number}),经{union}协调已支付。{date}"} | changes
    return desk.do(who, publish_template, PublishTemplate(**fields))  # type: ignore[arg-type]


def titles(desk: Desk, who: str) -> list[str]:
    with desk.application.reading() as unit:
        from service.identity.people import actor_of_username

        unit.actor = actor_of_username(unit, who)
        return [each.title for each in templates(unit)]


def test_a_template_is_filled_with_the_tickets_facts(desk: Desk) -> None:
    number = desk.in_progress(title="拖欠工资{date}")
    publish(desk)
    (found,) = desk.do(HANDLER, templates_for, number)

    assert found.filled == f"您反映的拖欠工资{{date}}(工单 {number}),经格尔木市协调已支付。2026年11月20日"
    assert found.owner_code == PROVINCE_CODE


def test_a_union_and_those_below_it_see_a_template(desk: Desk) -> None:
    publish(desk, title="省")
    publish(desk, CITY_LEADER, title="州")
    publish(desk, LEADER, title="市")

    assert titles(desk, HANDLER) == ["市", "州", "省"]
    assert titles(desk, SIBLING) == ["州", "省"]
    assert titles(desk, "agent1") == ["省"]


def test_the_tickets_own_category_comes_first_and_other_groups_do_not_come(desk: Desk) -> None:
    number = desk.in_progress(category_code="0101")
    publish(desk, title="通用")
    publish(desk, title="同组", category_code="0103")
    publish(desk, title="同类", category_code="0101")
    other = next(row.code for row in desk.rows("select code from category where code not like '01%' order by code"))
    publish(desk, title="别组", category_code=other)

    assert [each.title for each in desk.do(HANDLER, templates_for, number)] == ["同类", "同组", "通用"]


def test_only_its_own_union_keeps_it_and_only_with_the_right(desk: Desk) -> None:
    of_city = publish(desk, CITY_LEADER)
    with pytest.raises(TemplateNotYours):
        publish(desk, LEADER, template_id=of_city)
    with pytest.raises(TemplateNotYours):
        publish(desk, HANDLER)
    with pytest.raises(TemplateNotFound):
        publish(desk, "supervisor1", template_id=of_city)
    with pytest.raises(PlaceholderUnknown, match="phone"):
        publish(desk, body="您的电话 {phone}")


def test_versions_stay_and_a_withdrawn_one_is_gone(desk: Desk) -> None:
    template = publish(desk, title="一")
    assert publish(desk, title="二", template_id=template) == template
    rows = desk.rows("select number, title, published_by from article_version order by number")
    assert [(row.number, row.title) for row in rows] == [(1, "一"), (2, "二")]
    assert all(row.published_by for row in rows)
    assert titles(desk, HANDLER) == ["二"]
    desk.do("supervisor1", withdraw_template, template)
    assert titles(desk, HANDLER) == []
    with pytest.raises(TemplateWithdrawn):
        publish(desk, template_id=template)


def test_a_template_is_no_article(desk: Desk) -> None:
    template = publish(desk, category_code="0101")

    assert desk.do("lawyer1", find_articles, FindArticles()) == []
    with pytest.raises(ArticleNotFound):
        desk.do("lawyer1", article_view, template)
    assert desk.do(HANDLER, ticket_view, desk.in_progress())
