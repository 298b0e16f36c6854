"""Why somebody sees a ticket or does not, and which steps they may take: for administrators, who see no ticket.

What is said is of the person and of where the ticket is, nothing of what it is about. Whether it is seen is asked of
the scope filter itself; the reasons stand beside the answer and decide nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from service.core.errors import Bilingual, HotlineError
from service.core.unit import Actor, Unit
from service.identity.models import Person, PersonRole
from service.identity.people import actor, person_below
from service.identity.permissions import ROLE_NAMES, ROLE_PERMISSIONS, Permission, Role
from service.identity.recusals import Recusal
from service.org.tree import org_tree, within
from service.tickets.models import Assignment, Ticket
from service.tickets.repository import find, visible
from service.tickets.states import STATE_NAMES, TABLE, State, Step, steps_from
from service.tickets.steps import check_person


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is asked, whether it speaks for seeing the ticket, and in words how it is."""

    code: str
    holds: bool
    text: Bilingual


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """A step that is possible in the ticket's state, and why this person may not take it; None: they may."""

    step: Step
    name: Bilingual
    refusal: Bilingual | None


@dataclass(frozen=True, slots=True)
class Why:
    """Whether somebody sees a ticket, the reasons, and the steps of its present state."""

    username: str
    number: str
    state: Bilingual
    sees: bool
    reasons: Sequence[Reason]
    steps: Sequence[StepAnswer]


def why(unit: Unit, username: str, number: str) -> Why:
    """Why somebody below the actor's union sees a ticket there, or does not. Raises PersonNotFound, TicketNotFound."""
    person, ticket = person_below(unit, username), find(unit, number, None)
    roles = sorted(
        Role(role) for role in unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id))
    )
    them = actor(unit, person_id=person.id, username=username, org_code=person.org_code, roles=[*roles])
    in_scope = unit.session.scalar(select(Ticket.id).where(Ticket.id == ticket.id, visible(them))) is not None
    sees = person.active and them.may(Permission.ticket_read) and in_scope
    with unit.acting_as(them):
        steps = _steps(unit, ticket) if sees else []
    return Why(
        username=username,
        number=number,
        state=Bilingual(*STATE_NAMES[State(ticket.state)]),
        sees=sees,
        reasons=[
            _active(person),
            _right(roles),
            _held(unit, ticket, them),
            _given(unit, ticket, them),
            _free(unit, ticket, person),
        ],
        steps=steps,
    )


def _active(person: Person) -> Reason:
    if person.active:
        return Reason("active", True, Bilingual("账号在用。", "The account is in use."))
    return Reason("active", False, Bilingual("账号已停用,不能登录。", "The account is disabled and can't log in."))


def _right(roles: Sequence[Role]) -> Reason:
    readers = [role for role in roles if Permission.ticket_read in ROLE_PERMISSIONS[role]]
    if readers:
        return Reason(
            "role",
            True,
            Bilingual(
                f"岗位“{'、'.join(ROLE_NAMES[role].zh for role in readers)}”可以查看工单。",
                f"The role of {' and '.join(ROLE_NAMES[role].en for role in readers)} may read tickets.",
            ),
        )
    held = Bilingual(
        "、".join(ROLE_NAMES[role].zh for role in roles) or "无",
        " and ".join(ROLE_NAMES[role].en for role in roles) or "none",
    )
    return Reason(
        "role",
        False,
        Bilingual(f"现有岗位({held.zh})都不能查看工单。", f"No role held ({held.en}) may read tickets."),
    )


def _held(unit: Unit, ticket: Ticket, them: Actor) -> Reason:
    tree = org_tree(unit.session)
    holder, own = tree.get(ticket.holder_code).name, tree.get(them.org_code).name
    holds = within(ticket.holder_code, them.scope)
    return Reason(
        "held",
        holds,
        Bilingual(
            f"工单现在{holder.zh},{'属于' if holds else '不属于'}{own.zh}及其下级。",
            f"The ticket is at {holder.en} now, which is {'' if holds else 'not '}{own.en} or below it.",
        ),
    )


def _given(unit: Unit, ticket: Ticket, them: Actor) -> Reason:
    codes = unit.session.scalars(
        select(Assignment.org_code)
        .where(
            Assignment.ticket_id == ticket.id,
            or_(Assignment.end_reason.is_(None), Assignment.end_reason != "returned"),
        )
        .order_by(Assignment.id)
    )
    given = [org_tree(unit.session).get(code).name for code in dict.fromkeys(codes) if within(code, them.scope)]
    if given:
        return Reason(
            "given",
            True,
            Bilingual(
                f"曾派给其范围内的{'、'.join(name.zh for name in given)},且未退回。",
                f"It was given to {', '.join(name.en for name in given)} in their part of the tree and not returned.",
            ),
        )
    return Reason(
        "given",
        False,
        Bilingual(
            "没有派给过其范围内的工会(或已退回)。",
            "It was given to no union in their part of the tree, or returned by it.",
        ),
    )


def _free(unit: Unit, ticket: Ticket, person: Person) -> Reason:
    if unit.session.get(Recusal, (ticket.id, person.id)) is None:
        return Reason("free", True, Bilingual("没有回避。", "They do not keep out of it."))
    return Reason("free", False, Bilingual("已回避此事项。", "They keep out of it for an interest."))


def _steps(theirs: Unit, ticket: Ticket) -> list[StepAnswer]:
    answers = []
    for step in steps_from(State(ticket.state)):
        row, refusal = TABLE[step], None
        try:
            check_person(theirs, ticket, row)
        except HotlineError as refused:
            refusal = Bilingual(refused.sentence("zh"), refused.sentence("en"))
        answers.append(StepAnswer(step, Bilingual(row.name_zh, row.name_en), refusal))
    return answers
