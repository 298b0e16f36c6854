"""`hotline up`: everything on one machine, from an empty folder, in one command."""

import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.resources import files
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from service.commands.frame import ENVIRONMENT_FILE, REFUSED, complain, say, say_table
from service.commands.processes import SCHEDULER, WORKER, api_arguments
from service.core.keyfile import keep, kept, master_key_file

HOST = "127.0.0.1"
PREPARED = "prepared"
DEMO_PASSWORD = "demo-password"  # noqa: S105 - the name of the file it is kept in
_EXAMPLE_UNION = "632801"
_LOGINS = (
    ("agent1, agent2", "坐席 agents"),
    ("lawyer1", "律师 lawyer"),
    ("dispatcher1", "派单员 dispatcher"),
    ("supervisor1", "督办员 supervisor"),
    ("admin1", "管理员 administrator"),
    ("auditor1", "审计员 auditor"),
    (f"handler-{_EXAMPLE_UNION} …", "各工会承办人 a handler of each union"),
    (f"leader-{_EXAMPLE_UNION} …", "各工会审核人 a leader of each union"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    demo: Annotated[bool, typer.Option("--demo", help="带演示人员 / with demo people")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="本机端口 / port on this machine")] = 8351,
    data: Annotated[Path, typer.Option(help="数据目录 / data folder")] = Path("data"),
) -> None:
    """在本机运行全部服务,按 Ctrl-C 停止。/ Run everything on this machine; Ctrl-C stops it."""
    from service.embedded import embedded_servers
    from service.supervisor import ChildSpec, run_supervised

    # Until the supervisor takes over, `kill` shall stop the servers as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with embedded_servers(
        data,
        database_url=os.environ.get("HOTLINE_DATABASE_URL"),
        redis_url=os.environ.get("HOTLINE_REDIS_URL"),
    ) as servers:
        _refuse_a_taken(port)
        home = _Home(data.expanduser().resolve())
        password = home.demo_password() if demo else None
        environment = {
            "HOTLINE_DATABASE_URL": servers.database_url,
            "HOTLINE_REDIS_URL": servers.redis_url,
            "HOTLINE_PUBLIC_URL": os.environ.get("HOTLINE_PUBLIC_URL", f"http://{HOST}:{port}"),
            "HOTLINE_DEMO": "true" if demo else "false",
            "HOTLINE_FILES_DIR": os.environ.get("HOTLINE_FILES_DIR", str(home.path / "files")),
            **home.master_key(),
        }
        home.prepare(environment, demo_password=password)

        def ready() -> None:
            _greet(port, password)

        def tick() -> None:
            for name in servers.revive():
                complain(f"{name} 已重新启动 | {name} was started again")

        with home.open_to_commands(environment):
            run_supervised(
                [
                    ChildSpec("api", [sys.executable, *api_arguments(HOST, port)], environment),
                    ChildSpec("worker", [sys.executable, *WORKER], environment),
                    ChildSpec("scheduler", [sys.executable, *SCHEDULER], environment),
                ],
                logs=home.path / "logs",
                is_ready=lambda: _answers(port),
                on_ready=ready,
                on_tick=tick,
            )
    say("已停止 / stopped")


@dataclass(frozen=True)
class _Home:
    """What a data folder keeps beside the servers: keys, and what it was last prepared for."""

    path: Path

    def master_key(self) -> dict[str, str]:
        """Where the processes find the key: the one the environment names, or the one in the folder, made once."""
        if os.environ.get("HOTLINE_MASTER_KEY") or os.environ.get("HOTLINE_MASTER_KEY_FILE"):
            return {}
        return {"HOTLINE_MASTER_KEY_FILE": str(master_key_file(self.path / "keys"))}

    def demo_password(self) -> str:
        """HOTLINE_DEMO_PASSWORD, or the one used before, or a new one."""
        return os.environ.get("HOTLINE_DEMO_PASSWORD") or self._kept(DEMO_PASSWORD) or secrets.token_urlsafe(12)

    def prepare(self, environment: Mapping[str, str], *, demo_password: str | None) -> None:
        """Migrate and seed, unless the folder's own database already was for this release.

        In a process of its own: what it loads is not carried along for as long as the service runs.
        """
        wanted = _release_mark(demo=demo_password is not None)
        if (
            not os.environ.get("HOTLINE_DATABASE_URL")
            and self._kept(PREPARED) == wanted
            and demo_password in (None, self._kept(DEMO_PASSWORD))
            and _seeded(environment["HOTLINE_DATABASE_URL"])
        ):
            return
        say("正在准备数据库 … / preparing the database …")
        secret = {"HOTLINE_DEMO_PASSWORD": demo_password} if demo_password else {}
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", "prepare", *(["--demo"] if demo_password else [])],
            check=False,
            env={**os.environ, **environment, **secret},
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            raise typer.Exit(REFUSED)  # it has said why
        if demo_password:
            self._keep(DEMO_PASSWORD, demo_password)
        self._keep(PREPARED, wanted)

    @contextmanager
    def open_to_commands(self, environment: Mapping[str, str]) -> Iterator[None]:
        """While the service runs, other commands on this machine find it by the folder."""
        self._keep(ENVIRONMENT_FILE, json.dumps(dict(environment)))
        try:
            yield
        finally:
            (self.path / "keys" / ENVIRONMENT_FILE).unlink(missing_ok=True)

    def _kept(self, name: str) -> str:
        return kept(self.path / "keys" / name)

    def _keep(self, name: str, text: str) -> None:
        keep(self.path / "keys" / name, text)


def _release_mark(*, demo: bool) -> str:
    """Changes with the migrations and with what is seeded."""
    digest = hashlib.sha256(b"demo" if demo else b"")
    for package, pattern in (("service.migrations", "*.py"), ("service.seed", "*.*"), ("sla_rules", "*.toml")):
        for entry in sorted(Path(str(files(package))).rglob(pattern)):
            if entry.suffix != ".pyc":
                digest.update(entry.read_bytes())
    return digest.hexdigest()


def _seeded(database_url: str) -> bool:
    """Whether the tables are there with something in them. The mark alone would outlive a removed database."""
    import psycopg

    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, connect_timeout=5) as connection:
            row = connection.execute("select count(*) from policy_version where active").fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def _refuse_a_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            _leave(
                f"端口 {port} 不能使用({error.strerror}),请用 --port 另选一个。\n"
                f"Port {port} cannot be used ({error.strerror}); choose another with --port."
            )


def _leave(sentence: str) -> NoReturn:
    complain(sentence)
    raise typer.Exit(REFUSED)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=0.5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _greet(port: int, password: str | None) -> None:
    say(f"\n服务已就绪 / the service is up: http://{HOST}:{port}")
    say(f"  控制台 console   http://{HOST}:{port}/console")
    say(f"  接口 API         http://{HOST}:{port}/api/v1")
    if password:
        say(f"\n演示登录,密码均为 / demo logins, all with the password: {password}")
        say_table(("用户名 user", "身份 who"), list(_LOGINS))
    say("\n按 Ctrl-C 停止 / Ctrl-C stops it")
    sys.stdout.flush()
