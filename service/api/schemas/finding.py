"""Finding tickets, keeping a search, and one step on many tickets. Money in yuan, instants with their offset."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.api.errors import problem_of
from service.api.schemas.fields import (
    ChannelName,
    Code,
    EmployerName,
    Flag,
    IdentityGroup,
    InstantQuery,
    KindName,
    Membership,
    Note,
    Reason,
    RowVersion,
    ShortText,
    StateName,
    TierName,
    Username,
    Yuan,
    fit,
)
from service.api.schemas.tickets import RequestBody, ResponseBody, TicketRowOut, row_values
from service.tickets.bulk import MOST_AT_ONCE, Chosen, Outcome
from service.tickets.finding import FindQuery, FoundPage, Hit
from service.tickets.saved_views import ViewOut
from service.tickets.wording import LONGEST_QUERY, Excerpt, Part

Words = Annotated[str, StringConstraints(max_length=LONGEST_QUERY), AfterValidator(fit)]
Number = Annotated[str, StringConstraints(max_length=60), AfterValidator(fit)]
People = Annotated[int, Field(ge=1, le=1_000_000)]

# Names of this side that differ from the query's own.
_RENAMED = {"category": "category_code", "group": "category_group"}


class Filters(BaseModel):
    """What is looked for. Everything given has to hold; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Words | None = Field(
        None,
        description="全文检索:词语以空格分开,引号内为连续短语,可含工单号或其后几位"
        " / Words; phrases in quotation marks; a number or its last digits",
    )
    number: Number | None = Field(
        None,
        description="工单号、其后 3 至 6 位,或外部编号 / Number, its last 3 to 6 digits, or a peer system's number",
    )
    phone_last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] | None = Field(
        None, description="来电电话后四位,限可查看来电人的岗位 / For those who may see callers"
    )
    state: StateName | None = Field(None, description="状态 / State")
    kind: KindName | None = Field(None, description="诉求性质 / Kind of matter")
    channel: ChannelName | None = Field(None, description="来源渠道 / Channel")
    tier: TierName | None = Field(None, description="难易分级 / Tier")
    category: Code | None = Field(None, description="诉求类别代码 / Category")
    group: Code | None = Field(None, description="诉求大类代码(两位) / Group of categories, two digits")
    place: Code | None = Field(None, description="事发地及其下级 / A place and those below it")
    org: Code | None = Field(None, description="承办工会及其下级 / A union and those below it")
    employer: EmployerName | None = Field(None, description="用人单位名称(部分) / Part of an employer's name")
    membership: Membership | None = Field(None, description="会员情况 / Membership")
    identity_group: IdentityGroup | None = Field(None, description="职工类别 / Identity group")
    people_from: People | None = Field(None, description="涉及人数不少于 / At least so many people")
    people_to: People | None = Field(None, description="涉及人数不多于 / At most so many people")
    amount_from: Yuan | None = Field(None, description="涉及金额不少于(元) / At least so many yuan")
    amount_to: Yuan | None = Field(None, description="涉及金额不多于(元) / At most so many yuan")
    received_from: InstantQuery | None = Field(None, description="来件时间起(含) / Received from, included")
    received_to: InstantQuery | None = Field(None, description="来件时间止(不含) / Received to, not included")
    due_from: InstantQuery | None = Field(None, description="期限起(含) / Due from, included")
    due_to: InstantQuery | None = Field(None, description="期限止(不含) / Due to, not included")
    ended_from: InstantQuery | None = Field(None, description="结束时间起(含) / Ended from, included")
    ended_to: InstantQuery | None = Field(None, description="结束时间止(不含) / Ended to, not included")
    urgent: bool | None = Field(None, description="紧急 / Urgent")
    anonymous: bool | None = Field(None, description="匿名 / Anonymous")
    suspended: bool | None = Field(None, description="挂起 / Suspended")
    collective: bool | None = Field(None, description="群体性 / Collective")
    late: bool | None = Field(None, description="对职工的承诺已逾期 / The promise to the worker was broken")

    mine: bool | None = Field(
        None, description="由本人承办或代理 / In one's own hands, or in theirs for whom one stands in"
    )

    def to_query(self, **page: Any) -> FindQuery:
        """The query; `page` is limit and cursor."""
        given = {name: getattr(self, name) for name in Filters.model_fields}
        return FindQuery(**{_RENAMED.get(name, name): value for name, value in given.items() if value != ""}, **page)

    def to_document(self) -> dict[str, Any]:
        """What was given, as JSON and as parameters of an address alike."""
        return self.model_dump(mode="json", exclude_none=True, include=set(Filters.model_fields))


class FindParams(Filters):
    """Filters with the page."""

    limit: int = Field(50, ge=1, le=200, description="每页条数 / Rows of a page")
    cursor: Annotated[str, StringConstraints(max_length=600)] | None = Field(
        None, description="上一页的 `next_cursor` / `next_cursor` of the page before"
    )


class PartOut(ResponseBody):
    """A stretch of text; `hit` marks what was looked for. Plain text, not markup."""

    text: str
    hit: bool

    @classmethod
    def of(cls, part: Part) -> Self:
        return cls(text=part.text, hit=part.hit)


class ExcerptOut(ResponseBody):
    """Where a ticket says it: `body`, `answer`, `reply`, `note` or `employer`."""

    field: str
    parts: list[PartOut]

    @classmethod
    def of(cls, excerpt: Excerpt) -> Self:
        return cls(field=excerpt.field, parts=[PartOut.of(part) for part in excerpt.parts])


class TicketHitOut(TicketRowOut):
    """A line of a list; for a search with `q` also the place where it was found."""

    excerpt: ExcerptOut | None = None

    @classmethod
    def of_hit(cls, hit: Hit) -> Self:
        return cls(**row_values(hit.row), excerpt=ExcerptOut.of(hit.excerpt) if hit.excerpt else None)


class FoundTickets(ResponseBody):
    """A page. `next_cursor` is null on the last one. `total` is counted for searches with `q`."""

    items: list[TicketHitOut]
    next_cursor: str | None
    total: int | None = Field(description="命中数;`more` 为真时表示至少 / Hits; with `more` at least so many")
    more: bool

    @classmethod
    def of(cls, page: FoundPage) -> Self:
        return cls(
            items=[TicketHitOut.of_hit(hit) for hit in page.hits],
            next_cursor=page.next_cursor,
            total=page.total,
            more=page.more,
        )


class ViewBody(RequestBody):
    """保存常用查询 / A search under a name"""

    name: ShortText = Field(description="名称 / Name")
    filters: Filters = Field(description="查询条件,不含电话 / The filters, without a phone")
    shared: Flag = Field(False, description="与本单位同事共用 / Shared with one's union")


class SavedViewOut(ResponseBody):
    """A saved search. `filters` are parameters of `GET /tickets`; `own` ones can be changed."""

    id: int
    name: str
    filters: dict[str, Any]
    shared: bool
    own: bool

    @classmethod
    def of(cls, view: ViewOut) -> Self:
        return cls(id=view.id, name=view.name, filters=dict(view.filters), shared=view.shared, own=view.own)


class SavedViews(ResponseBody):
    """One's own searches, then those shared in one's union."""

    items: list[SavedViewOut]


class ChosenIn(RequestBody):
    """A ticket of a list; `version` is the `row_version` seen (optional)."""

    number: Number
    version: RowVersion | None = None

    def chosen(self) -> Chosen:
        """The ticket as the use-case takes it."""
        return Chosen(number=self.number, version=self.version)


Tickets = Annotated[list[ChosenIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


class BulkUrge(RequestBody):
    """批量催办"""

    tickets: Tickets = Field(description="工单 / The tickets")
    note: Reason = Field(description="催办内容 / What the unions are told")


class BulkAssign(RequestBody):
    """批量指定承办人"""

    tickets: Tickets = Field(description="工单 / The tickets")
    username: Username = Field(description="本单位承办人的用户名 / User name of a handler of one's own union")
    note: Note = Field("", description="说明 / Note")


class BulkDispatch(RequestBody):
    """批量派单"""

    tickets: Tickets = Field(description="工单 / The tickets")
    org_code: Code = Field(description="主办工会 / The lead union")
    assisting: Annotated[list[Code], Field(max_length=53)] = Field([], description="协办工会 / Assisting unions")
    note: Note = Field("", description="派单说明 / Note")


class BulkExport(RequestBody):
    """导出工单"""

    format: Literal["csv", "xlsx"] = Field("xlsx", description="格式 / Format")
    reason: Reason = Field(description="导出理由,记入审计 / Why; goes into the audit")
    filters: Filters = Field(Filters(), description="与查询相同的条件 / The same filters as the search")
    numbers: Annotated[list[Number], Field(max_length=1000)] = Field(
        [], description="只导出其中这些工单 / Only these of them"
    )


class Refused(ResponseBody):
    """Why nothing was done to a ticket: what the step alone would have answered."""

    status: int
    code: str
    zh: str
    en: str


class BulkResult(ResponseBody):
    """What became of one ticket."""

    number: str
    done: bool
    refused: Refused | None

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        if outcome.refused is None:
            return cls(number=outcome.number, done=True, refused=None)
        problem = problem_of(outcome.refused)
        refused = Refused(status=problem.status, code=problem.code, zh=problem.zh, en=problem.en)
        return cls(number=outcome.number, done=False, refused=refused)


class BulkResults(ResponseBody):
    """One result for each ticket, in the order sent."""

    done: int
    refused: int
    items: list[BulkResult]

    @classmethod
    def of(cls, outcomes: tuple[Outcome, ...]) -> Self:
        items = [BulkResult.of(outcome) for outcome in outcomes]
        done = sum(item.done for item in items)
        return cls(done=done, refused=len(items) - done, items=items)
