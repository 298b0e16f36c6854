"""What all commands share: how they speak, how they refuse, and how they come by the application."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from service.core.clock import LOCAL

if TYPE_CHECKING:
    from service.bootstrap import Application
    from service.core.settings import Settings

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="供程序读取 / for a program to read")]

# What `hotline up` leaves in the keys of its folder as long as it runs.
ENVIRONMENT_FILE = "environment"

# A year's notices are some kilobytes; who names a film by mistake is told.
_MOST_WRITTEN = 10_000_000

REFUSED = 1  # the thing asked for cannot be done, or a check failed
WRONG = 2  # the command line, a setting or the surroundings are wrong; click's own errors end so as well


class Sentences(TyperGroup):
    """Ends what this house refuses with its sentence and an exit code, never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. 1: refused; 2: wrong settings or surroundings. The rest is the command line's own."""
        try:
            return super().invoke(ctx)
        except SystemExit as leaving:
            # SettingsMissing leaves with its sentence instead of a number.
            if not isinstance(leaving.code, str):
                raise
            complain(leaving.code)
            raise typer.Exit(WRONG) from None
        except Exception as error:
            known = _sentence(error)
            if known is None:
                raise
            sentence, code = known
            complain(sentence)
            raise typer.Exit(code) from None


def _sentence(error: Exception) -> tuple[str, int] | None:
    """The sentence for an error people can do something about, and the exit code; None for a bug."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from service.core.errors import HotlineError
    from service.core.fence import lacks_role
    from service.embedded import EmbeddedError
    from sla_rules import RuleError

    known: tuple[str, int] | None = None
    if isinstance(error, HotlineError):
        known = f"{error.sentence('zh')}\n{error.sentence('en')}", REFUSED
    elif isinstance(error, (EmbeddedError, RuleError)):
        known = f"{error.zh}\n{error.en}", REFUSED
    elif isinstance(error, OperationalError) and type(error.orig).__name__ in ("LockNotAvailable", "QueryCanceled"):
        known = (
            "数据库正忙,等待超时,什么都没有改动;请稍后再试。\n"
            "The database was busy for too long and nothing was changed; try again in a moment.",
            REFUSED,
        )
    elif (isinstance(error, ProgrammingError) and type(error.orig).__name__ == "UndefinedTable") or (
        isinstance(error, OperationalError) and lacks_role(error)
    ):
        known = (
            "数据库尚未建表,请先运行 hotline migrate 和 hotline seed。\n"
            "The database has no tables yet; first run: hotline migrate, then: hotline seed",
            WRONG,
        )
    elif isinstance(error, OperationalError):
        known = (
            "连接不上数据库,请检查 HOTLINE_DATABASE_URL 以及 PostgreSQL 是否在运行。\n"
            "The database cannot be reached; check HOTLINE_DATABASE_URL and whether PostgreSQL runs.",
            WRONG,
        )
    elif isinstance(error, OSError) and error.filename is not None:
        known = f"{error.filename}: {error.strerror}", WRONG
    return known


def group(help_text: str) -> typer.Typer:
    """A group of commands under one word."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def typed_instant(text: str) -> datetime:
    """An ISO 8601 time; without an offset it is Beijing's. Raises RuleError."""
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.replace(tzinfo=LOCAL) if instant.utcoffset() is None else instant
    except (ValueError, OverflowError):
        from sla_rules import RuleError

        raise RuleError(
            f"not a time: {text!r}; write it as 2026-02-14T09:30",
            f"无法识别的时间 {text!r},请写作 2026-02-14T09:30",
        ) from None


def say(text: str = "") -> None:
    """A line on standard output."""
    typer.echo(text)


def complain(text: str) -> None:
    """A line on standard error."""
    typer.echo(text, err=True)


def say_json(document: Any) -> None:
    """A document for a program."""
    say(json.dumps(document, ensure_ascii=False, indent=2))


def say_table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Columns that line up, a Chinese character being two wide."""
    lines = [heading, *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(heading))]
    for line in lines:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        say("  ".join(cells).rstrip())


def with_progress(items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
    """The items passed on under a bar on standard error, where it is in no program's way."""
    with progress_bar(what, total=total) as advance_to:
        for done, item in enumerate(items, 1):
            yield item
            advance_to(done)


@contextmanager
def progress_bar(what: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; the block tells it how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def whole(file: IO[bytes]) -> bytes:
    """A file of rules, which somebody wrote: all of it, up to 10 MB. Raises FileTooLarge."""
    from service.core.files import FileTooLarge

    content = file.read(_MOST_WRITTEN + 1)
    if len(content) > _MOST_WRITTEN:
        raise FileTooLarge(limit=_MOST_WRITTEN // 1_000_000)
    return content


def settings_here() -> "Settings":
    """The environment's settings, or else those of the `hotline up` that runs in this folder (or on HOTLINE_DATA).
    Raises SettingsMissing."""
    from service.core.settings import load_settings

    running = Path(os.environ.get("HOTLINE_DATA", "data")) / "keys" / ENVIRONMENT_FILE
    if not os.environ.get("HOTLINE_DATABASE_URL") and running.is_file():
        os.environ.update(json.loads(running.read_text(encoding="utf-8")))
    return load_settings()


@contextmanager
def application() -> "Iterator[Application]":
    """The parts of this process, by the settings that hold here. Raises SettingsMissing."""
    from service.bootstrap import build

    settings = settings_here()
    settings.require_servers()
    parts = build(settings)
    try:
        yield parts
    finally:
        parts.database.dispose()
