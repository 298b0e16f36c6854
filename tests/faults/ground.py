"""The ground a round is fought on: two servers, three kinds of process twice each, a gateway, and the network
between them. What falls is put up again, as `restart: unless-stopped` would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import make_url

from service.bootstrap import Application, build, migrate
from service.core.settings import Settings
from service.embedded import DataFolder, EmbeddedServer, launcher, open_log, start_postgres, start_redis
from service.embedded.starting import free_port
from service.notifications.standin_sms import Provider, provider_at
from service.seed.seeding import seed, seed_demo_people
from service.sla.publishing import PublishRules, publish
from service.tickets.messages import TEMPLATES
from service.tickets.worker_codes import CODE_TEMPLATE
from sla_rules import AtDue, AtFraction, ClockKind, Policy, Promise, Rung, load_policy
from sla_rules.policy import LadderRule, PromiseRule
from tests.conftest import MASTER_KEY, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
SMS_SECRET = "only between the two of us"
TEMPLATE_IDS = {name: f"T-{name}" for name in (*TEMPLATES, CODE_TEMPLATE)}

SWEEP_SECONDS = 0.5
# A message whose worker died is handed out again so soon.
LEASE_SECONDS = 5.0
HELD_UP_SECONDS = 8.0

ROLES: dict[str, tuple[str, ...]] = {
    "api": ("-m", "service.cli", "api"),
    "worker": ("-m", "service.cli", "worker"),
    "scheduler": ("-m", "tests.faults.shifted_scheduler"),
}


def short_policy(label: str = "faults", *, minutes: int = 1) -> Policy:
    """A policy whose rungs follow each other in seconds: every promise is a minute, day and night."""
    fractions = {
        ClockKind.dispatch: (0.05, 0.3),
        ClockKind.sign: (0.1,),
        ClockKind.first_contact: (0.2,),
        ClockKind.resolve: (0.1, 0.5),
        ClockKind.callback: (0.1,),
    }
    audiences = {ClockKind.dispatch: "dispatcher", ClockKind.callback: "agent"}
    promise = Promise("real_minutes", minutes)

    def ladder(kind: ClockKind, shares: tuple[float, ...]) -> LadderRule:
        told = (audiences.get(kind, "handler"),)
        rungs = [Rung(f"at_{share}", AtFraction(share), told) for share in shares]  # type: ignore[arg-type]
        effects = ("sign_by_silence",) if kind is ClockKind.sign else ()
        limit = Rung("limit", AtDue(), (*told, "leader"), effects, urgent=True)  # type: ignore[arg-type]
        return LadderRule(kind, (*rungs, limit), source="tests")

    return replace(
        load_policy(),
        name="faults",
        label=label,
        promises=tuple(PromiseRule(kind, promise, source="tests") for kind in fractions),
        ladders=tuple(ladder(kind, shares) for kind, shares in fractions.items()),
        quiet_hours=None,
    )


@dataclass
class Moody(Provider):
    """A gateway that takes what it is sent and then, in a mood, says that it did not, or nothing for a while."""

    mood: str = ""
    repeats: int = 0

    def take(self, headers: dict[str, str], body: bytes) -> int:
        mood = self.mood
        if mood == "failing":
            return 500
        if mood == "hanging":
            time.sleep(HELD_UP_SECONDS)
        if mood == "slow":
            time.sleep(1.0)
        status = super().take(headers, body)
        self.repeats += status == 409
        return 500 if mood == "taking and failing" else status


@dataclass
class Member:
    """One process of the service, under its name, and its log."""

    name: str
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = True
    restarts: int = 0
    lines_before: int = 0

    @property
    def arguments(self) -> tuple[str, ...]:
        return ROLES[self.name.rpartition("-")[0]]

    def start(self) -> None:
        if self.log.exists():
            self.lines_before = len(self.log.read_text(errors="replace").splitlines())
        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                # As the supervisor does it: killed ourselves, we leave nobody behind.
                launcher([sys.executable, *self.arguments], death_signal=signal.SIGKILL),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """A signal to this process, if it runs."""
        if self.process is not None and self.runs():
            self.process.send_signal(number)

    def end(self) -> None:
        self.wanted = False
        if self.process is not None and self.runs():
            self.process.kill()
            self.process.wait()


@dataclass
class Ground:
    """Everything that runs. Use as a context manager, from the main thread.

    environment: variables of every process beside the ground's own. elsewhere: the address of a database that is not
    the ground's.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    members: dict[str, Member] = field(default_factory=dict)

    def __enter__(self) -> Self:
        from tests.faults.proxy import Network  # a loop of its own, only where one is used

        self._stack = contextlib.ExitStack()
        try:
            self.data = self._stack.enter_context(DataFolder(self.folder / "data"))
            self.ports = {name: free_port() for name in ("postgres", "redis", "api-1", "api-2")}
            self.network = Network()
            self._stack.callback(self.network.close)
            self.ways = {name: self.network.proxy(port) for name, port in self.ports.items()}
            self.gateway = Moody("hotline", SMS_SECRET, frozenset(TEMPLATE_IDS.values()))
            self.servers: dict[str, EmbeddedServer] = {}
            self._stack.callback(self._stop)
            self._sms_url = self._stack.enter_context(provider_at(self.gateway))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- servers -------------------------------------------------------------------------------------------

    def start_postgres(self) -> None:
        """Start it, or start it again on the same data and port."""
        self.servers["postgres"] = start_postgres(self.data, port=self.ports["postgres"], durable=False)

    def start_redis(self) -> None:
        self.servers["redis"] = start_redis(self.data, port=self.ports["redis"], durable=False)

    def prepare(self, policy: Policy | None = None) -> None:
        """Tables, seeds, people with the tests' password, and a policy in force."""
        application = self.application()
        migrate(application.database)
        with application.unit() as unit:
            seed(unit)
        with application.unit() as unit:
            seed_demo_people(unit, PASSWORD)
        with application.unit() as unit:
            change = publish(unit, PublishRules(policy=policy or short_policy(), reason="tests"))
            change.finished_at = unit.now  # there is nothing yet to be recounted
        application.database.dispose()

    def application(self) -> Application:
        """The parts, in this process and past the proxies."""
        return build(
            Settings(
                database_url=self.direct_url(),
                redis_url=self.redis_url(direct=True),
                master_key=MASTER_KEY,  # type: ignore[arg-type]
            )
        )

    def direct_url(self) -> str:
        """The database past the proxy: ours, or the one that `elsewhere` names."""
        url = make_url(self._password_url("postgres")).set(port=self.ports["postgres"], drivername="postgresql")
        return self.elsewhere or url.render_as_string(hide_password=False)

    def _password_url(self, server: str) -> str:
        password = self.data.secret(server)
        if server == "redis":
            return f"redis://:{password}@127.0.0.1/0"
        return f"postgresql+psycopg://hotline:{password}@127.0.0.1/hotline"

    def database_url(self) -> str:
        """The database as the processes reach it: through the proxy."""
        url = make_url(self._password_url("postgres")).set(port=self.ways["postgres"].port)
        return url.render_as_string(hide_password=False)

    def redis_url(self, *, direct: bool = False) -> str:
        port = self.ports["redis"] if direct else self.ways["redis"].port
        return self._password_url("redis").replace("127.0.0.1", f"127.0.0.1:{port}")

    def connection(self) -> psycopg.Connection[dict[str, Any]]:
        """To PostgreSQL itself, past the proxy and past the application."""
        return psycopg.connect(self.direct_url(), row_factory=dict_row, options="-c timezone=UTC", connect_timeout=5)

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Ask PostgreSQL itself."""
        with self.connection() as connection:
            return connection.execute(sql, values).fetchall()

    # -- processes -----------------------------------------------------------------------------------------

    def variables(self, name: str) -> dict[str, str]:
        """What a process is told by its environment."""
        variables = {
            "HOTLINE_DATABASE_URL": self.database_url(),
            "HOTLINE_REDIS_URL": self.redis_url(),
            "HOTLINE_MASTER_KEY": MASTER_KEY,
            "HOTLINE_REQUESTS_PER_MINUTE": "1000000",
            # The clients are programs: they have no authenticator at hand.
            "HOTLINE_SECOND_FACTOR_ROLES": "",
            "HOTLINE_SWEEP_SECONDS": str(SWEEP_SECONDS),
            # What one transaction fires is told of when it ends: on a starved machine that is long.
            "HOTLINE_SWEEP_BATCH": "25",
            "HOTLINE_RELAY_LEASE_SECONDS": str(LEASE_SECONDS),
            # Some are told one by one and some by digest.
            "HOTLINE_BRAKE_NOTICES": "40",
            "HOTLINE_BRAKE_URGENT": "40",
            "HOTLINE_BRAKE_SECONDS": "60",
            "HOTLINE_SMS_URL": self._sms_url,
            "HOTLINE_SMS_SECRET": SMS_SECRET,
            "HOTLINE_SMS_TEMPLATES": json.dumps(TEMPLATE_IDS),
            "HOTLINE_SMS_TIMEOUT": "2",
            "HOTLINE_FILES_DIR": str(self.folder / "files"),
            "TEST_CLOCK_SHIFT": str(self.folder / f"{name}.shift"),
        }
        if name in self.ports:
            variables["HOTLINE_PORT"] = str(self.ports[name])
        return variables | self.environment

    def full_environment(self, name: str) -> dict[str, str]:
        """Ours, and what a process of the service is told."""
        return {**os.environ, **self.variables(name)}

    def start(self, *names: str) -> None:
        """Start these processes; they are started again whenever they end."""
        for name in names:
            self.members[name] = Member(name, self.full_environment(name), self.folder / f"{name}.log")
            self.members[name].start()

    def tend(self) -> None:
        """Start again what has ended unasked."""
        for member in self.members.values():
            if member.wanted and not member.runs():
                member.restarts += 1
                member.start()

    def wait(self, seconds: float) -> None:
        """Let time pass, tending."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(0.05, left))

    def until(self, condition: Callable[[], object], *, seconds: float) -> float | None:
        """Tend until the condition comes true: after how many seconds, or None when it did not in that time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.tend()
            if condition():
                return time.monotonic() - began
            time.sleep(0.05)
        return None

    def leader(self) -> Member | None:
        """The scheduler that took the lead last, by its own word since it was started; None while none has."""
        taken = {}
        for name, member in self.members.items():
            lines = [line for line in self.says(name)[member.lines_before :] if "leadership_taken" in line]
            if name.startswith("scheduler") and lines and member.runs():
                taken[json.loads(lines[-1])["timestamp"]] = member
        return taken[max(taken)] if taken else None

    def says(self, name: str) -> list[str]:
        """The lines of a process's log."""
        try:
            return (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def shift(self, name: str, seconds: float) -> None:
        """Set the clock of a scheduler ahead, or back when negative, of the machine's; at once and until changed."""
        (self.folder / f"{name}.shift").write_text(str(seconds))

    def api(self, name: str, *, direct: bool = False) -> str:
        """The address of an API process: through the proxy, as clients reach it, or past it."""
        return f"http://127.0.0.1:{self.ports[name] if direct else self.ways[name].port}"

    def parts(self, name: str) -> dict[str, str]:
        """What /readyz of an API says of each part, by its code; nothing where it does not answer."""
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = httpx.get(self.api(name, direct=True) + "/readyz", timeout=10)
            return {part["name"]: part["code"] for part in answer.json()["parts"]}
        return {}

    def ready(self, name: str) -> bool:
        """Whether an API process has both servers and a scheduler that leads."""
        parts = self.parts(name)
        return [parts.get(part) for part in ("database", "schema", "redis", "scheduler")] == ["ok"] * 4

    def token(self, username: str, name: str = "api-1") -> str:
        """A login by one of the APIs."""
        answer = httpx.post(
            self.api(name, direct=True) + "/api/v1/auth/token",
            data={"username": username, "password": PASSWORD},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def _stop(self) -> None:
        for member in self.members.values():
            member.end()
        for server in reversed(self.servers.values()):
            if server.is_running():
                server.process.send_signal(signal.SIGCONT)
                server.stop()


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still live. Linux only."""
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent_of(stat) == pid]


def _parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # ended meanwhile
