"""`hotline keys`: the ring of master keys, and what is sealed under which of them."""

from collections import Counter
from typing import Annotated

import typer

from service.commands.frame import (
    REFUSED,
    AsJson,
    application,
    group,
    progress_bar,
    say,
    say_json,
    say_table,
    settings_here,
)

_TIED_AT_ONCE = 500


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = group("主密钥 / the master keys")
    keys.command("new")(new)
    keys.command("status")(status)
    keys.command("rotate")(rotate)
    keys.command("verify")(verify)
    keys.command("tie")(tie)
    app.add_typer(keys, name="keys")


def new() -> None:
    """生成一个随机密钥,打印为密钥环的下一行,不写入任何文件。
    / Make a random key and print it as the next line of the ring; nothing is written anywhere.

    The first key of a new ring where none is set, else one that waits: it opens, and seals only once the word `waiting`
    is taken off its line, when every process has been given the ring with it.
    """
    from service.core.keyring import new_line

    settings = settings_here()
    given = settings.master_key is not None or settings.master_key_file is not None
    say(new_line(settings.key_ring() if given else None))


def status(as_json: AsJson = False) -> None:
    """各处加密内容用的是哪个密钥、哪种算法;有打不开的则退出码为 1。
    / What is sealed under which key and by which algorithms; exit code 1 where a key is missing."""
    from service.core.crypto import head_in_words, version_in
    from service.sealing.rotating import sealed_values

    with application() as parts:
        ring, head = parts.settings.key_ring(), parts.vault.head
        with parts.reading() as unit:
            found = sealed_values(unit)
    used = Counter[int]()
    for each in found:
        used[version_in(each.head)] += each.rows
    if as_json:
        say_json(
            {
                "seals": head_in_words(head),
                "keys": [
                    {"version": key.version, "waiting": key.waiting, "values": used[key.version]} for key in ring.keys
                ],
                "places": [
                    {
                        "place": each.place,
                        "sealed": head_in_words(each.head),
                        "values": each.rows,
                        "opens": each.opens,
                        "newest": each.newest,
                    }
                    for each in found
                ],
            }
        )
    else:
        say(f"现用 seals: {head_in_words(head)}")
        for key in ring.keys:
            say(f"密钥 key {key.version}: {used[key.version]}{'  waiting' if key.waiting else ''}")
        say_table(
            ("位置 place", "密钥和算法 key and suite", "数量 values", ""),
            [
                (each.place, head_in_words(each.head), str(each.rows), "" if each.opens else "缺少密钥 KEY IS GONE")
                for each in found
            ],
        )
        left = sum(each.rows for each in found if not each.newest)
        say(f"{left} 项待轮换 to be rotated" if left else "全部为现用密钥 / all of it under the key that seals")
    if not all(each.opens for each in found):
        raise typer.Exit(REFUSED)


def verify(as_json: AsJson = False) -> None:
    """逐行打开所有加密内容;有打不开的则列出位置和行号,退出码为 1。
    / Open all that is sealed, row by row; exit code 1 where something does not open, and it says which row."""
    from service.sealing.rotating import all_broken_values, rows_with_seals

    with (
        application() as parts,
        parts.reading() as unit,
        progress_bar("加密内容 sealed", total=rows_with_seals(unit)) as advance_to,
    ):
        found = all_broken_values(unit, advance_to=advance_to)
    if as_json:
        say_json([broken.facts for broken in found])
    else:
        for broken in found:
            say(f"{broken.facts['place']}  行 row {broken.facts['row']}")
        say(f"{len(found)} 项打不开 / do not open" if found else "全部能打开 / all of it opens")
    if found:
        raise typer.Exit(REFUSED)


def tie(reason: Annotated[str, typer.Option(help="理由,记入审计 / why; goes into the audit")]) -> None:
    """把旧版本登记的工单与其来电人绑定(按现状),并记入审计;此后若被改动即可发现。
    / Tie the tickets that an older version wrote to their callers, as they are, on record; from then on a change is
    found."""
    from service.audit.recording import record
    from service.tickets.ties import tie_older

    if not reason.strip():
        raise typer.BadParameter("不能为空 / must not be blank", param_hint="--reason")
    done, last = 0, 0
    with application() as parts:
        while True:
            with parts.unit() as unit:
                through, tied = tie_older(unit, after=last, limit=_TIED_AT_ONCE)
                if through is None:
                    break
                facts = {"last": through, "tickets": tied, "reason": reason.strip()}
                if tied:
                    record(unit, "caller:tie", subject="callers", after=facts)
                done, last = done + tied, through
    say(f"已绑定 {done} 张工单 / tickets were tied to their callers")


def rotate() -> None:
    """把所有加密内容换到现用密钥和算法,分批进行,不影响正在运行的服务;中断后再次运行即可继续。
    / Bring all that is sealed under the key and the suite that seal now, in batches, beside the running service. A run
    that was cut off goes on where it is run again."""
    from service.sealing.rotating import rotate as bring
    from service.sealing.rotating import sealed_values

    with application() as parts:
        with parts.reading() as unit:
            left = sum(each.rows for each in sealed_values(unit) if not each.newest)
        with progress_bar("轮换 rotating", total=left) as advance_to:
            done = bring(parts.unit, advance_to=advance_to)
    say(f"已轮换 {done} 行 / rows were brought under the key that seals")
    status()
