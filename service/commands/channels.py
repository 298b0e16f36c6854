"""`hotline channel`: by which ways notices leave the house."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.frame import REFUSED, AsJson, application, complain, group, say, say_json, say_table

if TYPE_CHECKING:
    from service.notifications.channels import ChannelView

# A worker takes a message within a second; a gateway that is slow has its own time-out of five.
_WAIT_SECONDS = 15.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    channel = group("通知渠道:邮件、短信、群机器人 / ways out for notices: mail, SMS, group robots")
    channel.command("list")(list_channels)
    channel.command("add")(add)
    channel.command("remove")(remove)
    channel.command("pause")(pause)
    channel.command("resume")(resume)
    channel.command("test")(test)
    app.add_typer(channel, name="channel")


def list_channels(as_json: AsJson = False) -> None:
    """列出渠道;地址不显示全文。/ List channels; an address is not shown in full."""
    from dataclasses import asdict

    from service.notifications.channels import channels

    with application() as parts, parts.reading() as unit:
        found = channels(unit)
    if as_json:
        say_json([asdict(view) | {"last": _last(view)} for view in found])
        return
    say_table(
        (
            "编号 id",
            "渠道 kind",
            "属于 for",
            "名称 name",
            "地址 address",
            "仅紧急 urgent only",
            "启用 enabled",
            "最近发送 last",
        ),
        [
            (
                str(view.id),
                view.kind.value,
                view.owner,
                view.owner_name,
                view.hint,
                _yes(view.urgent_only),
                _yes(view.enabled),
                " ".join(_last(view).values()),
            )
            for view in found
        ],
    )


def add(
    kind: Annotated[str, typer.Argument(help="mail | sms | wecom 企业微信 | dingtalk 钉钉 | feishu 飞书")],
    person: Annotated[str, typer.Option(help="用户名 / user name")] = "",
    org: Annotated[str, typer.Option(help="工会代码 / code of a union")] = "",
    urgent_only: Annotated[bool, typer.Option("--urgent-only", help="只发紧急消息 / urgent notices only")] = False,
    address: Annotated[
        str,
        typer.Option(
            prompt="地址 address",
            hide_input=True,
            envvar="HOTLINE_CHANNEL_ADDRESS",
            help="不给则提示输入,不留在命令历史里 / asked for if not given, to stay out of the shell's history",
        ),
    ] = "",
) -> None:
    """新增渠道。/ Add a channel."""
    from service.notifications.channels import AddChannel, ChannelKind, add_channel

    if kind not in ChannelKind.__members__:
        raise typer.BadParameter(f"{kind}: {' | '.join(ChannelKind)}", param_hint="KIND")
    command = AddChannel(
        kind=ChannelKind(kind), address=address, username=person, org_code=org, urgent_only=urgent_only
    )
    with application() as parts, parts.unit() as unit:
        number = add_channel(unit, command)
    say(f"已新增渠道 {number},可用 hotline channel test {number} 试发 / channel {number} was added")


Number = Annotated[int, typer.Argument(help="渠道编号 / number of the channel")]


def remove(number: Number) -> None:
    """删除渠道及其地址。/ Remove a channel and its address."""
    from service.notifications.channels import remove_channel

    with application() as parts, parts.unit() as unit:
        remove_channel(unit, number)
    say(f"已删除渠道 {number} / channel {number} was removed")


def pause(number: Number) -> None:
    """暂停渠道。/ Let nothing out by a channel for now."""
    from service.notifications.channels import pause_channel

    with application() as parts, parts.unit() as unit:
        pause_channel(unit, number)
    say(f"已暂停渠道 {number} / channel {number} rests")


def resume(number: Number) -> None:
    """恢复渠道。/ Use a paused channel again."""
    from service.notifications.channels import resume_channel

    with application() as parts, parts.unit() as unit:
        resume_channel(unit, number)
    say(f"已恢复渠道 {number} / channel {number} is in use again")


def test(number: Number) -> None:
    """发一条测试消息并等待结果;未送达则退出码为 1。
    / Send a test by the way every message goes, and wait for what becomes of it; exit code 1 when it did not arrive."""
    from service.notifications.attempts import Fate
    from service.notifications.channels import channel_test, try_channel

    with application() as parts:
        with parts.unit() as unit:
            try_channel(unit, number)
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            with parts.reading() as unit:
                tried = channel_test(unit, number)
            if tried.fate is not Fate.waiting or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    words = f"{tried.words.zh} / {tried.words.en}"
    if tried.fate is not Fate.delivered:
        complain(words)
        raise typer.Exit(REFUSED)
    say(words)


def _last(view: "ChannelView") -> dict[str, str]:
    from service.core.clock import local

    return {"at": f"{local(view.last.at):%Y-%m-%d %H:%M}", "fate": view.last.fate.value} if view.last else {}


def _yes(value: bool) -> str:
    return "是 yes" if value else "否 no"
