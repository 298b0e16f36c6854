"""A worker is handed all that is held of them, by the centre, for a reason on record."""

import io
import json
import threading

from service.retention.holds import SetHold, set_hold
from service.tickets.attachments import AttachFile, attach_file, keep_file
from service.tickets.confidentiality import Confidentiality
from tests.api.clients import Api
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk
from workers.chores import Keep

HANDLER = f"handler-{GOLMUD}"
WHY = "职工本人来访申请查阅"


def test_all_of_it_is_in_the_file_opened_and_on_record_everywhere(api: Api, desk: Desk) -> None:
    first, second = desk.closed(), desk.in_progress(confidentiality=Confidentiality.from_unions)
    desk.registered(phone="13997001111", caller_name="李四维", title="别人的事")
    kept = keep_file(desk.application.files, io.BytesIO(b"payroll"), most=100)
    desk.do(HANDLER, attach_file, AttachFile(number=second, file=kept, name="工资条.txt"))
    desk.do("supervisor1", set_hold, SetHold(number=first, reason="案件"))
    body = {"reason": WHY, "format": "json"}
    answer = api.as_("dispatcher1").post(f"/tickets/{second}/person-file", json=body)
    assert "no-store" in answer.headers["cache-control"]
    found = json.loads(answer.content)
    assert (found["person"]["name"], found["person"]["phone"]) == ("马小明", "13897001234")
    matters = {each["number"]: each for each in found["matters"]}
    assert matters.keys() == {first, second}
    assert matters[first]["replies"][0]["text"] == "已督促用人单位足额发放"
    assert matters[first]["ratings"][0]["satisfaction"] == 5
    assert matters[first]["held"]
    assert matters[first]["erased_after"] == {
        "附件和录音": "2028-11-20",
        "来电人身份": "2031-11-20",
        "工单内容": "2036-11-20",
    }
    assert matters[second]["erased_after"] == {}, "it has not ended"
    assert matters[second]["files"][0]["name"] == "工资条.txt"
    assert "格尔木市" in matters[second]["handled_by"]
    assert "别人的事" not in answer.text
    assert "李四维" not in answer.text
    recorded = desk.rows("select subject, after from audit_event where action = 'person:worker:export'")
    assert {row.subject for row in recorded} == {first, second}
    assert recorded[0].after["reason"] == WHY
    told = desk.rows("select count(*) from ticket_event where kind = 'caller:revealed' and note = :why", why=WHY)
    assert told[0][0] == 2


def test_nobody_but_the_centre_takes_it_and_not_of_an_anonymous_matter(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    anonymous = desk.registered(anonymous=True, phone=None, caller_name=None)
    body = {"reason": WHY}
    for who in ("agent1", HANDLER, "admin1", "auditor1", f"leader-{GOLMUD}"):
        assert api.as_(who).post(f"/tickets/{number}/person-file", json=body).status_code == 403, who
    assert api.as_("supervisor1").post(f"/tickets/{anonymous}/person-file", json=body).status_code == 404
    assert api.as_("supervisor1").post(f"/tickets/{number}/person-file", json={"reason": " "}).status_code == 422
    assert desk.rows("select count(*) from audit_event where action like '%worker:export'")[0][0] == 0


def test_the_readable_form_runs_nothing_that_somebody_typed(reader: Reader, desk: Desk) -> None:
    number = desk.closed(title="<script>alert(1)</script>", body="三个月工资 <b>未付</b>")
    page = f"{CONSOLE}/tickets/{number}"
    form = next(form for form in reader.as_("supervisor1").forms(page) if form.action.endswith("/person-file"))
    assert reader.send(form, reason="").status_code == 422
    file = reader.send(form, reason=WHY)
    assert "attachment" in file.headers["content-disposition"]
    assert "马小明" in file.text
    assert "13897001234" in file.text
    assert "<script>alert" not in file.text
    assert "&lt;b&gt;未付&lt;/b&gt;" in file.text


def test_what_is_wrong_is_put_right_and_the_audit_says_which_of_it(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    body = {"name": "马晓明", "address": "西宁市城东区某路 1 号", "reason": "职工出示身份证"}
    assert api.as_("dispatcher1").post(f"/tickets/{number}/person-correction", json=body).status_code == 204
    found = api.as_("dispatcher1").post(f"/tickets/{number}/person-file", json={"reason": WHY, "format": "json"}).json()
    assert (found["person"]["name"], found["person"]["address"]) == ("马晓明", "西宁市城东区某路 1 号")
    assert found["person"]["phone"] == "13897001234"
    [(facts,)] = desk.rows("select after from audit_event where action = 'person:worker:correct'")
    assert facts["fields"] == ["name", "address"]
    assert "马晓明" not in str(facts)


def test_what_a_worker_asks_is_done_on_a_page_of_its_own(reader: Reader, api: Api, desk: Desk) -> None:
    ended, still_open = desk.closed(), desk.in_progress()
    page = f"{CONSOLE}/tickets/{ended}/person"
    assert page in reader.as_("supervisor1").see(f"{CONSOLE}/tickets/{ended}")
    correct, forget = (form for form in reader.forms(page) if form.action == page)
    nothing = reader.send(correct, reason="职工来电")
    assert (nothing.status_code, "请至少填写一项" in seen(nothing)) == (422, True)
    assert 'value="职工来电"' in nothing.text
    assert "已更正" in seen(reader.send(correct, name="马晓明", reason="职工出示身份证"))
    asked = seen(reader.send(forget, reason="职工书面申请"))
    assert f"{ended} 批准后去除来电人身份;内容保存至 2036-11-20" in asked
    assert f"{still_open} 尚未结束" in asked
    file = api.as_("dispatcher1").post(f"/tickets/{ended}/person-file", json={"reason": WHY, "format": "json"}).json()
    assert file["person"]["name"] == "马晓明"


def test_who_asks_to_be_forgotten_is_where_the_matter_has_ended_and_told_what_stays(api: Api, desk: Desk) -> None:
    ended, held, still_open = desk.closed(), desk.closed(), desk.in_progress()
    desk.do("supervisor1", set_hold, SetHold(number=held, reason="案件"))
    elsewhere = desk.in_progress(phone="13997001234")
    nothing = api.as_("dispatcher1").post(f"/tickets/{elsewhere}/person-erasure", json={"reason": "职工书面申请"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_forget")
    answer = api.as_("dispatcher1").post(f"/tickets/{ended}/person-erasure", json={"reason": "职工书面申请"})
    assert answer.status_code == 202
    found = answer.json()
    assert found["going"] == [ended]
    assert found["staying"] == {held: "held", still_open: "open"}
    assert found["words_until"] == {ended: "2036-11-20"}
    keep = Keep(desk.application, threading.Event(), leads=lambda: True)
    keep.tick()
    assert desk.ticket(ended).caller_id is not None, "nobody approved it yet"
    assert api.as_("supervisor1").post(f"/retention/runs/{found['run']}/approve").status_code == 200
    keep.tick()
    assert desk.ticket(ended).caller_id is None
    assert desk.ticket(ended).body == "工地三个月没有发工资", "what was said is kept by law"
    assert desk.ticket(still_open).caller_id is not None
    assert desk.ticket(held).caller_id is not None
