"""Who is on duty, and when."""

from dataclasses import replace

from starlette.responses import Response

from service.api.schemas.duties import DutyRecord
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_people, values_of
from service.console.visit import Visit
from service.core.errors import HotlineError
from service.identity.duties import RecordDuty, cancel_duty, duties, record_duty
from service.identity.people import people_in_reach
from service.identity.permissions import Permission
from service.org.tree import org_tree

_FIELDS = (
    Field(name="username", label="field.duty_person", kind="choice", required=True),
    Field(name="starts_at", label="field.duty_from", kind="moment", required=True),
    Field(name="ends_at", label="field.duty_to", kind="moment", required=True),
)


def show_duties(visit: Visit) -> Response:
    """Present and coming turns of duty, and for those who may the form for another."""
    return _page(visit, Form(id="duty", fields=_FIELDS))


def take_duty(visit: Visit) -> Response:
    """Put somebody on duty, or take them off."""
    cancelled = visit.row_id("cancel")
    if cancelled is not None:
        with visit.writing() as unit:
            cancel_duty(unit, cancelled)
        return visit.goto("/duties")
    try:
        body = checked(DutyRecord, values_of(_FIELDS, visit.typed))
        with visit.writing() as unit:
            record_duty(unit, RecordDuty(**body))
    except Wrong as wrong:
        return _page(visit, Form(id="duty", fields=_FIELDS, typed=visit.typed, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(
            visit, Form(id="duty", fields=_FIELDS, typed=visit.typed, refusal=problem.words), status=problem.status
        )
    return visit.goto("/duties")


def _page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        listed = [(view, tree.get(view.org_code).name) for view in duties(unit)]
        manages = unit.actor.may(Permission.duty_manage)
        if manages:
            people = of_people(people_in_reach(unit, able_to=Permission.ticket_read), tree)
            form = replace(form, fields=(replace(_FIELDS[0], options=people), *_FIELDS[1:]))
    return visit.page("duties.html", status=status, duties=listed, manages=manages, form=form)
