"""Whether a worker's SMS reached the phone, as the gateway reports it afterwards (回执).

A message that the gateway took may still not arrive. Who handles the matter is told where it counts: a worker who
never heard of the query code, of material that is asked for, of the rating or of the final answer waits for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual, Malformed
from service.core.unit import PROVINCE_CODE, Unit
from service.notifications.audience import Wanted, resolve_audiences
from service.notifications.gateway_calls import take_once
from service.notifications.gateways import ConsoleGateway
from service.notifications.models import GatewayDelivery
from service.notifications.telling import tell
from service.outbox.models import OutboxMessage
from service.tickets.messages import TEMPLATES, WORKER_SMS
from service.tickets.models import Ticket, one_of
from service.tickets.repository import find


class ReceiptState(StrEnum):
    """What became of a message that the gateway took."""

    delivered = "delivered"
    failed = "failed"
    expired = "expired"


class FailureReason(StrEnum):
    """Why it failed, as far as a union can do anything about it."""

    unknown_number = "unknown_number"
    switched_off = "switched_off"
    refused_by_operator = "refused_by_operator"
    other = "other"


REASONS: dict[FailureReason, Bilingual] = {
    FailureReason.unknown_number: Bilingual("空号", "number unknown"),
    FailureReason.switched_off: Bilingual("关机或停机", "phone switched off"),
    FailureReason.refused_by_operator: Bilingual("运营商拒收", "refused by the operator"),
    FailureReason.other: Bilingual("其他原因", "another reason"),
}
_LOST = (ReceiptState.failed, ReceiptState.expired)
EXPIRED = Bilingual("超过有效期", "it expired on the way")

NAMES: dict[str, Bilingual] = {
    "accepted": Bilingual("受理通知(含工单号和查询码)", "accepted, with number and query code"),
    "registered": Bilingual("登记通知(含工单号和查询码)", "registered, with number and query code"),
    "dispatched": Bilingual("转交工会通知", "passed to a union"),
    "extended": Bilingual("延期通知", "extended"),
    "material": Bilingual("补充材料通知", "material asked for"),
    "transferred_out": Bilingual("转出通知", "passed to another authority"),
    "ended": Bilingual("终止办理通知", "ended"),
    "final_answer": Bilingual("最终答复通知", "final answer"),
    "rating": Bilingual("评价邀请", "rating invitation"),
}

# Messages without which a worker cannot do their part; the others only keep them informed.
MATTERS = ("accepted", "registered", "material", "rating", "final_answer")


class SmsReceipt(Base):
    """What the gateway reported of one message: each state once. Append-only.

    The message is named by the key that it had in the outbox, where it may have been forgotten since.
    """

    __tablename__ = "sms_receipt"
    __table_args__ = (
        CheckConstraint(one_of("state", tuple(state.value for state in ReceiptState)), name="state"),
        CheckConstraint(one_of("reason", tuple(reason.value for reason in FailureReason)), name="reason"),
        CheckConstraint("(state = 'failed') = (reason is not null)", name="failed_for_a_reason"),
        Index("ix_sms_receipt_ticket_id", "ticket_id"),
    )

    message_key: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    reason: Mapped[str | None]
    reported_at: Mapped[datetime]
    received_at: Mapped[datetime]


class ReceiptReasonUnfit(Malformed):
    zh = "第 {place} 条回执:failed 须带 reason,其他状态不带。"
    en = "Receipt {place}: `failed` needs a reason, and no other state has one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of the message of a key, and when, by the gateway's clock. Only what failed has a reason."""

    key: str
    state: ReceiptState
    at: datetime
    reason: FailureReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReceipts:
    """One call of the gateway: its signature, by which it is taken once, and what it reports."""

    signed: bytes
    receipts: Sequence[Receipt]


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An SMS that left for a worker. `state` is a ReceiptState; `sent` while nothing is reported, and `logged` where no
    gateway was set, so that nothing left the house. `asked_at` is when the step was taken that it tells of."""

    template: str
    name: Bilingual
    asked_at: datetime
    state: str
    reason: FailureReason | None
    reported_at: datetime | None

    @property
    def lost(self) -> bool:
        """Whether the worker never got it."""
        return self.state in _LOST

    @property
    def outcome(self) -> Bilingual:
        """The state in words, with its reason."""
        return _outcome(self.state, self.reason)


@dataclass(frozen=True, slots=True)
class _About:
    """The ticket and the template of a message."""

    ticket_id: int
    template: str


def take_receipts(unit: Unit, command: TakeReceipts) -> None:
    """Write down what the gateway reports, all of it or nothing. What is known already changes nothing.

    A key of no message to a worker is passed over without a word: keys hold ticket numbers, and an answer that differed
    would tell which exist. Raises CallRepeated, ReceiptReasonUnfit.
    """
    for place, receipt in enumerate(command.receipts, 1):
        if (receipt.state is ReceiptState.failed) != (receipt.reason is not None):
            raise ReceiptReasonUnfit(place=place)
    take_once(unit, command.signed)
    about = _messages(unit, {receipt.key for receipt in command.receipts})
    # In one order by everybody, or two calls that report the same would wait for each other in a circle.
    known = {(receipt.key, receipt.state): receipt for receipt in command.receipts if receipt.key in about}
    rows = [
        {
            "message_key": receipt.key,
            "state": receipt.state.value,
            "ticket_id": about[receipt.key].ticket_id,
            "reason": receipt.reason.value if receipt.reason else None,
            "reported_at": receipt.at,
            "received_at": unit.now,
        }
        for _, receipt in sorted(known.items())
    ]
    if not rows:
        return
    written = unit.session.execute(
        insert(SmsReceipt).values(rows).on_conflict_do_nothing().returning(SmsReceipt.message_key, SmsReceipt.state)
    ).all()
    _tell_of_failures(unit, about, [known[key, ReceiptState(state)] for key, state in written])


def messages_of(unit: Unit, number: str) -> list[SentMessage]:
    """The SMS that left for a ticket's worker, the newest first, and what became of each. Raises TicketNotFound."""
    ticket = find(unit, number, "messages")
    sent = unit.session.scalars(
        select(GatewayDelivery)
        .where(GatewayDelivery.ticket_number == ticket.number, GatewayDelivery.template.in_(TEMPLATES))
        .order_by(GatewayDelivery.delivered_at.desc(), GatewayDelivery.key)
    )
    latest: dict[str, SmsReceipt] = {}
    for receipt in unit.session.scalars(
        # What was delivered once did arrive, whatever was or will be reported beside it.
        select(SmsReceipt)
        .where(SmsReceipt.ticket_id == ticket.id)
        .order_by(SmsReceipt.state == ReceiptState.delivered, SmsReceipt.reported_at, SmsReceipt.state)
    ):
        latest[receipt.message_key] = receipt
    return [_sent(delivery, latest.get(delivery.key)) for delivery in sent]


def _messages(unit: Unit, keys: set[str]) -> dict[str, _About]:
    """Which of these keys are of messages to workers. A gateway may report before we have noted that it took the
    message, so the outbox is asked as well."""
    left = unit.session.execute(
        select(GatewayDelivery.key, GatewayDelivery.template, Ticket.id)
        .join(Ticket, Ticket.number == GatewayDelivery.ticket_number)
        .where(GatewayDelivery.key.in_(keys), GatewayDelivery.template.in_(TEMPLATES))
    )
    found = {row.key: _About(row.id, row.template) for row in left}
    if keys - found.keys():
        waiting = unit.session.execute(
            select(OutboxMessage.key, OutboxMessage.payload).where(
                OutboxMessage.key.in_(keys - found.keys()), OutboxMessage.kind == WORKER_SMS
            )
        )
        found |= {row.key: _About(row.payload["ticket_id"], row.payload["template"]) for row in waiting}
    return found


def _tell_of_failures(unit: Unit, about: dict[str, _About], written: Sequence[Receipt]) -> None:
    """One notice for each message that matters and did not arrive: to the handlers of the union, or to the centre's
    agents while no union has the matter."""
    failing = {
        receipt.key: receipt for receipt in written if receipt.state in _LOST and about[receipt.key].template in MATTERS
    }
    if not failing:
        return
    arrived = set(
        unit.session.scalars(
            select(SmsReceipt.message_key).where(
                SmsReceipt.message_key.in_(failing), SmsReceipt.state == ReceiptState.delivered
            )
        )
    )
    told = [receipt for key, receipt in failing.items() if key not in arrived]
    tickets = [unit.session.get_one(Ticket, about[receipt.key].ticket_id) for receipt in told]
    wanted = [
        Wanted(
            ("agent" if ticket.holder_code == PROVINCE_CODE else "handler",),
            ticket.holder_code,
            ticket.id,
            urgent=ticket.urgent,
        )
        for ticket in tickets
    ]
    for receipt, ticket, targets in zip(told, tickets, resolve_audiences(unit, wanted), strict=True):
        name, outcome = NAMES[about[receipt.key].template], _outcome(receipt.state, receipt.reason)
        tell(
            unit,
            targets,
            Bilingual(
                f"发给职工的{name.zh}{outcome.zh}。请改用其他方式告知职工。",
                f"{name.en[0].upper()}{name.en[1:]}: {outcome.en}. Let the worker know in another way.",
            ),
            key=f"sms:{receipt.key}",
            ticket_number=ticket.number,
            urgent=ticket.urgent,
        )


def _sent(delivery: GatewayDelivery, receipt: SmsReceipt | None) -> SentMessage:
    state = "logged" if delivery.gateway == ConsoleGateway.name else "sent"
    return SentMessage(
        template=delivery.template,
        name=NAMES[delivery.template],
        asked_at=delivery.delivered_at,
        state=receipt.state if receipt else state,
        reason=FailureReason(receipt.reason) if receipt and receipt.reason else None,
        reported_at=receipt.reported_at if receipt else None,
    )


def _outcome(state: str, reason: FailureReason | None) -> Bilingual:
    if state in _LOST:
        why = REASONS[reason] if reason else EXPIRED
        return Bilingual(f"短信未送达:{why.zh}", f"the SMS did not reach the phone: {why.en}")
    return _STATES[state]


_STATES: dict[str, Bilingual] = {
    "sent": Bilingual("已交短信网关", "taken by the gateway"),
    "logged": Bilingual("未接短信网关,没有发出", "no gateway is set: nothing was sent"),
    "delivered": Bilingual("已送达", "delivered"),
}
