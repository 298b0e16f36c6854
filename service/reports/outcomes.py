"""处理结果台账: what the approved replies of a period brought the workers, each traced to its ticket, with sums.

A ticket counts once, by its last approved reply: what a later round reports takes the place of the round before.
Money recovered and mediation agreements need a proof: a file that the reply names, or the worker who said at the
call-back that the matter was resolved. Without one a line stands in the ledger as unverified; it is not refused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from service.audit.looking import looked_at_report
from service.core.clock import LOCAL, local
from service.core.spreadsheet import as_csv
from service.core.unit import Unit
from service.org.tree import org_tree, within
from service.ratings.models import Rating
from service.reports.breaches import LONGEST_PERIOD, PeriodInvalid
from service.reports.taking_away import Facts
from service.tickets.attachments import Attachment
from service.tickets.evidence import OutcomeEvidence
from service.tickets.models import Reply, Ticket
from service.tickets.queries import QueueNotVisible
from service.tickets.repository import in_subtree, visible

DEFINITION = {
    "zh": (
        "审核通过时间在区间内的反馈,每件工单只计最后一次。追回金额或调解协议须有附件证明(evidence)或职工回访确认已解决"
        "(worker),否则为 unverified;其他结果不须证明(not_needed)。合计等于明细之和。"
    ),
    "en": (
        "Replies approved in the period, the last of each ticket. Money recovered and mediation agreements need a file "
        "as evidence or the worker's word at the call-back (worker), else they are unverified; other outcomes need no "
        "proof (not_needed). Sums are the sums of the rows."
    ),
}
PROOFS = ("worker", "evidence", "unverified", "not_needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeQuery:
    """Local days, `start` included and `end` not, and the union at the top of the subtree."""

    start: date
    end: date
    org: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What one ticket brought. Money in yuan; `proof` is one of PROOFS; `evidence` counts files."""

    number: str
    cycle: int
    org_code: str
    org_zh: str
    org_en: str
    outcome: str
    recovered: Decimal
    helped: int
    worker_confirmed: bool
    evidence: int
    proof: str
    approved_at: datetime

    def to_document(self) -> dict[str, Any]:
        """JSON-able; money as a text, so that no yuan is lost on the way."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "recovered": f"{self.recovered:.2f}", "approved_at": local(self.approved_at).isoformat()}


@dataclass(frozen=True, slots=True)
class OutcomeSum:
    """Sums of some rows. `unverified` is the part of `recovered` that nothing proves."""

    key: str
    name_zh: str
    name_en: str
    tickets: int
    recovered: Decimal
    unverified: Decimal
    helped: int

    def to_document(self) -> dict[str, Any]:
        """JSON-able, as a row is."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "recovered": f"{self.recovered:.2f}", "unverified": f"{self.unverified:.2f}"}


@dataclass(frozen=True, slots=True)
class OutcomeLedger:
    """The rows in the order of their approval, and their sums: of all, by union and by outcome."""

    query: OutcomeQuery
    rows: tuple[OutcomeRow, ...]
    total: OutcomeSum
    by_union: tuple[OutcomeSum, ...]
    by_outcome: tuple[OutcomeSum, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "definition": DEFINITION,
            "start": self.query.start.isoformat(),
            "end": self.query.end.isoformat(),
            "org_code": self.query.org,
            "total": self.total.to_document(),
            "by_union": [each.to_document() for each in self.by_union],
            "by_outcome": [each.to_document() for each in self.by_outcome],
            "rows": [each.to_document() for each in self.rows],
        }


def outcome_ledger(unit: Unit, query: OutcomeQuery) -> OutcomeLedger:
    """The ledger of a period and a subtree. One statement, whatever the number of rows.

    Raises QueueNotVisible for a union outside the actor's scope, PeriodInvalid.
    """
    tree = org_tree(unit.session)
    if query.org not in tree or not within(query.org, unit.actor.scope):
        raise QueueNotVisible(code=query.org)
    if not timedelta(0) < query.end - query.start <= LONGEST_PERIOD:
        raise PeriodInvalid
    looked_at_report(unit, "outcomes", org=query.org, start=query.start, end=query.end)
    first, last = (datetime.combine(day, time(), LOCAL) for day in (query.start, query.end))
    later = aliased(Reply)
    files = (
        select(func.count())
        .select_from(OutcomeEvidence)
        .join(Attachment, Attachment.id == OutcomeEvidence.attachment_id)
        .where(OutcomeEvidence.reply_id == Reply.id, Attachment.withdrawn_at.is_(None))
        .scalar_subquery()
    )
    resolved = exists().where(
        Rating.ticket_id == Reply.ticket_id, Rating.cycle == Reply.cycle, Rating.resolved.is_(True)
    )
    found = unit.session.execute(
        select(Reply, Ticket.number, files.label("files"), resolved.label("resolved"))
        .join(Ticket, Ticket.id == Reply.ticket_id)
        .where(Reply.verdict == "approved", Reply.reviewed_at >= first, Reply.reviewed_at < last)
        .where(~exists().where(later.ticket_id == Reply.ticket_id, later.verdict == "approved", later.id > Reply.id))
        .where(in_subtree(Reply.org_code, tree.get(query.org).scope), visible(unit.actor))
        .order_by(Reply.reviewed_at, Reply.id)
    )
    rows = tuple(
        OutcomeRow(
            number=number,
            cycle=reply.cycle,
            org_code=reply.org_code,
            org_zh=tree.get(reply.org_code).name_zh,
            org_en=tree.get(reply.org_code).name_en,
            outcome=reply.outcome,
            recovered=reply.recovered,
            helped=reply.helped,
            worker_confirmed=reply.worker_confirmed,
            evidence=evidence,
            proof=_proof(reply, evidence=evidence, resolved=said),
            approved_at=reply.reviewed_at,
        )
        for reply, number, evidence, said in found
        if reply.reviewed_at is not None
    )
    return OutcomeLedger(
        query=query,
        rows=rows,
        total=_sum("", "合计", "total", rows),
        by_union=_sums(rows, lambda row: (row.org_code, row.org_zh, row.org_en)),
        by_outcome=_sums(rows, lambda row: (row.outcome, row.outcome, row.outcome)),
    )


_COLUMNS: tuple[tuple[str, Callable[[OutcomeRow], Any]], ...] = (
    ("工单号", lambda r: r.number),
    ("轮次", lambda r: r.cycle),
    ("单位代码", lambda r: r.org_code),
    ("单位", lambda r: r.org_zh),
    ("处理结果", lambda r: r.outcome),
    ("追回金额(元)", lambda r: f"{r.recovered:.2f}"),
    ("帮助人数", lambda r: r.helped),
    ("承办人称职工已确认", lambda r: "是" if r.worker_confirmed else ""),
    ("证明附件数", lambda r: r.evidence),
    ("证明", lambda r: r.proof),
    ("审核通过 (+08:00)", lambda r: f"{local(r.approved_at):%Y-%m-%d %H:%M:%S}"),
)


def to_csv(ledger: OutcomeLedger, taken: Facts = ()) -> bytes:
    """The rows as CSV (UTF-8 with BOM), the same as the screen's."""
    return as_csv([name for name, _ in _COLUMNS], ([value(row) for _, value in _COLUMNS] for row in ledger.rows), taken)


def _proof(reply: Reply, *, evidence: int, resolved: bool) -> str:
    if resolved:
        return "worker"
    if evidence:
        return "evidence"
    return "unverified" if reply.recovered or reply.outcome == "mediation_agreement" else "not_needed"


def _sums(rows: Iterable[OutcomeRow], named: Callable[[OutcomeRow], tuple[str, str, str]]) -> tuple[OutcomeSum, ...]:
    groups: dict[tuple[str, str, str], list[OutcomeRow]] = {}
    for row in rows:
        groups.setdefault(named(row), []).append(row)
    return tuple(_sum(*names, groups[names]) for names in sorted(groups))


def _sum(key: str, name_zh: str, name_en: str, rows: Iterable[OutcomeRow]) -> OutcomeSum:
    counted = list(rows)
    return OutcomeSum(
        key=key,
        name_zh=name_zh,
        name_en=name_en,
        tickets=len(counted),
        recovered=sum((row.recovered for row in counted), Decimal(0)),
        unverified=sum((row.recovered for row in counted if row.proof == "unverified"), Decimal(0)),
        helped=sum(row.helped for row in counted),
    )
