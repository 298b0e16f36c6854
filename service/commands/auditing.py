"""`hotline audit`: is the audit as it was written, and who did what?"""

from pathlib import Path
from typing import Annotated

import typer

from service.commands.frame import (
    REFUSED,
    AsJson,
    application,
    complain,
    group,
    progress_bar,
    say,
    say_json,
    say_table,
    typed_instant,
)
from service.core.clock import local


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = group("审计 / the audit")
    audit.command("verify")(verify)
    audit.command("adopt")(adopt)
    audit.command("search")(search)
    app.add_typer(audit, name="audit")


def verify(
    anchors: Annotated[
        Path | None, typer.Option(help="链头存档文件,默认取设置 / anchored heads; the setting's file if left out")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """逐条核对审计链;有改动、删除或塞入则指出哪一条,退出码为 1。
    / Look at every event of the audit; exit code 1 when one was edited, deleted or put in, and it says which."""
    from service.audit.anchoring import anchors_of
    from service.audit.chain import head_of, verify_chain
    from service.reports.audit_search import record_verification

    with application() as parts, parts.reading() as unit:
        try:
            known = anchors_of(anchors or parts.settings.audit_anchor_file)
        except ValueError:
            raise typer.BadParameter("不是链头存档 / no file of anchors", param_hint="--anchors") from None
        with progress_bar("审计链 chain", total=head_of(unit.session).position) as advance_to:
            found = verify_chain(unit, anchors=known, advance_to=advance_to)
        with parts.unit() as keeping:
            record_verification(keeping, found)
    if as_json:
        say_json(
            {
                "whole": found.whole,
                "links": found.links,
                "unlinked": found.unlinked,
                "anchors": len(known),
                "head": {"position": found.head.position, "hash": found.head.hash.hex()},
                "breaks": [
                    {"position": each.position, "event": each.event_id, "kind": each.kind} for each in found.breaks
                ],
            }
        )
    else:
        for each in found.breaks:
            place = f"#{each.position}" if each.position else "未入链 unlinked"
            say(f"{each.kind:<15} audit_event {each.event_id}  {place}  {each.words.zh} / {each.words.en}")
        say(f"{found.links} 环 links, {found.unlinked} 条待入链 to be linked, {len(known)} 个存档链头 anchors")
        say(f"链头 head: {found.head.position} {found.head.hash.hex()}")
        say("完好 / whole" if found.whole else f"{len(found.breaks)} 处不符 / breaks")
    if not found.whole:
        raise typer.Exit(REFUSED)


def adopt(
    reason: Annotated[str, typer.Option(help="理由,记入审计 / why; goes into the audit")],
) -> None:
    """认可旧版本写下的、没有校验码的记录,并在审计中注明。
    / Take the events that an older version wrote without a code into the chain, and say so in the audit."""
    from service.audit.chain import adopt_events
    from service.audit.recording import record

    if not reason.strip():
        raise typer.BadParameter("不能为空 / must not be blank", param_hint="--reason")
    with application() as parts, parts.unit() as unit:
        count = adopt_events(unit)
        if count:
            record(unit, "audit:adopt", subject="audit", after={"events": count, "reason": reason.strip()})
    if not count:
        complain("没有这样的记录 / there are none")
        raise typer.Exit(REFUSED)
    say(f"{count} 条记录已入链 / events have their places now")


def search(
    who: Annotated[str | None, typer.Option(help="账号 / user name")] = None,
    org: Annotated[str | None, typer.Option(help="工会代码,含下级 / a union's code, with those below")] = None,
    action: Annotated[str | None, typer.Option(help="事项代码,如 ticket:read / action")] = None,
    of: Annotated[str | None, typer.Option("--group", help="事项分组,如 reads / group of actions")] = None,
    subject: Annotated[str | None, typer.Option(help="工单号或对象 / a ticket's number, or a subject")] = None,
    word: Annotated[str | None, typer.Option(help="谁查过这个词或号码 / who searched for this")] = None,
    correlation_id: Annotated[str | None, typer.Option("--correlation", help="流水 / correlation id")] = None,
    start: Annotated[str | None, typer.Option("--from", help="时间起(含) / from, included")] = None,
    end: Annotated[str | None, typer.Option("--to", help="时间止(不含) / to, not included")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多条数 / at most so many")] = 50,
    cursor: Annotated[str | None, typer.Option(help="接着上一页 / go on after the page before")] = None,
    as_json: AsJson = False,
) -> None:
    """查询审计:谁做了什么、看了谁的工单,最新在前。
    / Who did what and looked at whose matter, the newest first."""
    from service.reports.audit_search import AuditQuery, search_audit
    from service.reports.audit_words import GROUPS

    if of is not None and of not in GROUPS:
        raise typer.BadParameter(f"应为其中之一 / one of: {', '.join(GROUPS)}", param_hint="--group")
    query = AuditQuery(
        who=who,
        org=org,
        action=action,
        group=of,
        subject=subject,
        word=word,
        correlation_id=correlation_id,
        start=typed_instant(start) if start else None,
        end=typed_instant(end) if end else None,
        limit=limit,
        cursor=cursor,
    )
    with application() as parts, parts.reading() as unit:
        page = search_audit(unit, query)
    if as_json:
        items = [
            {
                "id": each.id,
                "at": each.at.isoformat(),
                "who": each.username,
                "org": each.org_code,
                "kind": each.kind,
                "action": each.action,
                "subject": each.subject,
                "before": each.before,
                "after": each.after,
                "correlation_id": each.correlation_id,
                "position": each.position,
            }
            for each in page.entries
        ]
        say_json({"items": items, "next_cursor": page.next_cursor})
        return
    say_table(
        ("时间 at", "账号 who", "事项 what", "对象 on", "内容 facts"),
        [
            (
                f"{local(each.at):%Y-%m-%d %H:%M:%S}",
                each.username,
                each.title.zh,
                each.subject,
                ";".join(fact.zh for fact in each.facts)[:100],
            )
            for each in page.entries
        ],
    )
    if page.next_cursor:
        say(f"\n更多 more: --cursor {page.next_cursor}")
