"""What is past its time: previewed, asked for by one person, approved by another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, insert, literal, or_, select, update
from sqlalchemy.orm import aliased

from service.audit.recording import record
from service.core.clock import LOCAL, local
from service.core.errors import Bilingual, Conflict, Forbidden, NotFound
from service.core.unit import Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.notifications.audience import administrators
from service.notifications.telling import tell
from service.retention.holds import held
from service.retention.models import CLASSES, RetentionItem, RetentionRun
from service.retention.policies import check_retention, policy_in_force
from service.sla.rules import current_rules
from service.tickets.attachments import Attachment
from service.tickets.models import ENDED, Supervision, Ticket

# What stands where words stood.
GONE = "(已去除)"
# In the figures of a run that a worker's request began.
ON_REQUEST = "on_request"


class RunNotFound(NotFound):
    zh = "没有编号为 {id} 的清理预览。"
    en = "There is no retention run {id}."


class RunUnderWay(Conflict):
    zh = "上一次清理已批准,正在进行,完成后再做新的预览。"
    en = "A run was approved and is under way; preview again when it is done."


class RunNotOpen(Conflict):
    zh = "该预览已完成或已被新的预览取代。"
    en = "This run is done, or a newer preview took its place."


class RunNotAsked(Conflict):
    zh = "请先由一人提出清理,再由另一人批准。"
    en = "One person asks for the erasure before another approves it."


class NothingToForget(Conflict):
    """All of it is open or held: there is nothing to approve."""

    zh = "该职工的工单都尚未结束或已冻结({numbers}),现在没有可删除的。结束或解除冻结后再提出。"
    en = "Every ticket of this worker is open or held ({numbers}): nothing can go now. Ask again when that has changed."


class ApprovedByOneself(Forbidden):
    """Four eyes."""

    zh = "清理须由提出人以外的另一人批准。"
    en = "Who asked for the erasure does not approve it; somebody else does."


@dataclass(frozen=True, slots=True)
class ClassFigure:
    """What a run has of a class: how many tickets, how many of them done and left, and the day the oldest ended."""

    name: str
    tickets: int
    done: int
    skipped: int
    oldest: date | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its figures. `state`: previewed, asked, approved, finished, or replaced by a newer preview."""

    id: int
    state: str
    previewed_at: datetime
    previewed_by: str | None
    classes: tuple[ClassFigure, ...]
    held: int
    asked_by: str | None
    reason: str
    approved_by: str | None
    approved_at: datetime | None
    finished_at: datetime | None


def check_reader(unit: Unit) -> None:
    """Previews are read by who makes and who approves them. Raises PermissionMissing, NotTheCentre."""
    approves = unit.actor.may(Permission.retention_approve)
    check_retention(unit, Permission.retention_approve if approves else Permission.retention_manage)


def preview_retention(unit: Unit) -> RunView:
    """Write down what is past its time, what of it and how old; nothing is erased. A preview that nobody approved is
    replaced. Raises PermissionMissing, NotTheCentre, RunUnderWay."""
    check_retention(unit, Permission.retention_manage)
    _replace_open(unit)
    policy = policy_in_force(unit)
    run = RetentionRun(policy_id=policy.id, previewed_by=unit.actor.id, previewed_at=unit.now, figures={}, reason="")
    unit.session.add(run)
    unit.session.flush()
    for name, due in _due(unit, policy.months).items():
        rows = due.with_only_columns(literal(run.id), Ticket.id, literal(name))
        unit.session.execute(insert(RetentionItem).from_select(["run_id", "ticket_id", "class"], rows))
    withheld = _past_their_time(unit, policy.months["files"]).where(held(unit))
    run.figures = {"held": unit.session.scalar(select(func.count()).select_from(withheld.subquery())) or 0}
    unit.session.flush()
    view = run_view(unit, run.id)
    record(
        unit,
        "retention:preview",
        subject=f"retention_run:{run.id}",
        after={each.name: each.tickets for each in view.classes},
    )
    return view


@dataclass(frozen=True, slots=True)
class CallerErasure:
    """What becomes of a caller who asks to be forgotten: the tickets on which that goes once it is approved, those on
    which it can't go now (`open`, `held`), and until when the words of each are kept by law."""

    run: RunView
    going: tuple[str, ...]
    staying: dict[str, str]
    words_until: dict[str, str]


def ask_to_forget(unit: Unit, caller_id: int, *, reason: str) -> CallerErasure:
    """A worker asks for erasure (个人信息保护法, art. 47): who they are goes from every ticket of theirs that has ended
    and is not held, once another person approves it. What they said is kept as long as the law wants it.

    Takes the place of a preview that nobody approved. Raises NothingToForget, RunUnderWay. Whether the actor may ask
    is for the caller of this to say.
    """
    tickets = unit.session.execute(
        select(Ticket, held(unit).label("held")).where(Ticket.caller_id == caller_id).order_by(Ticket.id)
    ).all()
    staying = {each.Ticket.number: "held" for each in tickets if each.held}
    staying |= {each.Ticket.number: "open" for each in tickets if each.Ticket.state not in ENDED}
    going = [each.Ticket for each in tickets if each.Ticket.number not in staying]
    if not going:
        raise NothingToForget(numbers=", ".join(staying))
    _replace_open(unit)
    policy = policy_in_force(unit)
    run = RetentionRun(
        policy_id=policy.id,
        previewed_by=unit.actor.id,
        previewed_at=unit.now,
        asked_by=unit.actor.id,
        asked_at=unit.now,
        reason=reason,
        figures={"held": sum(each.held for each in tickets), ON_REQUEST: True},
    )
    unit.session.add(run)
    unit.session.flush()
    unit.session.add_all(RetentionItem(run_id=run.id, ticket_id=ticket.id, class_="caller") for ticket in going)
    unit.session.flush()
    return CallerErasure(
        run=run_view(unit, run.id),
        going=tuple(ticket.number for ticket in going),
        staying=staying,
        words_until={ticket.number: end_of(unit, ticket)["matter"] for ticket in going},
    )


def preview_each_month(unit: Unit) -> RunView | None:
    """Once a local month, by the service: a preview, and a notice to the administrators if there is anything. None
    where this month has one, or a run is under way."""
    month = local(unit.now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    of_time = RetentionRun.figures[ON_REQUEST].is_(None)
    newest = unit.session.scalar(select(func.max(RetentionRun.previewed_at)).where(of_time))
    under_way = _open(unit)
    waits = under_way is not None and (under_way.approved_at is not None or ON_REQUEST in under_way.figures)
    if (newest is not None and newest >= month) or waits:
        return None
    view = preview_retention(unit)
    count = sum(each.tickets for each in view.classes)
    if count:
        tell(
            unit,
            administrators(unit),
            Bilingual(
                f"本月有 {count} 项已过保存期限,请在“保存期限”页面查看清单,由一人提出、另一人批准后清理。",
                f"{count} item(s) are past their time this month: see the page on retention; one person asks for the "
                "erasure and another approves it.",
            ),
            key=f"retention:{month:%Y-%m}",
        )
    return view


def ask_erasure(unit: Unit, run_id: int, *, reason: str) -> RunView:
    """Ask that what the preview lists be erased. Raises PermissionMissing, NotTheCentre, RunNotFound, RunNotOpen."""
    check_retention(unit, Permission.retention_manage)
    run = _locked(unit, run_id)
    if run.approved_at is not None:
        raise RunNotOpen
    run.asked_by, run.asked_at, run.reason = unit.actor.id, unit.now, reason
    unit.session.flush()
    record(unit, "retention:ask", subject=f"retention_run:{run.id}", after={"reason": reason})
    return run_view(unit, run_id)


def approve_erasure(unit: Unit, run_id: int) -> RunView:
    """Approve it, as another person; from then on it is erased in batches.

    Raises PermissionMissing, NotTheCentre, RunNotFound, RunNotOpen, RunNotAsked, ApprovedByOneself.
    """
    check_retention(unit, Permission.retention_approve)
    run = _locked(unit, run_id)
    if run.approved_at is not None:
        raise RunNotOpen
    if run.asked_by is None:
        raise RunNotAsked
    if run.asked_by == unit.actor.id:
        raise ApprovedByOneself
    run.approved_by, run.approved_at = unit.actor.id, unit.now
    unit.session.flush()
    record(unit, "retention:approve", subject=f"retention_run:{run.id}", after={"reason": run.reason})
    return run_view(unit, run_id)


def newest_run(unit: Unit) -> RunView | None:
    """The last preview and what became of it."""
    run_id = unit.session.scalar(select(func.max(RetentionRun.id)))
    return run_view(unit, run_id) if run_id is not None else None


def run_view(unit: Unit, run_id: int) -> RunView:
    """Raises RunNotFound."""
    asker, approver = aliased(Person), aliased(Person)
    found = unit.session.execute(
        select(RetentionRun, Person.username, asker.username, approver.username)
        .outerjoin(Person, Person.id == RetentionRun.previewed_by)
        .outerjoin(asker, asker.id == RetentionRun.asked_by)
        .outerjoin(approver, approver.id == RetentionRun.approved_by)
        .where(RetentionRun.id == run_id)
    ).one_or_none()
    if found is None:
        raise RunNotFound(id=run_id)
    run, previewer, asked_by, approved_by = found
    rows = unit.session.execute(
        select(
            RetentionItem.class_,
            func.count().label("tickets"),
            func.count(RetentionItem.done_at).label("done"),
            func.count(RetentionItem.skipped_at).label("skipped"),
            func.min(Ticket.ended_at).label("oldest"),
        )
        .join(Ticket, Ticket.id == RetentionItem.ticket_id)
        .where(RetentionItem.run_id == run_id)
        .group_by(RetentionItem.class_)
    )
    by_class = {row.class_: row for row in rows}
    return RunView(
        id=run.id,
        state=_state(run),
        previewed_at=run.previewed_at,
        previewed_by=previewer,
        classes=tuple(
            ClassFigure(name, row.tickets, row.done, row.skipped, local(row.oldest).date())
            if (row := by_class.get(name))
            else ClassFigure(name, 0, 0, 0, None)
            for name in CLASSES
        ),
        held=run.figures.get("held", 0),
        asked_by=asked_by,
        reason=run.reason,
        approved_by=approved_by,
        approved_at=run.approved_at,
        finished_at=run.finished_at,
    )


def numbers_of_run(unit: Unit, run_id: int) -> Iterator[tuple[str, str, date]]:
    """Number, class and local day of the end of everything in a run, the oldest first. Raises RunNotFound."""
    run_view(unit, run_id)
    rows = unit.session.execute(
        select(Ticket.number, RetentionItem.class_, Ticket.ended_at)
        .join(Ticket, Ticket.id == RetentionItem.ticket_id)
        .where(RetentionItem.run_id == run_id)
        .order_by(Ticket.ended_at, Ticket.id, RetentionItem.class_)
    )
    for number, name, ended_at in rows:
        yield number, name, local(ended_at).date()


def still_due(unit: Unit, run: RetentionRun, ticket_id: int, name: str, months: dict[str, Any]) -> bool:
    """Asked again before something goes: whether it is still past its time, ended and not held. What goes because the
    worker asked for it need not be past its time."""
    if run.figures.get(ON_REQUEST):
        free = select(Ticket.id).where(Ticket.id == ticket_id, Ticket.state.in_(ENDED), ~held(unit))
        return unit.session.scalar(free) is not None
    return unit.session.scalar(_due(unit, months)[name].where(Ticket.id == ticket_id).limit(1)) is not None


def end_of(unit: Unit, ticket: Ticket) -> dict[str, str]:
    """For each class the last day (local) that an ended ticket's part is held, by the periods in force."""
    if ticket.ended_at is None:
        return {}
    months = policy_in_force(unit).months
    threshold = current_rules(unit.session).policy.limits.collective_threshold
    supervised = unit.session.scalar(select(func.count()).where(Supervision.ticket_id == ticket.id))
    is_long = ticket.people_count >= threshold or bool(supervised)
    names = {"files": "files", "caller": "caller", "matter": "matter_long" if is_long else "matter"}
    ended = local(ticket.ended_at)
    return {name: f"{_months_off(ended, months[period]):%Y-%m-%d}" for name, period in names.items()}


def _due(unit: Unit, months: Any) -> dict[str, Select[Any]]:
    """For each class the tickets that are past its time, as a statement."""
    threshold = current_rules(unit.session).policy.limits.collective_threshold
    supervised = select(Supervision.id).where(Supervision.ticket_id == Ticket.id).exists()
    is_long = or_(Ticket.people_count >= threshold, supervised)
    with_files = select(Attachment.id).where(Attachment.ticket_id == Ticket.id, Attachment.erased_at.is_(None)).exists()
    end_of_matter = case((is_long, _before(unit, months["matter_long"])), else_=_before(unit, months["matter"]))
    free = ~held(unit)
    return {
        "files": _past_their_time(unit, months["files"]).where(free, with_files),
        "caller": _past_their_time(unit, months["caller"]).where(free, Ticket.caller_id.is_not(None)),
        "matter": _past_their_time(unit, months["matter"]).where(
            free, and_(Ticket.ended_at < end_of_matter, Ticket.title != GONE)
        ),
    }


def _past_their_time(unit: Unit, months: int) -> Select[Any]:
    return select(Ticket.id).where(Ticket.state.in_(ENDED), Ticket.ended_at < _before(unit, months))


def _before(unit: Unit, months: int) -> Any:
    """The first instant of the local day so many months ago."""
    return literal(_months_off(local(unit.now), -months))


def _months_off(instant: datetime, months: int) -> datetime:
    """The first instant of the day so many months off. No month has fewer than 28 days."""
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    return datetime(year, month + 1, min(instant.day, 28), tzinfo=LOCAL)


def _replace_open(unit: Unit) -> None:
    """A preview that nobody approved gives way. Raises RunUnderWay."""
    open_run = _open(unit)
    if open_run is not None and open_run.approved_at is not None:
        raise RunUnderWay
    if open_run is not None:
        open_run.finished_at = unit.now
        unit.session.flush()


def _open(unit: Unit) -> RetentionRun | None:
    return unit.session.scalars(
        select(RetentionRun).where(RetentionRun.finished_at.is_(None)).with_for_update()
    ).one_or_none()


def _locked(unit: Unit, run_id: int) -> RetentionRun:
    run = unit.session.scalars(select(RetentionRun).where(RetentionRun.id == run_id).with_for_update()).one_or_none()
    if run is None:
        raise RunNotFound(id=run_id)
    if run.finished_at is not None:
        raise RunNotOpen
    return run


def _state(run: RetentionRun) -> str:
    if run.finished_at is not None:
        return "finished" if run.approved_at is not None else "replaced"
    if run.approved_at is not None:
        return "approved"
    return "asked" if run.asked_at is not None else "previewed"


def finish(unit: Unit, run_id: int) -> None:
    """All of it is done."""
    unit.session.execute(update(RetentionRun).where(RetentionRun.id == run_id).values(finished_at=unit.now))
    view = run_view(unit, run_id)
    facts: dict[str, Any] = {each.name: each.done for each in view.classes}
    record(unit, "retention:finish", subject=f"retention_run:{run_id}", after=facts)
