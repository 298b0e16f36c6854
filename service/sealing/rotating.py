"""Bringing all that is sealed under the key that seals now, beside the running service.

Batch by batch, each a transaction: what is done is done, and a run that was cut off goes on with what is left. Rows
that somebody holds are passed over and come up again: a rotation waits for nobody, and nobody for more than a batch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from service.audit.chain import ROTATION, link_events, rotation_to
from service.audit.keys import keep_audit_keys
from service.audit.recording import record
from service.core.crypto import SealBroken, Vault, version_in
from service.core.db import table_of
from service.core.errors import Conflict
from service.core.unit import Unit
from service.outbox.models import OutboxMessage
from service.sealing.places import SEALED, TABLES, SealedTable, head_of_hash
from service.tickets.models import Caller
from service.tickets.worker_codes import WORKER_CODE, WorkerCode, opened_for, sealed_for

BATCH = 500
_LINKED_AT_ONCE = 1000
# A row that is held at every pass is in a transaction that does not end: the next run comes to it.
PASSES = 5
_PAYLOAD = "outbox_message.payload"
_CARRIES = and_(OutboxMessage.kind == WORKER_CODE, OutboxMessage.payload.has_key("phone"))

# The primary key of the last row of a batch, None after the last batch; and how many rows were brought.
Brought = tuple[Sequence[Any] | None, int]


class KeyGone(Conflict):
    """Something is sealed under a key that is not in the ring: only that key can open it."""

    zh = "{place} 中有 {rows} 项是用密钥环里没有的密钥加密的。请把当时的主密钥加回密钥环,再轮换。"
    en = "{rows} values in {place} are sealed under a key that is not in the ring. Put that key back, then rotate."


class ValueBroken(Conflict):
    """Altered, or moved here from elsewhere: nothing that a rotation may write over."""

    zh = "{place} 中的一项打不开(行 {row}):内容被改动,或从别处移来。轮换在此停下,已完成的部分有效。"
    en = "A value in {place} (row {row}) does not open: altered, or moved here. The rotation stops; what is done holds."


@dataclass(frozen=True, slots=True)
class Sealed:
    """So many values of a place under one key and suite. `head`: what their first byte says."""

    place: str
    head: int
    rows: int
    opens: bool
    newest: bool


def sealed_values(unit: Unit) -> list[Sealed]:
    """How much is sealed under what, place by place: each table is read once."""
    found = [
        (f"{each.table.name}.{column}", head, rows)
        for each in TABLES
        for column, expression in each.heads.items()
        for head, rows in _counted(unit.session, expression.label("head"), each.table.c[column].is_not(None))
    ]
    for place, column in (("phone_hash", WorkerCode.phone_hash), ("code_hash", WorkerCode.code_hash)):
        counted = _counted(unit.session, head_of_hash(column).label("head"), WorkerCode.expires_at > unit.now)
        found += [(f"worker_code.{place}", head, rows) for head, rows in counted]
    found += [
        (_PAYLOAD, head, rows) for head, rows in _counted(unit.session, _head_of_payload().label("head"), _CARRIES)
    ]
    vault = unit.vault
    return [Sealed(place, head, rows, head in vault.heads, head == vault.head) for place, head, rows in found]


def _head_of_payload() -> ColumnElement[int]:
    return func.get_byte(func.decode(OutboxMessage.payload["phone"].astext, "base64"), 0)


def _counted(session: Session, head: Any, where: ColumnElement[bool]) -> Sequence[Any]:
    return session.execute(select(head, func.count()).where(where).group_by(head).order_by(head)).all()


def rotate(
    begin: Callable[[], AbstractContextManager[Unit]], *, advance_to: Callable[[int], None], batch: int = BATCH
) -> int:
    """Bring everything under the key and the suite that seal now; how many rows were brought. `begin` opens a unit that
    commits when its block ends well, one for each batch; `advance_to` hears how many rows are through.

    Raises KeyGone, ValueBroken.
    """
    with begin() as unit:
        for each in sealed_values(unit):
            if not each.opens:
                raise KeyGone(place=each.place, rows=each.rows)
        # What waits for its place has a former key's code, and gets it now.
        while link_events(unit, limit=_LINKED_AT_ONCE) == _LINKED_AT_ONCE:
            pass
        keep_audit_keys(unit)
        unit.session.execute(delete(WorkerCode).where(WorkerCode.expires_at < unit.now))
        record(unit, ROTATION, subject=rotation_to(version_in(unit.vault.head)))
    done = 0
    for _ in range(PASSES):
        before = done
        for bring in _STEPS:
            after: Sequence[Any] | None = ()
            while after is not None:
                with begin() as unit:
                    after, count = bring(unit, after, batch)
                done += count
                advance_to(done)
        if done == before:
            break
    return done


def _bring_rows(sealed: SealedTable, unit: Unit, after: Sequence[Any], batch: int) -> Brought:
    """The next rows of a table, after the one with this primary key."""
    table, vault = sealed.table, unit.vault
    key = list(table.primary_key.columns)
    stale = or_(*(head != vault.head for head in sealed.heads.values()))
    statement = _rows(sealed).where(stale).limit(batch)
    if after:
        statement = statement.where(tuple_(*key) > tuple_(*after))
    rows = unit.session.execute(statement.with_for_update(skip_locked=True)).all()
    if not rows:
        return None, 0
    fresh = [_resealed(vault, sealed, row) for row in rows]
    if sealed.model is Caller:
        fresh = [each for each in fresh if not _joined(unit, each)]
    if fresh:
        changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*sealed.sealed, *sealed.hashes)}
        change = update(table).where(*(column == bindparam(f"new_{column.name}") for column in key)).values(changed)
        values = [{f"new_{name}": value for name, value in each.items()} for each in fresh]
        unit.session.connection().execute(change, values)
    return [getattr(rows[-1], column.name) for column in key], len(rows)


def _resealed(vault: Vault, sealed: SealedTable, row: Row[Any]) -> dict[str, Any]:
    """A row's primary key, its sealed values and its hashes, made anew. Raises ValueBroken."""
    clear = _opened(vault, sealed, row)
    values = {column.name: getattr(row, column.name) for column in sealed.table.primary_key.columns}
    for column in sealed.sealed:
        place = f"{sealed.table.name}.{column}"
        values[column] = vault.seal(clear[column], place, sealed.bound(column, row, clear)) if column in clear else None
    return values | {column: vault.lookup(made_of(row, clear)) for column, made_of in sealed.hashes.items()}


def _opened(vault: Vault, sealed: SealedTable, row: Row[Any]) -> dict[str, str]:
    """What stands sealed in a row, in clear. Raises ValueBroken, also for a hash that is another row's: a number that
    was moved here must not be made this row's own."""
    clear: dict[str, str] = {}
    for column in sealed.sealed:
        place, stored = f"{sealed.table.name}.{column}", getattr(row, column)
        if stored is not None:
            try:
                clear[column] = vault.open(stored, place, sealed.bound(column, row, clear))
            except SealBroken:
                raise ValueBroken(place=place, row=row[0]) from None
    for column, made_of in sealed.hashes.items():
        if getattr(row, column) not in vault.lookups(made_of(row, clear)):
            raise ValueBroken(place=f"{sealed.table.name}.{column}", row=row[0])
    return clear


def broken_values(unit: Unit, *, most: int, turn: int) -> list[ValueBroken]:
    """What does not open of up to `most` rows of each table: with each `turn` others, so that all are looked at in the
    course of time. A table of fewer rows is looked at whole."""
    return [
        broken for each in TABLES for row in _some_rows(unit, each, most, turn) if (broken := _broken(unit, each, row))
    ]


def all_broken_values(unit: Unit, *, advance_to: Callable[[int], None]) -> list[ValueBroken]:
    """What does not open of all that is sealed; `advance_to` hears how many rows are through."""
    found, done = [], 0
    for each in TABLES:
        for row in unit.session.execute(_rows(each).execution_options(yield_per=BATCH)):
            if broken := _broken(unit, each, row):
                found.append(broken)
            done += 1
            advance_to(done)
    return found


def rows_with_seals(unit: Unit) -> int:
    """How many rows hold something sealed."""
    return sum(unit.session.scalar(select(func.count()).select_from(each.table)) or 0 for each in TABLES)


def _some_rows(unit: Unit, sealed: SealedTable, most: int, turn: int) -> Iterator[Row[Any]]:
    first = next(iter(sealed.table.primary_key.columns))
    last = unit.session.scalar(select(func.max(first))) or 0
    start = turn * most % (last + 1)
    rows = unit.session.execute(_rows(sealed).where(first >= start).limit(most)).all()
    yield from rows
    if len(rows) < most:
        yield from unit.session.execute(_rows(sealed).where(first < start).limit(most - len(rows)))


def _rows(sealed: SealedTable) -> Select[Any]:
    return select(*(sealed.table.c[name] for name in _columns(sealed))).order_by(*sealed.table.primary_key.columns)


def _broken(unit: Unit, sealed: SealedTable, row: Row[Any]) -> ValueBroken | None:
    try:
        _opened(unit.vault, sealed, row)
    except ValueBroken as broken:
        return broken
    return None


def _columns(sealed: SealedTable) -> Iterable[str]:
    key = (column.name for column in sealed.table.primary_key.columns)
    return dict.fromkeys([*key, *sealed.sealed, *sealed.hashes, *sealed.needs])


def _joined(unit: Unit, caller: dict[str, Any]) -> bool:
    """Whether this caller has another row already, made at the same moment by a process that seals otherwise: then all
    that names this one goes over to that one."""
    table = table_of(Caller)
    other = unit.session.scalar(
        select(table.c.id).where(table.c.phone_hash == caller["phone_hash"], table.c.id != caller["id"])
    )
    if other is None:
        return False
    told = {name: func.coalesce(table.c[name], caller[name]) for name in caller if name.endswith(SEALED)}
    unit.session.execute(update(table).where(table.c.id == other).values(told))
    for each in table.metadata.tables.values():
        for key in each.foreign_keys:
            if key.column is table.c.id:
                unit.session.execute(update(each).where(key.parent == caller["id"]).values({key.parent.name: other}))
    unit.session.execute(delete(table).where(table.c.id == caller["id"]))
    return True


def _bring_payloads(unit: Unit, after: Sequence[Any], batch: int) -> Brought:
    """The phones and codes in messages, which are sealed in the payload."""
    vault, table = unit.vault, table_of(OutboxMessage)
    rows = unit.session.execute(
        select(OutboxMessage.id, OutboxMessage.payload)
        .where(
            _CARRIES,
            _head_of_payload() != vault.head,
            OutboxMessage.id > (after[0] if after else 0),
        )
        .order_by(OutboxMessage.id)
        .limit(batch)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        try:
            phone = opened_for(vault, row.payload["phone"])
            code = opened_for(vault, row.payload["code"], phone)
        except SealBroken:
            raise ValueBroken(place=_PAYLOAD, row=row.id) from None
        payload = {**row.payload, "phone": sealed_for(vault, phone), "code": sealed_for(vault, code, phone)}
        unit.session.execute(update(table).where(table.c.id == row.id).values(payload=payload))
    return ([rows[-1].id], len(rows)) if rows else (None, 0)


_STEPS: tuple[Callable[[Unit, Sequence[Any], int], Brought], ...] = (
    *(partial(_bring_rows, each) for each in TABLES),
    _bring_payloads,
)
