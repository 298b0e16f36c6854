"""`hotline backup` and `hotline restore`."""

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.frame import REFUSED, AsJson, application, complain, progress_bar, say, say_json
from service.core.clock import local

if TYPE_CHECKING:
    from service.backup.manifest import Manifest


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    to: Annotated[Path, typer.Option(help="备份所在目录 / the folder of the backups")],
    keep: Annotated[int | None, typer.Option(min=1, help="只保留最新几份 / keep only the newest so many")] = None,
    as_json: AsJson = False,
) -> None:
    """备份数据库和附件,服务照常运行;主密钥不在其中,请另行保管。
    / Back the database and the attachments up while the service runs. The master key is not in it: keep that apart."""
    from service.audit.recording import record
    from service.backup.manifest import Manifest
    from service.backup.taking import keep_newest, take_backup
    from service.file_checks import count_attachments

    begun = monotonic()
    with application() as parts:
        with progress_bar("附件 files", total=count_attachments(parts)) as advance_to:
            folder = take_backup(parts, to, advance_to=advance_to)
        manifest = Manifest.read(folder)
        with parts.unit() as unit:
            record(unit, "backup:made", subject=folder.name, after={"rows": sum(manifest.tables.values())})
    removed = keep_newest(to, keep) if keep else []
    if as_json:
        say_json({"folder": str(folder), "removed": [path.name for path in removed], **_document(manifest, begun)})
    else:
        say(f"{folder}")
        say(_summary(manifest, begun))
        for path in removed:
            say(f"已删除旧备份 / removed: {path.name}")
    if manifest.missing:
        complain(
            f"存储中缺少 {len(manifest.missing)} 个附件,见 manifest.json / missing in the store, see manifest.json"
        )
        raise typer.Exit(REFUSED)


def restore(
    folder: Annotated[Path, typer.Argument(help="一份备份 / one backup: …/hotline-20261122T010000Z")],
    drill: Annotated[
        bool, typer.Option("--drill", help="只在临时数据库里演练并核对 / only rehearse it, in a throw-away database")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """把备份恢复到空数据库并核对;有一项不符则退出码为 1。
    / Bring a backup back into an empty database and prove it whole; exit code 1 when something does not hold."""
    from contextlib import nullcontext

    from service.backup.manifest import Manifest, verify
    from service.backup.restoring import Restored, scratch
    from service.backup.restoring import restore as bring_back

    begun = monotonic()
    with application() as parts, scratch(parts) if drill else nullcontext(parts) as place:
        count = Manifest.read(folder).files
        with progress_bar("核对 verify", total=count) as advance_to:
            manifest = verify(folder, advance_to=advance_to)
        with progress_bar("附件 files", total=count) as advance_to:
            restored: Restored = bring_back(place, folder, manifest, advance_to=advance_to)
    if as_json:
        findings = [finding.to_document() for finding in restored.findings]
        say_json({"drill": drill, "sound": restored.sound, "findings": findings, **_document(manifest, begun)})
    else:
        for finding in restored.findings:
            say(f"{'通过 ok  ' if finding.holds else '不符 FAIL'}  {finding.name}: {finding.zh} / {finding.en}")
            for example in finding.examples:
                say(f"            {example}")
        say(_summary(manifest, begun))
        if drill:
            say("演练完成,未改动任何数据 / a drill: nothing was changed")
        else:
            say("接下来 / next: hotline migrate, hotline check")
    if not restored.sound:
        raise typer.Exit(REFUSED)


def _summary(manifest: "Manifest", begun: float) -> str:
    rows, mebibytes = sum(manifest.tables.values()), (manifest.dump_bytes + manifest.file_bytes) / 2**20
    return (
        f"截至 as of {local(manifest.taken_at):%Y-%m-%d %H:%M:%S}  {rows:,} 行 rows  {manifest.files:,} 个附件 files  "
        f"{mebibytes:,.1f} MiB  {monotonic() - begun:.1f} s"
    )


def _document(manifest: "Manifest", begun: float) -> dict[str, Any]:
    return {
        "taken_at": local(manifest.taken_at).isoformat(),
        "revision": manifest.revision,
        "tables": manifest.tables,
        "files": manifest.files,
        "missing": manifest.missing,
        "bytes": manifest.dump_bytes + manifest.file_bytes,
        "seconds": round(monotonic() - begun, 1),
    }
