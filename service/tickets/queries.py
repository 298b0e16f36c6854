"""Reading tickets: one ticket, queues by deadline, timelines, clocks. All through the actor's scope."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select, text
from sqlalchemy.orm import Session

from service.core.clock import local
from service.core.errors import Bilingual, HotlineError, NotFound
from service.core.logging import log
from service.core.pagination import Cursor
from service.core.unit import PROVINCE_CODE, Unit
from service.core.unreadable import UNREADABLE
from service.identity.handlers import TicketHandler, in_hands_of
from service.identity.models import Person
from service.org.tree import OrgTree, org_tree, within
from service.sla.clocks import clock_value, counted_as_of, due_changes, policy_label
from service.sla.models import SlaClock, SlaPause
from service.sla.rules import rules_of
from service.tickets.assigning import handler_of
from service.tickets.assisting import tasks_of
from service.tickets.closing import redo_rounds_left
from service.tickets.concealing import Sight, numbers_apart, shown_to, sight_of_caller
from service.tickets.confidentiality import Confidentiality
from service.tickets.consulting import consult_waits
from service.tickets.exclusions import exclusion_waits
from service.tickets.inside import inside_of_ticket, is_inside, unions_of
from service.tickets.links import links_of, seen_numbers
from service.tickets.materials import materials_of
from service.tickets.models import (
    OPEN_SQL,
    Assignment,
    Caller,
    Employer,
    Reply,
    StepRequest,
    Ticket,
    TicketEvent,
)
from service.tickets.quality_checks import quality_waits
from service.tickets.repository import find, free_of_interest, held_in
from service.tickets.sealed import name_of
from service.tickets.states import TABLE, State, Step, steps_from
from service.tickets.steps import check_person, inner_assignment
from service.tickets.supervising import supervision_waits
from service.tickets.taxonomy import Leaf, leaves
from service.tickets.ties import CallerMisplaced, caller_of
from service.tickets.views import (
    AssignmentView,
    ClockView,
    OpenRequest,
    Page,
    PauseView,
    ReplyView,
    TicketRow,
    TicketView,
    TimelineEntry,
    light_of,
)
from sla_rules import Explanation, explain


class QueueNotVisible(NotFound):
    """A queue outside the actor's subtree, or of no union at all."""

    zh = "没有代码为 {code} 的工会队列,或您的单位无权查看。"
    en = "There is no queue of a union {code}, or your union may not see it."


class ClockNotFound(NotFound):
    """The ticket never had such a clock."""

    zh = "工单 {number} 没有“{kind}”计时。"
    en = "Ticket {number} has no {kind} clock."


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueQuery:
    """Which union's queue. `own_only` leaves out the unions below it; `mine` is what the actor has in hand, for
    themselves or for whom they stand in. `limit` 1 to 200."""

    org: str
    state: str | None = None
    own_only: bool = False
    mine: bool = False
    limit: int = 50
    cursor: str | None = None


ROW_COLUMNS = (
    Ticket.id,
    Ticket.number,
    Ticket.title,
    Ticket.state,
    Ticket.tier,
    Ticket.kind,
    Ticket.channel,
    Ticket.urgent,
    Ticket.category_code,
    Ticket.place_code,
    Ticket.holder_code,
    Ticket.people_count,
    Ticket.received_at,
    Ticket.accepted_at,
    Ticket.replied_at,
    Ticket.due_at,
    Ticket.half_at,
    Ticket.provisional,
    Ticket.suspended,
    Ticket.cycle,
    Ticket.row_version,
    # Who left the union has nothing in hand there any more.
    select(Person.display_name)
    .join(TicketHandler, TicketHandler.person_id == Person.id)
    .where(TicketHandler.ticket_id == Ticket.id, Person.active, Person.org_code == Ticket.holder_code)
    .scalar_subquery()
    .label("handler"),
)

_EVENT_NAMES: dict[str, tuple[str, str]] = {
    **{row.event: (row.name_zh, row.name_en) for row in TABLE.values()},
    "escalation:fired": ("时限提醒", "escalation"),
    "rating:recorded": ("评价", "rating"),
    "caller:revealed": ("查看来电人", "caller seen"),
    "article:used": ("引用知识", "used an article"),
    "person:recused": ("回避", "kept out for an interest"),
    "attachment:added": ("添加附件", "file added"),
    "attachment:withdrawn": ("撤回附件", "file taken back"),
    "ticket:material_added": ("职工补充情况", "the worker added something"),
    "ticket:imported": ("导入", "imported"),
    "clock:recounted": ("期限重新计算", "deadline counted anew"),
    "ticket:merged_in": ("并入其他工单", "another ticket merged in"),
    "ticket:warned": ("即时预警", "warned of at once"),
    "ticket:grouped": ("归入同一事项", "grouped under one matter"),
    "ticket:ungrouped": ("移出同一事项", "taken out of its group"),
}

# Steps that decide a request are offered only while one of its kind waits.
_DECIDES: dict[Step, str] = {
    Step.keep_down: "return_up",
    Step.answer_supervision: "supervision",
    Step.return_supervision: "supervision_answer",
    Step.close_supervision: "supervision_answer",
    Step.final_answer: "final_answer",
    Step.unlink: "linked",
    Step.ask_exclusion: "nothing_excluded",
    Step.support_exclusion: "exclusion",
    Step.exclude: "supported_exclusion",
    Step.keep_counted: "open_exclusion",
    Step.pass_quality: "quality",
    Step.fail_quality: "quality",
    Step.answer_task: "own_task",
    Step.call_off_task: "task",
    Step.receive_material: "material",
    Step.waive_material: "material",
    Step.take_consult: "consult",
    Step.answer_consult: "consult",
    Step.grant_rejection: "rejection",
    Step.refuse_rejection: "rejection",
    Step.grant_return: "return",
    Step.refuse_return: "return",
    Step.grant_extension: "extension",
    Step.pass_extension_up: "extension",
    Step.refuse_extension: "extension",
    Step.grant_suspension: "suspension",
    Step.refuse_suspension: "suspension",
}


def queue_page(unit: Unit, query: QueueQuery) -> Page:
    """Open tickets of a union (and those below it) by deadline. One statement whatever the size of the queue.

    Raises QueueNotVisible, CursorUnreadable.
    """
    tree = org_tree(unit.session)
    if query.org not in tree or not within(query.org, unit.actor.scope):
        raise QueueNotVisible(code=query.org)
    scope = query.org if query.own_only else tree.get(query.org).scope
    # The literal predicate is the one of the partial index; a bound list would not match it.
    statement = select(*ROW_COLUMNS).where(held_in(scope), text(OPEN_SQL), free_of_interest(unit.actor))
    if query.state is not None:
        statement = statement.where(Ticket.state == query.state)
    if query.mine:
        statement = statement.where(Ticket.id.in_(in_hands_of(unit.actor.id, local(unit.now).date())))
    if query.cursor is not None:
        statement = statement.where(Cursor.decode(query.cursor).before(Ticket.due_at, Ticket.id))
    statement = statement.order_by(Ticket.due_at, Ticket.id)
    return _page(unit, statement, query.limit, by="due_at")


def _caller_shown(unit: Unit, ticket: Ticket) -> tuple[Caller | None, bool]:
    """The caller, and whether it is not who called: then nothing of them is shown, and the rest of the page is."""
    try:
        return caller_of(unit, ticket), False
    except CallerMisplaced:
        log.error("caller_misplaced", ticket=ticket.number)
        return None, True


def ticket_view(unit: Unit, number: str) -> TicketView:
    """One ticket with its assignments, replies and what the actor can do now. Raises TicketNotFound."""
    ticket = find(unit, number)
    session = unit.session
    tree = org_tree(session)
    handler = handler_of(unit, ticket)
    sight, shown = sight_of_caller(unit, ticket), shown_to(unit, ticket)
    caller, misplaced = _caller_shown(unit, ticket) if sight is not Sight.nothing else (None, False)
    employer = session.get(Employer, ticket.employer_id) if ticket.employer_id else None
    waiting = session.scalars(
        select(StepRequest)
        .where(StepRequest.ticket_id == ticket.id, StepRequest.verdict.is_(None))
        .order_by(StepRequest.id)
    ).all()
    assignments = session.scalars(
        select(Assignment).where(Assignment.ticket_id == ticket.id).order_by(Assignment.id)
    ).all()
    replies = session.scalars(select(Reply).where(Reply.ticket_id == ticket.id).order_by(Reply.id)).all()
    materials = materials_of(unit, ticket)
    awaits = {_awaited(request) for request in waiting}
    awaits |= supervision_waits(unit, ticket) | consult_waits(unit, ticket) | quality_waits(unit, ticket)
    awaits |= exclusion_waits(unit, ticket)
    linked = links_of(unit, ticket)
    awaits |= {"linked"} if linked else set()
    awaits |= {"material" for each in materials if each.state == "asked"}
    if "supervision" in awaits and not redo_rounds_left(unit, ticket):
        awaits.add("final_answer")
    tasks = tasks_of(unit, ticket)
    open_tasks = {each.org_code for each in tasks if each.state == "open"}
    awaits |= {"task" for _ in open_tasks} | {"own_task" for code in open_tasks if code == unit.actor.org_code}
    return TicketView(
        row=ticket_row(ticket, names=NameBook.of(session), now=unit.now, handler=handler.name if handler else None),
        handler=handler,
        body=shown(ticket.body),
        employer=employer.name if employer else None,
        amount_owed=ticket.amount_owed,
        membership=ticket.membership,
        identity_group=ticket.identity_group,
        contact_way=ticket.contact_way,
        contact_time=ticket.contact_time,
        other_channels=tuple(ticket.other_channels),
        not_known=tuple(ticket.not_known),
        linked=tuple(linked),
        anonymous=ticket.anonymous,
        confidentiality=Confidentiality(ticket.confidentiality),
        caller_withheld=sight is Sight.nothing,
        reader_inside=is_inside(unit, ticket.employer_id),
        inside=inside_of_ticket(unit, ticket),
        employer_unions=unions_of(unit, ticket.employer_id),
        caller_name=UNREADABLE if misplaced else name_of(unit.vault, caller) if caller else None,
        caller_phone=UNREADABLE if misplaced else f"*******{caller.phone_last4}" if caller else None,
        may_be_revealed=sight is Sight.clear and (caller is not None or bool(numbers_apart(unit, ticket.id))),
        tier_reason=shown(ticket.tier_reason) if ticket.tier_reason else ticket.tier_reason,
        replied_at=ticket.replied_at,
        ended_at=ticket.ended_at,
        rejection_reason=ticket.rejection_reason,
        answer=shown(ticket.answer) if ticket.answer else ticket.answer,
        bounces=ticket.bounces,
        assignments=tuple(
            AssignmentView(
                org_code=a.org_code,
                org=tree.get(a.org_code).name,
                role=a.role,
                cycle=a.cycle,
                adjudicated=a.adjudicated,
                dispatched_at=a.dispatched_at,
                signed_at=a.signed_at,
                signed_by_silence=a.signed_by_silence,
                ended_at=a.ended_at,
                end_reason=a.end_reason,
            )
            for a in assignments
        ),
        replies=tuple(
            ReplyView(
                cycle=r.cycle,
                org_code=r.org_code,
                text=shown(r.text),
                basis=shown(r.basis),
                contacted_at=r.contacted_at,
                contact_way=r.contact_way,
                outcome=r.outcome,
                recovered=r.recovered,
                helped=r.helped,
                worker_confirmed=r.worker_confirmed,
                replied_at=r.replied_at,
                verdict=r.verdict,
                review_note=shown(r.review_note) if r.review_note else r.review_note,
            )
            for r in replies
        ),
        open_requests=tuple(
            OpenRequest(kind=r.kind, level=r.level, reason=shown(r.reason), data=r.data, asked_at=r.asked_at)
            for r in waiting
        ),
        materials=materials,
        tasks=tuple(
            replace(each, ask=shown(each.ask), answer=shown(each.answer) if each.answer else each.answer)
            for each in tasks
        ),
        possible_steps=possible_steps(unit, ticket, waiting=awaits),
    )


def _awaited(request: StepRequest) -> str:
    """What a request waits for: a return that a county asks of its city is not the centre's to decide."""
    return "return_up" if request.kind == "return" and request.level != "province" else request.kind


def possible_steps(unit: Unit, ticket: Ticket, *, waiting: AbstractSet[str]) -> tuple[Step, ...]:
    """The steps this actor could take on the ticket right now; a screen offers these and no others."""
    inner = inner_assignment(unit, ticket)
    hidden = {Step.pass_down, Step.return_} if inner else {Step.return_up, Step.take_back}
    if org_tree(unit.session).get(unit.actor.org_code or PROVINCE_CODE).level != "prefecture":
        hidden |= {Step.pass_down}
    return tuple(
        step
        for step in steps_from(State(ticket.state))
        if step not in hidden
        and _may(unit, ticket, step)
        and (step not in _DECIDES or _DECIDES[step] in waiting)
        and (step is not Step.resume or ticket.suspended)
        and (step is not Step.raise_confidentiality or ticket.confidentiality != Confidentiality.intake_only)
        and (step is not Step.lower_confidentiality or ticket.confidentiality != Confidentiality.open)
        and (step is not Step.suspend or not ticket.suspended)
        and (step is not Step.ask_consult or "consult" not in waiting)
        # What is late stays late: an extension can't be granted any more.
        and (step not in {Step.grant_extension, Step.pass_extension_up} or unit.now < ticket.due_at)
    )


def timeline(unit: Unit, number: str) -> list[TimelineEntry]:
    """The whole story of a ticket, oldest first. A number outside the actor's scope is left out of it.

    Raises TicketNotFound.
    """
    ticket = find(unit, number, "timeline")
    events = unit.session.scalars(
        select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.id)
    ).all()
    seen = seen_numbers(unit, (number for event in events for number in _others_named(event.data)))
    shown = shown_to(unit, ticket)
    return [
        TimelineEntry(
            id=event.id,
            at=event.at,
            kind=event.kind,
            name=Bilingual(*_EVENT_NAMES.get(event.kind, (event.kind, event.kind))),
            from_state=event.from_state,
            to_state=event.to_state,
            cycle=event.cycle,
            actor=event.actor_name,
            actor_org=event.actor_org,
            note=shown(event.note),
            data=_within_scope(event.data, seen),
        )
        for event in events
    ]


# Under these names an event's data has numbers of other tickets.
_OTHER, _OTHERS = ("to", "master", "merged"), "tickets"


def _others_named(data: Mapping[str, Any]) -> Iterator[str]:
    yield from (data[name] for name in _OTHER if isinstance(data.get(name), str))
    yield from data.get(_OTHERS, ())


def _within_scope(data: Mapping[str, Any], seen: AbstractSet[str]) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if name not in _OTHER or value in seen}
    return kept | ({_OTHERS: [number for number in data[_OTHERS] if number in seen]} if _OTHERS in data else {})


def clock_views(unit: Unit, number: str) -> list[ClockView]:
    """Every clock of a ticket in the order they started. Raises TicketNotFound."""
    ticket = find(unit, number, "clocks")
    rows = unit.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.id)).all()
    pauses = _pauses(unit.session, rows)
    return [_clock_view(unit, row, pauses.get(row.id, [])) for row in rows]


def explain_clock(unit: Unit, number: str, kind: str, *, cycle: int | None = None) -> Explanation:
    """Why the newest clock of a kind (or that of a cycle) is due when it is, day by day.

    Raises TicketNotFound, ClockNotFound.
    """
    ticket = find(unit, number, "clocks")
    wanted = [SlaClock.ticket_id == ticket.id, SlaClock.kind == kind]
    if cycle is not None:
        wanted.append(SlaClock.cycle == cycle)
    row = unit.session.scalars(select(SlaClock).where(*wanted).order_by(SlaClock.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise ClockNotFound(number=number, kind=kind)
    return _explained(unit, row)


def explain_clocks(unit: Unit, number: str) -> tuple[Explanation, ...]:
    """Every clock of a ticket explained, in the order they began. Raises TicketNotFound."""
    ticket = find(unit, number, "clocks")
    rows = unit.session.scalars(
        select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.started_at, SlaClock.id)
    )
    return tuple(_explained(unit, row) for row in rows.all())


def _explained(unit: Unit, row: SlaClock) -> Explanation:
    rules = rules_of(unit.session, row.policy_version_id, row.calendar_version_id)
    pauses = _pauses(unit.session, [row]).get(row.id, [])
    as_of = counted_as_of(pauses, unit.now)
    return explain(
        clock_value(row, pauses),
        rules.calendar_of(row.org_code),
        as_of=as_of,
        policy_version=policy_label(row, rules),
        changes=due_changes(unit, row),
    )


def _may(unit: Unit, ticket: Ticket, step: Step) -> bool:
    try:
        check_person(unit, ticket, TABLE[step])
    except HotlineError:
        return False
    # A city passes an extension up and the province grants it: each is shown the step that is its own.
    if step is Step.pass_extension_up:
        return unit.actor.org_code != PROVINCE_CODE
    return step is not Step.grant_extension or unit.actor.org_code == PROVINCE_CODE


def _page(unit: Unit, statement: Select[Any], limit: int, *, by: str) -> Page:
    found = unit.session.execute(statement.limit(limit + 1)).all()
    names = NameBook.of(unit.session)
    rows = tuple(ticket_row(row, names=names, now=unit.now, handler=row.handler) for row in found[:limit])
    more = len(found) > limit
    return Page(rows=rows, next_cursor=Cursor(at=getattr(rows[-1], by), id=rows[-1].id).encode() if more else None)


@dataclass(frozen=True, slots=True)
class NameBook:
    """Where a row's words come from, looked up once for a whole page."""

    tree: OrgTree
    leaves: Mapping[str, Leaf]

    @classmethod
    def of(cls, session: Session) -> "NameBook":
        """The words of this database."""
        return cls(tree=org_tree(session), leaves=leaves(session))


def ticket_row(row: Row[Any] | Ticket, *, names: NameBook, now: datetime, handler: str | None) -> TicketRow:
    """The line of a ticket, from a whole ticket or from its ROW_COLUMNS."""
    state = State(row.state)
    return TicketRow(
        id=row.id,
        number=row.number,
        title=row.title,
        state=state,
        tier=row.tier,
        kind=row.kind,
        channel=row.channel,
        urgent=row.urgent,
        category_code=row.category_code,
        category=names.leaves[row.category_code].whole,
        place_code=row.place_code,
        holder_code=row.holder_code,
        holder=names.tree.get(row.holder_code).name,
        people_count=row.people_count,
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        due_at=row.due_at,
        provisional=row.provisional,
        suspended=row.suspended,
        cycle=row.cycle,
        row_version=row.row_version,
        handler=handler,
        light=light_of(
            state=state,
            suspended=row.suspended,
            due_at=row.due_at,
            half_at=row.half_at,
            replied_at=row.replied_at,
            now=now,
        ),
    )


def _pauses(session: Session, rows: Sequence[SlaClock]) -> dict[int, list[SlaPause]]:
    pauses: dict[int, list[SlaPause]] = {}
    for pause in session.scalars(
        select(SlaPause).where(SlaPause.clock_id.in_([row.id for row in rows])).order_by(SlaPause.starts_at)
    ):
        pauses.setdefault(pause.clock_id, []).append(pause)
    return pauses


def _clock_view(unit: Unit, row: SlaClock, pauses: Sequence[SlaPause]) -> ClockView:
    rules = rules_of(unit.session, row.policy_version_id, row.calendar_version_id)
    value, calendar = clock_value(row, pauses), rules.calendar_of(row.org_code)
    return ClockView(
        kind=row.kind,
        leg=row.leg,
        cycle=row.cycle,
        org_code=row.org_code,
        tier=row.tier,
        promise=row.promise,
        started_at=row.started_at,
        due_at=row.due_at,
        first_due_at=row.first_due_at,
        stopped_at=row.stopped_at,
        breached_at=row.breached_at,
        provisional=row.provisional,
        status=value.status,
        used_seconds=int(value.used(calendar, unit.now).total_seconds()),
        remaining=Bilingual(
            value.remaining_text(calendar, unit.now, "zh"), value.remaining_text(calendar, unit.now, "en")
        ),
        extension_days=row.extension_days,
        fired=tuple(row.fired),
        pauses=tuple(
            PauseView(starts_at=p.starts_at, ends_at=p.ends_at, review_at=p.review_at, reason=p.reason) for p in pauses
        ),
        policy_version=policy_label(row, rules),
        calendar_version=rules.calendar.version,
    )
