"""A simulation as files: a page that needs no network and no script, the changed tickets as CSV, all of it as JSON."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from service.core.clock import deadline_text, local
from service.core.errors import Bilingual
from service.core.spreadsheet import as_csv
from service.reports.simulation import DEFINITION, DEFINITIONS, SimulationReport, shown_shift, tier_name
from sla_rules import Figures, PastClock, Recomputed, Unanswered

# The page is for reading, the CSV for counting: beyond so many rows the page says where the rest is.
MOST_ROWS = 300

_INSTANT = timedelta(microseconds=1)
_TEMPLATES = Path(__file__).parent / "templates"

DIRECTIONS = {
    "newly_late": Bilingual("变为逾期", "becomes late"),
    "no_longer_late": Bilingual("不再逾期", "no longer late"),
}
_ERROR = Bilingual("无法重新计算", "not recomputed")

_COLUMNS = (
    "工单号", "轮次", "单位代码", "单位", "分级", "当时期限(不含)", "模拟期限(不含)", "办毕", "变化",
    "移动(秒)", "说明",
)  # fmt: skip


def write_simulation(report: SimulationReport, folder: Path) -> dict[str, Path]:
    """Write report.html, changed.csv and simulation.json into `folder`; the files by name."""
    contents = {
        "report.html": to_html(report).encode(),
        "changed.csv": to_csv(report),
        "simulation.json": (json.dumps(report.to_document(), ensure_ascii=False, indent=1) + "\n").encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return paths


def to_csv(report: SimulationReport) -> bytes:
    """The tickets that change sides, then those without answer. Times are local, with their offset."""
    return as_csv(_COLUMNS, _rows(report))


def to_html(report: SimulationReport) -> str:
    """A page of its own: styles and drawings are in it, and nothing is fetched or run."""
    return _template().render(
        report=report,
        total=report.total,
        changed=report.changed[:MOST_ROWS],
        unanswered=report.unanswered[:MOST_ROWS],
        most=MOST_ROWS,
        definition=DEFINITION,
        definitions=DEFINITIONS,
    )


def rate_text(on_time: int, due: int) -> str:
    """`92.5 % (37/40)`, a dash where nothing was due."""
    return f"{on_time / due:.1%}".replace("%", " %") + f" ({on_time}/{due})" if due else "–"


def points(figures: Figures) -> Bilingual:
    """How far the rate moves, in percentage points."""
    if figures.rate_then is None or figures.rate_now is None:
        return Bilingual("–", "–")
    by = round(100 * (figures.rate_now - figures.rate_then), 1)
    if not by:
        return Bilingual("不变", "unchanged")
    way, zh, en = ("▲", "上升", "up") if by > 0 else ("▼", "下降", "down")
    return Bilingual(f"{way} {zh} {abs(by):.1f} 个百分点", f"{en} {abs(by):.1f} points")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    filters: dict[str, Callable[..., Any]] = {
        "deadline": deadline_text,
        "moment": lambda at: f"{local(at):%Y-%m-%d %H:%M}",
        "tier": tier_name,
        "shift": shown_shift,
        "points": points,
        "direction": DIRECTIONS.__getitem__,
    }
    environment.filters.update(filters)
    environment.globals["rate_text"] = rate_text
    return environment.get_template("simulation.html")


def _rows(report: SimulationReport) -> Iterator[list[Any]]:
    for changed in report.changed:
        yield _changed_row(report, changed)
    for entry in report.unanswered:
        yield _unanswered_row(report, entry)


def _changed_row(report: SimulationReport, changed: Recomputed) -> list[Any]:
    direction = DIRECTIONS[changed.direction or ""]
    return [
        *_beginning(report, changed.past),
        _instant(changed.due_at),
        _instant(changed.past.clock.stopped_at),
        direction.zh,
        int(changed.shift.total_seconds()),
        shown_shift(changed.shift).zh,
    ]


def _unanswered_row(report: SimulationReport, entry: Unanswered) -> list[Any]:
    stopped_at = _instant(entry.past.clock.stopped_at)
    return [*_beginning(report, entry.past), "", stopped_at, _ERROR.zh, "", f"{entry.error.zh} / {entry.error.en}"]


def _beginning(report: SimulationReport, past: PastClock) -> list[Any]:
    return [
        past.reference,
        past.clock.cycle,
        past.union,
        report.union_names[past.union].zh,
        tier_name(past.tier).zh,
        _instant(past.recorded_due_at),
    ]


def _instant(at: datetime | None) -> str:
    return local(at).isoformat() if at else ""
