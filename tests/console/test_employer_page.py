"""The employer register on the screen."""

from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

PAGE = f"{CONSOLE}/employers"


def send(reader: Reader, step: str, which: int, **said: str) -> int:
    form = next(f for f in reader.forms(PAGE) if f.fields.get("step") == [step] and f.fields["id"] == [str(which)])
    answer = reader.client.post(PAGE, data={"form_mark": form.fields["form_mark"], "step": step, "id": which, **said})
    return answer.status_code


def test_a_dispatcher_finds_names_and_merges_employers(reader: Reader, desk: Desk) -> None:
    whole, short = (
        desk.ticket(desk.registered(employer=name)).employer_id or 0 for name in ("青海盐湖建设有限公司", "盐湖建设")
    )
    keeper = reader.as_("dispatcher1")
    assert "青海盐湖建设有限公司" in keeper.see(f"{PAGE}?q=盐湖")
    assert "没有查到" in keeper.see(f"{PAGE}?q=西宁")

    assert send(keeper, "amend", whole, credit_code="914403001922038217") == 422
    assert send(keeper, "amend", whole, credit_code="914403001922038216") == 303
    assert send(keeper, "name", whole, name="盐建") == 303
    assert send(keeper, "merge", short, into=str(whole)) == 303
    page = keeper.see(f"{PAGE}?q=盐建")
    assert "盐湖建设、盐建" in page or "盐建、盐湖建设" in page
    assert "914403001922038216" in page
    assert send(keeper, "merge", whole, into="99999") == 404


def test_a_refusal_says_what_is_wrong_and_keeps_what_was_typed(reader: Reader, desk: Desk) -> None:
    which = desk.ticket(desk.registered()).employer_id
    form = next(f for f in reader.as_("dispatcher1").forms(PAGE) if "credit_code" in f.names)
    answer = reader.send(form, credit_code="9144")

    assert which is not None
    assert "18 位数字或大写字母" in seen(answer)
    assert 'value="9144"' in answer.text


def test_an_agent_looks_and_a_union_does_not(reader: Reader, desk: Desk) -> None:
    desk.registered()
    assert "某建筑公司" in reader.as_("agent1").see(PAGE)
    assert not reader.forms(PAGE)[1:], "only the way out is a form"
    assert reader.as_(f"handler-{GOLMUD}").get(PAGE).status_code == 403
