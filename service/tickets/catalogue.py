"""派单目录: which union a matter of a category at a place goes to, as data that administrators publish whole.

A catalogue is a table of `category,place,org`. The row that says most wins: of the category first (leaf, then group,
then any), among those of the place (county, then city, then any). A version is never edited; one is in force.
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, ForeignKey, Identity, Index, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.audit.recording import record
from service.core.db import AdvisoryLock, Base
from service.core.errors import Bilingual, Conflict, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.org.tree import OrgTree, org_tree
from service.sla.publishing import may_manage
from service.tickets.taxonomy import Leaf, leaves

HEADING = ("category", "place", "org")
ANY = ""
MOST_ROWS = 20_000
_MOST_FAULTS = 30
_ANY_WORDS = {"", "*", "any", "任意", "全部"}


class DispatchCatalogueVersion(Base):
    """A published catalogue, whole: a correction makes a new row, never an edit."""

    __tablename__ = "dispatch_catalogue_version"
    __table_args__ = (
        Index("uq_dispatch_catalogue_version_active", "active", unique=True, postgresql_where=text("active")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    version: Mapped[str] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    reason: Mapped[str]
    published_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    active: Mapped[bool] = mapped_column(default=True)


class CatalogueRefused(Malformed):
    """A file with faults, each with its line."""

    zh = "派单目录有 {count} 处错误,未发布。{lines}"
    en = "The catalogue has {count} faults and was not published. {lines}"

    def __init__(self, faults: "list[Fault]") -> None:
        self.faults = faults
        shown = faults[:_MOST_FAULTS]
        lines = Bilingual(
            "；".join(f"第 {fault.line} 行:{fault.zh}" for fault in shown),
            "; ".join(f"line {fault.line}: {fault.en}" for fault in shown),
        )
        super().__init__(count=len(faults), lines=lines)


class CatalogueChangedMeanwhile(Conflict):
    zh = "派单目录已由他人更新为 {version},请核对后再改。"
    en = "Somebody published {version} of the catalogue meanwhile; look at it and change it again."


class NoSuchEntry(NotFound):
    zh = "派单目录中没有这一行。"
    en = "The catalogue has no such row."


class NoCatalogue(NotFound):
    zh = "尚未发布派单目录。"
    en = "No dispatch catalogue has been published yet."


class CatalogueUnchanged(Conflict):
    zh = "内容与现行派单目录({version})相同,无需发布。"
    en = "This is the catalogue in force already ({version}); nothing to publish."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of the file; the heading is line 1."""

    line: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: category (leaf, group or '' for any), place (union code or '' for any), and the union it goes to."""

    category: str
    place: str
    org: str


@dataclass(frozen=True)
class Catalogue:
    """The entries by category and place."""

    version: str = ""
    orgs: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def entry(self, tree: OrgTree, category_code: str, place_code: str) -> Entry | None:
        """The row that fits a category (or '') and a place best; None when none does."""
        places = [place_code]
        while (parent := tree.parent(places[-1])) is not None:
            places.append(parent.code)
        # What holds for the whole province may be written as the province or as any place.
        for category in dict.fromkeys((category_code, category_code[:2], ANY)):
            for place in (*places, ANY):
                if (org := self.orgs.get((category, place))) is not None:
                    return Entry(category, place, org)
        return None


NO_CATALOGUE = Catalogue()


@dataclass(frozen=True, slots=True)
class PublishedCatalogue:
    """What is in force, since when and why."""

    version: str
    reason: str
    published_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishCatalogue:
    """The file's text (CSV with the columns category, place, org) and why it is published."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """A row that is to go to a union from now on, or to be taken out (`org` None). `version` is what the
    administrator saw, '' where none was published."""

    category: str
    place: str
    org: str | None
    reason: str
    version: str


@dataclass(frozen=True, slots=True)
class CataloguePreview:
    """What a file would change of what is in force: rows, and pairs of before and after."""

    added: tuple[Entry, ...]
    changed: tuple[tuple[Entry, Entry], ...]
    removed: tuple[Entry, ...]
    same: int


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """A version as the list of them tells it; `published_by` is a user name."""

    version: str
    reason: str
    published_at: datetime
    published_by: str | None
    rows: int


# By engine: the id of the version and what it says. A new version has a new id, so nothing here grows stale.
_READ: WeakKeyDictionary[Engine, tuple[int, Catalogue]] = WeakKeyDictionary()


def current_catalogue(session: Session) -> Catalogue:
    """The catalogue in force, or an empty one. One small statement; the content is read once in each process."""
    active = session.scalar(select(DispatchCatalogueVersion.id).where(DispatchCatalogueVersion.active))
    if active is None:
        return NO_CATALOGUE
    engine = session.get_bind().engine
    read = _READ.get(engine)
    if read is None or read[0] != active:
        row = session.get_one(DispatchCatalogueVersion, active)
        orgs = {(category, place): org for category, place, org in row.content["rows"]}
        read = _READ[engine] = (active, Catalogue(row.version, orgs))
    return read[1]


def suggested_union(session: Session, category_code: str, place_code: str) -> tuple[str, Bilingual] | None:
    """The union the catalogue in force names for a category and a place, and why; None where it names none."""
    tree = org_tree(session)
    entry = current_catalogue(session).entry(tree, category_code, place_code)
    return (entry.org, why(tree, entry)) if entry else None


def why(tree: OrgTree, entry: Entry) -> Bilingual:
    """The reason for a suggestion by the catalogue."""
    place = tree.get(entry.place).name if entry.place else Bilingual("任意地点", "any place")
    category = entry.category or "任意类别"
    return Bilingual(
        f"派单目录:{category} × {place.zh}", f"the dispatch catalogue: {entry.category or 'any'} × {place.en}"
    )


def published_catalogue(unit: Unit) -> PublishedCatalogue:
    """What is in force. Raises NoCatalogue, RulesNotYours."""
    may_manage(unit)
    row = unit.session.scalars(select(DispatchCatalogueVersion).where(DispatchCatalogueVersion.active)).one_or_none()
    if row is None:
        raise NoCatalogue
    return PublishedCatalogue(
        version=row.version,
        reason=row.reason,
        published_at=row.published_at,
        entries=tuple(Entry(*each) for each in row.content["rows"]),
    )


def publish_catalogue(unit: Unit, command: PublishCatalogue) -> PublishedCatalogue:
    """Put a catalogue in force: suggestions follow it from this commit on; nothing dispatched is touched.

    Raises RulesNotYours, CatalogueRefused with every faulty line, CatalogueUnchanged.
    """
    may_manage(unit)
    return _publish(unit, _read(unit, command.text), command.reason)


def change_entry(unit: Unit, command: ChangeEntry) -> PublishedCatalogue:
    """Publish the catalogue in force with one row set or taken out: a version like any other.

    Raises RulesNotYours, CatalogueChangedMeanwhile, NoSuchEntry, CatalogueRefused, CatalogueUnchanged.
    """
    may_manage(unit)
    unit.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": AdvisoryLock.publishing})
    now = current_catalogue(unit.session)
    if now.version != command.version:
        raise CatalogueChangedMeanwhile(version=now.version)
    orgs = dict(now.orgs)
    if command.org is not None:
        orgs[command.category, command.place] = command.org
    elif orgs.pop((command.category, command.place), None) is None:
        raise NoSuchEntry
    file = io.StringIO()
    csv.writer(file).writerows([HEADING, *((category, place, org) for (category, place), org in orgs.items())])
    return _publish(unit, _read(unit, file.getvalue()), command.reason)


def preview_catalogue(unit: Unit, source: str) -> CataloguePreview:
    """What publishing a file would change. Raises RulesNotYours, CatalogueRefused."""
    may_manage(unit)
    after = {(entry.category, entry.place): entry for entry in _read(unit, source)}
    before = {key: Entry(*key, org) for key, org in current_catalogue(unit.session).orgs.items()}
    both = sorted(before.keys() & after.keys())
    return CataloguePreview(
        added=tuple(after[key] for key in sorted(after.keys() - before.keys())),
        changed=tuple((before[key], after[key]) for key in both if before[key] != after[key]),
        removed=tuple(before[key] for key in sorted(before.keys() - after.keys())),
        same=sum(before[key] == after[key] for key in both),
    )


def catalogue_versions(unit: Unit, *, limit: int) -> list[CatalogueVersion]:
    """The newest versions, the one in force first. Raises RulesNotYours."""
    may_manage(unit)
    rows = unit.session.execute(
        select(DispatchCatalogueVersion, Person.username)
        .outerjoin(Person, Person.id == DispatchCatalogueVersion.published_by)
        .order_by(DispatchCatalogueVersion.id.desc())
        .limit(limit)
    )
    return [
        CatalogueVersion(row.version, row.reason, row.published_at, username, len(row.content["rows"]))
        for row, username in rows
    ]


def _read(unit: Unit, source: str) -> list[Entry]:
    return read_catalogue(source, tree=org_tree(unit.session), categories=leaves(unit.session))


def _publish(unit: Unit, entries: list[Entry], reason: str) -> PublishedCatalogue:
    rows = [[entry.category, entry.place, entry.org] for entry in sorted(entries, key=lambda e: (e.category, e.place))]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:8]
    unit.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": AdvisoryLock.publishing})
    before = unit.session.scalar(select(DispatchCatalogueVersion.version).where(DispatchCatalogueVersion.active))
    if before is not None and before.endswith(f"+{digest}"):
        raise CatalogueUnchanged(version=before)
    unit.session.execute(update(DispatchCatalogueVersion).where(DispatchCatalogueVersion.active).values(active=False))
    count = unit.session.scalar(text("select count(*) from dispatch_catalogue_version")) or 0
    row = DispatchCatalogueVersion(
        version=f"{count + 1}+{digest}",
        content={"rows": rows},
        reason=reason,
        published_at=unit.now,
        published_by=unit.actor.id,
        active=True,
    )
    unit.session.add(row)
    unit.session.flush()
    record(
        unit,
        "catalogue:publish",
        subject=f"dispatch_catalogue:{row.version}",
        before={"version": before},
        after={"rows": len(rows), "reason": reason},
    )
    return published_catalogue(unit)


def read_catalogue(source: str, *, tree: OrgTree, categories: Mapping[str, Leaf]) -> list[Entry]:
    """The entries of a CSV file. Unions and places by code or full name; '*' or nothing is any.

    Raises CatalogueRefused with every fault of the file and its line.
    """
    reader = csv.reader(io.StringIO(source.removeprefix("\ufeff"), newline=""))
    names = {union.name_zh: union.code for union in tree}
    groups = {code[:2] for code in categories}
    faults: list[Fault] = []
    entries: dict[tuple[str, str], Entry] = {}
    lines: dict[tuple[str, str], int] = {}
    try:
        heading = [cell.strip().lower() for cell in next(reader, [])]
        if tuple(heading) != HEADING:
            raise CatalogueRefused(
                [Fault(1, f"首行须为 {','.join(HEADING)}", f"the first line must be {','.join(HEADING)}")]
            )
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            entry = _entry([cell.strip() for cell in cells], line, tree, names, categories, groups, faults)
            if entry is None:
                continue
            key = (entry.category, entry.place)
            if key in entries:
                faults.append(Fault(line, f"与第 {lines[key]} 行重复", f"says again what line {lines[key]} says"))
            entries.setdefault(key, entry)
            lines.setdefault(key, line)
            if len(entries) > MOST_ROWS:
                raise CatalogueRefused([Fault(line, f"超过 {MOST_ROWS} 行", f"more than {MOST_ROWS} rows")])
    except csv.Error as error:
        faults.append(Fault(reader.line_num, f"无法读取({error})", f"can't be read ({error})"))
    if not entries and not faults:
        faults.append(Fault(2, "没有任何条目", "there is no row"))
    if faults:
        raise CatalogueRefused(faults)
    return list(entries.values())


def _entry(
    cells: list[str],
    line: int,
    tree: OrgTree,
    names: Mapping[str, str],
    categories: Mapping[str, Leaf],
    groups: set[str],
    faults: list[Fault],
) -> Entry | None:
    if len(cells) != len(HEADING):
        faults.append(Fault(line, f"应有 3 列,实有 {len(cells)} 列", f"has {len(cells)} columns, not 3"))
        return None
    category, place, org = cells
    category = ANY if category.lower() in _ANY_WORDS else category
    place = ANY if place.lower() in _ANY_WORDS else names.get(place, place)
    org = names.get(org, org)
    found = len(faults)
    if category and category not in categories and category not in groups:
        faults.append(Fault(line, f"没有类别“{category[:40]}”", f"there is no category {category[:40]!r}"))
    if place and place not in tree:
        faults.append(Fault(line, f"没有地点“{place[:40]}”", f"there is no place {place[:40]!r}"))
    if org not in tree:
        faults.append(Fault(line, f"没有工会“{org[:40]}”", f"there is no union {org[:40]!r}"))
    elif org == PROVINCE_CODE:
        faults.append(Fault(line, "派单对象须为市州或区县工会", "a ticket is dispatched to a city or county union"))
    return Entry(category, ANY if place == PROVINCE_CODE else place, org) if len(faults) == found else None
