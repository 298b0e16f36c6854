"""`hotline user`: people who log in."""

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.frame import AsJson, application, group, say, say_json, say_table
from service.core.clock import local

if TYPE_CHECKING:
    from service.identity.permissions import Role


def register(app: typer.Typer) -> None:
    """Add the commands."""
    user = group("人员 / people")
    user.command("add")(add)
    user.command("change")(change)
    user.command("reset")(reset)
    user.command("reset-second-factor")(reset_factor)
    user.command("disable")(disable)
    user.command("enable")(enable)
    user.command("open-work")(list_open_work)
    user.command("hand-over")(hand_over_all)
    user.command("list")(list_people)
    user.command("logins")(list_logins)
    user.command("log-out")(log_out_everywhere)
    user.command("link-identity")(link_identity)
    user.command("unlink-identity")(unlink)
    user.command("why")(why)
    user.command("absence")(absence)
    user.command("absences")(list_absences)
    user.command("back")(back)
    app.add_typer(user, name="user")


def add(
    username: Annotated[str, typer.Argument(help="2-64 位小写字母、数字或 . _ - / lower case")],
    name: Annotated[str, typer.Option(help="显示姓名 / name shown")],
    org: Annotated[str, typer.Option(help="工会代码 / code of the union, e.g. 632801")],
    role: Annotated[list[str], typer.Option(help="角色,可多次 / role, may be repeated")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="从标准输入读密码 / read the password from standard input")
    ] = False,
    one_time: Annotated[
        bool, typer.Option("--one-time", help="生成一次性初始密码 / make a password for one login")
    ] = False,
) -> None:
    """新增人员,密码随后输入,或生成初始密码。/ Add somebody; the password is asked for, or made."""
    from service.identity.keeping import AddPerson, check_place
    from service.identity.people import CreatePerson, create_person
    from service.identity.permissions import Role
    from service.notifications.account_notices import add_person_and_tell, tell_of_administrator

    roles = _roles(role)
    if one_time:
        with application() as parts, parts.unit() as unit:
            made = add_person_and_tell(unit, AddPerson(username=username, display_name=name, org_code=org, roles=roles))
        _say_password(username, made)
        return
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else typer.prompt("密码 / password", hide_input=True, confirmation_prompt=True)
    )
    with application() as parts, parts.unit() as unit:
        check_place(unit, org, roles)
        create_person(
            unit,
            CreatePerson(username=username, display_name=name, org_code=org, roles=roles, password=password),
        )
        if Role.admin in roles:
            tell_of_administrator(unit, username)
    say(f"已新增 {username} / {username} was added")


def change(
    username: Annotated[str, typer.Argument(help="用户名 / user name")],
    name: Annotated[str | None, typer.Option(help="显示姓名 / name shown")] = None,
    org: Annotated[str | None, typer.Option(help="工会代码 / code of the union")] = None,
    role: Annotated[list[str] | None, typer.Option(help="全部岗位,可多次 / all roles from now on")] = None,
) -> None:
    """变更姓名、单位或岗位。/ Change somebody's name, union or roles."""
    from service.identity.keeping import ChangePerson
    from service.notifications.account_notices import change_person_and_tell

    command = ChangePerson(username=username, display_name=name, org_code=org, roles=_roles(role) if role else None)
    with application() as parts, parts.unit() as unit:
        change_person_and_tell(unit, command)
    say(f"已变更 {username} / {username} was changed")


def reset(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """重置密码并注销其登录。/ Make a password for one login; every login of theirs ends."""
    from service.identity.keeping import reset_password

    with application() as parts, parts.unit() as unit:
        password = reset_password(unit, username)
    _say_password(username, password)


def reset_factor(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """重置动态验证码(手机丢失)。/ Reset the second factor of somebody who lost the device."""
    from service.notifications.account_notices import reset_second_factor_and_tell

    with application() as parts, parts.unit() as unit:
        reset_second_factor_and_tell(unit, username)
    say(f"已重置 {username} 的动态验证码 / the second factor of {username} was reset")


def enable(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """恢复已停用的人员。/ Enable somebody again, with the roles of before."""
    from service.identity.keeping import enable_person

    with application() as parts, parts.unit() as unit:
        password = enable_person(unit, username)
    _say_password(username, password)


def list_open_work(
    username: Annotated[str, typer.Argument(help="用户名 / user name")], as_json: AsJson = False
) -> None:
    """列出未了事项。/ List what hangs on somebody."""
    from service.tickets.leaving import open_work

    with application() as parts, parts.reading() as unit:
        work = open_work(unit, username)
    lines: list[tuple[str, ...]] = [
        *(("工单 ticket", each.number, each.state.zh + " " + each.state.en) for each in work.tickets),
        *(("咨询 question", number, "") for number in work.consults),
        *(("值班 duty", _minute(each.starts_at), _minute(each.ends_at)) for each in work.duties),
        *(("代理 stands in", each.username, f"{each.starts_on} {each.ends_on}") for each in work.stands_in),
        *(("请假 away", each.username, f"{each.starts_on} {each.ends_on}") for each in work.absences),
    ]
    if as_json:
        say_json([{"what": what.split()[-1], "which": which, "more": more} for what, which, *_, more in lines])
        return
    say_table(("事项 what", "编号 which", "说明 more"), lines)


def hand_over_all(
    username: Annotated[str, typer.Argument(help="用户名 / user name")],
    to: Annotated[str, typer.Option(help="接手人 / who takes it over")],
) -> None:
    """批量交接未了事项。/ Hand over what hangs on somebody."""
    from service.tickets.leaving import HandOver, hand_over

    with application() as parts, parts.unit() as unit:
        done = hand_over(unit, HandOver(username=username, to=to))
    say(
        f"工单 tickets {done.tickets}, 咨询 questions {done.consults}, 值班 duties {done.duties}, "
        f"代理 absences {done.stands_in}"
    )
    for what, why in done.left:
        say(f"未交接 stays: {what}: {why.zh} {why.en}")


def disable(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """停用人员并注销其登录。/ End somebody's logins."""
    from service.identity.keeping import disable_person

    with application() as parts, parts.unit() as unit:
        disable_person(unit, username)
    say(f"已停用 {username} / {username} was disabled")


def list_people(
    org: Annotated[str, typer.Option(help="工会代码或前缀 / code of a union, or a prefix of it")] = "",
    as_json: AsJson = False,
) -> None:
    """列出人员。/ List people."""
    from sqlalchemy import func, select

    from service.identity.models import Person, PersonRole

    statement = (
        select(
            Person.username,
            Person.display_name,
            Person.org_code,
            Person.active,
            select(func.array_agg(PersonRole.role))
            .where(PersonRole.person_id == Person.id)
            .scalar_subquery()
            .label("roles"),
        )
        .where(Person.org_code.startswith(org, autoescape=True))
        .order_by(Person.org_code, Person.username)
    )
    with application() as parts, parts.reading() as unit:
        rows = unit.session.execute(statement).all()
    if as_json:
        say_json([{**row._mapping, "roles": sorted(row.roles or [])} for row in rows])
        return
    say_table(
        ("用户名 user", "姓名 name", "工会 union", "角色 roles", "在用 active"),
        [
            (
                row.username,
                row.display_name,
                row.org_code,
                ",".join(sorted(row.roles or [])),
                "是 yes" if row.active else "否 no",
            )
            for row in rows
        ],
    )


def why(
    username: Annotated[str, typer.Argument(help="用户名 / user name")],
    number: Annotated[str, typer.Argument(help="工单号 / ticket number")],
    as_json: AsJson = False,
) -> None:
    """某人能否看到某工单、为什么、可办哪些操作。/ Why somebody sees a ticket or does not, and what they may do."""
    from service.tickets import why as reasons

    with application() as parts, parts.reading() as unit:
        found = reasons.why(unit, username, number)
    if as_json:
        say_json(
            {
                "username": found.username,
                "number": found.number,
                "sees": found.sees,
                "reasons": {each.code: each.holds for each in found.reasons},
                "steps": {each.step.value: each.refusal is None for each in found.steps},
            }
        )
        return
    say(f"{username} {'能 sees' if found.sees else '不能 does not see'} {number} ({found.state.zh} {found.state.en})")
    for each in found.reasons:
        say(f"{'+' if each.holds else '-'} {each.text.zh} {each.text.en}")
    for step in found.steps:
        said = f"{step.refusal.zh} {step.refusal.en}" if step.refusal else "可以 may"
        say(f"  {step.name.zh} {step.name.en}: {said}")


def list_logins(
    username: Annotated[str, typer.Argument(help="用户名 / user name")],
    as_json: AsJson = False,
) -> None:
    """列出仍然有效的登录。/ List where somebody is logged in."""
    from dataclasses import asdict

    from service.identity.logins import logins_of

    with application() as parts, parts.reading() as unit:
        found = logins_of(unit, username)
    if as_json:
        instants = ("began_at", "used_at", "ends_at")
        say_json([{**asdict(view), **{name: getattr(view, name).isoformat() for name in instants}} for view in found])
        return
    say_table(
        ("程序 program", "地址 address", "方式 how", "登录 since", "最近使用 last used"),
        [(view.agent, view.address, view.way.value, _minute(view.began_at), _minute(view.used_at)) for view in found],
    )


def log_out_everywhere(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """注销某人的全部登录。/ End every login of somebody."""
    from service.identity.logins import end_logins_of

    with application() as parts, parts.unit() as unit:
        ended = end_logins_of(unit, username)
    say(f"已注销 {ended} 次登录 / {ended} logins ended")


def link_identity(
    username: Annotated[str, typer.Argument(help="用户名 / user name")],
    account: Annotated[str, typer.Option(help="账号:HOTLINE_OIDC_CLAIM 所指声明的值 / what that claim says of them")],
) -> None:
    """登记某人的身份认证账号。/ Say which account at the identity provider is somebody's."""
    from service.identity.errors import ProviderNotSet
    from service.identity.identities import EnterIdentity
    from service.identity.providers import provider_settings
    from service.notifications.account_notices import enter_identity_and_tell

    with application() as parts, parts.unit() as unit:
        provider = provider_settings(parts.settings)
        if provider is None:
            raise ProviderNotSet
        enter_identity_and_tell(unit, EnterIdentity(username=username, account=account), provider=provider)
    say(f"已登记 {username} 的账号 / the account of {username} was entered")


def unlink(username: Annotated[str, typer.Argument(help="用户名 / user name")]) -> None:
    """解除某人的身份认证账号。/ Unlink somebody's account; logins that it opened end."""
    from service.identity.identities import unlink_identity

    with application() as parts, parts.unit() as unit:
        unlink_identity(unit, username)
    say(f"已解除 {username} 的账号 / the account of {username} was unlinked")


def absence(
    username: Annotated[str, typer.Argument(help="请假人用户名 / who is away")],
    first: Annotated[str, typer.Option("--from", help="第一天 / first day, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="最后一天 / last day, YYYY-MM-DD")],
    deputy: Annotated[str, typer.Option(help="代理人用户名 / user name of the deputy")],
    reason: Annotated[str, typer.Option(help="原因 / why")],
) -> None:
    """登记请假和代理人。/ Record an absence and who stands in."""
    from service.identity.absences import RecordAbsence, record_absence

    command = RecordAbsence(
        username=username,
        starts_on=_day(first, "--from"),
        ends_on=_day(last, "--to"),
        deputy=deputy,
        reason=reason,
    )
    with application() as parts, parts.unit() as unit:
        number = record_absence(unit, command)
    say(f"已登记请假 {number} / absence {number} was recorded")


def list_absences(as_json: AsJson = False) -> None:
    """列出当前和将来的请假。/ List absences, present and to come."""
    from dataclasses import asdict

    from service.identity.absences import absences

    with application() as parts, parts.reading() as unit:
        found = absences(unit)
    if as_json:
        days = ("starts_on", "ends_on")
        say_json([{**asdict(view), **{name: str(getattr(view, name)) for name in days}} for view in found])
        return
    say_table(
        ("编号 id", "用户名 user", "第一天 from", "最后一天 to", "代理人 deputy", "原因 reason"),
        [(str(a.id), a.username, str(a.starts_on), str(a.ends_on), a.deputy, a.reason) for a in found],
    )


def back(number: Annotated[int, typer.Argument(help="请假编号 / number of the absence")]) -> None:
    """取消请假(提前返岗)。/ Cancel an absence: back early, or not away at all."""
    from service.identity.absences import cancel_absence

    with application() as parts, parts.unit() as unit:
        cancel_absence(unit, number)
    say(f"已取消请假 {number} / absence {number} was cancelled")


def _roles(names: list[str]) -> "frozenset[Role]":
    from service.identity.permissions import Role

    known = [entry.value for entry in Role]
    for wanted in names:
        if wanted not in known:
            raise typer.BadParameter(f"{wanted}: {', '.join(known)}", param_hint="--role")
    return frozenset(Role(entry) for entry in names)


def _say_password(username: str, password: str) -> None:
    say(f"{username} 的初始密码,首次登录须更改 / first password, to be changed at the first login: {password}")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: YYYY-MM-DD", param_hint=option) from None


def _minute(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M}"
