"""Tickets as a file: the same query as the screen, without who called unless it is asked for with the right to it, and
with who took it, when and why.

Rows come from the database as they are written out, so a large file costs no memory; the file is whole on disk and
the export on record before the first byte is sent.
"""

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any, Literal

from sqlalchemy import Row, select

from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, Conflict
from service.core.personal import without_numbers
from service.core.spreadsheet import CsvTable, workbook
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.reports.taking_away import Facts
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import CallerInList, reveal_callers
from service.tickets.errors import PermissionMissing
from service.tickets.finding import FindQuery, each_found, given
from service.tickets.models import Employer, Ticket
from service.tickets.search_record import on_record
from service.tickets.states import STATE_NAMES, State
from service.tickets.taxonomy import leaves

FileKind = Literal["csv", "xlsx"]
# A sheet ends at 1,048,576 rows.
MOST_ROWS = 1_000_000
# Up to this size a file stays in memory.
_SPOOLED = 8 * 1024 * 1024
_CHUNK = 64 * 1024
# So many numbers stand in one event of the audit.
_LISTED_AT_ONCE = 500
_EXPORT = Bilingual("导出工单", "export tickets")
_EXPORT_CLEAR = Bilingual("导出含来电人明文的工单", "export tickets with who called")
# A list to ring people back is shorter; a copy of the book is longer.
MOST_IN_CLEAR = 200
_TIERS = {"ordinary": "一般问题", "difficult": "难点问题", "complex": "特别复杂问题"}


class TooManyToExport(Conflict):
    """More rows than a sheet holds."""

    zh = "符合条件的工单超过 {most} 条,请缩小范围后再导出。"
    en = "More than {most} tickets fit; narrow the search and export again."


class TooManyInClear(Conflict):
    """More callers than anybody rings back."""

    zh = "含来电人明文的导出每次最多 {most} 张工单,请缩小范围。"
    en = "At most {most} tickets can be exported with who called; narrow the search."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTickets:
    """Which tickets (`numbers` leaves only those of the query), as what, and why."""

    query: FindQuery
    kind: FileKind
    reason: str
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketFile:
    """A finished file and how many tickets are in it."""

    name: str
    rows: int
    content: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        """The content piece by piece; the file is gone afterwards."""
        with self.content:
            while chunk := self.content.read(_CHUNK):
                yield chunk


@dataclass(frozen=True, slots=True)
class _Entry:
    row: Row[Any]
    place: str
    holder: str
    category: str


_SELECTED = (
    Ticket.number, Ticket.title, Ticket.state, Ticket.kind, Ticket.channel, Ticket.tier, Ticket.urgent,
    Ticket.category_code, Ticket.place_code, Ticket.holder_code, Ticket.people_count, Ticket.amount_owed,
    Ticket.anonymous, Ticket.confidentiality, Ticket.received_at, Ticket.accepted_at, Ticket.due_at,
    Ticket.provisional, Ticket.replied_at, Ticket.ended_at, Ticket.suspended, Ticket.cycle,
    select(Employer.name).where(Employer.id == Ticket.employer_id).scalar_subquery().label("employer"),
)  # fmt: skip

# Header, and how a row gives the value. Times are local, with their offset in the header.
_Column = tuple[str, Callable[[_Entry], Any]]
_COLUMNS: tuple[_Column, ...] = (
    ("工单号", lambda e: e.row.number),
    ("标题", lambda e: without_numbers(e.row.title)),
    ("状态", lambda e: STATE_NAMES[State(e.row.state)][0]),
    ("诉求性质", lambda e: e.row.kind),
    ("来源渠道", lambda e: e.row.channel),
    ("分级", lambda e: _TIERS.get(e.row.tier, "")),
    ("紧急", lambda e: _yes(e.row.urgent)),
    ("类别代码", lambda e: e.row.category_code),
    ("类别", lambda e: e.category),
    ("事发地", lambda e: e.place),
    ("单位代码", lambda e: e.row.holder_code),
    ("承办单位", lambda e: e.holder),
    ("用人单位", lambda e: e.row.employer or ""),
    ("涉及人数", lambda e: e.row.people_count),
    ("涉及金额(元)", lambda e: "" if e.row.amount_owed is None else float(e.row.amount_owed)),
    ("匿名", lambda e: _yes(e.row.anonymous)),
    ("保密", lambda e: _level(Confidentiality(e.row.confidentiality))),
    ("来件 (+08:00)", lambda e: _shown(e.row.received_at)),
    ("受理 (+08:00)", lambda e: _shown(e.row.accepted_at)),
    ("期限 (+08:00)", lambda e: _shown(e.row.due_at)),
    ("暂定", lambda e: _yes(e.row.provisional)),
    ("反馈 (+08:00)", lambda e: _shown(e.row.replied_at)),
    ("结束 (+08:00)", lambda e: _shown(e.row.ended_at)),
    ("挂起", lambda e: _yes(e.row.suspended)),
    ("轮次", lambda e: e.row.cycle),
)


def export_tickets(unit: Unit, command: ExportTickets) -> TicketFile:
    """Write the tickets into a file and the export into the audit: who, when, why, which query and which tickets.

    Who called is not in it, and phones and identity numbers that somebody typed into a title are masked.
    Raises PermissionMissing, TooManyToExport and what `find_tickets` raises.
    """
    if not unit.actor.may(Permission.ticket_export):
        raise PermissionMissing(step=_EXPORT)
    return _written(unit, command, _COLUMNS, _on_record(unit, _entries(unit, command)))


def export_with_callers(unit: Unit, command: ExportTickets) -> TicketFile:
    """The same with name and phone of whoever called, in clear where the actor may see the caller of that very ticket
    and masked or left out where not; the file says of how many, and why. Each caller in clear is one that was looked
    at: on the ticket's timeline, in the audit and in the count of the day.

    Raises PermissionMissing, TooManyInClear and what `find_tickets` raises.
    """
    if not unit.actor.may(Permission.ticket_export_clear):
        raise PermissionMissing(step=_EXPORT_CLEAR)
    entries = list(islice(_entries(unit, command), MOST_IN_CLEAR + 1))
    if len(entries) > MOST_IN_CLEAR:
        raise TooManyInClear(most=MOST_IN_CLEAR)
    callers = reveal_callers(unit, [entry.row.number for entry in entries], reason=command.reason)
    columns: tuple[_Column, ...] = (
        *_COLUMNS,
        ("来电人", lambda e: callers[e.row.number].name),
        ("电话", lambda e: callers[e.row.number].phone),
        ("来电人信息", lambda e: _seen(callers[e.row.number])),
    )
    tally = Counter(_seen(caller) for caller in callers.values())
    facts = tuple((f"来电人信息:{seen}", f"{count} 条") for seen, count in sorted(tally.items()))
    return _written(unit, command, columns, _on_record(unit, iter(entries)), facts)


def _seen(caller: CallerInList) -> str:
    return caller.withheld.zh if caller.withheld else "明文"


def _entries(unit: Unit, command: ExportTickets) -> Iterator[_Entry]:
    tree, categories = org_tree(unit.session), leaves(unit.session)
    for row in each_found(unit, command.query, _SELECTED, numbers=command.numbers):
        yield _Entry(
            row=row,
            place=tree.get(row.place_code).name_zh,
            holder=tree.get(row.holder_code).name_zh,
            category=categories[row.category_code].whole.zh,
        )


def _written(
    unit: Unit, command: ExportTickets, columns: tuple[_Column, ...], entries: Iterator[_Entry], facts: Facts = ()
) -> TicketFile:
    """The file, with who took it, when and why, and the export on record."""
    rows = _counted([value(entry) for _, value in columns] for entry in entries)
    taken = (
        ("导出人", f"{unit.actor.name} {unit.actor.org_code}"),
        ("导出时间 (+08:00)", _shown(unit.now)),
        ("导出理由", without_numbers(command.reason)),
        ("流水", unit.correlation_id),
        *facts,
    )
    header = [name for name, _ in columns]
    content: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed when it has been sent
    count = (_write_csv if command.kind == "csv" else _write_xlsx)(content, header, rows, taken)
    content.seek(0)
    asked = on_record(unit, given(command.query))
    record(
        unit,
        "ticket:export",
        subject=f"{count}",
        after={"reason": command.reason, "kind": command.kind, "query": asked, "chosen": len(command.numbers)},
    )
    name = f"tickets-{local(unit.now):%Y%m%d-%H%M%S}-{unit.actor.name}.{command.kind}"
    return TicketFile(name=name, rows=count, content=content)


def _on_record(unit: Unit, entries: Iterator[_Entry]) -> Iterator[_Entry]:
    """The entries passed on, their numbers written into the audit some hundred at a time."""
    while some := list(islice(entries, _LISTED_AT_ONCE)):
        numbers = [entry.row.number for entry in some]
        record(unit, "ticket:exported", subject=f"{len(numbers)}", after={"tickets": numbers})
        yield from some


def _counted(rows: Iterator[list[Any]]) -> Iterator[list[Any]]:
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            raise TooManyToExport(most=f"{MOST_ROWS:,}")
        yield row


def _write_csv(content: IO[bytes], header: list[str], rows: Iterator[list[Any]], facts: Facts) -> int:
    """Rows under their header, and below an empty line who took them, when and why."""
    text = io.TextIOWrapper(content, encoding="utf-8", newline="", write_through=True)
    table = CsvTable(text)
    table.row(header)
    count = 0
    for row in rows:
        table.row(row)
        count += 1
    table.row([])
    for fact in (*facts, ("条数", str(count))):
        table.row(fact)
    text.detach()
    return count


def _write_xlsx(content: IO[bytes], header: list[str], rows: Iterator[list[Any]], facts: Facts) -> int:
    """A sheet of rows and a sheet that says who took them, when and why."""
    book = workbook(content, constant_memory=True)
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("工单")
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(header) - 1, 18)
    sheet.write_row(0, 0, header, bold)
    count = 0
    for count, row in enumerate(rows, 1):
        sheet.write_row(count, 0, row)
    about = book.add_worksheet("说明")
    about.set_column(0, 1, 24)
    for index, fact in enumerate((*facts, ("条数", str(count)))):
        about.write_row(index, 0, fact)
    book.close()
    return count


def _yes(flag: bool) -> str:
    return "是" if flag else ""


def _level(level: Confidentiality) -> str:
    return "" if level is Confidentiality.open else level.words.zh


def _shown(instant: datetime | None) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M}" if instant else ""
