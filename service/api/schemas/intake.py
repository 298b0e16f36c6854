"""What the API takes in and gives out beside the form: assistance, drafts, the employer register."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from service.api.schemas.fields import (
    ChannelName,
    Code,
    Count,
    EmployerName,
    KindName,
    Reason,
    Unknowable,
)
from service.api.schemas.tickets import Coded, RequestBody, ResponseBody, Words
from service.reports.suggestions import DEFINITION, SuggestionFigure
from service.tickets.assist import Assistance, EarlierTicket, PossibleDuplicate
from service.tickets.drafts import Draft
from service.tickets.employers import EmployerView
from service.tickets.suggestions import Suggested

DraftText = Annotated[str, StringConstraints(max_length=20_000)]
DraftName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]


class AssistAsk(RequestBody):
    """表单已填内容,均可缺省 / What stands in the form so far; anything may be left out."""

    phone: Annotated[str, StringConstraints(max_length=30)] = Field("", description="联系电话 / Phone in any form")
    employer: Annotated[str, StringConstraints(max_length=200)] = Field("", description="用人单位 / Employer")
    category_code: Code | None = Field(None, description="诉求类别代码 / Category")
    place_code: Code | None = Field(None, description="事发地代码 / Place")
    text: DraftText = Field("", description="标题和内容 / Title and text")
    kind: KindName | None = Field(None, description="诉求性质 / Kind")
    channel: ChannelName = Field("phone", description="来源渠道 / Channel")
    people_count: Count | None = Field(None, description="涉及人数 / People concerned")
    filled: tuple[Unknowable, ...] = Field((), max_length=3, description="已填的必填项 / Demanded fields already told")


class EarlierOut(ResponseBody):
    """一张工单的概况 / A ticket in short; nobody's name."""

    number: str
    title: str
    state: Coded
    category: Words
    union: Words
    received_at: datetime

    @classmethod
    def of(cls, ticket: EarlierTicket) -> Self:
        return cls(
            number=ticket.number,
            title=ticket.title,
            state=Coded(code=ticket.state.value, zh=ticket.state_name.zh, en=ticket.state_name.en),
            category=Words.of(ticket.category),
            union=Words.of(ticket.holder),
            received_at=ticket.received_at,
        )


class LikenessOut(ResponseBody):
    """A reason and the points it gives."""

    code: str = Field(description="same_caller, same_employer, same_category, same_place, similar_text")
    points: int


class DuplicateOut(ResponseBody):
    """疑似重复 / A possible duplicate: `score` is the sum of the reasons' points, at most 100."""

    ticket: EarlierOut
    score: int
    reasons: list[LikenessOut]

    @classmethod
    def of(cls, entry: PossibleDuplicate) -> Self:
        reasons = [LikenessOut(code=reason.code, points=reason.points) for reason in entry.reasons]
        return cls(ticket=EarlierOut.of(entry.ticket), score=entry.score, reasons=reasons)


class ReasonOut(Words):
    """Why something is suggested."""

    code: str


class SuggestedOut(ResponseBody):
    """建议及理由 / A suggestion with its reasons; `value` is null when nothing is suggested."""

    value: str | None
    name: Words | None
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, suggested: Suggested) -> Self:
        return cls(
            value=suggested.value,
            name=Words.of(suggested.name) if suggested.name else None,
            reasons=[ReasonOut(code=r.code, zh=r.words.zh, en=r.words.en) for r in suggested.reasons],
        )


class AssistOut(ResponseBody):
    """登记时的提示 / What the agent is shown beside the form."""

    earlier: list[EarlierOut] = Field(description="该号码此前的工单 / The caller's earlier tickets, newest first")
    earlier_count: int
    duplicates: list[DuplicateOut]
    tier: SuggestedOut | None
    union: SuggestedOut | None
    people_told: int | None = Field(description="文中提到的人数 / People the text speaks of")
    demanded: list[str] = Field(description="此类诉求的必填项 / Fields this category demands")
    missing: list[str] = Field(description="其中尚未填写的 / Those still to be asked")

    @classmethod
    def of(cls, found: Assistance) -> Self:
        return cls(
            earlier=[EarlierOut.of(entry) for entry in found.earlier],
            earlier_count=found.earlier_count,
            duplicates=[DuplicateOut.of(entry) for entry in found.duplicates],
            tier=SuggestedOut.of(found.tier) if found.tier else None,
            union=SuggestedOut.of(found.union) if found.union else None,
            people_told=found.people_told,
            demanded=list(found.demanded),
            missing=list(found.missing),
        )


class DraftSave(RequestBody):
    """草稿内容:字段名到所填文字 / A draft: each field of the form with its texts as they were typed."""

    fields: dict[DraftName, Annotated[tuple[DraftText, ...], Field(max_length=20)]] = Field(max_length=60)


class DraftOut(ResponseBody):
    """本人的一份草稿 / One's own draft, in clear."""

    key: str
    fields: dict[str, list[str]]
    created_at: datetime
    saved_at: datetime

    @classmethod
    def of(cls, draft: Draft) -> Self:
        return cls(
            key=draft.key,
            fields={name: list(texts) for name, texts in draft.fields.items()},
            created_at=draft.created_at,
            saved_at=draft.saved_at,
        )


class DraftList(ResponseBody):
    """本人的草稿,最近的在前 / One's own drafts, the last first."""

    items: list[DraftOut]


class EmployerOut(ResponseBody):
    """用人单位 / An employer with its other names."""

    id: int
    name: str
    credit_code: str | None
    other_names: list[str]
    unions: list[str] = Field(description="内部工会的代码 / Codes of the unions that belong to it")

    @classmethod
    def of(cls, view: EmployerView) -> Self:
        return cls(
            id=view.id,
            name=view.name,
            credit_code=view.credit_code,
            other_names=list(view.other_names),
            unions=list(view.unions),
        )


class EmployerList(ResponseBody):
    """查到的用人单位 / Employers found."""

    items: list[EmployerOut]


class EmployerAmend(RequestBody):
    """更正 / What to put right; what is left out stays."""

    name: EmployerName | None = Field(None, description="规范名称,原名称成为别名 / The old one stays as another name")
    credit_code: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="统一社会信用代码(GB 32100-2015) / Unified social credit code"
    )


class EmployerAddName(RequestBody):
    """别名 / Another name."""

    name: EmployerName


class EmployerUnionIn(RequestBody):
    """内部工会 / A union that belongs to the employer, or does not after all."""

    org_code: Code = Field(description="工会代码,含其下级 / Code of the union; those below it are meant too")
    reason: Reason = Field(description="理由,记入审计 / Why; it goes on record")


class EmployerMerge(RequestBody):
    """并入哪一个 / Which employer this one is."""

    into: Annotated[int, Field(ge=1, lt=2**31)]


class SuggestionFigureOut(ResponseBody):
    """One kind (`tier` or `union`) in one local month."""

    kind: str
    month: str
    suggested: int
    accepted: int
    corrected: int
    right: int
    accepted_share: float | None
    right_share: float | None


class SuggestionReport(ResponseBody):
    """建议的采纳与更正 / How the suggestions fared."""

    definition: Words
    items: list[SuggestionFigureOut]

    @classmethod
    def of(cls, figures: Sequence[SuggestionFigure]) -> Self:
        return cls(
            definition=Words(**DEFINITION),
            items=[SuggestionFigureOut(**figure.to_document()) for figure in figures],
        )
