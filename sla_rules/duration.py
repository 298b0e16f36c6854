"""A length of time as people say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

Language = Literal["zh", "en"]

_MINUTE = timedelta(minutes=1)


def duration_in_words(span: timedelta, lang: Language, *, round_up: bool) -> str:
    """「16 小时 30 分钟」 or "16 h 30 min" for a span of 0 or more; a part of a minute is counted whole or left out."""
    minutes = -(-span // _MINUTE) if round_up else span // _MINUTE
    hours, rest = divmod(minutes, 60)
    if lang == "zh":
        parts = ([f"{hours} 小时"] if hours else []) + ([f"{rest} 分钟"] if rest or not hours else [])
    else:
        parts = ([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else [])
    return " ".join(parts)
