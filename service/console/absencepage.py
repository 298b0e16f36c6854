"""Who is away and who stands in, and keeping out of a matter for an interest in it."""

from starlette.responses import Response

from service.api.schemas.absences import AbsenceRecord, Recuse
from service.console.errors import problem_for
from service.console.forms import Field, Form, Option, OptionGroup, Wrong, checked, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.absences import RecordAbsence, absences, cancel_absence, colleagues, record_absence
from service.identity.permissions import Permission
from service.tickets.queries import ticket_view
from service.tickets.recusing import RecusePerson, recuse

_RECUSAL = (Field(name="reason", label="field.recusal_reason", kind="text", required=True, longest=2000),)


def show_absences(visit: Visit) -> Response:
    """Present and coming absences, and the form for another."""
    return _page(visit, Form(id="absence", fields=()))


def take_absence(visit: Visit) -> Response:
    """Record an absence, or cancel one."""
    cancelled = visit.row_id("cancel")
    if cancelled is not None:
        with visit.writing() as unit:
            cancel_absence(unit, cancelled)
        return visit.goto("/absences")
    fields = _fields((), visit.value("username"))
    try:
        body = checked(AbsenceRecord, values_of(fields, visit.typed))
        with visit.writing() as unit:
            record_absence(unit, RecordAbsence(**{**body, "username": body["username"] or ""}))
    except Wrong as wrong:
        return _page(visit, Form(id="absence", fields=(), typed=visit.typed, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        form = Form(id="absence", fields=(), typed=visit.typed, refusal=problem.words)
        return _page(visit, form, status=problem.status)
    return visit.goto("/absences")


def show_recusal(visit: Visit) -> Response:
    """The question before one keeps out of a ticket for good."""
    return _recusal_page(visit, Form(id="recusal", fields=_RECUSAL))


def take_recusal(visit: Visit) -> Response:
    """Keep out; the ticket is gone from one's sight, so the queue follows."""
    number = visit.request.path_params["number"]
    try:
        body = checked(Recuse, values_of(_RECUSAL, visit.typed))
    except Wrong as wrong:
        form = Form(id="recusal", fields=_RECUSAL, typed=visit.typed, errors=wrong.errors)
        return _recusal_page(visit, form, status=422)
    with visit.writing() as unit:
        recuse(unit, RecusePerson(number=number, reason=body["reason"]))
    return visit.goto("/")


def _page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    with visit.reading() as unit:
        listed = absences(unit)
        fields = _fields(_choices(unit), unit.actor.name)
        leads = unit.actor.may(Permission.absence_manage)
    shown = Form(
        id=form.id,
        fields=fields if leads else tuple(field for field in fields if field.name != "username"),
        typed=form.typed,
        errors=form.errors,
        refusal=form.refusal,
    )
    return visit.page("absences.html", status=status, absences=listed, form=shown)


def _recusal_page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    with visit.reading() as unit:
        row = ticket_view(unit, visit.request.path_params["number"]).row
    return visit.page("recusal.html", status=status, row=row, form=form)


def _choices(unit: Unit) -> tuple[OptionGroup, ...]:
    people = colleagues(unit)
    return (OptionGroup(None, tuple(Option(code, Bilingual(f"{name}({code})", code)) for code, name in people)),)


def _fields(people: tuple[OptionGroup, ...], oneself: str) -> tuple[Field, ...]:
    return (
        Field(name="username", label="field.absence_person", kind="choice", options=people, value=oneself),
        Field(name="starts_on", label="field.absence_from", kind="day", required=True),
        Field(name="ends_on", label="field.absence_to", kind="day", required=True),
        Field(name="deputy", label="field.absence_deputy", kind="choice", options=people, required=True),
        Field(name="reason", label="field.absence_reason", required=True),
    )
