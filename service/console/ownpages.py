"""The worker's own way, page by page: submit, look up by a code sent to the phone, follow, add, urge, withdraw.

Whoever has shown that a matter is theirs carries a signed cookie for half an hour that names it and opens nothing
else. Being SameSite=Strict, it does not come along with a form of another site.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel
from pydantic import Field as Limited
from starlette.responses import Response

from service.api.errors import problem_of
from service.api.schemas.fields import Note
from service.api.schemas.worker import WorkerSubmit
from service.api.worker_door import STAYS, NothingAdded, NotYours, WorkerDoor
from service.console import words
from service.console.filepage import taken_in
from service.console.forms import Field, Form, Option, OptionGroup, Wrong, checked, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.org.tree import org_tree
from service.ratings.recording import rating_path
from service.tickets.models import Ticket
from service.tickets.taxonomy import leaves
from service.tickets.worker_way import (
    progress_of,
    urge_by_worker,
    withdraw_matter,
)

OWN_COOKIE, FRESH_COOKIE = "hotline_worker", "hotline_fresh"
SHOWN_ONCE = timedelta(minutes=10)


class MaterialForm(BaseModel):
    """Words that go with a file, or without one."""

    words: Note = ""


class WithdrawForm(BaseModel):
    """Why, if the worker likes to say."""

    reason: Note = Limited("")


_AGREE = Bilingual("请阅读并勾选同意,才能提交。", "Please read this and agree to it.")


def show_submit(visit: Visit) -> Response:
    """The empty form."""
    return _submit_page(visit)


def take_submit(visit: Visit) -> Response:
    """Register it and show number and code, once."""
    with door_of(visit).reading() as unit:
        fields = _questions(unit)
    try:
        given = checked(WorkerSubmit, values_of(fields, visit.typed))
        if not given.pop("consent"):
            raise Wrong({"consent": _AGREE})
        made = door_of(visit).submit(given, form=visit.value("form"))
    except Wrong as wrong:
        return _submit_page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        return _submit_page(visit, refusal=error, status=problem_of(error).status)
    response = visit.goto("/registered")
    keep_own(visit, response, (made.ticket_id,))
    ends = visit.application.clock.now() + SHOWN_ONCE
    token = _signer(visit).dumps([made.number, made.query_code, int(ends.timestamp())])
    visit.remember_strictly(
        response, FRESH_COOKIE, str(token), path=visit.root, seconds=int(SHOWN_ONCE.total_seconds())
    )
    return response


def show_registered(visit: Visit) -> Response:
    """Number and code, this once; after that they are in the message."""
    try:
        cookie = visit.cookie(FRESH_COOKIE)[:1000]
        number, code, ends = _signer(visit).loads(cookie)
    except (BadSignature, ValueError, TypeError):
        return visit.goto("/my")
    if visit.application.clock.now().timestamp() >= ends:
        return visit.goto("/my")
    response = visit.page("w_registered.html", number=number, code=code)
    visit.forget(response, FRESH_COOKIE, path=visit.root)
    return response


def show_code(visit: Visit) -> Response:
    """Asks for the phone."""
    return visit.page("w_code.html", phone="", sent=False, refusal=None)


def take_code(visit: Visit) -> Response:
    """Send a code, or take the one that was sent. Both answer alike whether or not the phone has tickets."""
    phone, door = visit.value("phone"), door_of(visit)
    entering = bool(visit.value("code").strip())
    try:
        if not entering:
            door.send_code(phone)
            return visit.page("w_code.html", phone=phone, sent=True, refusal=None)
        ids = door.by_code(phone, visit.value("code"))
    except HotlineError as error:
        status = problem_of(error).status
        return visit.page("w_code.html", status=status, phone=phone, sent=entering, refusal=_said(error))
    response = visit.goto("/my")
    keep_own(visit, response, ids)
    return response


def show_own(visit: Visit) -> Response:
    """The matters this visit opens; a single one is shown at once."""
    with door_of(visit).reading() as unit:
        numbers = [unit.session.get_one(Ticket, id_).number for id_ in door_of(visit).opened(_token(visit), unit.now)]
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
    door, attached = door_of(visit), visit.files.get("file")
    try:
        words = checked(MaterialForm, {"words": visit.value("words")})["words"].strip()
    except Wrong as wrong:
        return _matter_page(visit, refusal=next(iter(wrong.errors.values())), status=422)
    with door.reading() as unit:
        ticket = _own_ticket(visit, unit)
    try:
        if not words and attached is None:
            raise NothingAdded
        door.may_add(ticket.id)
        taken = taken_in(visit, attached) if attached else None
        door.add(
            ticket,
            words=words,
            file=taken.file if taken else None,
            name=taken.name if taken else "",
            pieces=visit.typed.get("pieces", ()),
        )
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}", done="added")


def take_urge(visit: Visit) -> Response:
    """Urge, once a day."""
    with door_of(visit).reading() as unit:
        ticket = _own_ticket(visit, unit)
    try:
        with door_of(visit).writing() as unit:
            urge_by_worker(unit, ticket.id)
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}", done="urged")


def show_withdraw(visit: Visit) -> Response:
    """Asks whether the worker means it."""
    with door_of(visit).reading() as unit:
        number = _own_ticket(visit, unit).number
    return visit.page("w_withdraw.html", number=number)


def take_withdraw(visit: Visit) -> Response:
    """Withdraw."""
    with door_of(visit).reading() as unit:
        ticket = _own_ticket(visit, unit)
    try:
        reason = checked(WithdrawForm, {"reason": visit.value("reason")})["reason"].strip()
        with door_of(visit).writing() as unit:
            withdraw_matter(unit, ticket.id, reason=reason)
    except Wrong as wrong:
        return _matter_page(visit, refusal=wrong.errors["reason"], status=422)
    except HotlineError as error:
        return _matter_page(visit, refusal=_said(error), status=problem_of(error).status)
    return visit.goto(f"/my/{ticket.number}")


def door_of(visit: Visit) -> WorkerDoor:
    """The door this visit stands at."""
    address = visit.request.client.host if visit.request.client else ""
    return WorkerDoor(application=visit.application, address=address, correlation_id=visit.correlation_id)


def keep_own(visit: Visit, response: Response, ids: tuple[int, ...]) -> None:
    """Remember for half an hour that these matters are this visitor's."""
    token = door_of(visit).token(ids)
    visit.remember_strictly(response, OWN_COOKIE, token, path=visit.root, seconds=int(STAYS.total_seconds()))


def _matter_page(visit: Visit, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    with door_of(visit).reading() as unit:
        ticket = _own_ticket(visit, unit)
        progress = progress_of(unit, ticket.id)
        facts: dict[str, Any] = {
            "progress": progress,
            "found": progress.now,
            "rating": rating_path(unit, ticket) if progress.may_rate else None,
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
    return door_of(visit).own(unit, _token(visit), str(visit.request.path_params["number"]))


def _token(visit: Visit) -> str:
    return visit.cookie(OWN_COOKIE)


def _submit_page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: HotlineError | None = None,
    status: int = 200,
) -> Response:
    with door_of(visit).reading() as unit:
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
        Field(
            name="confidentiality",
            label="question.way_hidden",
            kind="radio",
            value="open",
            options=of_words(words.CONFIDENTIALITY_ASKED),
        ),
        Field(name="consent", label="question.way_consent", kind="check"),
    )


def _signer(visit: Visit) -> URLSafeSerializer:
    return URLSafeSerializer(visit.application.vault.link_keys, salt="worker fresh")


def _said(error: HotlineError) -> Bilingual:
    problem = problem_of(error)
    return Bilingual(problem.zh, problem.en)
