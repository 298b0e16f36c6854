"""`hotline replay`: servers, crew, simulation, files, and the table at the end."""

import base64
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from service.bootstrap import Application, build, migrate
from service.core.clock import SimulatedClock, local
from service.core.keyfile import kept, master_key_file
from service.core.settings import Settings
from service.embedded import embedded_servers
from service.replay.crew import crew_at_work
from service.replay.messages import Message, read_messages
from service.replay.outcome import Outcome, gather, write_files
from service.replay.simulation import Progress as Done
from service.replay.simulation import Simulation
from service.reports.breaches import Total
from service.seed.seeding import seed, seed_demo_people

DELIVERY_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What to replay and where. `speed` None is as fast as it goes; `data` None is a folder thrown away after."""

    file: Path
    out: Path
    speed: float | None = None
    seed: int = 1
    data: Path | None = None


def replay(command: Replay, console: Console) -> Outcome:
    """Replay a file of messages from the first to the last word and write the report.

    Raises MessagesUnreadable, TicketsAlreadyThere, MessagesNotDelivered, and what the servers raise.
    """
    messages = read_messages(command.file)
    with _folder(command.data) as folder, embedded_servers(folder) as servers:
        settings = Settings(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            # Kept in the folder, so that `hotline up --data` can show what was replayed.
            master_key=SecretStr(kept(master_key_file(folder / "keys"))),
        )
        clock = SimulatedClock(messages[0].received_at)
        application = build(settings, clock=clock)
        try:
            with crew_at_work(settings, folder / "logs") as crew:
                _prepare(application)
                simulation = Simulation(application, clock, seed=command.seed, speed=command.speed)
                _play(simulation, messages, crew.keep_up, console)
                with console.status("送达消息 / delivering messages") as status:
                    crew.wait_until_delivered(
                        application,
                        seconds=DELIVERY_SECONDS,
                        on_wait=lambda left: status.update(f"送达消息 / delivering messages: {left}"),
                    )
            with application.reading() as unit:
                outcome = gather(unit, messages, simulation.numbers)
                files = write_files(unit, outcome, command.out)
        finally:
            application.database.dispose()
    show(outcome, files["breaches.json"], console)
    return outcome


@contextmanager
def _folder(path: Path | None) -> Iterator[Path]:
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="hotline-replay-") as folder:
        yield Path(folder)


def _prepare(application: Application) -> None:
    migrate(application.database)
    with application.unit() as unit:
        seed(unit)
    with application.unit() as unit:
        seed_demo_people(unit, base64.b64encode(os.urandom(24)).decode())


def _play(simulation: Simulation, messages: list[Message], keep_up: Callable[[], None], console: Console) -> None:
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("回放 / replay", total=len(messages))
        looked = time.monotonic()

        def on_step(done: Done) -> None:
            nonlocal looked
            if time.monotonic() - looked < 0.25:
                return
            looked = time.monotonic()
            keep_up()
            bar.update(
                task,
                completed=done.messages,
                description=f"{local(simulation.clock.now()):%Y-%m-%d} · 步骤 {done.steps} · 升级 {done.fired}",
            )

        simulation.play(messages, on_step=on_step)
        bar.update(task, completed=simulation.progress.messages)


def show(outcome: Outcome, report: Path, console: Console) -> None:
    """The table at the end."""
    for title, lines in (
        ("按分级 / by tier", outcome.resolve_by_tier),
        ("按工会 / by union", outcome.resolve_by_union),
    ):
        console.print(_totals(f"办理时限{title}", lines))
    rungs = Table(title="升级 / escalations by rung")
    for heading in ("时限 clock", "级别 rung", "次数 count"):
        rungs.add_column(heading, justify="right" if heading.startswith("次数") else "left")
    for kind, rung, count in outcome.rungs:
        rungs.add_row(kind, rung, str(count))
    console.print(rungs)
    ratings = Table(title="评价 / ratings")
    ratings.add_column("结果 result")
    ratings.add_column("次数 count", justify="right")
    for word, count in outcome.ratings:
        ratings.add_row(word, str(count))
    console.print(ratings)
    states = "  ".join(f"{state} {count}" for state, count in outcome.states)
    console.print(f"消息 {len(outcome.accounted)} 件,全部有着落 / messages, each accounted for: {states}")
    console.print(f"逾期报告 / breach report: {report}", soft_wrap=True)


def _totals(title: str, lines: tuple[Total, ...]) -> Table:
    table = Table(title=title)
    table.add_column("代码 key")
    table.add_column("名称 name")
    for heading in ("到期 due", "按时 on time", "逾期 late", "未办毕 open", "按时率 rate"):
        table.add_column(heading, justify="right")
    for line in lines:
        judged = line.on_time + line.late
        rate = f"{line.on_time / judged:.1%}" if judged else "–"
        open_now = line.open + line.late_still_open
        table.add_row(line.key, line.name_zh, str(line.due), str(line.on_time), str(line.late), str(open_now), rate)
    return table
