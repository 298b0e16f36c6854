"""The steps of a ticket's life as forms: what each asks for, and how it is taken.

Which steps somebody may take on a ticket now is the ticket room's answer (`TicketView.possible_steps`); the body
each takes and what it does are the API's own table. Here stands only how a person is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from service.api.routers.steps import ACTIONS
from service.api.schemas import actions
from service.console import when, words
from service.console.forms import YES_NO, Field, Form, Option, OptionGroup, checked, of_unions, of_words, values_of
from service.core.clock import local
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import org_tree
from service.sla.rules import current_rules
from service.tickets.assigning import handlers
from service.tickets.assist import EarlierTicket, PossibleDuplicate, companions
from service.tickets.assisting import TaskView
from service.tickets.attachments import attachments_of
from service.tickets.catalogue import current_catalogue
from service.tickets.confidentiality import Confidentiality
from service.tickets.materials import MaterialView
from service.tickets.states import TABLE, Step
from service.tickets.suggestions import Suggested, suggest_tier, suggest_union
from service.tickets.taxonomy import leaves
from service.tickets.views import HandlerView, TicketView
from sla_rules import Tier

# Steps that decide a request are one address of the API; here each is a form of its own.
_DECIDES: Mapping[Step, tuple[str, str]] = {
    Step.grant_rejection: ("rejection", "grant"),
    Step.refuse_rejection: ("rejection", "refuse"),
    Step.grant_return: ("return", "grant"),
    Step.refuse_return: ("return", "refuse"),
    Step.grant_extension: ("extension", "grant"),
    Step.pass_extension_up: ("extension", "grant"),
    Step.refuse_extension: ("extension", "refuse"),
    Step.grant_suspension: ("suspension", "grant"),
    Step.refuse_suspension: ("suspension", "refuse"),
}
_ACTION_OF = {action.step: action for action in ACTIONS if action.step is not None}
_DECIDE = next(action for action in ACTIONS if action.body is actions.Decide)

# Steps that move the matter on; the others stand below them, folded.
_FORWARD = (
    Step.accept, Step.grant_rejection, Step.dispatch, Step.grant_return, Step.sign, Step.reply, Step.approve,
    Step.callback, Step.grant_extension, Step.pass_extension_up, Step.grant_suspension, Step.resume,
)  # fmt: skip

# The table's name says what becomes of the ticket; on a button it has to say when to press it.
_NAMES = {Step.close: Bilingual("多次无法接通,办结", "close: the worker can't be reached")}

_NOTE_LONGEST = 2_000
_SHORT_LONGEST = 50
_TEXT_LONGEST = 10_000


def _text(name: str, label: str, *, longest: int = _NOTE_LONGEST, hint: str = "", required: bool = True) -> Field:
    return Field(name=name, label=label, kind="text", required=required, longest=longest, hint=hint)


_NOTE = _text("note", "field.note", required=False)
_KNOWN_INSIDE = Field(name="known_inside", label="field.known_inside", kind="check", hint="hint.known_inside")
_ANSWERED_ONLY = "hint.answered_only"

_FIELDS: Mapping[Step, tuple[Field, ...]] = {
    Step.accept: (
        Field(name="tier", label="field.tier", kind="choice", optional_choice="choice.suggested_tier"),
        Field(name="tier_reason", label="field.tier_reason", longest=_NOTE_LONGEST, hint="hint.tier_reason"),
    ),
    Step.answer: (_text("answer", "field.answer", longest=_TEXT_LONGEST),),
    Step.reject: (
        Field(name="reason", label="field.reason", kind="choice", required=True, options=of_words(words.REJECTIONS)),
        _text("note", "field.told"),
    ),
    Step.dispatch: (
        Field(name="org_code", label="field.lead_union", kind="choice", required=True),
        Field(name="assisting", label="field.assisting", kind="codes", optional_choice="choice.none"),
        _text("assist_ask", "field.assist_ask", hint="hint.assist_ask", required=False),
        Field(name="assist_by", label="field.assist_by", kind="moment", hint="hint.answer_by"),
        _KNOWN_INSIDE,
        _NOTE,
        Field(name="adjudicated", label="field.adjudicated", kind="check", hint="hint.adjudicated"),
    ),
    Step.sign: (),
    Step.return_: (_text("reason", "field.return_reason", hint="hint.return"),),
    Step.pass_down: (
        Field(name="org_code", label="field.county", kind="choice", required=True),
        _KNOWN_INSIDE,
        _NOTE,
    ),
    Step.return_up: (_text("reason", "field.return_reason", hint="hint.return"),),
    Step.take_back: (_NOTE,),
    Step.keep_down: (_NOTE,),
    Step.assign: (Field(name="username", label="field.handler", kind="choice", required=True), _NOTE),
    Step.contact: (
        Field(name="way", label="field.way", kind="choice", required=True, options=of_words(words.WAYS)),
        _text("note", "field.contact_note"),
    ),
    Step.extend: (
        Field(name="days", label="field.days", kind="number", required=True, least=1, most=60),
        _text("reason", "field.reason"),
    ),
    Step.suspend: (
        Field(name="reason", label="field.reason", kind="choice", required=True, options=of_words(words.SUSPENSIONS)),
        Field(name="review_at", label="field.review_at", kind="moment", required=True, hint="hint.review_at"),
        _NOTE,
    ),
    Step.resume: (_NOTE,),
    Step.ask_material: (
        Field(
            name="pieces",
            label="field.material",
            kind="lines",
            required=True,
            longest=_NOTE_LONGEST,
            hint="hint.material",
        ),
        Field(name="due_on", label="field.material_by", kind="day", required=True),
    ),
    Step.receive_material: (Field(name="pieces", label="field.material_came", kind="checks"), _NOTE),
    Step.waive_material: (Field(name="pieces", label="field.material_waived", kind="checks"), _NOTE),
    Step.retier: (
        Field(name="tier", label="field.tier", kind="choice", required=True),
        _text("reason", "field.reason"),
    ),
    Step.reply: (
        _text("text", "field.reply_text", longest=_TEXT_LONGEST, hint="hint.reply_text"),
        _text("basis", "field.basis", hint="hint.basis"),
        Field(name="contacted_at", label="field.contacted_at", kind="moment", required=True),
        Field(name="contact_way", label="field.way", kind="choice", required=True, options=of_words(words.WAYS)),
        Field(name="outcome", label="field.outcome", kind="choice", required=True, options=of_words(words.OUTCOMES)),
        Field(name="recovered", label="field.recovered", kind="money"),
        Field(name="helped", label="field.helped", kind="number", least=0),
        Field(name="worker_confirmed", label="field.worker_confirmed", kind="check"),
        Field(name="evidence", label="field.evidence", kind="checks", hint="hint.evidence"),
    ),
    Step.approve: (_NOTE,),
    Step.send_back: (_text("note", "field.send_back_reason"),),
    Step.callback: (
        Field(
            name="result",
            label="field.callback_result",
            kind="choice",
            required=True,
            options=of_words(words.CALLBACK_RESULTS),
        ),
        Field(name="contacted", label="question.contacted", kind="radio", options=YES_NO, hint=_ANSWERED_ONLY),
        Field(name="resolved", label="question.resolved", kind="radio", options=YES_NO),
        Field(name="satisfaction", label="question.satisfied", kind="radio", options=of_words(words.SATISFACTION)),
        Field(
            name="reason",
            label="question.why",
            kind="choice",
            options=of_words(words.DISSATISFACTIONS),
            optional_choice="choice.not_dissatisfied",
            hint="hint.why",
        ),
        Field(name="agent_score", label="question.agent", kind="radio", options=of_words(words.SATISFACTION)),
        _text("comment", "question.comment", required=False),
    ),
    Step.close: (_NOTE,),
    Step.redo: (_text("reason", "field.reason"),),
    Step.reopen: (_text("reason", "field.new_facts"),),
    Step.urge: (_text("note", "field.urge_note"),),
    Step.supervise: (
        _text("note", "field.instruction"),
        Field(name="due_at", label="field.answer_by", kind="moment", hint="hint.answer_by"),
    ),
    Step.ask_exclusion: (
        Field(name="about", label="field.excludable", kind="choice", required=True, options=of_words(words.EXCLUDABLE)),
        Field(name="cycle", label="field.round", kind="number", least=1, hint="hint.round"),
        _text("reason", "field.exclusion_reason", hint="hint.exclusion"),
    ),
    Step.support_exclusion: (_NOTE,),
    Step.exclude: (_NOTE,),
    Step.keep_counted: (_text("note", "field.reason"),),
    Step.ask_consult: (_text("question", "field.consult_question", longest=_TEXT_LONGEST),),
    Step.take_consult: (),
    Step.answer_consult: (_text("answer", "field.consult_answer", longest=_TEXT_LONGEST),),
    Step.set_task: (
        Field(name="org_code", label="field.task_union", kind="choice", required=True),
        _text("ask", "field.task_ask"),
        Field(name="due_at", label="field.answer_by", kind="moment", hint="hint.answer_by"),
        _KNOWN_INSIDE,
    ),
    Step.answer_task: (_text("answer", "field.task_answer", longest=_TEXT_LONGEST),),
    Step.call_off_task: (
        Field(name="org_code", label="field.task_called_off", kind="choice", required=True),
        _NOTE,
    ),
    Step.answer_supervision: (_text("text", "field.supervision_answer", longest=_TEXT_LONGEST),),
    Step.return_supervision: (_text("note", "field.send_back_reason"),),
    Step.close_supervision: (_NOTE,),
    Step.final_answer: (
        _text("text", "field.final_answer", longest=_TEXT_LONGEST, hint="hint.final_answer"),
        _text("basis", "field.basis", hint="hint.basis"),
    ),
    Step.pass_quality: (_NOTE,),
    Step.fail_quality: (_text("note", "field.quality_fault", hint="hint.quality_fault"),),
    Step.merge: (
        Field(name="master", label="field.master", kind="radio", hint="hint.master"),
        Field(name="other_master", label="field.other_master", longest=40),
        _text("reason", "field.reason"),
    ),
    Step.link: (
        Field(name="other", label="field.other_ticket", required=True, longest=40, hint="hint.master"),
        Field(name="kind", label="field.link_kind", kind="choice", required=True, options=of_words(words.LINKS)),
        _NOTE,
    ),
    Step.unlink: (
        Field(name="other", label="field.other_ticket", required=True, longest=40, hint="hint.master"),
        _text("reason", "field.reason"),
    ),
    Step.split_: (_text("reason", "field.reason", hint="hint.split"),),
    Step.withdraw: (_text("reason", "field.withdrawal"),),
    Step.transfer_out: (
        Field(name="peer", label="field.peer", kind="choice", required=True, options=of_words(words.PEERS)),
        Field(name="peer_number", label="field.peer_number", longest=_SHORT_LONGEST),
        _NOTE,
    ),
    Step.terminate: (_text("reason", "field.termination"),),
    Step.note: (_text("note", "field.plain_note"),),
    Step.raise_confidentiality: (
        Field(name="level", label="field.level", kind="radio", required=True),
        _text("note", "field.raise_note", required=False),
    ),
    Step.lower_confidentiality: (
        Field(name="level", label="field.level", kind="radio", required=True),
        _text("agreed", "field.agreed", hint="hint.agreed"),
    ),
    **dict.fromkeys(_DECIDES, (_NOTE,)),
}


@dataclass(frozen=True, slots=True)
class Answering:
    """The field of a step that an article's text goes into, and that of its source if the step has one."""

    text: str
    basis: str = ""


ANSWERS_IN: Mapping[Step, Answering] = {
    Step.answer: Answering("answer"),
    Step.reply: Answering("text", "basis"),
    Step.answer_consult: Answering("answer"),
}

# The last three questions are asked only when the call got through.
_ANSWERS = ("contacted", "resolved", "satisfaction", "reason", "agent_score", "comment")


@dataclass(frozen=True, slots=True)
class StepForm:
    """A step that can be taken now, with its form. `forward` moves the matter on."""

    step: Step
    name: Bilingual
    form: Form
    forward: bool
    opened: bool


def forms_for(
    unit: Unit,
    view: TicketView,
    *,
    tried: Step | None = None,
    typed: Mapping[str, tuple[str, ...]] | None = None,
    errors: Mapping[str, Bilingual] | None = None,
    reply_text: str = "",
) -> tuple[StepForm, ...]:
    """The forms of all steps that the actor can take now: those that move the matter on first, the first of them
    open. A step that was tried and refused keeps what was typed; a reply begins with `reply_text`."""
    possible = sorted(view.possible_steps, key=lambda step: _FORWARD.index(step) if step in _FORWARD else len(_FORWARD))
    shown = tried if tried in possible else next(iter(possible), None)
    return tuple(
        StepForm(
            step=step,
            name=step_name(step),
            form=Form(
                id=step.value,
                fields=tuple(_completed(unit, view, question, reply_text) for question in _asked(view, step)),
                typed=typed if step is tried else None,
                errors=(errors or {}) if step is tried else {},
            ),
            forward=step in _FORWARD,
            opened=step is shown and (step is tried or step in _FORWARD),
        )
        for step in possible
    )


def step_name(step: Step) -> Bilingual:
    """A step as its button calls it."""
    return _NAMES.get(step) or Bilingual(TABLE[step].name_zh, TABLE[step].name_en)


def take_step(unit: Unit, number: str, step: Step, fields: Mapping[str, Any]) -> None:
    """Take a step with the fields that `read_step` gave. Raises the step's refusals."""
    action = _ACTION_OF.get(step, _DECIDE)
    action.take(unit, number, fields)


def read_step(step: Step, typed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What was typed into a step's form, checked. Raises forms.Wrong."""
    values = values_of(_FIELDS[step], typed)
    version = typed.get("version", ("",))[0]
    # A form of ours always carries the version; without it nothing is written on what nobody has seen.
    values["version"] = int(version) if version.isdecimal() and len(version) < 10 else 0
    if step in _DECIDES:
        request, verdict = _DECIDES[step]
        return checked(actions.Decide, {**values, "request": request, "verdict": verdict})
    if step is Step.merge and (other := values.pop("other_master", None)):
        values["master"] = other
    if step is Step.callback:
        values = _with_answers(values)
    return checked(_body_of(step), values)


def _body_of(step: Step) -> type[BaseModel]:
    return _ACTION_OF[step].body


def _with_answers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as the API wants them: together, and none when there was no call. Answers given beside another
    result are not dropped: the refusal tells the agent that the two do not fit."""
    answers = {name: values[name] for name in _ANSWERS if name in values}
    rest = {name: value for name, value in values.items() if name not in _ANSWERS}
    return {**rest, "answers": answers} if answers or values.get("result") == "answered" else rest


def _asked(view: TicketView, step: Step) -> Iterator[Field]:
    """What a step asks for on this ticket: of unions inside the employer only where there are some, and of the levels
    of confidentiality those that it leads to."""
    for each in _FIELDS[step]:
        if each.name == "level":
            yield replace(each, options=of_words(_levels(view, step)))
        elif each is not _KNOWN_INSIDE:
            yield each
        elif view.employer_unions:
            yield replace(each, remark=_belonging(view.employer_unions))


def _completed(unit: Unit, view: TicketView, question: Field, reply_text: str) -> Field:
    """A question with the choices and beginnings that depend on the ticket."""
    depends: dict[str, Any] = {}
    match question.name:
        case "tier":
            tiers = {code: name for code, name in words.TIERS.items() if code and code != view.row.tier}
            depends = {"options": of_words(tiers), "remark": _remark(_suggested_tier(unit, view))}
        case "text" if question.label == "field.reply_text":
            depends = {"remark": _parts_missing(view), "value": reply_text}
        case "org_code":
            depends = _which_union(unit, view, question)
        case "username":
            depends = {"options": of_handlers(unit), "value": view.handler.username if view.handler else ""}
        case "master":
            depends = {"options": _masters(unit, view)}
        case "assisting":
            depends = {"options": of_unions(org_tree(unit.session), without_province=True)}
        case "days":
            depends = {"most": current_rules(unit.session).policy.limits.extension_working_days}
        case "pieces" if question.kind == "checks":
            depends = {"options": of_words({each.piece: _bare(each.piece) for each in _awaited(view)})}
        case "evidence":
            files = {str(each.id): _bare(each.name) for each in attachments_of(unit, view.row.number)}
            depends = {"options": of_words(files)}
        case "review_at":
            depends = {"remark": _material_awaited(view)}
        case "contacted_at":
            depends = {"value": _minute(unit.now)}
    return replace(question, **depends)


def _belonging(names: tuple[Bilingual, ...]) -> Bilingual:
    return Bilingual(
        "该单位的内部工会:" + "、".join(name.zh for name in names),
        "Unions inside it: " + ", ".join(name.en for name in names),
    )


def _levels(view: TicketView, step: Step) -> words.Words:
    """The levels above the present one, or those below it, with what each means."""
    rank = view.confidentiality.rank
    wanted = range(rank) if step is Step.lower_confidentiality else range(rank + 1, len(Confidentiality))
    return {level.value: words.CONFIDENTIALITY_OFFERED[level] for level in Confidentiality if level.rank in wanted}


def _which_union(unit: Unit, view: TicketView, question: Field) -> dict[str, Any]:
    """The unions that may be meant: to lead or to have it passed down, to assist, or to assist no longer."""
    tree = org_tree(unit.session)
    if question.label == "field.task_union":
        return {"options": of_unions(tree, without_province=True)}
    if question.label == "field.task_called_off":
        return {"options": of_words({each.org_code: each.org for each in _tasks_open(view)})}
    suggested = _suggested_union(unit, view) if unit.actor.org_code == PROVINCE_CODE else None
    return {
        "options": of_unions(tree, scope=unit.actor.scope, without_province=True),
        "value": (suggested.value or "") if suggested else view.row.place_code,
        "remark": _remark(suggested) if suggested else None,
    }


def _awaited(view: TicketView) -> tuple[MaterialView, ...]:
    return tuple(each for each in view.materials if each.state == "asked")


def _material_awaited(view: TicketView) -> Bilingual:
    """What a suspension for awaited material would wait for."""
    awaited = _awaited(view)
    if not awaited:
        return Bilingual(
            "没有待收的材料。因等待材料挂起的,须先请求补充材料。",
            "No material is awaited. To wait for some, ask the worker for it first.",
        )
    last = max(each.due_on for each in awaited)
    return Bilingual(
        f"待收材料 {len(awaited)} 项(见上),最迟 {when.shown_day(last, 'zh')}",
        f"Pieces awaited (see above): {len(awaited)}, the last by {when.shown_day(last, 'en')}",
    )


def _tasks_open(view: TicketView) -> tuple[TaskView, ...]:
    return tuple(each for each in view.tasks if each.state == "open")


def _parts_missing(view: TicketView) -> Bilingual | None:
    """Whose part has not come, said before the reply that does not wait for it."""
    names = [each.org for each in _tasks_open(view)]
    if not names:
        return None
    return Bilingual(
        f"协办尚未答复:{'、'.join(name.zh for name in names)}。仍可反馈,经过中会注明。",
        f"Not answered yet: {', '.join(name.en for name in names)}. You may reply all the same; the story says so.",
    )


def _bare(text: str) -> Bilingual:
    """A text that nobody translates."""
    return Bilingual(text, text)


def of_handlers(unit: Unit) -> tuple[OptionGroup, ...]:
    """The handlers of the actor's union; of who is away, until when and who stands in."""
    return (OptionGroup(None, tuple(Option(each.username, handler_name(each)) for each in handlers(unit))),)


def handler_name(handler: HandlerView) -> Bilingual:
    """A handler in words."""
    if handler.absent_until is None:
        return Bilingual(handler.name, handler.name)
    until, deputy = f"{handler.absent_until:%m-%d}", handler.deputy
    return Bilingual(
        f"{handler.name}(请假至 {until}" + (f",由 {deputy} 代理)" if deputy else ")"),
        f"{handler.name} (away until {until}" + (f", {deputy} stands in)" if deputy else ")"),
    )


def _masters(unit: Unit, view: TicketView) -> tuple[OptionGroup, ...]:
    """The tickets this one may be merged into, each with why; one that is not among them is given by its number."""
    found = companions(unit, view.row.number)

    def option(ticket: EarlierTicket, why: Bilingual) -> Option:
        state = ticket.state_name
        return Option(
            ticket.number,
            Bilingual(
                f"{ticket.number} {ticket.title}({state.zh};{why.zh})",
                f"{ticket.number} {ticket.title} ({state.en}; {why.en})",
            ),
        )

    alike = [option(each.ticket, _likeness(each)) for each in found.duplicates]
    same = Bilingual("同一用人单位", "same employer")
    return (OptionGroup(None, (*alike, *(option(each, same) for each in found.of_employer))),)


def _likeness(found: PossibleDuplicate) -> Bilingual:
    names = [words.LIKENESS[reason.code] for reason in found.reasons]
    return Bilingual(
        f"相似度 {found.score}:" + "、".join(name.zh for name in names),
        f"likeness {found.score}: " + ", ".join(name.en for name in names),
    )


def _suggested_tier(unit: Unit, view: TicketView) -> Suggested:
    return suggest_tier(
        leaves(unit.session)[view.row.category_code],
        f"{view.row.title}\n{view.body}",
        people_count=view.row.people_count,
        collective_from=current_rules(unit.session).policy.limits.collective_threshold,
    )


def _suggested_union(unit: Unit, view: TicketView) -> Suggested:
    return suggest_union(
        org_tree(unit.session),
        place_code=view.row.place_code,
        category_code=view.row.category_code,
        text=f"{view.row.title}\n{view.body}",
        tier=Tier(view.row.tier) if view.row.tier else None,
        catalogue=current_catalogue(unit.session),
    )


def _remark(suggested: Suggested) -> Bilingual:
    """What is suggested, and why."""
    why = suggested.because
    if suggested.name is None:
        return why
    return Bilingual(f"建议{suggested.name.zh}:{why.zh}", f"Suggested: {suggested.name.en} ({why.en})")


def _minute(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%dT%H:%M}"
