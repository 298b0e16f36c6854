"""`hotline retention`: how long what is held is held, and what is past its time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.frame import REFUSED, AsJson, application, complain, group, say, say_json, say_table

if TYPE_CHECKING:
    from service.retention.runs import RunView


def register(app: typer.Typer) -> None:
    """Add the commands."""
    retention = group("保存期限 / retention")
    retention.command("show")(show)
    retention.command("preview")(preview)
    retention.command("numbers")(numbers)
    retention.command("erase")(erase)
    app.add_typer(retention, name="retention")


def show(as_json: AsJson = False) -> None:
    """现行期限和最近一次清理。/ The periods in force and the newest run."""
    from service.retention.policies import PERIODS, policy_in_force
    from service.retention.runs import newest_run

    with application() as parts, parts.reading() as unit:
        policy, run = policy_in_force(unit), newest_run(unit)
    if as_json:
        document: dict[str, Any] = {"months": dict(policy.months), "reason": policy.reason, "run": None}
        say_json(document | ({"run": _document(run)} if run else {}))
        return
    say_table(
        ("部分 class", "月 months"),
        [(f"{name.zh} {name.en}", str(policy.months[code])) for code, name in PERIODS.items()],
    )
    if run is not None:
        say()
        _say_run(run)


def preview(as_json: AsJson = False) -> None:
    """列出已过期限的,不清理;清理由一人在页面提出、另一人批准。
    / What is past its time; nothing is erased. One person asks for that on the page and another approves it."""
    from service.retention.runs import preview_retention

    with application() as parts, parts.unit() as unit:
        run = preview_retention(unit)
    if as_json:
        say_json(_document(run))
    else:
        _say_run(run)


def numbers(
    run_id: Annotated[int, typer.Argument(help="编号 / id of the run")],
    out: Annotated[Path | None, typer.Option(help="写入文件,默认标准输出 / to a file")] = None,
) -> None:
    """一次预览的工单号清单(CSV)。/ The tickets of a preview as CSV."""
    from service.retention.runs import numbers_of_run

    with application() as parts, parts.reading() as unit:
        lines = [
            "number,class,ended",
            *(f"{number},{name},{day}" for number, name, day in numbers_of_run(unit, run_id)),
        ]
    if out is None:
        say("\n".join(lines))
    else:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def erase() -> None:
    """立即清理已批准的(否则由定时进程清理),可中断后再运行。没有已批准的,退出码为 1。
    / Erase what was approved now and not when the scheduler comes to it; may be broken off and run again."""
    from service.retention.erasing import erase_all

    with application() as parts:
        erased = erase_all(parts.unit, parts.files)
    if erased is None:
        complain("没有已批准的清理 / no run is approved")
        raise typer.Exit(REFUSED)
    say(f"已清理 {erased.done} 项,跳过 {erased.skipped} 项 / erased {erased.done}, left {erased.skipped}")


def _say_run(run: "RunView") -> None:
    say(f"#{run.id} {run.state}  冻结保留 kept by holds: {run.held}")
    say_table(
        ("部分 class", "工单 tickets", "已清理 done", "跳过 left", "最早 oldest"),
        [
            (each.name, str(each.tickets), str(each.done), str(each.skipped), str(each.oldest or ""))
            for each in run.classes
        ],
    )


def _document(run: "RunView") -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state,
        "held": run.held,
        "classes": [
            {
                "name": each.name,
                "tickets": each.tickets,
                "done": each.done,
                "skipped": each.skipped,
                "oldest": str(each.oldest) if each.oldest else None,
            }
            for each in run.classes
        ],
    }
