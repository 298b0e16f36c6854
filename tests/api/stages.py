"""For each step of the API: a ticket that waits for it, and somebody who may take it."""

from collections.abc import Callable
from datetime import timedelta

from service.ratings.excluding import AskExclusion, DecideExclusion, ask_exclusion, support_exclusion
from service.tickets.assisting import SetTask, set_task
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.confidentiality import Confidentiality
from service.tickets.consulting import AskConsult, ask_consult
from service.tickets.dispatching import (
    AskRejection,
    AskReturn,
    RetierTicket,
    ask_rejection,
    ask_return,
    retier_ticket,
)
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    ask_extension,
    ask_suspension,
    grant_suspension,
)
from service.tickets.links import LinkTickets, link_tickets
from service.tickets.materials import AskMaterial, ask_material
from service.tickets.passing_down import PassDown, ReturnUp, pass_down, return_up
from service.tickets.requests import DecideRequest
from service.tickets.supervising import AnswerSupervision, SuperviseTicket, answer_supervision, supervise_ticket
from service.tickets.together import MergeTicket, merge_ticket
from sla_rules import Tier
from tests.desk import GOLMUD, HAIXI, Desk

DELINGHA = "632802"
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


def suspended(desk: Desk) -> str:
    number = desk.in_progress()
    asked = AskSuspension(number=number, reason="legal_procedure", review_at=desk.clock.now() + timedelta(days=5))
    desk.do(HANDLER, ask_suspension, asked)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    return number


def return_asked(desk: Desk) -> str:
    number = desk.dispatched()
    desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不属本市"))
    return number


def extension_asked(desk: Desk, org: str = GOLMUD) -> str:
    number = desk.in_progress(org)
    desk.do(f"handler-{org}", ask_extension, AskExtension(number=number, days=3, reason="须调解"))
    return number


def suspension_asked(desk: Desk) -> str:
    number = desk.in_progress()
    asked = AskSuspension(number=number, reason="caller_unreachable", review_at=desk.clock.now() + timedelta(days=5))
    desk.do(HANDLER, ask_suspension, asked)
    return number


def rejection_asked(desk: Desk) -> str:
    number = desk.accepted()
    desk.do("agent1", ask_rejection, AskRejection(number=number, reason="out_of_scope", note="已告知"))
    return number


def replied(desk: Desk) -> str:
    number = desk.in_progress()
    desk.reply(number)
    return number


def three_times_unreached(desk: Desk) -> str:
    """Three calls on two days, in the morning and in the afternoon."""
    from service.ratings.recording import RecordCallback, record_callback

    number = desk.to_callback()
    for hours in (0, 6, 20):
        desk.wait(hours=hours)
        desk.do("agent2", record_callback, RecordCallback(number=number, result="unreachable"))
    return number


CITY_HANDLER = f"handler-{HAIXI}"


def passed_down(desk: Desk) -> str:
    number = desk.in_progress(HAIXI)
    desk.do(CITY_HANDLER, pass_down, PassDown(number=number, org_code=GOLMUD))
    return number


def return_up_asked(desk: Desk) -> str:
    number = passed_down(desk)
    desk.do(HANDLER, return_up, ReturnUp(number=number, reason="不属本市"))
    return number


def material_asked(desk: Desk) -> str:
    number = desk.in_progress()
    due_on = (desk.clock.now() + timedelta(days=5)).date()
    desk.do(HANDLER, ask_material, AskMaterial(number=number, pieces=("劳动合同", "考勤记录"), due_on=due_on))
    return number


def task_set(desk: Desk) -> str:
    number = desk.in_progress()
    desk.do(HANDLER, set_task, SetTask(number=number, org_code=DELINGHA, ask="请核实工资表"))
    return number


def consult_asked(desk: Desk) -> str:
    number = desk.in_progress()
    desk.do(HANDLER, ask_consult, AskConsult(number=number, question="能否申请仲裁?"))
    return number


def confided(desk: Desk) -> str:
    return desk.in_progress(confidentiality=Confidentiality.from_unions)


def supervised(desk: Desk) -> str:
    number = desk.in_progress()
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展"))
    return number


def supervision_answered(desk: Desk) -> str:
    number = supervised(desk)
    desk.do(HANDLER, answer_supervision, AnswerSupervision(number=number, text="已约谈用人单位"))
    return number


def exclusion_asked(desk: Desk) -> str:
    number = unfairly_rated(desk)
    desk.do(LEADER, ask_exclusion, AskExclusion(number=number, about="rating", reason="超出政策规定"))
    return number


def exclusion_supported(desk: Desk) -> str:
    number = exclusion_asked(desk)
    desk.do("dispatcher1", support_exclusion, DecideExclusion(number=number, note="属实"))
    return number


def unfairly_rated(desk: Desk) -> str:
    number = desk.to_callback()
    desk.rate(number, satisfaction=1, reason="policy_does_not_allow")
    return number


def one_of_two(desk: Desk) -> str:
    """The later of two accepted tickets; in a fresh database the earlier is the one that examples name as master."""
    desk.in_progress()
    return desk.accepted()


def linked(desk: Desk) -> str:
    other, number = desk.in_progress(), desk.accepted()
    desk.do("agent1", link_tickets, LinkTickets(number=number, other=other, kind="related"))
    return number


def merged(desk: Desk) -> str:
    master, number = desk.in_progress(), desk.accepted()
    desk.do("agent1", merge_ticket, MergeTicket(number=number, master=master, reason="同一批欠薪"))
    return number


def to_be_answered_for_good(desk: Desk) -> str:
    """Done again twice, and the worker still says that it is not resolved."""
    number = desk.to_callback()
    for _ in range(2):
        desk.rate(number, resolved=False, satisfaction=1, reason="not_resolved")
        desk.reply(number)
        desk.do(LEADER, approve_reply, ReviewReply(number=number))
    desk.rate(number, resolved=False, satisfaction=1, reason="not_resolved")
    return number


def drawn_for_quality(desk: Desk) -> str:
    """A specially complex matter: each of them is drawn."""
    number = desk.in_progress()
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="须鉴定"))
    desk.reply(number)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    return number


# Action → who takes it, and how a ticket comes to wait for it.
STAGES: dict[str, tuple[str, Callable[[Desk], str]]] = {
    "accept": ("agent1", Desk.registered),
    "answer": ("lawyer1", Desk.accepted),
    "reject": ("agent1", Desk.accepted),
    "dispatch": ("dispatcher1", Desk.accepted),
    "sign": (HANDLER, Desk.dispatched),
    "return": (HANDLER, Desk.dispatched),
    "assign": (LEADER, Desk.in_progress),
    "contact": (HANDLER, Desk.in_progress),
    "extend": (HANDLER, Desk.in_progress),
    "suspend": (HANDLER, material_asked),
    "ask-material": (HANDLER, Desk.in_progress),
    "receive-material": (HANDLER, material_asked),
    "waive-material": (HANDLER, material_asked),
    "resume": (HANDLER, suspended),
    "retier": ("dispatcher1", Desk.in_progress),
    "reply": (HANDLER, Desk.in_progress),
    "approve": (LEADER, replied),
    "send-back": (LEADER, replied),
    "callback": ("agent2", Desk.to_callback),
    "close": ("agent2", three_times_unreached),
    "redo": ("supervisor1", Desk.to_callback),
    "reopen": ("supervisor1", Desk.closed),
    "urge": ("agent1", Desk.in_progress),
    "supervise": ("supervisor1", Desk.in_progress),
    "note": ("agent1", Desk.in_progress),
    "raise-confidentiality": (HANDLER, Desk.in_progress),
    "lower-confidentiality": ("agent1", confided),
    "pass-down": (CITY_HANDLER, lambda desk: desk.in_progress(HAIXI)),
    "return-up": (HANDLER, passed_down),
    "take-back": (CITY_HANDLER, passed_down),
    "keep-down": (CITY_HANDLER, return_up_asked),
    "link": ("agent1", one_of_two),
    "unlink": ("agent1", linked),
    "ask-exclusion": (LEADER, unfairly_rated),
    "support-exclusion": ("supervisor1", exclusion_asked),
    "exclude": ("supervisor1", exclusion_supported),
    "keep-counted": ("supervisor1", exclusion_asked),
    "ask-consult": (HANDLER, Desk.in_progress),
    "set-task": (HANDLER, Desk.in_progress),
    "answer-task": (f"handler-{DELINGHA}", task_set),
    "call-off-task": (HANDLER, task_set),
    "take-consult": ("lawyer1", consult_asked),
    "answer-consult": ("lawyer1", consult_asked),
    "answer-supervision": (HANDLER, supervised),
    "final-answer": (LEADER, to_be_answered_for_good),
    "pass-quality": ("supervisor1", drawn_for_quality),
    "fail-quality": ("supervisor1", drawn_for_quality),
    "return-supervision": ("supervisor1", supervision_answered),
    "close-supervision": ("supervisor1", supervision_answered),
    "merge": ("agent1", one_of_two),
    "split": ("agent1", merged),
    "withdraw": ("agent1", Desk.in_progress),
    "transfer-out": ("dispatcher1", Desk.accepted),
    "terminate": ("supervisor1", Desk.in_progress),
    "decide": ("dispatcher1", return_asked),
}

DECISIONS: dict[str, Callable[[Desk], str]] = {
    "rejection": rejection_asked,
    "return": return_asked,
    "extension": lambda desk: extension_asked(desk, HAIXI),
    "suspension": suspension_asked,
}
