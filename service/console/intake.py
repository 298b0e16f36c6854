"""Taking a call down: the intake form, and the number and query code to tell the caller."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from service.api.deps import NotPermitted
from service.api.errors import Problem
from service.api.schemas import actions
from service.api.schemas.tickets import TicketCreate
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_categories, of_unions, of_words, values_of
from service.console.ticketpage import number_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.ids import new_correlation_id
from service.core.unit import Unit
from service.identity.errors import NotLoggedIn
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.intake import AcceptTicket, RegisterTicket, accept_ticket, register_ticket
from service.tickets.queries import ticket_view
from service.tickets.taxonomy import leaves
from service.tickets.tracking import code_to_tell
from sla_rules import Tier

_MATTER = (
    Field(
        name="channel",
        label="field.channel",
        kind="choice",
        required=True,
        value="phone",
        options=of_words(words.CHANNELS),
    ),
    Field(name="kind", label="field.kind", kind="choice", required=True, options=of_words(words.KINDS)),
    Field(name="title", label="field.title", required=True, hint="hint.title"),
    Field(name="body", label="field.body", kind="text", required=True, longest=20_000),
    Field(name="category_code", label="field.category", kind="choice", required=True, hint="hint.category"),
    Field(name="place_code", label="field.place", kind="choice", required=True),
    Field(name="employer", label="field.employer"),
    Field(name="people_count", label="field.people", kind="number", value="1", least=1, hint="hint.people"),
    Field(name="amount_owed", label="field.amount", kind="money"),
)
_CALLER = (
    Field(name="phone", label="field.phone", kind="phone", longest=30),
    Field(name="caller_name", label="field.caller_name", longest=100),
    Field(name="anonymous", label="field.anonymous", kind="check", hint="hint.anonymous"),
    Field(name="identity_hidden", label="field.identity_hidden", kind="check", hint="hint.identity_hidden"),
    Field(name="urgent", label="field.urgent", kind="check", hint="hint.urgent"),
)
_ACCEPTING = (
    Field(name="tier", label="field.tier", kind="choice", optional_choice="choice.suggested_tier"),
    Field(name="tier_reason", label="field.tier_reason", longest=2_000, hint="hint.tier_reason"),
)
_FIELDS = (*_MATTER, *_CALLER, *_ACCEPTING)
_FIELDS_OF_ACCEPTING = frozenset(question.name for question in _ACCEPTING)


def show_intake(visit: Visit) -> Response:
    """The empty form."""
    return _form_page(visit, key=new_correlation_id())


def take_intake(visit: Visit) -> Response:
    """Register, and accept in the same transaction when the agent chose so.

    The hidden key makes a second press of the button the same registration, not another ticket.
    """
    typed = visit.typed
    accepting = bool(visit.value("accept"))
    try:
        matter, acceptance = _read(typed)
    except Wrong as wrong:
        return _form_page(visit, key=visit.value("key"), typed=typed, errors=wrong.errors, status=422)
    try:
        with visit.writing() as unit:
            key = visit.value("key")[:64] or None
            registered = register_ticket(unit, RegisterTicket(**matter, idempotency_key=key))
            number = registered.ticket.number
            if accepting and not registered.repeated:
                tier = Tier(acceptance["tier"]) if acceptance["tier"] else None
                accept_ticket(unit, AcceptTicket(number=number, tier=tier, tier_reason=acceptance["tier_reason"]))
    except NotLoggedIn:
        raise
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _form_page(visit, key=visit.value("key"), typed=typed, problem=problem, status=problem.status)
    return visit.goto(f"/tickets/{number}/registered")


def show_registered(visit: Visit) -> Response:
    """Number and query code, big enough to be read aloud, for whoever took the call."""
    number = number_of(visit)
    with visit.reading(Permission.ticket_create) as unit:
        code = code_to_tell(unit, number)
        view = ticket_view(unit, number)
    return visit.page("registered.html", number=number, code=code, row=view.row)


def _read(typed: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The matter and the acceptance, both checked: all that is wrong is told at once."""
    values = values_of(_FIELDS, typed)
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
    return results[0], results[1]


def _form_page(
    visit: Visit,
    *,
    key: str,
    typed: Mapping[str, tuple[str, ...]] | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        if not unit.actor.may(Permission.ticket_create):
            raise NotPermitted(permission=Permission.ticket_create.value)
        parts = {
            name: Form(id="intake", fields=_completed(unit, fields), typed=typed, errors=errors or {})
            for name, fields in (("matter", _MATTER), ("caller", _CALLER), ("accepting", _ACCEPTING))
        }
    refusal = Bilingual(problem.zh, problem.en) if problem else None
    return visit.page("intake.html", status=status, key=key, refusal=refusal, errors=errors or {}, **parts)


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
