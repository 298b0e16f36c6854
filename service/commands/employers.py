"""`hotline employer`: the unions that belong to an employer, whose people never see who complained of it."""

from typing import Annotated

import typer

from service.commands.frame import AsJson, application, group, say, say_json, say_table

_Id = Annotated[int, typer.Argument(help="用人单位编号 / number in the register", min=1)]
_Org = Annotated[str, typer.Argument(help="工会代码 / code of the union")]
_Why = Annotated[str, typer.Option(help="理由 / why")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    employer = group("用人单位 / employers")
    employer.command("list")(list_employers)
    employer.command("add-union")(add_union)
    employer.command("remove-union")(remove_union)
    app.add_typer(employer, name="employer")


def list_employers(
    part: Annotated[str, typer.Argument(help="名称的一部分 / part of a name")] = "", as_json: AsJson = False
) -> None:
    """查找用人单位及其内部的工会。/ Find employers and the unions that belong to them."""
    from dataclasses import asdict

    from service.tickets.employers import MOST_FOUND, FindEmployers, find_employers

    with application() as parts, parts.reading() as unit:
        found = find_employers(unit, FindEmployers(part=part, limit=MOST_FOUND))
    if as_json:
        say_json([asdict(view) for view in found])
        return
    say_table(
        ("编号 id", "名称 name", "代码 code", "内部工会 unions"),
        [(str(view.id), view.name, view.credit_code or "—", " ".join(view.unions) or "—") for view in found],
    )


def add_union(employer_id: _Id, org: _Org, reason: _Why) -> None:
    """登记用人单位内部的工会,其人员此后看不到来电人。/ Say that a union belongs to an employer; its people see no
    caller from now on."""
    from service.tickets.employer_unions import EmployerUnionChange, add_employer_union

    with application() as parts, parts.unit() as unit:
        view = add_employer_union(unit, EmployerUnionChange(id=employer_id, org_code=org, reason=reason))
    say(f"{org} 属于“{view.name}” / {org} belongs to {view.name}")


def remove_union(employer_id: _Id, org: _Org, reason: _Why) -> None:
    """取消登记。/ Say that it does not belong to it after all."""
    from service.tickets.employer_unions import EmployerUnionChange, remove_employer_union

    with application() as parts, parts.unit() as unit:
        view = remove_employer_union(unit, EmployerUnionChange(id=employer_id, org_code=org, reason=reason))
    say(f"{org} 不属于“{view.name}” / {org} does not belong to {view.name}")
