"""Searches under a name: one's own, and those that somebody of one's union shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from service.audit.recording import record
from service.core.errors import Bilingual, Conflict, Malformed, NotFound
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.tickets.errors import PermissionMissing
from service.tickets.search_models import SavedView

MOST_VIEWS = 50
_KEEP = Bilingual("保存常用查询", "keep a search")


class ViewNotFound(NotFound):
    """No such view, or it is somebody else's and not shared with one's union, or not one's own to change."""

    zh = "没有编号为 {id} 的常用查询,或者它不是您保存的。"
    en = "There is no saved search {id}, or it is not yours."


class ViewNameTaken(Conflict):
    """A name names one view of a person."""

    zh = "您已有名为“{name}”的常用查询,请换一个名称。"
    en = "You already have a saved search called “{name}”; choose another name."


class TooManyViews(Conflict):
    """So many links are no help any more."""

    zh = "常用查询最多保存 {most} 个,请先删除不用的。"
    en = "You can keep {most} saved searches; delete one you do not need first."


class PhoneNotKept(Malformed):
    """A saved view is read by others, and a phone belongs to one caller."""

    zh = "电话后四位不能保存在常用查询里,请去掉后再保存。"
    en = "The digits of a phone are not kept in a saved search; take them out first."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepView:
    """A name, the search, and whether one's union shares it. `id` names the view to change; None makes a new one."""

    name: str
    filters: Mapping[str, Any]
    shared: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class ViewOut:
    """A view as its reader sees it; `own` may be changed."""

    id: int
    name: str
    filters: Mapping[str, Any]
    shared: bool
    own: bool


def saved_views(unit: Unit) -> tuple[ViewOut, ...]:
    """One's own views by name, then those shared in one's union."""
    rows = unit.session.scalars(
        select(SavedView)
        .where(
            or_(
                SavedView.owner_id == unit.actor.id,
                and_(SavedView.shared, SavedView.org_code == unit.actor.org_code),
            )
        )
        .order_by((SavedView.owner_id == unit.actor.id).desc(), SavedView.name, SavedView.id)
    )
    return tuple(_view(unit, row) for row in rows)


def keep_view(unit: Unit, command: KeepView) -> ViewOut:
    """Keep a search under a name, or change one's own.

    Raises PermissionMissing, PhoneNotKept, ViewNotFound, ViewNameTaken, TooManyViews.
    """
    _check_reader(unit)
    if command.filters.get("phone_last4") is not None:
        raise PhoneNotKept
    if command.id is None:
        count = select(func.count()).where(SavedView.owner_id == unit.actor.id)
        if (unit.session.scalar(count) or 0) >= MOST_VIEWS:
            raise TooManyViews(most=MOST_VIEWS)
        row = SavedView(owner_id=unit.actor.id, org_code=unit.actor.org_code)
    else:
        row = _own(unit, command.id)
    try:
        with unit.session.begin_nested():
            row.name, row.shared, row.filters = command.name.strip(), command.shared, dict(command.filters)
            row.changed_at = unit.now
            unit.session.add(row)
            unit.session.flush()
    except IntegrityError:
        raise ViewNameTaken(name=command.name.strip()) from None
    record(unit, "view:keep", subject=str(row.id), after={"shared": row.shared})
    return _view(unit, row)


def forget_view(unit: Unit, view_id: int) -> None:
    """Delete one's own view. Raises PermissionMissing, ViewNotFound."""
    _check_reader(unit)
    unit.session.delete(_own(unit, view_id))
    record(unit, "view:forget", subject=str(view_id))
    unit.session.flush()


def _check_reader(unit: Unit) -> None:
    if unit.actor.id is None or not unit.actor.may(Permission.ticket_read):
        raise PermissionMissing(step=_KEEP)


def _own(unit: Unit, view_id: int) -> SavedView:
    row = unit.session.scalars(
        select(SavedView).where(SavedView.id == view_id, SavedView.owner_id == unit.actor.id).with_for_update()
    ).one_or_none()
    if row is None:
        raise ViewNotFound(id=view_id)
    return row


def _view(unit: Unit, row: SavedView) -> ViewOut:
    return ViewOut(id=row.id, name=row.name, filters=row.filters, shared=row.shared, own=row.owner_id == unit.actor.id)
