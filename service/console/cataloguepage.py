"""The dispatch catalogue in the administrators' rules room: looked through, changed by a row, and replaced by a file
that is previewed first. The file travels in the form as text from step to step, so nothing is kept between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response

from service.api.schemas.catalogue import CatalogueIn
from service.api.schemas.fields import Code
from service.api.schemas.rules import LONGEST_FILE, ChangeReason
from service.console.errors import problem_for
from service.console.forms import Field, Form, Option, OptionGroup, Wrong, checked, of_unions, values_of
from service.console.names import display_names
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError, Malformed
from service.core.unit import Unit
from service.org.tree import OrgTree, org_tree, within
from service.sla.calendar_files import decoded
from service.sla.publishing import may_manage
from service.tickets.catalogue import (
    ANY,
    CataloguePreview,
    ChangeEntry,
    Entry,
    NoCatalogue,
    PublishCatalogue,
    PublishedCatalogue,
    catalogue_versions,
    change_entry,
    preview_catalogue,
    publish_catalogue,
    published_catalogue,
)
from service.tickets.taxonomy import leaves

HOME, IMPORT = "/rules/catalogue", "/rules/catalogue/import"
MOST_SHOWN = 200
MOST_VERSIONS = 20
_ANY_VALUE = "*"
_ANY_NAME = Bilingual("任意", "any")
_REASON = Field(name="reason", label="field.change_reason", kind="text", required=True, longest=500)
_TEXT = Field(name="text", label="field.catalogue_text", kind="text", longest=LONGEST_FILE, hint="hint.catalogue_text")


class NoCatalogueText(Malformed):
    zh = "请粘贴派单目录,或选择一个 CSV 文件。"
    en = "Paste the catalogue, or choose a CSV file."


class EntryForm(BaseModel):
    """A row as the form gives it: `*` is any, and no union takes the row out."""

    category: Code
    place: Code
    org: Code | None = None
    reason: ChangeReason


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A row in words. `before` is the union it goes to now, where a file changes it."""

    entry: Entry
    category: Bilingual
    place: Bilingual
    union: Bilingual
    before: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    tree: OrgTree
    categories: dict[str, Bilingual]

    @classmethod
    def of(cls, unit: Unit) -> "_Names":
        known = leaves(unit.session)
        groups = {leaf.code[:2]: leaf.group for leaf in known.values()}
        return cls(org_tree(unit.session), {**groups, **{code: leaf.whole for code, leaf in known.items()}})

    def line(self, entry: Entry, before: str | None = None) -> EntryLine:
        return EntryLine(
            entry=entry,
            category=self.categories[entry.category] if entry.category else _ANY_NAME,
            place=self.tree.get(entry.place).name if entry.place else _ANY_NAME,
            union=self.tree.get(entry.org).name,
            before=self.tree.get(before).name if before else None,
        )


def show_catalogue(visit: Visit) -> Response:
    """What is in force, narrowed by a filter; the form of a row, begun by a row that was chosen; the versions."""
    return _page(visit)


def take_entry(visit: Visit) -> Response:
    """Put one row in force, or take it out."""
    removing = visit.value("act") == "remove"
    try:
        with visit.reading() as unit:
            fields = _row_fields(unit)
        given = checked(EntryForm, values_of(fields, visit.typed))
        if not removing and given["org"] is None:
            raise Wrong({"org": Bilingual("请选择工会。", "Choose a union.")})
        command = ChangeEntry(
            category=_code(given["category"]),
            place=_code(given["place"]),
            org=None if removing else given["org"],
            reason=given["reason"],
            version=visit.value("version"),
        )
        with visit.writing() as unit:
            change_entry(unit, command)
    except Wrong as wrong:
        return _page(visit, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    return visit.goto(HOME, done="1", category=given["category"])


def show_import(visit: Visit) -> Response:
    """The empty form."""
    return _import_page(visit, text="")


def take_import(visit: Visit) -> Response:
    """Say what a file would change, or publish what was previewed."""
    text = visit.value("text")
    try:
        if "file" in visit.files:
            text = decoded(visit.files["file"].raw, visit.files["file"].name)
        if not text.strip():
            raise NoCatalogueText
        with visit.reading() as unit:
            may_manage(unit)
            preview = preview_catalogue(unit, text)
            names = _Names.of(unit)
        if visit.value("act") != "publish":
            return _import_page(visit, text=text, preview=preview, names=names)
        body = checked(CatalogueIn, {"text": text, "reason": visit.value("reason")})
        with visit.writing() as unit:
            publish_catalogue(unit, PublishCatalogue(text=body["text"], reason=body["reason"]))
    except Wrong as wrong:
        return _import_page(visit, text=text, preview=preview, names=names, errors=wrong.errors, status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _import_page(visit, text=text, refusal=problem.words, status=problem.status)
    return visit.goto(HOME, done="1")


def _page(
    visit: Visit,
    *,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        may_manage(unit)
        names = _Names.of(unit)
        try:
            found: PublishedCatalogue | None = published_catalogue(unit)
        except NoCatalogue:
            found = None
        fields = _row_fields(unit)
        versions = catalogue_versions(unit, limit=MOST_VERSIONS)
        people = display_names(unit, [each.published_by for each in versions if each.published_by])
    category, org = visit.query("category"), visit.query("org")
    entries = [
        entry
        for entry in (found.entries if found else ())
        if (not category or (entry.category or _ANY_VALUE).startswith(category))
        and (not org or (org in names.tree and within(entry.org, names.tree.get(org).scope)))
    ]
    if visit.request.method == "POST":
        typed = visit.typed
    else:
        chosen = {name: (visit.query(f"row_{name}"),) for name in ("category", "place", "org")}
        typed = {name: value for name, value in chosen.items() if value[0]}
    return visit.page(
        "catalogue.html",
        status=status,
        found=found,
        lines=[names.line(entry) for entry in entries[:MOST_SHOWN]],
        count=len(entries),
        category=category,
        org=org,
        categories=fields[0].options,
        unions=fields[2].options,
        form=Form(id="row", fields=fields, typed=typed, errors=errors or {}),
        choosing=bool(typed),
        versions=versions,
        people=people,
        errors=errors or {},
        refusal=refusal,
        done=bool(visit.query("done")),
    )


def _import_page(
    visit: Visit,
    *,
    text: str,
    preview: CataloguePreview | None = None,
    names: _Names | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        may_manage(unit)
    groups = {}
    if preview and names:
        groups = {
            "added": [names.line(entry) for entry in preview.added],
            "changed": [names.line(after, before.org) for before, after in preview.changed],
            "removed": [names.line(entry) for entry in preview.removed],
        }
    typed = {"text": (text,), "reason": (visit.value("reason"),)}
    return visit.page(
        "catalogue_import.html",
        status=status,
        form=Form(id="import", fields=(_TEXT,), typed=typed, errors=errors or {}),
        reason=Form(id="publish", fields=(_REASON,), typed=typed, errors=errors or {}),
        text=text,
        preview=preview,
        groups={name: lines[:MOST_SHOWN] for name, lines in groups.items()},
        counts={name: len(lines) for name, lines in groups.items()},
        errors=errors or {},
        refusal=refusal,
    )


def _row_fields(unit: Unit) -> tuple[Field, ...]:
    names = _Names.of(unit)
    anything = OptionGroup(None, (Option(_ANY_VALUE, _ANY_NAME),))
    categories = tuple(
        Option(code, Bilingual(f"{code} {name.zh}", f"{code} {name.en}"))
        for code, name in sorted(names.categories.items())
    )
    return (
        Field(
            name="category",
            label="field.category",
            kind="choice",
            required=True,
            options=(anything, OptionGroup(None, categories)),
        ),
        Field(
            name="place",
            label="field.place",
            kind="choice",
            required=True,
            options=(anything, *of_unions(names.tree, without_province=True)),
        ),
        Field(
            name="org",
            label="field.lead_union",
            kind="choice",
            options=of_unions(names.tree, without_province=True),
            hint="hint.catalogue_org",
        ),
        _REASON,
    )


def _code(value: str) -> str:
    return ANY if value == _ANY_VALUE else value
