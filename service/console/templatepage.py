"""Reply templates: read by whoever may use them, kept by those who may write for their union."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from service.api.schemas.reply_templates import TemplateIn
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_categories, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.tickets.reply_templates import (
    PublishTemplate,
    TemplateView,
    publish_template,
    templates,
    withdraw_template,
)
from service.tickets.taxonomy import leaves

_QUESTIONS = (
    Field(name="title", label="field.template_title", required=True),
    Field(name="category_code", label="field.category", kind="choice", optional_choice="choice.any_matter"),
    Field(
        name="body", label="field.template_body", kind="text", required=True, longest=10_000, hint="hint.template_body"
    ),
)
_NEW = "new"


def show_templates(visit: Visit) -> Response:
    """All that one may use, and for writers a form for each of their own."""
    return _page(visit)


def take_template(visit: Visit) -> Response:
    """Write a new one, revise or withdraw one of one's own."""
    which = visit.value("template")
    template_id = int(which) if which.isdecimal() and len(which) < 10 else None
    try:
        if visit.value("act") == "withdraw" and template_id is not None:
            with visit.writing() as unit:
                withdraw_template(unit, template_id)
            return visit.goto("/reply-templates")
        body = checked(TemplateIn, values_of(_QUESTIONS, visit.typed))
        with visit.writing() as unit:
            publish_template(unit, PublishTemplate(**body, template_id=template_id))
    except Wrong as wrong:
        return _page(visit, tried=which or _NEW, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, tried=which or _NEW, refusal=problem.words, status=problem.status)
    return visit.goto("/reply-templates")


def _page(
    visit: Visit,
    *,
    tried: str = "",
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        found = templates(unit)
        writes = unit.actor.may(Permission.template_write)
        forms = {
            key: Form(
                id=f"template-{key}",
                fields=_fields(unit, view),
                typed=visit.typed if key == tried else None,
                errors=(errors or {}) if key == tried else {},
            )
            for key, view in [(_NEW, None), *((str(each.id), each) for each in found if each.own)]
            if writes
        }
    return visit.page(
        "reply_templates.html", status=status, found=found, writes=writes, forms=forms, tried=tried, refusal=refusal
    )


def _fields(unit: Unit, view: TemplateView | None) -> tuple[Field, ...]:
    categories = of_categories(leaves(unit.session), words.TIERS)
    stands = {"title": view.title, "category_code": view.category_code or "", "body": view.body} if view else {}
    return tuple(
        replace(
            question,
            value=stands.get(question.name, ""),
            options=categories if question.name == "category_code" else (),
        )
        for question in _QUESTIONS
    )
