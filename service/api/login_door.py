"""The door for people with a password: how often it may be tried from where.

A try is counted for the name and the network it came from, whether or not there is such a name; beyond a few the pauses
grow. A network may fail a number of times with all names together, and a name from all networks together. The last two
do not hold where somebody of that name has logged in before, from this network or with this browser (it carries a
signed cookie), and a browser known is counted for itself: so a stranger's tries never keep the owner out.
"""

import ipaddress
import secrets
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TypedDict

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request

from service.api.deps import NOBODY
from service.api.errors import correlation_id_of
from service.bootstrap import Application
from service.core.errors import HotlineError
from service.core.metrics import LOGINS
from service.core.ratelimit import TooOften
from service.core.unit import Unit
from service.identity.errors import (
    IdentityUnknown,
    LoginFailed,
    LoginLocked,
    SecondFactorNeeded,
    SecondFactorUnreadable,
    SecondFactorWrong,
)
from service.identity.identities import LogInByIdentity, ShownIdentity, log_in_by_identity, proven, username_of
from service.identity.logins import LogIn, Login, has_logged_in_from, log_in, note_lock

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
Limits = Sequence[tuple[int, int]]

# So many tries in so many seconds. From one place: the more there were, the longer the pause.
FROM_ONE_PLACE: Limits = ((5, _MINUTE), (10, 15 * _MINUTE), (20, _HOUR))
# A county's people share one address; forty mistakes in ten minutes are none of theirs.
FROM_ONE_NETWORK: Limits = ((40, 10 * _MINUTE), (400, _DAY))
# SP 800-63B, 5.2.2: no more than 100 failures in a row on one account.
FOR_ONE_NAME: Limits = ((100, _DAY),)
# Three codes of a million are good at a time: thirty tries a day find one in thirty years.
FOR_ONE_CODE: Limits = ((10, 15 * _MINUTE), (30, _DAY))

# A way to the identity provider and back counts twice; the centre's people come to work at once, by one address.
TO_THE_PROVIDER: Limits = ((600, 10 * _MINUTE), (10_000, _DAY))

BROWSER_KNOWN = timedelta(days=180)
# People who share one computer at a counter.
_MOST_AT_A_BROWSER = 12
# What became of a try, as it is counted.
_OUTCOMES: dict[type[HotlineError], str] = {
    LoginFailed: "wrong_password",
    SecondFactorNeeded: "code_asked",
    SecondFactorWrong: "wrong_code",
    SecondFactorUnreadable: "factor_unreadable",
    IdentityUnknown: "unknown_account",
}
_LONGEST_COOKIE, _LONGEST_AGENT = 1000, 500


class _Entry(TypedDict):
    """What each login says of where it comes from and how long it lasts."""

    address: str
    agent: str
    lasts: timedelta
    idle: timedelta
    second_factor_for: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    """A browser by which these people logged in: its own name, and theirs as keyed hashes."""

    name: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoginDoor:
    """One request at the door: the address and the program it came from, and the cookie of a known browser."""

    application: Application
    address: str
    agent: str
    correlation_id: str
    cookie: str = ""

    def log_in(self, username: str, password: str, *, code: str = "", proof: str = "") -> Login:
        """A fresh login. Who knows the password and tries codes is counted by name, wherever they are: nobody else
        can get there. Raises LoginFailed, LoginLocked, SecondFactorNeeded, SecondFactorWrong."""
        name = username.strip().lower()
        now = self.application.clock.now()
        with self.application.reading(NOBODY, correlation_id=self.correlation_id) as unit:
            from_here = has_logged_in_from(unit, name, self.address)
        browser, network = self._browser(now), network_of(self.address)
        at_home = browser is not None and self._hashed(name) in browser.people
        place = browser.name if at_home and browser else network
        counted = [("login", f"{name} {place}", FROM_ONE_PLACE)]
        if not (at_home or from_here):
            counted += [("login network", network, FROM_ONE_NETWORK), ("login name", name, FOR_ONE_NAME)]
        for what, who, limits in counted:
            self._count(what, who, limits, now, name=name)
        command = LogIn(username=name, password=password, proof=proof, **self._entry())
        try:
            login = self._try(command)
        except SecondFactorNeeded:
            if not code:
                self._take_back(counted, now)
                raise
            counted.append(("login code", name, FOR_ONE_CODE))
            self._count(*counted[-1], now, name=name)
            login = self._try(replace(command, code=code))
        self._take_back(counted, now)
        LOGINS.labels("opened").inc()
        return login

    def may_go_to_provider(self) -> None:
        """Asked before each question to the identity provider. Raises LoginLocked."""
        now = self.application.clock.now()
        self._count("login provider", network_of(self.address), TO_THE_PROVIDER, now, name="")

    def log_in_by_identity(self, shown: ShownIdentity) -> Login:
        """A fresh login for whoever an account at the provider belongs to. Raises IdentityUnknown,
        SecondFactorNeeded."""
        return self._enter(LogInByIdentity(shown=shown, **self._entry()))

    def log_in_by_proof(self, proof: str, code: str) -> Login:
        """As log_in_by_identity, a moment later and with the code. Raises LoginInterrupted, LoginLocked,
        SecondFactorWrong, SecondFactorUnreadable, IdentityUnknown."""
        now = self.application.clock.now()
        with self.application.reading(NOBODY, correlation_id=self.correlation_id) as unit:
            shown = proven(unit, proof)
            name = username_of(unit, shown)
        counted = [("login code", name, FOR_ONE_CODE)]
        self._count(*counted[0], now, name=name)
        login = self._enter(LogInByIdentity(shown=shown, **self._entry(), code=code))
        self._take_back(counted, now)
        return login

    def _entry(self) -> "_Entry":
        settings = self.application.settings
        return {
            "address": self.address,
            "agent": self.agent,
            "lasts": timedelta(hours=settings.token_hours),
            "idle": settings.idle,
            "second_factor_for": settings.second_factor_required,
        }

    def _try(self, command: LogIn) -> Login:
        with self._counting(), self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            return log_in(unit, command)

    def _enter(self, command: LogInByIdentity) -> Login:
        with self._counting(), self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            login = log_in_by_identity(unit, command)
        LOGINS.labels("opened").inc()
        return login

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """What becomes of a try is counted, by the reason where it is refused."""
        try:
            yield
        except (LoginFailed, IdentityUnknown) as refusal:
            LOGINS.labels(_OUTCOMES.get(type(refusal), "refused")).inc()
            raise

    def _take_back(self, counted: Sequence[tuple[str, str, Limits]], now: datetime) -> None:
        for what, who, limits in counted:
            for _, seconds in limits:
                self.application.limiter.take_back(what, who, seconds=seconds, now=now)

    def known_by(self, login: Login) -> str:
        """The cookie for a browser by which somebody has just logged in, beside those of before."""
        now = self.application.clock.now()
        browser = self._browser(now) or KnownBrowser(name=secrets.token_urlsafe(12), people=())
        people = dict.fromkeys((self._hashed(login.actor.name), *browser.people))
        ends = int((now + BROWSER_KNOWN).timestamp())
        return str(self._signer.dumps([browser.name, list(people)[:_MOST_AT_A_BROWSER], ends]))

    def _browser(self, now: datetime) -> KnownBrowser | None:
        try:
            name, people, ends = self._signer.loads(self.cookie[:_LONGEST_COOKIE])
        except (BadSignature, ValueError, TypeError):
            return None
        return KnownBrowser(name=name, people=tuple(people)) if now.timestamp() < ends else None

    def _count(self, what: str, who: str, limits: Limits, now: datetime, *, name: str) -> None:
        for limit, seconds in limits:
            try:
                self.application.limiter.check(what, who, limit=limit, seconds=seconds, now=now)
            except TooOften:
                LOGINS.labels("locked").inc()
                self._note_lock(what, who, seconds, now, name=name)
                left = seconds - int(now.timestamp()) % seconds
                raise LoginLocked(minutes=ceil(left / _MINUTE)) from None

    def _note_lock(self, what: str, who: str, seconds: int, now: datetime, *, name: str) -> None:
        """On record once for each pause: who tries a thousand times must not fill the audit."""
        try:
            self.application.limiter.check(f"{what} noted", who, limit=1, seconds=seconds, now=now)
        except TooOften:
            return
        with self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            note_lock(unit, name, limit=what, address=self.address)

    def _hashed(self, name: str) -> str:
        return self.application.vault.lookup(f"known browser {name}").hex()[:16]

    @property
    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.application.vault.link_keys, salt="known browser")


def door_of(application: Application, request: Request, *, cookie: str = "") -> LoginDoor:
    """The door at which a request stands."""
    return LoginDoor(
        application=application,
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", "")[:_LONGEST_AGENT],
        correlation_id=correlation_id_of(request.scope),
        cookie=cookie,
    )


def may_try_password(application: Application, unit: Unit) -> None:
    """Asked before somebody who is logged in shows the password again: a login left open is no way to guess it.
    Raises TooOften."""
    application.limiter.check("own password", str(unit.actor.id), limit=10, seconds=900, now=unit.now)


def network_of(address: str) -> str:
    """What belongs to one subscriber: an IPv4 address, or the 64 bits of IPv6 given to a household or an office."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
