"""The rules room: a file as it is sent in, what it says, what it would do and did. Days are local dates."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, StringConstraints

from service.api.schemas.fields import FILLED, Flag, Title, fit
from service.api.schemas.tickets import Coded, RequestBody, ResponseBody, Words
from service.org.tree import OrgTree
from service.sla.rule_files import RuleFile
from service.sla.rule_words import PromiseLine, Understood, shift_in_words
from service.tickets.recounting import Move
from service.tickets.rule_changes import (
    CalendarYear,
    ChangePage,
    ChangeView,
    FilePreview,
    MovePage,
    RecordedMove,
    RulesInForce,
)
from sla_rules import DayInfo, Remark

# The longest notice has some two thousand characters, a feed of fifteen years some sixty thousand.
LONGEST_FILE = 200_000
MOST_MOVES = 200

FileText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_FILE), *FILLED]
Source = Annotated[str, StringConstraints(max_length=500), AfterValidator(fit)]
FileYear = Annotated[StrictInt, Field(ge=1992, le=2200)]
ChangeReason = Annotated[str, StringConstraints(min_length=1, max_length=500), *FILLED]


class RuleFileIn(RequestBody):
    """一份通知、日历文件、本地安排或时限规则 / A notice, a calendar file, a local arrangement or a policy."""

    text: FileText = Field(description="文件全文 / The whole text: notice, .ics, .csv, .toml")
    name: Title = Field("通知", description="文件名,提示有误之处时使用 / What refusals call it")
    year: FileYear | None = Field(
        None, description="所属年份,文中已写明则可省略 / Where the text states none, or several"
    )
    source: Source = Field("", description="通知的网址或出处 / Where the notice was published")
    amends: Flag = Field(False, description="是对已发布年份的修改,其余日期不变 / It changes days of a year in force")

    def file(self) -> RuleFile:
        """As the rules take it."""
        return RuleFile(
            raw=self.text.encode(), name=self.name, year=self.year, source=self.source.strip(), amends=self.amends
        )


class RuleChangeIn(RuleFileIn):
    """发布一份文件 / A file to be put in force."""

    reason: ChangeReason = Field(description="变更理由,1 至 500 字 / Why")
    expected: Title | None = Field(
        None, description="预览时的 `label`,规则已变则 409 / The preview's `label`; a stale one gets 409"
    )


class PromiseOut(ResponseBody):
    """What is promised for a clock; `tier` of null is any tier."""

    kind: str
    tier: str | None
    urgent: bool
    redo: bool
    promise: Words
    source: str

    @classmethod
    def of(cls, line: PromiseLine) -> Self:
        return cls(
            kind=line.kind,
            tier=line.tier,
            urgent=line.urgent,
            redo=line.redo,
            promise=Words.of(line.words),
            source=line.source,
        )


class AlarmOut(Words):
    """A year is missing."""

    missing_year: int
    since: date
    days_left: int


class FailureOut(Words):
    """A ticket with a clock that cannot be counted under the new rules and keeps the old ones."""

    number: str


class ChangeOut(ResponseBody):
    """A change of rules. `progress` is the part of the open clocks recounted so far, 0 to 1."""

    id: int
    at: datetime
    by: str
    reason: str
    policy_before: str
    policy_after: str
    calendar_before: str
    calendar_after: str
    looked_at: int
    left: int
    moved: int
    kept: int
    settled: int
    newly_late: int
    no_longer_late: int
    failed: int
    failures: list[FailureOut] = Field(description="最多 200 项 / At most 200")
    progress: float
    finished_at: datetime | None

    @classmethod
    def of(cls, view: ChangeView) -> Self:
        return cls(
            id=view.id,
            at=view.at,
            by=view.actor_name,
            reason=view.reason,
            policy_before=view.policy_before,
            policy_after=view.policy_after,
            calendar_before=view.calendar_before,
            calendar_after=view.calendar_after,
            looked_at=view.looked_at,
            left=view.left,
            moved=view.moved,
            kept=view.kept,
            settled=view.settled,
            newly_late=view.newly_late,
            no_longer_late=view.no_longer_late,
            failed=view.failed,
            failures=[FailureOut(number=number, zh=why.zh, en=why.en) for number, why in view.failures],
            progress=round(view.progress, 4),
            finished_at=view.finished_at,
        )


class ChangesOut(ResponseBody):
    """A page of changes, newest first. `next_cursor` is null on the last one."""

    items: list[ChangeOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ChangePage) -> Self:
        return cls(items=[ChangeOut.of(change) for change in page.changes], next_cursor=page.next_cursor)


class RulesOut(ResponseBody):
    """The rules in force. `label` is sent back as `expected` when publishing."""

    label: str
    policy_version: str
    policy_title: str
    policy_since: datetime
    calendar_version: str
    calendar_since: datetime
    covered_until: date = Field(description="已公布日历的最后一天 / Last day of the last published year")
    settled_until: date = Field(description="此后的期限为暂定 / Deadlines after it are provisional")
    alarm: AlarmOut | None
    provisional_clocks: int
    provisional_tickets: int
    promises: list[PromiseOut]
    unfinished: ChangeOut | None

    @classmethod
    def of(cls, rules: RulesInForce) -> Self:
        alarm = rules.alarm
        return cls(
            label=rules.label,
            policy_version=rules.policy.version,
            policy_title=rules.policy.title,
            policy_since=rules.policy_since,
            calendar_version=rules.calendar.version,
            calendar_since=rules.calendar_since,
            covered_until=rules.calendar.covered_until,
            settled_until=rules.calendar.settled_until,
            alarm=AlarmOut(
                zh=alarm.zh,
                en=alarm.en,
                missing_year=alarm.missing_year,
                since=alarm.since,
                days_left=alarm.days_left,
            )
            if alarm
            else None,
            provisional_clocks=rules.provisional.clocks,
            provisional_tickets=rules.provisional.tickets,
            promises=[PromiseOut.of(line) for line in rules.promises],
            unfinished=ChangeOut.of(rules.unfinished) if rules.unfinished else None,
        )


class SpecialDayOut(ResponseBody):
    """A day that its weekday alone does not explain, and by which notice."""

    date: date
    kind: str
    working: bool
    name: str
    source: str
    citation: str
    provisional: bool

    @classmethod
    def of(cls, day: DayInfo) -> Self:
        return cls(
            date=day.date,
            kind=day.kind,
            working=day.working,
            name=day.name,
            source=day.source,
            citation=day.citation,
            provisional=day.provisional,
        )


class CalendarYearOut(ResponseBody):
    """A year of the calendar. `noticed`: its notice is in force; without it the days are computed by law."""

    year: int
    calendar_version: str
    noticed: bool
    working_days: int
    days: list[SpecialDayOut]

    @classmethod
    def of(cls, year: CalendarYear) -> Self:
        return cls(
            year=year.year,
            calendar_version=year.calendar_version,
            noticed=year.noticed,
            working_days=year.working_days,
            days=[SpecialDayOut.of(day) for day in year.special],
        )


class ArrangementOut(ResponseBody):
    """What is laid over the notices: hours, exceptions, regional days. `toml` can be edited and sent back as `text`."""

    toml: str


class PolicyOut(ResponseBody):
    """The policy as the service stores it."""

    version: str
    policy: dict[str, Any]


class RemarkOut(Words):
    """A sentence, row or event of the file, and what is to be said about it."""

    sentence: str

    @classmethod
    def of_remark(cls, remark: Remark) -> Self:
        return cls(sentence=remark.sentence, zh=remark.zh, en=remark.en)


class UnderstoodDayOut(ResponseBody):
    """A day as the file sets it; `region` and `stops_clock` are of regional days, `hours` where they are special."""

    date: date
    kind: Literal["off", "work"]
    name: str
    region: str
    stops_clock: bool
    hours: str
    sentence: str


class NoticeOut(ResponseBody):
    """A notice that the file cites or is."""

    number: str
    published: date | None
    url: str


class HoursOut(ResponseBody):
    """Office hours and when they hold."""

    when: Words
    hours: Words


class ReadingOut(ResponseBody):
    """读懂了什么 / What was understood. It can be put in force only when there are no doubts."""

    form: Literal["year", "arrangement", "policy"]
    year: int | None
    title: str
    replaces: bool = Field(description="该年已发布,将整体替换 / The year is in force and would be replaced as a whole")
    days: list[UnderstoodDayOut]
    doubts: list[RemarkOut]
    notes: list[RemarkOut]
    sources: list[NoticeOut]
    hours: list[HoursOut]
    promises: list[PromiseOut]

    @classmethod
    def of(cls, said: Understood) -> Self:
        return cls(
            form=said.form,
            year=said.year,
            title=said.title,
            replaces=said.replaces,
            days=[
                UnderstoodDayOut(
                    date=day.date,
                    kind=day.kind,
                    name=day.name,
                    region=day.region,
                    stops_clock=day.stops_clock,
                    hours=day.hours,
                    sentence=day.sentence,
                )
                for day in said.days
            ],
            doubts=[RemarkOut.of_remark(doubt) for doubt in said.doubts],
            notes=[RemarkOut.of_remark(note) for note in said.notes],
            sources=[
                NoticeOut(number=notice.number, published=notice.published, url=notice.url) for notice in said.sources
            ],
            hours=[HoursOut(when=Words.of(when), hours=Words.of(hours)) for when, hours in said.hours],
            promises=[PromiseOut.of(line) for line in said.promises],
        )


class MoveOut(ResponseBody):
    """What a change does, or did, to one clock. Deadlines are exclusive."""

    number: str
    union: Coded
    kind: str
    cycle: int
    tier: str | None
    before: datetime
    after: datetime
    shift_seconds: int
    shift: Words
    provisional_before: bool
    provisional_after: bool

    @classmethod
    def of_record(cls, move: RecordedMove, tree: OrgTree) -> Self:
        return cls(**_move_values(move, tree))


class PreviewMoveOut(MoveOut):
    """A move that has not happened. `kept`: the new count would end earlier, and the deadline told stands."""

    kept: bool
    settled: bool
    newly_late: bool
    no_longer_late: bool

    @classmethod
    def of_move(cls, move: Move, tree: OrgTree) -> Self:
        return cls(
            **_move_values(move, tree),
            kept=move.kept,
            settled=move.settled,
            newly_late=move.newly_late,
            no_longer_late=move.no_longer_late,
        )


class MovesOut(ResponseBody):
    """A page of recorded moves. `next_cursor` is null on the last one."""

    items: list[MoveOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: MovePage, tree: OrgTree) -> Self:
        return cls(items=[MoveOut.of_record(move, tree) for move in page.moves], next_cursor=page.next_cursor)


class PreviewOut(ResponseBody):
    """What a file would do to the open clocks: figures, and the moves, the gravest first."""

    label: str = Field(description="发布时以 expected 传回 / Send it back as `expected` when publishing")
    after: str = Field(description="发布后的版本 / The versions that would follow")
    looked_at: int
    moved: int
    earlier: int
    later: int
    kept: int
    settled: int
    newly_late: int
    no_longer_late: int
    largest_shift_seconds: int
    largest_shift: Words
    moves: list[PreviewMoveOut] = Field(description="最多 200 项 / At most 200")
    failures: list[FailureOut] = Field(description="最多 200 项 / At most 200")

    @classmethod
    def of(cls, seen: FilePreview, tree: OrgTree) -> Self:
        figures = seen.figures
        return cls(
            label=seen.label,
            after=seen.after,
            looked_at=figures.looked_at,
            moved=figures.moved,
            earlier=figures.earlier,
            later=figures.later,
            kept=figures.kept,
            settled=figures.settled,
            newly_late=figures.newly_late,
            no_longer_late=figures.no_longer_late,
            largest_shift_seconds=int(figures.largest_shift.total_seconds()),
            largest_shift=Words.of(shift_in_words(figures.largest_shift)),
            moves=[PreviewMoveOut.of_move(move, tree) for move in seen.moves[:MOST_MOVES]],
            failures=[FailureOut(number=number, zh=why.zh, en=why.en) for number, why in figures.failures[:MOST_MOVES]],
        )


def _move_values(move: Move | RecordedMove, tree: OrgTree) -> dict[str, Any]:
    union = tree.get(move.org_code)
    return {
        "number": move.number,
        "union": Coded(code=union.code, zh=union.name_zh, en=union.name_en),
        "kind": move.kind,
        "cycle": move.cycle,
        "tier": move.tier,
        "before": move.before,
        "after": move.after,
        "shift_seconds": int(move.shift.total_seconds()),
        "shift": Words.of(shift_in_words(move.shift)),
        "provisional_before": move.provisional_before,
        "provisional_after": move.provisional_after,
    }
