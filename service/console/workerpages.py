"""The worker's own pages: rating by a signed link, and looking up a matter by its number and query code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.responses import Response

from service.api.errors import problem_of
from service.api.schemas.actions import AnswersIn
from service.console import words
from service.console.forms import YES_NO, Field, Form, Wrong, checked, of_words, values_of
from service.console.ownpages import door_of, keep_own
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import WORKER, Unit
from service.org.tree import org_tree
from service.ratings.errors import RatingNotOpen
from service.ratings.recording import DISSATISFIED, Answers, RateByLink, open_rating, rate_by_link
from service.tickets.states import State
from service.tickets.tracking import TrackTicket

# What a union may answer about a demand is not for the worker to say of their own.
_REASONS = {code: name for code, name in words.DISSATISFACTIONS.items() if code != "unreasonable_demand"}

# Written as a question to somebody who has no need to know how a union words things.
_QUESTIONS = (
    Field(name="contacted", label="rate.contacted", kind="radio", required=True, options=YES_NO),
    Field(name="resolved", label="rate.resolved", kind="radio", required=True, options=YES_NO),
    Field(
        name="satisfaction", label="rate.satisfied", kind="radio", required=True, options=of_words(words.SATISFACTION)
    ),
    Field(
        name="reason",
        label="rate.why",
        kind="radio",
        options=of_words(_REASONS),
        hint="rate.why_hint",
    ),
    Field(name="comment", label="rate.comment", kind="text", longest=2_000),
)
_WHY = Bilingual("请选择不满意的原因。", "Please say why you are dissatisfied.")


def show_rating(visit: Visit) -> Response:
    """The questions. Records nothing: mail and message scanners fetch links by themselves."""
    token = visit.request.path_params["token"]
    try:
        with _reading(visit) as unit:
            ticket = open_rating(unit, token)
            rated = ticket.state != State.to_callback
    except RatingNotOpen as over:
        return _thanks(visit, over)
    return _thanks(visit) if rated else _rating_page(visit, token)


def take_rating(visit: Visit) -> Response:
    """Record the answers; the same link used again changes nothing."""
    token = visit.request.path_params["token"]
    try:
        answers = _answers(visit)
    except Wrong as wrong:
        return _rating_page(visit, token, errors=wrong.errors)
    try:
        with visit.application.unit(WORKER, correlation_id=visit.correlation_id) as unit:
            rate_by_link(unit, RateByLink(token=token, answers=answers))
    except RatingNotOpen as over:
        return _thanks(visit, over)
    return visit.goto(f"/rate/{token}")


def show_tracking(visit: Visit) -> Response:
    """Asks for the number and the query code."""
    return visit.page("track.html", found=None, refusal=None, number="")


def take_tracking(visit: Visit) -> Response:
    """Where the matter stands. A wrong number and a wrong code get the same answer."""
    command = TrackTicket(number=visit.value("number"), query_code=visit.value("code"))
    try:
        found = door_of(visit).look_up(command)
    except HotlineError as error:
        problem = problem_of(error)
        refusal = Bilingual(problem.zh, problem.en)
        return visit.page(
            "track.html", status=problem.status, found=None, refusal=refusal, number=visit.value("number")
        )
    response = visit.page("track.html", found=found, refusal=None, number=found.number)
    keep_own(visit, response, (found.ticket_id,))
    return response


@contextmanager
def _reading(visit: Visit) -> Iterator[Unit]:
    with visit.application.reading(WORKER, correlation_id=visit.correlation_id) as unit:
        yield unit


def _answers(visit: Visit) -> Answers:
    """Raises Wrong, also when somebody is dissatisfied and does not say why."""
    given = checked(AnswersIn, values_of(_QUESTIONS, visit.typed))
    if given["satisfaction"] > DISSATISFIED:
        given["reason"] = None  # asked of the dissatisfied only, and a choice once made can't be taken back on a form
    elif given["reason"] is None:
        raise Wrong({"reason": _WHY})
    return Answers(**given)


def _rating_page(visit: Visit, token: str, *, errors: Mapping[str, Bilingual] | None = None) -> Response:
    with _reading(visit) as unit:
        ticket = open_rating(unit, token)
        holder = org_tree(unit.session).get(ticket.holder_code)
        number, accepted_at = ticket.number, ticket.accepted_at
    typed = visit.typed if visit.request.method == "POST" else None
    return visit.page(
        "rate.html",
        status=422 if errors else 200,
        form=Form(id="rate", fields=_QUESTIONS, typed=typed, errors=errors or {}),
        number=number,
        union=Bilingual(holder.name_zh, holder.name_en),
        accepted_at=accepted_at,
    )


def _thanks(visit: Visit, over: RatingNotOpen | None = None) -> Response:
    return visit.page("thanks.html", over=Bilingual(over.zh, over.en) if over else None)
