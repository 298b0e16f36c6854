"""The audit over the API: what an auditor asks, and events in words."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.api.schemas.fields import Code, InstantQuery, Reason, Username, fit
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.audit.chain import Verified
from service.reports.audit_search import AuditEntry, AuditPage, AuditQuery, ChainState
from service.reports.audit_words import part_name
from service.tickets.looks import LookView

ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}:[a-z_-]{1,60}$")]
GroupName = Literal["reads", "tickets", "files", "people", "rules", "retention", "system"]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(fit)]


class AuditFilters(BaseModel):
    """Which events. Everything given has to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Username | None = Field(None, description="账号 / User name")
    org: Code | None = Field(None, description="工会及其下级人员 / People of a union and those below it")
    action: ActionName | None = Field(None, description="事项代码 / Action", examples=["ticket:read"])
    group: GroupName | None = Field(None, description="事项分组 / Group of actions")
    subject: Subject | None = Field(
        None,
        description="对象;工单号也查到列出过它的查询 / Subject; a ticket's number also finds lists naming it",
    )
    word: Subject | None = Field(
        None, description="谁查过这个词或号码:审计中只有其编码 / Who searched for this; the audit has its code alone"
    )
    correlation_id: Subject | None = Field(None, description="流水 / Correlation id")
    start: InstantQuery | None = Field(None, description="时间起(含) / From, included")
    end: InstantQuery | None = Field(None, description="时间止(不含) / To, not included")

    def to_query(self, **page: Any) -> AuditQuery:
        """The query; `page` is limit and cursor."""
        return AuditQuery(**{name: getattr(self, name) for name in AuditFilters.model_fields}, **page)


class AuditParams(AuditFilters):
    """Filters with the page."""

    limit: int = Field(50, ge=1, le=200, description="每页条数 / Rows of a page")
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="上一页的 `next_cursor` / `next_cursor` of the page before"
    )


class AuditExport(RequestBody):
    """导出审计记录 / Take the events away as a file"""

    filters: AuditFilters = Field(default_factory=AuditFilters, description="条件 / Filters")
    reason: Reason = Field(description="理由,记入审计和文件 / Why; goes into the audit and the file")


class AuditEventOut(ResponseBody):
    """One event. `facts` says in words what `before` and `after` hold; `position` is its place in the chain."""

    id: int
    at: datetime
    kind: str = Field(description="person、worker 或 system / Who acted")
    username: str
    name: str
    org_code: str
    action: str
    title: Words
    subject: str
    facts: list[Words]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    correlation_id: str
    position: int | None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            kind=entry.kind,
            username=entry.username,
            name=entry.name,
            org_code=entry.org_code,
            action=entry.action,
            title=Words.of(entry.title),
            subject=entry.subject,
            facts=[Words.of(fact) for fact in entry.facts],
            before=entry.before,
            after=entry.after,
            correlation_id=entry.correlation_id,
            position=entry.position,
        )


class AuditEvents(ResponseBody):
    """A page of events, the newest first."""

    items: list[AuditEventOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        return cls(items=[AuditEventOut.of(entry) for entry in page.entries], next_cursor=page.next_cursor)


class ChainOut(ResponseBody):
    """The chain's head, what waits for a place, the last anchor outside and the last verification."""

    position: int
    hash: str
    waiting: int
    anchored_at: datetime | None
    anchored_position: int | None
    verified_at: datetime | None
    verified_by: str | None
    verified_links: int | None
    verified_breaks: int | None

    @classmethod
    def of(cls, state: ChainState) -> Self:
        return cls(**{name: getattr(state, name) for name in cls.model_fields})


class BreakOut(ResponseBody):
    """Where the audit is not what was written."""

    position: int
    event: int
    kind: str
    zh: str
    en: str


class VerifiedOut(ResponseBody):
    """What was looked at, and what is wrong with it."""

    whole: bool
    links: int
    breaks: list[BreakOut]

    @classmethod
    def of(cls, found: Verified) -> Self:
        breaks = [
            BreakOut(position=each.position, event=each.event_id, kind=each.kind, zh=each.words.zh, en=each.words.en)
            for each in found.breaks
        ]
        return cls(whole=found.whole, links=found.links, breaks=breaks)


class LookOut(ResponseBody):
    """One look at a ticket: who, of which union, by what, and at which parts."""

    at: datetime
    username: str
    name: str
    org_code: str
    action: str
    parts: list[Words]

    @classmethod
    def of(cls, look: LookView) -> Self:
        return cls(
            at=look.at,
            username=look.username,
            name=look.name,
            org_code=look.org_code,
            action=look.action,
            parts=[Words.of(part_name(part)) for part in look.parts],
        )


class Looks(ResponseBody):
    """The newest looks at a ticket first, at most a hundred."""

    items: list[LookOut]
