# ruff: noqa: E501 - the actions are read as a table, a row a line
"""A small model of a ticket's life for the stateful test: written beside the service's own table, not from it.

It knows the state, who has the ticket, and which clocks should run; of deadlines it knows nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from service.core.unit import PROVINCE_CODE
from service.ratings.recording import Answers, CloseUnreachable, RecordCallback, close_unreachable, record_callback
from service.tickets import (
    assigning,
    assisting,
    closing,
    dispatching,
    endings,
    handling,
    intake,
    materials,
    passing_down,
    supervising,
    together,
)
from service.tickets.requests import DecideRequest
from sla_rules import Tier
from tests.desk import GOLMUD, HAIXI

DELINGHA, STRANGER = "632802", "630102"
UNIONS = (HAIXI, GOLMUD, DELINGHA)
CENTRE = ("agent1", "agent2", "dispatcher1", "supervisor1", "lawyer1")
PEOPLE = CENTRE + tuple(f"{role}-{union}" for union in (*UNIONS, STRANGER) for role in ("handler", "leader"))
REDO_ROUNDS = 2

WITH_A_UNION = frozenset({"to_sign", "in_progress"})
OPEN = frozenset({"registered", "accepted", "to_sign", "in_progress", "replied", "to_callback"})
ENDED = frozenset(
    {"closed", "archived", "answered", "rejected", "merged", "transferred_out", "withdrawn", "terminated"}
)
# What a master may be while others stand merged in it and wait.
MASTERS = frozenset({"accepted", "to_sign", "in_progress"})


@dataclass
class Life:
    """One ticket as it should be."""

    number: str
    state: str = "registered"
    holder: str = PROVINCE_CODE
    lead: str = ""
    inner: str = ""
    cycle: int = 1
    people: int = 1
    contact_owed: bool = False
    return_asked: str = ""  # of the centre, or of the union above
    review_at: datetime | None = None  # of the suspension
    asked_review: datetime | None = None
    master: str = ""
    given: set[str] = field(default_factory=set)

    def clocks(self) -> set[str]:
        """The clocks that should run."""
        if self.state == "registered":
            return {"dispatch"}
        if self.state == "accepted":
            return {"dispatch", "resolve"}
        if self.state == "to_callback":
            return {"callback"}
        if self.state not in WITH_A_UNION:
            return set()
        running = {"resolve"} | ({"leg"} if self.inner else set()) | ({"first_contact"} if self.contact_owed else set())
        if self.state == "to_sign":
            running |= {"": {"sign"}, "centre": {"dispatch"}, "above": set()}[self.return_asked]
        return running

    def goes_to(self, state: str) -> None:
        self.state = state
        if state != "in_progress":
            self.review_at = None
        if state not in WITH_A_UNION:
            self.contact_owed, self.return_asked = False, ""

    def back_to_the_centre(self) -> None:
        self.goes_to("accepted")
        self.holder, self.lead, self.inner = PROVINCE_CODE, "", ""

    def another_round(self) -> None:
        self.goes_to("in_progress")
        self.cycle += 1

    def signed(self) -> None:
        self.goes_to("in_progress")
        self.contact_owed, self.return_asked = True, ""


@dataclass
class Lives:
    """The tickets of one example by number, and what time it is."""

    now: datetime
    all: dict[str, Life] = field(default_factory=dict)

    def merged_into(self, master: str) -> list[Life]:
        return [life for life in self.all.values() if life.state == "merged" and life.master == master]

    def follow(self, number: str) -> None:
        """What a delivered message does to a merged ticket."""
        life = self.all[number]
        if life.state != "merged":
            return
        master = self.all[life.master]
        if master.state in {"to_callback", "closed", "archived"}:
            life.goes_to("to_callback")
            life.holder = life.lead = master.holder
            life.given.add(master.holder)
            life.master = ""
        elif master.state in ENDED:
            life.back_to_the_centre()
            life.master = ""


Fill = Callable[[st.DataObject, Lives, Life], dict[str, Any]]
Effect = Callable[[Lives, Life, Any], None]


@dataclass(frozen=True)
class Action:
    """A step as the model knows it: what may be said, who may take it, from where, and what it does."""

    name: str
    use_case: Callable[..., Any]
    command: type
    who: tuple[str, ...]
    sources: frozenset[str]
    effect: Effect
    fill: Fill = lambda _data, _lives, _life: {}
    when: Callable[[Lives, Life], bool] = lambda _lives, _life: True

    def may(self, life: Life) -> list[str]:
        """The people who may take it on this ticket; "handler@holder" is the handler of who has it."""
        lead = life.lead if life.inner and life.holder != life.lead else ""
        above = HAIXI if life.holder in {GOLMUD, DELINGHA} else ""
        where = {"holder": life.holder, "lead": lead, "above": above}
        names = [name.partition("@") for name in self.who]
        found = [role if not at else f"{role}-{where[place]}" for role, at, place in names if not at or where[place]]
        return [name for name in found if name in PEOPLE]

    def takes_version(self) -> bool:
        return "version" in {each.name for each in fields(self.command)}


def _stays(lives: Lives, life: Life, command: Any) -> None:
    pass


def _to(state: str) -> Effect:
    return lambda lives, life, command: life.goes_to(state)


def _does(method: Callable[[Life], None]) -> Effect:
    return lambda lives, life, command: method(life)


def _says(**values: Any) -> Fill:
    return lambda data, lives, life: values


def _draws(**strategies: st.SearchStrategy[Any]) -> Fill:
    return lambda data, lives, life: {name: data.draw(one, name) for name, one in strategies.items()}


def _dispatched(lives: Lives, life: Life, command: Any) -> None:
    life.goes_to("to_sign")
    life.holder = life.lead = command.org_code
    life.given |= {command.org_code, *command.assisting}


def _task_set(lives: Lives, life: Life, command: Any) -> None:
    life.given.add(command.org_code)


def _passed_down(lives: Lives, life: Life, command: Any) -> None:
    life.goes_to("to_sign")
    life.holder = life.inner = command.org_code
    life.given.add(command.org_code)


def _taken_back(lives: Lives, life: Life, command: Any) -> None:
    if life.state == "to_sign":
        life.goes_to("in_progress")
    life.holder, life.inner, life.return_asked = life.lead, "", ""


def _return_asked(of: str) -> Effect:
    def effect(lives: Lives, life: Life, command: Any) -> None:
        life.return_asked = of

    return effect


def _contacted(lives: Lives, life: Life, command: Any) -> None:
    life.contact_owed = False


def _asked_to_suspend(lives: Lives, life: Life, command: Any) -> None:
    life.asked_review = command.review_at


def _suspended(lives: Lives, life: Life, command: Any) -> None:
    life.review_at = life.asked_review


def _resumed(lives: Lives, life: Life, command: Any) -> None:
    life.review_at = None


def _sent_back(lives: Lives, life: Life, command: Any) -> None:
    life.goes_to("in_progress")
    life.holder = life.inner or life.holder


def _approved(lives: Lives, life: Life, command: Any) -> None:
    if life.inner and life.holder == life.inner:
        life.holder = life.lead
    else:
        life.goes_to("to_callback")
        life.inner = ""


def _called_back(lives: Lives, life: Life, command: Any) -> None:
    answers = command.answers
    if answers is None:
        if command.result == "refused":
            life.goes_to("closed")
        return
    fault = answers.satisfaction <= 2 and answers.reason == "late"
    if (answers.resolved and not fault) or life.cycle > REDO_ROUNDS:
        life.goes_to("closed")
    else:
        life.another_round()


def _merged(lives: Lives, life: Life, command: Any) -> None:
    life.goes_to("merged")
    lives.all[command.master].people += life.people
    for child in lives.merged_into(life.number):
        child.master = command.master
        life.people -= child.people
    life.master = command.master


def _split(lives: Lives, life: Life, command: Any) -> None:
    lives.all[life.master].people -= life.people
    life.back_to_the_centre()
    life.master = ""


def _returned_to_the_centre(lives: Lives, life: Life, command: Any) -> None:
    life.back_to_the_centre()


def _reopened(lives: Lives, life: Life, command: Any) -> None:
    life.another_round()
    life.lead = life.holder


def _suspension(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    hours = data.draw(st.sampled_from([-1, 1, 30, 24 * 10, 24 * 59, 24 * 61]), "hours")
    reason = data.draw(st.sampled_from(handling.SUSPENSION_REASONS))
    return {"reason": reason, "review_at": lives.now + timedelta(hours=hours)}


_PIECES = st.sampled_from([("劳动合同",), ("考勤记录",), ("劳动合同", "考勤记录")])


def _material(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    days = data.draw(st.sampled_from([0, 5, -1]), "days to send it")
    return {"pieces": data.draw(_PIECES, "pieces"), "due_on": (lives.now + timedelta(days=days)).date()}


def _pieces(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    return {"pieces": data.draw(_PIECES, "pieces")}


def _reply(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    ago = data.draw(st.sampled_from([0, 0, 3, -1]), "hours ago")
    contacted_at = lives.now - timedelta(hours=ago)
    return {
        "text": "已督促用人单位足额发放", "basis": "《保障农民工工资支付条例》", "contacted_at": contacted_at,
        "contact_way": "phone", "outcome": "settlement", "recovered": Decimal(356000), "helped": 12,
    }  # fmt: skip


def _supervision(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    days = data.draw(st.sampled_from([None, 2, 30, -1]), "days to answer")
    return {"note": "请三日内报告", "due_at": None if days is None else lives.now + timedelta(days=days)}


def _another(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    return {"master": data.draw(st.sampled_from([*lives.all, "QH12351-20200101-000001"]), "master"), "reason": "同一批"}


def _transfer(data: st.DataObject, lives: Lives, life: Life) -> dict[str, Any]:
    """With no number there, or the same for every ticket of the example."""
    number = data.draw(st.sampled_from(["", f"DH{min(lives.all)}"]), "their number")
    return {"peer": "12345", "peer_number": number, "note": "非劳动事项"}


def _has_another(lives: Lives, life: Life) -> bool:
    return any(other.number != life.number and other.state in MASTERS for other in lives.all.values())


_GOOD, _BAD, _UNFAIR = (
    Answers(contacted=True, resolved=True, satisfaction=5),
    Answers(contacted=True, resolved=False, satisfaction=1, reason="late"),
    Answers(contacted=True, resolved=True, satisfaction=1, reason="policy_does_not_allow"),
)
_CALLS = [
    {"result": "answered", "answers": _GOOD},
    {"result": "answered", "answers": _BAD},
    {"result": "answered", "answers": _UNFAIR},
    {"result": "answered", "answers": Answers(contacted=True, resolved=False, satisfaction=1)},
    {"result": "answered", "answers": None},
    {"result": "refused", "answers": None},
    {"result": "unreachable", "answers": None},
]

_AGENTS, _DESK = ("agent1", "agent2"), ("dispatcher1",)
_SUPERVISOR = ("supervisor1",)
_HANDLER, _LEADER = ("handler@holder",), ("leader@holder",)
_LEAD = ("handler@lead", "leader@lead")
_EXTENDERS = (*_DESK, *_SUPERVISOR, "leader@above")


def _inner(lives: Lives, life: Life) -> bool:
    return bool(life.inner)


def _action(name: str, use_case: Callable[..., Any], command: type, who: tuple[str, ...], sources: Any, effect: Effect,
            fill: Fill = _says(), when: Callable[[Lives, Life], bool] = lambda lives, life: True) -> Action:  # fmt: skip
    return Action(name, use_case, command, who, frozenset(sources), effect, fill, when)


# fmt: off
ACTIONS: tuple[Action, ...] = (
    _action("accept", intake.accept_ticket, intake.AcceptTicket, (*_AGENTS, *_DESK), {"registered"}, _to("accepted"),
            _draws(tier=st.sampled_from([None, Tier.difficult, Tier.complex]), tier_reason=st.sampled_from(["需调查", ""]))),
    _action("answer", intake.answer_ticket, intake.AnswerTicket, (*_AGENTS, "lawyer1"), {"accepted"}, _to("answered"), _says(answer="依法应支付")),
    _action("reject", dispatching.ask_rejection, dispatching.AskRejection, _AGENTS, {"accepted"}, _stays, _says(reason="out_of_scope", note="已告知")),
    _action("grant rejection", dispatching.grant_rejection, DecideRequest, _DESK, {"accepted"}, _to("rejected")),
    _action("refuse rejection", dispatching.refuse_rejection, DecideRequest, _DESK, {"accepted"}, _stays),
    _action("dispatch", dispatching.dispatch_ticket, dispatching.DispatchTicket, _DESK, {"accepted"}, _dispatched,
            _draws(org_code=st.sampled_from([HAIXI, GOLMUD, DELINGHA, HAIXI, PROVINCE_CODE, "999999"]),
                   assisting=st.sampled_from([(), (), (GOLMUD,), (HAIXI, DELINGHA), ("999999",)]), adjudicated=st.booleans())),
    _action("sign", handling.sign_ticket, handling.SignTicket, _HANDLER, {"to_sign"}, _does(Life.signed)),
    _action("return", dispatching.ask_return, dispatching.AskReturn, _HANDLER, {"to_sign"}, _return_asked("centre"), _says(reason="不属本地")),
    _action("grant return", dispatching.grant_return, DecideRequest, _DESK, {"to_sign"}, _returned_to_the_centre),
    _action("refuse return", dispatching.refuse_return, DecideRequest, _DESK, {"to_sign"}, _return_asked("")),
    _action("pass down", passing_down.pass_down, passing_down.PassDown, (*_HANDLER, *_LEADER), {"in_progress"}, _passed_down,
            _draws(org_code=st.sampled_from([GOLMUD, DELINGHA, HAIXI, STRANGER, "999999"]))),
    _action("return up", passing_down.return_up, passing_down.ReturnUp, _HANDLER, {"to_sign"}, _return_asked("above"), _says(reason="不属本地"), _inner),
    _action("take back", passing_down.take_back, passing_down.DecideBelow, _LEAD, WITH_A_UNION, _taken_back, when=_inner),
    _action("keep down", passing_down.keep_down, passing_down.DecideBelow, _LEAD, {"to_sign"}, _return_asked(""), when=_inner),
    _action("assign", assigning.assign_ticket, assigning.AssignTicket, (*_HANDLER, *_LEADER), {*WITH_A_UNION, "replied"}, _stays,
            _draws(username=st.sampled_from([f"handler-{union}" for union in UNIONS]))),
    _action("contact", handling.record_contact, handling.RecordContact, _HANDLER, {"in_progress"}, _contacted, _says(way="phone", note="已联系")),
    _action("extend", handling.ask_extension, handling.AskExtension, _HANDLER, WITH_A_UNION, _stays,
            _draws(days=st.sampled_from([1, 5, 6]), reason=st.just("须调解"))),
    _action("grant extension", handling.grant_extension, DecideRequest, _EXTENDERS, WITH_A_UNION, _stays),
    _action("refuse extension", handling.refuse_extension, DecideRequest, _EXTENDERS, WITH_A_UNION, _stays),
    _action("suspend", handling.ask_suspension, handling.AskSuspension, _HANDLER, {"in_progress"}, _asked_to_suspend, _suspension),
    _action("grant suspension", handling.grant_suspension, DecideRequest, (*_DESK, *_SUPERVISOR), {"in_progress"}, _suspended),
    _action("refuse suspension", handling.refuse_suspension, DecideRequest, (*_DESK, *_SUPERVISOR), {"in_progress"}, _stays),
    _action("set task", assisting.set_task, assisting.SetTask, (*_DESK, *_HANDLER, "handler@lead"), WITH_A_UNION, _task_set,
            _draws(org_code=st.sampled_from([HAIXI, GOLMUD, DELINGHA, PROVINCE_CODE, "999999"]), ask=st.just("请协查"))),
    _action("answer task", assisting.answer_task, assisting.AnswerTask, tuple(f"handler-{union}" for union in UNIONS), OPEN, _stays, _says(answer="已协查")),
    _action("call off task", assisting.call_off_task, assisting.CallOffTask, (*_DESK, *_HANDLER, "handler@lead"), OPEN, _stays,
            _draws(org_code=st.sampled_from(UNIONS))),
    _action("ask material", materials.ask_material, materials.AskMaterial, _HANDLER, {"in_progress"}, _stays, _material),
    _action("receive material", materials.receive_material, materials.SettleMaterial, _HANDLER, {"in_progress"}, _stays, _pieces),
    _action("waive material", materials.waive_material, materials.SettleMaterial, _HANDLER, {"in_progress"}, _stays, _pieces),
    _action("resume", handling.resume_ticket, handling.ResumeTicket, _HANDLER, {"in_progress"}, _resumed, when=lambda lives, life: life.review_at is not None),
    _action("retier", dispatching.retier_ticket, dispatching.RetierTicket, _DESK, MASTERS, _stays, _draws(tier=st.sampled_from(Tier), reason=st.just("需鉴定"))),
    _action("reply", handling.reply_to_ticket, handling.ReplyToTicket, _HANDLER, {"in_progress"}, _to("replied"), _reply),
    _action("send back", closing.send_reply_back, closing.ReviewReply, _LEADER, {"replied"}, _sent_back, _says(note="未写明依据")),
    _action("approve", closing.approve_reply, closing.ReviewReply, _LEADER, {"replied"}, _approved),
    _action("call back", record_callback, RecordCallback, _AGENTS, {"to_callback"}, _called_back, lambda data, lives, life: data.draw(st.sampled_from(_CALLS), "call")),
    _action("close", close_unreachable, CloseUnreachable, _AGENTS, {"to_callback"}, _to("closed")),
    _action("redo", closing.order_redo, closing.OrderRedo, _SUPERVISOR, {"to_callback"}, _does(Life.another_round), _says(reason="与事实不符")),
    _action("reopen", closing.reopen_ticket, closing.ReopenTicket, _SUPERVISOR, {"closed"}, _reopened, _says(reason="新证据")),
    _action("merge", together.merge_ticket, together.MergeTicket, (*_AGENTS, *_DESK), {"accepted"}, _merged, _another, _has_another),
    _action("split", together.split_ticket, together.SplitTicket, (*_AGENTS, *_DESK), {"merged"}, _split, _says(reason="另一工地")),
    _action("withdraw", endings.withdraw_ticket, endings.EndTicket, _AGENTS, OPEN, _to("withdrawn"), _says(reason="已付清")),
    _action("transfer out", endings.transfer_out, endings.TransferOut, _DESK, {"accepted"}, _to("transferred_out"), _transfer),
    _action("terminate", endings.terminate_ticket, endings.EndTicket, _SUPERVISOR, MASTERS | {"replied"}, _to("terminated"), _says(reason="无法办理")),
    _action("urge", closing.urge_ticket, closing.AddNote, (*_AGENTS, *_DESK, *_SUPERVISOR), OPEN, _stays, _says(note="再次来电")),
    _action("supervise", supervising.supervise_ticket, supervising.SuperviseTicket, _SUPERVISOR, OPEN, _stays, _supervision),
    _action("answer supervision", supervising.answer_supervision, supervising.AnswerSupervision, (*_HANDLER, *_LEADER), OPEN, _stays, _says(text="已约谈")),
    _action("return supervision", supervising.return_supervision, supervising.ReviewSupervision, _SUPERVISOR, OPEN, _stays, _says(note="请补充")),
    _action("close supervision", supervising.close_supervision, supervising.ReviewSupervision, _SUPERVISOR, OPEN, _stays),
)
# fmt: on
