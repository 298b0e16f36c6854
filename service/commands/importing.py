"""`hotline import`: a hotline's history from CSV or XLSX, by a mapping file."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from service.commands.frame import REFUSED, AsJson, application, complain, progress_bar, say, say_json, say_table, whole
from service.core.clock import local
from service.core.errors import Bilingual

if TYPE_CHECKING:
    from service.bootstrap import Application
    from service.history.mapping import HistoryMapping
    from service.history.outcome import ImportOutcome
    from service.history.rows import Verdict
    from service.history.source import Sheet, SourceFile

_SHOWN = 20
_STEP = 1000
_WEIGHTS = {"refused": "拒绝 refused", "warned": "提示 warned"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_history)


def import_history(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV 或 XLSX / CSV or XLSX")],
    mapping_file: Annotated[
        Path, typer.Option("--map", exists=True, dir_okay=False, help="对照文件 TOML / the mapping, TOML")
    ],
    out: Annotated[Path, typer.Option(help="报告目录 / folder for the report")] = Path("import-report"),
    as_of: Annotated[
        str,
        typer.Option(
            help="逾期按此刻判断,默认现在;无时差则按文件的时区 / when lateness is judged, now by default; "
            "without an offset in the file's zone"
        ),
    ] = "",
    check: Annotated[bool, typer.Option("--check", help="只核对,不导入 / only check")] = False,
    as_json: AsJson = False,
) -> None:
    """导入历史工单;中断后再次运行即从断点继续,重复运行不会重复导入。
    / Import a history; run it again to go on after an interruption; what is known is never imported twice.

    有行被拒绝时退出码为 1,其余各行照常导入。/ Exit code 1 when rows were refused; all others are imported.
    """
    from service.history.importing import known_codes
    from service.history.mapping import read_mapping
    from service.history.source import examine

    with application() as parts:
        with parts.reading() as unit:
            codes = known_codes(unit)
        mapping = read_mapping(_text_of(mapping_file), name=mapping_file.name, codes=codes)
        moment = _moment(as_of, mapping.zone)
        source = examine(file, mapping)
        if check:
            _check(parts, source, mapping)
            return
        run_id = _import(parts, source, mapping)
        with parts.reading() as unit:
            from service.history.outcome import import_outcome, write_outcome

            outcome = import_outcome(unit, run_id, as_of=moment or local(unit.now))
            files = write_outcome(unit, outcome, out)
    if as_json:
        say_json(outcome.to_document())
    else:
        _show(outcome)
        say(f"报告 / report: {files['summary.json']}, {files['refused.csv']}, {files['warned.csv']}")
    if outcome.refused:
        raise typer.Exit(REFUSED)


def _import(parts: "Application", source: "SourceFile", mapping: "HistoryMapping") -> int:
    """Bring in what is left of the file; returns the run."""
    from service.history.importing import BATCH, BeginImport, ImportBatch, begin_import, finish_import, import_batch
    from service.history.source import opened

    with opened(source, mapping) as sheet:
        # The columns are looked at before anything is written, the run included.
        verdicts = _verdicts(parts, sheet, mapping)
        with parts.unit() as unit:
            run = begin_import(unit, BeginImport(source=source, mapping=mapping))
        if run.finished_at is not None:
            complain(
                f"这个文件已按此对照导入过({local(run.finished_at):%Y-%m-%d %H:%M}),没有改动。\n"
                f"This file was imported by this mapping before ({local(run.finished_at):%Y-%m-%d %H:%M}); "
                "nothing was changed."
            )
            return run.id
        if run.cursor:
            complain(f"从第 {run.cursor + 1} 条继续 / going on with row {run.cursor + 1}")
        done = run.cursor
        next(islice(sheet.records, done, done), None)
        with progress_bar("导入 import", total=max(source.lines, done)) as advance_to:
            while batch := list(islice(verdicts, BATCH)):
                with parts.unit() as unit:
                    done = import_batch(unit, ImportBatch(run_id=run.id, after=done, verdicts=batch)).cursor
                advance_to(done)
        with parts.unit() as unit:
            finish_import(unit, run.id)
    return run.id


def _verdicts(parts: "Application", sheet: "Sheet", mapping: "HistoryMapping") -> "Iterator[Verdict]":
    from service.history.rows import RowReader

    reader = RowReader(mapping, sheet.header, now=parts.clock.now())
    return (reader.read(record) for record in sheet.records)


def _check(parts: "Application", source: "SourceFile", mapping: "HistoryMapping") -> None:
    """Read every row and write nothing."""
    from service.history.source import opened

    rows = refused = 0
    reasons: Counter[tuple[str, str, str, str]] = Counter()
    with opened(source, mapping) as sheet, progress_bar("核对 check", total=source.lines) as advance_to:
        for verdict in _verdicts(parts, sheet, mapping):
            rows += 1
            refused += verdict.row is None
            reasons.update((r.weight, r.field, r.words.zh, r.words.en) for r in verdict.remarks)
            if rows % _STEP == 0:
                advance_to(rows)
        advance_to(rows)
    say(f"共 {rows} 行,可导入 {rows - refused},将被拒绝 {refused} / rows: {rows - refused} fit, {refused} do not")
    _show_remarks([(weight, field, zh, en, count) for (weight, field, zh, en), count in reasons.most_common(_SHOWN)])
    if refused:
        raise typer.Exit(REFUSED)


def _show(outcome: "ImportOutcome") -> None:
    say_table(
        ("行 rows", "导入 imported", "已有 known", "拒绝 refused", "提示 warned"),
        [tuple(str(n) for n in (outcome.rows, outcome.imported, outcome.known, outcome.refused, outcome.warned))],
    )
    say()
    say(f"截至 as of {outcome.as_of.isoformat(' ', 'seconds')}")
    say_table(
        ("超期 late", "未超期 not late", "无期限 without a due date"),
        [(str(outcome.late), str(outcome.in_time), str(outcome.undated))],
    )
    say()
    say("  ".join(f"{state} {count}" for state, count in outcome.states))
    _show_remarks([(line.weight, line.field, line.zh, line.en, line.rows) for line in outcome.remarks])


def _show_remarks(remarks: list[tuple[str, str, str, str, int]]) -> None:
    if not remarks:
        return
    say()
    say_table(
        ("", "行 rows", "字段 field", "原因 reason"),
        [(_WEIGHTS[weight], str(count), field, f"{zh} / {en}") for weight, field, zh, en, count in remarks],
    )


def _text_of(path: Path) -> str:
    from service.history.mapping import MappingRefused

    try:
        with path.open("rb") as file:
            return whole(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MappingRefused(where=path.name, reason=Bilingual("不是 UTF-8 文本", "not a text in UTF-8")) from None


def _moment(typed: str, zone: ZoneInfo) -> datetime | None:
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise typer.BadParameter(f"{typed} (2019-02-13 16:18:56)", param_hint="--as-of") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
