"""Finding on the screen: without script, by keyboard, with what was found marked and escaped."""

from tests.console.browser import CONSOLE, Reader, forms_of, seen
from tests.desk import GOLMUD, Desk

SIBLING = "632802"


def test_a_word_from_the_text_is_found_and_marked_where_it_stands(reader: Reader, desk: Desk) -> None:
    desk.dispatched(title="工地纠纷", body="项目经理说等春节后再结算木工班组的钱。")
    page = reader.as_(f"handler-{GOLMUD}").get(f"{CONSOLE}/search?q=木工班组")

    assert "共 1 张" in page.text
    assert "<mark>木工</mark><mark>班组</mark>" in page.text
    assert "诉求:" in page.text
    assert "共 0 张" in reader.as_(f"handler-{SIBLING}").get(f"{CONSOLE}/search?q=木工班组").text


def test_what_was_typed_into_a_ticket_stays_text(reader: Reader, desk: Desk) -> None:
    desk.accepted(title="<script>alert('标题')</script>", body="前文<img src=x onerror=alert(1)>克扣工资<b>后文</b>")
    page = reader.as_("agent1").get(f"{CONSOLE}/search?q=克扣").text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "onerror=alert(1)&gt;<mark>克扣</mark>工资&lt;b&gt;" in page


def test_the_box_in_the_head_of_every_page_leads_to_the_search_and_a_number_to_its_ticket(
    reader: Reader, desk: Desk
) -> None:
    number = desk.accepted()
    page = reader.as_("agent1").get(f"{CONSOLE}/").text
    assert f'class="jump" method="get" action="{CONSOLE}/search"' in page

    for typed in (number, number.lower(), number.removeprefix("QH12351-")):
        assert reader.get(f"{CONSOLE}/search?q={typed}").headers["location"] == f"{CONSOLE}/tickets/{number}"
    assert number in reader.get(f"{CONSOLE}/search?q={number[-4:]}").text


def test_the_conditions_are_folded_away_until_one_is_used_and_a_wrong_one_is_named(reader: Reader, desk: Desk) -> None:
    desk.accepted(urgent=True, title="紧急的")
    desk.accepted(title="不急的")
    reader.as_("agent1")

    assert "<details open>" not in reader.get(f"{CONSOLE}/search?q=工资").text
    narrowed = reader.get(f"{CONSOLE}/search?urgent=yes").text
    assert "<details open>" in narrowed
    assert "紧急的" in narrowed
    assert "不急的" not in narrowed
    wrong = reader.get(f"{CONSOLE}/search?people_from=x&q=工资")
    assert wrong.status_code == 422
    assert "find-people_from-wrong" in wrong.text


def test_the_last_digits_of_a_phone_are_asked_for_by_those_who_may_see_callers(reader: Reader, desk: Desk) -> None:
    desk.accepted(title="尾号的")

    assert "find-phone_last4" not in reader.as_("supervisor1").get(f"{CONSOLE}/search").text
    assert reader.get(f"{CONSOLE}/search?phone_last4=1234").status_code == 403
    page = reader.as_("agent1").get(f"{CONSOLE}/search?phone_last4=1234")
    assert "尾号的" in page.text


def test_a_kept_search_is_a_link_for_its_owner_and_if_shared_for_the_union(reader: Reader, desk: Desk) -> None:
    desk.dispatched(title="欠薪一件", urgent=True)
    page = reader.as_(f"handler-{GOLMUD}").get(f"{CONSOLE}/search?q=欠薪&urgent=yes&received_from=2026-11-01T08:00")
    keep = next(form for form in forms_of(page.text) if form.action.endswith("/views"))
    kept = reader.send(keep, name="紧急欠薪", shared="1")
    assert kept.status_code == 303

    colleague = reader.as_(f"leader-{GOLMUD}").get(f"{CONSOLE}/search").text
    address = colleague.split('<a href="/console/search?')[1].split('"')[0].replace("&amp;", "&")
    found = reader.get(f"{CONSOLE}/search?{address}").text
    assert "欠薪" in found
    assert 'value="2026-11-01T08:00"' in found
    assert "紧急欠薪" not in reader.as_(f"handler-{SIBLING}").get(f"{CONSOLE}/search").text

    reader.as_(f"handler-{GOLMUD}")
    forget = next(form for form in reader.forms(f"{CONSOLE}/search") if "forget" in form.fields)
    assert reader.send(forget).status_code == 303
    assert "紧急欠薪" not in reader.get(f"{CONSOLE}/search").text


def test_the_ticked_are_urged_and_each_says_what_became_of_it(reader: Reader, desk: Desk) -> None:
    open_one = desk.in_progress(title="拖欠甲")
    closed = desk.closed(title="拖欠乙")
    page = reader.as_("supervisor1").get(f"{CONSOLE}/search?q=拖欠").text
    bulk = next(form for form in forms_of(page) if form.action.endswith("/bulk"))
    ticks = [f"{number}:{desk.ticket(number).row_version}" for number in (open_one, closed)]
    result = reader.send(bulk, ticket=ticks, action="urge", note="请抓紧办理")

    assert "完成 1 张,未完成 1 张" in seen(result)
    assert "已办结" in seen(result)
    again = reader.send(bulk, ticket=ticks[:1], action="urge", note="请抓紧办理")
    assert "完成 0 张,未完成 1 张" in seen(again), "a second press meets the row version"


def test_a_dispatcher_gives_the_ticked_to_a_union_and_takes_them_away_as_a_file(reader: Reader, desk: Desk) -> None:
    numbers = [desk.accepted(title=f"欠薪{each}") for each in "甲乙"]
    page = reader.as_("dispatcher1").get(f"{CONSOLE}/search?q=欠薪").text
    bulk = next(form for form in forms_of(page) if form.action.endswith("/bulk"))
    ticks = [f"{number}:{desk.ticket(number).row_version}" for number in numbers]
    assert "完成 2 张" in seen(reader.send(bulk, ticket=ticks, action="dispatch", org_code=GOLMUD))
    assert {desk.ticket(number).holder_code for number in numbers} == {GOLMUD}

    assert reader.send(bulk, action="export").status_code == 422
    file = reader.send(bulk, action="export", reason="专项核对", format="csv")
    assert file.headers["content-disposition"].startswith('attachment; filename="tickets-')
    assert all(number in file.text for number in numbers)


def test_the_page_speaks_english_too(reader: Reader, desk: Desk) -> None:
    desk.accepted()
    page = seen(reader.as_("agent1").get(f"{CONSOLE}/search?q=拖欠&lang=en"))

    assert "Find tickets" in page
    assert "1 found" in page


def test_a_leader_gives_the_ticked_to_a_handler_who_finds_them_in_the_own_queue(reader: Reader, desk: Desk) -> None:
    mine, other = desk.in_progress(title="欠薪甲"), desk.in_progress(title="欠薪乙")
    page = reader.as_(f"leader-{GOLMUD}").get(f"{CONSOLE}/search?q=欠薪").text
    bulk = next(form for form in forms_of(page) if form.action.endswith("/bulk"))
    tick = f"{mine}:{desk.ticket(mine).row_version}"
    assert reader.send(bulk, ticket=[tick], action="assign").status_code == 422
    assert "完成 1 张" in seen(reader.send(bulk, ticket=[tick], action="assign", username=f"handler-{GOLMUD}"))

    for address in ("?mine=1", "search?mine=yes"):
        page = reader.as_(f"handler-{GOLMUD}").see(f"{CONSOLE}/{address}")
        assert mine in page
        assert other not in page
    assert "承办人:" in reader.see(f"{CONSOLE}/tickets/{mine}")
