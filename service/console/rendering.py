"""From facts to HTML: one Jinja environment for all pages.

Everything is escaped, a name that a page does not know is an error (in a test, not before a reader), and templates
see values and phrases, never a row of a table.
"""

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from service.console import when, words
from service.console.texts import text_in
from service.core.errors import Bilingual

HERE = Path(__file__).parent
STATIC = HERE / "static"


def render(template: str, **facts: Any) -> str:
    """A page as HTML. `facts` has at least `lang` and `root`."""
    return _environment().get_template(template).render(**facts)


@cache
def static_version(name: str) -> str:
    """A few digits of a file's hash: its address changes with its content, so browsers may keep it for a year."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(t=_text, word=_word, static=_static, light_shape=words.LIGHT_SHAPES.__getitem__)
    environment.filters.update(
        say=_say, moment=_moment, deadline=_deadline, day=_day, short_day=_short_day, money=_money
    )
    return environment


@pass_context
def _text(context: Context, key: str, /, **facts: Any) -> str:
    return text_in(context["lang"], key, **facts)


@pass_context
def _say(context: Context, phrase: Bilingual) -> str:
    return phrase.zh if context["lang"] == "zh" else phrase.en


@pass_context
def _word(context: Context, kind: str, code: object) -> str:
    return _say(context, words.word(kind, code))


@pass_context
def _static(context: Context, name: str) -> str:
    return f"{context['root']}/static/{name}?v={static_version(name)}"


@pass_context
def _moment(context: Context, instant: datetime, now: datetime | None = None) -> str:
    return when.shortened(when.shown_time(instant, context["lang"]), context["lang"], now=now)


@pass_context
def _deadline(context: Context, instant: datetime, now: datetime | None = None) -> str:
    return when.shortened(when.shown_deadline(instant, context["lang"]), context["lang"], now=now)


@pass_context
def _day(context: Context, day: date) -> str:
    return when.shown_day(day, context["lang"])


@pass_context
def _short_day(context: Context, day: date) -> str:
    return when.shown_short_day(day, context["lang"])


def _money(amount: Any) -> str:
    """Yuan with thousands apart and no empty cents."""
    return f"{amount:,.2f}".removesuffix(".00")
