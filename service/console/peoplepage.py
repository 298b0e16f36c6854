"""The people an administrator keeps: a list, and a page for each of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from service.api.schemas.keeping import HandOverTo, IdentityEnter, PersonAdd, PersonChange
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_people, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.ids import TICKET_NUMBER
from service.core.unit import Unit
from service.identity.errors import ProviderNotSet
from service.identity.identities import EnterIdentity, identities_of, unlink_identity
from service.identity.keeping import (
    AddPerson,
    ChangePerson,
    FindPeople,
    disable_person,
    enable_person,
    find_people,
    person_row,
    reset_password,
)
from service.identity.logins import end_logins_of, logins_of
from service.identity.people import people_in_reach
from service.identity.permissions import Role
from service.identity.providers import provider_settings
from service.notifications.account_notices import (
    add_person_and_tell,
    change_person_and_tell,
    enter_identity_and_tell,
    reset_second_factor_and_tell,
)
from service.org.tree import org_tree
from service.tickets.errors import TicketNotFound
from service.tickets.leaving import HandedOver, HandOver, hand_over, open_work
from service.tickets.why import Why, why

_HOME = "/people"
_ROLES = of_words(words.ROLES)
_STATES = {"active": True, "left": False, "all": None}

_ADD = (
    Field(name="username", label="field.person_username", required=True, longest=64, hint="hint.person_username"),
    Field(name="display_name", label="field.person_name", required=True, longest=100),
    Field(name="org_code", label="field.person_org", kind="choice", required=True),
    Field(name="roles", label="field.person_roles", kind="checks", options=_ROLES, hint="hint.person_roles"),
)
_HAND = (Field(name="to", label="field.person_to", kind="choice", required=True),)
# Who leaves may be disabled before it is known who follows.
_HEIR = (Field(name="to", label="field.person_to", kind="choice", hint="hint.person_to"),)


def show_people(visit: Visit) -> Response:
    """The list with its filters, and the form for another."""
    return _list_page(visit, Form(id="person", fields=_ADD))


def take_person(visit: Visit) -> Response:
    """Add somebody; the password for their first login is shown this once."""
    form = Form(id="person", fields=_ADD, typed=visit.typed)
    try:
        body = checked(PersonAdd, values_of(_ADD, visit.typed))
        with visit.writing() as unit:
            command = AddPerson(**{**body, "roles": frozenset(map(Role, body["roles"]))})
            password = add_person_and_tell(unit, command)
    except Wrong as wrong:
        return _list_page(visit, replace(form, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _list_page(visit, replace(form, refusal=problem.words), status=problem.status)
    return _person_page(visit, command.username, given=password)


def show_person(visit: Visit) -> Response:
    """One of them: what they may do, where they are logged in, what hangs on them."""
    return _person_page(visit, _username(visit))


def take_change(visit: Visit) -> Response:
    """Change somebody, or take one of the steps named by the form's button."""
    username, step = _username(visit), visit.value("step")
    given, done = "", None
    try:
        with visit.writing() as unit:
            if step == "change":
                _change(visit, unit, username)
            elif step == "hand":
                body = checked(HandOverTo, values_of(_HAND, visit.typed))
                done = hand_over(unit, HandOver(username=username, to=body["to"]))
            elif step == "link":
                _link(visit, unit, username)
            elif step in _STEPS:
                given = _STEPS[step](unit, username) or ""
    except Wrong as wrong:
        return _person_page(visit, username, refusal=next(iter(wrong.errors.values())), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _person_page(visit, username, refusal=problem.words, status=problem.status)
    if given or done:
        # Shown this once: nothing to come back to by reloading an address.
        return _person_page(visit, username, given=given, done=done)
    return visit.goto(f"{_HOME}/{username}")


def show_leaving(visit: Visit) -> Response:
    """What somebody leaves open, and whether they are to be disabled."""
    return _leaving_page(visit, _username(visit))


def take_leaving(visit: Visit) -> Response:
    """Disable them, and hand over what they leave open if somebody was chosen."""
    username, done = _username(visit), None
    try:
        with visit.writing() as unit:
            disable_person(unit, username)
            if visit.value("to"):
                body = checked(HandOverTo, values_of(_HEIR, visit.typed))
                done = hand_over(unit, HandOver(username=username, to=body["to"]))
    except Wrong as wrong:
        return _leaving_page(visit, username, refusal=next(iter(wrong.errors.values())), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _leaving_page(visit, username, refusal=problem.words, status=problem.status)
    if done:
        return _person_page(visit, username, done=done)
    return visit.goto(f"{_HOME}/{username}")


def _end_logins(unit: Unit, username: str) -> None:
    end_logins_of(unit, username)


def _unlink(unit: Unit, username: str) -> None:
    unlink_identity(unit, username)


_STEPS: dict[str, Callable[[Unit, str], str | None]] = {
    "reset": reset_password,
    "enable": enable_person,
    "end-logins": _end_logins,
    "factor": reset_second_factor_and_tell,
    "unlink": _unlink,
}


def _link(visit: Visit, unit: Unit, username: str) -> None:
    provider = provider_settings(visit.application.settings)
    if provider is None:
        raise ProviderNotSet
    body = checked(IdentityEnter, {"account": visit.value("account")})
    enter_identity_and_tell(unit, EnterIdentity(username=username, account=body["account"]), provider=provider)


def _change(visit: Visit, unit: Unit, username: str) -> None:
    body = checked(PersonChange, values_of(_ADD[1:], visit.typed))
    change_person_and_tell(
        unit,
        ChangePerson(
            username=username,
            display_name=body["display_name"],
            org_code=body["org_code"],
            roles=frozenset(map(Role, body["roles"] or ())),
        ),
    )


def _username(visit: Visit) -> str:
    return _shown(str(visit.request.path_params["username"]))


def _shown(text: str) -> str:
    """As much of what stands in an address as can be a name."""
    return "".join(char for char in text[:64] if char.isprintable())


def _why(visit: Visit, unit: Unit, username: str) -> Why | TicketNotFound | None:
    """The answer for the ticket that was asked about, or that there is none."""
    number = visit.query("ticket").upper()
    if not number:
        return None
    if not TICKET_NUMBER.match(number):
        return TicketNotFound(number=_shown(number))
    try:
        return why(unit, username, number)
    except TicketNotFound as refusal:
        return refusal


def _list_page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    role, state = visit.query("role"), visit.query("state")
    command = FindPeople(
        text=_shown(visit.query("q")),
        org_code=visit.query("org"),
        role=Role(role) if role in words.ROLES else None,
        active=_STATES.get(state, True),
        after=_shown(visit.query("after")),
    )
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        unions = of_unions(tree, scope=unit.actor.scope)
        if command.org_code not in tree:
            command = replace(command, org_code="")
        page = find_people(unit, command)
        lines = [(row, tree.get(row.org_code).name) for row in page.rows]
    fields = tuple(replace(each, options=unions) if each.name == "org_code" else each for each in form.fields)
    return visit.page(
        "people.html",
        status=status,
        lines=lines,
        total=page.total,
        next_after=page.next_after,
        wanted=command,
        state=state if state in _STATES else "active",
        states=tuple(_STATES),
        unions=unions,
        roles=words.ROLES,
        form=replace(form, fields=fields),
    )


def _person_page(
    visit: Visit,
    username: str,
    *,
    given: str = "",
    done: HandedOver | None = None,
    refusal: Bilingual | None = None,
    status: int = 200,
) -> Response:
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        row = person_row(unit, username)
        facts: dict[str, Any] = {
            "person": row,
            "union": tree.get(row.org_code).name,
            "oneself": row.username == unit.actor.name,
            "logins": logins_of(unit, username),
            "identities": identities_of(unit, username),
            "work": open_work(unit, username),
            "why": _why(visit, unit, username),
        }
        values = {"display_name": row.name, "org_code": row.org_code}
        unions = of_unions(tree, scope=unit.actor.scope)
        fields = tuple(
            replace(each, value=values.get(each.name, ""), options=unions if each.name == "org_code" else each.options)
            for each in _ADD[1:]
        )
        colleagues = [each for each in people_in_reach(unit) if each.username != username]
        hand = Form(id="hand", fields=(replace(_HAND[0], options=of_people(colleagues, tree)),))
    typed = {"display_name": (row.name,), "org_code": (row.org_code,), "roles": tuple(row.roles)}
    form = Form(id="change", fields=fields, typed=typed)
    asked = facts.pop("why")
    refused = asked if isinstance(asked, TicketNotFound) else None
    facts |= {
        "provider": provider_settings(visit.application.settings),
        "asked": visit.query("ticket"),
        "why": None if refused else asked,
        "no_ticket": Bilingual(refused.sentence("zh"), refused.sentence("en")) if refused else None,
    }
    return visit.page(
        "person.html", status=status, given=given, done=done, refusal=refusal, form=form, hand=hand, **facts
    )


def _leaving_page(visit: Visit, username: str, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    with visit.reading() as unit:
        tree, row = org_tree(unit.session), person_row(unit, username)
        colleagues = [each for each in people_in_reach(unit) if each.username != username]
        heir = replace(_HEIR[0], options=of_people(colleagues, tree))
        return visit.page(
            "person_leave.html",
            status=status,
            person=row,
            union=tree.get(row.org_code).name,
            work=open_work(unit, username),
            logins=logins_of(unit, username),
            form=Form(id="leave", fields=(heir,), typed=visit.typed),
            refusal=refusal,
        )
