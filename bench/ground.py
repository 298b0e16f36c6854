"""Common ground of the benchmarks: servers, API processes, and a client that costs little itself."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.bootstrap import Application, build, migrate
from service.core.keyring import new_line
from service.core.settings import Settings
from service.embedded import embedded_servers
from service.seed.seeding import seed, seed_demo_people

PASSWORD = "bench bench bench"
CENTRE = "630000"


@dataclass(frozen=True)
class Ground:
    """Migrated and seeded servers (durable: fsync is on), and the environment processes are given."""

    application: Application
    environment: dict[str, str]
    folder: Path


@contextmanager
def ground() -> Iterator[Ground]:
    """Servers of their own in a folder thrown away afterwards, or those the environment names."""
    with (
        tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder,
        embedded_servers(
            folder,
            database_url=os.environ.get("HOTLINE_DATABASE_URL"),
            redis_url=os.environ.get("HOTLINE_REDIS_URL"),
        ) as servers,
    ):
        key = new_line(None)
        values = {"database_url": servers.database_url, "redis_url": servers.redis_url, "master_key": key}
        # One person asks as fast as the service answers.
        values["requests_per_minute"] = "1000000"
        # Nor does anybody have an authenticator at hand.
        values["second_factor_roles"] = ""
        application = build(Settings(**values))
        migrate(application.database)
        with application.unit() as unit:
            seed(unit)
        with application.unit() as unit:
            seed_demo_people(unit, PASSWORD)
        environment = {**os.environ, **{f"HOTLINE_{name.upper()}": value for name, value in values.items()}}
        yield Ground(application, environment, Path(folder))
        application.database.dispose()


@contextmanager
def process(argv: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child for the length of the block."""
    with log.open("ab") as out:
        child = subprocess.Popen([sys.executable, *argv], env=environment, stdout=out, stderr=out)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(15)


@contextmanager
def web_server(factory: str, place: Ground) -> Iterator[tuple[int, int]]:
    """uvicorn with one worker, as in production; its port and process id."""
    port = free_port()
    argv = ["-m", "uvicorn", "--factory", factory, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    with process(argv, place.environment, place.folder / f"{factory.replace(':', '-')}.log") as child:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                    break
            except OSError:
                if time.monotonic() > deadline or child.poll() is not None:
                    raise
                time.sleep(0.05)
        yield port, child.pid


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def token(port: int, username: str) -> str:
    """A bearer token of a demo person."""
    body = f"username={username}&password={PASSWORD.replace(' ', '+')}".encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/auth/token", data=body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        access: str = json.load(answer)["access_token"]
        return access


@dataclass(frozen=True)
class Load:
    """What a load did: seconds it took, and the time of each answer in milliseconds, sorted."""

    seconds: float
    milliseconds: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))]

    def __str__(self) -> str:
        return (
            f"{self.per_second:8.1f}/s   p50 {self.percentile(0.5):7.2f}   p95 {self.percentile(0.95):7.2f}"
            f"   p99 {self.percentile(0.99):7.2f} ms"
        )


def joined(loads: Sequence[Load]) -> Load:
    """Several rounds as one."""
    return Load(
        sum(load.seconds for load in loads), tuple(sorted(time for load in loads for time in load.milliseconds))
    )


def http_load(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Send ready-made requests over keep-alive connections for so long; every answer must be 2xx."""
    return asyncio.run(_http_load(port, requests, clients, seconds))


async def _http_load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    times: list[float] = []
    end = time.perf_counter() + seconds
    turn = iter(range(10**9))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            begun = time.perf_counter()
            writer.write(requests[next(turn) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            times.append((time.perf_counter() - begun) * 1000)
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"{head[:200]!r} {body[:300]!r}")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(time.perf_counter() - begun, tuple(sorted(times)))


def http_request(method: str, path: str, *, bearer: str = "", body: object | None = None) -> bytes:
    """The bytes of a keep-alive request."""
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if bearer:
        lines.append(f"Authorization: Bearer {bearer}")
    if content:
        lines.append("Content-Type: application/json")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def resident_mib(pid: int) -> float:
    """Memory that belongs to a process alone or in its share (PSS), in MiB. Linux."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no PSS")
