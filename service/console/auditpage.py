"""审计: who did what and who looked at what, for auditors; for supervisors the looks at tickets of their scope."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from service.api.routers.audit import CSV
from service.api.schemas.audit import AuditExport, AuditFilters, AuditParams
from service.console.errors import problem_for
from service.console.forms import Field, Form, Option, OptionGroup, Wrong, checked, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.reports.audit_search import AuditPage, chain_state, export_audit, search_audit, verify_newest
from service.reports.audit_words import ACTIONS, GROUPS

HOME = "/audit"
PAGE_LENGTH = 30
_ANY = "choice.any"
_FIELDS: tuple[Field, ...] = (
    Field(name="who", label="audit.who", longest=64, hint="audit.who_hint"),
    Field(name="subject", label="audit.subject", longest=100, hint="audit.subject_hint"),
    Field(name="org", label="audit.org", kind="choice", optional_choice=_ANY, hint="find.and_below"),
    Field(name="group", label="audit.group", kind="choice", optional_choice=_ANY, options=of_words(GROUPS)),
    Field(name="action", label="audit.action", kind="choice", optional_choice=_ANY),
    Field(name="word", label="audit.word", longest=100, hint="audit.word_hint"),
    Field(name="start", label="audit.start", kind="moment"),
    Field(name="end", label="audit.end", kind="moment"),
    Field(name="correlation_id", label="audit.correlation", longest=100),
)


def show_audit(visit: Visit) -> Response:
    """The newest events that fit."""
    return _page(visit)


def take_audit(visit: Visit) -> Response:
    """Look at the chain, or take the events away as a file."""
    if visit.value("verify"):
        with visit.writing() as unit:
            verify_newest(unit)
        return visit.goto(HOME)
    try:
        body = checked(AuditExport, {"filters": _asked(visit.typed), "reason": visit.value("reason")})
        with visit.writing() as unit:
            content = export_audit(unit, body["filters"].to_query(), reason=body["reason"])
    except Wrong as wrong:
        return _page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    headers = {"Content-Disposition": 'attachment; filename="audit-events.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type=CSV, headers=headers)


def _page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    given = visit.typed or {name: (value,) for name, value in visit.request.query_params.items()}
    wrong = dict(errors or {})
    asked = _asked(given)
    try:
        filters = AuditFilters.model_construct(**checked(AuditFilters, asked))
    except Wrong as error:
        wrong, status, filters = wrong | dict(error.errors), 422, AuditFilters()
    with visit.reading() as unit:
        page = AuditPage(entries=(), next_cursor=None)
        if not wrong:
            cursor = checked(AuditParams, {"cursor": visit.query("cursor") or None})["cursor"]
            page = search_audit(unit, filters.to_query(limit=PAGE_LENGTH, cursor=cursor))
        chain = chain_state(unit) if unit.actor.may(Permission.audit_read) else None
        fields = _completed(unit)
        now = unit.now
    return visit.page(
        "audit.html",
        status=status,
        form=Form(id="audit", fields=fields, typed=given, errors=wrong),
        errors=wrong,
        refusal=refusal,
        entries=page.entries,
        next_cursor=page.next_cursor,
        first_page=not visit.query("cursor"),
        narrowed=any(name in given for name in ("org", "action", "word", "start", "end", "correlation_id")),
        kept={name: value for name, values in given.items() if name in asked for value in values[:1]},
        chain=chain,
        now=now,
    )


def _asked(given: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    return {name: value for name, value in values_of(_FIELDS, given).items() if value}


def _completed(unit: Unit) -> tuple[Field, ...]:
    """The questions with their choices."""
    unions = of_unions(org_tree(unit.session), scope=unit.actor.scope)
    actions = (OptionGroup(None, tuple(Option(code, name) for code, name in ACTIONS.items())),)
    choices = {"org": unions, "action": actions}
    return tuple(replace(each, options=choices[each.name]) if each.name in choices else each for each in _FIELDS)
