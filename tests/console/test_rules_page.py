"""The administrators' rules room: what is in force, and a file checked, previewed and published in three steps."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import sla_rules
from service.api.routers.rules import FILE_EXAMPLES
from service.console.explained import explained
from service.console.rulespage import _marked
from service.tickets.recounting import recount_next
from sla_rules import Clock, ClockKind, Pause, Promise, explain, load_calendar
from tests.api.clients import token_of
from tests.console.browser import CONSOLE, FormOnPage, Reader, forms_of, seen
from tests.desk import GOLMUD, Desk, at

RULES = f"{CONSOLE}/rules"
LOAD = f"{RULES}/load"
NOTICE: dict[str, Any] = FILE_EXAMPLES["notice"]["value"]  # type: ignore[assignment]
TEXT: str = NOTICE["text"]
SOURCE: str = NOTICE["source"]
POLICY = (Path(sla_rules.__file__).parent / "policies" / "qinghai.toml").read_text()
OFF_DAY = '\n[[override]]\ndate = 2026-11-25\nkind = "off"\nname = "停电检修"\n'


def load_form(page: str) -> FormOnPage:
    return next(form for form in forms_of(page) if form.action == LOAD)


def on_page(reader: Reader, path: str = LOAD) -> FormOnPage:
    return load_form(reader.client.get(path).text)


def after(response: httpx.Response) -> FormOnPage:
    """The form as the answer gives it back."""
    return load_form(response.text)


def previewed(admin: Reader) -> httpx.Response:
    """An extra day off, brought as far as the preview."""
    form = on_page(admin, f"{LOAD}?from=arrangement")
    checked = admin.send(form, text=form.fields["text"][0] + OFF_DAY, step="check")
    return admin.send(after(checked), step="preview")


def changes(desk: Desk) -> int:
    return len(desk.rows("select 1 from rule_change"))


@pytest.fixture
def admin(reader: Reader, desk: Desk) -> Reader:
    return reader.as_("admin1")


def test_an_administrator_lands_in_the_rules_room_and_is_told_that_a_year_is_missing(admin: Reader) -> None:
    page = admin.see(f"{CONSOLE}/")

    assert "2027 年的放假通知还没有载入" in page
    assert f'href="{RULES}"' in page
    assert "全年 248 个工作日" in page
    assert "国办发明电〔2025〕7号(2025-11-04)" in page
    assert "5 个工作日,当日不计,至末日 24:00" in page


def test_the_drawn_year_says_each_day_by_a_sign_and_hatches_what_is_provisional(admin: Reader) -> None:
    page = admin.see(RULES)
    cells = re.findall(r'<td class="([^"]+)"(?: title="([^"]+)")?>(\d+)(?:<i>(.)</i>)?</td>', page)

    assert len(cells) == 365
    assert ("off", "国庆节", "7", "休") in cells
    assert ("work", "国庆节", "10", "班") in cells
    assert ("open today", "", "20", "") in cells
    assert sum("provisional" in look for look, *_ in cells) == 11
    following = admin.see(f"{RULES}?year=2027")
    assert "2027 年的通知尚未载入" in following
    assert following.count("provisional") > 365
    assert admin.get(f"{RULES}?year=1066").status_code == 404
    assert admin.get(f"{RULES}?year=rubbish").status_code == 200


def test_three_steps_from_the_pasted_notice_to_the_recounted_deadline(admin: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    form = on_page(admin, f"{LOAD}?from=arrangement")
    toml = form.fields["text"][0]
    assert 'hours = ["08:30-12:00", "14:30-18:00"]' in toml

    checked = admin.send(form, text=toml + OFF_DAY, step="check")
    assert checked.status_code == 200
    assert "停电检修" in seen(checked)
    assert "11月25日(周三)" in seen(checked)

    preview = admin.send(after(checked), step="preview")
    assert "1 项会变动" in seen(preview)
    assert number in seen(preview)
    assert "推后 3 天" in seen(preview)
    assert f'href="{CONSOLE}/tickets/{number}"' not in preview.text, "an administrator opens no ticket"
    assert changes(desk) == 0

    published = admin.send(after(preview), reason="全市停电一天", step="publish")
    assert published.status_code == 303
    assert re.fullmatch(rf"{RULES}/changes/\d+", published.headers["location"])
    running = admin.get(published.headers["location"]).text
    assert '<meta http-equiv="refresh"' in running
    assert "正在重新计算" in running
    change_id = int(published.headers["location"].rsplit("/", 1)[1])
    assert "正在重新计算期限" in admin.see(RULES)
    while True:
        with desk.application.unit() as unit:
            if recount_next(unit, change_id).finished_at is not None:
                break
    done = admin.see(published.headers["location"])
    assert 'http-equiv="refresh"' not in done
    assert "重新计算已完成" in done
    assert "推后 3 天" in done
    assert "管理员一" in done
    assert "全市停电一天" in admin.see(f"{RULES}/changes")
    assert desk.ticket(number).due_at == at("2026-12-01 00:00")

    ticket = seen(admin.as_(f"handler-{GOLMUD}").get(f"{CONSOLE}/tickets/{number}"))
    assert "2026-11-25 周三 不计 停电检修放假" in ticket
    assert "按新的日历或规则重新计算 2026年11月27日 周五 24:00 → 2026年11月30日 周一 24:00 全市停电一天" in ticket
    assert "办理期限由 2026年11月27日 周五 24:00 改为 2026年11月30日 周一 24:00" in ticket


def test_a_notice_is_shown_holiday_by_holiday_beside_its_own_words(admin: Reader) -> None:
    page = admin.send(on_page(admin), text=TEXT, source=SOURCE, step="check")

    assert "读懂了 2027 年的安排:放假 27 天,调休上班 5 天" in seen(page)
    assert "2月5日(周五) 至 2月11日(周四) (7 天)" in seen(page)
    assert "二、春节:2月5日(周五)至11日(周四)放假调休,共7天。" in seen(page)
    assert after(page).fields["text"] == [TEXT]


def test_a_doubt_is_quoted_and_marked_where_it_stands(admin: Reader, desk: Desk) -> None:
    wrong = TEXT.replace("1月1日(周五)", "1月1日 (周四)")
    for step in ("check", "preview", "publish"):
        page = admin.send(on_page(admin), text=wrong, source=SOURCE, step="check")
        page = admin.client.post(LOAD, data={**after(page).fields, "step": step})
        assert page.status_code in {409, 422}
        assert "2027-01-01 是周五,不是周四" in seen(page)
        assert re.search(r"<mark>[^<]*1月1日 \(周四\)至3日", page.text)
        assert after(page).fields["text"] == [wrong]
    assert changes(desk) == 0


def test_a_quotation_without_blanks_is_found_in_a_text_with_blanks() -> None:
    text = "一、元旦: 1月1日\n (周四)放假。\n二、春节"

    assert [(piece.text, piece.doubt) for piece in _marked(text, ["没有这一句", "1月1日(周四)放假。"])] == [
        ("一、元旦: ", None),
        ("1月1日\n (周四)放假。", 2),
        ("\n二、春节", None),
    ]
    assert _marked(text, [""]) == ()


def test_a_policy_with_a_wrong_line_shows_that_line(admin: Reader) -> None:
    page = admin.send(on_page(admin), text=POLICY.replace('"working_days"', '"fortnights"', 1), step="check")

    assert page.status_code == 422
    assert "第 34 行" in seen(page)
    assert re.search(r'<mark> *34  unit = "fortnights"</mark>', page.text.replace("&#34;", '"'))
    assert "fortnights" in after(page).fields["text"][0]


def test_a_file_is_taken_in_the_place_of_the_box_and_travels_on_as_text(admin: Reader) -> None:
    form = on_page(admin)
    for raw in (TEXT.encode("gb18030"), b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()):
        page = admin.client.post(
            LOAD, data={**form.fields, "source": SOURCE, "step": "check"}, files={"file": ("通知.txt", raw)}
        )
        assert page.status_code == 200, seen(page)
        kept = after(page)
        assert (kept.fields["text"], kept.fields["name"]) == ([TEXT], ["通知.txt"])
        assert "file" not in kept.names


@pytest.mark.parametrize(
    ("typed", "file", "status", "word"),
    [
        ({"text": ""}, None, 422, "请粘贴通知全文"),
        ({"text": " \n"}, None, 422, "请粘贴通知全文"),
        ({}, b"%PDF-1.7\n\x00\x01\xe2\xe3", 422, "不是文本文件"),
        ({}, b"", 422, "请粘贴通知全文"),
        ({"text": "写了很久"}, b"another", 422, "只用一种"),
        ({"text": "今天天气很好。"}, None, 422, "年"),
        ({"text": TEXT, "year": "二〇二七"}, None, 422, "整数"),
        ({"text": TEXT, "year": "1066"}, None, 422, "1992"),
        ({"text": TEXT, "amends": "1", "year": "2027"}, None, 422, "不能作为其修订"),
        ({"text": "长" * 200_001}, None, 422, "200000"),
        ({"text": "a\x1bb"}, None, 422, "控制字符"),
        ({"text": "[[promise]]\n" * 5000}, None, 422, "limits"),
    ],
)
def test_what_cannot_be_read_is_said_and_given_back(
    visitor: Reader, shared_desk: Desk, typed: dict[str, str], file: bytes | None, status: int, word: str
) -> None:
    form = on_page(visitor.as_("admin1"))
    data = {**form.fields, **typed, "step": "check"}
    files = {"file": ("那个文件.pdf", file) if file is not None else ("", b"")}  # as browsers send an empty one

    page = visitor.client.post(LOAD, data=data, files=files)

    assert page.status_code == status
    assert word in seen(page)
    assert after(page).fields["text"] == [typed.get("text", "")]


def test_a_file_too_large_is_refused_by_a_page(visitor: Reader, shared_desk: Desk) -> None:
    page = visitor.as_("admin1").client.post(LOAD, files={"file": ("大.ics", b"x" * 2_000_000)})

    assert page.status_code == 413
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "换一个小一些的文件" in seen(page)
    assert visitor.client.post("/api/v1/rules/reading", content=b"x" * 2_000_000).json()["code"] == "body_too_large"


def test_a_notice_needs_its_source_and_nothing_is_lost_by_the_refusal(admin: Reader) -> None:
    page = admin.send(on_page(admin), text=TEXT, step="preview")

    assert page.status_code == 422
    assert "请给出 2027 年通知的网址" in seen(page)
    assert "2月5日(周五)" in seen(page)
    assert admin.send(after(page), source=SOURCE, step="preview").status_code == 200


def test_a_change_without_a_reason_is_not_published(admin: Reader, desk: Desk) -> None:
    preview = previewed(admin)
    for reason in ("", "  ", "长" * 501):
        page = admin.send(after(preview), reason=reason, step="publish")
        assert page.status_code == 422
        assert after(page).fields["reason"] == [reason]
    assert changes(desk) == 0


def test_rules_changed_meanwhile_are_previewed_again_and_the_reason_is_kept(admin: Reader, desk: Desk) -> None:
    form = after(previewed(admin))
    other = admin.send(
        after(admin.send(on_page(admin), text=TEXT, source=SOURCE, step="preview")), reason="通知", step="publish"
    )
    change_id = int(other.headers["location"].rsplit("/", 1)[1])
    with desk.application.unit() as unit:
        recount_next(unit, change_id)

    page = admin.send(form, reason="全市停电一天", step="publish")

    assert page.status_code == 409
    assert "与您预览时不同" in seen(page)
    assert after(page).fields["reason"] == ["全市停电一天"]
    assert changes(desk) == 1
    again = admin.send(after(page), step="publish")
    assert again.status_code == 303


def test_a_text_edited_after_the_preview_is_previewed_before_it_is_published(admin: Reader, desk: Desk) -> None:
    form = after(previewed(admin))
    edited = form.fields["text"][0].replace("2026-11-25", "2026-11-26")

    page = admin.send(form, text=edited, reason="改期", step="publish")

    assert page.status_code == 409
    assert "内容在预览之后有改动" in seen(page)
    assert "11月26日" in seen(page)
    assert changes(desk) == 0
    assert admin.send(after(page), step="publish").status_code == 303


def test_a_form_of_another_site_changes_nothing(admin: Reader, desk: Desk) -> None:
    fields = after(previewed(admin)).fields | {"reason": ["x"], "step": ["publish"], "form_mark": ["made up"]}

    assert admin.client.post(LOAD, data=fields).status_code == 403
    assert changes(desk) == 0


@pytest.mark.parametrize("who", [f"handler-{GOLMUD}", f"leader-{GOLMUD}", "agent1", "supervisor1", "auditor1"])
def test_nobody_else_sees_the_room_or_a_link_to_it(visitor: Reader, shared_desk: Desk, who: str) -> None:
    form = on_page(visitor.as_("admin1"))
    admins_mark = form.fields["form_mark"]
    visitor.as_(who)
    assert f'href="{RULES}"' not in visitor.see(f"{CONSOLE}/inbox")
    for path in (RULES, LOAD, f"{LOAD}?from=arrangement", f"{RULES}/changes", f"{RULES}/changes/1"):
        assert visitor.get(path).status_code == 403, path
    own = {**form.fields, "form_mark": _mark_of(visitor), "text": [TEXT], "source": [SOURCE]}
    for step in ("check", "preview", "publish"):
        assert visitor.client.post(LOAD, data={**own, "step": step}).status_code == 403, step
    assert admins_mark != own["form_mark"]
    assert changes(shared_desk) == 0


def _mark_of(reader: Reader) -> list[str]:
    return next(form for form in reader.forms(f"{CONSOLE}/inbox") if "form_mark" in form.fields).fields["form_mark"]


def test_the_room_speaks_english_after_the_switch(admin: Reader) -> None:
    page = admin.see(f"{RULES}?lang=en")

    assert "The notice for 2027 is not loaded yet" in page
    checked = seen(admin.send(on_page(admin), text=TEXT, source=SOURCE, step="check"))
    assert "Understood for 2027: 27 days off, 5 worked in exchange" in checked


def test_an_explanation_names_its_pauses_in_words() -> None:
    pause = Pause(at("2026-11-24 09:00"), at("2026-11-25 09:00"), "material_awaited")
    clock = Clock(ClockKind.resolve, Promise("working_days", 2), at("2026-11-20 09:00"), (pause,))
    shown = explained(explain(clock, load_calendar()))

    assert [(day.date.isoformat(), day.weekday.zh, day.nth, day.reason.zh) for day in shown.days] == [
        ("2026-11-20", "周五", None, "起算当日不计入"),
        ("2026-11-21", "周六", None, "休息日"),
        ("2026-11-22", "周日", None, "休息日"),
        ("2026-11-23", "周一", 1, "工作日"),
        ("2026-11-24", "周二", None, "挂起:等待职工补充材料"),
        ("2026-11-25", "周三", 2, "工作日"),
    ]
    assert [each.reason.zh for each in shown.pauses] == ["等待职工补充材料"]


@pytest.mark.parametrize("path", ["/changes/1", "/changes/99999999999999", "/changes/x", "/changes?cursor=x"])
def test_what_is_not_there_is_a_page(visitor: Reader, shared_desk: Desk, path: str) -> None:
    assert visitor.as_("admin1").get(f"{RULES}{path}").status_code in {404, 422}


def test_a_login_that_ran_out_gives_the_notice_back(admin: Reader, desk: Desk) -> None:
    form = on_page(admin)
    desk.wait(days=400)

    page = admin.send(form, text=TEXT, step="check")

    assert page.status_code == 401
    assert "元旦:1月1日(周五)至3日(周日)放假" in seen(page)
    assert token_of(desk.application, "admin1")
