"""`hotline outbox` and `hotline check`: for whoever keeps the service running."""

from typing import Annotated

import typer

from service.commands.frame import REFUSED, AsJson, application, complain, group, progress_bar, say, say_json, say_table
from service.core.clock import local

STATES = ("pending", "failing", "buried")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    outbox = group("待发消息 / messages to deliver")
    outbox.command("list")(list_messages)
    outbox.command("retry")(retry)
    outbox.command("bury")(bury)
    app.add_typer(outbox, name="outbox")
    app.command("check")(check)


def list_messages(
    state: Annotated[
        str, typer.Option(help="pending: 待发 | failing: 失败过 tried in vain | buried: 已放弃 given up")
    ] = "pending",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """列出未送达的消息,最早的在前。/ Messages not delivered, oldest first. Their contents are not shown."""
    from service.outbox.relay import MessageState, undelivered

    if state not in STATES:
        raise typer.BadParameter(f"{state}: {' | '.join(STATES)}", param_hint="--state")
    with application() as parts, parts.reading() as unit:
        rows = undelivered(unit.session, MessageState(state), limit=limit)
    if as_json:
        say_json(
            [
                {
                    "id": row.id,
                    "kind": row.kind,
                    "queue": row.queue,
                    "created_at": local(row.created_at).isoformat(),
                    "available_at": local(row.available_at).isoformat(),
                    "attempts": row.attempts,
                    "publishes": row.publishes,
                    "last_error": row.last_error,
                    "correlation_id": row.correlation_id,
                }
                for row in rows
            ]
        )
        return
    say_table(
        ("id", "类型 kind", "队列 queue", "写入 written", "下次 next", "失败 failures", "原因 error"),
        [
            (
                str(row.id),
                row.kind,
                row.queue,
                f"{local(row.created_at):%m-%d %H:%M:%S}",
                f"{local(row.available_at):%m-%d %H:%M:%S}",
                str(row.attempts),
                row.last_error or "",
            )
            for row in rows
        ],
    )


def retry(
    ids: Annotated[list[int] | None, typer.Argument(help="消息编号 / message ids")] = None,
    every: Annotated[bool, typer.Option("--all", help="全部失败和已放弃的 / all failing and buried")] = False,
) -> None:
    """立即重发失败或已放弃的消息。/ Try messages again at once that failed or were given up."""
    from service.audit.recording import record
    from service.core.clock import SystemClock
    from service.outbox.relay import revive

    if bool(ids) == every:
        raise typer.BadParameter("ID… | --all", param_hint="ID")
    with application() as parts, parts.unit() as unit:
        revived = revive(unit.session, None if every else ids, now=SystemClock().now())
        for message_id in revived:
            record(unit, "outbox:retry", subject=str(message_id))
    say(f"{len(revived)} 条消息将重发 / messages will be tried again")
    lost = sorted(set(ids or ()) - set(revived))
    if lost:
        listed = ", ".join(map(str, lost))
        complain(f"没有失败的消息 / no failed message: {listed}")
        raise typer.Exit(REFUSED)


def bury(
    ids: Annotated[list[int], typer.Argument(help="消息编号 / message ids")],
    reason: Annotated[str, typer.Option(help="理由,将记录在案 / why; put on record")],
) -> None:
    """放弃未送达的消息,不再发送,也不再提示;可用 retry 恢复。
    / Give undelivered messages up: they are not sent, and nobody is reminded of them. `retry` brings one back."""
    from service.audit.recording import record
    from service.core.clock import SystemClock
    from service.outbox.relay import bury as give_up

    if not reason.strip():
        raise typer.BadParameter("不能为空 / must not be blank", param_hint="--reason")
    with application() as parts, parts.unit() as unit:
        buried = give_up(unit.session, ids, now=SystemClock().now())
        for message_id in buried:
            record(unit, "outbox:bury", subject=str(message_id), after={"reason": reason.strip()})
    say(f"{len(buried)} 条消息已放弃 / messages were given up")
    lost = sorted(set(ids) - set(buried))
    if lost:
        listed = ", ".join(map(str, lost))
        complain(f"没有未送达的消息 / no undelivered message: {listed}")
        raise typer.Exit(REFUSED)


def check(
    as_json: AsJson = False,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="逐个读取附件文件 / read every attachment's file")
    ] = True,
) -> None:
    """检查数据是否自洽、附件文件是否完好;有一项不符则退出码为 1。
    / Check the invariants and the attachments' files; exit code 1 when one does not hold."""
    from service.checks import run_checks
    from service.file_checks import check_files, count_attachments

    with application() as parts:
        with parts.reading() as unit:
            findings = run_checks(unit, tick=parts.settings.sweep_seconds)
        if files:
            with progress_bar("附件 files", total=count_attachments(parts)) as advance_to:
                findings += check_files(parts, advance_to=advance_to)
    if as_json:
        say_json([finding.to_document() for finding in findings])
    else:
        for finding in findings:
            say(f"{'通过 ok  ' if finding.holds else '不符 FAIL'}  {finding.name}: {finding.zh} / {finding.en}")
            for example in finding.examples:
                say(f"            {example}")
    if not all(finding.holds for finding in findings):
        raise typer.Exit(REFUSED)
