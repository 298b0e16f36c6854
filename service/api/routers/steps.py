"""Every step of a ticket's life as an address of its own, made from one table.

The table says which body a step takes and which use-case it means; who may take it and from which state is the
ticket room's own table (`states.TABLE`), enforced there and only quoted here for the documentation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Body, Response
from fastapi.openapi.models import Example

from service.api.deps import Working, answer
from service.api.documentation import DAY_IN_A_WEEK, IN_A_WEEK, STEP_REFUSALS, YESTERDAY, both, needs
from service.api.routers import room
from service.api.schemas import actions
from service.api.schemas.fields import A_TICKET_NUMBER, TicketNumber
from service.api.schemas.tickets import TicketOut
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.ratings.excluding import (
    AskExclusion,
    DecideExclusion,
    ask_exclusion,
    exclude,
    keep_counted,
    support_exclusion,
)
from service.ratings.recording import Answers, CloseUnreachable, RecordCallback, close_unreachable, record_callback
from service.tickets.assigning import AssignTicket, assign_ticket
from service.tickets.assisting import (
    AnswerTask,
    CallOffTask,
    SetTask,
    answer_task,
    call_off_task,
    set_task,
)
from service.tickets.closing import (
    AddNote,
    OrderRedo,
    ReopenTicket,
    ReviewReply,
    add_note,
    approve_reply,
    order_redo,
    reopen_ticket,
    send_reply_back,
    urge_ticket,
)
from service.tickets.confiding import (
    LowerConfidentiality,
    RaiseConfidentiality,
    lower_confidentiality,
    raise_confidentiality,
)
from service.tickets.consulting import (
    AnswerConsult,
    AskConsult,
    TakeConsult,
    answer_consult,
    ask_consult,
    take_consult,
)
from service.tickets.dispatching import (
    AskRejection,
    AskReturn,
    DispatchTicket,
    RetierTicket,
    ask_rejection,
    ask_return,
    dispatch_ticket,
    grant_rejection,
    grant_return,
    refuse_rejection,
    refuse_return,
    retier_ticket,
)
from service.tickets.endings import EndTicket, TransferOut, terminate_ticket, transfer_out, withdraw_ticket
from service.tickets.final_answers import GiveFinalAnswer, give_final_answer
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    RecordContact,
    ReplyToTicket,
    ResumeTicket,
    SignTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    record_contact,
    refuse_extension,
    refuse_suspension,
    reply_to_ticket,
    resume_ticket,
    sign_ticket,
)
from service.tickets.intake import AcceptTicket, AnswerTicket, accept_ticket, answer_ticket
from service.tickets.links import LinkTickets, UnlinkTickets, link_tickets, unlink_tickets
from service.tickets.materials import (
    AskMaterial,
    SettleMaterial,
    ask_material,
    receive_material,
    waive_material,
)
from service.tickets.passing_down import (
    DecideBelow,
    PassDown,
    ReturnUp,
    keep_down,
    pass_down,
    return_up,
    take_back,
)
from service.tickets.quality_checks import FailQuality, PassQuality, fail_quality, pass_quality
from service.tickets.queries import ticket_view
from service.tickets.requests import DecideRequest
from service.tickets.states import TABLE, Step
from service.tickets.supervising import (
    AnswerSupervision,
    ReviewSupervision,
    SuperviseTicket,
    answer_supervision,
    close_supervision,
    return_supervision,
    supervise_ticket,
)
from service.tickets.together import MergeTicket, SplitTicket, merge_ticket, split_ticket
from sla_rules import Tier

router = room("steps", "/tickets/{number}")

C = TypeVar("C")
TakeStep = Callable[[Unit, str, Mapping[str, Any]], object]

_DECISIONS: dict[tuple[str, str], Callable[[Unit, DecideRequest], object]] = {
    ("rejection", "grant"): grant_rejection,
    ("rejection", "refuse"): refuse_rejection,
    ("return", "grant"): grant_return,
    ("return", "refuse"): refuse_return,
    ("extension", "grant"): grant_extension,
    ("extension", "refuse"): refuse_extension,
    ("suspension", "grant"): grant_suspension,
    ("suspension", "refuse"): refuse_suspension,
}


def _takes(use_case: Callable[[Unit, C], object], command: Callable[..., C]) -> TakeStep:
    """A step whose body has the fields of its command."""

    def take(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
        return use_case(unit, command(number=number, **fields))

    return take


def _accept(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
    tier = Tier(fields["tier"]) if fields["tier"] else None
    return accept_ticket(unit, AcceptTicket(**{**fields, "number": number, "tier": tier}))


def _retier(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
    return retier_ticket(unit, RetierTicket(**{**fields, "number": number, "tier": Tier(fields["tier"])}))


def _callback(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
    given: actions.AnswersIn | None = fields["answers"]
    answers = Answers(**dict(given)) if given is not None else None
    return record_callback(unit, RecordCallback(**{**fields, "number": number, "answers": answers}))


def _transfer_out(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
    return transfer_out(unit, TransferOut(**{**fields, "number": number, "peer_number": fields["peer_number"] or ""}))


def _decide(unit: Unit, number: str, fields: Mapping[str, Any]) -> object:
    decide = _DECISIONS[fields["request"], fields["verdict"]]
    return decide(unit, DecideRequest(number=number, note=fields["note"], version=fields["version"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One address: its last part, the body it takes, what it does, and examples that are valid as they stand."""

    path: str
    step: Step | None
    body: type[actions.StepBody]
    take: TakeStep
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    zh: str = ""
    en: str = ""
    permissions: tuple[Permission, ...] = ()

    @property
    def summary(self) -> str:
        """Its name in both languages."""
        return both(self.zh, self.en)


def _action(step: Step, body: type[actions.StepBody], take: TakeStep, **examples: Mapping[str, Any]) -> Action:
    row = TABLE[step]
    assert row.permission is not None, "a step of the service itself has no address"  # noqa: S101
    return Action(
        path=step.value,
        step=step,
        body=body,
        take=take,
        examples=examples,
        zh=row.name_zh,
        en=row.name_en,
        permissions=(row.permission,),
    )


ACTIONS: tuple[Action, ...] = (
    _action(
        Step.accept,
        actions.Accept,
        _accept,
        suggested={},
        other_tier={"tier": "complex", "tier_reason": "涉及多个用人单位,须联合调查"},
    ),
    _action(
        Step.answer,
        actions.Answer,
        _takes(answer_ticket, AnswerTicket),
        overtime={"answer": "法定休假日安排工作的,支付不低于工资百分之三百的工资报酬(劳动法第四十四条)。"},
    ),
    _action(
        Step.reject,
        actions.Reject,
        _takes(ask_rejection, AskRejection),
        in_court={"reason": "legal_channel", "note": "已进入劳动仲裁程序,已告知来电人向仲裁委查询进度。"},
    ),
    _action(
        Step.dispatch,
        actions.Dispatch,
        _takes(dispatch_ticket, DispatchTicket),
        golmud={"org_code": "632801", "note": "请核实欠薪情况并督促支付"},
        with_assistance={
            "org_code": "632801",
            "assisting": ["632800"],
            "assist_ask": "请约谈用人单位在德令哈的总部",
            "note": "州总工会协办",
        },
    ),
    _action(Step.sign, actions.Sign, _takes(sign_ticket, SignTicket), plain={}),
    _action(
        Step.return_,
        actions.Return,
        _takes(ask_return, AskReturn),
        elsewhere={"reason": "用人单位注册地和工作地均在德令哈市,依属地管理不属我市。"},
    ),
    _action(
        Step.pass_down,
        actions.PassDown,
        _takes(pass_down, PassDown),
        golmud={"org_code": "632801", "note": "请就地核实,三日内报结果"},
    ),
    _action(
        Step.return_up,
        actions.Return,
        _takes(return_up, ReturnUp),
        elsewhere={"reason": "用人单位在德令哈市,不在我市。"},
    ),
    _action(Step.take_back, actions.OptionalNote, _takes(take_back, DecideBelow), own={"note": "由州总工会直接办理"}),
    _action(Step.keep_down, actions.OptionalNote, _takes(keep_down, DecideBelow), stays={"note": "属地在你市,请签收"}),
    _action(
        Step.assign,
        actions.Assign,
        _takes(assign_ticket, AssignTicket),
        colleague={"username": "handler-632801", "note": "熟悉该工地情况"},
    ),
    _action(
        Step.contact,
        actions.Contact,
        _takes(record_contact, RecordContact),
        phone={"way": "phone", "note": "已电话联系职工,核实欠薪金额和人数。"},
    ),
    _action(
        Step.extend,
        actions.Extend,
        _takes(ask_extension, AskExtension),
        more_time={"days": 5, "reason": "用人单位负责人在外地,须待其返回后调解。"},
    ),
    _action(
        Step.suspend,
        actions.Suspend,
        _takes(ask_suspension, AskSuspension),
        material={
            "reason": "material_awaited",
            "review_at": IN_A_WEEK,
            "note": "等待职工补交考勤记录",
        },
    ),
    _action(Step.resume, actions.Resume, _takes(resume_ticket, ResumeTicket), received={"note": "材料已收到"}),
    _action(
        Step.ask_material,
        actions.AskMaterial,
        _takes(ask_material, AskMaterial),
        proof={"pieces": ["劳动合同", "八月至十月考勤记录"], "due_on": DAY_IN_A_WEEK},
    ),
    _action(
        Step.receive_material,
        actions.SettleMaterial,
        _takes(receive_material, SettleMaterial),
        in_person={"pieces": ["劳动合同"], "note": "职工到工会当面提交复印件"},
    ),
    _action(
        Step.waive_material,
        actions.SettleMaterial,
        _takes(waive_material, SettleMaterial),
        found={"pieces": ["劳动合同"], "note": "用人单位已提供"},
    ),
    _action(
        Step.retier,
        actions.Retier,
        _retier,
        harder={"tier": "complex", "reason": "涉及多个用人单位,须联合调查"},
    ),
    _action(
        Step.reply,
        actions.Reply,
        _takes(reply_to_ticket, ReplyToTicket),
        settled={
            "text": "经协调,用人单位已于当日将拖欠工资足额发放至职工本人账户。",
            "basis": "《保障农民工工资支付条例》第三条",
            "contacted_at": YESTERDAY,
            "contact_way": "phone",
            "outcome": "settlement",
            "recovered": "30000.00",
            "helped": 1,
            "worker_confirmed": True,
        },
    ),
    _action(Step.approve, actions.Approve, _takes(approve_reply, ReviewReply), plain={"note": "同意"}),
    _action(
        Step.send_back,
        actions.SendBack,
        _takes(send_reply_back, ReviewReply),
        no_basis={"note": "未说明联系职工的经过,请补充后再报。"},
    ),
    _action(
        Step.callback,
        actions.Callback,
        _callback,
        satisfied={
            "result": "answered",
            "answers": {"contacted": True, "resolved": True, "satisfaction": 5, "agent_score": 5},
        },
        not_resolved={
            "result": "answered",
            "answers": {"contacted": True, "resolved": False, "satisfaction": 2, "reason": "not_resolved"},
        },
        nobody={"result": "unreachable"},
    ),
    _action(
        Step.close,
        actions.Close,
        _takes(close_unreachable, CloseUnreachable),
        unreachable={"note": "三次回访均无人接听"},
    ),
    _action(
        Step.redo,
        actions.WithReason,
        _takes(order_redo, OrderRedo),
        untrue={"reason": "抽查发现反馈与事实不符"},
    ),
    _action(
        Step.reopen,
        actions.WithReason,
        _takes(reopen_ticket, ReopenTicket),
        new_facts={"reason": "职工反映用人单位再次拖欠,提供了新的证据"},
    ),
    _action(Step.urge, actions.WithNote, _takes(urge_ticket, AddNote), again={"note": "职工再次来电询问进展"}),
    _action(
        Step.supervise,
        actions.Supervise,
        _takes(supervise_ticket, SuperviseTicket),
        instruction={"note": "请于三日内报告办理情况"},
        by_a_date={"note": "请查明逾期原因并书面报告", "due_at": IN_A_WEEK},
    ),
    _action(
        Step.ask_exclusion,
        actions.AskExclusion,
        _takes(ask_exclusion, AskExclusion),
        rating={"about": "rating", "reason": "职工要求超出政策规定,已书面答复依据"},
    ),
    _action(
        Step.support_exclusion,
        actions.SupportExclusion,
        _takes(support_exclusion, DecideExclusion),
        agreed={"note": "情况属实"},
    ),
    _action(Step.exclude, actions.SupportExclusion, _takes(exclude, DecideExclusion), agreed={"note": "同意剔除"}),
    _action(
        Step.keep_counted,
        actions.KeepCounted,
        _takes(keep_counted, DecideExclusion),
        refused={"note": "未见政策依据"},
    ),
    _action(
        Step.ask_consult,
        actions.AskConsult,
        _takes(ask_consult, AskConsult),
        arbitration={"question": "用人单位已注销,劳动者能否以其股东为被申请人申请仲裁?"},
    ),
    _action(Step.take_consult, actions.TakeConsult, _takes(take_consult, TakeConsult), plain={}),
    _action(
        Step.answer_consult,
        actions.AnswerConsult,
        _takes(answer_consult, AnswerConsult),
        shareholders={"answer": "可以。未经清算即注销的,可列股东为当事人(公司法司法解释二第二十条)。"},
    ),
    _action(
        Step.set_task,
        actions.SetTask,
        _takes(set_task, SetTask),
        head_office={"org_code": "632802", "ask": "请到用人单位在德令哈的总部核实工资表"},
    ),
    _action(
        Step.answer_task,
        actions.AnswerTask,
        _takes(answer_task, AnswerTask),
        wage_list={"answer": "已调取工资表,单位承认欠发三个月,复印件见附件。"},
    ),
    _action(
        Step.call_off_task,
        actions.CallOffTask,
        _takes(call_off_task, CallOffTask),
        paid={"org_code": "632802", "note": "单位已付清"},
    ),
    _action(
        Step.answer_supervision,
        actions.AnswerSupervision,
        _takes(answer_supervision, AnswerSupervision),
        done={"text": "已约谈用人单位负责人,承诺本周内付清,附约谈记录。"},
    ),
    _action(
        Step.return_supervision,
        actions.ReturnSupervision,
        _takes(return_supervision, ReviewSupervision),
        vague={"note": "未说明逾期原因,请补充。"},
    ),
    _action(
        Step.close_supervision,
        actions.CloseSupervision,
        _takes(close_supervision, ReviewSupervision),
        accepted={"note": "同意"},
    ),
    _action(
        Step.final_answer,
        actions.FinalAnswer,
        _takes(give_final_answer, GiveFinalAnswer),
        limitation={
            "text": "经两次重办核实,所诉加班费已超过申请仲裁的一年时效,工会已协助申请法律援助并告知救济途径。",
            "basis": "劳动争议调解仲裁法第二十七条",
        },
    ),
    _action(
        Step.pass_quality,
        actions.PassQuality,
        _takes(pass_quality, PassQuality),
        sound={"note": "联系记录、依据、凭证齐全"},
    ),
    _action(
        Step.fail_quality,
        actions.FailQuality,
        _takes(fail_quality, FailQuality),
        unproven={"note": "称已足额发放,未附支付凭证,回访录音与反馈不符"},
    ),
    _action(
        Step.merge,
        actions.Merge,
        _takes(merge_ticket, MergeTicket),
        same={"master": A_TICKET_NUMBER, "reason": "同一用人单位同一批欠薪"},
    ),
    _action(
        Step.link,
        actions.Link,
        _takes(link_tickets, LinkTickets),
        earlier={"other": A_TICKET_NUMBER, "kind": "appeal", "note": "办结后再次拖欠"},
    ),
    _action(
        Step.unlink,
        actions.Unlink,
        _takes(unlink_tickets, UnlinkTickets),
        mistaken={"other": A_TICKET_NUMBER, "reason": "经核实不是同一用人单位"},
    ),
    _action(
        Step.split_,
        actions.WithReason,
        _takes(split_ticket, SplitTicket),
        other={"reason": "核实为另一工地的诉求"},
    ),
    _action(
        Step.withdraw,
        actions.WithReason,
        _takes(withdraw_ticket, EndTicket),
        paid={"reason": "职工来电表示单位已付清,不再反映"},
    ),
    _action(
        Step.transfer_out,
        actions.TransferOut,
        _transfer_out,
        to_12345={"peer": "12345", "peer_number": "DH202611220001", "note": "非劳动权益事项"},
    ),
    _action(
        Step.terminate,
        actions.WithReason,
        _takes(terminate_ticket, EndTicket),
        lost={"reason": "多次联系不上职工,且缺少办理所需信息"},
    ),
    _action(
        Step.raise_confidentiality,
        actions.RaiseConfidentiality,
        _takes(raise_confidentiality, RaiseConfidentiality),
        confides={"level": "intake_only", "note": "职工担心被认出,要求只有受理人员知道"},
    ),
    _action(
        Step.lower_confidentiality,
        actions.LowerConfidentiality,
        _takes(lower_confidentiality, LowerConfidentiality),
        agrees={"level": "open", "agreed": "11月22日电话中,职工同意承办工会直接联系本人"},
    ),
    _action(Step.note, actions.WithNote, _takes(add_note, AddNote), remark={"note": "职工方便接听时间为晚七点后"}),
    Action(
        path="decide",
        step=None,
        body=actions.Decide,
        take=_decide,
        examples={
            "grant_return": {"request": "return", "verdict": "grant", "note": "情况属实,同意退单"},
            "refuse_extension": {"request": "extension", "verdict": "refuse", "note": "理由不充分"},
        },
        zh="审批申请(不予受理、退单、延期、挂起)",
        en="decide a request (rejection, return, extension, suspension)",
        permissions=(
            Permission.rejection_decide,
            Permission.return_decide,
            Permission.extension_decide,
            Permission.suspension_decide,
        ),
    ),
)


def _endpoint(action: Action) -> Callable[..., Response]:
    """The route of an action: one transaction, and the ticket as it stands after the step."""

    def endpoint(work: Working, number: TicketNumber, body: Any) -> Response:
        with work.writing() as unit:
            action.take(unit, number, dict(body))
            document = TicketOut.of_view(ticket_view(unit, number))
        return answer(document)

    shown = {name: Example(value=dict(value)) for name, value in action.examples.items()}
    endpoint.__annotations__["body"] = Annotated[action.body, Body(openapi_examples=shown)]
    if not any(model_field.is_required() for model_field in action.body.model_fields.values()):
        # A step that needs nothing said can be taken without a body.
        endpoint.__defaults__ = (action.body(),)
    return endpoint


for _each in ACTIONS:
    router.add_api_route(
        f"/{_each.path}",
        _endpoint(_each),
        methods=["POST"],
        name=f"ticket_{_each.path.replace('-', '_')}",
        summary=_each.summary,
        description="返回操作后的工单。/ Answers with the ticket as it stands after the step.",
        response_model=TicketOut,
        responses=STEP_REFUSALS,
        openapi_extra=needs(*_each.permissions),
    )
