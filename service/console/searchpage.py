"""Finding tickets: the form, what was found, the searches that are kept, and one step on many tickets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from service.api.routers.finding import MEDIA_TYPES, file_answer
from service.api.schemas.finding import BulkAssign, BulkDispatch, BulkExport, BulkUrge, Filters, FindParams, ViewBody
from service.console import words
from service.console.errors import problem_for
from service.console.forms import (
    YES_NO,
    Field,
    Form,
    Option,
    OptionGroup,
    Wrong,
    checked,
    of_categories,
    of_unions,
    of_words,
    values_of,
)
from service.console.queue import PAGE_LENGTH, QueueLine, lines_of
from service.console.stepforms import of_handlers
from service.console.visit import Visit
from service.core.clock import local
from service.core.errors import Bilingual, HotlineError
from service.core.ids import TICKET_NUMBER
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.reports.ticket_export import ExportTickets, export_tickets, export_with_callers
from service.tickets.bulk import (
    AssignTickets,
    DispatchTickets,
    Outcome,
    UrgeTickets,
    assign_tickets,
    dispatch_tickets,
    urge_tickets,
)
from service.tickets.finding import FoundPage, Hit, find_tickets
from service.tickets.saved_views import KeepView, forget_view, keep_view, saved_views
from service.tickets.taxonomy import leaves

HOME = "/search"

_ANY = "choice.any"
_FIELDS: tuple[Field, ...] = (
    Field(name="state", label="col.state", kind="choice", optional_choice=_ANY),
    Field(name="tier", label="field.tier", kind="choice", optional_choice=_ANY),
    Field(name="kind", label="field.kind", kind="choice", optional_choice=_ANY),
    Field(name="channel", label="field.channel", kind="choice", optional_choice=_ANY),
    Field(name="group", label="find.group", kind="choice", optional_choice=_ANY),
    Field(name="category", label="field.category", kind="choice", optional_choice=_ANY),
    Field(name="place", label="field.place", kind="choice", optional_choice=_ANY, hint="find.and_below"),
    Field(name="org", label="find.holder", kind="choice", optional_choice=_ANY, hint="find.and_below"),
    Field(name="employer", label="field.employer"),
    Field(name="number", label="find.number", longest=60, hint="find.number_hint"),
    Field(name="membership", label="field.membership", kind="choice", optional_choice=_ANY),
    Field(name="identity_group", label="field.identity_group", kind="choice", optional_choice=_ANY),
    Field(name="people_from", label="find.people_from", kind="number", least=1),
    Field(name="people_to", label="find.people_to", kind="number", least=1),
    Field(name="amount_from", label="find.amount_from", kind="money"),
    Field(name="amount_to", label="find.amount_to", kind="money"),
    Field(name="received_from", label="find.received_from", kind="moment"),
    Field(name="received_to", label="find.received_to", kind="moment"),
    Field(name="due_from", label="find.due_from", kind="moment"),
    Field(name="due_to", label="find.due_to", kind="moment"),
    Field(name="ended_from", label="find.ended_from", kind="moment"),
    Field(name="ended_to", label="find.ended_to", kind="moment"),
    *(
        Field(name=name, label=label, kind="choice", options=YES_NO, optional_choice=_ANY)
        for name, label in (
            ("mine", "queue.mine"),
            ("late", "find.late"),
            ("urgent", "field.urgent"),
            ("suspended", "find.suspended"),
            ("collective", "find.collective"),
            ("anonymous", "field.anonymous"),
        )
    ),
)
_PHONE = Field(name="phone_last4", label="find.phone", longest=4)
_WORDS = Field(name="q", label="find.words")
_FLAGS = frozenset({"mine", "late", "urgent", "suspended", "collective", "anonymous"})
_SPOKEN_NUMBER = "QH12351-"


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line of the queue with the words marked and the place they were found at. `chosen` names the ticket and the
    version the reader saw, for the tick box."""

    line: QueueLine
    hit: Hit

    @property
    def chosen(self) -> str:
        """What a tick sends."""
        return f"{self.hit.row.number}:{self.hit.row.row_version}"


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A kept search as a link."""

    id: int
    name: str
    address: str
    shared: bool
    own: bool


def show_search(visit: Visit) -> Response:
    """What fits the form; a whole ticket number goes straight to the ticket."""
    asked = visit.query("q").upper()
    number = asked if asked.startswith(_SPOKEN_NUMBER) else _SPOKEN_NUMBER + asked
    if TICKET_NUMBER.match(number):
        return visit.goto(f"/tickets/{number}")
    return _page(visit)


def take_bulk(visit: Visit) -> Response:
    """Urge, dispatch or take away what was ticked, and say of each ticket what became of it."""
    step = _BULK.get(visit.value("action"))
    if step is None:
        return visit.goto(HOME)
    try:
        return step(visit)
    except Wrong as wrong:
        return _page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)


def take_view(visit: Visit) -> Response:
    """Keep the search of the form under a name, or forget one's own."""
    try:
        if forgotten := visit.value("forget"):
            with visit.writing() as unit:
                forget_view(unit, int(forgotten) if forgotten.isdecimal() and len(forgotten) < 10 else 0)
            return visit.goto(HOME)
        filters = _filters(visit.typed)
        body = checked(
            ViewBody,
            {"name": visit.value("name"), "filters": filters.to_document(), "shared": bool(visit.value("shared"))},
        )
        with visit.writing() as unit:
            keep_view(unit, KeepView(name=body["name"], filters=filters.to_document(), shared=body["shared"]))
    except Wrong as wrong:
        return _page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    return visit.goto(HOME, **filters_in_address(filters))


def filters_in_address(filters: Filters) -> dict[str, str]:
    """Filters as parameters of this page."""
    return {name: str(value).lower() if value in (True, False) and name in _FLAGS else str(value)
            for name, value in filters.to_document().items()}  # fmt: skip


def _urge(visit: Visit) -> Response:
    body = checked(BulkUrge, {"tickets": _ticked(visit), "note": visit.value("note")})
    with visit.writing() as unit:
        chosen = tuple(each.chosen() for each in body["tickets"])
        outcomes = urge_tickets(unit, UrgeTickets(tickets=chosen, note=body["note"]))
    return _results(visit, "find.urge", outcomes)


def _assign(visit: Visit) -> Response:
    values = {"tickets": _ticked(visit), "username": visit.value("username"), "note": visit.value("assign_note")}
    body = checked(BulkAssign, values)
    with visit.writing() as unit:
        chosen = tuple(each.chosen() for each in body["tickets"])
        command = AssignTickets(tickets=chosen, username=body["username"], note=body["note"])
        outcomes = assign_tickets(unit, command)
    return _results(visit, "find.assign", outcomes)


def _dispatch(visit: Visit) -> Response:
    values = {"tickets": _ticked(visit), "org_code": visit.value("org_code"), "note": visit.value("dispatch_note")}
    body = checked(BulkDispatch, values)
    with visit.writing() as unit:
        chosen = tuple(each.chosen() for each in body["tickets"])
        command = DispatchTickets(tickets=chosen, org_code=body["org_code"], note=body["note"])
        outcomes = dispatch_tickets(unit, command)
    return _results(visit, "find.dispatch", outcomes)


def _export(visit: Visit) -> Response:
    numbers = [each["number"] for each in _ticked(visit)]
    values = {"format": visit.value("format") or "xlsx", "reason": visit.value("reason"), "numbers": numbers}
    body = checked(BulkExport, values)
    command = ExportTickets(
        query=_filters(visit.typed).to_query(), kind=body["format"], reason=body["reason"], numbers=tuple(numbers)
    )
    with visit.writing() as unit:
        file = export_tickets(unit, command)
    return file_answer(file, MEDIA_TYPES[body["format"]])


def export_callers(visit: Visit) -> Response:
    """The ticked tickets, or all found, with who called."""
    numbers = [each["number"] for each in _ticked(visit)]
    values = {"format": visit.value("format") or "xlsx", "reason": visit.value("clear_reason"), "numbers": numbers}
    try:
        body = checked(BulkExport, values)
        command = ExportTickets(
            query=_filters(visit.typed).to_query(), kind=body["format"], reason=body["reason"], numbers=tuple(numbers)
        )
        with visit.writing() as unit:
            file = export_with_callers(unit, command)
    except Wrong as wrong:
        return _page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=Bilingual(problem.zh, problem.en), status=problem.status)
    return file_answer(file, MEDIA_TYPES[body["format"]])


_BULK: Mapping[str, Callable[[Visit], Response]] = {
    "urge": _urge, "assign": _assign, "dispatch": _dispatch, "export": _export,
}  # fmt: skip


def _ticked(visit: Visit) -> list[dict[str, Any]]:
    ticked = []
    for value in visit.typed.get("ticket", ()):
        number, _, version = value.partition(":")
        ticked.append(
            {"number": number, "version": int(version) if version.isdecimal() and len(version) < 10 else None}
        )
    return ticked


def _filters(given: Mapping[str, tuple[str, ...]]) -> Filters:
    """The form as filters. Raises Wrong."""
    values = values_of((_WORDS, _PHONE, *_FIELDS), given)
    for name in _FLAGS & given.keys():
        # A kept search writes true and false, the form yes and no.
        values[name] = {"true": True, "false": False}.get(given[name][0], values.get(name))
    sound = checked(Filters, {name: value for name, value in values.items() if value is not None})
    return Filters.model_construct(**sound)


def _page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    given = visit.typed or {name: (value,) for name, value in visit.request.query_params.items()}
    wrong = dict(errors or {})
    filters = Filters()
    try:
        filters = _filters(given)
    except Wrong as error:
        wrong, status = wrong | dict(error.errors), 422
    with visit.reading() as unit:
        page = FoundPage(hits=(), next_cursor=None)
        asked = any(filters.to_document().values()) or filters.to_document() != {}
        if asked and not wrong:
            cursor = checked(FindParams, {"cursor": visit.query("cursor") or None})["cursor"]
            page = find_tickets(unit, filters.to_query(limit=PAGE_LENGTH, cursor=cursor))
        lines = tuple(
            FoundLine(line, hit)
            for line, hit in zip(lines_of(unit, tuple(hit.row for hit in page.hits)), page.hits, strict=True)
        )
        fields = _completed(unit)
        views = tuple(
            ViewLink(
                id=view.id,
                name=view.name,
                address=f"{visit.root}{HOME}?{urlencode(filters_in_address(Filters.model_validate(view.filters)))}",
                shared=view.shared,
                own=view.own,
            )
            for view in saved_views(unit)
        )
        unions = of_unions(org_tree(unit.session), without_province=True)
        may = {
            "urge": unit.actor.may(Permission.ticket_urge),
            "assign": unit.actor.may(Permission.ticket_assign),
            "dispatch": unit.actor.may(Permission.ticket_dispatch),
            "export": unit.actor.may(Permission.ticket_export),
            "callers": unit.actor.may(Permission.ticket_export_clear),
        }
        colleagues = of_handlers(unit)
        now = unit.now
    typed = {name: (_typed(name, value),) for name, value in filters.to_document().items()} if not wrong else given
    return visit.page(
        "search.html",
        status=status,
        form=Form(id="find", fields=fields, typed=typed, errors=wrong),
        words=filters.q or visit.query("q"),
        narrowed=any(question.name in typed for question in fields),
        filters=filters_in_address(filters),
        asked=asked and not wrong,
        lines=lines,
        total=page.total,
        more=page.more,
        next_cursor=page.next_cursor,
        first_page=not visit.query("cursor"),
        views=views,
        unions=unions,
        colleagues=colleagues,
        may=may,
        errors=wrong,
        refusal=refusal,
        now=now,
    )


def _typed(name: str, value: Any) -> str:
    """A filter as the form shows it: moments in local time, flags as yes and no."""
    if name in _FLAGS:
        return "yes" if value else "no"
    if name.endswith(("_from", "_to")) and isinstance(value, str) and "T" in value:
        return f"{local(datetime.fromisoformat(value)):%Y-%m-%dT%H:%M}"
    return str(value)


def _completed(unit: Unit) -> tuple[Field, ...]:
    """The questions with their choices; the digits of a phone only for those who may see callers."""
    known, tree = leaves(unit.session), org_tree(unit.session)
    tiers = {code: name for code, name in words.TIERS.items() if code}
    groups = {leaf.code[:2]: leaf.group for leaf in known.values()}
    choices = {
        "state": of_words(words.STATES),
        "tier": of_words(tiers),
        "kind": of_words(words.KINDS),
        "channel": of_words(words.CHANNELS),
        "group": (OptionGroup(None, tuple(Option(code, name) for code, name in groups.items())),),
        "category": of_categories(known, tiers),
        "place": of_unions(tree),
        "org": of_unions(tree, scope=unit.actor.scope),
        "membership": of_words(words.MEMBERSHIPS),
        "identity_group": of_words(words.IDENTITY_GROUPS),
    }
    asked = (*_FIELDS, _PHONE) if unit.actor.may(Permission.caller_reveal) else _FIELDS
    return tuple(
        replace(question, options=choices[question.name]) if question.name in choices else question
        for question in asked
    )


def _results(visit: Visit, done: str, outcomes: tuple[Outcome, ...]) -> Response:
    back = f"{visit.root}{HOME}?{urlencode(filters_in_address(_filters(visit.typed)))}"
    said = tuple(
        (each.number, Bilingual(each.refused.sentence("zh"), each.refused.sentence("en")) if each.refused else None)
        for each in outcomes
    )
    with visit.reading():
        pass  # the masthead
    return visit.page(
        "search_done.html", done=done, outcomes=said, count=sum(each.refused is None for each in outcomes), back=back
    )
