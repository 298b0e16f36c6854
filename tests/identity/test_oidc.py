"""What comes back from an identity provider is believed only where it is the provider's, for us, and for this login.
A real provider answers over real HTTP."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from service.core.clock import SimulatedClock
from service.core.errors import HotlineError
from service.core.settings import SettingsMissing
from service.identity.errors import (
    LoginInterrupted,
    ProviderAway,
    ProviderClockApart,
    ProviderDenied,
    ProviderNotTrusted,
)
from service.identity.identities import ShownIdentity
from service.identity.oidc import KEYS_FLOOR_SECONDS, REST_SECONDS, Journey, Provider, Returned
from service.identity.providers import CALLBACK, provider_settings
from service.identity.standin_provider import StandIn, subject_of
from tests.conftest import START, settings_for
from tests.identity.standing_in import HOTLINE, answer_at, provider_for

KEYS, METADATA, TOKEN = "/keys", "/.well-known/openid-configuration", "/token"
Twist = Callable[[dict[str, Any]], dict[str, Any]]
Sign = Callable[[dict[str, Any], Key], str]


@dataclass
class Way:
    """The provider, and ours to it."""

    standin: StandIn
    settings: dict[str, Any]
    clock: SimulatedClock
    seconds: float = 1000.0
    own: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.anew()

    def anew(self, **changes: Any) -> None:
        """As after a start with these settings."""
        chosen = provider_settings(settings_for("postgresql://x/y", "redis://x", **self.settings, **changes))
        assert chosen
        self.own = Provider(chosen, callback=HOTLINE + CALLBACK, clock=self.clock, monotonic=lambda: self.seconds)

    def back(self, **answer: Any) -> tuple[Journey, Returned]:
        """There and back, up to what stands in the address."""
        journey, address = self.own.begin("zh")
        query = parse_qs(urlsplit(answer_at(address, "wang", **answer)).query)
        said = {name: values[0] for name, values in query.items()}
        return journey, Returned(
            state=said["state"], code=said.get("code", ""), error=said.get("error", ""), issuer=said.get("iss", "")
        )

    def identity(self, **answer: Any) -> ShownIdentity:
        return self.own.identity(*self.back(**answer))


@pytest.fixture(params=["RS256", "ES256"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    yield from _way(algorithm=request.param)


@pytest.fixture
def rsa() -> Iterator[Way]:
    yield from _way()


def _way(**facts: Any) -> Iterator[Way]:
    clock = SimulatedClock(START)
    with provider_for(clock, **facts) as (standin, settings):
        yield Way(standin, settings, clock)


def test_the_account_of_who_logged_in_there_comes_back(way: Way) -> None:
    assert way.identity() == ShownIdentity(
        issuer=way.standin.issuer, subject=subject_of("wang"), account="", strong=False
    )


def test_a_claim_may_name_the_account_beside_its_subject(rsa: Way) -> None:
    rsa.anew(oidc_claim="preferred_username")

    assert rsa.identity().account == "wang"
    rsa.standin.twist = lambda claims: {**claims, "preferred_username": ["wang"]}
    assert rsa.identity().account == ""


def test_the_secret_goes_as_the_provider_wants_it(rsa: Way) -> None:
    rsa.standin.client_secret = "with:a/colon and 空格"
    rsa.settings["oidc_client_secret"] = rsa.standin.client_secret
    for way in ("client_secret_basic", "client_secret_post"):
        rsa.standin.said = {"token_endpoint_auth_methods_supported": [way]}
        rsa.anew()
        assert rsa.identity().subject == subject_of("wang")


def test_another_state_is_another_login(rsa: Way) -> None:
    journey, returned = rsa.back()
    with pytest.raises(LoginInterrupted):
        rsa.own.identity(journey, replace(returned, state="another"))


def test_a_code_is_good_once(rsa: Way) -> None:
    journey, returned = rsa.back()
    rsa.own.identity(journey, returned)
    with pytest.raises(LoginInterrupted):
        rsa.own.identity(journey, returned)


def test_a_code_of_another_browser_is_refused_by_the_provider_for_want_of_its_verifier(rsa: Way) -> None:
    _, stolen = rsa.back()
    own, _ = rsa.own.begin("zh")
    with pytest.raises(LoginInterrupted):
        rsa.own.identity(own, replace(stolen, state=own.state))


def _changed(**claims: Any) -> Twist:
    return lambda made: {name: value for name, value in {**made, **claims}.items() if value is not None}


@pytest.mark.parametrize(
    "twist",
    [
        _changed(nonce="another"),
        _changed(nonce=None),
        _changed(aud="another-client"),
        _changed(aud=["hotline", "another-client"]),
        _changed(aud=["hotline", "another-client"], azp="another-client"),
        _changed(aud=None),
        _changed(azp="another-client"),
        _changed(iss="https://evil.example"),
        _changed(iss=None),
        _changed(sub=None),
        _changed(sub=""),
        _changed(sub=["a", "b"]),
        _changed(sub="x" * 256),
        _changed(sub="line\nbreak"),
    ],
)
def test_claims_that_are_not_for_us_and_this_login_are_refused(rsa: Way, twist: Twist) -> None:
    rsa.standin.twist = twist
    with pytest.raises(ProviderNotTrusted):
        rsa.identity()


def test_several_audiences_are_one_too_few_unless_the_token_was_made_for_us(rsa: Way) -> None:
    rsa.standin.twist = _changed(aud=["another-client", "hotline"], azp="hotline")

    assert rsa.identity().subject == subject_of("wang")


@pytest.mark.parametrize("apart", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_a_clock_that_is_off_is_said_to_be(rsa: Way, apart: timedelta) -> None:
    rsa.standin.now = lambda: rsa.clock.now() + apart
    with pytest.raises(ProviderClockApart):
        rsa.identity()


@pytest.mark.parametrize("apart", [timedelta(seconds=45), timedelta(seconds=-45)])
def test_clocks_may_be_some_seconds_apart(rsa: Way, apart: timedelta) -> None:
    rsa.standin.now = lambda: rsa.clock.now() + apart

    assert rsa.identity().subject == subject_of("wang")


@pytest.mark.parametrize("missing", ["exp", "iat"])
def test_a_token_says_how_long_it_is_good(rsa: Way, missing: str) -> None:
    rsa.standin.twist = _changed(**{missing: None})
    with pytest.raises((ProviderClockApart, ProviderNotTrusted)):
        rsa.identity()


def _unsigned(claims: dict[str, Any], _key: Key) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _with_the_public_key_as_secret(claims: dict[str, Any], key: Key) -> str:
    assert isinstance(key, RSAKey)
    secret = OctKey.import_key(urlsafe_b64encode(key.as_pem(private=False)).decode())
    return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, secret, algorithms=["HS256"])


def _with_a_key_of_its_own(claims: dict[str, Any], key: Key) -> str:
    other = RSAKey.generate_key(2048, {"kid": str(key.kid)})
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, other)


def _with_a_key_it_brings_along(claims: dict[str, Any], _key: Key) -> str:
    other = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "jwk": other.as_dict(private=False)}, claims, other)


@pytest.mark.parametrize(
    "sign",
    [
        _unsigned,
        _with_the_public_key_as_secret,
        _with_a_key_of_its_own,
        _with_a_key_it_brings_along,
        lambda _claims, _key: "no.token.at-all",
        lambda _claims, _key: "",
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(rsa: Way, sign: Sign) -> None:
    rsa.standin.sign = sign
    with pytest.raises(ProviderNotTrusted):
        rsa.identity()


def test_a_shared_secret_among_the_keys_is_none(rsa: Way) -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"})
    rsa.standin.keys.append(secret)
    rsa.standin.sign = lambda claims, _: jwt.encode({"alg": "HS256", "kid": "shared"}, claims, secret)
    with pytest.raises(ProviderNotTrusted):
        rsa.identity()


def test_a_new_key_is_asked_for_and_no_more_often_than_once_a_minute(rsa: Way) -> None:
    rsa.identity()
    assert rsa.standin.asked[KEYS] == 1
    rsa.standin.rotate()
    with pytest.raises(ProviderNotTrusted):
        rsa.identity()
    assert rsa.standin.asked[KEYS] == 1

    rsa.seconds += KEYS_FLOOR_SECONDS
    assert rsa.identity().subject == subject_of("wang")
    assert rsa.standin.asked[KEYS] == 2


def test_what_the_provider_says_of_itself_is_asked_for_once_an_hour(rsa: Way) -> None:
    for _ in range(3):
        rsa.identity()
    assert rsa.standin.asked[METADATA] == 1

    rsa.seconds += 3600
    rsa.identity()
    assert rsa.standin.asked[METADATA] == 2


def test_one_that_is_away_is_left_alone_for_a_while(rsa: Way) -> None:
    rsa.standin.answer = lambda _path: 503
    for _ in range(3):
        with pytest.raises(ProviderAway):
            rsa.own.begin("zh")
    assert rsa.standin.asked[METADATA] == 1

    rsa.standin.answer = lambda _path: None
    rsa.seconds += REST_SECONDS
    assert rsa.own.begin("zh")


def test_what_it_said_an_hour_ago_serves_while_it_does_not_answer(rsa: Way) -> None:
    rsa.identity()
    rsa.seconds += 2 * 3600
    rsa.standin.answer = lambda path: 500 if path == METADATA else None

    assert rsa.identity().subject == subject_of("wang")
    rsa.seconds += 48 * 3600
    with pytest.raises(ProviderAway):
        rsa.identity()


def test_one_that_is_not_there_is_away() -> None:
    clock = SimulatedClock(START)
    with provider_for(clock) as (standin, settings):
        way = Way(standin, settings, clock)
    with pytest.raises(ProviderAway):
        way.own.begin("zh")


@pytest.mark.parametrize(("status", "refusal"), [(500, ProviderAway), (429, ProviderAway), (302, ProviderNotTrusted)])
def test_a_token_endpoint_that_does_not_answer_as_agreed(rsa: Way, status: int, refusal: type[HotlineError]) -> None:
    rsa.standin.answer = lambda path: status if path == TOKEN else None
    with pytest.raises(refusal):
        rsa.identity()


def test_a_secret_that_the_provider_does_not_know_is_ours_to_put_right(rsa: Way) -> None:
    rsa.settings["oidc_client_secret"] = "another"
    rsa.anew()
    with pytest.raises(ProviderNotTrusted):
        rsa.identity()


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        ("access_denied", ProviderDenied),
        ("login_required", ProviderDenied),
        ("temporarily_unavailable", ProviderAway),
        ("server_error", ProviderAway),
        ("invalid_scope", ProviderNotTrusted),
        ("<script>", ProviderNotTrusted),
    ],
)
def test_the_providers_refusals_are_told_apart(rsa: Way, error: str, refusal: type[HotlineError]) -> None:
    journey, _ = rsa.own.begin("zh")
    with pytest.raises(refusal):
        rsa.own.identity(journey, Returned(state=journey.state, error=error, issuer=rsa.standin.issuer))


def test_a_person_who_cancels_there_comes_back_with_a_refusal(rsa: Way) -> None:
    with pytest.raises(ProviderDenied):
        rsa.identity(answer="no")


def test_an_answer_of_another_provider_is_not_this_ones(rsa: Way) -> None:
    """RFC 9207: whoever mixes two providers up sends the code of one to the other."""
    for issuer in ("https://evil.example", ""):
        journey, returned = rsa.back()
        with pytest.raises(ProviderNotTrusted):
            rsa.own.identity(journey, replace(returned, issuer=issuer))
        assert rsa.standin.asked[TOKEN] == 0

    rsa.standin.said = {"authorization_response_iss_parameter_supported": False}
    rsa.anew()
    journey, returned = rsa.back()
    assert rsa.own.identity(journey, replace(returned, issuer="")).subject == subject_of("wang")
    journey, returned = rsa.back()
    with pytest.raises(ProviderNotTrusted):
        rsa.own.identity(journey, replace(returned, issuer="https://evil.example"))


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "https://user@evil.example/"},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"response_types_supported": ["id_token"]},
        {"response_types_supported": "code"},
    ],
)
def test_a_provider_that_can_not_be_used_safely_is_not_used(rsa: Way, said: dict[str, Any]) -> None:
    rsa.standin.said = said
    with pytest.raises(ProviderNotTrusted):
        rsa.own.begin("zh")


def test_a_document_without_end_is_not_read_to_its_end(rsa: Way) -> None:
    rsa.standin.said = {"padding": "x" * 1_000_000}
    with pytest.raises(ProviderAway):
        rsa.own.begin("zh")


def test_a_redirect_is_not_followed(rsa: Way) -> None:
    rsa.standin.answer = lambda path: 302 if path == METADATA else None
    with pytest.raises(ProviderAway):
        rsa.own.begin("zh")


def test_a_second_factor_shown_there_counts_where_the_settings_say_so(rsa: Way) -> None:
    assert rsa.identity(mfa=True).strong is False
    rsa.anew(oidc_mfa_amr="otp, mfa")
    assert rsa.identity(mfa=True).strong is True
    assert rsa.identity().strong is False

    rsa.anew(oidc_mfa_acr="urn:two")
    _, address = rsa.own.begin("zh")
    assert parse_qs(urlsplit(address).query)["acr_values"] == ["urn:two"]
    rsa.standin.twist = _changed(acr="urn:two")
    assert rsa.identity().strong is True
    rsa.standin.twist = _changed(acr=["urn:two"])
    assert rsa.identity().strong is False


WHOLE = {
    "demo": False,
    "oidc_issuer": "https://id.example/realm",
    "oidc_client_id": "hotline",
    "oidc_client_secret": "s3cret",
}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"oidc_issuer": ""}, "HOTLINE_OIDC_ISSUER"),
        ({"oidc_issuer": "http://id.example"}, "HOTLINE_OIDC_ISSUER"),
        ({"oidc_issuer": "https://id.example?x=1"}, "HOTLINE_OIDC_ISSUER"),
        ({"oidc_issuer": "id.example"}, "HOTLINE_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "HOTLINE_OIDC_CLIENT_ID"),
        ({"oidc_client_secret": None}, "HOTLINE_OIDC_CLIENT_SECRET"),
        ({"oidc_client_secret": None, "oidc_client_secret_file": "/not/there"}, "HOTLINE_OIDC_CLIENT_SECRET"),
        ({"oidc_scopes": "profile"}, "HOTLINE_OIDC_SCOPES"),
        ({"oidc_claim": "email"}, "HOTLINE_OIDC_CLAIM"),
        ({"oidc_claim": "phone_number"}, "HOTLINE_OIDC_CLAIM"),
    ],
)
def test_half_a_provider_is_said_in_both_languages(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsMissing, match=name) as refused:
        provider_settings(settings_for("postgresql://x/y", "redis://x", **{**WHOLE, **changes}))
    chinese, english = str(refused.value).splitlines()
    assert name in chinese
    assert name in english


@pytest.mark.parametrize(
    "changes", [{}, {"oidc_issuer": "http://127.0.0.1:9354"}, {"demo": True, "oidc_issuer": "http://id.example"}]
)
def test_a_whole_one_is_taken(changes: dict[str, Any]) -> None:
    assert provider_settings(settings_for("postgresql://x/y", "redis://x", **{**WHOLE, **changes}))


def test_without_one_there_is_none() -> None:
    assert provider_settings(settings_for("postgresql://x/y", "redis://x")) is None
