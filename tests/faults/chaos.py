"""Rounds of faults under load: `python -m tests.faults.chaos --rounds 300 --seed 7`, which is what `make chaos` runs.

Each round does one or two things to the processes, the servers or the network between them while clients work, sets
them right again, and measures how long it takes until everything is served. Now and then, and in the end, the load
rests and the checker looks at everything. A run with the same seed does the same things in the same order; when they
meet what the processes are doing is the machine's affair.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import redis

from tests.faults.checker import Checker, Verdict, still_due
from tests.faults.clients import HOLDER, Client, Journal
from tests.faults.ground import LEASE_SECONDS, SWEEP_SECONDS, Ground, children_of

MEMBERS = ("api-1", "api-2", "worker-1", "worker-2", "scheduler-1", "scheduler-2")
PEOPLE = ("agent1", "agent2", "dispatcher1", "supervisor1", f"handler-{HOLDER}", f"leader-{HOLDER}", "handler-630102")
# Far above what a restart of everything takes on a starved machine; a run that needs longer is stuck.
RECOVERED_WITHIN = 240.0
QUIET_WITHIN = 240.0
# So long clients go on as before while the service comes back.
LOADED_FOR = 15.0


class NotRecovered(Exception):
    """The service did not come back after a fault was over."""


@dataclass
class Fault:
    """Something done to the ground: begins when called, and is over when what it returns is called."""

    kind: str
    begin: Callable[[Ground, random.Random], Callable[[], None]]
    seconds: tuple[float, float] = (0.2, 1.2)


@dataclass
class Tally:
    """What the rounds came to, by kind of fault."""

    times: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def _nothing() -> None:
    """The harness puts up again what fell."""


def _kill(role: str) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        ground.members[f"{role}-{dice.randint(1, 2)}"].send(signal.SIGKILL)
        return _nothing

    return begin


def _freeze(role: str) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        member = ground.members[f"{role}-{dice.randint(1, 2)}"]
        member.send(signal.SIGSTOP)
        return lambda: member.send(signal.SIGCONT)

    return begin


def _kill_leader(ground: Ground, dice: random.Random) -> Callable[[], None]:
    leader = ground.leader() or ground.members["scheduler-1"]
    leader.send(signal.SIGKILL)
    return _nothing


def _freeze_leader(ground: Ground, dice: random.Random) -> Callable[[], None]:
    leader = ground.leader() or ground.members["scheduler-1"]
    leader.send(signal.SIGSTOP)
    return lambda: leader.send(signal.SIGCONT)


def _two_leaders(ground: Ground, dice: random.Random) -> Callable[[], None]:
    """The leader stands still, its lock is lost with its connection, another leads; then it goes on believing."""
    over = _freeze_leader(ground, dice)
    ground.network.cut(ground.ways["postgres"])
    return over


def _jump(seconds: float) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        name = f"scheduler-{dice.randint(1, 2)}"
        ground.shift(name, seconds * dice.uniform(0.3, 1))
        return lambda: ground.shift(name, 0)

    return begin


def _cut(*ways: str) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        for _ in range(dice.randint(1, 3)):
            for way in ways:
                ground.network.cut(ground.ways[way], share=dice.choice((0.3, 0.6, 1.0)), dice=dice)
            ground.wait(0.1)
        return _nothing

    return begin


def _stall(way: str) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        ground.network.hold(ground.ways[way])
        return lambda: ground.network.let_flow(ground.ways[way])

    return begin


def _kill_server(name: str, number: signal.Signals) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        server = ground.servers[name]
        server.process.send_signal(number)
        server.process.wait(30)
        return ground.start_postgres if name == "postgres" else ground.start_redis

    return begin


def _freeze_postgres(ground: Ground, dice: random.Random) -> Callable[[], None]:
    postmaster = ground.servers["postgres"].pid
    pids = [postmaster, *children_of(postmaster)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)

    def over() -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return over


def _freeze_redis(ground: Ground, dice: random.Random) -> Callable[[], None]:
    process = ground.servers["redis"].process
    process.send_signal(signal.SIGSTOP)
    return lambda: process.send_signal(signal.SIGCONT)


def _flush(ground: Ground, dice: random.Random) -> Callable[[], None]:
    for _ in range(dice.randint(1, 3)):
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(ground.redis_url(direct=True)) as client:
            client.flushall()
        ground.wait(0.15)
    return _nothing


def _mood(mood: str) -> Callable[[Ground, random.Random], Callable[[], None]]:
    def begin(ground: Ground, dice: random.Random) -> Callable[[], None]:
        ground.gateway.mood = mood

        def over() -> None:
            ground.gateway.mood = ""

        return over

    return begin


LEASE_AND_MORE = (LEASE_SECONDS + 0.3, LEASE_SECONDS + 1.5)
FAULTS: tuple[Fault, ...] = (
    Fault("kill -9 of an API", _kill("api")),
    Fault("kill -9 of a worker", _kill("worker")),
    Fault("kill -9 of a scheduler", _kill("scheduler")),
    Fault("kill -9 of the leader", _kill_leader),
    Fault("an API frozen", _freeze("api"), (0.3, 2.0)),
    Fault("a worker frozen beyond the lease", _freeze("worker"), LEASE_AND_MORE),
    Fault("the leader frozen", _freeze_leader, (3.5 * SWEEP_SECONDS, 6 * SWEEP_SECONDS)),
    Fault("two leaders", _two_leaders, (1.0, 2.5)),
    Fault("a scheduler's clock ahead", _jump(3600), (1.0, 2.0)),
    Fault("a scheduler's clock behind", _jump(-3600), (1.0, 2.0)),
    Fault("kill -9 of PostgreSQL", _kill_server("postgres", signal.SIGKILL), (0.1, 0.6)),
    Fault("PostgreSQL stopped at once", _kill_server("postgres", signal.SIGQUIT), (0.1, 0.6)),
    Fault("PostgreSQL frozen", _freeze_postgres, (0.5, 2.0)),
    Fault("kill -9 of Redis", _kill_server("redis", signal.SIGKILL), (0.1, 1.0)),
    Fault("Redis frozen", _freeze_redis, (0.5, 2.0)),
    Fault("Redis flushed", _flush),
    Fault("clients cut off", _cut("api-1", "api-2")),
    Fault("processes cut off PostgreSQL", _cut("postgres")),
    Fault("processes cut off Redis", _cut("redis")),
    Fault("clients stalled", _stall("api-1"), (0.5, 2.0)),
    Fault("PostgreSQL stalled", _stall("postgres"), (0.5, 2.0)),
    Fault("Redis stalled", _stall("redis"), (0.5, 2.0)),
    Fault("the gateway fails", _mood("failing")),
    Fault("the gateway takes and says it failed", _mood("taking and failing")),
    Fault("the gateway hangs", _mood("hanging"), (0.5, 1.0)),
)


@dataclass
class Run:
    """One run of rounds on one ground."""

    ground: Ground
    seed: int
    faults: Sequence[Fault] = FAULTS
    clients: int = 4
    say: Callable[[str], None] = print

    def __post_init__(self) -> None:
        # What is done is decided apart from how it is done: the number of connections to be cut, say, is the moment's.
        self.dice = random.Random(self.seed)
        self._means = random.Random(self.seed + 1)
        self.journal = Journal()
        self.tally = Tally()
        self._people: list[Client] = []
        self._deck: list[Fault] = []

    def set_up(self) -> None:
        """Servers, processes and clients, all at work."""
        ground, began = self.ground, time.monotonic()
        ground.start_postgres()
        ground.start_redis()
        ground.prepare()
        ground.start(*MEMBERS)
        self._recover("the start")
        tokens = {person: ground.token(person) for person in PEOPLE}
        addresses = (ground.api("api-1"), ground.api("api-2"))
        for number in range(self.clients):
            dice = random.Random(f"{self.seed}-{number}")
            client = Client(f"c{number}", addresses, tokens, self.journal, dice)
            self._people.append(client)
            client.start()
        self.say(f"set up in {time.monotonic() - began:.1f} s")

    def rounds(self, count: int, *, check_every: int = 25, at_once: Sequence[int] = (1, 1, 2)) -> Verdict:
        """So many rounds, and a look at everything after each `check_every` of them and at the end. `at_once`: how
        many faults a round has, one of these numbers."""
        for number in range(1, count + 1):
            self._work(True)
            chosen = [self._draw() for _ in range(self.dice.choice(at_once))]
            self.ground.wait(self.dice.uniform(0.1, 0.6))
            ended = [(self._begin(fault), fault) for fault in chosen]
            self.ground.wait(max(self.dice.uniform(*fault.seconds) for fault in chosen))
            for end, _ in reversed(ended):
                end()
            name = " + ".join(fault.kind for fault in chosen)
            took = self._recover(name)
            for fault in chosen:
                self.tally.times[fault.kind] += 1
                self.tally.recovery[fault.kind].append(took)
            self.say(f"round {number:3d}  {took:5.1f} s  {name}")
            if number % check_every == 0 and number < count:
                verdict = self.look(final=False)
                if verdict.faults:
                    return verdict
        return self.look()

    def _draw(self) -> Fault:
        """Each kind as often as any other, in an order of chance."""
        if not self._deck:
            self._deck = list(self.faults)
            self.dice.shuffle(self._deck)
        return self._deck.pop()

    def _begin(self, fault: Fault) -> Callable[[], None]:
        return fault.begin(self.ground, self._means)

    def _recover(self, name: str) -> float:
        """Until every process serves again and what was due by now is done; how many seconds that took."""
        by, began = datetime.now(UTC), time.monotonic()
        if self.ground.until(lambda: not self._complaint(by), seconds=LOADED_FOR) is None:
            # A starved machine may not catch up with clients who go on: they wait, and it still has to.
            self._work(False)
            if self.ground.until(lambda: not self._complaint(by), seconds=RECOVERED_WITHIN) is None:
                raise NotRecovered(f"{name}: {self._complaint(by)}")
        return time.monotonic() - began

    def _complaint(self, by: datetime) -> str:
        """What is still wrong, or due since before that instant."""
        try:
            due = still_due(self.ground, by)
        except psycopg.Error as error:
            return f"PostgreSQL: {type(error).__name__}"
        if due:
            return f"still due: {due}"
        unready = [name for name in ("api-1", "api-2") if not self.ground.ready(name)]
        return f"not ready: {unready}" if unready else ""

    def _work(self, on: bool) -> None:
        for client in self._people:
            (client.goes.set if on else client.goes.clear)()
        if not on:
            for client in self._people:
                client.idle.clear()
                client.idle.wait(60)

    def look(self, *, final: bool = True) -> Verdict:
        """Let the load rest, let everything due be done, and look."""
        self._work(False)
        began = time.monotonic()
        by = datetime.now(UTC)
        quiet = self.ground.until(lambda: self._is_quiet(by, final=final), seconds=QUIET_WITHIN)
        verdict = Checker(self.ground, self.journal, by).look(final=final)
        if quiet is None:
            verdict.faults.append(f"not quiet after {QUIET_WITHIN:.0f} s")
        waited = QUIET_WITHIN if quiet is None else quiet
        self.say(f"quiet in {waited:.1f} s, looked in {time.monotonic() - began - waited:.1f} s: {verdict.figures}")
        return verdict

    def end(self) -> None:
        """Send the clients home."""
        for client in self._people:
            client.stop()

    def _is_quiet(self, by: datetime, *, final: bool) -> bool:
        if self._complaint(by):
            return False
        if final:  # what an operator does who has seen the gateway come back
            self._revive()
        sql = "select count(*) as n from outbox_message where done_at is null and created_at < %(by)s"
        sql += "" if final else " and available_at < %(by)s"  # the clock goes on, and tells of what it finds
        (left,) = self.ground.rows(sql, by=by)
        return not left["n"]

    def _revive(self) -> None:
        """`hotline outbox retry --all`."""
        from service.outbox.relay import revive

        if not self.ground.rows("select 1 from outbox_message where done_at is null and attempts > 0 limit 1"):
            return
        application = self.ground.application()
        with application.unit() as unit:
            revive(unit.session, None, now=datetime.now(UTC))
        application.database.dispose()


@contextlib.contextmanager
def run_on(folder: Path, seed: int, **values: object) -> Iterator[Run]:
    """A run on a ground of its own, set up."""
    with Ground(folder) as ground:
        run = Run(ground, seed, **values)  # type: ignore[arg-type]
        try:
            run.set_up()
            yield run
        finally:
            run.end()


def table(run: Run) -> list[str]:
    """Faults by kind: how often, and the seconds until all was served again."""
    lines = [f"{'fault':40} {'times':>5} {'median':>7} {'worst':>7}"]
    for kind, times in sorted(run.tally.times.items()):
        recovery = sorted(run.tally.recovery[kind])
        lines.append(f"{kind:40} {times:5d} {recovery[len(recovery) // 2]:6.1f}s {recovery[-1]:6.1f}s")
    return lines


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--check-every", type=int, default=25)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    say = lambda line: (sys.stdout.write(line + "\n"), sys.stdout.flush())  # noqa: E731
    say(f"SEED={given.seed} ROUNDS={given.rounds}")
    began = datetime.now(UTC)
    try:
        with run_on(folder, given.seed, say=say) as run:
            verdict = run.rounds(given.rounds, check_every=given.check_every)
    except BaseException:
        say(f"SEED={given.seed}: broken off; what the processes said and wrote is in {folder}")
        raise
    minutes = (datetime.now(UTC) - began) / timedelta(minutes=1)
    for line in table(run):
        say(line)
    restarts = sum(member.restarts for member in run.ground.members.values())
    say(f"rounds {given.rounds}, seed {given.seed}, {minutes:.1f} min, restarts {restarts}")
    say(f"told: {run.journal.counts()}")
    say(f"seen: {verdict.figures}")
    if verdict.faults:
        for fault in verdict.faults:
            say(f"FAULT {fault}")
        say(f"SEED={given.seed}: what the processes said and wrote is in {folder}")
        return 1
    say("nothing lost, nothing twice")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
