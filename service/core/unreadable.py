"""What stands sealed and does not open: shown as such, counted and in the log, and in nobody's way."""

from service.core.crypto import SealBroken, Vault
from service.core.logging import log
from service.core.metrics import SEALED_UNREADABLE

# In the place of the value, for whoever reads it in either language.
UNREADABLE = "〔无法读取 unreadable〕"


def readable(vault: Vault, sealed: bytes, place: str, row: str = "") -> str:
    """A value in clear for people to read; UNREADABLE where it does not open."""
    try:
        return vault.open(sealed, place, row)
    except SealBroken as broken:
        note_unreadable(broken)
        return UNREADABLE


def note_unreadable(broken: SealBroken) -> None:
    """Count a value that did not open, and say where it stands: whose it is stays out of the log."""
    SEALED_UNREADABLE.labels(broken.facts["place"]).inc()
    log.error("sealed_value_unreadable", place=broken.facts["place"])
