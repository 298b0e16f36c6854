"""Structured logs: one JSON object a line, with the correlation id and never a caller's data.

What an exception says may quote a caller ("Failing row contains …", "invalid value: 'Ma Xiaoming'"), so its text stays
out: its type, and where it came from, are enough to find the fault. The same goes for what libraries log.
"""

import logging
import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

# The last guard, and no leave to log numbers: eleven digits of a mobile phone, eighteen of an identity card.
_NUMBERS = re.compile(r"(?<!\d)(?:1\d{10}|\d{17}[\dXx])(?!\d)")
_HIDDEN = "***"
_LITERALS = re.compile(r"'(?:[^']|'')*'")
# Frames nearest to the fault.
_MOST_FRAMES = 20
# Loggers of the server that say what it does and nothing of who called it; of other libraries only the sentence is
# kept, without what they put into it.
_SPEAKS_OF_ITSELF = ("uvicorn", "uvicorn.error")


def configure_logging(*, as_json: bool = True) -> None:
    """Set up structlog, and route through it the standard library's records and what would end a process or thread."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_its_words,
        _without_numbers,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[_sentence_alone, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # Its lines carry the query, and in it what somebody looked for. Ours are written where the request is named.
    logging.getLogger("uvicorn.access").disabled = True
    sys.excepthook = _ended
    threading.excepthook = _thread_ended


def places_of(error: BaseException) -> list[str]:
    """Where an exception came from, outermost first, with those it followed from: types, files and lines, no words."""
    places: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        frames = [
            f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
            for frame, line in walk_tb(following.__traceback__)
        ]
        places = [*frames[-_MOST_FRAMES:], type(following).__name__, *places]
        following = following.__cause__ or following.__context__
    return places


def _without_its_words(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """An exception as its type and its way, not as its text."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event.setdefault("error", type(error).__name__)
        event["where"] = places_of(error)
    return event


def _sentence_alone(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """A library's record: its first line, before anything was put into it."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if record.name not in _SPEAKS_OF_ITSELF:
        event["event"] = (str(record.msg).splitlines() or [""])[0]
    return event


def without_literals(statement: str) -> str:
    """SQL with its quoted values blotted out: what is looked for stands in the text of some statements."""
    return _LITERALS.sub("'…'", statement)


def without_numbers(words: str) -> str:
    """The words with what looks like a mobile phone's or an identity card's number blotted out."""
    return _NUMBERS.sub(_HIDDEN, words)


def _without_numbers(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {name: value if name.startswith("_") else _hidden(value) for name, value in event.items()}


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return without_numbers(value)
    if isinstance(value, Mapping):
        return {name: _hidden(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(inner) for inner in value]
    return value


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process_ended", exc_info=(kind, error, trace))


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        log.critical("thread_ended", thread=getattr(args.thread, "name", None), exc_info=args.exc_value)


log: structlog.stdlib.BoundLogger = structlog.get_logger("hotline")
