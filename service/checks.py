"""Invariants: what must hold in production at any moment, as code. Run by `hotline check`, and every quarter of an hour
by the scheduler that leads.

Each is one statement that finds what contradicts it, with the reason why it must hold. They read a snapshot, so a
step being taken meanwhile is seen whole or not at all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from service.audit.chain import verify_chain
from service.core.clock import local
from service.core.crypto import head_in_words
from service.core.errors import Bilingual
from service.core.logging import log
from service.core.metrics import INVARIANT_BROKEN
from service.core.unit import PROVINCE_CODE, Unit
from service.notifications.audience import administrators
from service.notifications.telling import tell
from service.outbox.relay import BY_HAND
from service.sealing.rotating import broken_values, sealed_values
from service.tickets.states import GOVERNING, State
from service.tickets.ties import misplaced_callers

# A check names so many offenders; the first is enough to look, and a thousand would hide it.
EXAMPLES = 10
# Three ticks late is no longer a slow sweep: nobody sweeps, or something holds the row.
LATE_TICKS = 3
# A message waits a second at rest. After this long nobody relays.
UNPUBLISHED_AFTER = timedelta(minutes=1)
# A transaction that straddles a change of rules leaves a clock behind, which is looked for after a minute.
RECOUNTED_AFTER = timedelta(minutes=5)
# Each publication lasts a lease. Three in vain, without even a failure, mean that nobody works.
PUBLISHED_IN_VAIN = 3

# A fraction of a second. What was changed in the older part of the audit is found by the full look.
CHAIN_LOOKED_AT = 2000
# The same for what is sealed; each quarter of an hour it is the turn of other rows.
SEALED_LOOKED_AT, _TURN_SECONDS = 1000, 900


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant, and what contradicts it."""

    name: str
    zh: str
    en: str
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts it."""
        return not self.examples

    def to_document(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "holds": self.holds}


Check = Callable[[Unit, timedelta], list[str]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A check with the sentence that must be true."""

    zh: str
    en: str
    find: Check

    @property
    def name(self) -> str:
        """The check's own name."""
        return self.find.__name__


def run_checks(unit: Unit, *, tick: float) -> list[Finding]:
    """Ask every invariant, by `unit.now`. `tick` is the length of the scheduler's tick in seconds."""
    return [
        Finding(
            name=invariant.name,
            zh=invariant.zh,
            en=invariant.en,
            examples=tuple(invariant.find(unit, timedelta(seconds=tick))),
        )
        for invariant in INVARIANTS
    ]


def tell_of_contradictions(unit: Unit, findings: Sequence[Finding]) -> None:
    """Put what does not hold into the log, the gauges and the administrators' inboxes: there once a local day for each
    invariant, whoever asks and however often."""
    today = f"{local(unit.now):%Y-%m-%d}"
    for finding in findings:
        INVARIANT_BROKEN.labels(finding.name).set(0 if finding.holds else 1)
        if finding.holds:
            continue
        log.error("invariant_broken", invariant=finding.name, examples=len(finding.examples))
        tell(
            unit,
            administrators(unit),
            Bilingual(
                f"数据自检未通过:{finding.zh}。请运行 hotline check 查看,并联系维护人员。",
                f"A self-check failed: {finding.en}. Run hotline check and tell whoever maintains this.",
            ),
            key=f"invariant:{finding.name}:{today}",
            urgent=True,
        )


def open_ticket_has_its_clock(unit: Unit, _tick: timedelta) -> list[str]:
    """Without a running clock a ticket is nobody's to hurry: it would be forgotten, and no report would show it.

    A reply under review stops the resolve clock until it is approved or sent back; there it must be stopped.
    """
    return _offenders(
        unit,
        f"""
        with governing(state, kind, running) as (values {_governing_rows()})
        select t.number || ' ' || t.state from ticket t join governing g on g.state = t.state
        where not exists (
            select 1 from sla_clock c
            where c.ticket_id = t.id and c.kind = g.kind and c.cycle = t.cycle
              and (c.stopped_at is null) = g.running
        )
        order by t.id limit :examples
        """,  # noqa: S608 - the rows are this module's own constants
    )


def ticket_repeats_its_clock(unit: Unit, _tick: timedelta) -> list[str]:
    """Queues are sorted and coloured by the ticket's copy of its clock's deadline."""
    return _offenders(
        unit,
        f"""
        with governing(state, kind, running) as (values {_governing_rows()})
        select t.number || ' ' || t.due_at || ' <> ' || c.due_at
        from ticket t
        join governing g on g.state = t.state
        join lateral (
            select * from sla_clock where ticket_id = t.id and kind = g.kind order by id desc limit 1
        ) c on true
        where (t.due_at, t.half_at, t.provisional, t.suspended) is distinct from (
            c.due_at, c.half_at, c.provisional,
            exists (select 1 from sla_pause p where p.clock_id = c.id and p.ends_at is null)
        )
        order by t.id limit :examples
        """,  # noqa: S608 - the rows are this module's own constants
    )


def no_clock_waits_for_its_sweep(unit: Unit, tick: timedelta) -> list[str]:
    """The scheduler's health: a clock that is due and not looked at means that nobody sweeps."""
    return _offenders(
        unit,
        """
        select c.kind || ' ' || t.number || ' ' || c.next_check_at
        from sla_clock c join ticket t on t.id = c.ticket_id
        where c.next_check_at < :latest order by c.next_check_at limit :examples
        """,
        latest=unit.now - LATE_TICKS * tick,
    )


def no_clock_keeps_failing(unit: Unit, _tick: timedelta) -> list[str]:
    """A clock that raised is set aside and tried again; as long as it fails, its rungs do not fire."""
    return _offenders(
        unit,
        """
        select c.kind || ' ' || t.number || ' x' || c.check_failures
        from sla_clock c join ticket t on t.id = c.ticket_id
        where c.check_failures > 0 and c.next_check_at is not null
        order by c.id limit :examples
        """,
    )


def broken_promise_is_noted(unit: Unit, _tick: timedelta) -> list[str]:
    """A breach is a fact about timestamps: a clock stopped at or after its deadline carries it, for ever."""
    return _offenders(
        unit,
        """
        select c.kind || ' ' || t.number from sla_clock c join ticket t on t.id = c.ticket_id
        where c.stopped_at >= c.due_at and c.breached_at is null order by c.id limit :examples
        """,
    )


def deadlines_follow_their_record(unit: Unit, _tick: timedelta) -> list[str]:
    """From the first deadline through every recorded change to the present one, without a gap: nobody can say that a
    deadline was moved in silence."""
    return _offenders(
        unit,
        """
        with step as (
            select clock_id, due_before, due_after, id,
                   lag(due_after) over record as told, row_number() over newest as place
            from sla_due_change
            window record as (partition by clock_id order by id), newest as (partition by clock_id order by id desc)
        )
        select c.kind || ' ' || t.number || ' ' || c.due_at
        from sla_clock c join ticket t on t.id = c.ticket_id
        left join step on step.clock_id = c.id
        where (step.id is null and c.due_at <> c.first_due_at)
           or step.due_before <> coalesce(step.told, c.first_due_at)
           or (step.place = 1 and step.due_after <> c.due_at)
        order by c.id limit :examples
        """,
    )


def open_clocks_are_under_the_rules_in_force(unit: Unit, _tick: timedelta) -> list[str]:
    """After a change of rules every open clock is recounted; one left behind is due by rules nobody reads any more.

    While a recount is under way some still are, and those it could not count are named in it.
    """
    return _offenders(
        unit,
        """
        select c.kind || ' ' || t.number from sla_clock c join ticket t on t.id = c.ticket_id
        where c.stopped_at is null
          and not exists (select from rule_change where finished_at is null)
          and not exists (select from rule_change where failures ? c.id::text)
          and ((select id from policy_version where active) <> c.policy_version_id
               or (select id from calendar_version where active) <> c.calendar_version_id)
          and (select max(finished_at) from rule_change) < :latest
        order by c.id limit :examples
        """,
        latest=unit.now - RECOUNTED_AFTER,
    )


def ledger_and_clocks_agree(unit: Unit, _tick: timedelta) -> list[str]:
    """A rung noted as fired and missing from the ledger was never told; one in the ledger and not noted would be
    planned again and again."""
    return _offenders(
        unit,
        """
        select t.number || ' ' || c.kind || ' ' || rung
        from (
            select id as clock_id, unnest(fired) as rung from sla_clock
            except select clock_id, rung from escalation
            union all
            (select clock_id, rung from escalation except select id, unnest(fired) from sla_clock)
        ) lone
        join sla_clock c on c.id = lone.clock_id join ticket t on t.id = c.ticket_id
        order by c.id limit :examples
        """,
    )


def no_message_waits_unpublished(unit: Unit, _tick: timedelta) -> list[str]:
    """A due message that was never handed to Redis means that no relay runs, or that Redis is away."""
    return _offenders(
        unit,
        """
        select id || ' ' || kind || ' ' || available_at from outbox_message
        where done_at is null and buried_at is null and publishes = 0 and available_at < :latest
        order by available_at limit :examples
        """,
        latest=unit.now - UNPUBLISHED_AFTER,
    )


def no_message_is_published_in_vain(unit: Unit, _tick: timedelta) -> list[str]:
    """A message published again and again and never tried means that no worker runs."""
    return _offenders(
        unit,
        """
        select id || ' ' || kind || ' x' || publishes from outbox_message
        where done_at is null and buried_at is null and attempts = 0 and publishes > :times
        order by id limit :examples
        """,
        times=PUBLISHED_IN_VAIN,
    )


def nothing_lies_buried(unit: Unit, _tick: timedelta) -> list[str]:
    """A message given up waits for somebody: `hotline outbox list --state buried`, then `hotline outbox retry`, or
    `hotline outbox bury` with a reason."""
    return _offenders(
        unit,
        """
        select id || ' ' || kind || ' ' || coalesce(last_error, '') from outbox_message
        where buried_at is not null and last_error is distinct from :by_hand order by id limit :examples
        """,
        by_hand=BY_HAND,
    )


def ticket_names_the_employer_itself(unit: Unit, _tick: timedelta) -> list[str]:
    """Ten callers about one firm are ten about one only while none of their tickets names a merged entry."""
    return _offenders(
        unit,
        """
        select t.number || ' ' || e.name from ticket t join employer e on e.id = t.employer_id
        where e.merged_into is not null order by t.id limit :examples
        """,
    )


def what_is_excluded_was_agreed_by_two(unit: Unit, _tick: timedelta) -> list[str]:
    """A breach or rating leaves a score by the word of two people who have no part in it, and by nothing else."""
    return _offenders(
        unit,
        """
        select t.number || ' ' || e.id from exclusion e join ticket t on t.id = e.ticket_id
        where e.verdict = 'granted' and (
            e.supported_by is null or e.decided_by in (e.supported_by, e.asked_by) or e.supported_by = e.asked_by
            or (e.clock_id is not null and not exists (
                select from sla_clock c where c.id = e.clock_id and c.org_code = e.org_code
                and c.breached_at is not null
            ))
        )
        order by e.id limit :examples
        """,
    )


def a_master_counts_its_people(unit: Unit, _tick: timedelta) -> list[str]:
    """A matter concerns its own people, one at least, and those of every ticket merged into it."""
    return _offenders(
        unit,
        """
        select t.number || ' ' || t.people_count
        from ticket t join ticket_merge m on m.master_id = t.id and m.ended_at is null
        join ticket merged on merged.id = m.ticket_id
        group by t.id having t.people_count <= sum(merged.people_count) order by t.id limit :examples
        """,
    )


def every_ticket_can_be_found(unit: Unit, _tick: timedelta) -> list[str]:
    """A ticket that the index leaves out, or has elsewhere than it is, is missed by lists: `hotline reindex`."""
    return _offenders(
        unit,
        """
        select t.number from ticket t left join ticket_search s on s.ticket_id = t.id
        where s.ticket_id is null
           or not s.facets @> array['holder:' || t.holder_code, 'scope:' || t.holder_code, 'state:' || t.state]
        order by t.id limit :examples
        """,
    )


def the_audit_is_as_it_was_written(unit: Unit, _tick: timedelta) -> list[str]:
    """Who did what is evidence, and evidence that could be edited is none. The newest part of the chain; `hotline audit
    verify` looks at all of it, and at whether a scheduler goes on linking."""
    breaks = verify_chain(unit, newest=CHAIN_LOOKED_AT).breaks
    return [
        f"{each.kind} audit_event {each.event_id} (link {each.position})"
        for each in breaks
        if each.kind != "event_unlinked"
    ][:EXAMPLES]


def nothing_is_sealed_under_a_key_that_is_gone(unit: Unit, _tick: timedelta) -> list[str]:
    """Only that key opens it: what is sealed under a key that is not in the ring is lost. Put the key back, and rotate
    before it is taken out."""
    return [
        f"{each.place}: {each.rows} ({head_in_words(each.head)})" for each in sealed_values(unit) if not each.opens
    ][:EXAMPLES]


def a_ticket_names_who_called(unit: Unit, _tick: timedelta) -> list[str]:
    """Where somebody changed the database by hand, so that a ticket would show another's caller, nothing is shown of
    it. A thousand tickets, with every look others."""
    turn = int(unit.now.timestamp()) // _TURN_SECONDS
    return misplaced_callers(unit, most=SEALED_LOOKED_AT, turn=turn)[:EXAMPLES]


def the_province_has_an_administrator(unit: Unit, _tick: timedelta) -> list[str]:
    """Without one nobody can add another from the console: `hotline user add` on the machine does it."""
    return _offenders(
        unit,
        """
        select count(*) || ' people, no administrator' from person
        where not exists (
            select from person p join person_role r on r.person_id = p.id and r.role = 'admin'
            where p.active and p.org_code = :province
        )
        having count(*) > 0 limit :examples
        """,
        province=PROVINCE_CODE,
    )


def what_is_sealed_opens(unit: Unit, _tick: timedelta) -> list[str]:
    """A value that was altered, or moved to another row, is lost to whoever needs it: a caller nobody can ring back, a
    login nobody can make. Some rows of each table, with every look others; `hotline keys verify` opens all of them."""
    turn = int(unit.now.timestamp()) // _TURN_SECONDS
    return [
        f"{broken.facts['place']} {broken.facts['row']}"
        for broken in broken_values(unit, most=SEALED_LOOKED_AT, turn=turn)
    ][:EXAMPLES]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "未办结工单都有与状态相符的计时", "every open ticket has the clock of its state", open_ticket_has_its_clock
    ),
    Invariant("工单期限与计时一致", "a ticket's deadline is its clock's", ticket_repeats_its_clock),
    Invariant("到期计时及时检查", "no clock is due for more than 3 ticks", no_clock_waits_for_its_sweep),
    Invariant("计时检查无持续失败", "no clock keeps failing", no_clock_keeps_failing),
    Invariant("逾期均已记录", "every broken promise is noted", broken_promise_is_noted),
    Invariant("期限的每次变动均有记录", "every move of a deadline is recorded", deadlines_follow_their_record),
    Invariant(
        "未办结计时均按现行规则",
        "open clocks are under the rules in force",
        open_clocks_are_under_the_rules_in_force,
    ),
    Invariant("工单指向用人单位本身", "a ticket names the employer itself", ticket_names_the_employer_itself),
    Invariant("升级台账与计时一致", "the ledger and the clocks agree", ledger_and_clocks_agree),
    Invariant("到期消息均已投递", "no due message waits unpublished", no_message_waits_unpublished),
    Invariant("已投递消息均有人处理", "no message is published in vain", no_message_is_published_in_vain),
    Invariant("剔除均由两人同意", "what is excluded was agreed by two people", what_is_excluded_was_agreed_by_two),
    Invariant("主单人数包含并入工单", "a master counts the people merged into it", a_master_counts_its_people),
    Invariant("每张工单都能查到", "every ticket can be found", every_ticket_can_be_found),
    Invariant("没有被放弃的消息", "nothing lies buried", nothing_lies_buried),
    Invariant(
        "密钥环能打开所有加密内容",
        "nothing is sealed under a key that is gone",
        nothing_is_sealed_under_a_key_that_is_gone,
    ),
    Invariant("省级有在用的管理员", "the province has an active administrator", the_province_has_an_administrator),
    Invariant("工单的来电人就是登记时的来电人", "a ticket names who called", a_ticket_names_who_called),
    Invariant("加密内容都能打开", "what is sealed opens", what_is_sealed_opens),
    Invariant("审计记录未被改动", "the audit is as it was written", the_audit_is_as_it_was_written),
)


def _governing_rows() -> str:
    return ", ".join(_governing())


def _governing() -> Iterator[str]:
    for state, kind in GOVERNING.items():
        yield f"('{state.value}', '{kind.value}', {str(state is not State.replied).lower()})"


def _offenders(unit: Unit, sql: str, **values: Any) -> list[str]:
    return [str(line) for line in unit.session.scalars(text(sql), {"examples": EXAMPLES, **values})]
