"""Mail by SMTP: one connection for each message, for there are few of them and a server forgets idle ones."""

import hashlib
import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from typing import Literal

from service.notifications.gateways import GatewayFailed, Letter
from service.outbox.handlers import NotNow, Refused

_BUSY = 421  # "service not available, closing": the server as a whole, not this message
_BUSY_FOR = timedelta(seconds=30)
# What a server says about us and not about a message: to log in, to encrypt, a wrong password. To give every message
# up for that would bury a day's mail for one wrong setting.
_ABOUT_US = frozenset({530, 534, 535, 538})
_LONGEST_SUBJECT = 120


class SmtpMail:
    """A mail server. `security` is `starttls` (port 587), `tls` (465) or `none`; certificates are verified against the
    system's (SSL_CERT_FILE names others). `timeout` is in seconds, for connecting and for each answer."""

    name = "mail"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        security: Literal["starttls", "tls", "none"] = "starttls",
        user: str = "",
        password: str = "",
        timeout: float = 5.0,
    ) -> None:
        self._host, self._port = host, port
        self._sender, self._domain = sender, sender.rpartition("@")[2].strip(">")
        self._security, self._timeout = security, timeout
        self._user, self._password = user, password

    def send(self, letter: Letter, *, key: str) -> None:
        """Raises Refused where the server will never take it, NotNow where it is closing, GatewayFailed else."""
        message = self._message(letter, key)
        try:
            with self._connection() as server:
                if self._security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(message, self._sender, [letter.to])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            _judge(code)
        except smtplib.SMTPResponseException as error:
            _judge(error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            raise GatewayFailed(type(error).__name__) from None  # its text may quote the address

    def _connection(self) -> smtplib.SMTP:
        # The domain, not this machine's name, which is nobody's business.
        if self._security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, self._domain, timeout=self._timeout, context=context)
        return smtplib.SMTP(self._host, self._port, self._domain, timeout=self._timeout)

    def _message(self, letter: Letter, key: str) -> EmailMessage:
        """The mail. Its Message-ID follows from the key alone, so that a receiver may drop a repeat."""
        message = EmailMessage()
        message["From"], message["To"] = self._sender, letter.to
        message["Subject"] = " ".join(letter.values["subject"].split())[:_LONGEST_SUBJECT]
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's out-of-office answers it
        message.set_content(letter.text)
        return message


def _judge(code: int) -> None:
    if code == _BUSY:
        raise NotNow(_BUSY_FOR) from None
    if 500 <= code < 600 and code not in _ABOUT_US:
        raise Refused(f"the mail server answered {code}") from None
    raise GatewayFailed(f"the mail server answered {code}") from None
