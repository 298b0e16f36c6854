"""What a worker asks of what is held of them: to have it put right, and to be forgotten.

个人信息保护法, arts. 46 and 47.
"""

from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from service.api.schemas.retention import Ask, CorrectionIn
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, values_of
from service.console.ticketpage import number_of
from service.console.visit import Visit
from service.core.errors import HotlineError
from service.retention.persons import CorrectCaller, correct_caller, forget_caller
from service.retention.runs import CallerErasure
from service.tickets.errors import TicketNotFound
from service.tickets.queries import ticket_view

_REASON = Field(name="reason", label="person.reason", required=True, longest=2000, hint="hint.person_shown")
_CORRECT = Form(
    id="correct",
    fields=(
        Field(name="name", label="field.caller_name", longest=100),
        Field(name="id_number", label="field.id_number", longest=18),
        Field(name="address", label="field.address"),
        _REASON,
    ),
)
_FORGET = Form(id="forget", fields=(_REASON,))


def show_person(visit: Visit) -> Response:
    """Both forms."""
    return _page(visit)


def take_person(visit: Visit) -> Response:
    """Put right what the form says, or ask that who called be forgotten."""
    form = _FORGET if visit.value("step") == "forget" else _CORRECT
    tried = replace(form, typed=visit.typed)
    try:
        erasure = _TAKE[form.id](visit)
    except Wrong as wrong:
        return _page(visit, replace(tried, errors=wrong.errors), status=422)
    except TicketNotFound:
        raise
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, replace(tried, refusal=problem.words), status=problem.status)
    return _page(visit, done=form.id, erasure=erasure)


def _correct(visit: Visit) -> None:
    body = checked(CorrectionIn, values_of(_CORRECT.fields, visit.typed))
    with visit.writing() as unit:
        correct_caller(unit, CorrectCaller(number=number_of(visit), **body))


def _forget(visit: Visit) -> CallerErasure:
    body = checked(Ask, values_of(_FORGET.fields, visit.typed))
    with visit.writing() as unit:
        return forget_caller(unit, number_of(visit), reason=body["reason"])


_TAKE: dict[str, Callable[[Visit], CallerErasure | None]] = {_CORRECT.id: _correct, _FORGET.id: _forget}


def _page(
    visit: Visit, tried: Form | None = None, *, done: str = "", erasure: CallerErasure | None = None, status: int = 200
) -> Response:
    forms = [tried if tried and tried.id == form.id else form for form in (_CORRECT, _FORGET)]
    with visit.reading() as unit:
        row = ticket_view(unit, number_of(visit)).row
    return visit.page("person_data.html", status=status, row=row, forms=forms, tried=tried, done=done, erasure=erasure)
