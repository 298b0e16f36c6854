"""Identifiers that tell nothing: neither region nor employer can be read from them."""

import re
import secrets
import uuid

# Without 0/O, 1/I/L, 2/Z, 5/S, 8/B: a code is read aloud over a bad line and typed by somebody of sixty.
QUERY_CODE_ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"
QUERY_CODE_LENGTH = 8
TICKET_NUMBER = re.compile(r"^QH12351-\d{8}-\d{6}$")


def new_query_code() -> str:
    """Eight random characters, about 37 bits: guessing is slowed further by the rate limit on look-ups."""
    return "".join(secrets.choice(QUERY_CODE_ALPHABET) for _ in range(QUERY_CODE_LENGTH))


def new_token() -> str:
    """An opaque bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_correlation_id() -> str:
    """Names one request, job or command in logs, events and messages."""
    return uuid.uuid4().hex
