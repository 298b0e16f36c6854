"""`hotline up` as a newcomer runs it: a real process over real servers in an empty folder."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.embedded.processes import ROOT, alive, within

START_SECONDS = 60  # on a machine that runs other tests beside


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One data folder for the whole story, under a path short enough for Unix sockets."""
    base = Path(tempfile.mkdtemp(prefix="hl-"))
    yield base / "data"
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """A run of `hotline up` and what it prints."""

    def __init__(self, folder: Path, port: int, *words: str, **variables: str) -> None:
        self.folder, self.port = folder, port
        self._output = folder.parent / f"output-{time.monotonic_ns()}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        with self._output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "up", "--data", str(folder), "--port", str(port), *words],
                cwd=ROOT,
                # Where RQ can give its worker a title of its own, that must not cover what `children` reads.
                env={**environment, **variables, "PYTHONUNBUFFERED": "1", "SPT_NOENV": "1"},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def says(self) -> str:
        return self._output.read_text()

    def ready(self) -> bool:
        """Whether the greeting was printed to its last line."""
        last_line = "Ctrl-C stops it"
        return within(START_SECONDS, lambda: last_line in self.says or self.process.poll() is not None) and (
            last_line in self.says
        )

    def children(self, pattern: str = "") -> list[int]:
        """Everything that works in or for the data folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                surroundings = (entry / "environ").read_bytes().decode(errors="replace")
                inside = (entry / "cwd").readlink().is_relative_to(self.folder)
            except OSError:
                continue
            if (inside or str(self.folder) in surroundings) and pattern in command and alive(int(entry.name)):
                found.append(int(entry.name))
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, port: int, *words: str, **variables: str) -> Iterator[Up]:
    """A run that leaves nothing behind, whatever becomes of the test."""
    up = Up(folder, port, *words, **variables)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()
            within(10, lambda: not up.children())


def healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def logged_in(port: int, password: str) -> bool:
    form = urlencode({"username": "agent1", "password": password}).encode()
    with urlopen(Request(f"http://127.0.0.1:{port}/api/v1/auth/token", form), timeout=10) as answer:
        return "access_token" in json.load(answer)


def database(folder: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=str(folder / "run" / "s"), user="hotline", dbname="hotline", autocommit=True)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for leftovers in /proc")
@pytest.mark.skipif(bool(os.environ.get("HOTLINE_DATABASE_URL")), reason="this is about the embedded servers")
def test_the_whole_service_starts_recovers_stops_and_keeps_its_data(folder: Path, port: int) -> None:
    with running(folder, port, "--demo") as up:
        assert up.ready(), up.says
        password = up.says.split("password: ")[1].split()[0]
        assert f"http://127.0.0.1:{port}" in up.says
        assert "handler-632801" in up.says
        assert logged_in(port, password)
        for secret in (folder / "keys").iterdir():
            assert secret.stat().st_mode & 0o077 == 0, secret

        second = subprocess.run(
            [sys.executable, "-m", "service.cli", "up", "--data", str(folder), "--port", "1"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode == 1
        assert f"进程号 {up.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr

        with database(folder) as connection:
            connection.execute("create table survivor as select 12351 as number")
            told = "insert into outbox_message (key, kind, queue, payload, correlation_id, created_at, available_at,"
            told += " attempts, publishes) select 'k' || i, 'nobody', 'default', '{}', '', now(), now(), 0, 0"
            connection.execute(told + " from generate_series(1, 3) i")
            assert within(
                20,
                lambda: connection.execute("select count(*) from outbox_message where attempts > 0").fetchone() == (3,),
            ), "relay and worker are at work"

        checked = subprocess.run(
            [sys.executable, "-m", "service.cli", "check", "--json"],
            cwd=ROOT,
            env={**os.environ, "HOTLINE_DATA": str(folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert checked.returncode == 0, checked.stderr + checked.stdout

        # RQ gives its worker a title of its own where the library for it is installed.
        for names in (("workers.worker", "rq:worker"), ("workers.scheduler",), ("uvicorn",)):
            (pid,) = (pid for name in names for pid in up.children(name))
            os.kill(pid, signal.SIGKILL)
            assert within(
                20, lambda names=names, pid=pid: [p for name in names for p in up.children(name)] not in ([], [pid])
            )
        assert within(20, lambda: healthy(port))
        assert len(re.findall("意外退出（SIGKILL）", up.says)) == 3, up.says

        assert up.stop() == 0
        assert up.children() == []
        assert "Traceback" not in up.says
        assert "已停止" in up.says
        assert not (folder / "keys" / "environment").exists()

    started = time.monotonic()
    with running(folder, port, "--demo") as up:
        assert up.ready(), up.says
        assert time.monotonic() - started < 15, "5 s on a machine that does nothing else"
        assert up.says.split("password: ")[1].split()[0] == password
        assert logged_in(port, password)
        with database(folder) as connection:
            assert connection.execute("select number from survivor").fetchone() == (12351,)
        assert up.stop() == 0
    assert up.children() == []


@pytest.mark.skipif(bool(os.environ.get("HOTLINE_DATABASE_URL")), reason="this is about the embedded servers")
def test_a_port_that_is_taken_is_a_sentence(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with running(folder, taken.getsockname()[1]) as up:
            assert up.process.wait(START_SECONDS) == 1
    assert "--port" in up.says
    assert "Traceback" not in up.says


@pytest.mark.skipif(bool(os.environ.get("HOTLINE_DATABASE_URL")), reason="this is about the embedded servers")
def test_a_demo_password_too_short_is_refused_although_the_people_are_there(folder: Path, port: int) -> None:
    with running(folder, port, "--demo", HOTLINE_DEMO_PASSWORD="short") as up:
        assert up.process.wait(START_SECONDS) == 1, "another password is a reason to prepare again"
        assert "至少" in up.says
        assert "Traceback" not in up.says
