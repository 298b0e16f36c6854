"""Which unions belong to an employer: kept by administrators, with a reason, for by it people learn who complained or
do not."""

from dataclasses import dataclass

from service.audit.recording import record
from service.core.errors import Bilingual, Conflict, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.employers import EmployerView, employer_view, lock_employers, star_out_about
from service.tickets.errors import NotTheCentre, PermissionMissing
from service.tickets.inside import EmployerUnion

_KEEP = Bilingual("登记用人单位内部的工会", "say which unions belong to an employer")


class ProvinceIsNobodys(Malformed):
    zh = "省级工会不属于任何用人单位。"
    en = "The province's union belongs to no employer."


class UnionBelongsAlready(Conflict):
    zh = "{union}已登记为“{employer}”内部的工会。"
    en = "{union} is known to belong to {employer} already."


class UnionDoesNotBelong(NotFound):
    zh = "{union}没有登记为“{employer}”内部的工会。"
    en = "{union} is not known to belong to {employer}."


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployerUnionChange:
    """Which employer, which union, and why."""

    id: int
    org_code: str
    reason: str


def add_employer_union(unit: Unit, command: EmployerUnionChange) -> EmployerView:
    """Say that a union belongs to an employer, and with it all below it. From now on its people see nothing of who
    complained; what the texts of the employer's matters showed masked is starred out.

    Raises EmployerNotFound, UnionUnknown, ProvinceIsNobodys, UnionBelongsAlready, PermissionMissing, NotTheCentre.
    """
    _check(unit)
    union = org_tree(unit.session).get(command.org_code)
    if union.code == PROVINCE_CODE:
        raise ProvinceIsNobodys
    employer = lock_employers(unit, command.id)[command.id]
    if unit.session.get(EmployerUnion, (employer.id, union.code)) is not None:
        raise UnionBelongsAlready(union=union.name, employer=employer.name)
    unit.session.add(
        EmployerUnion(employer_id=employer.id, org_code=union.code, added_by=unit.actor.id, added_at=unit.now)
    )
    unit.session.flush()
    record(unit, "employer:add_union", subject=str(employer.id), after={"union": union.code, "reason": command.reason})
    star_out_about(unit, employer.id)
    return employer_view(unit, employer.id)


def remove_employer_union(unit: Unit, command: EmployerUnionChange) -> EmployerView:
    """Say that a union does not belong to an employer after all: its people see what those of others see.

    Raises EmployerNotFound, UnionUnknown, UnionDoesNotBelong, PermissionMissing, NotTheCentre.
    """
    _check(unit)
    union = org_tree(unit.session).get(command.org_code)
    employer = lock_employers(unit, command.id)[command.id]
    row = unit.session.get(EmployerUnion, (employer.id, union.code))
    if row is None:
        raise UnionDoesNotBelong(union=union.name, employer=employer.name)
    unit.session.delete(row)
    unit.session.flush()
    record(
        unit, "employer:remove_union", subject=str(employer.id), before={"union": union.code, "reason": command.reason}
    )
    return employer_view(unit, employer.id)


def _check(unit: Unit) -> None:
    if not unit.actor.may(Permission.union_manage):
        raise PermissionMissing(step=_KEEP)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=_KEEP)
