"""The worker's own way: submit without an account, follow in plain words, add, urge, withdraw.

Who gave the number and its code, or a one-time code, may do these on that ticket and nothing else: no scope applies,
and every function here takes the id that was proven so.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text

from service.audit.recording import record
from service.core.errors import Bilingual, Conflict
from service.core.unit import Unit
from service.tickets.attachments import AttachFile, attach_by_worker
from service.tickets.endings import withdraw_by_worker
from service.tickets.intake import RegisterTicket, register_ticket
from service.tickets.materials import MaterialView, materials_of, receive_from_worker
from service.tickets.messages import tell_union, text_worker
from service.tickets.models import Ticket, TicketAlias, TicketEvent
from service.tickets.sealed import query_code_of
from service.tickets.states import ENDED, State, Step
from service.tickets.steps import carry_out, write_event
from service.tickets.tracking import Tracked, tracked
from service.tickets.warning import warn_of_urging

URGE_AFTER = timedelta(days=1)
# The text the worker agreed to; another text is another name.
CONSENT = "2026-11"
_FORM_ALIAS = "web_form"

_TOLD: dict[str, Bilingual] = {
    "ticket:registered": Bilingual("您反映的事项已登记", "Your matter was registered"),
    "ticket:accepted": Bilingual("热线中心已受理", "The hotline accepted it"),
    "ticket:dispatched": Bilingual("已转交工会办理", "Passed to a union"),
    "ticket:passed_down": Bilingual("已转交下一级工会办理", "Passed to the union of the county"),
    "ticket:signed": Bilingual("工会已接收,开始办理", "The union took it up"),
    "ticket:signed_by_silence": Bilingual("工会已接收,开始办理", "The union took it up"),
    "ticket:contacted": Bilingual("工会联系了您", "The union contacted you"),
    "ticket:extended": Bilingual("办理期限已延长", "The time was extended"),
    "ticket:suspended": Bilingual("等待材料或其他程序,暂停计时", "The clock rests while something else is awaited"),
    "ticket:resumed": Bilingual("继续办理", "Work goes on"),
    "ticket:resumed_by_review": Bilingual("继续办理", "Work goes on"),
    "ticket:replied": Bilingual("工会已写出办理结果,正在审核", "The union wrote its answer; it is being checked"),
    "ticket:sent_back": Bilingual("审核认为还需办理", "The check found that more is to be done"),
    "ticket:approved": Bilingual("办理结果已审核,等待回访", "The answer was checked; we will call you"),
    "ticket:callback_attempted": Bilingual("我们给您打过回访电话", "We called you back"),
    "ticket:redo_ordered": Bilingual("重新办理", "It is done again"),
    "ticket:redo_by_rating": Bilingual("按您的评价重新办理", "It is done again, as you were not satisfied"),
    "ticket:reopened": Bilingual("重新办理", "It is done again"),
    "ticket:closed": Bilingual("已办结", "Closed"),
    "ticket:final_answered": Bilingual("工会已出具最终答复", "The union gave its final answer"),
    "ticket:answered": Bilingual("已直接答复您", "Answered on the phone"),
    "ticket:rejected": Bilingual("不予受理", "Not accepted"),
    "ticket:merged": Bilingual("与同一事项合并办理", "Handled together with the same matter"),
    "ticket:transferred_out": Bilingual("已转交有关部门", "Passed to the authority in charge"),
    "ticket:withdrawn": Bilingual("已按您的要求撤回", "Withdrawn as you asked"),
    "ticket:withdrawn_by_worker": Bilingual("您撤回了此事项", "You withdrew it"),
    "ticket:terminated": Bilingual("已终止办理", "Ended"),
    "ticket:urged": Bilingual("已催办", "The union was urged"),
    "ticket:material_asked": Bilingual("工会请您补充材料", "The union asked you for material"),
    "ticket:material_received": Bilingual("工会收到了您的材料", "The union has your material"),
    "ticket:material_waived": Bilingual("有的材料不再需要", "Some material is needed no longer"),
    "ticket:material_added": Bilingual("您补充了情况", "You added something"),
}
_NEXT: dict[State, Bilingual] = {
    State.registered: Bilingual(
        "热线中心会查看并决定是否受理。", "The hotline looks at it and says whether it takes it."
    ),
    State.accepted: Bilingual("热线中心会转给负责的工会。", "The hotline passes it to the union in charge."),
    State.to_sign: Bilingual("工会接收后会联系您。", "The union takes it up and then contacts you."),
    State.in_progress: Bilingual("工会会联系您,并在期限前给出结果。", "The union contacts you and answers in time."),
    State.replied: Bilingual("审核后,热线中心会打电话回访您。", "After the check the hotline calls you."),
    State.to_callback: Bilingual(
        "热线中心会打电话回访您,您也可以直接评价。", "The hotline calls you; or rate it here."
    ),
}
_FILE_ADDED = Bilingual("您补充了材料", "You sent a file")


class MatterIsOver(Conflict):
    zh = "此事项已结束,不能再{step}。如有新情况,请重新提交或拨打 12351。"
    en = "This matter has ended; you can't {step} any more. If there is something new, submit it or call 12351."


class UrgedToday(Conflict):
    zh = "24 小时内已催办过一次,承办工会已收到提醒。着急请拨打 12351。"
    en = "The union was urged within the last 24 hours. If it can't wait, call 12351."


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what happened, in plain words."""

    at: datetime
    what: Bilingual


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a matter stands and how it came there: nothing of the case but what is asked of the worker, nobody's
    name."""

    now: Tracked
    told: tuple[Told, ...]
    asked: tuple[MaterialView, ...]
    next: Bilingual | None
    over: bool
    may_urge: bool
    may_rate: bool


@dataclass(frozen=True, slots=True)
class Submitted:
    """A new matter, with what the worker needs to find it again."""

    ticket_id: int
    number: str
    query_code: str


def submit_matter(unit: Unit, command: RegisterTicket, *, form: str) -> Submitted:
    """Register what a worker wrote. The same `form` sent twice is one matter. Raises as register_ticket does.

    The unit is the service's own: nobody took it down. Number and code go to the phone as well.
    """
    key = hashlib.sha256(form.encode("utf-8", "replace")).hexdigest()[:32]
    # The second copy waits here until the first is there to be seen.
    unit.session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
    first = unit.session.scalars(
        select(Ticket)
        .join(TicketAlias, TicketAlias.ticket_id == Ticket.id)
        .where(TicketAlias.kind == _FORM_ALIAS, TicketAlias.number == key)
    ).one_or_none()
    if first is not None:
        return Submitted(first.id, first.number, query_code_of(unit.vault, first))
    registered = register_ticket(unit, command)
    ticket = registered.ticket
    unit.session.add(TicketAlias(kind=_FORM_ALIAS, number=key, ticket_id=ticket.id))
    record(unit, "worker:consent", subject=ticket.number, after={"text": CONSENT})
    text_worker(unit, ticket, "registered", occasion="registered")
    return Submitted(ticket.id, ticket.number, registered.query_code)


def progress_of(unit: Unit, ticket_id: int) -> Progress:
    """What a worker is told of their matter."""
    ticket = unit.session.get_one(Ticket, ticket_id)
    events = unit.session.scalars(
        select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id)
    ).all()
    told = tuple(Told(event.at, what) for event in events if (what := _in_plain_words(event)))
    over = State(ticket.state) in ENDED
    return Progress(
        now=tracked(unit, ticket),
        told=told,
        asked=tuple(each for each in materials_of(unit, ticket) if each.state == "asked"),
        next=_NEXT.get(State(ticket.state)),
        over=over,
        may_urge=not over and not _urged(unit, ticket),
        may_rate=ticket.state == State.to_callback,
    )


def add_material(
    unit: Unit, ticket_id: int, *, words: str, file: AttachFile | None, pieces: tuple[str, ...] = ()
) -> None:
    """Words, a file, or both, until the matter has ended; `pieces` are those asked for that come with it.

    Raises MatterIsOver, TooManyFiles.
    """
    ticket = _open(unit, ticket_id, Bilingual("补充材料", "add anything"))
    came = receive_from_worker(unit, ticket, pieces)
    if words or came:
        data = {"pieces": came} if came else {}
        write_event(unit, ticket, kind="ticket:material_added", from_state=ticket.state, note=words, data=data)
        record(unit, "ticket:add-material", subject=ticket.number, after={"pieces": len(came)})
    if file is not None:
        attach_by_worker(unit, ticket, file)
    whole = bool(came) and all(each.state != "asked" for each in materials_of(unit, ticket))
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(
            f"职工补充了材料{',所请求的已齐' if whole else ''}:工单 {ticket.number}",
            f"The worker added something{', all that was asked for' if whole else ''}: ticket {ticket.number}",
        ),
        occasion=f"material:{unit.now.isoformat()}",
    )


def urge_by_worker(unit: Unit, ticket_id: int) -> None:
    """催办 by the worker's own hand, once in 24 hours; it counts like the agent's. Raises MatterIsOver, UrgedToday."""
    ticket = _open(unit, ticket_id, Bilingual("催办", "urge"))
    if _urged(unit, ticket):
        raise UrgedToday
    carry_out(unit, ticket, Step.urge, note="职工网上催办")
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"职工催办:工单 {ticket.number}", f"The worker urges: ticket {ticket.number}"),
        occasion="urged",
    )
    warn_of_urging(unit, ticket)


def withdraw_matter(unit: Unit, ticket_id: int, *, reason: str) -> None:
    """End a matter because the worker wants it so. Raises MatterIsOver."""
    ticket = _open(unit, ticket_id, Bilingual("撤回", "withdraw it"))
    withdraw_by_worker(unit, ticket, reason=reason or "职工网上撤回")


def _open(unit: Unit, ticket_id: int, step: Bilingual) -> Ticket:
    ticket = unit.session.get_one(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if State(ticket.state) in ENDED:
        raise MatterIsOver(step=step)
    return ticket


def _urged(unit: Unit, ticket: Ticket) -> bool:
    last = unit.session.scalar(
        select(TicketEvent.at)
        .where(
            TicketEvent.ticket_id == ticket.id,
            TicketEvent.kind == "ticket:urged",
            TicketEvent.actor_id.is_(None),
            TicketEvent.at > unit.now - URGE_AFTER,
        )
        .limit(1)
    )
    return last is not None


def _in_plain_words(event: TicketEvent) -> Bilingual | None:
    if event.kind == "attachment:added":
        return _FILE_ADDED if event.data.get("by_worker") else None
    return _TOLD.get(event.kind)
