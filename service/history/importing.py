"""Taking a history in, batch by batch: tickets with their numbers, promises and a line on the timeline.

What ended elsewhere stays ended: its clock is born stopped and nothing escalates. What is open goes on here: it has
the clock its state demands, and only what lies after the import can fire (docs/adr/0011).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from service.audit.recording import record
from service.core.clock import local
from service.core.crypto import digits_only
from service.core.db import AdvisoryLock, copy_in, outside_the_fence
from service.core.errors import Bilingual, Conflict
from service.core.ids import new_query_code
from service.core.unit import PROVINCE_CODE, Unit
from service.history.mapping import CODED, HistoryMapping
from service.history.models import ImportedTicket, ImportRemark, ImportRun
from service.history.rows import STATES, HistoryRow, Remark, Verdict
from service.history.source import SourceFile
from service.notifications.audience import resolve_audience
from service.notifications.telling import tell
from service.org.tree import org_tree
from service.sla import clocks
from service.sla.models import SlaClock
from service.sla.rules import Rules, current_rules
from service.tickets.concealing import ConcealedNumber, number_row
from service.tickets.confidentiality import Confidentiality
from service.tickets.employers import note_employer
from service.tickets.finding import reindex_tickets
from service.tickets.models import (
    CHANNELS,
    KINDS,
    NUMBER_SEQUENCE,
    Assignment,
    Ticket,
    TicketAlias,
    TicketEvent,
)
from service.tickets.sealed import Told, note_former_caller, sealed_query_code
from service.tickets.states import ENDED, GOVERNING, State
from service.tickets.taxonomy import leaves
from service.tickets.ties import TIED, CallerTie, tie_of
from sla_rules import ClockKind, RuleError, Tier

# A batch is a transaction: long enough that its commit costs little, short enough that a kill loses a moment.
BATCH = 500

EVENT = "ticket:imported"
# Ends that come with an answer to the caller.
_ANSWERED = frozenset({State.closed, State.archived, State.answered})
_NUMBERS = 1_000_000  # as many as six digits name


class ImportedByAnother(Conflict):
    """Two processes import the same file."""

    zh = "另一个进程正在导入这个文件,本进程已停止;稍后重新运行可查看结果。"
    en = "Another process is importing this file and this one has stopped; run it again later to see the result."


@dataclass(frozen=True, slots=True)
class BeginImport:
    """A file that was looked through, and the mapping it is read by."""

    source: SourceFile
    mapping: HistoryMapping


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """The next rows of a run, in the order of the file; `after` rows of it were done with before."""

    run_id: int
    after: int
    verdicts: Sequence[Verdict]


def known_codes(unit: Unit) -> dict[str, frozenset[str]]:
    """What each coded field of a mapping may hold."""
    unions = frozenset(union.code for union in org_tree(unit.session))
    values: dict[str, Iterable[str]] = {
        "state": STATES,
        "kind": KINDS,
        "channel": CHANNELS,
        "tier": Tier,
        "category": leaves(unit.session),
        "place": unions,
        "holder": unions,
    }
    return {name: frozenset(str(value) for value in values[name]) for name in CODED}


def begin_import(unit: Unit, command: BeginImport) -> ImportRun:
    """The run of a file under a mapping: a new one, or the one that was cut off or finished before."""
    mapping, source = command.mapping, command.source
    values = {
        "file_name": source.path.name,
        "file_digest": source.digest,
        "mapping_digest": mapping.digest,
        "mapping": mapping.content,
        "kind": mapping.kind,
        "actor_name": unit.actor.name,
        "started_at": unit.now,
    }
    run_id = unit.session.scalar(upsert(ImportRun).values(values).on_conflict_do_nothing().returning(ImportRun.id))
    run = unit.session.scalars(
        select(ImportRun).where(ImportRun.file_digest == source.digest, ImportRun.mapping_digest == mapping.digest)
    ).one()
    if run_id is not None:
        record(
            unit,
            "history:import",
            subject=f"import_run:{run.id}",
            after={"file": run.file_name, "digest": source.digest.hex(), "kind": run.kind, TIED: True},
        )
    return run


def import_batch(unit: Unit, command: ImportBatch) -> ImportRun:
    """Bring the next rows in, all or none of them, and move the run's cursor past them.

    A row whose foreign number is known is left as it is. Raises ImportedByAnother.
    """
    session = unit.session
    outside_the_fence(session)
    # One batch at a time in the whole house, so that two files can't bring the same foreign number at once.
    session.execute(select(func.pg_advisory_xact_lock(int(AdvisoryLock.importing))))
    run = session.get_one(ImportRun, command.run_id, with_for_update=True, populate_existing=True)
    if run.cursor != command.after or run.finished_at is not None:
        raise ImportedByAnother
    fresh, remarks = _sorted_out(unit, run, command.verdicts)
    refused = {line for line, remark in remarks if remark.weight == "refused"}
    taken = _take_in(unit, run, fresh, remarks)
    refused |= {verdict.line for verdict in fresh} - taken
    # Of a row that stays out the reasons count, of a known one nothing.
    remarks = [(line, remark) for line, remark in remarks if line in taken or remark.weight == "refused"]
    copy_in(session, ImportRemark, [_remark_values(run, line, remark) for line, remark in remarks])
    run.cursor += len(command.verdicts)
    run.imported += len(taken)
    run.known += len(command.verdicts) - len(taken) - len(refused)
    run.refused += len(refused)
    run.warned += len({line for line, _remark in remarks} & taken)
    session.flush()
    return run


def finish_import(unit: Unit, run_id: int) -> ImportRun:
    """End a run: one audit event, and a word to each union about the open matters it now has. A no-op the second
    time."""
    run = unit.session.get_one(ImportRun, run_id, with_for_update=True, populate_existing=True)
    if run.finished_at is not None:
        return run
    run.finished_at = unit.now
    record(
        unit,
        "history:imported",
        subject=f"import_run:{run.id}",
        after={name: getattr(run, name) for name in ("cursor", "imported", "known", "refused", "warned")},
    )
    for org_code, count, late in _open_by_union(unit, run):
        audience = ("dispatcher", "supervisor") if org_code == PROVINCE_CODE else ("handler", "leader")
        tell(
            unit,
            resolve_audience(unit, audience, org_code=org_code),
            Bilingual(
                f"历史导入:本单位接收未办结工单 {count} 件,其中 {late} 件已超期,请查看队列。",
                f"History imported: your union now has {count} open tickets of it, {late} of them late already; "
                "please look at your queue.",
            ),
            key=f"import_run:{run.id}:{org_code}",
        )
    return run


# Which rows come in ---------------------------------------------------------------------------------------


def _sorted_out(
    unit: Unit, run: ImportRun, verdicts: Sequence[Verdict]
) -> tuple[list[Verdict], list[tuple[int, Remark]]]:
    """The rows to take in, without those whose foreign number is known, and every remark by line."""
    remarks = [(verdict.line, remark) for verdict in verdicts for remark in verdict.remarks]
    numbers = [verdict.row.number for verdict in verdicts if verdict.row is not None]
    lines = _lines_of(unit, run, numbers)
    fresh: list[Verdict] = []
    seen: dict[str, int] = {}
    for verdict in verdicts:
        row = verdict.row
        if row is None:
            continue
        first = seen.get(row.number) or lines.get(row.number)
        if first is not None:
            words = Bilingual(f"与第 {first} 行编号相同", f"has the number of line {first}")
            remarks.append((verdict.line, Remark("refused", "number", words)))
        elif row.number not in lines:
            seen[row.number] = verdict.line
            fresh.append(verdict)
    return fresh, remarks


def _lines_of(unit: Unit, run: ImportRun, numbers: list[str]) -> dict[str, int | None]:
    """The foreign numbers that name a ticket already, with their line if they came with this run."""
    rows = unit.session.execute(
        select(TicketAlias.number, ImportedTicket.line, ImportedTicket.run_id)
        .outerjoin(ImportedTicket, ImportedTicket.ticket_id == TicketAlias.ticket_id)
        .where(TicketAlias.kind == run.kind, TicketAlias.number == func.any(numbers))
    )
    return {number: line if run_id == run.id else None for number, line, run_id in rows}


# What a row becomes ---------------------------------------------------------------------------------------


def _take_in(unit: Unit, run: ImportRun, fresh: list[Verdict], remarks: list[tuple[int, Remark]]) -> set[int]:
    """Write the tickets of these rows. Returns the lines taken in; the others are refused in `remarks`."""
    rules = current_rules(unit.session)
    promises: list[tuple[Verdict, HistoryRow, dict[ClockKind, dict[str, Any]]]] = []
    for verdict in fresh:
        row = verdict.row
        assert row is not None, "a row to take in was read"  # noqa: S101
        try:
            promises.append((verdict, row, _clocks_of(unit, row, rules)))
        except RuleError as error:
            remarks.append((verdict.line, Remark("refused", "due_at", Bilingual(error.zh, error.en))))
    if not promises:
        return set()
    names = _new_names(unit, [row for _verdict, row, _clocks in promises])
    callers = _callers(unit, [row for _verdict, row, _clocks in promises])
    employers = _employers(unit, [row for _verdict, row, _clocks in promises])
    written: dict[type[Any], list[dict[str, Any]]] = defaultdict(list)
    for (verdict, row, row_clocks), (ticket_id, number) in zip(promises, names, strict=True):
        ticket = _ticket_values(unit, row, row_clocks)
        ticket |= {
            "id": ticket_id,
            "number": number,
            "caller_id": callers.get(row.phone or ""),
            "employer_id": employers.get(row.employer or ""),
        }
        written[Ticket].append(ticket)
        written[TicketAlias].append({"kind": run.kind, "number": row.number, "ticket_id": ticket_id})
        written[ImportedTicket].append(
            {"ticket_id": ticket_id, "run_id": run.id, "line": verdict.line, "undated": row.undated}
        )
        written[TicketEvent].append(_event_values(unit, run, verdict, row, ticket))
        written[SlaClock] += [{**clock, "ticket_id": ticket_id} for clock in row_clocks.values()]
        if row.phone:
            written[CallerTie].append(tie_of(unit, ticket_id, number, digits_only(row.phone)))
        written[ConcealedNumber] += [number_row(unit, ticket_id, *each) for each in row.apart.items()]
        if row.state in (State.to_sign, State.in_progress):
            written[Assignment].append(_assignment_values(unit, row, ticket_id))
    # The tickets go into the index together, with all that hangs on them; one left out would go there at the commit.
    unit.session.execute(text("set constraints search_insert deferred"))
    for model in (Ticket, TicketAlias, ImportedTicket, SlaClock, Assignment, TicketEvent, CallerTie, ConcealedNumber):
        copy_in(unit.session, model, written[model])
    ids = [ticket_id for ticket_id, _number in names]
    reindex_tickets(unit, first=min(ids), last=max(ids))
    return {verdict.line for verdict, _row, _clocks in promises}


def _clocks_of(unit: Unit, row: HistoryRow, rules: Rules) -> dict[ClockKind, dict[str, Any]]:
    """The clocks a row's state demands. Raises RuleError where the calendar knows nothing of its time.

    The promise to the citizen is the one made elsewhere, or counted from acceptance by our policy. An open matter to
    which nothing was promised is promised it from now on; one that ended without a promise has no clock.
    """
    now, ended = unit.now, row.state in ENDED
    started: dict[ClockKind, dict[str, Any]] = {}
    if row.state is not State.registered and not (row.undated and ended):
        started[ClockKind.resolve] = clocks.prepare_taken_over(
            clocks.TakeOverClock(
                start=_start(unit, row, ClockKind.resolve, now if row.undated else row.accepted_at),
                at=now,
                given=row.due_at,
                stopped_at=(row.replied_at or row.closed_at) if ended else None,
            ),
            rules,
        )
    own = {State.registered: ClockKind.dispatch, State.accepted: ClockKind.dispatch, State.to_sign: ClockKind.sign}
    if row.state in own:
        kind = own[row.state]
        started[kind] = clocks.prepare_taken_over(
            clocks.TakeOverClock(start=_start(unit, row, kind, now), at=now), rules
        )
    return started


def _start(unit: Unit, row: HistoryRow, kind: ClockKind, at: datetime) -> clocks.StartClock:
    org_code = PROVINCE_CODE if kind is ClockKind.dispatch else _holder(row)
    return clocks.StartClock(
        ticket_id=0,
        kind=kind,
        leg="citizen" if kind is ClockKind.resolve else org_tree(unit.session).get(org_code).level,
        org_code=org_code,
        cycle=1,
        tier=None if row.state is State.registered else _tier(unit, row),
        urgent=row.urgent,
        started_at=at,
    )


def _tier(unit: Unit, row: HistoryRow) -> Tier:
    return Tier(row.tier) if row.tier else leaves(unit.session)[row.category_code].tier


def _holder(row: HistoryRow) -> str:
    """Until it is dispatched a matter is the centre's."""
    return PROVINCE_CODE if row.state in (State.registered, State.accepted) else row.holder_code


def _ticket_values(unit: Unit, row: HistoryRow, row_clocks: Mapping[ClockKind, dict[str, Any]]) -> dict[str, Any]:
    registered = row.state is State.registered
    clock = row_clocks.get(GOVERNING.get(row.state, ClockKind.resolve), {})
    return {
        "query_code_sealed": sealed_query_code(unit.vault, new_query_code()),
        "state": row.state.value,
        "kind": row.kind,
        "channel": row.channel,
        "tier": None if registered else _tier(unit, row).value,
        "tier_reason": None if registered else ("导入" if row.tier else "按类别建议"),
        "urgent": row.urgent,
        "category_code": row.category_code,
        "place_code": row.place_code,
        "title": row.title,
        "body": row.body,
        "anonymous": row.anonymous,
        "confidentiality": Confidentiality.from_unions if row.identity_hidden else Confidentiality.open,
        "people_count": row.people_count,
        "amount_owed": row.amount_owed,
        "received_at": row.received_at,
        "accepted_at": None if registered else row.accepted_at,
        "replied_at": row.replied_at or (row.closed_at if row.state in _ANSWERED else None),
        "ended_at": row.closed_at,
        "holder_code": _holder(row),
        "due_at": clock.get("due_at"),
        "half_at": clock.get("half_at"),
        "provisional": clock.get("provisional", False),
        "answer": row.answer or None,
        "created_at": unit.now,
    }


def _event_values(
    unit: Unit, run: ImportRun, verdict: Verdict, row: HistoryRow, ticket: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "ticket_id": ticket["id"],
        "at": unit.now,
        "kind": EVENT,
        "from_state": None,
        "to_state": row.state.value,
        "cycle": 1,
        "actor_id": unit.actor.id,
        "actor_name": unit.actor.name,
        "actor_org": unit.actor.org_code,
        # What is known stands in the data: a note is somebody's words, and they are searched.
        "note": "",
        "data": {
            "import_run": run.id,
            "file": run.file_name,
            "line": verdict.line,
            "foreign_kind": run.kind,
            "foreign_number": row.number,
            "kept": row.kept,
        },
        "correlation_id": unit.correlation_id,
    }


def _assignment_values(unit: Unit, row: HistoryRow, ticket_id: int) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "cycle": 1,
        "org_code": row.holder_code,
        "role": "lead",
        "dispatched_at": unit.now,
        "signed_at": unit.now if row.state is State.in_progress else None,
    }


def _remark_values(run: ImportRun, line: int, remark: Remark) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "line": line,
        "weight": remark.weight,
        "field": remark.field,
        "zh": remark.words.zh,
        "en": remark.words.en,
    }


# Numbers and people ---------------------------------------------------------------------------------------


def _new_names(unit: Unit, rows: Sequence[HistoryRow]) -> list[tuple[int, str]]:
    """An id and a number for each row. The number bears the day the matter was received, as it would have then."""
    days = [f"QH12351-{local(row.received_at):%Y%m%d}-" for row in rows]
    ids, numbers = _next(unit, "ticket_id_seq", len(rows)), [""] * len(rows)
    missing = list(range(len(rows)))
    while missing:
        serials = _next(unit, NUMBER_SEQUENCE.name, len(missing))
        for place, serial in zip(missing, serials, strict=True):
            numbers[place] = f"{days[place]}{serial % _NUMBERS:06}"
        # Six digits come round after a million, perhaps on the same day.
        wanted = [numbers[place] for place in missing]
        taken = set(unit.session.scalars(select(Ticket.number).where(Ticket.number == func.any(wanted))))
        missing = [place for place in missing if numbers[place] in taken]
    return list(zip(ids, numbers, strict=True))


def _next(unit: Unit, sequence: str, count: int) -> list[int]:
    statement = text("select nextval(cast(:sequence as regclass)) from generate_series(1, :count)")
    return list(unit.session.scalars(statement, {"sequence": sequence, "count": count}))


def _callers(unit: Unit, rows: Iterable[HistoryRow]) -> dict[str, int]:
    """The callers' rows by their digits. A name told later fills the gap; a known one is not overwritten."""
    found: dict[str, int] = {}
    for row in rows:
        if row.phone is None or row.phone in found:
            continue
        name = None if row.anonymous else row.caller_name
        found[row.phone] = note_former_caller(unit, Told(digits=digits_only(row.phone), name=name))
    return found


def _employers(unit: Unit, rows: Iterable[HistoryRow]) -> dict[str, int | None]:
    """The employers' rows by their name as written. In one order, so that two batches never wait for each other."""
    names = sorted({row.employer for row in rows if row.employer})
    return {name: note_employer(unit, name) for name in names}


def _open_by_union(unit: Unit, run: ImportRun) -> list[tuple[str, int, int]]:
    """How many open tickets of the run each union has, and how many of them are late already."""
    rows = unit.session.execute(
        select(
            Ticket.holder_code,
            func.count(),
            func.count().filter(Ticket.due_at <= unit.now),
        )
        .join(ImportedTicket, ImportedTicket.ticket_id == Ticket.id)
        .where(ImportedTicket.run_id == run.id, Ticket.ended_at.is_(None))
        .group_by(Ticket.holder_code)
        .order_by(Ticket.holder_code)
    )
    return [(org_code, count, late) for org_code, count, late in rows]
