"""The employer register: found by any name, put right, given another name, and merged with its double."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from service.api.schemas.intake import EmployerAddName, EmployerAmend, EmployerMerge, EmployerUnionIn
from service.console.errors import problem_for
from service.console.forms import Field, Wrong, checked, of_unions, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.employer_unions import EmployerUnionChange, add_employer_union, remove_employer_union
from service.tickets.employers import (
    MOST_FOUND,
    AddEmployerName,
    AmendEmployer,
    EmployerView,
    FindEmployers,
    MergeEmployers,
    add_employer_name,
    amend_employer,
    find_employers,
    merge_employers,
)

_NAME = Field(name="name", label="field.employer")
_UNION = (
    Field(name="org_code", label="employers.union", kind="choice"),
    Field(name="reason", label="employers.union_reason", longest=2_000),
)
_STEPS: Mapping[str, tuple[type[BaseModel], tuple[Field, ...], Callable[[Unit, int, dict[str, Any]], EmployerView]]] = {
    "amend": (
        EmployerAmend,
        (_NAME, Field(name="credit_code", label="field.credit_code")),
        lambda unit, id_, said: amend_employer(unit, AmendEmployer(id=id_, **said)),
    ),
    "name": (
        EmployerAddName,
        (_NAME,),
        lambda unit, id_, said: add_employer_name(unit, AddEmployerName(id=id_, **said)),
    ),
    "merge": (
        EmployerMerge,
        (Field(name="into", label="field.merge_into", kind="number"),),
        lambda unit, id_, said: merge_employers(unit, MergeEmployers(id=id_, **said)),
    ),
    "union_add": (
        EmployerUnionIn,
        _UNION,
        lambda unit, id_, said: add_employer_union(unit, EmployerUnionChange(id=id_, **said)),
    ),
    "union_remove": (
        EmployerUnionIn,
        _UNION,
        lambda unit, id_, said: remove_employer_union(unit, EmployerUnionChange(id=id_, **said)),
    ),
}
_NO_SUCH_STEP = Bilingual("请通过页面上的表单提交。", "Please send it by the form of a page.")


def show_employers(visit: Visit) -> Response:
    """The register, or what a part of a name finds in it."""
    return _page(visit)


def take_employer(visit: Visit) -> Response:
    """One change to one employer. A refusal keeps the page and what was typed."""
    step, which = visit.value("step"), visit.value("id")
    if step not in _STEPS or not which.isascii() or not which.isdecimal() or len(which) > 9:
        return _page(visit, refusal=_NO_SUCH_STEP, status=422)
    model, fields, take = _STEPS[step]
    try:
        said = checked(model, values_of(fields, visit.typed))
        with visit.writing() as unit:
            view = take(unit, int(which), said)
    except Wrong as wrong:
        return _page(visit, refusal=next(iter(wrong.errors.values())), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    return visit.goto("/employers", q=view.name, done="1")


def _page(visit: Visit, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    part = visit.query("q") or visit.value("q")
    with visit.reading() as unit:
        found = find_employers(unit, FindEmployers(part=part[:200], limit=MOST_FOUND))
        may_keep = unit.actor.may(Permission.employer_manage)
        may_keep_unions = unit.actor.may(Permission.union_manage)
        tree = org_tree(unit.session)
    return visit.page(
        "employers.html",
        status=status,
        part=part,
        found=found,
        may_keep=may_keep,
        unions=of_unions(tree, without_province=True) if may_keep_unions else (),
        name_of={union.code: union.name for union in tree},
        refusal=refusal,
        done=bool(visit.query("done")),
        tried=(visit.value("step"), visit.value("id")) if refusal else ("", ""),
    )
