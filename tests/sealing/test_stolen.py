"""A stolen dump of the database, without the keys, tells nobody's name, phone, identity number or address, however it
is written there. Neither does what lies about a running service."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pypinyin import lazy_pinyin

from service.audit.chain import link_events
from service.backup.programs import program, run
from service.core.unit import WORKER
from service.reports.ticket_export import ExportTickets, export_tickets
from service.tickets.closing import AddNote, ReviewReply, add_note, approve_reply
from service.tickets.confidentiality import Confidentiality
from service.tickets.consulting import AnswerConsult, AskConsult, answer_consult, ask_consult
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.drafts import SaveDraft, save_draft
from service.tickets.finding import FindQuery
from service.tickets.materials import AskMaterial, ask_material
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.saved_views import KeepView, keep_view
from service.tickets.supervising import SuperviseTicket, supervise_ticket
from service.tickets.together import GroupTickets, group_tickets
from service.tickets.worker_codes import ask_for_code
from service.tickets.worker_way import add_material
from tests.desk import GOLMUD, Desk
from tests.history.helpers import take_in
from tests.tickets.test_attachments import attach

HANDLER = f"handler-{GOLMUD}"
NAME, PHONE, ID = "鄂稀奇", "13987651234", "630102199001011235"
HOME, TAIL = "青海省西宁市城西区昆仑路128号3单元", "昆仑路128号3单元"
OTHER_PHONE, OTHER_ID = "15297218888", "63012319850520301X"
OLD_NAME, OLD_PHONE = "祁罕见", "13639719999"
PDF = b"%PDF-1.7\n" + b"x" * 500
# In every way that somebody may write it. The surname, and a number's first and last digits, are what a mask shows.
TOLD = (
    f"我是{NAME}({NAME[0]} {NAME[1]} {NAME[2]}),电话{PHONE}、139-8765-1234、１３９８７６５１２３４,身份证{ID},"
    f"住{HOME}。包工头{OTHER_PHONE},证人{OTHER_ID[:6]} {OTHER_ID[6:14]} {OTHER_ID[14:]}"
)
SECRETS = [NAME, NAME[1:], PHONE, ID, TAIL, OTHER_PHONE, OTHER_ID, OLD_NAME, OLD_NAME[1:], OLD_PHONE]

MAPPING = """
format = 1
kind = "old_line"
keep = ["备注"]

[time]
formats = ["iso"]

[due]
by = "policy"

[fields]
number = { column = "编号" }
title = { column = "标题" }
body = { column = "内容" }
answer = { column = "备注" }
state = { value = "closed" }
kind = { value = "complaint" }
category = { value = "0101" }
place = { value = "632801" }
received_at = { column = "来电时间" }
closed_at = { column = "来电时间" }
phone = { column = "电话" }
caller_name = { column = "姓名" }
"""


def a_day_of_work(desk: Desk, folder: Path) -> None:
    """Everybody writes everything they know of the caller wherever they can write."""
    whole = {"caller_name": NAME, "phone": PHONE, "id_number": ID, "address": HOME}
    number = desk.in_progress(**whole, title=f"{NAME}反映欠薪", body=TOLD)
    hidden = desk.in_progress(**whole, title=f"{NAME}反映欠薪", body=TOLD, confidentiality=Confidentiality.from_unions)
    for each in (number, hidden):
        desk.do("agent1", add_note, AddNote(number=each, note=TOLD))
        desk.do(HANDLER, ask_consult, AskConsult(number=each, question=TOLD))
        desk.do("lawyer1", answer_consult, AnswerConsult(number=each, answer=TOLD))
        desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=each, note=TOLD))
        desk.do("agent1", reveal_caller, RevealCaller(number=each, reason=f"核实{NAME}{PHONE}"))
        attach(desk, HANDLER, each, PDF, f"{NAME}{PHONE}.pdf")
        due = desk.clock.now().date().replace(day=28)
        desk.do(HANDLER, ask_material, AskMaterial(number=each, pieces=(f"{NAME}的合同 {PHONE}",), due_on=due))
        with desk.application.unit(WORKER) as unit:
            add_material(unit, desk.ticket(each).id, words=TOLD, file=None)
        desk.do("supervisor1", recuse, RecusePerson(number=each, reason=f"与{NAME}相识", username="handler-632802"))
    desk.do("dispatcher1", group_tickets, GroupTickets(numbers=(number, hidden), title=f"{NAME} {PHONE}"))
    desk.reply(number, text=TOLD, basis=TOLD)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number, note=TOLD))
    desk.do("agent1", save_draft, SaveDraft(key="0" * 32, fields={name: (value,) for name, value in whole.items()}))
    desk.do("supervisor1", keep_view, KeepView(name=f"我的 {PHONE}", filters={"q": PHONE}))
    export = ExportTickets(query=FindQuery(q=PHONE), kind="csv", reason=f"核对{PHONE}")
    with desk.do("supervisor1", export_tickets, export).content as file:
        tells(file.read())
    file = folder / "old.csv"
    file.write_text(
        f"编号,标题,内容,备注,来电时间,电话,姓名\nA1,{OLD_NAME}欠薪,{OLD_NAME}来电{OLD_PHONE},"
        f"已告知{OLD_NAME} {OLD_PHONE},2024-01-08 09:00,{OLD_PHONE},{OLD_NAME}\n"
    )
    mapping = folder / "old.toml"
    mapping.write_text(MAPPING)
    assert take_in(desk.application, file, mapping).imported == 1
    with desk.application.unit() as unit:
        ask_for_code(unit, PHONE)
        link_events(unit, limit=10_000)


def written(secret: str) -> Iterator[bytes]:
    """The ways in which a secret may stand in a file."""
    for encoding in ("utf-8", "gb18030", "utf-16-le"):
        plain = secret.encode(encoding)
        yield plain
        yield plain.hex().encode()
        # In base64 a text begins at one of three places; the signs at its ends are shared with its neighbours.
        for before in range(3):
            coded = base64.b64encode(b"\0" * before + plain)
            yield coded[(0, 2, 3)[before] : len(coded) - 4]
    yield json.dumps(secret).strip('"').encode()
    if secret.isascii():
        yield secret[::-1].encode()
        yield secret[:-4].encode() if len(secret) > 12 else secret[:-4].encode() + b"****"
        for sign in " -.":
            yield f"{secret[:3]}{sign}{secret[3:7]}{sign}{secret[7:]}".encode()
            yield sign.join(secret).encode()
    else:
        pinyin = lazy_pinyin(secret)
        yield from (sign.join(secret).encode() for sign in " ·-")
        yield from ("".join(pinyin).encode(), " ".join(pinyin).encode(), "'".join(pinyin).encode())


def tells(content: bytes) -> None:
    """Raises AssertionError for what a thief would read."""
    lower = content.lower()
    for secret in SECRETS:
        for way in written(secret):
            place = lower.find(way.lower()) if len(way) > 5 else -1
            assert place < 0, f"{secret} as {way!r}: {content[max(0, place - 300) : place + 100]!r}"


@pytest.fixture
def worked(desk: Desk, tmp_path: Path) -> Desk:
    a_day_of_work(desk, tmp_path)
    return desk


def test_a_stolen_dump_tells_nothing(worked: Desk, tmp_path: Path) -> None:
    [(major,)] = worked.rows("select current_setting('server_version_num')::int / 10000")
    pg_dump, _ = program("pg_dump", major=major)
    dump = tmp_path / "stolen.sql"
    run(pg_dump, ["--format=plain", f"--file={dump}"], database_url=worked.application.settings.database_url)
    content = dump.read_bytes()

    assert "鄂**".encode() in content, "the day's work is in the dump"
    tells(content)


def test_the_search_finds_this_test_out() -> None:
    for secret in (NAME, PHONE, ID):
        for hiding in (
            secret.encode(),
            secret.encode().hex().encode(),
            base64.b64encode(b"xy" + secret.encode() + b"zzz"),
        ):
            with pytest.raises(AssertionError):
                tells(b"..." + hiding + b"...")


def test_what_lies_about_the_service_tells_nothing(worked: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    from prometheus_client import generate_latest

    store = redis.Redis.from_url(worked.application.settings.redis_url)
    keys = list(store.scan_iter())
    about = b"\n".join([*keys, *(store.dump(key) or b"" for key in keys), generate_latest()])
    tells(about)
    said = capfd.readouterr()
    tells((said.out + said.err).encode())
