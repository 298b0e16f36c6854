"""Errors for people: a stable code, a Chinese and an English sentence, and a family that tells the edge
which status to answer with. The name of a class is the sentence that failed."""

import re
from typing import Any, ClassVar


class HotlineError(Exception):
    """Base of every refusal this service utters. `zh` and `en` may hold {placeholders}."""

    zh: ClassVar[str] = "请求未能完成。"
    en: ClassVar[str] = "The request could not be completed."

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(self.sentence("en"))

    @property
    def code(self) -> str:
        """Stable machine-readable name, e.g. `ticket_not_found`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def sentence(self, lang: str) -> str:
        """The refusal in `lang` ("zh" or "en")."""
        facts = {key: _in_language(value, lang) for key, value in self.facts.items()}
        return (self.zh if lang == "zh" else self.en).format(**facts)


def _in_language(value: Any, lang: str) -> Any:
    if isinstance(value, Bilingual):
        return value.zh if lang == "zh" else value.en
    return value


class Bilingual:
    """A phrase in both languages, to stand in a refusal's placeholder."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en


class NotFound(HotlineError):
    """Not there, or outside the caller's scope: the two look the same on purpose."""


class Forbidden(HotlineError):
    """Known and visible, but not this person's to do."""


class Conflict(HotlineError):
    """The state of things does not allow it now; reading again tells what happened."""


class Malformed(HotlineError):
    """The input itself is wrong; sending it again unchanged cannot help."""


class Unauthenticated(HotlineError):
    """No valid login."""


class Gone(HotlineError):
    """Was valid once and is not any more."""


class TooMany(HotlineError):
    """Too many requests in too short a time."""


class Unavailable(HotlineError):
    """Something this service stands on is missing right now; try again later."""
