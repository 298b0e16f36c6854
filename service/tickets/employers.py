"""The employer register: one employer, its names and its credit code, so that ten callers about one firm are seen as
ten about one.

Every name is a row of `employer`. Intake writes a name it has not met; whoever keeps the register adds other names,
merges two entries, or gives one its credit code.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, TextClause, func, or_, select, text, update

from service.audit.recording import record
from service.core.db import AdvisoryLock, insert_text
from service.core.errors import Bilingual, Conflict, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.sla.rules import current_rules
from service.tickets.concealing import star_out
from service.tickets.credit_code import credit_code
from service.tickets.errors import NotTheCentre, PermissionMissing
from service.tickets.inside import EmployerUnion, has_union
from service.tickets.models import Employer, Ticket
from service.tickets.warning import warn_of_employer

MOST_FOUND = 50
_AT_ONCE = 500
_SPACES = re.compile(r"\s+")
_READ = Bilingual("查询用人单位", "look up employers")
_KEEP = Bilingual("维护用人单位名录", "keep the register of employers")

# Another name answers with the employer itself. The empty update locks the row against a merge that is under way.
UPSERT_EMPLOYER = insert_text(
    Employer,
    ("name", "name_key", "created_at"),
    then="on conflict (name_key) do update set name_key = excluded.name_key returning coalesce(merged_into, id)",
)


# The same, and alone with that employer until the transaction ends: whoever counts its matters counts them all.
_HOLD_EMPLOYER = text(
    f"with named as ({UPSERT_EMPLOYER.text} as id) "  # noqa: S608 - only names of the code
    f"select id, pg_advisory_xact_lock({AdvisoryLock.employer}, id), "
    "exists (select from employer_union u where u.employer_id = id) as has_union from named"
)


class EmployerNotFound(NotFound):
    """No employer has this number."""

    zh = "名录中没有编号为 {id} 的用人单位。"
    en = "The register has no employer {id}."


class EmployerNameEmpty(Malformed):
    """Nothing is left of the name without blanks."""

    zh = "用人单位名称不能为空。"
    en = "An employer's name can't be empty."


class NameOfAnotherEmployer(Conflict):
    """The name or the code is taken. The two may be one employer."""

    zh = "“{name}”已是用人单位 {other}(编号 {id})的名称或代码;如系同一单位,请合并。"
    en = "“{name}” belongs to the employer {other} ({id}) already; if the two are one, merge them."


class CreditCodesDiffer(Conflict):
    """Two codes are two legal persons, whatever their names say."""

    zh = "两个用人单位的统一社会信用代码不同({one}、{other}),不是同一单位,不能合并。"
    en = "The two employers have different credit codes ({one}, {other}): they are two legal persons."


class MergedWithItself(Malformed):
    """Two entries are needed."""

    zh = "不能与自身合并。"
    en = "An employer can't be merged with itself."


@dataclass(frozen=True, slots=True)
class EmployerView:
    """An employer with its other names, and the codes of the unions that belong to it."""

    id: int
    name: str
    credit_code: str | None
    other_names: tuple[str, ...]
    unions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindEmployers:
    """Part of a name, or of the credit code from its beginning; '' for all. `limit` 1 to 50."""

    part: str
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendEmployer:
    """What to put right; None leaves it. The name it had stays as another name."""

    id: int
    name: str | None = None
    credit_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEmployerName:
    """Another name of an employer."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeEmployers:
    """Which entry is to become another name of which."""

    id: int
    into: int


def employer_key(name: str) -> str:
    """The normal form under which the same employer is found again: width, case, spaces and brackets folded."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", name)).casefold()


def note_employer(unit: Unit, name: str | None) -> int | None:
    """The employer of this name, written down if it is new. One statement; None for no name."""
    noted = _noted(unit, UPSERT_EMPLOYER, name)
    return int(noted[0]) if noted else None


def hold_employer(unit: Unit, name: str | None) -> tuple[int | None, bool]:
    """As `note_employer`, and nobody registers another matter about it until this transaction ends; also whether a
    union belongs to it. One statement."""
    held = _noted(unit, _HOLD_EMPLOYER, name)
    return (held.id, held.has_union) if held else (None, False)


def _noted(unit: Unit, statement: TextClause, name: str | None) -> Row[Any] | None:
    if not name or not employer_key(name):
        return None
    values = {"name": name, "name_key": employer_key(name), "created_at": unit.now}
    return unit.session.connection().execute(statement, values).one()


def employer_of_name(unit: Unit, name: str) -> int | None:
    """The employer of this very name, without writing one down."""
    return unit.session.scalar(
        select(func.coalesce(Employer.merged_into, Employer.id)).where(Employer.name_key == employer_key(name))
    )


def find_employers(unit: Unit, query: FindEmployers) -> list[EmployerView]:
    """Employers by any of their names, the ones that begin so first, the shortest name first.

    Raises PermissionMissing, NotTheCentre.
    """
    _check(unit, Permission.employer_read, _READ)
    key = employer_key(query.part)
    itself = func.coalesce(Employer.merged_into, Employer.id).label("itself")
    # Not LIKE: a name may hold % and _.
    place = func.strpos(Employer.name_key, key)
    statement = (
        select(itself)
        .where(or_(place > 0, func.strpos(Employer.credit_code, key.upper()) == 1))
        .group_by(itself)
        .order_by(func.min(place), func.min(func.length(Employer.name_key)), itself)
        .limit(min(query.limit, MOST_FOUND))
    )
    return _views(unit, list(unit.session.scalars(statement)))


def employer_view(unit: Unit, employer_id: int) -> EmployerView:
    """One employer, also by the number of one of its other names. Raises EmployerNotFound and `find_employers`'."""
    _check(unit, Permission.employer_read, _READ)
    row = unit.session.get(Employer, employer_id)
    if row is None:
        raise EmployerNotFound(id=employer_id)
    return _views(unit, [row.merged_into or row.id])[0]


def amend_employer(unit: Unit, command: AmendEmployer) -> EmployerView:
    """Put an employer's name or credit code right.

    Raises EmployerNotFound, EmployerNameEmpty, CreditCodeUnreadable, CreditCodeMistyped, NameOfAnotherEmployer,
    PermissionMissing, NotTheCentre.
    """
    _check(unit, Permission.employer_manage, _KEEP)
    row = lock_employers(unit, command.id)[command.id]
    before = {"name": row.name, "credit_code": row.credit_code}
    if command.credit_code is not None:
        code = credit_code(command.credit_code)
        taken = unit.session.scalar(select(Employer).where(Employer.credit_code == code, Employer.id != row.id))
        if taken is not None:
            raise NameOfAnotherEmployer(name=code, other=taken.name, id=taken.id)
        row.credit_code = code
    if command.name is not None and employer_key(command.name) != row.name_key:
        _take_name(unit, row, command.name)
    elif command.name is not None:
        row.name = command.name.strip()
    unit.session.flush()
    after = {"name": row.name, "credit_code": row.credit_code}
    record(unit, "employer:amend", subject=str(row.id), before=before, after=after)
    return employer_view(unit, row.id)


def add_employer_name(unit: Unit, command: AddEmployerName) -> EmployerView:
    """Note another name of an employer: whoever says it means this one. A name it has already changes nothing.

    Raises EmployerNotFound, EmployerNameEmpty, NameOfAnotherEmployer, PermissionMissing, NotTheCentre.
    """
    _check(unit, Permission.employer_manage, _KEEP)
    row = lock_employers(unit, command.id)[command.id]
    name = unit.session.get(Employer, _free_name(unit, row, command.name))
    if name is not None and name.id != row.id:
        name.merged_into = row.id
    unit.session.flush()
    record(unit, "employer:add_name", subject=str(row.id), after={"name": command.name})
    return employer_view(unit, row.id)


def merge_employers(unit: Unit, command: MergeEmployers) -> EmployerView:
    """Make one entry another name of the other: its names and its tickets go over, and its credit code where the
    other has none. Intakes that say the old name meanwhile wait, and get the employer itself. The matters of the two
    are now about one, which may warn the province.

    Raises MergedWithItself, EmployerNotFound (also for what was merged before), CreditCodesDiffer,
    PermissionMissing, NotTheCentre.
    """
    _check(unit, Permission.employer_manage, _KEEP)
    if command.id == command.into:
        raise MergedWithItself
    rows = lock_employers(unit, command.id, command.into)
    gone, kept = rows[command.id], rows[command.into]
    if gone.credit_code and kept.credit_code:
        raise CreditCodesDiffer(one=gone.credit_code, other=kept.credit_code)
    code, gone.credit_code = gone.credit_code or kept.credit_code, None
    unit.session.flush()
    kept.credit_code = code
    unit.session.execute(update(Employer).where(Employer.merged_into == gone.id).values(merged_into=kept.id))
    gone.merged_into = kept.id
    unit.session.flush()
    moved = unit.session.scalars(
        update(Ticket).where(Ticket.employer_id == gone.id).values(employer_id=kept.id).returning(Ticket.id)
    ).all()
    record(
        unit,
        "employer:merge",
        subject=str(kept.id),
        before={"id": gone.id, "name": gone.name},
        after={"id": kept.id, "name": kept.name, "tickets": sorted(moved)},
    )
    unit.session.execute(select(func.pg_advisory_xact_lock(AdvisoryLock.employer, kept.id)))
    if has_union(unit, kept.id):
        star_out_about(unit, kept.id)
    warn_of_employer(unit, kept.id, current_rules(unit.session).policy)
    return employer_view(unit, kept.id)


def star_out_about(unit: Unit, employer_id: int) -> None:
    """Star the callers out of the texts of all matters about an employer, some hundred at a time: it has a union whose
    people may come to read them. An intake that is under way is waited for."""
    unit.session.execute(select(func.pg_advisory_xact_lock(AdvisoryLock.employer, employer_id)))
    last = 0
    while tickets := unit.session.scalars(
        select(Ticket)
        .where(Ticket.employer_id == employer_id, Ticket.caller_id.is_not(None), Ticket.id > last)
        .order_by(Ticket.id)
        .limit(_AT_ONCE)
        .with_for_update(of=Ticket)
    ).all():
        for ticket in tickets:
            star_out(unit, ticket)
        unit.session.flush()
        last = tickets[-1].id


def _check(unit: Unit, permission: Permission, step: Bilingual) -> None:
    """The register knows who was complained about: it is the centre's."""
    if not unit.actor.may(permission):
        raise PermissionMissing(step=step)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=step)


def lock_employers(unit: Unit, *ids: int) -> dict[int, Employer]:
    """Employers (not their other names), locked in the order of their numbers, so that two merges never cross."""
    rows = unit.session.scalars(
        select(Employer)
        .where(Employer.id.in_(ids))
        .order_by(Employer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows if row.merged_into is None}
    for wanted in ids:
        if wanted not in found:
            raise EmployerNotFound(id=wanted)
    return found


def _take_name(unit: Unit, row: Employer, name: str) -> None:
    """Let the employer go by another name and keep the one it had: the two rows exchange their names."""
    other = unit.session.get(Employer, _free_name(unit, row, name), with_for_update=True, populate_existing=True)
    assert other is not None, "the name was written just now"  # noqa: S101
    old_name, old_key, new_key = row.name, row.name_key, other.name_key
    # Both names are unique, so one steps aside for a moment.
    other.name_key = f"\x1f{other.id}"
    unit.session.flush()
    row.name, row.name_key = name.strip(), new_key
    unit.session.flush()
    other.name, other.name_key, other.merged_into = old_name, old_key, row.id


def _free_name(unit: Unit, row: Employer, name: str) -> int:
    """The row of a name that is nobody else's; written down if it is new."""
    key = employer_key(name)
    if not key:
        raise EmployerNameEmpty
    taken = unit.session.scalar(select(Employer).where(Employer.name_key == key).with_for_update())
    if taken is None:
        written = Employer(name=name.strip(), name_key=key, merged_into=row.id, created_at=unit.now)
        unit.session.add(written)
        unit.session.flush()
        return written.id
    if row.id not in {taken.id, taken.merged_into}:
        itself = unit.session.get(Employer, taken.merged_into) if taken.merged_into else taken
        raise NameOfAnotherEmployer(name=name, other=itself.name if itself else taken.name, id=taken.id)
    return taken.id


def _views(unit: Unit, ids: list[int]) -> list[EmployerView]:
    """These employers in this order. Three statements at most, however many."""
    if not ids:
        return []
    rows = {row.id: row for row in unit.session.scalars(select(Employer).where(Employer.id.in_(ids)))}
    names: dict[int, list[str]] = {}
    for itself, other in unit.session.execute(
        select(Employer.merged_into, Employer.name).where(Employer.merged_into.in_(ids)).order_by(Employer.id)
    ):
        names.setdefault(itself, []).append(other)
    unions: dict[int, list[str]] = {}
    for itself, code in unit.session.execute(
        select(EmployerUnion.employer_id, EmployerUnion.org_code)
        .where(EmployerUnion.employer_id.in_(ids))
        .order_by(EmployerUnion.org_code)
    ):
        unions.setdefault(itself, []).append(code)
    return [
        EmployerView(
            id=row.id,
            name=row.name,
            credit_code=row.credit_code,
            other_names=tuple(names.get(row.id, ())),
            unions=tuple(unions.get(row.id, ())),
        )
        for row in (rows[wanted] for wanted in ids)
    ]
