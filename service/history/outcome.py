"""What an import came to: how many rows went where, how its promises stand at a moment, and the rows to look at."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select

from service.core.clock import local
from service.core.spreadsheet import CsvTable
from service.core.unit import Unit
from service.history.models import ImportedTicket, ImportRemark, ImportRun
from service.sla.models import SlaClock
from service.tickets.models import Ticket
from sla_rules import ClockKind

_READ_AHEAD = 1000
_HEADING = ("行 line", "字段 field", "原因 reason", "reason in English")


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How many rows were refused, or warned of, for one reason about one field."""

    weight: str
    field: str
    zh: str
    en: str
    rows: int


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """A run in figures. rows = imported + known + refused, and imported = late + in_time + undated.

    late, in_time: the promises to the citizen as they stood at `as_of`; undated: nothing was promised.
    """

    run_id: int
    file: str
    kind: str
    started_at: datetime
    finished_at: datetime | None
    rows: int
    imported: int
    known: int
    refused: int
    warned: int
    as_of: datetime
    late: int
    in_time: int
    undated: int
    states: tuple[tuple[str, int], ...]
    remarks: tuple[FieldCount, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-able; instants in local time with their offset."""
        document = asdict(self)
        for name in ("started_at", "finished_at", "as_of"):
            document[name] = local(document[name]).isoformat() if document[name] else None
        document["states"] = dict(self.states)
        return document


def import_outcome(unit: Unit, run_id: int, *, as_of: datetime) -> ImportOutcome:
    """The figures of a run. `as_of` is when lateness is judged; a clock that was stopped later ran on at that moment.

    The judgement is the breach report's: stopped, or still running, at or after the deadline.
    """
    run = unit.session.get_one(ImportRun, run_id)
    late, in_time, undated = _judged(unit, run, as_of)
    states = unit.session.execute(
        select(Ticket.state, func.count())
        .join(ImportedTicket, ImportedTicket.ticket_id == Ticket.id)
        .where(ImportedTicket.run_id == run.id)
        .group_by(Ticket.state)
        .order_by(func.count().desc(), Ticket.state)
    )
    return ImportOutcome(
        run_id=run.id,
        file=run.file_name,
        kind=run.kind,
        started_at=run.started_at,
        finished_at=run.finished_at,
        rows=run.cursor,
        imported=run.imported,
        known=run.known,
        refused=run.refused,
        warned=run.warned,
        as_of=as_of,
        late=late,
        in_time=in_time,
        undated=undated,
        states=tuple((state, count) for state, count in states),
        remarks=tuple(_counted(unit, run)),
    )


def write_outcome(unit: Unit, outcome: ImportOutcome, folder: Path) -> dict[str, Path]:
    """`refused.csv` and `warned.csv`, a remark a line, and `summary.json`. Streams: remarks may be many."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / name for name in ("refused.csv", "warned.csv", "summary.json")}
    for weight in ("refused", "warned"):
        with files[f"{weight}.csv"].open("w", encoding="utf-8", newline="") as file:
            table = CsvTable(file)
            table.row(_HEADING)
            for line in _remarks(unit, outcome.run_id, weight):
                table.row(line)
    text = json.dumps(outcome.to_document(), ensure_ascii=False, indent=2)
    files["summary.json"].write_text(f"{text}\n", encoding="utf-8")
    return files


def _judged(unit: Unit, run: ImportRun, as_of: datetime) -> tuple[int, int, int]:
    judged_at = func.least(func.coalesce(SlaClock.stopped_at, literal(as_of)), literal(as_of))
    promise: ColumnElement[bool] = (SlaClock.kind == ClockKind.resolve.value) & (SlaClock.cycle == 1)
    late, in_time, undated = unit.session.execute(
        select(
            func.count().filter(~ImportedTicket.undated, judged_at >= SlaClock.due_at),
            func.count().filter(~ImportedTicket.undated, judged_at < SlaClock.due_at),
            func.count().filter(ImportedTicket.undated),
        )
        .select_from(ImportedTicket)
        .outerjoin(SlaClock, (SlaClock.ticket_id == ImportedTicket.ticket_id) & promise)
        .where(ImportedTicket.run_id == run.id)
    ).one()
    return late, in_time, undated


def _counted(unit: Unit, run: ImportRun) -> Iterator[FieldCount]:
    """The commonest reasons first. A reason that quotes a word of the file counts for that word alone."""
    rows = unit.session.execute(
        select(ImportRemark.weight, ImportRemark.field, ImportRemark.zh, ImportRemark.en, func.count())
        .where(ImportRemark.run_id == run.id)
        .group_by(ImportRemark.weight, ImportRemark.field, ImportRemark.zh, ImportRemark.en)
        .order_by(ImportRemark.weight, func.count().desc(), ImportRemark.field, ImportRemark.en)
        .limit(20)
    )
    return (FieldCount(*row) for row in rows)


def _remarks(unit: Unit, run_id: int, weight: str) -> Iterator[tuple[int, str, str, str]]:
    rows = unit.session.execute(
        select(ImportRemark.line, ImportRemark.field, ImportRemark.zh, ImportRemark.en)
        .where(ImportRemark.run_id == run_id, ImportRemark.weight == weight)
        .order_by(ImportRemark.id)
        .execution_options(yield_per=_READ_AHEAD)
    )
    return ((line, field, zh, en) for line, field, zh, en in rows)
