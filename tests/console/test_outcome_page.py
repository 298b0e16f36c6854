"""Evidence is named on the reply's form, and the ledger of outcomes is a page."""

from service.tickets.attachments import AttachFile, attach_file
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.file_kinds import Examined
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


def test_evidence_is_named_on_the_form_and_the_ledger_is_a_page(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    examined = Examined(sha256="ab" * 32, size=10, media_type="application/pdf")
    command = AttachFile(number=number, file=examined, name="支付凭证.pdf")
    file = desk.do(HANDLER, attach_file, command).id
    form = reader.as_(HANDLER).step_form(number, "reply")
    told = {"text": "已支付", "basis": "劳动法", "contact_way": "phone", "outcome": "settlement"}
    sent = reader.send(form, **told, recovered="356,000", helped="12", evidence=[str(file)])
    assert sent.status_code == 303, seen(sent)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    page = seen(reader.as_("supervisor1").get(f"{CONSOLE}/reports/outcomes"))
    assert number in page
    assert "1 件,追回 356,000 元(其中未核实 0 元),帮助 12 人" in page
    assert "有附件证明" in page
    assert number in reader.get(f"{CONSOLE}/reports/outcomes.csv").text
