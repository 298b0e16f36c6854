"""Every way in which a union that must not know sees a ticket, asked as its people: none tells who called. It must not
where the worker asked for confidentiality (保密), and never inside the employer complained of."""

import csv
import io

import httpx
import openpyxl
import pytest
from anyio.from_thread import BlockingPortal

from service.app import create_app
from service.core.unit import WORKER
from service.tickets.closing import AddNote, add_note
from service.tickets.confidentiality import Confidentiality
from service.tickets.consulting import AnswerConsult, AskConsult, answer_consult, ask_consult
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.employer_unions import EmployerUnionChange, add_employer_union
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.supervising import SuperviseTicket, supervise_ticket
from service.tickets.worker_way import add_material
from tests.api.clients import Api, InProcess
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, HAIXI, Desk
from tests.tickets.test_attachments import attach_as_worker

NAME, PHONE, LAST = "鄂小明", "13897007788", "7788"
TOLD = f"我是{NAME},电话{PHONE},尾号{LAST}"
HANDLER, LEADER, CITY = f"handler-{GOLMUD}", f"leader-{GOLMUD}", f"handler-{HAIXI}"
PDF = b"%PDF-1.7\n" + b"x" * 500


@pytest.fixture(scope="module", params=[*Confidentiality])
def level(request: pytest.FixtureRequest) -> Confidentiality:
    """How confidential the matter is; where it is not, its handlers sit inside the employer."""
    return Confidentiality(request.param)


@pytest.fixture(scope="module")
def number(shared_desk: Desk, shared_api: Api, level: Confidentiality) -> str:
    """A ticket into which everybody at the centre, and the worker, wrote who called."""
    desk, employer = shared_desk, f"盐湖第{level.rank}公司"
    told = {"caller_name": NAME, "phone": PHONE, "confidentiality": level, "employer": employer}
    number = desk.accepted(title=f"{NAME}反映欠薪", body=f"盐湖工地欠薪。{TOLD}", **told)
    if level is Confidentiality.open:
        own = EmployerUnionChange(id=desk.ticket(number).employer_id or 0, org_code=HAIXI, reason="企业工会")
        desk.do("admin1", add_employer_union, own)
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD, known_inside=True))
    desk.do(HANDLER, sign_ticket, SignTicket(number=number))
    desk.do("agent1", add_note, AddNote(number=number, note=TOLD))
    desk.do(HANDLER, ask_consult, AskConsult(number=number, question="可否仲裁?"))
    desk.do("lawyer1", answer_consult, AnswerConsult(number=number, answer=f"请{NAME}申请仲裁"))
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note=f"三日内联系{NAME}"))
    with desk.application.unit(WORKER) as unit:
        add_material(unit, desk.ticket(number).id, words=TOLD, file=None)
    file = {"file": (f"{NAME}的合同.pdf", PDF, "application/pdf")}
    sent = shared_api.as_("agent1").post(f"/tickets/{number}/attachments", files=file, data={"note": TOLD})
    assert sent.status_code == 201
    attach_as_worker(desk, number, f"{NAME}身份证.pdf")
    desk.reply(number, text=f"已与{NAME}核实")
    desk.do("agent1", add_note, AddNote(number=number, note=f"回访:{TOLD}"))
    return number


def tells(text: str) -> list[str]:
    return [each for each in (NAME, NAME[0], PHONE, LAST) if each in text]


@pytest.mark.parametrize("who", [HANDLER, LEADER, CITY])
@pytest.mark.parametrize(
    "path",
    [
        "/tickets/{}",
        "/tickets/{}/timeline",
        "/tickets/{}/clocks",
        "/tickets/{}/attachments",
        "/tickets",
        "/tickets?q=盐湖",
        "/tickets?q={}",
        f"/queues/{GOLMUD}",
        "/inbox",
    ],
)
def test_nothing_that_a_union_reads_tells_who_called(shared_api: Api, number: str, who: str, path: str) -> None:
    answer = shared_api.as_(who).get(path.format(number))

    assert answer.status_code == 200
    assert tells(answer.text) == []


@pytest.mark.parametrize("words", [NAME, PHONE, f'"{NAME}"', f"phone:{LAST}"])
def test_no_search_by_who_called_finds_the_ticket(shared_api: Api, number: str, words: str) -> None:
    query = {"phone_last4": LAST} if words.startswith("phone:") else {"q": words}

    assert shared_api.as_(HANDLER).get("/tickets", params=query).json()["items"] == []


def test_no_address_that_bears_the_ticket_tells_its_handlers_who_called(shared_api: Api, number: str) -> None:
    """Each route of the document whose path takes a ticket, read as each of them."""
    paths = [
        path.removeprefix("/api/v1").replace("{number}", number)
        for path, ways in shared_api.client.get("/api/v1/openapi.json").json()["paths"].items()
        if "{number}" in path and path.count("{") == 1 and "get" in ways and "/worker/" not in path
    ]
    assert len(paths) > 5
    for who in (HANDLER, LEADER, CITY):
        for path in paths:
            answer = shared_api.as_(who).get(path)
            assert answer.status_code in (200, 403, 404, 409, 422), path
            # A request's own number is made by chance, of any digits.
            assert tells(answer.text.replace(answer.headers["x-request-id"], "")) == [], path


def test_what_the_worker_sent_is_not_fetched(shared_api: Api, number: str, level: Confidentiality) -> None:
    files = shared_api.as_(HANDLER).get(f"/tickets/{number}/attachments").json()["items"]
    sent = [each["id"] for each in files if each["by_worker"]]
    assert sent
    for each in sent:
        address = f"/tickets/{number}/attachments/{each}"
        assert shared_api.as_(HANDLER).get(address, params={"reason": "看看"}).status_code == 403


def test_an_export_does_not_tell(shared_api: Api, number: str) -> None:
    def exported(kind: str) -> bytes:
        body = {"reason": "月报", "format": kind}
        answer = shared_api.as_(LEADER).post("/tickets/bulk/export", json=body)
        assert answer.status_code == 200, answer.text
        return answer.content

    rows = list(csv.reader(io.StringIO(exported("csv").decode("utf-8-sig"))))
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(exported("xlsx"))).worksheets[0].values for cell in row]
    for told in (str(rows), str(cells)):
        assert number in told
        assert tells(told) == []


def test_the_pages_do_not_tell_and_say_where_to_turn(
    shared_desk: Desk, number: str, level: Confidentiality, portal: BlockingPortal
) -> None:
    transport = InProcess(create_app(shared_desk.application), portal)
    with httpx.Client(transport=transport, base_url="http://hotline") as client:
        for who in (HANDLER, LEADER, CITY):
            reader = Reader(shared_desk.application, client).as_(who)
            for path in (f"/tickets/{number}", "/", "/tickets", "/search?q=盐湖", "/inbox"):
                assert tells(reader.see(CONSOLE + path)) == [], path
            assert "通过" in (page := reader.see(f"{CONSOLE}/tickets/{number}"))
            assert ("只对省级热线中心开放" in page) is (level is not Confidentiality.open)
            assert ("由被反映单位内部的工会办理" in page) is (level is Confidentiality.open)


def test_a_union_may_not_look_and_the_centre_may_for_a_reason(
    shared_api: Api, number: str, level: Confidentiality
) -> None:
    reason = {"reason": "回访"}
    refused = "caller_hidden_inside" if level is Confidentiality.open else "identity_is_hidden"
    assert shared_api.as_(HANDLER).post(f"/tickets/{number}/reveal", json=reason).json()["code"] == refused
    seen = shared_api.as_("agent1").post(f"/tickets/{number}/reveal", json=reason).json()
    assert (seen["name"], seen["phone"]) == (NAME, PHONE)
    masked = shared_api.as_("agent1").get(f"/tickets/{number}").json()
    assert (masked["caller_name"], masked["caller_phone"]) == ("鄂**", f"*******{LAST}")


def test_who_did_not_ask_for_confidentiality_is_masked_wherever_they_are_named(api: Api, desk: Desk) -> None:
    number = desk.in_progress(body=TOLD, caller_name=NAME, phone=PHONE)
    seen = api.as_(HANDLER).get(f"/tickets/{number}").json()

    assert (seen["caller_name"], seen["caller_phone"]) == ("鄂**", f"*******{LAST}")
    assert seen["body"] == f"我是鄂**,电话138****{LAST},尾号{LAST}"
