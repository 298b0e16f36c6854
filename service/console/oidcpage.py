"""Logging in by the identity provider, and linking one's own account there.

What the way there and back needs is sealed into a cookie of the browser that sets out. A refusal is a page at an
address of its own, without the code and the state that came back.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from service.api.errors import problem_of
from service.api.login_door import door_of, may_try_password
from service.api.schemas.account import PresentPassword, SecondFactorCode
from service.console.forms import Wrong, checked
from service.console.login import inside_with
from service.console.security import (
    BROWSER_COOKIE,
    FORM_MARK,
    JOURNEY_COOKIE,
    PROOF_COOKIE,
    VISITOR_COOKIE,
    check_form_mark,
    form_mark,
    new_visitor,
)
from service.console.visit import Visit
from service.core.crypto import SealBroken
from service.core.errors import HotlineError
from service.identity.errors import (
    IdentityTaken,
    IdentityThere,
    IdentityUnknown,
    LoginInterrupted,
    ProviderAway,
    ProviderClockApart,
    ProviderDenied,
    ProviderNotTrusted,
    SecondFactorNeeded,
    SecondFactorUnreadable,
    SecondFactorWrong,
)
from service.identity.identities import own_identities, unlink_own
from service.identity.logins import PROOF_LASTS, PasswordNotRight, show_password_again
from service.identity.providers import provider_settings
from service.notifications.account_notices import link_own_and_tell

if TYPE_CHECKING:
    from service.identity.oidc import Journey, Provider

# As long as a provider's own login may take, with a telephone to be found.
_JOURNEY_SECONDS = 600
_JOURNEY = "login.journey"
_LONGEST_COOKIE, _LONGEST_NEXT = 3500, 1500  # bytes
_HOME = "/account/identity"
_REFUSALS: dict[str, type[HotlineError]] = {
    each().code: each
    for each in (
        IdentityTaken,
        IdentityThere,
        IdentityUnknown,
        LoginInterrupted,
        ProviderAway,
        ProviderClockApart,
        ProviderDenied,
        ProviderNotTrusted,
    )
}


def show_way(visit: Visit) -> Response:
    """To the provider."""
    provider = _provider(visit)
    wanted = _fitting(visit.query("next"))
    door_of(visit.application, visit.request).may_go_to_provider()
    try:
        journey, address = provider.begin(visit.lang)
    except HotlineError as refusal:
        return _refused(visit, refusal, wanted=wanted)
    response: Response = RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    _set_out(visit, response, journey, wanted=wanted, person_id=None)
    return response


def take_return(visit: Visit) -> Response:
    """Back from the provider: a login, or an account linked to who is logged in. Whatever comes of it, the way was
    gone once."""
    response = _returned(visit, _provider(visit))
    visit.forget(response, JOURNEY_COOKIE, path=f"{visit.root}/login")
    return response


def _returned(visit: Visit, provider: "Provider") -> Response:
    from service.identity.oidc import Returned  # noqa: PLC0415 - with Authlib only where a provider is set

    door = door_of(visit.application, visit.request, cookie=visit.cookie(BROWSER_COOKIE))
    door.may_go_to_provider()
    wanted, person_id = "", None
    try:
        journey, wanted, person_id = _journey(visit)
        shown = provider.identity(
            journey,
            Returned(
                state=visit.query("state"),
                code=visit.query("code"),
                error=visit.query("error"),
                issuer=visit.query("iss"),
            ),
        )
        if person_id is not None:
            with visit.writing() as unit:
                if unit.actor.id != person_id:
                    raise LoginInterrupted
                link_own_and_tell(unit, shown)
            return visit.goto("/account", done="linked")
        login = door.log_in_by_identity(shown)
    except SecondFactorNeeded as needed:
        response = visit.goto("/login/oidc/code", **({"next": wanted} if wanted else {}))
        seconds = int(PROOF_LASTS.total_seconds())
        proof = str(needed.facts["proof"])
        visit.remember_strictly(response, PROOF_COOKIE, proof, path=f"{visit.root}/login", seconds=seconds)
        return response
    except HotlineError as refusal:
        if refusal.code not in _REFUSALS:
            raise
        return _refused(visit, refusal, wanted=wanted, linking=person_id is not None)
    return inside_with(visit, door, login, wanted=wanted)


def show_refusal(visit: Visit) -> Response:
    """Why it came to nothing, and what to do."""
    _provider(visit)
    known = _REFUSALS.get(visit.query("why"))
    if known is None:
        raise HTTPException(404)
    problem = problem_of(known())
    return visit.page(
        "oidc_refused.html",
        status=problem.status,
        problem=problem,
        next=_fitting(visit.query("next")),
        linking=visit.query("linking") == "1",
    )


def show_code(visit: Visit) -> Response:
    """The form for the code of the authenticator."""
    _provider(visit)
    return _code_page(visit)


def take_code(visit: Visit) -> Response:
    """Check it, after the provider has said who it is."""
    check_form_mark(visit.application.vault, visit.cookie(VISITOR_COOKIE), visit.value(FORM_MARK))
    _provider(visit)
    door = door_of(visit.application, visit.request, cookie=visit.cookie(BROWSER_COOKIE))
    wanted = _fitting(visit.value("next"))
    try:
        code = checked(SecondFactorCode, {"otp": visit.value("otp")})["otp"]
        login = door.log_in_by_proof(visit.cookie(PROOF_COOKIE), code)
    except Wrong:
        return _code_page(visit, refusal=SecondFactorWrong())
    except (SecondFactorWrong, SecondFactorUnreadable) as refusal:
        return _code_page(visit, refusal=refusal)
    except (LoginInterrupted, IdentityUnknown) as refusal:
        return _refused(visit, refusal, wanted=wanted)
    response = inside_with(visit, door, login, wanted=wanted)
    visit.forget(response, PROOF_COOKIE, path=f"{visit.root}/login")
    return response


def show_way_out(visit: Visit) -> Response:
    """To where the provider's own login ends, if it says where."""
    provider = _provider(visit)
    door_of(visit.application, visit.request).may_go_to_provider()
    try:
        address = provider.logout_address(visit.application.settings.public_url.rstrip("/") + f"{visit.root}/login")
    except HotlineError as refusal:
        return _refused(visit, refusal)
    if address is None:
        return visit.goto("/login")
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def show_identity(visit: Visit) -> Response:
    """The account that is linked, or how to link one."""
    return _identity_page(visit)


def take_identity(visit: Visit) -> Response:
    """With the password again: to the provider, or without its account from now on."""
    provider = _provider(visit)
    step = visit.value("step")
    try:
        password = checked(PresentPassword, {"present": visit.value("present")})["present"]
        with visit.own_account() as unit:
            may_try_password(visit.application, unit)
            if step == "unlink":
                unlink_own(unit, password)
                return visit.goto("/account", done="unlinked")
            person = show_password_again(unit, password)
            if own_identities(unit):
                raise IdentityThere
            person_id = person.id
        door_of(visit.application, visit.request).may_go_to_provider()
        journey, address = provider.begin(visit.lang)
    except Wrong:
        return _identity_page(visit, refusal=PasswordNotRight())
    except HotlineError as refusal:
        return _identity_page(visit, refusal=refusal)
    # A link, not a redirect: what a form leads to has to be of this site (form-action).
    with visit.own_account():
        response = visit.page("oidc_go.html", provider=provider.settings, address=address)
    _set_out(visit, response, journey, wanted="", person_id=person_id)
    return response


def _provider(visit: Visit) -> "Provider":
    provider = visit.application.provider
    if provider is None:
        raise HTTPException(404)
    return provider


def _fitting(wanted: str) -> str:
    """Where somebody wants to go afterwards, if a cookie has room for it."""
    return wanted if len(wanted.encode("utf-8", "replace")) <= _LONGEST_NEXT else ""


def _set_out(visit: Visit, response: Response, journey: "Journey", *, wanted: str, person_id: int | None) -> None:
    """Remember the way, for this browser and a few minutes."""
    ends = int(visit.application.clock.now().timestamp()) + _JOURNEY_SECONDS
    clear = json.dumps([journey.state, journey.nonce, journey.verifier, wanted, person_id, ends], ensure_ascii=False)
    sealed = urlsafe_b64encode(visit.application.vault.seal(clear, _JOURNEY)).decode()
    # Lax: the browser comes back from another site, by a link.
    visit.remember(response, JOURNEY_COOKIE, sealed, path=f"{visit.root}/login", seconds=_JOURNEY_SECONDS)


def _journey(visit: Visit) -> tuple["Journey", str, int | None]:
    """What was remembered: the way, where somebody wanted to go, and whose account is to be linked. Raises
    LoginInterrupted."""
    from service.identity.oidc import Journey  # noqa: PLC0415

    try:
        sealed = urlsafe_b64decode(visit.cookie(JOURNEY_COOKIE)[:_LONGEST_COOKIE].encode())
        state, nonce, verifier, wanted, person_id, ends = json.loads(visit.application.vault.open(sealed, _JOURNEY))
    except (SealBroken, ValueError):
        raise LoginInterrupted from None
    if visit.application.clock.now().timestamp() >= ends:
        raise LoginInterrupted
    return Journey(state, nonce, verifier), wanted, person_id


def _refused(visit: Visit, refusal: HotlineError, *, wanted: str = "", linking: bool = False) -> Response:
    facts = {"next": wanted, "linking": "1" if linking else ""}
    return visit.goto("/login/oidc/refused", why=refusal.code, **{name: fact for name, fact in facts.items() if fact})


def _code_page(visit: Visit, *, refusal: HotlineError | None = None) -> Response:
    visitor = visit.cookie(VISITOR_COOKIE) or new_visitor()
    problem = problem_of(refusal) if refusal is not None else None
    response = visit.page(
        "login_code.html",
        status=problem.status if problem else 200,
        to="/login/oidc/code",
        refusal=problem.words if problem else None,
        username="",
        next=_fitting(visit.query("next") or visit.value("next")),
        mark=form_mark(visit.application.vault, visitor),
    )
    visit.remember(response, VISITOR_COOKIE, visitor, path=visit.root or "/")
    return response


def _identity_page(visit: Visit, *, refusal: HotlineError | None = None) -> Response:
    provider = provider_settings(visit.application.settings)
    if provider is None:
        raise HTTPException(404)
    problem = problem_of(refusal) if refusal is not None else None
    with visit.own_account() as unit:
        facts: dict[str, Any] = {"identities": own_identities(unit), "provider": provider}
    return visit.page(
        "account_identity.html",
        status=problem.status if problem else 200,
        refusal=problem.words if problem else None,
        **facts,
    )
