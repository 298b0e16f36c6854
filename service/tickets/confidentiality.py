"""保密: from whom the caller of a ticket is hidden, in three levels chosen by the worker (docs/adr/0029)."""

from enum import StrEnum

from service.core.errors import Bilingual


class Confidentiality(StrEnum):
    """From whom the caller is hidden; each level hides from whomever the one before does, and from more."""

    open = "open"
    from_unions = "from_unions"
    intake_only = "intake_only"

    @property
    def rank(self) -> int:
        """0 to 2: the higher, the fewer know."""
        return tuple(Confidentiality).index(self)

    @property
    def words(self) -> Bilingual:
        """The level in words."""
        return _WORDS[self]


CONFIDENTIALITIES = tuple(level.value for level in Confidentiality)

_WORDS = {
    Confidentiality.open: Bilingual("不保密", "open"),
    Confidentiality.from_unions: Bilingual("对承办单位保密", "hidden from the unions that handle it"),
    Confidentiality.intake_only: Bilingual("仅受理人员可见", "known to the intake alone"),
}
