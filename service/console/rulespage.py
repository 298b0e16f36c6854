"""The administrators' rules room: what is in force, and a file checked, previewed and put in force in three steps.

The file travels in the form as text from step to step, so nothing is kept between them and nothing typed is lost.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.responses import Response

from service.api.schemas.rules import LONGEST_FILE, ChangeReason, RuleFileIn
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, values_of
from service.console.names import display_names
from service.console.visit import Visit
from service.console.yearmap import months_in_force, months_understood
from service.core.errors import Bilingual, HotlineError, Malformed
from service.core.unit import Unit
from service.org.tree import OrgTree, org_tree
from service.sla.calendar_files import decoded
from service.sla.publishing import may_manage
from service.sla.rule_files import RuleFile
from service.sla.rule_words import Understood, UnderstoodDay, shift_in_words
from service.tickets.recounting import Move, Preview
from service.tickets.rule_changes import (
    CalendarYear,
    ChangeRules,
    ChangeView,
    FilePreview,
    RecordedMove,
    RuleFileRefused,
    arrangement_text,
    calendar_year,
    change_rules,
    preview_file,
    read_for_review,
    recorded_moves,
    rule_change,
    rule_changes,
    rules_in_force,
)

PAGE_LENGTH = 30
MOST_MOVES = 200
BAR_LENGTH = 100
_LATEST_CHANGES = 5
_SECONDS_BETWEEN_LOOKS = 3
_ONE_DAY = timedelta(days=1)
_LINE_NAMED = re.compile(r"第 (\d+) 行")
_YEAR = re.compile(r"\d{4}", re.ASCII)

_FIELDS = (
    Field(name="text", label="field.rule_text", kind="text", longest=LONGEST_FILE, hint="hint.rule_text"),
    Field(name="source", label="field.rule_source", longest=500, hint="hint.rule_source"),
    Field(name="year", label="field.rule_year", kind="number", least=1992, most=2200, hint="hint.rule_year"),
    Field(name="amends", label="field.rule_amends", kind="check", hint="hint.rule_amends"),
)
_REASON = Field(
    name="reason", label="field.change_reason", kind="text", required=True, longest=500, hint="hint.change_reason"
)


class TextAndFile(Malformed):
    """Both a text and a file: which one is meant cannot be told."""

    zh = "文字框和文件请只用一种:要用文件,请先清空文字框;要用文字,请不要选文件。"
    en = "Use either the text box or a file: empty the box to send a file, or choose no file to send the text."


class NothingGiven(Malformed):
    zh = "请粘贴通知全文,或选择一个文件。"
    en = "Paste the text of the notice, or choose a file."


class ReasonForm(BaseModel):
    """Why the rules are changed."""

    reason: ChangeReason


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text as it was given; `doubt` is the number of the doubt that quotes it."""

    text: str
    doubt: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The days that one sentence sets, in runs of days that follow one another."""

    name: str
    region: Bilingual | None
    stops_clock: bool
    off: tuple[tuple[date, date], ...]
    work: tuple[tuple[date, date], ...]
    hours: str
    sentence: str


@dataclass(frozen=True, slots=True)
class HolidayLine:
    """A holiday as it is in force, with what it is cited by."""

    name: str
    off: tuple[tuple[date, date], ...]
    work: tuple[tuple[date, date], ...]
    source: str
    citation: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar that shows what becomes of the open clocks."""

    look: str
    label: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class MoveLine:
    """A clock that moves, and for a preview what becomes of it (`marks` are keys of the catalogue)."""

    move: Move | RecordedMove
    union: Bilingual
    shift: Bilingual
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change with the name of whoever made it, and how far it is in percent."""

    change: ChangeView
    who: str
    percent: int


def show_rules(visit: Visit) -> Response:
    """What is in force: versions, promises, a drawn year, and the latest changes."""
    asked = visit.query("year")
    with visit.reading() as unit:
        rules = rules_in_force(unit)
        year = calendar_year(unit, int(asked) if _YEAR.fullmatch(asked) else None)
        page = rule_changes(unit, limit=_LATEST_CHANGES)
        lines = _change_lines(unit, page.changes)
        now = unit.now
    return visit.page(
        "rules.html",
        rules=rules,
        now=now,
        year=year,
        years=_years_to_show(year),
        months=months_in_force(year, rules.today),
        holidays=_holidays(year),
        changes=lines,
        unfinished=next((line for line in lines if line.change.finished_at is None), None),
    )


def show_load(visit: Visit) -> Response:
    """The empty form, or with `from=arrangement` the arrangement in force to be edited."""
    typed: dict[str, tuple[str, ...]] | None = None
    if visit.query("from") == "arrangement":
        with visit.reading() as unit:
            typed = {"text": (arrangement_text(unit),), "name": ("本地安排.toml",)}
    return _load_page(visit, typed=typed)


def take_load(visit: Visit) -> Response:
    """One of the three steps; each shows all before it anew, and only the last one writes."""
    step = visit.value("step")
    try:
        typed = _with_file(visit)
    except HotlineError as error:
        return _refused(visit, visit.typed, error)
    try:
        body = RuleFileIn(**checked(RuleFileIn, _values(typed)))
    except Wrong as wrong:
        return _load_page(visit, typed=typed, errors=wrong.errors, status=422)
    try:
        return _step(visit, typed, body.file(), step)
    except (HotlineError, DBAPIError, PoolExhausted) as error:
        return _refused(visit, typed, error)


def show_changes(visit: Visit) -> Response:
    """All changes, newest first."""
    with visit.reading() as unit:
        page = rule_changes(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
        lines = _change_lines(unit, page.changes)
    first_page = not visit.query("cursor")
    return visit.page("rules_changes.html", changes=lines, next_cursor=page.next_cursor, first_page=first_page)


def show_change(visit: Visit) -> Response:
    """How far the recount of a change is, and what it did."""
    change_id = int(visit.request.path_params["change_id"])
    with visit.reading() as unit:
        change = rule_change(unit, change_id if change_id < 2**31 else 0)
        page = recorded_moves(unit, change.id, limit=MOST_MOVES, cursor=visit.query("cursor") or None)
        tree = org_tree(unit.session)
        [line] = _change_lines(unit, [change])
    return visit.page(
        "rules_change.html",
        line=line,
        change=change,
        refresh=_SECONDS_BETWEEN_LOOKS if change.finished_at is None else None,
        moves=tuple(_recorded(move, tree) for move in page.moves),
        next_cursor=page.next_cursor,
        first_page=not visit.query("cursor"),
    )


# -- the three steps -------------------------------------------------------------------------------------


def _step(visit: Visit, typed: Mapping[str, tuple[str, ...]], file: RuleFile, step: str) -> Response:
    if step not in ("preview", "publish"):
        with visit.reading() as unit:
            said = read_for_review(unit, file)
            tree = org_tree(unit.session)
        return _load_page(visit, typed=typed, said=said, tree=tree, status=422 if said.doubts else 200)
    if step == "preview":
        return _preview_page(visit, typed, file)
    if visit.value("seen") != _digest(file):
        return _preview_page(visit, typed, file, refusal=_EDITED_SINCE, status=409)
    try:
        reason = checked(ReasonForm, {"reason": visit.value("reason")})["reason"]
    except Wrong as wrong:
        return _preview_page(visit, typed, file, errors=wrong.errors, status=422)
    try:
        with visit.writing() as unit:
            change = change_rules(unit, ChangeRules(file=file, reason=reason, expected=visit.value("expected") or None))
    except (HotlineError, DBAPIError, PoolExhausted) as error:
        problem = problem_for(visit, error)
        return _preview_page(visit, typed, file, refusal=problem.words, status=problem.status)
    return visit.goto(f"/rules/changes/{change.id}")


_EDITED_SINCE = Bilingual(
    "内容在预览之后有改动,尚未发布。下面是按新内容重新预览的结果,请再看一遍。",
    "The text was changed after the preview; nothing is published. Below is the preview of the new text.",
)


def _preview_page(
    visit: Visit,
    typed: Mapping[str, tuple[str, ...]],
    file: RuleFile,
    *,
    refusal: Bilingual | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        said = read_for_review(unit, file)
        tree = org_tree(unit.session)
        seen = None
        try:
            seen = None if said.doubts else preview_file(unit, file)
        except HotlineError as error:
            # What was understood stays on the page beside why it cannot be put in force.
            problem = problem_for(visit, error)
            refusal, status = refusal or problem.words, problem.status
    return _load_page(
        visit,
        typed=typed,
        said=said,
        tree=tree,
        seen=seen,
        digest=_digest(file),
        refusal=refusal,
        errors=errors,
        status=422 if said.doubts else status,
    )


def _refused(visit: Visit, typed: Mapping[str, tuple[str, ...]], error: Exception) -> Response:
    """The form as it was, with why it was not taken. Who has no business here sees no form."""
    problem = problem_for(visit, error)
    if problem.status == 403:
        raise error
    line = _LINE_NAMED.search(problem.zh) if isinstance(error, RuleFileRefused) else None
    return _load_page(
        visit,
        typed=typed,
        refusal=problem.words,
        line=int(line[1]) if line else None,
        status=problem.status,
    )


def _load_page(
    visit: Visit,
    *,
    typed: Mapping[str, tuple[str, ...]] | None = None,
    said: Understood | None = None,
    tree: OrgTree | None = None,
    seen: FilePreview | None = None,
    digest: str = "",
    refusal: Bilingual | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    line: int | None = None,
    status: int = 200,
) -> Response:
    if visit.masthead is None:
        with visit.reading() as unit:
            may_manage(unit)
    wrong = errors or {}
    text = typed.get("text", ("",))[0] if typed else ""
    reason = Form(id="change", fields=(_REASON,), typed=typed, errors=wrong)
    return visit.page(
        "rules_load.html",
        status=status,
        form=Form(id="rules", fields=_FIELDS, typed=typed, errors=wrong),
        reason=reason,
        name=typed.get("name", ("",))[0] if typed else "",
        empty=not text.strip(),
        refusal=refusal,
        errors=wrong,
        said=said,
        months=months_understood(said) if said else (),
        blocks=_blocks(said.days, tree) if said and tree else (),
        pieces=_marked(text, [doubt.sentence for doubt in said.doubts]) if said and said.doubts else _line(text, line),
        seen=seen,
        digest=digest,
        segments=_segments(seen.figures) if seen else (),
        largest=shift_in_words(seen.figures.largest_shift) if seen else None,
        moves=tuple(_previewed(move, tree) for move in seen.moves[:MOST_MOVES]) if seen and tree else (),
        left_out=max(0, len(seen.moves) - MOST_MOVES) if seen else 0,
    )


def _values(typed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    values = values_of(_FIELDS, typed)
    name = typed.get("name", ("",))[0].strip()
    return values | ({"name": name[:200]} if name else {})


def _with_file(visit: Visit) -> Mapping[str, tuple[str, ...]]:
    """What was typed, with the text of an uploaded file in the place of the box.

    Raises CalendarFileIsNoText, TextAndFile, NothingGiven.
    """
    file = visit.files.get("file")
    if file is None:
        if not visit.value("text").strip():
            raise NothingGiven
        return visit.typed
    if visit.value("text").strip():
        raise TextAndFile
    name = file.name[:200]
    # A byte order mark is no part of what the file says.
    text = decoded(file.raw, name).replace("\r\n", "\n")
    if not text.strip():
        raise NothingGiven
    return {**visit.typed, "text": (text,), "name": (name,)}


def _digest(file: RuleFile) -> str:
    """Tells whether what is published is what was previewed."""
    return hashlib.sha256(repr(file).encode()).hexdigest()[:16]


# -- what is drawn and listed ----------------------------------------------------------------------------


def _marked(text: str, sentences: Iterable[str]) -> tuple[Piece, ...]:
    """The text with the quoted sentences marked. A quotation has no blanks, the text may."""
    places = [index for index, char in enumerate(text) if not char.isspace()]
    plain = "".join(text[index] for index in places)
    found: dict[tuple[int, int], int] = {}
    for number, sentence in enumerate(sentences, 1):
        quote = "".join(sentence.split())
        start = plain.find(quote) if quote else -1
        if start >= 0:
            found.setdefault((places[start], places[start + len(quote) - 1] + 1), number)
    pieces: list[Piece] = []
    done = 0
    for (start, end), number in sorted(found.items()):
        if start >= done:
            pieces += [Piece(text[done:start]), Piece(text[start:end], number)]
            done = end
    return (*pieces, Piece(text[done:])) if pieces else ()


def _line(text: str, number: int | None) -> tuple[Piece, ...]:
    """The text around the line that a refusal names, that line marked."""
    lines = text.split("\n")
    if number is None or not 1 <= number <= len(lines):
        return ()
    before, after = max(0, number - 4), number + 3
    above = "".join(f"{index + 1:>4}  {lines[index]}\n" for index in range(before, number - 1))
    below = "".join(f"\n{index + 1:>4}  {lines[index]}" for index in range(number, min(after, len(lines))))
    return Piece(above), Piece(f"{number:>4}  {lines[number - 1]}", 1), Piece(below)


def _blocks(days: Iterable[UnderstoodDay], tree: OrgTree) -> tuple[Block, ...]:
    """One row for each sentence, so that it can be laid beside the notice."""
    grouped: dict[tuple[str, str, str, bool, str], list[UnderstoodDay]] = {}
    for day in days:
        grouped.setdefault((day.name, day.region, day.hours, day.stops_clock, day.sentence), []).append(day)
    return tuple(
        Block(
            name=name,
            region=_region(region, tree) if region else None,
            stops_clock=stops_clock,
            off=_runs(day.date for day in group if day.kind == "off"),
            work=_runs(day.date for day in group if day.kind == "work"),
            hours=hours,
            sentence=sentence,
        )
        for (name, region, hours, stops_clock, sentence), group in grouped.items()
    )


def _holidays(year: CalendarYear) -> tuple[HolidayLine, ...]:
    """The holidays of a year with what each is cited by."""
    grouped: dict[tuple[str, str, str], list[tuple[date, bool]]] = {}
    for day in year.special:
        grouped.setdefault((day.name, day.source, day.citation), []).append((day.date, day.working))
    return tuple(
        HolidayLine(
            name=name,
            off=_runs(day for day, works in days if not works),
            work=_runs(day for day, works in days if works),
            source=source,
            citation=citation,
        )
        for (name, source, citation), days in grouped.items()
    )


def _region(code: str, tree: OrgTree) -> Bilingual:
    """The union whose subtree has that prefix; the prefix itself where there is none."""
    padded = code.ljust(6, "0")
    return tree.get(padded).name if padded in tree else Bilingual(code, code)


def _runs(days: Iterable[date]) -> tuple[tuple[date, date], ...]:
    runs: list[tuple[date, date]] = []
    for _, group in groupby(enumerate(sorted(days)), key=lambda entry: entry[1] - entry[0] * _ONE_DAY):
        following = [day for _, day in group]
        runs.append((following[0], following[-1]))
    return tuple(runs)


def _segments(figures: Preview) -> tuple[Segment, ...]:
    """Every open clock is in one segment."""
    failed = len(figures.failures)
    parts = (
        ("same", "rules.unchanged", figures.looked_at - figures.moved - figures.kept - failed),
        ("later", "rules.later", figures.later),
        ("earlier", "rules.earlier", figures.earlier - figures.newly_late),
        ("kept", "rules.kept", figures.kept),
        ("newly-late", "rules.newly_late", figures.newly_late),
        ("failed", "rules.failed", failed),
    )
    segments: list[Segment] = []
    start = 0.0
    for look, label, count in parts:
        width = BAR_LENGTH * max(0, count) / max(1, figures.looked_at)
        segments.append(Segment(look, label, max(0, count), round(start, 2), round(width, 2)))
        start += width
    return tuple(segments)


def _previewed(move: Move, tree: OrgTree) -> MoveLine:
    marks = (
        ("rules.mark_newly_late", move.newly_late),
        ("rules.mark_no_longer_late", move.no_longer_late),
        ("rules.mark_kept", move.kept),
        ("rules.mark_settled", move.settled),
    )
    return MoveLine(
        move=move,
        union=tree.get(move.org_code).name,
        shift=shift_in_words(move.shift),
        marks=tuple(key for key, holds in marks if holds),
    )


def _recorded(move: RecordedMove, tree: OrgTree) -> MoveLine:
    settled = move.provisional_before and not move.provisional_after
    return MoveLine(
        move=move,
        union=tree.get(move.org_code).name,
        shift=shift_in_words(move.shift),
        marks=("rules.mark_settled",) if settled else (),
    )


def _change_lines(unit: Unit, changes: Iterable[ChangeView]) -> tuple[ChangeLine, ...]:
    listed = tuple(changes)
    names = display_names(unit, (change.actor_name for change in listed))
    return tuple(
        ChangeLine(change, names.get(change.actor_name, change.actor_name), int(100 * change.progress))
        for change in listed
    )


def _years_to_show(year: CalendarYear) -> tuple[int, ...]:
    """The last published years, the one after them, and the one that is shown."""
    following = year.published_years[-1] + 1
    return tuple(sorted({*year.published_years[-3:], following, year.year}))
