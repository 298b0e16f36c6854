"""`hotline peer`: keys of peer systems."""

from datetime import timedelta
from typing import Annotated

import typer

from service.commands.frame import AsJson, application, group, say, say_json, say_table, typed_instant


def register(app: typer.Typer) -> None:
    """Add the commands."""
    peer = group("对接系统的密钥 / keys of peer systems: 全总, 12345, CTI")
    peer.command("list")(list_peers)
    peer.command("add")(add)
    peer.command("rotate")(rotate)
    peer.command("revoke")(revoke)
    app.add_typer(peer, name="peer")


def list_peers(as_json: AsJson = False) -> None:
    """列出密钥(不含密钥本身)。/ List the keys, without their secrets."""
    from dataclasses import asdict

    from service.core.clock import local
    from service.identity.peers import peers

    with application() as parts, parts.reading() as unit:
        found = peers(unit)
    if as_json:
        instants = ("expires_at", "created_at", "last_used_at", "revoked_at", "old_secret_until")
        rows = [asdict(view) for view in found]
        say_json([row | {name: row[name] and row[name].isoformat() for name in instants} for row in rows])
        return
    say_table(
        (
            "编号 id",
            "名称 name",
            "工会 union",
            "权限 scopes",
            "网段 networks",
            "失效 ends",
            "最近使用 used",
            "状态 state",
        ),
        [
            (
                str(view.id),
                view.name,
                view.org_code,
                " ".join(view.scopes),
                " ".join(view.networks),
                f"{local(view.expires_at):%Y-%m-%d %H:%M}",
                f"{local(view.last_used_at):%Y-%m-%d %H:%M}" if view.last_used_at else "—",
                "已撤销 revoked" if view.revoked_at else "有效 valid",
            )
            for view in found
        ],
    )


def add(
    name: Annotated[str, typer.Argument(help="名称,如 xining-12345 / a name")],
    org: Annotated[str, typer.Option(help="工会代码,决定可见范围 / the union whose subtree it sees")],
    scope: Annotated[list[str], typer.Option(help="权限,可多次 / a right, may be given again: ticket:read")],
    network: Annotated[list[str], typer.Option(help="来源网段,可多次 / a network it comes from: 10.8.0.0/24")],
    until: Annotated[str, typer.Option(help="失效时间,最长一年 / its end, within a year: 2027-06-30")],
    per_minute: Annotated[int, typer.Option(help="每分钟请求次数 / requests a minute")] = 120,
) -> None:
    """新建密钥;密钥只显示一次。/ Make a key; its secret is shown once."""
    from service.identity.peers import AddPeer
    from service.notifications.account_notices import add_peer_and_tell

    command = AddPeer(
        name=name,
        org_code=org,
        scopes=scope,
        networks=network,
        expires_at=typed_instant(until),
        per_minute=per_minute,
    )
    with application() as parts, parts.unit() as unit:
        made = add_peer_and_tell(unit, command)
    _say_secret(made.id, made.secret)


def rotate(
    number: Annotated[int, typer.Argument(help="密钥编号 / number of the key")],
    overlap_hours: Annotated[int, typer.Option(help="旧密钥继续有效的小时数 / hours the old one is taken for")] = 24,
) -> None:
    """更换密钥,新旧并用一段时间。/ Make a new secret; the old one is taken for a while."""
    from service.notifications.account_notices import rotate_peer_and_tell

    with application() as parts, parts.unit() as unit:
        made = rotate_peer_and_tell(unit, number, overlap=timedelta(hours=overlap_hours))
    _say_secret(made.id, made.secret)


def revoke(number: Annotated[int, typer.Argument(help="密钥编号 / number of the key")]) -> None:
    """立即撤销,不可恢复。/ End a key at once and for good."""
    from service.identity.peers import revoke_peer

    with application() as parts, parts.unit() as unit:
        revoke_peer(unit, number)
    say(f"已撤销密钥 {number} / key {number} is revoked")


def _say_secret(number: int, secret: str) -> None:
    say(f"编号 id: {number}\n密钥 secret: {secret}\n只显示这一次,请交对方妥善保存 / shown this once: keep it safe")
