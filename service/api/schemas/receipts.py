"""What a gateway reports of the messages it took, and what staff are shown of it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from service.api.schemas.fields import Instant, fit
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.tickets.receipts import FailureReason, Receipt, ReceiptState, SentMessage

MOST_RECEIPTS = 500

MessageKey = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(fit)]
StateName = Literal["delivered", "failed", "expired"]
ReasonName = Literal["unknown_number", "switched_off", "refused_by_operator", "other"]


class ReceiptIn(RequestBody):
    """一条短信的结果 / What became of one message."""

    key: MessageKey = Field(description="消息键,即发送时的 Idempotency-Key / The key that it was sent with")
    state: StateName = Field(description="已送达、失败、过期 / What became of it")
    at: Instant = Field(description="何时,以网关时钟为准 / When, by the gateway's clock")
    reason: ReasonName | None = Field(
        None, description="失败原因,仅 failed 有且必填 / Why; with `failed` and only there"
    )

    def value(self) -> Receipt:
        """The receipt as the use-case takes it."""
        reason = FailureReason(self.reason) if self.reason else None
        return Receipt(key=self.key, state=ReceiptState(self.state), at=self.at, reason=reason)


class ReceiptsIn(RequestBody):
    """一次报告的全部回执 / What one call reports, all of it or nothing."""

    receipts: Annotated[list[ReceiptIn], Field(min_length=1, max_length=MOST_RECEIPTS)] = Field(
        description=f"1 至 {MOST_RECEIPTS} 条 / 1 to {MOST_RECEIPTS}"
    )


class MessageOut(ResponseBody):
    """An SMS to the worker. `state`: sent (nothing reported yet), delivered, failed, expired, or logged (no gateway was
    set, nothing was sent)."""

    template: str
    name: Words
    asked_at: datetime = Field(description="何时要求发出;静默时段内顺延 / Quiet hours may have held it back")
    state: Literal["sent", "logged", "delivered", "failed", "expired"]
    reason: ReasonName | None
    reported_at: datetime | None
    outcome: Words

    @classmethod
    def of(cls, sent: SentMessage) -> Self:
        return cls(
            template=sent.template,
            name=Words.of(sent.name),
            asked_at=sent.asked_at,
            state=sent.state,
            reason=sent.reason,
            reported_at=sent.reported_at,
            outcome=Words.of(sent.outcome),
        )


class MessageList(ResponseBody):
    """The SMS that left for a ticket's worker, the newest first."""

    items: list[MessageOut]
