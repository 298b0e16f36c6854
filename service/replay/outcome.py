"""What a replay leaves: the breach report, the timestamps it was made from, what became of each message, a table."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from service.core.clock import local
from service.core.spreadsheet import as_csv
from service.core.unit import PROVINCE_CODE, Unit
from service.escalations.models import Escalation
from service.org.tree import org_tree
from service.outbox.models import OutboxMessage
from service.ratings.models import Rating
from service.replay.messages import Message
from service.reports.breaches import TIER_NAMES, BreachQuery, BreachReport, BreachRow, Total, breach_report
from service.reports.export import to_csv, to_xlsx
from service.sla.models import SlaClock, SlaPause
from service.tickets.models import Ticket

Names = Callable[[str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All figures of a replay. Nothing in it depends on how fast it ran or on what was killed on the way."""

    report: BreachReport
    resolve_by_tier: tuple[Total, ...]
    resolve_by_union: tuple[Total, ...]
    rungs: tuple[tuple[str, str, int], ...]
    ratings: tuple[tuple[str, int], ...]
    states: tuple[tuple[str, int], ...]
    messages: tuple[tuple[str, int], ...]
    accounted: tuple[tuple[str, str, str], ...]


def gather(unit: Unit, messages: list[Message], numbers: dict[str, str]) -> Outcome:
    """Read everything. `unit.now` is the end of the replay; `numbers` maps message ids to ticket numbers."""
    start = local(messages[0].received_at).date()
    end = local(unit.now).date() + timedelta(days=400)  # also what is due only after the end
    report = breach_report(unit, BreachQuery(start=start, end=end, org=PROVINCE_CODE))
    resolve = _resolve_totals(unit, report)
    return Outcome(
        report=report,
        resolve_by_tier=resolve[0],
        resolve_by_union=resolve[1],
        rungs=tuple(
            (kind, rung, count)
            for kind, rung, count in unit.session.execute(
                select(Escalation.clock_kind, Escalation.rung, func.count())
                .group_by(Escalation.clock_kind, Escalation.rung)
                .order_by(Escalation.clock_kind, func.min(Escalation.planned_at - SlaClock.due_at), Escalation.rung)
                .join(SlaClock, SlaClock.id == Escalation.clock_id)
            )
        ),
        ratings=_ratings(unit),
        states=tuple(
            (state, count)
            for state, count in unit.session.execute(
                select(Ticket.state, func.count()).group_by(Ticket.state).order_by(Ticket.state)
            )
        ),
        messages=tuple(
            (kind, count)
            for kind, count in unit.session.execute(
                select(OutboxMessage.kind, func.count())
                .where(OutboxMessage.done_at.is_not(None))
                .group_by(OutboxMessage.kind)
                .order_by(OutboxMessage.kind)
            )
        ),
        accounted=_accounted(unit, messages, numbers),
    )


def write_files(unit: Unit, outcome: Outcome, folder: Path) -> dict[str, Path]:
    """Write report, timestamps and accounts into `folder`; the files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "breaches.json": _json(outcome.report.to_document()),
        "breaches.csv": to_csv(outcome.report),
        "breaches.xlsx": to_xlsx(outcome.report),
        "timestamps.csv": _timestamps(unit),
        "messages.csv": _table(("message", "ticket", "state"), outcome.accounted),
        "summary.json": _json(
            {
                "as_of": local(outcome.report.as_of).isoformat(),
                "messages": len(outcome.accounted),
                "states": dict(outcome.states),
                "due": outcome.report.total.due,
                "on_time": outcome.report.total.on_time,
                "late": outcome.report.total.late,
                "open": outcome.report.total.open,
                "escalations": {f"{kind}.{rung}": count for kind, rung, count in outcome.rungs},
                "ratings": dict(outcome.ratings),
                "delivered": dict(outcome.messages),
            }
        ),
    }
    paths = {name: folder / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return paths


def _resolve_totals(unit: Unit, report: BreachReport) -> tuple[tuple[Total, ...], tuple[Total, ...]]:
    """The citizen's promise alone, by tier and by union: what the press was promised."""
    counts = unit.session.execute(
        select(SlaClock.tier, SlaClock.org_code, func.count(), func.count(SlaClock.stopped_at))
        .where(SlaClock.kind == "resolve")
        .group_by(SlaClock.tier, SlaClock.org_code)
    ).all()
    late = [row for row in report.rows if row.clock == "resolve"]
    tree = org_tree(unit.session)

    def lines(
        key_of_count: Callable[[tuple[str, str]], str], key_of_row: Callable[[BreachRow], str], names: Names
    ) -> tuple[Total, ...]:
        due, stopped = Counter[str](), Counter[str]()
        for tier, org_code, count, done in counts:
            due[key_of_count((tier, org_code))] += count
            stopped[key_of_count((tier, org_code))] += done
        missed = Counter(key_of_row(row) for row in late)
        unfinished = Counter(key_of_row(row) for row in late if row.stopped_at is None)
        return tuple(
            Total(
                key=key,
                name_zh=names(key)[0],
                name_en=names(key)[1],
                due=due[key],
                on_time=stopped[key] - (missed[key] - unfinished[key]),
                late=missed[key],
                late_still_open=unfinished[key],
                open=due[key] - stopped[key] - unfinished[key],
                excluded=0,
                late_counted=missed[key],
            )
            for key in sorted(due)
        )

    by_tier = lines(lambda pair: pair[0], lambda row: row.tier or "", TIER_NAMES.__getitem__)
    by_union = lines(
        lambda pair: pair[1], lambda row: row.org_code, lambda code: (tree.get(code).name_zh, tree.get(code).name_en)
    )
    return by_tier, by_union


def _ratings(unit: Unit) -> tuple[tuple[str, int], ...]:
    words = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}
    rows = unit.session.execute(
        select(Rating.result, Rating.satisfaction, func.count())
        .group_by(Rating.result, Rating.satisfaction)
        .order_by(Rating.satisfaction.desc().nulls_last(), Rating.result)
    )
    return tuple((words.get(score, result), count) for result, score, count in rows)


def _accounted(unit: Unit, messages: list[Message], numbers: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    states = {row.number: row.state for row in unit.session.execute(select(Ticket.number, Ticket.state))}
    return tuple((message.id, numbers[message.id], states[numbers[message.id]]) for message in messages)


def _timestamps(unit: Unit) -> bytes:
    """Every clock's facts, for whoever wants to reckon the report again by themselves."""
    pauses: dict[int, list[str]] = {}
    for pause in unit.session.scalars(select(SlaPause).order_by(SlaPause.clock_id, SlaPause.starts_at)):
        pauses.setdefault(pause.clock_id, []).append(f"{_instant(pause.starts_at)}/{_instant(pause.ends_at)}")
    header = (
        "ticket", "clock", "leg", "cycle", "tier", "category", "union", "unit", "amount", "roll",
        "started_at", "extension_days", "pauses", "stopped_at",
    )  # fmt: skip
    rows = (
        (
            number,
            clock.kind,
            clock.leg,
            clock.cycle,
            clock.tier or "",
            category,
            clock.org_code,
            clock.promise["unit"],
            clock.promise["amount"],
            clock.promise["roll"],
            _instant(clock.started_at),
            clock.extension_days,
            ";".join(pauses.get(clock.id, [])),
            _instant(clock.stopped_at),
        )
        for clock, number, category in unit.session.execute(
            select(SlaClock, Ticket.number, Ticket.category_code)
            .join(Ticket, Ticket.id == SlaClock.ticket_id)
            .order_by(Ticket.number, SlaClock.id)
        )
    )
    return _table(header, rows)


def _instant(at: datetime | None) -> str:
    return local(at).isoformat() if at else ""


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    return as_csv(header, rows)


def _json(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
