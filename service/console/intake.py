"""Taking a call down: the intake form in the order one hears it, the help beside it, and drafts.

Everything works by forms alone; with a script the help follows the typing and a draft is kept by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.responses import Response

from service.api.errors import Problem
from service.api.schemas import actions
from service.api.schemas.tickets import TicketCreate
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_categories, of_unions, of_words, values_of
from service.console.ticketpage import number_of
from service.console.visit import Visit
from service.core.crypto import digits_only
from service.core.errors import Bilingual, HotlineError
from service.core.ids import TICKET_NUMBER, new_correlation_id
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import org_tree
from service.tickets.assist import AskAssist, Assistance, assist
from service.tickets.drafts import Draft, SaveDraft, discard_draft, draft_of_mine, drafts_of_mine, save_draft
from service.tickets.employers import FindEmployers, find_employers
from service.tickets.errors import FIELD_NAMES, RequiredFieldsMissing
from service.tickets.intake import AcceptTicket, RegisterTicket, accept_ticket, register_ticket
from service.tickets.queries import ticket_view
from service.tickets.taxonomy import leaves
from service.tickets.tracking import code_to_tell
from sla_rules import Tier

# What a script of ours sends with its requests: it wants the part of the page it asked for, and nothing else.
PART = "x-part"
_DRAFT_LABEL = 30

_CALLER = (
    Field(name="phone", label="field.phone", kind="phone", longest=30),
    Field(name="caller_name", label="field.caller_name", longest=100),
    Field(
        name="channel",
        label="field.channel",
        kind="choice",
        required=True,
        value="phone",
        options=of_words(words.CHANNELS),
    ),
    Field(name="anonymous", label="field.anonymous", kind="check", hint="hint.anonymous"),
    Field(
        name="confidentiality",
        label="field.confidentiality",
        kind="radio",
        required=True,
        value="open",
        options=of_words(words.CONFIDENTIALITY_OFFERED),
    ),
)
_STORY = (
    Field(name="body", label="field.body", kind="text", required=True, longest=20_000),
    Field(name="urgent", label="field.urgent", kind="check", hint="hint.urgent"),
)
_WHERE = (
    Field(name="employer", label="field.employer", offers="employer-names"),
    Field(name="place_code", label="field.place", kind="choice", required=True),
    Field(name="kind", label="field.kind", kind="choice", required=True, options=of_words(words.KINDS)),
    Field(name="category_code", label="field.category", kind="choice", required=True, hint="hint.category"),
)
_EXTENT = (
    Field(name="people_count", label="field.people", kind="number", least=1, hint="hint.people"),
    Field(name="amount_owed", label="field.amount", kind="money"),
    Field(
        name="not_known",
        label="field.not_known",
        kind="checks",
        options=of_words(words.NOT_KNOWN),
        hint="hint.not_known",
    ),
    Field(
        name="other_channels",
        label="field.other_channels",
        kind="checks",
        options=of_words(words.OTHER_CHANNELS),
        hint="hint.other_channels",
    ),
)
_WORKER = (
    Field(name="id_number", label="field.id_number", longest=40, hint="hint.id_number"),
    Field(name="address", label="field.address", longest=200, hint="hint.id_number"),
    Field(
        name="membership",
        label="field.membership",
        kind="choice",
        options=of_words(words.MEMBERSHIPS),
        optional_choice="choice.not_asked",
    ),
    Field(
        name="identity_group",
        label="field.identity_group",
        kind="choice",
        options=of_words(words.IDENTITY_GROUPS),
        optional_choice="choice.not_asked",
    ),
    Field(
        name="contact_way",
        label="field.contact_way",
        kind="choice",
        options=of_words(words.WAYS),
        optional_choice="choice.not_asked",
    ),
    Field(
        name="contact_time",
        label="field.contact_time",
        kind="choice",
        options=of_words(words.CONTACT_TIMES),
        optional_choice="choice.not_asked",
    ),
)
_TITLE = (Field(name="title", label="field.title", hint="hint.made_title"),)
_ACCEPTING = (
    Field(name="tier", label="field.tier", kind="choice", optional_choice="choice.suggested_tier"),
    Field(name="tier_reason", label="field.tier_reason", longest=2_000, hint="hint.tier_reason"),
)
_PARTS = {
    "caller": _CALLER,
    "story": _STORY,
    "where": _WHERE,
    "extent": _EXTENT,
    "worker": _WORKER,
    "heading": _TITLE,
    "accepting": _ACCEPTING,
}
_FIELDS = tuple(question for part in _PARTS.values() for question in part)
_FIELDS_OF_ACCEPTING = frozenset(question.name for question in _ACCEPTING)
# Chosen beside the form, not asked in it.
_SAME_AS = "same_as"
_FOLLOWS = "follows"
_KEPT = (*(question.name for question in _FIELDS), _SAME_AS, _FOLLOWS)
# What stands in an empty form.
_FROM_THE_BEGINNING = frozenset({"channel", "confidentiality"})
_STILL_NEEDED = Bilingual("此类诉求必填;问过仍不清楚的,请选“来电人说不清”", "needed for this category, or not known")

Typed = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A draft in the list: enough to know it again, for the one who typed it."""

    key: str
    title: str
    last4: str
    saved_at: datetime

    @classmethod
    def of(cls, draft: Draft) -> "DraftLine":
        """The title, else the beginning of the story, and the end of the number."""
        title = draft.first("title") or draft.first("body")
        return cls(
            key=draft.key,
            title=title[:_DRAFT_LABEL],
            last4=digits_only(draft.first("phone"))[-4:],
            saved_at=draft.saved_at,
        )


def show_intake(visit: Visit) -> Response:
    """The empty form, or a draft to go on with."""
    key = visit.query("draft")
    if not key:
        return _form_page(visit, key=new_correlation_id(), follows=visit.query(_FOLLOWS))
    with visit.reading() as unit:
        draft = draft_of_mine(unit, key)
    return _form_page(visit, key=draft.key, typed=draft.fields, kept=bool(visit.query("kept")))


def take_intake(visit: Visit) -> Response:
    """Register, and accept in the same transaction when the agent chose so.

    The hidden key makes a second press of the button the same registration, not another ticket.
    """
    accepting = bool(visit.value("accept"))
    with visit.reading() as unit:
        title = _made_title(unit, visit.typed)
    try:
        matter, acceptance = _read(visit.typed, title=title)
    except Wrong as wrong:
        return _form_page(visit, key=visit.value("key"), typed=visit.typed, errors=wrong.errors, status=422)
    try:
        with visit.writing() as unit:
            key = visit.value("key")[:64] or None
            registered = register_ticket(unit, RegisterTicket(**matter, idempotency_key=key, draft=key))
            number = registered.ticket.number
            if accepting and not registered.repeated:
                tier = Tier(acceptance["tier"]) if acceptance["tier"] else None
                accept_ticket(unit, AcceptTicket(number=number, tier=tier, tier_reason=acceptance["tier_reason"]))
    except RequiredFieldsMissing as missing:
        errors = dict.fromkeys(missing.fields, _STILL_NEEDED)
        return _form_page(visit, key=visit.value("key"), typed=visit.typed, errors=errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _form_page(visit, key=visit.value("key"), typed=visit.typed, problem=problem, status=problem.status)
    return visit.goto(f"/tickets/{number}/registered")


def show_assist(visit: Visit) -> Response:
    """The help for what stands in the form: for a script the help alone, else the whole page with it."""
    if PART not in visit.request.headers:
        return _form_page(visit, key=visit.value("key"), typed=visit.typed)
    with visit.reading() as unit:
        found = _assistance(unit, visit.typed)
    return visit.page("assist.html", found=found, same_as=visit.typed.get(_SAME_AS, ()))


def take_draft(visit: Visit) -> Response:
    """Keep what stands in the form. A script is told nothing but that it is done."""
    key, begun = visit.value("key"), _anything(visit.typed)
    fields = {name: visit.typed.get(name, ()) for name in _KEPT} if begun else {}
    with visit.writing() as unit:
        save_draft(unit, SaveDraft(key=key, fields=fields))
    if PART in visit.request.headers:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return visit.goto("/tickets/new", draft=key, kept="1") if begun else visit.goto("/tickets/new")


def take_draft_away(visit: Visit) -> Response:
    """Throw a draft away."""
    with visit.writing() as unit:
        discard_draft(unit, visit.value("key"))
    return visit.goto("/tickets/new")


def show_employer_names(visit: Visit) -> Response:
    """Employers of the register that what was typed may mean, for the list below the field."""
    with visit.reading() as unit:
        part = visit.value("employer").strip()
        found = find_employers(unit, FindEmployers(part=part)) if part else []
    return visit.page("employer_names.html", found=found)


def show_registered(visit: Visit) -> Response:
    """Number and query code, big enough to be read aloud, for whoever took the call."""
    number = number_of(visit)
    with visit.reading() as unit:
        code = code_to_tell(unit, number)
        view = ticket_view(unit, number)
    return visit.page("registered.html", number=number, code=code, row=view.row)


def _made_title(unit: Unit, typed: Typed) -> str:
    """What a matter is called by an agent who has no hand free: where and what ("格尔木市:拖欠工资"), never the
    employer."""
    place, leaf = (next(iter(typed.get(name, ())), "") for name in ("place_code", "category_code"))
    tree, taxonomy = org_tree(unit.session), leaves(unit.session)
    if place not in tree or leaf not in taxonomy:
        return ""
    return f"{tree.get(place).name_zh}:{taxonomy[leaf].name.zh}"


def _read(typed: Typed, *, title: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The matter and the acceptance, both checked: all that is wrong is told at once. `title` stands in for none."""
    values = values_of(_FIELDS, typed)
    values.setdefault("title", title)
    values[_SAME_AS] = tuple(number for number in typed.get(_SAME_AS, ()) if TICKET_NUMBER.match(number))
    for number in typed.get(_FOLLOWS, ())[:1]:
        values[_FOLLOWS] = number
    errors: dict[str, Bilingual] = {}
    results: list[dict[str, Any]] = []
    for model, names in (
        (TicketCreate, values.keys() - _FIELDS_OF_ACCEPTING),
        (actions.Accept, values.keys() & _FIELDS_OF_ACCEPTING),
    ):
        try:
            results.append(checked(model, {name: values[name] for name in names}))
        except Wrong as wrong:
            errors |= wrong.errors
    if errors:
        raise Wrong(errors)
    results[0].pop("draft", None)
    return results[0], results[1]


def _form_page(
    visit: Visit,
    *,
    key: str,
    typed: Typed | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    problem: Problem | None = None,
    kept: bool = False,
    follows: str = "",
    status: int = 200,
) -> Response:
    follows = next(iter((typed or {}).get(_FOLLOWS, ())), follows)
    with visit.reading() as unit:
        parts = {
            name: Form(id="intake", fields=_completed(unit, fields), typed=typed, errors=errors or {})
            for name, fields in _PARTS.items()
        }
        found = _assistance(unit, typed or {})
        drafts = [DraftLine.of(draft) for draft in drafts_of_mine(unit) if draft.key != key]
    refusal = problem.words if problem else None
    return visit.page(
        "intake.html",
        status=status,
        key=key,
        refusal=refusal,
        errors=errors or {},
        parts=parts,
        found=found,
        same_as=(typed or {}).get(_SAME_AS, ()),
        follows=follows if TICKET_NUMBER.match(follows) else "",
        drafts=drafts,
        kept=kept,
    )


def _completed(unit: Unit, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The choices that come from tables."""
    tiers = {code: name for code, name in words.TIERS.items() if code}
    choices = {
        "category_code": lambda: of_categories(leaves(unit.session), tiers),
        "place_code": lambda: of_unions(org_tree(unit.session)),
        "tier": lambda: of_words(tiers),
    }
    return tuple(
        replace(question, options=choices[question.name]()) if question.name in choices else question
        for question in fields
    )


def _anything(typed: Typed) -> bool:
    """Whether somebody began to fill the form in."""
    return any(text.strip() for name in _KEPT if name not in _FROM_THE_BEGINNING for text in typed.get(name, ()))


def _assistance(unit: Unit, typed: Typed) -> Assistance | None:
    """The help for a form half filled in: what can't be read yet is left out. None before anything was typed."""
    if unit.actor.org_code != PROVINCE_CODE or not _anything(typed):
        return None
    said = {name: texts[0].strip() for name, texts in typed.items() if texts}
    people = said.get("people_count", "")
    return assist(
        unit,
        AskAssist(
            phone=said.get("phone", "")[:30],
            employer=said.get("employer", "")[:200],
            category_code=_known(said.get("category_code", ""), leaves(unit.session)),
            place_code=_known(said.get("place_code", ""), org_tree(unit.session)),
            text=f"{said.get('title', '')}\n{said.get('body', '')}"[:20_000],
            kind=said.get("kind", ""),
            channel=said.get("channel", ""),
            people_count=int(people) if people.isascii() and people.isdecimal() and len(people) < 8 else None,
            filled=tuple(name for name in FIELD_NAMES if said.get(name)) + typed.get("not_known", ()),
        ),
    )


def _known(code: str, codes: Any) -> str:
    return code if code in codes else ""
