"""保存期限: the periods, what is past its time and who lets it go, and what is held."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.responses import Response

from service.api.routers.retention import numbers_as_csv
from service.api.schemas.fields import MentionedTicket
from service.api.schemas.retention import Ask, HoldIn, PolicyIn
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.identity.permissions import Permission
from service.retention.holds import LiftHold, SetHold, holds, lift_hold, set_hold
from service.retention.policies import LONGEST, PERIODS, PublishRetention, policy_in_force, publish_retention
from service.retention.runs import approve_erasure, ask_erasure, check_reader, newest_run, preview_retention

HOME = "/retention"
_REASON = Field(name="reason", label="retention.reason", required=True, longest=2000)
_PERIODS = (
    *(
        Field(name=name, label=label, kind="number", required=True, least=1, most=LONGEST)
        for name, label in (
            ("files", "retention.files"),
            ("caller", "retention.caller"),
            ("matter", "retention.matter"),
            ("matter_long", "retention.matter_long"),
        )
    ),
    _REASON,
)
_HOLD = (
    Field(name="number", label="retention.number", required=True, longest=40),
    Field(name="about", label="retention.about", kind="choice", required=True, options=of_words(words.HELD)),
    Field(name="until", label="retention.until", kind="day", hint="retention.until_hint"),
    _REASON,
)


class HeldTicket(HoldIn):
    """A hold with the number that somebody typed."""

    number: MentionedTicket


def show_retention(visit: Visit) -> Response:
    """The page."""
    return _page(visit)


def show_numbers(visit: Visit) -> Response:
    """What a run lists, as a file."""
    run_id = int(visit.request.path_params["run_id"])
    with visit.reading() as unit:
        check_reader(unit)
        content = numbers_as_csv(unit, run_id)
    headers = {"Content-Disposition": f'attachment; filename="retention-{run_id}.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def take_retention(visit: Visit) -> Response:
    """Take one of the steps of the page."""
    step = visit.value("step")
    try:
        _STEPS.get(step, _preview)(visit)
    except Wrong as wrong:
        return _page(visit, tried=step, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, tried=step, refusal=problem.words, status=problem.status)
    return visit.goto(HOME)


def _preview(visit: Visit) -> None:
    with visit.writing() as unit:
        preview_retention(unit)


def _publish(visit: Visit) -> None:
    body = checked(PolicyIn, values_of(_PERIODS, visit.typed))
    with visit.writing() as unit:
        months = {name: body[name] for name in PERIODS}
        publish_retention(unit, PublishRetention(months=months, reason=body["reason"]))


def _ask(visit: Visit) -> None:
    body = checked(Ask, values_of((_REASON,), visit.typed))
    with visit.writing() as unit:
        ask_erasure(unit, visit.row_id("run") or 0, reason=body["reason"])


def _approve(visit: Visit) -> None:
    with visit.writing() as unit:
        approve_erasure(unit, visit.row_id("run") or 0)


def _hold(visit: Visit) -> None:
    body = checked(HeldTicket, values_of(_HOLD, visit.typed))
    with visit.writing() as unit:
        set_hold(unit, SetHold(**{**body, "number": body["number"].strip().upper()}))


def _lift(visit: Visit) -> None:
    body = checked(Ask, values_of((_REASON,), visit.typed))
    with visit.writing() as unit:
        lift_hold(unit, LiftHold(id=visit.row_id("hold") or 0, reason=body["reason"]))


_STEPS: Mapping[str, Callable[[Visit], None]] = {
    "preview": _preview, "publish": _publish, "ask": _ask, "approve": _approve, "hold": _hold, "lift": _lift,
}  # fmt: skip


def _page(
    visit: Visit,
    *,
    tried: str = "",
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        may = {
            "manage": unit.actor.may(Permission.retention_manage),
            "approve": unit.actor.may(Permission.retention_approve),
            "hold": unit.actor.may(Permission.hold_manage),
        }
        policy, run, held = None, None, None
        if may["manage"] or may["approve"]:
            check_reader(unit)
            policy, run = policy_in_force(unit), newest_run(unit)
        if may["hold"]:
            held = holds(unit)
        oneself = unit.actor.name
    in_force = tuple(
        replace(each, value=str(policy.months[each.name])) if policy and each.name in policy.months else each
        for each in _PERIODS
    )

    def form(id_: str, fields: tuple[Field, ...]) -> Form:
        same = tried == id_
        return Form(id=id_, fields=fields, typed=visit.typed if same else None, errors=errors or {} if same else {})

    return visit.page(
        "retention.html",
        status=status,
        may=may,
        policy=policy,
        periods=PERIODS,
        run=run,
        held=held,
        oneself=oneself,
        publishing=form("publish", in_force),
        asking=form("ask", (_REASON,)),
        holding=form("hold", _HOLD),
        lifting=visit.query("lift"),
        lift=form("lift", (_REASON,)),
        refusal=refusal,
        errors=errors or {},
    )
