"""The worker's own way, page by page: submit, look up by a code sent to the phone, follow, add, urge, withdraw.

Whoever has shown that a matter is theirs carries a signed cookie for half an hour that names it and opens nothing
else. Being SameSite=Strict, it does not come along with a form of another site.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limited
from starlette.responses import Response

from service.api.errors import problem_of
from service.api.schemas.fields import Body, Code, Count, EmployerName, Flag, KindName, Name, Note, Phone, Yuan
from service.console import words
from service.console.filepage import taken_in
from service.console.forms import Field, Form, Option, OptionGroup, Wrong, checked, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError, NotFound
from service.core.unit import SYSTEM, WORKER, Unit
from service.org.tree import org_tree
from service.ratings.recording import rating_path
from service.tickets.attachments import AttachFile
from service.tickets.intake import RegisterTicket
from service.tickets.models import UNKNOWABLE, Ticket
from service.tickets.states import State
from service.tickets.taxonomy import leaves
from service.tickets.tracking import folded_number
from service.tickets.worker_codes import ask_for_code, phone_digits, tickets_by_code
from service.tickets.worker_way import (
    add_material,
    progress_of,
    submit_matter,
    urge_by_worker,
    withdraw_matter,
)

OWN_COOKIE, FRESH_COOKIE = "hotline_worker", "hotline_fresh"
STAYS = timedelta(minutes=30)
SHOWN_ONCE = timedelta(minutes=10)
_TITLE = 40
_HOUR, _DAY = 3600, 86_400

_NEXT: dict[State, Bilingual] = {
    State.registered: Bilingual(
        "热线中心会查看并决定是否受理。", "The hotline looks at it and says whether it takes it."
    ),
    State.accepted: Bilingual("热线中心会转给负责的工会。", "The hotline passes it to the union in charge."),
    State.to_sign: Bilingual("工会接收后会联系您。", "The union takes it up and then contacts you."),
    State.in_progress: Bilingual("工会会联系您,并在期限前给出结果。", "The union contacts you and answers in time."),
    State.replied: Bilingual("审核后,热线中心会打电话回访您。", "After the check the hotline calls you."),
    State.to_callback: Bilingual(
        "热线中心会打电话回访您,您也可以直接评价。", "The hotline calls you; or rate it here."
    ),
}


class NotYours(NotFound):
    zh = "请先用工单号和查询码,或手机验证码查询。页面打开 30 分钟后须重新查询。"
    en = "Please look the matter up first, by number and code or by a code sent to your phone (every 30 minutes)."


class CodeWrong(NotFound):
    """Wrong, old, used up, or for a number without tickets: the answer is the same on purpose."""

    zh = "验证码不正确或已过期。没有收到短信的,可能该号码没有登记过事项,请用工单号和查询码查询或拨打 12351。"
    en = "The code is wrong or too old. If no message came, the number may have no matter: call 12351."


class SubmitForm(BaseModel):
    """What a worker writes. The phone is needed: without it nobody could answer."""

    model_config = ConfigDict(extra="ignore")

    kind: KindName
    category_code: Code
    place_code: Code
    body: Body
    employer: EmployerName | None = None
    people_count: Count | None = None
    amount_owed: Yuan | None = None
    caller_name: Name | None = None
    phone: Phone
    identity_hidden: Flag = False
    consent: Flag = False


class MaterialForm(BaseModel):
    """Words that go with a file, or without one."""

    words: Note = ""


class WithdrawForm(BaseModel):
    """Why, if the worker likes to say."""

    reason: Note = Limited("")


_AGREE = Bilingual("请阅读并勾选同意,才能提交。", "Please read this and agree to it.")
_NOTHING = Bilingual("请写下要补充的情况,或选择文件。", "Write what you want to add, or choose a file.")


def show_submit(visit: Visit) -> Response:
    """The empty form."""
    return _submit_page(visit)


def take_submit(visit: Visit) -> Response:
    """Register it and show number and code, once."""
    application = visit.application
    with application.reading(WORKER, correlation_id=visit.correlation_id) as unit:
        fields = _questions(unit)
    try:
        given = checked(SubmitForm, values_of(fields, visit.typed))
        if not given.pop("consent"):
            raise Wrong({"consent": _AGREE})
        digits = phone_digits(given["phone"])
    except Wrong as wrong:
        return _submit_page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        return _submit_page(visit, refusal=error, status=problem_of(error).status)
    try:
        _limit(visit, "submit", _address(visit), limit=30, seconds=_HOUR)
        _limit(visit, "submit by phone", digits, limit=5, seconds=_DAY)
        command = RegisterTicket(**given, title=_title(given["body"]), channel="web", not_known=UNKNOWABLE)
        with application.unit(SYSTEM, correlation_id=visit.correlation_id) as unit:
            made = submit_matter(unit, command, form=visit.value("form") or secrets.token_hex())
            now = unit.now
    except HotlineError as error:
        return _submit_page(visit, refusal=error, status=problem_of(error).status)
    response = visit.goto("/registered")
    _keep(visit, response, (made.ticket_id,), now)
    token = _signer(visit, "fresh").dumps([made.number, made.query_code, int((now + SHOWN_ONCE).timestamp())])
    visit.remember_strictly(
        response, FRESH_COOKIE, str(token), path=visit.root, seconds=int(SHOWN_ONCE.total_seconds())
    )
    return response


def show_registered(visit: Visit) -> Response:
    """Number and code, this once; after that they are in the message."""
    try:
        cookie = visit.request.cookies.get(FRESH_COOKIE, "")[:1000]
        number, code, ends = _signer(visit, "fresh").loads(cookie)
    except (BadSignature, ValueError, TypeError):
        return visit.goto("/my")
    if visit.application.clock.now().timestamp() >= ends:
        return visit.goto("/my")
    response = visit.page("w_registered.html", number=number, code=code)
    response.delete_cookie(FRESH_COOKIE, path=visit.root, httponly=True, samesite="strict")
    return response


def show_code(visit: Visit) -> Response:
    """Asks for the phone."""
    return visit.page("w_code.html", phone="", sent=False, refusal=None)


def take_code(visit: Visit) -> Response:
    """Send a code, or take the one that was sent. Both answer alike whether or not the phone has tickets."""
    phone = visit.value("phone")
    entering = bool(visit.value("code").strip())
    try:
        digits = phone_digits(phone)
        if not entering:
            _limit(visit, "code", _address(visit), limit=20, seconds=_HOUR)
            _limit(visit, "code to phone", digits, limit=5, seconds=_HOUR)
            with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
                ask_for_code(unit, phone)
            return visit.page("w_code.html", phone=phone, sent=True, refusal=None)
        _limit(visit, "code tried", _address(visit), limit=30, seconds=_HOUR)
        with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
            ids, now = tickets_by_code(unit, phone, visit.value("code")), unit.now
        if not ids:
            raise CodeWrong
    except HotlineError as error:
        status = problem_of(error).status
        return visit.page("w_code.html", status=status, phone=phone, sent=entering, refusal=_said(error))
    response = visit.goto("/my")
    _keep(visit, response, ids, now)
    return response


def show_own(visit: Visit) -> Response:
    """The matters this visit opens; a single one is shown at once."""
    with _reading(visit) as unit:
        numbers = [unit.session.get_one(Ticket, id_).number for id_ in own_ids(visit, unit.now)]
    if not numbers:
        raise NotYours
    if len(numbers) == 1:
        return visit.goto(f"/my/{numbers[0]}")
    return visit.page("w_mine.html", numbers=numbers)


def show_matter(visit: Visit) -> Response:
    """What happened, who has it, until when, what comes next."""
    return _matter_page(visit)


def take_material(visit: Visit) -> Response:
    """Words, a file, or both."""
    try:
        text = checked(MaterialForm, {"words": visit.value("words")})["words"].strip()
        attached = visit.files.get("file")
        if not text and attached is None:
            raise Wrong({"words": _NOTHING})
    except Wrong as wrong:
        return _matter_page(visit, refusal=next(iter(wrong.errors.values())), status=422)
    with _reading(visit) as unit:
        ticket = _own_ticket(visit, unit)
    try:
        _limit(visit, "material", str(ticket.id), limit=40, seconds=_DAY)
        file = None
        if attached is not None:
            taken = taken_in(visit, attached)
            file = AttachFile(number=ticket.number, file=taken.file, name=taken.name)
        with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
            add_material(unit, ticket.id, words=text, file=file, pieces=visit.typed.get("pieces", ()))
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}", done="added")


def take_urge(visit: Visit) -> Response:
    """Urge, once a day."""
    with _reading(visit) as unit:
        ticket = _own_ticket(visit, unit)
    try:
        with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
            urge_by_worker(unit, ticket.id)
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}", done="urged")


def show_withdraw(visit: Visit) -> Response:
    """Asks whether the worker means it."""
    with _reading(visit) as unit:
        number = _own_ticket(visit, unit).number
    return visit.page("w_withdraw.html", number=number)


def take_withdraw(visit: Visit) -> Response:
    """Withdraw."""
    with _reading(visit) as unit:
        ticket = _own_ticket(visit, unit)
    try:
        reason = checked(WithdrawForm, {"reason": visit.value("reason")})["reason"].strip()
        with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
            withdraw_matter(unit, ticket.id, reason=reason)
    except Wrong as wrong:
        return _matter_page(visit, refusal=wrong.errors["reason"], status=422)
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}")


def limit_tracking(visit: Visit, number: str) -> None:
    """Tries at a number and its code: by address, and for each number whether or not there is such a ticket.

    Raises TooOften. With 37 bits in a code, sixty tries an hour find one in two hundred thousand years.
    """
    _limit(visit, "track", _address(visit), limit=60, seconds=600)
    _limit(
        visit,
        "track number",
        folded_number(number) or "none",
        limit=60 if folded_number(number) else 10_000,
        seconds=_HOUR,
    )


def keep_own(visit: Visit, response: Response, ticket_id: int) -> None:
    """Remember for half an hour that a matter is this visitor's."""
    _keep(visit, response, (ticket_id,), visit.application.clock.now())


def own_ids(visit: Visit, now: datetime) -> tuple[int, ...]:
    """The tickets that this visit opens; () without a valid cookie."""
    try:
        ids, ends = _signer(visit, "own").loads(visit.request.cookies.get(OWN_COOKIE, "")[:2000])
    except (BadSignature, ValueError, TypeError):
        return ()
    return tuple(ids) if now.timestamp() < ends else ()


def _matter_page(visit: Visit, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    with _reading(visit) as unit:
        ticket = _own_ticket(visit, unit)
        progress = progress_of(unit, ticket.id)
        facts: dict[str, Any] = {
            "progress": progress,
            "found": progress.now,
            "next_step": _NEXT.get(State(ticket.state)),
            "rating": rating_path(unit, ticket) if ticket.state == State.to_callback else None,
        }
    done = visit.query("done")
    words_ = visit.value("words") if status != 200 else ""
    pieces = visit.typed.get("pieces", ()) if status != 200 else ()
    return visit.page(
        "w_matter.html",
        status=status,
        refusal=refusal,
        done=done if not refusal else "",
        words=words_,
        pieces=pieces,
        **facts,
    )


def _own_ticket(visit: Visit, unit: Unit) -> Ticket:
    """The ticket of the address, if this visit opens it. Raises NotYours, also for one that is not there."""
    number = str(visit.request.path_params["number"])
    for id_ in own_ids(visit, unit.now):
        ticket = unit.session.get(Ticket, id_)
        if ticket is not None and ticket.number == number:
            return ticket
    raise NotYours


def _submit_page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: HotlineError | None = None,
    status: int = 200,
) -> Response:
    with _reading(visit) as unit:
        fields = _questions(unit)
    typed = visit.typed if visit.request.method == "POST" else None
    form = Form(id="submit", fields=fields, typed=typed, errors=errors or {})
    key = visit.value("form") or secrets.token_hex(16)
    return visit.page("w_submit.html", status=status, form=form, key=key, refusal=_said(refusal) if refusal else None)


def _questions(unit: Unit) -> tuple[Field, ...]:
    groups: dict[str, tuple[Bilingual, list[Option]]] = {}
    for leaf in leaves(unit.session).values():
        groups.setdefault(leaf.group.zh, (leaf.group, []))[1].append(Option(leaf.code, leaf.name))
    categories = tuple(OptionGroup(name, tuple(options)) for name, options in groups.values())
    return (
        Field(name="body", label="question.way_body", kind="text", required=True, longest=5000, hint="hint.way_body"),
        Field(name="kind", label="question.way_kind", kind="choice", required=True, options=of_words(words.KINDS)),
        Field(name="category_code", label="question.way_category", kind="choice", required=True, options=categories),
        Field(
            name="place_code",
            label="question.way_place",
            kind="choice",
            required=True,
            options=of_unions(org_tree(unit.session), without_province=True),
        ),
        Field(name="employer", label="question.way_employer"),
        Field(name="people_count", label="question.way_people", kind="number", least=1, most=1_000_000),
        Field(name="amount_owed", label="question.way_amount", kind="money"),
        Field(name="caller_name", label="question.way_name", longest=100),
        Field(name="phone", label="question.way_phone", kind="phone", required=True, longest=30, hint="hint.way_phone"),
        Field(name="identity_hidden", label="question.way_hidden", kind="check"),
        Field(name="consent", label="question.way_consent", kind="check"),
    )


def _title(body: str) -> str:
    first = " ".join(body.split())
    return first if len(first) <= _TITLE else first[: _TITLE - 1] + "…"


def _keep(visit: Visit, response: Response, ids: tuple[int, ...], now: datetime) -> None:
    token = _signer(visit, "own").dumps([list(ids), int((now + STAYS).timestamp())])
    visit.remember_strictly(response, OWN_COOKIE, str(token), path=visit.root, seconds=int(STAYS.total_seconds()))


def _signer(visit: Visit, purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(visit.application.vault.link_key, salt=f"worker {purpose}")


def _reading(visit: Visit) -> Any:
    return visit.application.reading(WORKER, correlation_id=visit.correlation_id)


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""


def _limit(visit: Visit, what: str, who: str, *, limit: int, seconds: int) -> None:
    application = visit.application
    application.limiter.check(what, who, limit=limit, seconds=seconds, now=application.clock.now())


def _said(error: HotlineError) -> Bilingual:
    problem = problem_of(error)
    return Bilingual(problem.zh, problem.en)
