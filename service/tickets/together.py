"""Together and apart: one matter told twice is merged (并单) or split again (拆单), many callers of one matter are
grouped without merging.

A merged matter keeps its caller, number, call-back and rating. Its clocks end in the master's, which begins as early
as the earlier of the two. When the master's reply is approved, each merged matter goes to a call-back of its own; when
the master ends without a reply, each comes back to the centre with its clock running on.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words
from service.core.errors import Bilingual, Conflict, Malformed
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.outbox.emit import Message, emit
from service.outbox.handlers import Payload
from service.sla import clocks
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.concealing import concealed
from service.tickets.errors import PermissionMissing
from service.tickets.messages import tell_union
from service.tickets.models import Assignment, Reply, Ticket
from service.tickets.repository import find, lock_all, visible
from service.tickets.states import STATE_NAMES, TABLE, State, Step
from service.tickets.steps import carry_out, check, repeat_deadline, write_event
from service.tickets.warning import warn_of_group, warn_of_ticket
from sla_rules import ClockKind

FOLLOW = "tickets:follow"

# The states in which a master's clock runs, so that it can begin earlier.
MASTERS = frozenset({State.accepted, State.to_sign, State.in_progress})


class TicketMerge(Base):
    """A matter that was merged into another. One at a time; a split, or the master's end, ends it."""

    __tablename__ = "ticket_merge"
    __table_args__ = (
        CheckConstraint("ticket_id <> master_id", name="not_into_itself"),
        CheckConstraint("ended_at is null or ended_at >= merged_at", name="ended_after_merge"),
        Index("uq_ticket_merge_open", "ticket_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_ticket_merge_master_id", "master_id", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    master_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    merged_at: Mapped[datetime]
    merged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[Words]
    ended_at: Mapped[datetime | None]


class TicketGroup(Base):
    """A matter that many callers told (群体诉求), each keeping their own ticket, rating and clock."""

    __tablename__ = "ticket_group"
    __table_args__ = (CheckConstraint("title <> ''", name="title"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    title: Mapped[Words]
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class TicketGroupMember(Base):
    """A ticket stands in one group at most."""

    __tablename__ = "ticket_group_member"
    __table_args__ = (Index("ix_ticket_group_member_group_id", "group_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("ticket_group.id"))
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class MergedIntoItself(Malformed):
    zh = "不能把工单并入它自己。"
    en = "A ticket cannot be merged into itself."


class MasterNotOpen(Conflict):
    zh = "主单 {number} 现为“{state}”,只能并入已受理、待签收或办理中的工单。"
    en = (
        "The master {number} is {state}; "
        "only one that is accepted, waiting to be signed for or in progress takes others."
    )


class MasterMergedMeanwhile(Conflict):
    zh = "工单 {number} 的主单刚刚并入了另一件工单,请刷新后重试。"
    en = "The master of ticket {number} was merged into another just now; reload and try again."


class GroupNeedsTwo(Malformed):
    zh = "归组至少需要两件工单。"
    en = "A group needs two tickets at least."


class InDifferentGroups(Conflict):
    zh = "这些工单已分属不同的组,请先移出其中的工单再归组。"
    en = "These tickets stand in different groups already; take them out of one first."


class NotGrouped(Conflict):
    zh = "工单 {number} 未归组。"
    en = "Ticket {number} stands in no group."


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTicket:
    """Which matter goes into which, and why they are the same."""

    number: str
    master: str
    reason: str
    version: int | None = None


def merge_ticket(unit: Unit, command: MergeTicket) -> Ticket:
    """Merge a matter into its master (并单). The master begins as early as the earlier of the two and concerns the
    people of both.

    Both are locked in the order of their ids, so that merges that cross end in a refusal and not in a deadlock.
    Raises MergedIntoItself, TicketNotFound, MasterNotOpen, and the refusals of `check`.
    """
    found = lock_all(unit, {command.number, command.master})
    ticket, master = found[command.number], found[command.master]
    check(unit, ticket, Step.merge, version=command.version)
    if ticket is master:
        raise MergedIntoItself
    if State(master.state) not in MASTERS:
        raise MasterNotOpen(number=master.number, state=Bilingual(*_names(master)))
    began = clocks.running(unit, ticket.id)[ClockKind.resolve].started_at
    own, masters_own = _own_people(unit, ticket), _own_people(unit, master)
    requests.void_open_requests(unit, ticket, note=TABLE[Step.merge].name_zh)
    ticket.ended_at = unit.now
    reason = concealed(unit, ticket, command.reason)
    carry_out(unit, ticket, Step.merge, note=reason, data={"master": master.number})
    _take_over(unit, ticket, master)
    unit.session.add(
        TicketMerge(
            ticket_id=ticket.id,
            master_id=master.id,
            merged_at=unit.now,
            merged_by=unit.actor.id,
            reason=reason,
        )
    )
    clock = clocks.running(unit, master.id)[ClockKind.resolve]
    if began < clock.started_at:
        for each in clocks.with_leg(unit, clock):
            clocks.begin_earlier(unit, each, started_at=began, reason=reason)
        repeat_deadline(master, clock)
    # A merged ticket tells of its own people only: those who came along with it are the new master's.
    ticket.people_count = own
    _count_people(unit, master, own=masters_own)
    master.row_version += 1
    write_event(
        unit,
        master,
        kind="ticket:merged_in",
        from_state=master.state,
        note=command.reason,
        data={"merged": ticket.number, "people_count": master.people_count, "due_at": master.due_at.isoformat()},
    )
    unit.session.flush()
    warn_of_ticket(unit, master, current_rules(unit.session).policy)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTicket:
    """Which merged matter is one of its own after all, and why."""

    number: str
    reason: str
    version: int | None = None


def split_ticket(unit: Unit, command: SplitTicket) -> Ticket:
    """Take a merge back (拆单): the matter is at the centre again and its clock runs on as if it had never stopped.

    The master keeps its deadline: it was told. Raises MasterMergedMeanwhile, TicketNotFound and the refusals of
    `check`.
    """
    before = merged_into(unit, find(unit, command.number).id)
    found = lock_all(unit, {command.number} | ({before.number} if before else set()))
    ticket = found[command.number]
    check(unit, ticket, Step.split_, version=command.version)
    master = merged_into(unit, ticket.id)
    if master is not before:
        raise MasterMergedMeanwhile(number=ticket.number)
    masters_own = _own_people(unit, master) if master else 0
    _split(unit, ticket, Step.split_, note=command.reason)
    if master is not None:
        _count_people(unit, master, own=masters_own)
        master.row_version += 1
    unit.session.flush()
    return ticket


def merged_into(unit: Unit, ticket_id: int) -> Ticket | None:
    """The master of a merged ticket."""
    return unit.session.scalars(
        select(Ticket)
        .join(TicketMerge, TicketMerge.master_id == Ticket.id)
        .where(TicketMerge.ticket_id == ticket_id, TicketMerge.ended_at.is_(None))
    ).one_or_none()


def merged_tickets(unit: Unit, master_id: int) -> list[Ticket]:
    """The tickets merged into a master, oldest first."""
    return list(
        unit.session.scalars(
            select(Ticket)
            .join(TicketMerge, TicketMerge.ticket_id == Ticket.id)
            .where(TicketMerge.master_id == master_id, TicketMerge.ended_at.is_(None))
            .order_by(Ticket.id)
        )
    )


def ask_to_follow(unit: Unit, master: Ticket) -> None:
    """Ask that each ticket merged into a master goes where the master went. Each is locked alone and after this
    commit, so that no two transactions hold one another's tickets."""
    emit(
        unit,
        *(
            Message(
                kind=FOLLOW,
                key=f"{FOLLOW}:{ticket.number}:{master.number}:{master.row_version}",
                payload={"number": ticket.number},
            )
            for ticket in merged_tickets(unit, master.id)
        ),
    )


def follow_master(unit: Unit, payload: Payload) -> None:
    """Database handler of `tickets:follow`: to the call-back with the master's reply, or back to the centre."""
    ticket = lock_all(unit, {payload["number"]})[payload["number"]]
    master = merged_into(unit, ticket.id)
    if ticket.state != State.merged or master is None:
        return
    if State(master.state) in {State.to_callback, State.closed, State.archived}:
        _follow(unit, ticket, master)
    elif State(master.state) not in MASTERS | {State.replied}:
        _split(unit, ticket, Step.split_by_master, note=_names(master)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTickets:
    """Which tickets are of one matter, and what it is called."""

    numbers: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Group:
    """The tickets of one matter that the actor sees, with the people they concern together."""

    id: int
    title: str
    numbers: tuple[str, ...]
    people: int


def group_tickets(unit: Unit, command: GroupTickets) -> Group:
    """Put tickets under one matter without merging them; those already grouped bring their group along.

    Warns the province when together they reach the collective threshold. Raises GroupNeedsTwo, InDifferentGroups,
    PermissionMissing, TicketNotFound.
    """
    _may_group(unit)
    numbers = set(command.numbers)
    if len(numbers) < 2:
        raise GroupNeedsTwo
    tickets = lock_all(unit, numbers)
    by_id = {ticket.id: ticket for ticket in tickets.values()}
    members = unit.session.scalars(select(TicketGroupMember).where(TicketGroupMember.ticket_id.in_(by_id))).all()
    groups = {member.group_id for member in members}
    if len(groups) > 1:
        raise InDifferentGroups
    if groups:
        group = unit.session.get_one(TicketGroup, groups.pop(), with_for_update=True)
    else:
        title = command.title
        for each in by_id.values():
            title = concealed(unit, each, title)
        group = TicketGroup(title=title, opened_at=unit.now, opened_by=unit.actor.id)
        unit.session.add(group)
        unit.session.flush()
    for ticket in (by_id[id_] for id_ in sorted(by_id.keys() - {member.ticket_id for member in members})):
        unit.session.add(
            TicketGroupMember(ticket_id=ticket.id, group_id=group.id, added_at=unit.now, added_by=unit.actor.id)
        )
        data = {"group": group.id, "title": group.title}
        write_event(unit, ticket, kind="ticket:grouped", from_state=ticket.state, data=data)
    unit.session.flush()
    grouped = _grouped(unit, group.id)
    people = sum(ticket.people_count for ticket in grouped)
    warn_of_group(unit, grouped, group_id=group.id, title=group.title, people=people)
    found = group_of(unit, min(numbers))
    assert found is not None, "the ticket was put into the group above"  # noqa: S101
    return found


def leave_group(unit: Unit, number: str) -> Ticket:
    """Take a ticket out of its group. Raises NotGrouped, PermissionMissing, TicketNotFound."""
    _may_group(unit)
    ticket = lock_all(unit, {number})[number]
    member = unit.session.get(TicketGroupMember, ticket.id)
    if member is None:
        raise NotGrouped(number=number)
    unit.session.delete(member)
    write_event(unit, ticket, kind="ticket:ungrouped", from_state=ticket.state, data={"group": member.group_id})
    unit.session.flush()
    return ticket


def group_of(unit: Unit, number: str) -> Group | None:
    """The group of a ticket as far as the actor sees it. Raises TicketNotFound."""
    ticket = find(unit, number, "group")
    member = unit.session.get(TicketGroupMember, ticket.id)
    if member is None:
        return None
    group = unit.session.get_one(TicketGroup, member.group_id)
    seen = unit.session.scalars(
        select(Ticket)
        .join(TicketGroupMember, TicketGroupMember.ticket_id == Ticket.id)
        .where(TicketGroupMember.group_id == group.id, visible(unit.actor))
        .order_by(Ticket.id)
    ).all()
    return Group(
        id=group.id,
        title=group.title,
        numbers=tuple(one.number for one in seen),
        people=sum(one.people_count for one in seen),
    )


def _grouped(unit: Unit, group_id: int) -> list[Ticket]:
    return list(
        unit.session.scalars(
            select(Ticket)
            .join(TicketGroupMember, TicketGroupMember.ticket_id == Ticket.id)
            .where(TicketGroupMember.group_id == group_id)
            .order_by(Ticket.id)
        )
    )


def _may_group(unit: Unit) -> None:
    if not unit.actor.may(Permission.ticket_group):
        raise PermissionMissing(step=Bilingual("归组", "group tickets"))


def _follow(unit: Unit, ticket: Ticket, master: Ticket) -> None:
    answered = unit.session.scalars(
        select(Reply)
        .where(Reply.ticket_id == master.id, Reply.verdict == "approved")
        .order_by(Reply.id.desc())
        .limit(1)
    ).one()
    # What was recovered and who was helped stands in the master's reply: told twice, it would be summed twice.
    unit.session.add(
        Reply(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=answered.org_code,
            text=answered.text,
            basis=answered.basis,
            contacted_at=answered.contacted_at,
            contact_way=answered.contact_way,
            outcome=answered.outcome,
            recovered=Decimal(0),
            helped=0,
            replied_by=answered.replied_by,
            replied_at=answered.replied_at,
            verdict=answered.verdict,
            reviewed_by=answered.reviewed_by,
            reviewed_at=answered.reviewed_at,
            review_note=answered.review_note,
        )
    )
    # Should the worker not be satisfied, the next round is with the union that answered.
    unit.session.add(
        Assignment(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=master.holder_code,
            role="lead",
            adjudicated=True,
            dispatched_at=unit.now,
            signed_at=unit.now,
        )
    )
    ticket.holder_code, ticket.replied_at, ticket.ended_at = master.holder_code, answered.replied_at, None
    _end_merge(unit, ticket)
    carry_out(unit, ticket, Step.follow_master, data={"master": master.number})
    unit.session.flush()


def _split(unit: Unit, ticket: Ticket, step: Step, *, note: str) -> None:
    master = merged_into(unit, ticket.id)
    _end_merge(unit, ticket)
    ticket.ended_at, ticket.holder_code = None, PROVINCE_CODE
    carry_out(unit, ticket, step, note=note, data={"master": master.number} if master else None)
    tell_union(
        unit,
        ticket,
        ("dispatcher",),
        Bilingual(f"工单 {ticket.number} 已拆单,请派单", f"Ticket {ticket.number} was split and waits for dispatch"),
        occasion="split",
    )


def _end_merge(unit: Unit, ticket: Ticket) -> None:
    unit.session.execute(
        update(TicketMerge)
        .where(TicketMerge.ticket_id == ticket.id, TicketMerge.ended_at.is_(None))
        .values(ended_at=func.greatest(TicketMerge.merged_at, unit.now))
    )


def _take_over(unit: Unit, ticket: Ticket, master: Ticket) -> None:
    """What was merged into this ticket goes with it into the new master."""
    unit.session.execute(
        update(TicketMerge)
        .where(TicketMerge.master_id == ticket.id, TicketMerge.ended_at.is_(None))
        .values(master_id=master.id)
    )


def _own_people(unit: Unit, ticket: Ticket) -> int:
    """The people a ticket itself tells of, without those of what is merged into it. One at least: chains merged
    before this was counted so may have left too few."""
    return max(1, ticket.people_count - sum(merged.people_count for merged in merged_tickets(unit, ticket.id)))


def _count_people(unit: Unit, master: Ticket, *, own: int) -> None:
    """A master concerns its own people and those of every ticket merged into it now."""
    unit.session.flush()
    master.people_count = own + sum(merged.people_count for merged in merged_tickets(unit, master.id))


def _names(ticket: Ticket) -> tuple[str, str]:
    return STATE_NAMES[State(ticket.state)]
