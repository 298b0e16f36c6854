"""One ticket: its facts, its clocks, its story, and the steps that the reader can take on it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.api.routers.retention import person_answer
from service.api.schemas.fields import Reason
from service.console import stepforms
from service.console.errors import problem_for
from service.console.explained import Explained, explained
from service.console.forms import Wrong, checked
from service.console.names import display_names
from service.console.story import StoryLine, people_in, story_of
from service.console.visit import Visit
from service.console.when import remaining
from service.core.errors import Bilingual, HotlineError
from service.core.ids import TICKET_NUMBER
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.ratings.excluding import exclusions_of
from service.retention.persons import TakePersonFile, take_person_file
from service.sla.rules import current_rules
from service.tickets.attachments import attachments_of
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.errors import TicketNotFound
from service.tickets.knowledge import ArticleView, UseArticles, article_view, suggested_articles, use_articles
from service.tickets.looks import looks_of
from service.tickets.queries import clock_views, explain_clock, ticket_view, timeline
from service.tickets.receipts import messages_of
from service.tickets.reply_templates import templates_for
from service.tickets.repository import find
from service.tickets.states import TABLE, State, Step
from service.tickets.together import group_of, merged_into, merged_tickets
from service.tickets.views import ClockView, TicketView
from sla_rules import ClockKind

BAR_LENGTH = 100
MOST_ARTICLES = 20


@dataclass(frozen=True, slots=True)
class ClockBar:
    """A clock and how much of the way to its deadline has gone by, 0 to 100, with the day-by-day counting."""

    clock: ClockView
    gone: int
    late: bool
    explanation: Explained | None


class RevealForm(BaseModel):
    """Why somebody has to know who called."""

    reason: Reason


def show_ticket(visit: Visit) -> Response:
    """The page of a ticket."""
    done = visit.query("done")
    said = stepforms.step_name(Step(done)) if done in _STEPS else None
    return _page(visit, number_of(visit), done=said)


def take_ticket_step(visit: Visit) -> Response:
    """Take one step. When it is refused the page says why, with what was typed still there to be sent again."""
    number = number_of(visit)
    if visit.value("step") not in _STEPS:
        raise HTTPException(404)
    step = Step(visit.value("step"))
    if visit.value("insert"):
        return _with_article(visit, number, step)
    try:
        fields = stepforms.read_step(step, visit.typed)
    except Wrong as wrong:
        return _page(visit, number, tried=step, errors=wrong.errors, status=422)
    try:
        with visit.writing() as unit:
            stepforms.take_step(unit, number, step, fields)
            if used := _articles(visit):
                use_articles(unit, UseArticles(number=number, article_ids=used))
    except TicketNotFound:
        raise
    except (HotlineError, DBAPIError, PoolExhausted, StaleDataError) as error:
        problem = problem_for(visit, error)
        return _page(visit, number, tried=step, refusal=problem.words, status=problem.status)
    return visit.goto(f"/tickets/{number}", done=step.value)


def show_caller(visit: Visit) -> Response:
    """Name and number in clear, once, with the reason put on record. Nothing of it is in an address."""
    number = number_of(visit)
    try:
        fields = checked(RevealForm, {"reason": visit.value("reason")})
    except Wrong as wrong:
        return _page(visit, number, reveal_error=wrong.errors["reason"], status=422)
    with visit.writing() as unit:
        caller = reveal_caller(unit, RevealCaller(number=number, **fields))
    return _page(visit, number, caller=caller)


def show_person_file(visit: Visit) -> Response:
    """All that is held of the caller, as a page to be handed over; with the reason put on record."""
    number = number_of(visit)
    try:
        fields = checked(RevealForm, {"reason": visit.value("reason")})
    except Wrong as wrong:
        return _page(visit, number, person_error=wrong.errors["reason"], status=422)
    with visit.writing() as unit:
        file = take_person_file(unit, TakePersonFile(number=number, kind="html", **fields))
    return person_answer(file)


def number_of(visit: Visit) -> str:
    """The ticket's number in the address. Raises TicketNotFound for what can't be one."""
    number = str(visit.request.path_params["number"])
    if not TICKET_NUMBER.match(number):
        raise TicketNotFound(number="".join(char for char in number[:40] if char.isprintable()))
    return number


def _with_article(visit: Visit, number: str, step: Step) -> Response:
    """The page again with an article in the answer that is being written; nothing is recorded until it is sent."""
    into = stepforms.ANSWERS_IN.get(step)
    wanted = visit.value("insert")
    if into is None or not wanted.isdecimal() or len(wanted) > _LONGEST_ID:
        raise HTTPException(404)
    with visit.reading() as unit:
        article = article_view(unit, int(wanted))
    said = {into.text: article.body, **({into.basis: article.source} if into.basis else {})}
    typed = dict(visit.typed) | {
        name: ("\n".join(part for part in (visit.value(name).rstrip(), text) if part),) for name, text in said.items()
    }
    typed["articles"] = tuple(dict.fromkeys((*visit.typed.get("articles", ()), wanted)))
    return _page(visit, number, tried=step, typed=typed)


def _articles(visit: Visit) -> tuple[int, ...]:
    """The articles that were put into what was sent."""
    given = visit.typed.get("articles", ())[:MOST_ARTICLES]
    return tuple(int(each) for each in given if each.isdecimal() and len(each) <= _LONGEST_ID)


_LONGEST_ID = 9
_STEPS = frozenset(step.value for step, row in TABLE.items() if row.permission and step is not Step.register)


def _page(
    visit: Visit,
    number: str,
    *,
    tried: Step | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    typed: Mapping[str, tuple[str, ...]] | None = None,
    status: int = 200,
    **facts: Any,
) -> Response:
    with visit.reading() as unit:
        view = ticket_view(unit, number)
        templates = templates_for(unit, number) if Step.reply in view.possible_steps else []
        chosen = next((each.filled for each in templates if str(each.id) == visit.query("template")), "")
        forms = stepforms.forms_for(
            unit, view, tried=tried, typed=typed or visit.typed, errors=errors, reply_text=chosen
        )
        rules = current_rules(unit.session)
        shown: dict[str, Any] = {
            "view": view,
            "now": unit.now,
            "forms": forms,
            "templates": templates,
            "remaining": remaining(view.row, rules, unit.now),
            "collective": view.row.people_count >= rules.policy.limits.collective_threshold,
            "place": org_tree(unit.session).get(view.row.place_code),
            "bars": _bars(unit, number),
            "handler": stepforms.handler_name(view.handler) if view.handler else None,
            "files": attachments_of(unit, number),
            "messages": messages_of(unit, number),
            "may_follow_up": _may_follow_up(unit, view),
            "exclusions": exclusions_of(unit, number),
            "may_attach": unit.actor.may(Permission.ticket_note),
            "story": _story(unit, number),
            "group": group_of(unit, number),
            "master": _master(unit, view),
            "merged": [each.number for each in merged_tickets(unit, view.row.id)],
            "may_group": unit.actor.may(Permission.ticket_group),
            "articles": _fitting(unit, number, forms),
            "looks": looks_of(unit, number) if unit.actor.may(Permission.look_read) else None,
            "may_export_worker": unit.actor.may(Permission.worker_export) and unit.actor.org_code == PROVINCE_CODE,
            "picked": (typed or visit.typed).get("articles", ())[:MOST_ARTICLES],
        }
    # A step that is no longer possible has no form to keep what was typed: it is shown to be copied.
    left_over = _words_typed(visit) if tried and all(form.step is not tried for form in forms) else []
    optional = {"done": None, "caller": None, "reveal_error": None, "person_error": None} | facts
    return visit.page(
        "ticket.html",
        status=status,
        refusal=refusal,
        errors=errors or {},
        tried=stepforms.step_name(tried) if tried else None,
        tried_id=tried.value if tried else "",
        left_over=left_over,
        answering=stepforms.ANSWERS_IN,
        **shown,
        **optional,
    )


def _master(unit: Unit, view: TicketView) -> str | None:
    """The number of the ticket that this one was merged into, if its reader sees it."""
    if view.row.state is not State.merged:
        return None
    master = merged_into(unit, view.row.id)
    try:
        return find(unit, master.number, None).number if master else None
    except TicketNotFound:
        return None


def _fitting(unit: Unit, number: str, forms: tuple[stepforms.StepForm, ...]) -> list[ArticleView]:
    """The articles that may help with an answer, for who can write one now."""
    wanted = any(form.step in stepforms.ANSWERS_IN for form in forms)
    return suggested_articles(unit, number) if wanted and unit.actor.may(Permission.knowledge_read) else []


def _may_follow_up(unit: Unit, view: TicketView) -> bool:
    """Whether the matter can only be taken up by a new linked ticket: it was closed, and its window has passed."""
    if view.row.state not in {State.closed, State.archived} or view.ended_at is None:
        return False
    days = current_rules(unit.session).policy.limits.reopen_window_days
    past = view.row.state is State.archived or unit.now > view.ended_at + timedelta(days=days)
    return past and unit.actor.may(Permission.ticket_create)


def _story(unit: Unit, number: str) -> tuple[StoryLine, ...]:
    entries = timeline(unit, number)
    return story_of(entries, org_tree(unit.session), display_names(unit, people_in(entries)))


def _bars(unit: Unit, number: str) -> tuple[ClockBar, ...]:
    """The clocks that run before those that stopped, the promise to the worker first, the newest first."""
    newest_first = reversed(clock_views(unit, number))
    order = sorted(newest_first, key=lambda clock: (clock.stopped_at is not None, clock.kind != ClockKind.resolve))
    return tuple(_bar(unit, number, clock) for clock in order)


def _words_typed(visit: Visit) -> list[str]:
    return [text for name in ("text", "answer", "note", "reason", "basis") if (text := visit.value(name)).strip()]


def _bar(unit: Unit, number: str, clock: ClockView) -> ClockBar:
    end = clock.stopped_at or _paused_since(clock) or unit.now
    gone = (end - clock.started_at) / (clock.due_at - clock.started_at)
    wanted = clock.kind == ClockKind.resolve or clock.stopped_at is None
    return ClockBar(
        clock=clock,
        gone=round(BAR_LENGTH * min(1.0, gone)),
        late=end >= clock.due_at,
        explanation=explained(explain_clock(unit, number, clock.kind, cycle=clock.cycle)) if wanted else None,
    )


def _paused_since(clock: ClockView) -> datetime | None:
    return next((pause.starts_at for pause in clock.pauses if pause.ends_at is None), None)
