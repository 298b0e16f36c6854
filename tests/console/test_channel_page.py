"""Ways out for notices on the screen."""

import re

import pytest

from service.notifications.channels import ChannelKind
from tests.console.browser import CONSOLE, FormOnPage, Reader, seen
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
ADDRESS = f"{CONSOLE}/channels"
MAIL = {"kind": "mail", "username": HANDLER, "address": "li.ming@example.cn", "urgent_only": "1"}


def adding(reader: Reader) -> FormOnPage:
    return next(form for form in reader.forms(ADDRESS) if "address" in form.names)


def press(reader: Reader, name: str, path: str = ADDRESS) -> str:
    """Press the only button of that name, and where it leads."""
    form = next(form for form in reader.forms(path) if name in dict(form.buttons))
    response = reader.send(form, **{name: dict(form.buttons)[name]})
    assert response.status_code == 303
    return response.headers["location"]


def deliver(desk: Desk, kind: ChannelKind) -> None:
    for row in desk.rows(
        "select id from outbox_message where kind = :kind and done_at is null and buried_at is null", kind=kind.message
    ):
        desk.application.courier.deliver(row.id)


def test_a_channel_is_added_paused_resumed_and_removed_after_a_question(reader: Reader, desk: Desk) -> None:
    admin = reader.as_("admin1")
    assert "目前没有通知渠道" in admin.see(ADDRESS)
    form = adding(admin)
    assert admin.send(form, **MAIL).status_code == 303
    again = admin.send(form, **MAIL)
    assert (again.status_code, "该地址已登记过" in seen(again)) == (409, True)

    page = admin.see(ADDRESS)
    assert "li.ming" not in page
    for words in (HANDLER, "l***@example.cn", "电子邮件", "只发紧急消息", "启用", "尚无发送记录"):
        assert words in page
    press(admin, "pause")
    assert "已暂停" in admin.see(ADDRESS)
    press(admin, "resume")
    (channel,) = desk.rows("select id from channel")
    asked = admin.see(f"{ADDRESS}?remove={channel.id}")
    assert "确定删除" in asked
    assert desk.rows("select 1 from channel"), "the question alone removes nothing"
    press(admin, "remove", f"{ADDRESS}?remove={channel.id}")
    assert "目前没有通知渠道" in admin.see(ADDRESS)

    actions = [
        row.action for row in desk.rows("select action from audit_event where action like '%channel:%' order by id")
    ]
    assert [each.split(":")[-1] for each in actions] == ["add", "pause", "resume", "remove"]


def test_a_test_that_reaches_only_the_log_is_not_called_delivered(reader: Reader, desk: Desk) -> None:
    admin = reader.as_("admin1")
    admin.send(adding(admin), **MAIL)
    told = press(admin, "test")
    assert "尚未发出" in admin.see(told)
    assert 'http-equiv="refresh"' in admin.see(told)
    deliver(desk, ChannelKind.mail)

    page = admin.see(told)
    assert "没有发给任何人" in page
    assert "HOTLINE_SMTP_HOST" in page
    assert "网关已接收" not in page
    assert 'http-equiv="refresh"' not in page
    assert "仅写入日志" in admin.see(ADDRESS)
    assert "It reached nobody" in admin.see(f"{told}&lang=en")


def test_what_is_wrong_is_said_and_what_was_typed_stays(reader: Reader) -> None:
    admin = reader.as_("admin1")
    form = adding(admin)
    wrong = admin.send(form, kind="wecom", org_code=GOLMUD, address="http://169.254.169.254/")
    assert (wrong.status_code, "这不是可用的" in seen(wrong)) == (422, True)
    assert re.search(rf'<option value="{GOLMUD}" selected>', wrong.text)
    neither = admin.send(form, kind="mail", address="a@example.cn")
    assert (neither.status_code, "二者只能选一" in seen(neither)) == (422, True)
    assert admin.send(form, kind="", address="").status_code == 422
    for change in ("test", "pause", "resume", "remove"):
        mark = {name: values[0] for name, values in form.fields.items() if name == "form_mark"}
        assert admin.client.post(ADDRESS, data=mark | {change: "999999"}).status_code == 404
        assert admin.client.post(ADDRESS, data=mark | {change: "x"}).status_code == 404
    assert admin.client.post(ADDRESS, data=MAIL).status_code == 403, "a form without our mark is not ours"


@pytest.mark.parametrize("who", [HANDLER, "supervisor1", f"leader-{GOLMUD}"])
def test_others_have_neither_the_page_nor_the_way_to_it(reader: Reader, who: str) -> None:
    assert reader.as_(who).get(ADDRESS).status_code == 403
    assert f'href="{ADDRESS}"' not in reader.see(f"{CONSOLE}/inbox")
    assert f'href="{ADDRESS}"' in reader.as_("admin1").see(f"{CONSOLE}/inbox")
