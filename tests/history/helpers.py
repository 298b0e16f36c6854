"""An import through its use-cases, with a clock that is moved by hand."""

from itertools import islice
from pathlib import Path

from service.bootstrap import Application
from service.history.importing import BeginImport, ImportBatch, begin_import, finish_import, import_batch, known_codes
from service.history.mapping import read_mapping
from service.history.models import ImportRun
from service.history.rows import RowReader
from service.history.source import examine, opened


class CutOff(Exception):
    """The process was stopped."""


def take_in(
    application: Application, file: Path, by: Path, *, batch: int = 2, stop_after: int | None = None
) -> ImportRun:
    """Import a file, or only its next `stop_after` batches and then raise CutOff."""
    with application.reading() as unit:
        codes = known_codes(unit)
    mapping = read_mapping(by.read_text(encoding="utf-8"), name=by.name, codes=codes)
    source = examine(file, mapping)
    with opened(source, mapping) as sheet:
        reader = RowReader(mapping, sheet.header, now=application.clock.now())
        with application.unit() as unit:
            run = begin_import(unit, BeginImport(source=source, mapping=mapping))
        verdicts = [reader.read(record) for record in sheet.records][run.cursor :]
        rows = iter(verdicts)
        batches = 0
        while part := list(islice(rows, batch)):
            if batches == stop_after:
                raise CutOff
            with application.unit() as unit:
                run = import_batch(unit, ImportBatch(run_id=run.id, after=run.cursor, verdicts=part))
            batches += 1
        with application.unit() as unit:
            return finish_import(unit, run.id)
