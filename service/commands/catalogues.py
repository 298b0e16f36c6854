"""`hotline catalogue`: which union a matter of a category at a place goes to."""

from pathlib import Path
from typing import Annotated

import typer

from service.commands.frame import AsJson, application, group, say, say_json, say_table, whole
from service.core.clock import local
from service.core.errors import Malformed


class CatalogueIsNoText(Malformed):
    zh = "{name} 不是文本文件(须为 UTF-8 或 GB18030 编码的 CSV)。"
    en = "{name} is no text (a CSV in UTF-8 or GB18030 is needed)."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    catalogue = group("派单目录 / dispatch catalogue")
    catalogue.command("import")(load)
    catalogue.command("show")(show)
    app.add_typer(catalogue, name="catalogue")


def load(
    file: Annotated[Path, typer.Argument(help="CSV:category,place,org", exists=True, dir_okay=False)],
    reason: Annotated[str, typer.Option(help="发布理由 / why")],
) -> None:
    """整份发布派单目录;有错逐行指出,不发布。/ Publish a catalogue whole; a faulty one is refused line by line."""
    from service.tickets.catalogue import PublishCatalogue, publish_catalogue

    command = PublishCatalogue(text=_text_of(file), reason=reason)
    with application() as parts, parts.unit() as unit:
        published = publish_catalogue(unit, command)
    say(
        f"已发布派单目录 {published.version},共 {len(published.entries)} 条"
        f" / catalogue {published.version} with {len(published.entries)} rows was published"
    )


def show(as_json: AsJson = False) -> None:
    """现行派单目录。/ The catalogue in force."""
    from dataclasses import asdict

    from service.tickets.catalogue import published_catalogue

    with application() as parts, parts.reading() as unit:
        found = published_catalogue(unit)
    if as_json:
        say_json({**asdict(found), "published_at": local(found.published_at).isoformat()})
        return
    say(f"{found.version}  {local(found.published_at):%Y-%m-%d %H:%M}  {found.reason}")
    say_table(
        ("类别 category", "地点 place", "工会 org"),
        [(entry.category or "*", entry.place or "*", entry.org) for entry in found.entries],
    )


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        raw = whole(opened)
    for encoding in ("utf-8-sig", "gb18030"):  # the second is what Chinese Windows writes
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CatalogueIsNoText(name=file.name)
