"""The knowledge base: found by words, read, used in a ticket, written and withdrawn."""

from collections.abc import Mapping

from starlette.responses import Response

from service.api.schemas.knowledge import ArticleIn
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_categories, values_of
from service.console.visit import Visit
from service.core.clock import local
from service.core.errors import Bilingual, HotlineError
from service.core.ids import TICKET_NUMBER
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.tickets.errors import TicketNotFound
from service.tickets.knowledge import (
    ArticleNotFound,
    ArticleView,
    FindArticles,
    PublishArticle,
    UseArticles,
    article_view,
    find_articles,
    publish_article,
    use_articles,
    withdraw_article,
)
from service.tickets.taxonomy import leaves
from service.tickets.wording import LONGEST_QUERY

PAGE_LENGTH = 50
_LARGEST_ID = 2**31


def show_knowledge(visit: Visit) -> Response:
    """What the words find; without words the most used."""
    asked = visit.query("q")[:LONGEST_QUERY]
    with visit.reading() as unit:
        found = find_articles(unit, FindArticles(words=asked, limit=PAGE_LENGTH))
        writes = unit.actor.may(Permission.knowledge_write)
    return visit.page("knowledge.html", found=found, asked=asked, writes=writes)


def show_article(visit: Visit) -> Response:
    """An article, and for writers the form of its next version."""
    return _article_page(visit)


def take_article(visit: Visit) -> Response:
    """Use it in a ticket, withdraw it, or publish its next version."""
    article_id = _id_of(visit)
    act = visit.value("act")
    try:
        if act == "use":
            number = visit.value("number").strip().upper()
            if not TICKET_NUMBER.match(number):
                raise TicketNotFound(number=number[:40])
            with visit.writing() as unit:
                use_articles(unit, UseArticles(number=number, article_ids=(article_id,)))
            return visit.goto(f"/tickets/{number}")
        if act == "withdraw":
            with visit.writing() as unit:
                withdraw_article(unit, article_id)
            return visit.goto(f"/knowledge/{article_id}")
        return _published(visit, article_id)
    except Wrong as wrong:
        return _article_page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _article_page(visit, refusal=problem.words, status=problem.status)


def show_new_article(visit: Visit) -> Response:
    """An empty form."""
    return _new_page(visit, Form(id="article", fields=()))


def take_new_article(visit: Visit) -> Response:
    """Begin an article."""
    try:
        return _published(visit, None)
    except Wrong as wrong:
        return _new_page(visit, Form(id="article", fields=(), typed=visit.typed, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        form = Form(id="article", fields=(), typed=visit.typed, refusal=problem.words)
        return _new_page(visit, form, status=problem.status)


def _published(visit: Visit, article_id: int | None) -> Response:
    body = checked(ArticleIn, values_of(_QUESTIONS, visit.typed))
    with visit.writing() as unit:
        published = publish_article(unit, PublishArticle(**body, article_id=article_id))
    return visit.goto(f"/knowledge/{published}")


def _article_page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        article = article_view(unit, _id_of(visit))
        writes = unit.actor.may(Permission.knowledge_write) and article.state != "withdrawn"
        uses = unit.actor.may(Permission.ticket_note) and article.state == "valid"
        fields = _fields(unit, article)
    typed = visit.typed if errors or visit.value("title") else None
    form = Form(id="article", fields=fields, typed=typed, errors=errors or {})
    return visit.page(
        "article.html", status=status, article=article, form=form, refusal=refusal, writes=writes, uses=uses
    )


def _new_page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    with visit.reading() as unit:
        fields = _fields(unit, None)
    shown = Form(id=form.id, fields=fields, typed=form.typed, errors=form.errors, refusal=form.refusal)
    return visit.page("article_new.html", status=status, form=shown)


def _id_of(visit: Visit) -> int:
    article_id = int(visit.request.path_params["article_id"])
    if article_id >= _LARGEST_ID:
        raise ArticleNotFound(id=article_id)
    return article_id


_QUESTIONS = (
    Field(name="category_code", label="field.category", kind="choice", required=True),
    Field(name="title", label="field.article_title", required=True),
    Field(name="body", label="field.article_body", kind="text", required=True, longest=20_000),
    Field(name="source", label="field.article_source", required=True, longest=2_000),
    Field(name="valid_from", label="field.article_from", kind="day", required=True),
    Field(name="valid_until", label="field.article_until", kind="day", hint="hint.article_until"),
)


def _fields(unit: Unit, article: ArticleView | None) -> tuple[Field, ...]:
    """The questions, with the present version standing in them."""
    categories = of_categories(leaves(unit.session), words.TIERS)
    stands = {"valid_from": str(local(unit.now).date())}
    if article is not None:
        stands |= {
            "category_code": article.category_code,
            "title": article.title,
            "body": article.body,
            "source": article.source,
            "valid_until": str(article.valid_until or ""),
        }
    return tuple(
        Field(
            name=question.name,
            label=question.label,
            kind=question.kind,
            required=question.required,
            longest=question.longest,
            hint=question.hint,
            value=stands.get(question.name, ""),
            options=categories if question.name == "category_code" else (),
        )
        for question in _QUESTIONS
    )
