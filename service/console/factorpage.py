"""One's own second factor: setting it up with a picture to scan, recovery codes, doing without."""

import io
from collections.abc import Sequence

import segno
from starlette.responses import Response

from service.api.login_door import may_try_password
from service.api.schemas.account import SecondFactorCode
from service.console.errors import problem_for
from service.console.forms import Wrong, checked
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.second_factors import (
    SecondFactorNotBegun,
    Setup,
    begin_second_factor,
    confirm_second_factor,
    own_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    setup_under_way,
)

_HOME = "/account/second-factor"


def show_factor(visit: Visit) -> Response:
    """Whether it is set, or what to do to set it."""
    return _page(visit)


def take_factor(visit: Visit) -> Response:
    """Begin, confirm, renew the recovery codes, or remove."""
    step = visit.value("step")
    codes: Sequence[str] = ()
    try:
        with visit.own_account() as unit:
            if step == "begin":
                begin_second_factor(unit)
            elif step in {"confirm", "renew", "remove"}:
                may_try_password(visit.application, unit)
                codes = _by_code(visit, unit, step)
    except Wrong as wrong:
        return _page(visit, refusal=next(iter(wrong.errors.values())), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    # Recovery codes are shown this once: nothing to come back to by reloading an address.
    return _page(visit, codes=codes) if codes else visit.goto(_HOME)


def show_picture(visit: Visit) -> Response:
    """The secret under way as a QR code, at an address of ours: a page may hold no picture of its own (CSP)."""
    with visit.own_account() as unit:
        setup = setup_under_way(unit)
    picture = io.BytesIO()
    segno.make(setup.uri, micro=False).save(picture, kind="svg", scale=6, border=4, light="#fff")
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _by_code(visit: Visit, unit: Unit, step: str) -> Sequence[str]:
    code = checked(SecondFactorCode, {"otp": visit.value("otp")})["otp"]
    if step == "confirm":
        return confirm_second_factor(unit, code)
    if step == "renew":
        return renew_recovery_codes(unit, code)
    remove_second_factor(unit, code, compulsory=visit.application.settings.second_factor_required)
    return ()


def _page(visit: Visit, *, codes: Sequence[str] = (), refusal: Bilingual | None = None, status: int = 200) -> Response:
    setup: Setup | None = None
    with visit.own_account() as unit:
        factor = own_second_factor(unit)
        compulsory = bool(unit.actor.roles & visit.application.settings.second_factor_required)
        try:
            setup = setup_under_way(unit)
        except SecondFactorNotBegun:
            setup = None
    return visit.page(
        "factor.html",
        status=status,
        refusal=refusal,
        codes=codes,
        factor=factor,
        compulsory=compulsory,
        setup=setup,
    )
