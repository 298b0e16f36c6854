"""What goes to the province at once: a third urging, a low score, an urgent or collective matter, many matters about
one employer. No clock runs for these, so each cause has its own row, written before anyone is told and never changed.

The limits are the policy's. Quiet hours do not hold such a message: at once is at once, and whoever is on duty at the
ticket's union is told as well.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, exists, func, select, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint, insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual
from service.core.metrics import WARNINGS
from service.core.unit import Unit
from service.notifications.audience import free_of_interest, resolve_audience
from service.notifications.telling import tell
from service.sla.rules import current_rules
from service.tickets.models import Employer, Ticket, TicketEvent, one_of
from service.tickets.states import TABLE, Step
from service.tickets.steps import write_event
from sla_rules import Policy

CAUSES = ("urging", "low_score", "urgent", "collective", "group", "employer")

CAUSE_NAMES: dict[str, Bilingual] = {
    "urging": Bilingual("多次催办", "urged again and again"),
    "low_score": Bilingual("低分评价", "a low score"),
    "urgent": Bilingual("紧急事项", "an urgent matter"),
    "collective": Bilingual("群体性诉求", "a collective matter"),
    "group": Bilingual("群体性诉求(归组)", "a collective matter by its group"),
    "employer": Bilingual("同一用人单位多件诉求", "many matters about one employer"),
}

# Who is to act sits at the province; of what its own people did or left undone, the union's chain hears as well.
_PROVINCE = ("supervisor", "leadership")
_CHAIN = ("supervisor", "leader", "parent_leader")


class TicketWarning(Base):
    """A cause that went up at once: when, about what, and who was to be told at that moment.

    A ticket's own causes count once in a cycle, a group's once, an employer's once until `ends_at`, when its wave is
    over. `ticket_id` is the ticket that set it off.
    """

    __tablename__ = "warning"
    __table_args__ = (
        CheckConstraint(one_of("cause", CAUSES), name="cause"),
        CheckConstraint("(cause = 'employer') = (employer_id is not null)", name="employer"),
        CheckConstraint("(cause = 'group') = (group_id is not null)", name="group"),
        CheckConstraint("(employer_id is null) = (ends_at is null)", name="wave"),
        Index(
            "uq_warning_ticket_id_cause_cycle",
            "ticket_id",
            "cause",
            "cycle",
            unique=True,
            postgresql_where=text("employer_id is null and group_id is null"),
        ),
        Index("uq_warning_group_id", "group_id", unique=True, postgresql_where=text("group_id is not null")),
        ExcludeConstraint(
            (text("int8range(employer_id, employer_id, '[]')"), "&&"),
            (text("tstzrange(fired_at, ends_at)"), "&&"),
            where=text("employer_id is not null"),
            using="gist",
            name="ex_warning_wave",
        ),
        Index("ix_warning_fired_at", "fired_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cause: Mapped[str]
    cycle: Mapped[int]
    group_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_group.id"))
    employer_id: Mapped[int | None] = mapped_column(ForeignKey("employer.id"))
    ends_at: Mapped[datetime | None]
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    facts: Mapped[dict[str, Any]]
    fired_at: Mapped[datetime]
    targets: Mapped[list[Any]]
    policy_version: Mapped[str]
    correlation_id: Mapped[str]


def warn_of_urging(unit: Unit, ticket: Ticket) -> None:
    """催办 for the third time in a cycle (the policy's `urging_to_supervisor`), whoever wrote it down: the agent whom
    the caller rang, or the worker's own page. The ticket is locked, so that nobody counts beside us."""
    times = unit.session.scalar(
        select(func.count()).where(
            TicketEvent.ticket_id == ticket.id,
            TicketEvent.kind == TABLE[Step.urge].event,
            TicketEvent.cycle == ticket.cycle,
        )
    )
    policy = current_rules(unit.session).policy
    if times is not None and times >= policy.limits.urging_to_supervisor:
        words = Bilingual(f"已催办 {times} 次", f"urged {times} times")
        _warn(unit, policy, ticket, "urging", words, audience=_CHAIN, facts={"times": times})


def warn_of_low_score(unit: Unit, ticket: Ticket, *, satisfaction: int) -> None:
    """A rating, 1 to 5, at or below the policy's `low_score_at_most`; the ticket is still in the round rated."""
    policy = current_rules(unit.session).policy
    if satisfaction <= policy.limits.low_score_at_most:
        words = Bilingual(f"满意度 {satisfaction} 分", f"satisfaction {satisfaction}")
        _warn(unit, policy, ticket, "low_score", words, audience=_CHAIN, facts={"satisfaction": satisfaction})


def warn_of_ticket(unit: Unit, ticket: Ticket, policy: Policy) -> None:
    """An urgent matter, and a collective one (群体性, the statutory threshold): each once in a cycle."""
    if ticket.urgent:
        _warn(unit, policy, ticket, "urgent", Bilingual("", ""), audience=_PROVINCE, facts={})
    if ticket.people_count >= policy.limits.collective_threshold:
        words = _people(ticket.people_count)
        _warn(unit, policy, ticket, "collective", words, audience=_PROVINCE, facts={"people": ticket.people_count})


def warn_of_group(unit: Unit, tickets: Sequence[Ticket], *, group_id: int, title: str, people: int) -> None:
    """Callers of one matter who together reach the collective threshold: once for each group."""
    policy = current_rules(unit.session).policy
    if people < policy.limits.collective_threshold:
        return
    words = Bilingual(f"“{title}”{_people(people).zh}", f"“{title}”, {_people(people).en}")
    facts = {"people": people}
    _warn(unit, policy, tickets[0], "group", words, audience=_PROVINCE, facts=facts, all_of=tickets, group=group_id)


def warn_of_employer(unit: Unit, employer_id: int, policy: Policy) -> None:
    """Many matters about one employer (群体性风险): so many within so many days, once for each wave of so many days.

    `employer_id` is the employer itself, of whose tickets nobody registers another meanwhile. Counted are matters
    taken down here, by the time they were received; imported history never sets it off. What was told under another
    name of the employer counts, before and after the two were merged.
    """
    since = unit.now - timedelta(days=policy.limits.employer_warning_days)
    of_employer = select(Employer.id).where((Employer.id == employer_id) | (Employer.merged_into == employer_id))
    told = exists().where(TicketWarning.employer_id.in_(of_employer), TicketWarning.ends_at > unit.now)
    taken_down = exists().where(TicketEvent.ticket_id == Ticket.id, TicketEvent.kind == TABLE[Step.register].event)
    tickets = unit.session.scalars(
        select(Ticket)
        .where(Ticket.employer_id == employer_id, Ticket.received_at > since, taken_down, ~told)
        .order_by(Ticket.id)
    ).all()
    if len(tickets) < policy.limits.employer_warning_tickets:
        return
    days, count = policy.limits.employer_warning_days, len(tickets)
    words = Bilingual(f"{days} 日内 {count} 件", f"{count} within {days} days")
    _warn(
        unit,
        policy,
        tickets[-1],
        "employer",
        words,
        audience=_PROVINCE,
        facts={"employer": employer_id, "days": days, "count": count},
        all_of=tickets,
        employer=employer_id,
    )


def _warn(
    unit: Unit,
    policy: Policy,
    ticket: Ticket,
    cause: str,
    words: Bilingual,
    *,
    audience: tuple[str, ...],
    facts: dict[str, Any],
    all_of: Sequence[Ticket] = (),
    group: int | None = None,
    employer: int | None = None,
) -> None:
    """The ledger's row first, then the timeline and the messages. A cause that is in the ledger already is a no-op."""
    targets = resolve_audience(unit, audience, org_code=ticket.holder_code, ticket_id=ticket.id, urgent=True)
    targets = free_of_interest(unit, targets, [one.id for one in all_of])
    wave = timedelta(days=policy.limits.employer_warning_days)
    numbers = [one.number for one in all_of]
    facts |= {"tickets": numbers} if numbers else {}
    warning_id = unit.session.execute(
        insert(TicketWarning)
        .values(
            ticket_id=ticket.id,
            cause=cause,
            cycle=ticket.cycle,
            group_id=group,
            employer_id=employer,
            ends_at=None if employer is None else unit.now + wave,
            org_code=ticket.holder_code,
            facts=facts,
            fired_at=unit.now,
            targets=[asdict(target) for target in targets],
            policy_version=policy.version,
            correlation_id=unit.correlation_id,
        )
        .on_conflict_do_nothing()
        .returning(TicketWarning.id)
    ).scalar_one_or_none()
    if warning_id is None:
        return
    told = [target.username for target in targets]
    write_event(
        unit, ticket, kind="ticket:warned", from_state=ticket.state, data={"cause": cause, "told": told} | facts
    )
    name, shown = CAUSE_NAMES[cause], numbers or [ticket.number]
    said = Bilingual(f"({words.zh})" if words.zh else "", f" ({words.en})" if words.en else "")
    tell(
        unit,
        targets,
        Bilingual(
            f"{name.zh}预警{said.zh}:工单 {'、'.join(shown)}", f"Warning, {name.en}{said.en}: {', '.join(shown)}"
        ),
        key=f"warning:{warning_id}",
        ticket_number=ticket.number,
        urgent=True,
    )
    WARNINGS.labels(cause).inc()


def _people(count: int) -> Bilingual:
    return Bilingual(f"共涉及 {count} 人", f"{count} people")
