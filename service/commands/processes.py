"""`api`, `worker`, `scheduler`: one process each, for compose and systemd; `migrate` and `seed` before them."""

import os
import sys
from typing import Annotated

import typer

from service.commands.frame import application, say

# Modules, not imports: the background stands above this package and nothing here may lean on it.
WORKER = ("-m", "workers.worker")
SCHEDULER = ("-m", "workers.scheduler")


def api_arguments(host: str, port: int) -> tuple[str, ...]:
    """How Python is started to be the API: one process; more of them stand behind a proxy."""
    return (
        *("-m", "uvicorn", "service.app:create_app", "--factory"),
        *("--host", host, "--port", str(port)),
        *("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "8"),
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("api")(api)
    app.command("worker")(worker)
    app.command("scheduler")(scheduler)
    app.command("migrate")(migrate_command)
    app.command("seed")(seed_command)
    app.command("prepare", hidden=True)(prepare_command)


def api() -> None:
    """运行接口服务。/ Run the API."""
    from service.core.settings import load_settings

    settings = load_settings()
    settings.require_servers()
    _become(*api_arguments(settings.host, settings.port))


def worker(
    lanes: Annotated[
        str, typer.Option(help="只处理这些通道,逗号分隔 / only these lanes, with commas between: inside,sms,…")
    ] = "",
) -> None:
    """运行后台任务进程。/ Run a worker."""
    from service.outbox.lanes import lanes_named

    lanes_named(lanes)  # a wrong name is said here, and not by a process that ends again and again
    _become(*WORKER, *(("--lanes", lanes) if lanes else ()))


def scheduler() -> None:
    """运行定时与消息中继进程。/ Run a scheduler and relay."""
    _become(*SCHEDULER)


def migrate_command() -> None:
    """建立或升级数据库结构。/ Create or upgrade the tables."""
    from service.bootstrap import migrate

    with application() as parts:
        migrate(parts.database)
    say("数据库结构已是最新 / the tables are up to date")


def seed_command(
    demo: Annotated[bool, typer.Option("--demo", help="包括演示人员 / with the demo people")] = False,
) -> None:
    """写入工会、分类、日历和时限规则。/ Write unions, taxonomy, calendars and policy."""
    from service.core.ids import new_token
    from service.seed.seeding import seed, seed_demo_people

    with application() as parts:
        with parts.unit() as unit:
            seed(unit)
        say("工会、分类、日历和规则已就绪 / unions, taxonomy, calendars and policy are in place")
        if demo:
            given = parts.settings.demo_password
            password = given.get_secret_value() if given else new_token()
            with parts.unit() as unit:
                seed_demo_people(unit, password)
            say(f"演示密码 / demo password: {'HOTLINE_DEMO_PASSWORD' if given else password}")


def prepare_command(demo: Annotated[bool, typer.Option("--demo")] = False) -> None:
    """Both at once, for `hotline up`: one start of Python instead of two."""
    migrate_command()
    seed_command(demo)


def _become(*arguments: str) -> None:
    """Be that process from here on: its signals are its own, and it does not carry this command's memory."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted
