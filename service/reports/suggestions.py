"""How good the suggestions of intake are: for each kind and month, how many people took and how many were right."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Integer, case, cast, func, select

from service.core.clock import LOCAL
from service.core.unit import Unit
from service.reports.breaches import LONGEST_PERIOD, PeriodInvalid
from service.tickets.models import Ticket
from service.tickets.repository import visible
from service.tickets.suggestions import Suggestion

DEFINITION = {
    "zh": (
        "按决定时间所在月份统计。suggested:给出建议的工单数;accepted:决定与建议相同;corrected:决定后来改级或改派;"
        "right:最终结果与建议相同。采纳率 = accepted ÷ suggested,正确率 = right ÷ suggested。"
    ),
    "en": (
        "By the local month of the decision. suggested: tickets for which something was suggested; accepted: decided "
        "as suggested; corrected: the decision was changed later; right: in the end as suggested. "
        "accepted_share = accepted / suggested, right_share = right / suggested."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionQuery:
    """Decisions of local days from `start` to before `end`."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class SuggestionFigure:
    """One kind (`tier`, `union`) in one month ("2026-11"). Shares between 0 and 1, None over nothing."""

    kind: str
    month: str
    suggested: int
    accepted: int
    corrected: int
    right: int

    @property
    def accepted_share(self) -> float | None:
        """How often people took the suggestion."""
        return self.accepted / self.suggested if self.suggested else None

    @property
    def right_share(self) -> float | None:
        """How often it stood in the end."""
        return self.right / self.suggested if self.suggested else None

    def to_document(self) -> dict[str, Any]:
        """JSON-able, with the shares."""
        return {**asdict(self), "accepted_share": self.accepted_share, "right_share": self.right_share}


def suggestion_figures(unit: Unit, query: SuggestionQuery) -> list[SuggestionFigure]:
    """The figures of tickets in the actor's scope, by kind and month. One statement. Raises PeriodInvalid."""
    if not timedelta(0) < query.end - query.start <= LONGEST_PERIOD:
        raise PeriodInvalid
    # Months are the province's, whatever the zone of the server (zammad/zammad#6134).
    month = func.to_char(func.timezone(LOCAL.key, Suggestion.decided_at), "YYYY-MM").label("month")
    in_the_end = func.coalesce(Suggestion.corrected_to, Suggestion.decided)

    def count_of(condition: Any) -> Any:
        return cast(func.sum(case((condition, 1), else_=0)), Integer)

    rows = unit.session.execute(
        select(
            Suggestion.kind,
            month,
            func.count(),
            count_of(Suggestion.decided == Suggestion.suggested),
            count_of(Suggestion.corrected_to.is_not(None)),
            count_of(in_the_end == Suggestion.suggested),
        )
        .join(Ticket, Ticket.id == Suggestion.ticket_id)
        .where(
            visible(unit.actor),
            Suggestion.suggested.is_not(None),
            Suggestion.decided_at >= _midnight(query.start),
            Suggestion.decided_at < _midnight(query.end),
        )
        .group_by(Suggestion.kind, month)
        .order_by(Suggestion.kind, month)
    )
    return [SuggestionFigure(*row) for row in rows]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL)
