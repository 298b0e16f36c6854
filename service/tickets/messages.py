"""What workers and unions are told as a ticket moves. Nothing of the case goes into an SMS."""

from collections.abc import Callable, Sequence

from service.core.clock import last_day
from service.core.errors import Bilingual
from service.core.unit import Unit
from service.notifications.audience import Target, resolve_audience, these_people
from service.notifications.gateways import Gateway, Letter
from service.notifications.models import GatewayDelivery
from service.notifications.telling import tell
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import NetworkCall, NetworkHandler, Payload
from service.sla.rules import current_rules
from service.tickets.models import Ticket
from service.tickets.sealed import phone_of, query_code_of
from service.tickets.ties import caller_of

WORKER_SMS = "worker_sms"

TEMPLATES: dict[str, str] = {
    "accepted": "您好,您反映的事项已受理,工单号{number},查询码{code}。职工服务热线12351。",
    "registered": "您好,您提交的事项已登记,工单号{number},查询码{code}。职工服务热线12351。",
    "dispatched": "您好,工单{number}已转交工会办理。职工服务热线12351。",
    "extended": "您好,工单{number}办理期限延至{due}。职工服务热线12351。",
    "material": "您好,工单{number}需要您补充材料,可凭工单号和查询码查看、上传,或来电询问。职工服务热线12351。",
    "transferred_out": "您好,工单{number}已转交有关部门办理,可凭工单号和查询码查询。职工服务热线12351。",
    "ended": "您好,工单{number}已终止办理,原因可凭工单号和查询码查询或来电询问。职工服务热线12351。",
    "final_answer": "您好,工单{number}已出具最终答复,承办工会将告知您,也可来电询问。职工服务热线12351。",
    "rating": "您好,工单{number}已办理完毕,请评价:{link} 。职工服务热线12351。",
}

# What goes to a worker at once at any hour, and why. All else waits for the end of the policy's quiet hours, unless the
# matter is urgent: nobody is woken at two in the morning to read that their case was passed on or closed.
AT_ONCE: dict[str, str] = {
    "accepted": "the worker is on the line, or has just been, and needs number and code",
    "registered": "the worker has just sent the form and waits for number and code",
}


def text_worker(unit: Unit, ticket: Ticket, template: str, *, occasion: str, link: str = "") -> None:
    """Ask for an SMS to the ticket's caller, once for each occasion; after the quiet hours, but for what goes
    `AT_ONCE` and before all other texts. Without a phone there is nobody to text."""
    if ticket.caller_id is None:
        return
    not_before = None
    if template not in AT_ONCE and not ticket.urgent:
        rules = current_rules(unit.session)
        not_before = rules.policy.message_at(unit.now, rules.calendar)
    key = f"{WORKER_SMS}:{ticket.number}:{occasion}"
    emit(
        unit,
        Message(
            kind=WORKER_SMS,
            key=key,
            payload={"ticket_id": ticket.id, "template": template, "link": link, "key": key},
            queue=Queue.urgent if template in AT_ONCE else Queue.default,
            not_before=not_before,
        ),
    )


def worker_sms_handler(gateway: Gateway) -> NetworkHandler:
    """The handler that opens the sealed number only at the moment of sending."""

    def prepare(unit: Unit, payload: Payload) -> NetworkCall | None:
        ticket = unit.session.get_one(Ticket, payload["ticket_id"])
        caller = caller_of(unit, ticket)
        if caller is None:
            return None
        # The outbox forgets a key after a while; what left once does not leave again.
        if unit.session.get(GatewayDelivery, payload.get("key", "")) is not None:
            return None
        values = {
            "number": ticket.number,
            "code": query_code_of(unit.vault, ticket),
            "due": f"{last_day(ticket.due_at):%m-%d}" if ticket.due_at else "",
            "link": payload["link"],
        }
        template = TEMPLATES[payload["template"]]
        letter = Letter(
            to=phone_of(unit.vault, caller),
            template=payload["template"],
            text=template.format(**values),
            # Only what the text speaks of leaves the house.
            values={name: value for name, value in values.items() if f"{{{name}}}" in template},
        )
        return _send(gateway, letter)

    def record(unit: Unit, key: str, payload: Payload) -> None:
        ticket = unit.session.get_one(Ticket, payload["ticket_id"])
        unit.session.add(
            GatewayDelivery(
                key=key,
                gateway=gateway.name,
                ticket_number=ticket.number,
                template=payload["template"],
                delivered_at=unit.now,
            )
        )

    return NetworkHandler(prepare=prepare, record=record)


def _send(gateway: Gateway, letter: Letter) -> Callable[[str], None]:
    def call(key: str) -> None:
        gateway.send(letter, key=key)

    return call


def tell_union(
    unit: Unit,
    ticket: Ticket,
    audience: tuple[str, ...],
    text: Bilingual,
    *,
    occasion: str,
    org_code: str = "",
) -> None:
    """A notice to the people behind audience names at the ticket's holder (or another union), and in an urgent matter
    to whoever is on duty there."""
    targets = resolve_audience(
        unit, audience, org_code=org_code or ticket.holder_code, ticket_id=ticket.id, urgent=ticket.urgent
    )
    _tell_of(unit, ticket, targets, text, key=f"{ticket.number}:{ticket.row_version}:{occasion}")


def tell_person(unit: Unit, ticket: Ticket, person_id: int, text: Bilingual, *, key: str) -> None:
    """A notice to one of ours by name, and in an urgent matter to whoever is on duty at the ticket's holder. Who does
    what it is about is not told of it."""
    targets = these_people(unit, [person_id], org_code=ticket.holder_code, ticket_id=ticket.id, urgent=ticket.urgent)
    _tell_of(unit, ticket, [each for each in targets if each.person_id != unit.actor.id], text, key=key)


def _tell_of(unit: Unit, ticket: Ticket, targets: Sequence[Target], text: Bilingual, *, key: str) -> None:
    tell(unit, targets, text, key=key, ticket_number=ticket.number, urgent=ticket.urgent)
