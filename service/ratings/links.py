"""Signed rating links: they name a ticket, a round and an end, tell nothing else, and can't be made up."""

from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadSignature, URLSafeSerializer

from service.core.crypto import Vault
from service.ratings.errors import RatingLinkExpired, RatingLinkInvalid


@dataclass(frozen=True, slots=True)
class RatingLink:
    """What a link stands for."""

    ticket_id: int
    cycle: int
    expires_at: datetime


def _signer(vault: Vault) -> URLSafeSerializer:
    return URLSafeSerializer(vault.link_keys, salt="rating")


def make_token(vault: Vault, link: RatingLink) -> str:
    """The signed token for the URL."""
    return str(_signer(vault).dumps([link.ticket_id, link.cycle, int(link.expires_at.timestamp())]))


def read_token(vault: Vault, token: str, *, now: datetime) -> RatingLink:
    """What a token stands for. Raises RatingLinkInvalid, and RatingLinkExpired at the time of answering."""
    try:
        ticket_id, cycle, expires = _signer(vault).loads(token)
    except (BadSignature, ValueError, TypeError):
        raise RatingLinkInvalid from None
    link = RatingLink(ticket_id=ticket_id, cycle=cycle, expires_at=datetime.fromtimestamp(expires, UTC))
    if now >= link.expires_at:
        raise RatingLinkExpired
    return link
