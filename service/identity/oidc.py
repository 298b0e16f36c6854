"""OpenID Connect: the way to the identity provider and back (authorization code with PKCE, RFC 6749, 7636, 9207).

What it says of itself and its keys are asked for when they are needed, kept for an hour, and used for a day more where
it does not answer. A question takes so many seconds and so many bytes at most, and follows no redirect. Signatures and
claims are joserfc's and Authlib's to check.
"""

import hmac
import json
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

import urllib3
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from service.core.clock import Clock
from service.core.errors import HotlineError
from service.core.logging import log
from service.identity.errors import (
    LoginInterrupted,
    ProviderAway,
    ProviderClockApart,
    ProviderDenied,
    ProviderNotTrusted,
)
from service.identity.identities import LONGEST_ACCOUNT, ShownIdentity
from service.identity.providers import SUBJECT, ProviderSettings, is_safe

T = TypeVar("T")

# With a public key that everybody has; never a shared secret, never nothing (RFC 8725, 3.1).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_PUBLIC_KINDS = frozenset({"RSA", "EC", "OKP"})
# Two clocks may be so far apart.
LEEWAY_SECONDS = 60
FRESH_SECONDS, KEPT_SECONDS = 3600.0, 86_400.0
# A token under an unknown key makes us ask for the keys no more often than this, and a failure is not tried again so
# soon: strangers choose neither our pace nor the provider's.
KEYS_FLOOR_SECONDS, REST_SECONDS = 60.0, 5.0
_MOST_BYTES = 512 * 1024
_CHUNK = 16 * 1024
# Half of the slots that requests work in: a provider that hangs leaves the others to those who are logged in.
_MOST_AT_ONCE = 4
_WAIT_FOR_TURN = 0.5
_LONGEST_CODE = 4000
_DENIALS = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})
_AWAY = frozenset({"server_error", "temporarily_unavailable"})
_KNOWN_ERRORS = _DENIALS | _AWAY | {"invalid_request", "invalid_scope", "unauthorized_client", "invalid_client"}


@dataclass(frozen=True, slots=True)
class Journey:
    """What one login sends along and wants back: known to the browser that began it, and to nobody else."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the provider sent the browser back with, as it stands in the address."""

    state: str
    code: str = ""
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    """What the provider says of itself (OpenID Connect Discovery 1.0, 3)."""

    authorization: str
    token: str
    keys: str
    logout: str
    by_header: bool
    names_itself: bool


class _Kept:
    """Something fetched, and since when; the fetching of it is one thread's at a time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._value: Any = None
        self._since = self._failed = float("-inf")
        self._failure: type[HotlineError] = ProviderAway

    def get(self, fetch: Callable[[], T], *, fresh: float = FRESH_SECONDS) -> T:
        """What is kept, or fetched anew where it is older than `fresh` seconds. Where that fails, what was kept for up
        to a day. Raises what `fetch` raises, and goes on doing so for a while without asking again."""
        with self._lock:
            now = self._now()
            if self._value is not None and now - self._since < fresh:
                return self._value  # type: ignore[no-any-return]
            try:
                if now - self._failed < REST_SECONDS:
                    raise self._failure
                self._value = self._fetched(fetch)
                self._since = self._now()
            except HotlineError:
                if self._value is None or now - self._since > KEPT_SECONDS:
                    raise
            return self._value  # type: ignore[no-any-return]

    def _fetched(self, fetch: Callable[[], T]) -> T:
        try:
            return fetch()
        except HotlineError as error:
            self._failed, self._failure = self._now(), type(error)
            raise


class Provider:
    """The identity provider that the settings name. `callback` is our address to which it sends people back.

    Whatever goes wrong is one of five refusals, without a word of what it was sent: ProviderAway, ProviderDenied,
    ProviderNotTrusted, ProviderClockApart, LoginInterrupted. The log says the reason, and nothing personal.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        callback: str,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._callback = callback
        self._clock, self._monotonic = clock, monotonic
        timeout = urllib3.Timeout(connect=settings.timeout, read=settings.timeout)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)
        self._turns = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._metadata, self._keys = _Kept(monotonic), _Kept(monotonic)

    def begin(self, lang: str) -> tuple[Journey, str]:
        """What a login takes along, and the address at the provider to go to. Raises ProviderAway,
        ProviderNotTrusted."""
        journey = Journey(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        with self._turn():
            to = self._discovered().authorization
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": self.settings.scopes,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": create_s256_code_challenge(journey.verifier),
            "code_challenge_method": "S256",
            "ui_locales": "zh-CN" if lang == "zh" else "en",
        }
        if self.settings.acr:
            asked["acr_values"] = " ".join(self.settings.acr)
        return journey, f"{to}?{urlencode(asked)}"

    def identity(self, journey: Journey, returned: Returned) -> ShownIdentity:
        """Whose account it is that the provider sent back: the code is exchanged, and the ID token checked. Raises the
        five refusals."""
        if not hmac.compare_digest(journey.state.encode(), returned.state.encode("utf-8", "replace")):
            raise LoginInterrupted
        with self._turn():
            metadata = self._discovered()
            # Whose answer it is comes first: another provider's refusal is none of this one's (RFC 9207, 2.4).
            if returned.issuer != self.settings.issuer and (metadata.names_itself or returned.issuer):
                raise self._untrusted("other_issuer")
            if returned.error:
                raise self._denied(returned.error)
            if not returned.code or len(returned.code) > _LONGEST_CODE:
                raise LoginInterrupted
            answer = self._exchanged(metadata, returned.code, journey.verifier)
            claims = self._checked(metadata, answer, journey.nonce)
        subject, account = claims["sub"], claims.get(self.settings.claim)
        if not _fits(subject):
            raise self._untrusted("subject")
        named = str(account) if self.settings.claim != SUBJECT and _fits(account) else ""
        return ShownIdentity(
            issuer=self.settings.issuer, subject=subject, account=named, strong=self._is_strong(claims)
        )

    def logout_address(self, back: str) -> str | None:
        """Where the provider's own login ends (RP-Initiated Logout 1.0); None where it says of none. Raises
        ProviderAway, ProviderNotTrusted."""
        with self._turn():
            logout = self._discovered().logout
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{logout}?{urlencode(asked)}" if logout else None

    def _discovered(self) -> _Metadata:
        return self._metadata.get(self._discover)

    def _discover(self) -> _Metadata:
        address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        said = self._document(address)
        places = {
            name: said.get(name) or ""
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
        }
        if said.get("issuer") != self.settings.issuer:
            raise self._untrusted("discovery_other_issuer")
        for name, place in places.items():
            wanted = place or name != "end_session_endpoint"
            if wanted and not (isinstance(place, str) and is_safe(place, clear_allowed=self.settings.clear_allowed)):
                raise self._untrusted(f"discovery_{name}")
        # What a provider does not say is as the specification has it; PKCE it may do without saying so.
        for name, ours in (
            ("response_types_supported", {"code"}),
            ("code_challenge_methods_supported", {"S256"}),
            ("id_token_signing_alg_values_supported", set(ALGORITHMS)),
            ("token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post"}),
        ):
            if name in said and not (isinstance(said[name], list) and ours.intersection(map(str, said[name]))):
                raise self._untrusted(f"discovery_{name}")
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return _Metadata(
            authorization=places["authorization_endpoint"],
            token=places["token_endpoint"],
            keys=places["jwks_uri"],
            logout=places["end_session_endpoint"],
            by_header="client_secret_basic" in ways,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _exchanged(self, metadata: _Metadata, code: str, verifier: str) -> Mapping[str, Any]:
        """The token endpoint's answer (RFC 6749, 4.1.3)."""
        settings = self.settings
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if metadata.by_header:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        else:
            fields |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        status, body = self._ask("POST", metadata.token, headers=headers, body=urlencode(fields).encode())
        answer = _document_in(body)
        if status == 200 and answer is not None and isinstance(answer.get("id_token"), str):
            return answer
        error = answer.get("error") if answer else None
        if error == "invalid_grant":
            # Used before, too old, or another browser's.
            log.info("oidc_refused", why="invalid_grant")
            raise LoginInterrupted
        if status >= 500 or status == 429:
            raise self._away(f"token_{status}")
        raise self._untrusted(f"token_{error if error in _KNOWN_ERRORS else status}")

    def _checked(self, metadata: _Metadata, answer: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token that is the provider's, for us, for this login, and valid now (OpenID Connect
        Core 1.0, 3.1.3.7)."""
        settings = self.settings
        try:
            token = self._decoded(metadata, answer["id_token"])
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": settings.issuer},
                    "sub": {"essential": True},
                    "aud": {"essential": True, "value": settings.client_id},
                    "exp": {"essential": True},
                    "iat": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                params={
                    "nonce": nonce,
                    "client_id": settings.client_id,
                    "access_token": answer.get("access_token"),
                },
            )
            claims.validate(now=int(self._clock.now().timestamp()), leeway=LEEWAY_SECONDS)
        except ClaimError as error:
            log.warning("oidc_refused", why="claim", claim=error.claim)
            apart = isinstance(error, ExpiredTokenError) or error.claim in {"exp", "iat", "nbf"}
            raise (ProviderClockApart if apart else ProviderNotTrusted) from None
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._untrusted(type(error).__name__) from None
        return dict(claims)

    def _decoded(self, metadata: _Metadata, token: str) -> jwt.Token:
        def keys() -> KeySet:
            return self._public_keys(metadata.keys)

        try:
            return jwt.decode(token, self._keys.get(keys), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            # Keys change; this one may be new.
            return jwt.decode(token, self._keys.get(keys, fresh=KEYS_FLOOR_SECONDS), algorithms=ALGORITHMS)

    def _public_keys(self, address: str) -> KeySet:
        keys = self._document(address).get("keys")
        public = [
            key
            for key in (keys if isinstance(keys, list) else [])
            if isinstance(key, dict) and key.get("kty") in _PUBLIC_KINDS and key.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": public})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._untrusted(f"keys_{type(error).__name__}") from None

    def _is_strong(self, claims: Mapping[str, Any]) -> bool:
        ways = claims.get("amr")
        shown = {way for way in ways if isinstance(way, str)} if isinstance(ways, list) else set()
        return bool(shown & self.settings.amr) or claims.get("acr") in self.settings.acr

    def _document(self, address: str) -> Mapping[str, Any]:
        status, body = self._ask("GET", address, headers={"Accept": "application/json"})
        document = _document_in(body)
        if status != 200 or document is None:
            raise self._away(f"answered_{status}")
        return document

    def _ask(self, method: str, address: str, *, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body. Raises ProviderAway."""
        deadline = time.monotonic() + self.settings.timeout
        try:
            response = self._pool.request(
                method, address, headers=headers, body=body or None, redirect=False, preload_content=False
            )
            try:
                read = bytearray()
                while chunk := response.read1(_CHUNK):
                    read += chunk
                    if len(read) > _MOST_BYTES or time.monotonic() > deadline:
                        raise self._away("too_much" if len(read) > _MOST_BYTES else "too_slow")
                return response.status, bytes(read)
            finally:
                response.close()
        except (HTTPError, OSError, ValueError) as error:
            # Its text quotes the address.
            raise self._away(type(error).__name__) from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_WAIT_FOR_TURN):
            raise self._away("busy")
        try:
            yield
        finally:
            self._turns.release()

    def _denied(self, error: str) -> HotlineError:
        known = error if error in _KNOWN_ERRORS else "other"
        if known in _AWAY:
            return self._away(known)
        if known in _DENIALS:
            log.info("oidc_refused", why=known)
            return ProviderDenied()
        return self._untrusted(f"error_{known}")

    @staticmethod
    def _away(why: str) -> ProviderAway:
        log.warning("oidc_away", why=why)
        return ProviderAway()

    @staticmethod
    def _untrusted(why: str) -> ProviderNotTrusted:
        log.warning("oidc_refused", why=why)
        return ProviderNotTrusted()


def _fits(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ACCOUNT and value.isprintable()


def _document_in(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
