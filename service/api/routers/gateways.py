"""What gateways tell us. The contract is in docs/sms.md: no login, but a signature under the shared secret."""

from typing import Annotated

from fastapi import Body, Depends, Header, HTTPException, Request, Response

from service.api.deps import Parts
from service.api.documentation import YESTERDAY, both, refusals
from service.api.errors import correlation_id_of
from service.api.routers import room
from service.api.schemas.fields import A_TICKET_NUMBER
from service.api.schemas.receipts import ReceiptsIn
from service.core.unit import SYSTEM
from service.notifications.gateway_calls import check_call
from service.notifications.http_sms import SIGNATURE_HEADER, TIME_HEADER
from service.tickets.receipts import TakeReceipts, take_receipts

router = room("gateways", "/gateways")

# Room for as many receipts as one call may hold.
LONGEST_BODY = 192 * 1024
# Ten calls a second are more than one hotline's gateway ever has to tell.
MOST_CALLS, _MINUTE = 600, 60

RECEIPT_EXAMPLES = {
    "receipts": {
        "summary": "一条送达,一条空号 / One delivered, one to an unknown number",
        "value": {
            "receipts": [
                {"key": f"worker_sms:{A_TICKET_NUMBER}:accepted", "state": "delivered", "at": YESTERDAY},
                {
                    "key": f"worker_sms:{A_TICKET_NUMBER}:rating:1",
                    "state": "failed",
                    "reason": "unknown_number",
                    "at": YESTERDAY,
                },
            ]
        },
    }
}


async def _body_of(request: Request) -> bytes:
    return await request.body()


def _signed(
    request: Request,
    application: Parts,
    body: Annotated[bytes, Depends(_body_of)],
    time: Annotated[
        str, Header(alias=TIME_HEADER, description="签名时间,带时区,与本机相差不超过 5 分钟 / When it was signed")
    ] = "",
    signed: Annotated[
        str, Header(alias=SIGNATURE_HEADER, description="HMAC-SHA-256(时间 + \\n + 正文),十六进制 / hex")
    ] = "",
) -> bytes:
    """The signature of a call that is the gateway's. Asked before its content is looked at."""
    now = application.clock.now()
    address = request.client.host if request.client else ""
    application.limiter.check("gateway call", address, limit=MOST_CALLS, seconds=_MINUTE, now=now)
    if len(body) > LONGEST_BODY:
        raise HTTPException(413)
    return check_call(application.sms_secret, time=time, signed=signed, body=body, now=now)


Signed = Annotated[bytes, Depends(_signed)]


@router.post(
    "/sms/receipts",
    status_code=204,
    name="sms_receipts",
    summary=both("短信回执", "SMS delivery receipts"),
    responses=refusals(400, 401, 409, 413, 415, 422, 429, 503),
)
def receipts(
    request: Request,
    application: Parts,
    signed: Signed,
    body: Annotated[ReceiptsIn, Body(openapi_examples=RECEIPT_EXAMPLES)],
) -> Response:
    """由短信网关调用,以共享密钥签名(见 docs/sms.md)。同一回执重复报告不改变记录;不认识的消息键不报错。

    For the SMS gateway, signed under the shared secret (docs/sms.md). A receipt reported again changes nothing; the
    answer is the same for a key that is nobody's, so that it tells of no ticket whether it exists.
    """
    command = TakeReceipts(signed=signed, receipts=[receipt.value() for receipt in body.receipts])
    with application.unit(SYSTEM, correlation_id=correlation_id_of(request.scope)) as unit:
        take_receipts(unit, command)
    return Response(status_code=204)
