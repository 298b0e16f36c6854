"""`hotline duty`: who is on duty at a union, and when."""

from typing import Annotated

import typer

from service.commands.frame import AsJson, application, group, say, say_json, say_table, typed_instant
from service.core.clock import local


def register(app: typer.Typer) -> None:
    """Add the commands."""
    duty = group("值班:紧急消息同时告知值班人 / duty: who is told of what is urgent as well")
    duty.command("list")(list_duties)
    duty.command("add")(add)
    duty.command("remove")(remove)
    app.add_typer(duty, name="duty")


def list_duties(as_json: AsJson = False) -> None:
    """列出当前和将来的值班。/ List turns of duty, present and to come."""
    from service.identity.duties import duties

    with application() as parts, parts.reading() as unit:
        found = duties(unit)
    if as_json:
        say_json(
            [
                {
                    "id": turn.id,
                    "username": turn.username,
                    "name": turn.name,
                    "org_code": turn.org_code,
                    "starts_at": local(turn.starts_at).isoformat(),
                    "ends_at": local(turn.ends_at).isoformat(),
                }
                for turn in found
            ]
        )
        return
    say_table(
        ("编号 id", "用户名 user", "姓名 name", "工会 union", "开始 from", "结束 to"),
        [
            (
                str(turn.id),
                turn.username,
                turn.name,
                turn.org_code,
                f"{local(turn.starts_at):%Y-%m-%d %H:%M}",
                f"{local(turn.ends_at):%Y-%m-%d %H:%M}",
            )
            for turn in found
        ],
    )


def add(
    username: Annotated[str, typer.Argument(help="值班人用户名 / who is on duty")],
    first: Annotated[str, typer.Option("--from", help="开始 / from, 2026-11-27T18:00")],
    last: Annotated[str, typer.Option("--to", help="结束,不含该时刻 / to, not included")],
) -> None:
    """安排值班;时间不带时区即北京时间。/ Put somebody on duty; a time without an offset is Beijing's."""
    from service.identity.duties import RecordDuty, record_duty

    command = RecordDuty(username=username, starts_at=typed_instant(first), ends_at=typed_instant(last))
    with application() as parts, parts.unit() as unit:
        number = record_duty(unit, command)
    say(f"已安排值班 {number} / duty {number} was recorded")


def remove(
    number: Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="值班编号 / number of the turn of duty")],
) -> None:
    """取消值班。/ Take somebody off duty."""
    from service.identity.duties import cancel_duty

    with application() as parts, parts.unit() as unit:
        cancel_duty(unit, number)
    say(f"已取消值班 {number} / duty {number} was cancelled")
