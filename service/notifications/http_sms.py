"""SMS over HTTP: one signed JSON document for each message, in the form that template gateways take it.

The contract is in docs/sms.md. A gateway of another shape is another adapter of this size.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

import urllib3
from urllib3.exceptions import HTTPError

from service.core.clock import Clock
from service.core.tracing import outgoing_headers
from service.notifications.gateways import GatewayFailed, Letter
from service.outbox.handlers import NotNow, Refused

SIGNATURE_HEADER = "X-Hotline-Signature"
TIME_HEADER = "X-Hotline-Time"
KEY_HEADER = "Idempotency-Key"

_ACCEPTED = range(200, 300)
# The gateway has a message of this key already: what was asked for is done.
_HAS_IT = 409
_BUSY = (408, 425, 429)
_OUR_FAULT = range(400, 500)
_BUSY_FOR = timedelta(seconds=30)
_LONGEST_REST = timedelta(hours=1)


def signature(secret: str, time: str, body: bytes) -> str:
    """The hex HMAC-SHA-256 over time and body, by which either side knows the other."""
    return hmac.new(secret.encode(), time.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class HttpSms:
    """A gateway that sends by template id. `templates` names the gateway's id for each of ours; `signed_as` is the
    name that stands before the text (短信签名); `timeout` is in seconds, for connecting and for each read."""

    name = "sms"

    def __init__(
        self,
        url: str,
        *,
        account: str,
        secret: str,
        signed_as: str,
        templates: Mapping[str, str],
        clock: Clock,
        timeout: float = 5.0,
    ) -> None:
        self._url = url
        self._account, self._secret = account, secret
        self._signed_as, self._templates = signed_as, templates
        self._clock = clock
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=timeout, read=timeout), retries=False)

    def send(self, letter: Letter, *, key: str) -> None:
        """Raises Refused where the gateway will never take it, NotNow where it names a time, GatewayFailed else."""
        template = self._templates.get(letter.template)
        if template is None:
            raise Refused(f"no template id is set for {letter.template}")
        time = self._clock.now().isoformat()
        body = json.dumps(
            {
                "account": self._account,
                "to": letter.to,
                "sign": self._signed_as,
                "template": template,
                "values": dict(letter.values),
                "key": key,
            },
            ensure_ascii=False,
        ).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            KEY_HEADER: key,
            **outgoing_headers(),
            TIME_HEADER: time,
            SIGNATURE_HEADER: signature(self._secret, time, body),
        }
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False)
        except HTTPError as error:
            raise GatewayFailed(type(error).__name__) from None  # its text quotes the address, which may hold a key
        _judge(response.status, response.headers.get("Retry-After", ""))


def _judge(status: int, retry_after: str) -> None:
    if status in _ACCEPTED or status == _HAS_IT:
        return
    if status in _BUSY:
        raise NotNow(min(timedelta(seconds=int(retry_after)), _LONGEST_REST) if retry_after.isdecimal() else _BUSY_FOR)
    if status in _OUR_FAULT:
        raise Refused(f"the gateway answered {status}")
    raise GatewayFailed(f"the gateway answered {status}")
