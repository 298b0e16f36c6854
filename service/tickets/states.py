"""The life of a ticket as a table: who may take which step from where, and what it does to the clocks.

Pure: no session, no clock. Use-cases look a step up here; a step that is not in the table cannot be taken.
Source: the hotline's handling rules (登记、受理、派单、签收、办理、反馈、审核、回访、办结).
"""

from dataclasses import dataclass
from enum import StrEnum

from service.identity.permissions import Permission
from sla_rules import ClockKind


class State(StrEnum):
    """Where a ticket stands. The value is stored; `STATE_NAMES` has the words for people."""

    registered = "registered"
    accepted = "accepted"
    to_sign = "to_sign"
    in_progress = "in_progress"
    replied = "replied"
    to_callback = "to_callback"
    closed = "closed"
    archived = "archived"
    answered = "answered"
    rejected = "rejected"
    merged = "merged"
    transferred_out = "transferred_out"
    withdrawn = "withdrawn"
    terminated = "terminated"


STATE_NAMES: dict[State, tuple[str, str]] = {
    State.registered: ("已登记", "registered"),
    State.accepted: ("已受理", "accepted"),
    State.to_sign: ("待签收", "waiting to be signed for"),
    State.in_progress: ("办理中", "in progress"),
    State.replied: ("待审核", "reply waiting for review"),
    State.to_callback: ("待回访", "waiting for call-back"),
    State.closed: ("已办结", "closed"),
    State.archived: ("已归档", "archived"),
    State.answered: ("直接答复", "answered at once"),
    State.rejected: ("不予受理", "not accepted"),
    State.merged: ("已并单", "merged"),
    State.transferred_out: ("已转出", "transferred out"),
    State.withdrawn: ("撤回", "withdrawn"),
    State.terminated: ("终止办理", "terminated"),
}

ENDED = frozenset(
    {
        State.closed,
        State.archived,
        State.answered,
        State.rejected,
        State.merged,
        State.transferred_out,
        State.withdrawn,
        State.terminated,
    }
)
OPEN = frozenset(State) - ENDED
# A matter may be closed under supervision: what it still owes is owed to the supervisor.
SUPERVISED = OPEN | {State.closed}
# Where a matter may stand once a union had it: what counts against the union can be asked to be left out.
SCORED = (OPEN | {State.closed, State.archived, State.withdrawn, State.terminated}) - {State.registered}


class Place(StrEnum):
    """From where a step may be taken."""

    centre = "centre"  # the provincial intake
    holder = "holder"  # the union that has the ticket now
    scope = "scope"  # any union that sees the ticket
    lead = "lead"  # the union that is answerable while one below it has the ticket
    charge = "charge"  # who has the ticket, the union answerable for it, or the centre
    above = "above"  # a union above the holder: who asked does not decide
    service = "service"  # nobody: the system does it by itself


class Step(StrEnum):
    """Every step. The value is the last part of the URL where a person can take it."""

    register = "register"
    accept = "accept"
    answer = "answer"
    reject = "reject"
    grant_rejection = "grant-rejection"
    refuse_rejection = "refuse-rejection"
    dispatch = "dispatch"
    sign = "sign"
    sign_by_silence = "sign-by-silence"
    return_ = "return"
    grant_return = "grant-return"
    refuse_return = "refuse-return"
    pass_down = "pass-down"
    return_up = "return-up"
    take_back = "take-back"
    keep_down = "keep-down"
    endorse = "endorse"
    assign = "assign"
    contact = "contact"
    extend = "extend"
    pass_extension_up = "pass-extension-up"
    grant_extension = "grant-extension"
    refuse_extension = "refuse-extension"
    suspend = "suspend"
    grant_suspension = "grant-suspension"
    refuse_suspension = "refuse-suspension"
    resume = "resume"
    resume_by_review = "resume-by-review"
    retier = "retier"
    reply = "reply"
    send_back = "send-back"
    approve = "approve"
    callback = "callback"
    close = "close"
    redo = "redo"
    redo_by_rating = "redo-by-rating"
    reopen = "reopen"
    urge = "urge"
    supervise = "supervise"
    answer_supervision = "answer-supervision"
    return_supervision = "return-supervision"
    close_supervision = "close-supervision"
    final_answer = "final-answer"
    pass_quality = "pass-quality"
    fail_quality = "fail-quality"
    ask_exclusion = "ask-exclusion"
    support_exclusion = "support-exclusion"
    exclude = "exclude"
    keep_counted = "keep-counted"
    ask_consult = "ask-consult"
    take_consult = "take-consult"
    answer_consult = "answer-consult"
    ask_material = "ask-material"
    receive_material = "receive-material"
    waive_material = "waive-material"
    set_task = "set-task"
    answer_task = "answer-task"
    call_off_task = "call-off-task"
    link = "link"
    unlink = "unlink"
    note = "note"
    raise_confidentiality = "raise-confidentiality"
    lower_confidentiality = "lower-confidentiality"
    merge = "merge"
    split_ = "split"
    follow_master = "follow-master"
    split_by_master = "split-by-master"
    withdraw = "withdraw"
    withdraw_by_worker = "withdraw-by-worker"
    transfer_out = "transfer-out"
    terminate = "terminate"
    archive = "archive"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    `target` None leaves the state. `stops` and `starts` name clocks; `pauses` and `resumes` act on the clocks a
    suspension holds; `runs_on` takes the stop of the resolve clock back; `new_cycle` begins another round.
    """

    step: Step
    sources: frozenset[State]
    target: State | None
    permission: Permission | None
    place: Place
    event: str
    name_zh: str
    name_en: str
    stops: tuple[ClockKind, ...] = ()
    starts: tuple[ClockKind, ...] = ()
    pauses: bool = False
    resumes: bool = False
    runs_on: bool = False
    new_cycle: bool = False


S, P, C = State, Permission, ClockKind

# The clocks a suspension holds: the citizen's promise and the first contact, never the signing or the centre's own.
PAUSABLE = (C.resolve, C.first_contact)

# A leg stops, rests and runs on with the resolve clock it is a part of.
EVERY_CLOCK = tuple(kind for kind in ClockKind if kind is not ClockKind.leg)

# The clock whose deadline a queue is sorted by, for each open state.
GOVERNING: dict[State, ClockKind] = {
    S.registered: C.dispatch,
    S.accepted: C.resolve,
    S.to_sign: C.resolve,
    S.in_progress: C.resolve,
    S.replied: C.resolve,
    S.to_callback: C.callback,
}


def _row(
    step: Step,
    sources: set[State] | frozenset[State],
    target: State | None,
    permission: Permission | None,
    place: Place,
    event: str,
    name_zh: str,
    name_en: str,
    *,
    stops: tuple[ClockKind, ...] = (),
    starts: tuple[ClockKind, ...] = (),
    pauses: bool = False,
    resumes: bool = False,
    runs_on: bool = False,
    new_cycle: bool = False,
) -> Transition:
    return Transition(
        step=step,
        sources=frozenset(sources),
        target=target,
        permission=permission,
        place=place,
        event=f"ticket:{event}",
        name_zh=name_zh,
        name_en=name_en,
        stops=stops,
        starts=starts,
        pauses=pauses,
        resumes=resumes,
        runs_on=runs_on,
        new_cycle=new_cycle,
    )


# fmt: off
_ROWS = (
    # Intake. The dispatch clock is the centre's own: from registration until the matter has left its hands.
    _row(Step.register, set(), S.registered, P.ticket_create, Place.centre, "registered", "登记", "register", starts=(C.dispatch,)),
    _row(Step.accept, {S.registered}, S.accepted, P.ticket_accept, Place.centre, "accepted", "受理", "accept", starts=(C.resolve,)),
    _row(Step.answer, {S.accepted}, S.answered, P.ticket_answer, Place.centre, "answered", "直接答复", "answer", stops=(C.dispatch, C.resolve)),
    _row(Step.reject, {S.accepted}, None, P.ticket_reject, Place.centre, "rejection_asked", "申请不予受理", "ask for rejection"),
    _row(Step.grant_rejection, {S.accepted}, S.rejected, P.rejection_decide, Place.centre, "rejected", "确认不予受理", "confirm rejection", stops=(C.dispatch, C.resolve)),
    _row(Step.refuse_rejection, {S.accepted}, None, P.rejection_decide, Place.centre, "rejection_refused", "不同意不予受理", "refuse rejection"),
    # Dispatch and signing. A union that signs after all has taken its question for a return back.
    _row(Step.dispatch, {S.accepted}, S.to_sign, P.ticket_dispatch, Place.centre, "dispatched", "派单", "dispatch", stops=(C.dispatch,), starts=(C.sign,)),
    _row(Step.sign, {S.to_sign}, S.in_progress, P.ticket_sign, Place.holder, "signed", "签收", "sign", stops=(C.sign, C.dispatch), starts=(C.first_contact,)),
    _row(Step.sign_by_silence, {S.to_sign}, S.in_progress, None, Place.service, "signed_by_silence", "逾期自动签收", "sign by silence", stops=(C.sign, C.dispatch), starts=(C.first_contact,)),
    # Asking for a return ends the signing limit (the union did not stay silent) and puts the centre on the clock.
    _row(Step.return_, {S.to_sign}, None, P.ticket_return, Place.holder, "return_asked", "申请退单", "ask for return", stops=(C.sign,), starts=(C.dispatch,)),
    _row(Step.grant_return, {S.to_sign}, S.accepted, P.return_decide, Place.centre, "returned", "同意退单", "grant return", stops=(C.sign, C.first_contact)),
    _row(Step.refuse_return, {S.to_sign}, None, P.return_decide, Place.centre, "return_refused", "不同意退单", "refuse return", stops=(C.dispatch,), starts=(C.sign,)),
    # Down the tree and back: the city stays answerable, its clock goes on, and nobody gains time.
    _row(Step.pass_down, {S.in_progress}, S.to_sign, P.ticket_pass_down, Place.holder, "passed_down", "下派", "pass down", starts=(C.sign,)),
    _row(Step.return_up, {S.to_sign}, None, P.ticket_return, Place.holder, "return_up_asked", "申请退回上级", "ask to hand back up", stops=(C.sign,)),
    _row(Step.take_back, {S.to_sign, S.in_progress}, S.in_progress, P.ticket_pass_down, Place.lead, "taken_back", "收回自办", "take back", stops=(C.sign, C.dispatch)),
    _row(Step.keep_down, {S.to_sign}, None, P.ticket_pass_down, Place.lead, "kept_down", "不同意退回", "refuse to take back", starts=(C.sign,)),
    _row(Step.endorse, {S.replied}, None, None, Place.service, "endorsed", "下级审核通过", "endorse"),
    # Handling. Until its reply is approved the matter is somebody's of the union that holds it.
    _row(Step.assign, {S.to_sign, S.in_progress, S.replied}, None, P.ticket_assign, Place.holder, "assigned", "指定承办人", "assign to a person"),
    _row(Step.contact, {S.in_progress}, None, P.ticket_contact, Place.holder, "contacted", "联系职工", "contact the worker", stops=(C.first_contact,)),
    _row(Step.extend, {S.to_sign, S.in_progress}, None, P.ticket_extend, Place.holder, "extension_asked", "申请延期", "ask for extension"),
    _row(Step.pass_extension_up, {S.to_sign, S.in_progress}, None, P.extension_decide, Place.above, "extension_passed_up", "同意延期并报省级", "support extension"),
    _row(Step.grant_extension, {S.to_sign, S.in_progress}, None, P.extension_decide, Place.above, "extended", "同意延期", "grant extension"),
    _row(Step.refuse_extension, {S.to_sign, S.in_progress}, None, P.extension_decide, Place.above, "extension_refused", "不同意延期", "refuse extension"),
    _row(Step.suspend, {S.in_progress}, None, P.ticket_suspend, Place.holder, "suspension_asked", "申请挂起", "ask for suspension"),
    _row(Step.grant_suspension, {S.in_progress}, None, P.suspension_decide, Place.centre, "suspended", "同意挂起", "grant suspension", pauses=True),
    _row(Step.refuse_suspension, {S.in_progress}, None, P.suspension_decide, Place.centre, "suspension_refused", "不同意挂起", "refuse suspension"),
    _row(Step.resume, {S.in_progress}, None, P.ticket_suspend, Place.holder, "resumed", "恢复办理", "resume", resumes=True),
    _row(Step.resume_by_review, {S.in_progress}, None, None, Place.service, "resumed_by_review", "挂起到期自动恢复", "resume at review date", resumes=True),
    _row(Step.ask_material, {S.in_progress}, None, P.material_ask, Place.holder, "material_asked", "请求补充材料", "ask for material"),
    _row(Step.receive_material, {S.in_progress}, None, P.material_ask, Place.holder, "material_received", "收到补充材料", "material received"),
    _row(Step.waive_material, {S.in_progress}, None, P.material_ask, Place.holder, "material_waived", "不再需要补充材料", "material needed no longer"),
    _row(Step.retier, {S.accepted, S.to_sign, S.in_progress}, None, P.ticket_retier, Place.centre, "retiered", "改级", "re-tier"),
    _row(Step.reply, {S.in_progress}, S.replied, P.ticket_reply, Place.holder, "replied", "反馈", "reply", stops=(C.resolve, C.first_contact)),
    _row(Step.send_back, {S.replied}, S.in_progress, P.ticket_approve, Place.holder, "sent_back", "审核退回", "send back", runs_on=True),
    _row(Step.approve, {S.replied}, S.to_callback, P.ticket_approve, Place.holder, "approved", "审核通过", "approve", starts=(C.callback,)),
    # Call-back, rating, another round.
    _row(Step.callback, {S.to_callback}, None, P.ticket_callback, Place.centre, "callback_attempted", "回访", "call back"),
    _row(Step.close, {S.to_callback}, S.closed, P.ticket_callback, Place.centre, "closed", "办结", "close", stops=(C.callback,)),
    _row(Step.redo, {S.to_callback}, S.in_progress, P.ticket_redo, Place.centre, "redo_ordered", "重办", "order redo", stops=(C.callback,), starts=(C.resolve,), new_cycle=True),
    _row(Step.redo_by_rating, {S.to_callback}, S.in_progress, None, Place.service, "redo_by_rating", "评价不满意重办", "redo after rating", stops=(C.callback,), starts=(C.resolve,), new_cycle=True),
    _row(Step.reopen, {S.closed}, S.in_progress, P.ticket_reopen, Place.centre, "reopened", "重新办理", "reopen", starts=(C.resolve,), new_cycle=True),
    # What was drawn for a quality check is judged beside the call-back or after it; failing leads to a redo or a reopening.
    _row(Step.pass_quality, {S.to_callback, S.closed}, None, P.ticket_redo, Place.centre, "quality_passed", "质检合格", "pass the quality check"),
    _row(Step.fail_quality, {S.to_callback, S.closed}, None, P.ticket_redo, Place.centre, "quality_failed", "质检不合格", "fail the quality check"),
    # Together and apart. A merged matter keeps its caller, number, call-back and rating; its clocks go on in the master's.
    _row(Step.merge, {S.accepted}, S.merged, P.ticket_merge, Place.centre, "merged", "并单", "merge", stops=(C.dispatch, C.resolve)),
    _row(Step.split_, {S.merged}, S.accepted, P.ticket_merge, Place.centre, "split", "拆单", "split", starts=(C.dispatch,), runs_on=True),
    _row(Step.split_by_master, {S.merged}, S.accepted, None, Place.service, "split_by_master", "主单终结后拆单", "split as the master ended", starts=(C.dispatch,), runs_on=True),
    _row(Step.follow_master, {S.merged}, S.to_callback, None, Place.service, "followed_master", "随主单待回访", "follow the master to its call-back", starts=(C.callback,)),
    # Other ends.
    _row(Step.withdraw, OPEN, S.withdrawn, P.ticket_withdraw, Place.centre, "withdrawn", "撤回", "withdraw", stops=EVERY_CLOCK),
    _row(Step.withdraw_by_worker, OPEN, S.withdrawn, None, Place.service, "withdrawn_by_worker", "职工撤回", "withdraw as the worker wishes", stops=EVERY_CLOCK),
    _row(Step.transfer_out, {S.accepted}, S.transferred_out, P.ticket_transfer, Place.centre, "transferred_out", "转出", "transfer out", stops=(C.dispatch, C.resolve)),
    _row(Step.terminate, {S.accepted, S.to_sign, S.in_progress, S.replied}, S.terminated, P.ticket_terminate, Place.centre, "terminated", "终止办理", "terminate", stops=EVERY_CLOCK),
    _row(Step.archive, {S.closed, S.answered, S.rejected, S.transferred_out, S.withdrawn, S.terminated}, S.archived, None, Place.service, "archived", "归档", "archive"),
    # Beside any open state.
    _row(Step.urge, OPEN, None, P.ticket_urge, Place.scope, "urged", "催办", "urge"),
    _row(Step.supervise, OPEN, None, P.ticket_supervise, Place.above, "supervised", "督办", "supervise"),
    _row(Step.answer_supervision, SUPERVISED, None, P.supervision_answer, Place.holder, "supervision_answered", "答复督办", "answer the supervision"),
    _row(Step.return_supervision, SUPERVISED, None, P.ticket_supervise, Place.above, "supervision_returned", "督办答复退回", "send the supervision's answer back"),
    _row(Step.close_supervision, SUPERVISED, None, P.ticket_supervise, Place.above, "supervision_closed", "督办办结", "close the supervision"),
    _row(Step.final_answer, {S.closed}, None, P.ticket_approve, Place.holder, "final_answered", "出具最终答复", "give the final answer"),
    _row(Step.ask_exclusion, SCORED, None, P.exclusion_ask, Place.scope, "exclusion_asked", "申请剔除", "ask for exclusion"),
    _row(Step.support_exclusion, SCORED, None, P.exclusion_decide, Place.centre, "exclusion_supported", "同意剔除(待另一人确认)", "support the exclusion"),
    _row(Step.exclude, SCORED, None, P.exclusion_decide, Place.centre, "excluded", "确认剔除", "exclude it from the score"),
    _row(Step.keep_counted, SCORED, None, P.exclusion_decide, Place.centre, "exclusion_refused", "不同意剔除", "refuse the exclusion"),
    _row(Step.ask_consult, OPEN, None, P.consult_ask, Place.scope, "consult_asked", "法律咨询", "ask the lawyers"),
    _row(Step.take_consult, OPEN, None, P.consult_answer, Place.centre, "consult_taken", "承接法律咨询", "take the question on"),
    _row(Step.answer_consult, OPEN, None, P.consult_answer, Place.centre, "consult_answered", "答复法律咨询", "answer the question"),
    _row(Step.set_task, {S.to_sign, S.in_progress}, None, P.task_set, Place.charge, "task_set", "交办协办任务", "ask a union to assist"),
    _row(Step.answer_task, OPEN, None, P.task_answer, Place.scope, "task_answered", "答复协办任务", "answer the task"),
    _row(Step.call_off_task, OPEN, None, P.task_set, Place.charge, "task_called_off", "撤销协办任务", "call the task off"),
    # What belongs together is noted at any time, and taken back with a reason.
    _row(Step.link, frozenset(State), None, P.ticket_link, Place.scope, "linked", "关联工单", "link"),
    _row(Step.unlink, frozenset(State), None, P.ticket_link, Place.scope, "unlinked", "解除关联", "unlink"),
    _row(Step.note, frozenset(State), None, P.ticket_note, Place.scope, "noted", "备注", "note"),
    # The worker tells whoever rings them back; only who may see the caller, at the centre, lets others see them again.
    _row(Step.raise_confidentiality, frozenset(State), None, P.caller_reveal, Place.charge, "confidentiality_raised", "提高保密级别", "raise the confidentiality"),
    _row(Step.lower_confidentiality, frozenset(State), None, P.caller_reveal, Place.centre, "confidentiality_lowered", "降低保密级别", "lower the confidentiality"),
)
# fmt: on

TABLE: dict[Step, Transition] = {row.step: row for row in _ROWS}


def steps_from(state: State) -> tuple[Step, ...]:
    """The steps people can take from a state, in the order of the table."""
    return tuple(row.step for row in _ROWS if state in row.sources and row.permission is not None)
