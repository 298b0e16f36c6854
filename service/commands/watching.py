"""`hotline status`: what is wrong, on one screen, for whoever has no Prometheus at hand."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from service.commands.frame import REFUSED, AsJson, application, say, say_json, say_table
from service.core.clock import local

if TYPE_CHECKING:
    from service.vitals import Vitals

_MARKS = {"ok": "正常 ok", "degraded": "注意 LOOK", "down": "停止 DOWN"}
_STATUS = {
    "ok": "一切正常 / all is well",
    "degraded": "可以受理,但有问题要处理 / tickets are taken, and something is to be seen to",
    "down": "不能受理 / no tickets can be taken",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(as_json: AsJson = False) -> None:
    """服务现在怎么样:不正常时退出码为 1,处理办法见 docs/operations.md。
    / How the service is; exit code 1 when something is wrong. What to do: docs/operations.md."""
    from service.vitals import Health, look

    with application() as parts:
        vitals = look(parts)
    if as_json:
        say_json(_document(vitals))
    else:
        say(f"{local(vitals.at):%Y-%m-%d %H:%M:%S}  {_STATUS[vitals.health]}\n")
        say_table(
            ("", "部分 part", "代码 code", "说明 what"),
            [
                (_MARKS[part.health], part.name, part.code, f"{part.words.zh} / {part.words.en}")
                for part in vitals.parts
            ],
        )
        for warning in vitals.warnings:
            say(f"\n! {warning.zh}\n  {warning.en}")
        say()
        say_table(("数字 figure", ""), list(_figures(vitals)))
    if vitals.health is not Health.ok:
        raise typer.Exit(REFUSED)


def _document(vitals: "Vitals") -> dict[str, Any]:
    figures = vitals.figures
    return {
        "at": local(vitals.at).isoformat(),
        "status": vitals.health.value,
        "parts": [
            {"name": part.name, "state": part.health.value, "code": part.code, "zh": part.words.zh, "en": part.words.en}
            for part in vitals.parts
        ],
        "warnings": [{"zh": warning.zh, "en": warning.en} for warning in vitals.warnings],
        "figures": {
            "sweep_lag_seconds": _seconds(figures.sweep_lag),
            "leader_silent_seconds": _seconds(figures.leader_silent),
            "relays": figures.relays,
            "outbox_age_seconds": _seconds(figures.outbox_age),
            "outbox": [
                {"queue": each.queue, "waiting": each.waiting, "failing": each.failing}
                for each in figures.backlog or ()
            ],
            "buried": figures.buried,
            "redis_queues": figures.queues,
            "files_free_ratio": figures.files_free,
        },
    }


def _figures(vitals: "Vitals") -> Iterator[tuple[str, str]]:
    figures, unknown = vitals.figures, "未知 unknown"
    yield "最早到期未查计时 oldest due clock", _span(figures.sweep_lag) if figures.sweep_lag is not None else unknown
    silent = figures.leader_silent
    yield "定时主进程上次报到 leader last seen", f"{_span(silent)}" if silent is not None else "无 none"
    yield "消息中继 relays", unknown if figures.relays is None else str(figures.relays)
    yield "最早待发消息 oldest message", _span(figures.outbox_age) if figures.outbox_age is not None else unknown
    for each in figures.backlog or ():
        yield f"待发 waiting: {each.queue}", f"{each.waiting}(失败过 failing {each.failing})"
    yield "已放弃 buried", unknown if figures.buried is None else str(figures.buried)
    for queue, length in (figures.queues or {}).items():
        yield f"Redis 队列 queue: {queue}", str(length)
    if figures.files_free is not None:
        yield "附件磁盘可用 disk free", f"{100 * figures.files_free:.0f}%"


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 1)
