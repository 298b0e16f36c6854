"""The worker's own way: submit, follow in plain words, add, urge, withdraw, rate, without an account.

The same door as the worker's pages: the same use-cases, limits and answers. A wrong number and a wrong code look alike.
"""

from typing import Annotated, Any

from fastapi import Body, Depends, File, Form, Header, Path, Request, Response, UploadFile
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from service.api.deps import answer
from service.api.documentation import both, refusals
from service.api.errors import correlation_id_of
from service.api.routers import room
from service.api.schemas.fields import A_TICKET_NUMBER, Note
from service.api.schemas.worker import (
    Pieces,
    ProgressOut,
    WorkerAccess,
    WorkerAnswers,
    WorkerByCode,
    WorkerByNumber,
    WorkerCodeSent,
    WorkerPhone,
    WorkerSubmit,
    WorkerSubmitted,
    WorkerWithdraw,
    WorkerWords,
)
from service.api.worker_door import WorkerDoor
from service.core.errors import Malformed, Unauthenticated
from service.core.unit import Unit
from service.ratings.recording import DISSATISFIED, Answers, RateByLink, rate_by_link, rating_token
from service.tickets.attachments import keep_file
from service.tickets.models import Ticket
from service.tickets.tracking import TrackTicket
from service.tickets.worker_way import progress_of, urge_by_worker, withdraw_matter

router = room("worker", "/worker")

_OPEN = refusals(400, 404, 413, 415, 422, 429, 503)
_OWN = refusals(401, 404, 422, 503)
_STEP = refusals(400, 401, 404, 409, 413, 415, 422, 429, 503)


class AgreementMissing(Malformed):
    zh = "请阅读个人信息告知并同意(consent 为 true),才能提交。"
    en = "Please read what is kept of you and agree to it (consent true)."


class WorkerAccessMissing(Unauthenticated):
    """No token, an old one, or one that is not ours."""

    zh = "请先用工单号和查询码,或手机验证码查询;凭证 30 分钟内有效。"
    en = "Look the matter up first, by number and code or by a code sent to the phone; the token lasts 30 minutes."


def _door(request: Request) -> WorkerDoor:
    return WorkerDoor(
        application=request.app.state.application,
        address=request.client.host if request.client else "",
        correlation_id=correlation_id_of(request.scope),
    )


async def _door_of(request: Request) -> WorkerDoor:
    return _door(request)


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="worker",
    description="职工凭证 / A worker's token, from POST /api/v1/worker/access/number or …/phone",
)


class _Own:
    """A request of somebody who has shown what is theirs."""

    def __init__(self, door: WorkerDoor, token: str) -> None:
        self.door = door
        self.token = token

    def ticket(self, unit: Unit, number: str) -> Ticket:
        """The matter. Raises WorkerAccessMissing, NotYours."""
        if not self.door.opened(self.token, unit.now):
            raise WorkerAccessMissing
        return self.door.own(unit, self.token, number)

    def find(self, number: str) -> Ticket:
        with self.door.reading() as unit:
            return self.ticket(unit, number)

    def progress(self, number: str) -> Response:
        with self.door.reading() as unit:
            return answer(ProgressOut.of(progress_of(unit, self.ticket(unit, number).id)))


async def _own_of(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> _Own:
    door = _door(request)
    token = credentials.credentials if credentials else ""
    if not door.opened(token, door.application.clock.now()):
        raise WorkerAccessMissing
    return _Own(door, token)


Door = Annotated[WorkerDoor, Depends(_door_of)]
Own = Annotated[_Own, Depends(_own_of)]
Matter = Annotated[str, Path(max_length=40, description="工单号 / Ticket number", examples=[A_TICKET_NUMBER])]

SUBMIT_EXAMPLES = {
    "wages": {
        "summary": "拖欠工资 / Unpaid wages",
        "value": {
            "kind": "complaint",
            "category_code": "0101",
            "place_code": "632801",
            "body": "在工地干了三个月,工资一直没有发。",
            "employer": "某建筑公司",
            "people_count": 12,
            "amount_owed": 356000,
            "caller_name": "马小明",
            "phone": "138 9700 1234",
            "consent": True,
        },
    }
}
CODE_EXAMPLES = {"phone": {"summary": "要验证码 / Ask for a code", "value": {"phone": "138 9700 1234"}}}
NUMBER_EXAMPLES = {
    "number": {
        "summary": "短信中的工单号和查询码 / As in the message",
        "value": {"number": A_TICKET_NUMBER, "query_code": "ABCD 2345"},
    }
}
PHONE_EXAMPLES = {
    "phone": {"summary": "短信验证码 / The code of the message", "value": {"phone": "13897001234", "code": "123456"}}
}
WORDS_EXAMPLES = {"words": {"summary": "补充情况 / Something more", "value": {"words": "工资条找到了,明天寄出"}}}
WITHDRAW_EXAMPLES = {"settled": {"summary": "已解决 / Settled", "value": {"reason": "单位已经补发工资"}}}
RATE_EXAMPLES = {
    "satisfied": {
        "summary": "满意 / Satisfied",
        "value": {"contacted": True, "resolved": True, "satisfaction": 5, "comment": "谢谢工会"},
    },
    "late": {
        "summary": "不满意须选原因 / Why is asked of the dissatisfied",
        "value": {"contacted": True, "resolved": False, "satisfaction": 2, "reason": "late"},
    },
}
_FORM: dict[str, Any] = {
    "requestBody": {"content": {"multipart/form-data": {"example": {"file": "(工资条.pdf)", "words": "五月的工资条"}}}}
}
FormKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x20-\x7e]{8,200}$",
        description="同一键重复提交只登记一件 / The same key twice is one matter",
    ),
]


@router.post(
    "/matters",
    status_code=201,
    name="worker_submit",
    summary=both("职工提交诉求", "Submit a matter"),
    response_model=WorkerSubmitted,
    responses=_OPEN,
)
def submit(
    door: Door,
    body: Annotated[WorkerSubmit, Body(openapi_examples=SUBMIT_EXAMPLES)],
    idempotency_key: FormKey = None,
) -> Response:
    """登记并返回工单号、查询码和凭证;工单号和查询码同时以短信发出。

    Registers it and answers with its number, query code and a token; number and code go to the phone as well.
    """
    given = dict(body)
    if not given.pop("consent"):
        raise AgreementMissing
    made = door.submit(given, form=f"api {idempotency_key}" if idempotency_key else "")
    access = door.token((made.ticket_id,))
    document = WorkerSubmitted(
        access_token=access, numbers=[made.number], number=made.number, query_code=made.query_code
    )
    return answer(document, status=201)


@router.post(
    "/codes",
    status_code=202,
    name="worker_code",
    summary=both("发送短信验证码", "Send a code by SMS"),
    response_model=WorkerCodeSent,
    responses=_OPEN,
)
def send_code(door: Door, body: Annotated[WorkerPhone, Body(openapi_examples=CODE_EXAMPLES)]) -> Response:
    """该号码是否登记过事项,回答都一样;验证码 10 分钟内有效,可试 5 次。

    The answer is the same whether or not the phone has a matter. A code lasts ten minutes and five tries.
    """
    door.send_code(body.phone)
    return answer(WorkerCodeSent(), status=202)


@router.post(
    "/access/number",
    name="worker_access_number",
    summary=both("凭工单号和查询码查询", "Look up by number and query code"),
    response_model=WorkerAccess,
    responses=_OPEN,
)
def by_number(door: Door, body: Annotated[WorkerByNumber, Body(openapi_examples=NUMBER_EXAMPLES)]) -> Response:
    """换取 30 分钟内有效的凭证。工单号不对和查询码不对,回答都一样。

    Gives a token for half an hour. A wrong number and a wrong code get the same answer.
    """
    found = door.look_up(TrackTicket(number=body.number, query_code=body.query_code))
    return _access(door, (found.ticket_id,), [found.number])


@router.post(
    "/access/phone",
    name="worker_access_phone",
    summary=both("凭短信验证码查询", "Look up by a code sent to the phone"),
    response_model=WorkerAccess,
    responses=_OPEN,
)
def by_phone(door: Door, body: Annotated[WorkerByCode, Body(openapi_examples=PHONE_EXAMPLES)]) -> Response:
    """换取该号码名下事项的凭证,最近的在前。验证码错误、过期、已用过,回答都一样。

    Gives a token for the phone's matters, the newest first. Wrong, old and used codes get the same answer.
    """
    ids = door.by_code(body.phone, body.code)
    with door.reading() as unit:
        numbers = [unit.session.get_one(Ticket, id_).number for id_ in ids]
    return _access(door, ids, numbers)


@router.get(
    "/matters/{matter}",
    name="worker_matter",
    summary=both("办理进度", "Where a matter stands"),
    response_model=ProgressOut,
    responses=_OWN,
)
def progress(own: Own, matter: Matter) -> Response:
    """用平常话说明办到哪一步、在谁那里、何时之前、接下来如何;不含诉求内容和姓名。

    In plain words: how far it is, who has it, until when, what comes next. Nothing of the case and nobody's name.
    """
    return own.progress(matter)


@router.post(
    "/matters/{matter}/material",
    name="worker_add_words",
    summary=both("补充情况", "Add something in words"),
    response_model=ProgressOut,
    responses=_STEP,
)
def add_words(
    own: Own, matter: Matter, body: Annotated[WorkerWords, Body(openapi_examples=WORDS_EXAMPLES)]
) -> Response:
    """事项结束前可随时补充,承办工会即时收到提醒。/ Until the matter has ended; the union is told at once."""
    ticket = own.find(matter)
    own.door.may_add(ticket.id)
    own.door.add(ticket, words=body.words.strip(), file=None, pieces=body.pieces)
    return own.progress(matter)


@router.post(
    "/matters/{matter}/attachments",
    status_code=201,
    name="worker_add_file",
    summary=both("上传材料", "Send a file"),
    response_model=ProgressOut,
    responses=_STEP,
    openapi_extra=_FORM,
)
def add_file(
    own: Own,
    matter: Matter,
    file: Annotated[UploadFile, File(description="照片、PDF、Word、Excel、文本、录音、mp4 / the file")],
    words: Annotated[Note, Form(description="说明,可不填 / What it shows")] = "",
    pieces: Annotated[Pieces, Form(description="随此补上的材料 / Of what was asked for, what this is")] = (),
) -> Response:
    """类型按内容判定;默认上限 20 MB。/ The kind is told by the content; 20 MiB unless set otherwise."""
    ticket = own.find(matter)
    own.door.may_add(ticket.id)
    application = own.door.application
    kept = keep_file(application.files, file.file, most=application.settings.file_limit, scanner=application.scanner)
    own.door.add(ticket, words=words.strip(), file=kept, name=file.filename or "", pieces=pieces)
    response = own.progress(matter)
    response.status_code = 201
    return response


@router.post(
    "/matters/{matter}/urge",
    name="worker_urge",
    summary=both("职工催办", "Urge"),
    response_model=ProgressOut,
    responses=refusals(401, 404, 409, 422, 503),
)
def urge(own: Own, matter: Matter) -> Response:
    """24 小时内一次。/ Once in 24 hours."""
    ticket = own.find(matter)
    with own.door.writing() as unit:
        urge_by_worker(unit, ticket.id)
    return own.progress(matter)


@router.post(
    "/matters/{matter}/withdraw",
    name="worker_withdraw",
    summary=both("职工撤回", "Withdraw"),
    response_model=ProgressOut,
    responses=_STEP,
)
def withdraw(
    own: Own, matter: Matter, body: Annotated[WorkerWithdraw, Body(openapi_examples=WITHDRAW_EXAMPLES)]
) -> Response:
    """撤回后即结束,不能恢复。/ Ends the matter for good."""
    ticket = own.find(matter)
    with own.door.writing() as unit:
        withdraw_matter(unit, ticket.id, reason=body.reason.strip())
    return own.progress(matter)


@router.post(
    "/matters/{matter}/rating",
    name="worker_rate",
    summary=both("职工评价", "Rate"),
    response_model=ProgressOut,
    responses=_STEP,
)
def rate(own: Own, matter: Matter, body: Annotated[WorkerAnswers, Body(openapi_examples=RATE_EXAMPLES)]) -> Response:
    """每轮一次,重复提交以第一次为准。/ Once in each round; the first word stands."""
    ticket = own.find(matter)
    # Why is asked of the dissatisfied only, as on the page.
    given = dict(body) | ({"reason": None} if body.satisfaction > DISSATISFIED else {})
    with own.door.writing() as unit:
        rate_by_link(unit, RateByLink(token=rating_token(unit, ticket), answers=Answers(**given)))
    return own.progress(matter)


def _access(door: WorkerDoor, ids: tuple[int, ...], numbers: list[str]) -> Response:
    document = WorkerAccess(access_token=door.token(ids), numbers=numbers)
    return answer(document)
