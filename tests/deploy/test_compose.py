"""What docker-compose.yml says is started here, command by command, with the environment it gives: two API processes,
two workers and two schedulers behind the proxy. No container engine is needed, and none is tested."""

import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.embedded.starting import free_port
from tests.conftest import MASTER_KEY, Servers, drop
from tests.embedded.processes import ROOT, within

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "hotline-12351"}
STAYING = [name for name, service in OURS.items() if service["restart"] != "no"]


def test_two_of_each_stand_behind_the_proxy() -> None:
    assert sorted(STAYING) == [f"{name}-{number}" for name in ("api", "scheduler", "worker") for number in (1, 2)]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_with_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory"}
    # Our own image and the proxy's name an ordinary user themselves.
    assert name in OURS or "unprivileged" in service["image"] or service["user"].split(":")[0] != "0"
    if service["restart"] != "no":
        assert service["healthcheck"]["test"]


def test_no_secret_stands_in_the_file() -> None:
    environment = {
        key: str(value) for service in SERVICES.values() for key, value in (service.get("environment") or {}).items()
    }
    telling = [key for key in environment if any(word in key for word in ("PASSWORD", "SECRET", "KEY", "DATABASE_URL"))]
    assert telling
    assert all(key.endswith("_FILE") and environment[key].startswith("/run/secrets/") for key in telling)


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["proxy"]
    assert all(SERVICES[name]["networks"] == ["data"] for name in ("postgres", "redis"))
    assert COMPOSE["networks"]["data"]["internal"] is True


class Place:
    """Stands in for the network and the volumes that the file describes."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.secrets = {"database_url": database_url, "master_key": MASTER_KEY}
        self.redis_url = redis_url
        for name, value in self.secrets.items():
            (folder / name).write_text(value)

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """What a service is given, with addresses and folders of this machine."""
        given = {key: str(value) for key, value in OURS[name]["environment"].items()}
        given |= {key: value.replace("/run/secrets", str(self.folder)) for key, value in given.items()}
        given |= {
            "HOTLINE_REDIS_URL": self.redis_url,
            "HOTLINE_PUBLIC_URL": "https://localhost:8443",
            "HOTLINE_FILES_DIR": str(self.folder / "files"),
            "TMPDIR": str(self.folder),
            "HOTLINE_METRICS_HOST": "127.0.0.1",
            "HOTLINE_METRICS_PORT": str(free_port()),
            "HOTLINE_PORT": str(free_port()),
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HOTLINE_")}
        return {**inherited, **given, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}

    def run(self, name: str, *replaced: tuple[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a service that ends."""
        command = OURS[name]["command"]
        for old, new in replaced:
            command = [part.replace(old, new) for part in command]
        return subprocess.run(
            command,
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def started(self, name: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
        """A service that stays until it is told to end, and then ends by itself."""
        environment = self.environment(name)
        with (self.folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(OURS[name]["command"], env=environment, cwd=self.folder, stdout=log, stderr=log)
        try:
            yield child, environment
            # uvicorn ends in order and then by the signal it was sent.
            assert child.wait(30) in {0, -signal.SIGTERM}, (self.folder / f"{name}.log").read_text()
        finally:
            child.kill()
            child.wait()


@pytest.fixture
def place(servers: Servers, tmp_path: Path) -> Iterator[Place]:
    name = f"hotline_{uuid.uuid4().hex[:12]}"
    with servers.admin() as admin:
        admin.execute(f'create database "{name}"')
    yield Place(tmp_path, servers.url_of(name).replace("postgresql+psycopg", "postgresql"), servers.redis_url)
    drop(servers, name)


def healthy(name: str, environment: dict[str, str]) -> bool:
    """Ask as the file's health check asks."""
    command = [part.replace("8351", environment["HOTLINE_PORT"]) for part in OURS[name]["healthcheck"]["test"][1:]]
    command = [part.replace("9351", environment["HOTLINE_METRICS_PORT"]) for part in command]
    return subprocess.run(command, env=environment, capture_output=True, timeout=10, check=False).returncode == 0


def test_every_command_does_what_the_file_expects_of_it(place: Place, tmp_path: Path) -> None:
    assert OURS["migrate"]["command"][:2] == ["sh", "-c"]
    prepared = place.run("migrate")
    assert prepared.returncode == 0, prepared.stderr
    with ExitStack() as stack:
        running = {name: stack.enter_context(place.started(name)) for name in STAYING}
        for name, (child, environment) in running.items():
            assert within(60, lambda name=name, environment=environment: healthy(name, environment)), name
            assert child.poll() is None
        ports = [running[name][1]["HOTLINE_PORT"] for name in ("api-1", "api-2")]
        # Ready means that a scheduler sweeps and a worker delivers, whoever they are.
        assert within(30, lambda: httpx.get(f"http://127.0.0.1:{ports[0]}/readyz").json()["status"] == "ready")
        if shutil.which("nginx"):
            the_proxy_passes_on(tmp_path, ports)
        kept = place.run("backup", ("/var/lib/hotline/backups", str(tmp_path / "backups")))
        assert kept.returncode == 0, kept.stderr
        assert list((tmp_path / "backups").glob("hotline-*Z/manifest.json"))
        for child, _ in running.values():
            child.send_signal(signal.SIGTERM)


def the_proxy_passes_on(folder: Path, ports: list[str]) -> None:
    """The proxy with its own configuration, but for addresses and folders: TLS, no figures, and streams at once."""
    port, temporary = free_port(), folder / "proxy"
    temporary.mkdir()
    certificate(folder)
    text = (ROOT / "deploy/nginx.conf").read_text()
    for number, api in enumerate(ports, 1):
        text = text.replace(f"api-{number}:8351", f"127.0.0.1:{api}")
    for there, here in (
        ("/tmp/", f"{temporary}/"),  # noqa: S108
        ("/run/secrets", str(folder)),
        ("8443", f"127.0.0.1:{port}"),
    ):
        text = text.replace(there, here)
    (folder / "nginx.conf").write_text(text)
    command = shlex.split(f"nginx -c {folder / 'nginx.conf'} -p {temporary} -g 'daemon off;'")
    trusted = ssl.create_default_context(cafile=folder / "tls_certificate")
    with (
        (folder / "nginx.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as proxy,
        httpx.Client(base_url=f"https://localhost:{port}", verify=trusted) as client,
    ):
        try:
            assert within(10, lambda: answers(client)), (folder / "nginx.log").read_text()
            assert client.get("/metrics").status_code == 404
            page = client.get("/console/login")
            assert page.headers["strict-transport-security"]
            assert "secure" in page.headers["set-cookie"].lower()
            # No cookie, no stream: but the refusal came through the location of streams.
            assert client.get("/api/v1/events").status_code == 401
        finally:
            proxy.send_signal(signal.SIGTERM)


def answers(client: httpx.Client) -> bool:
    """Whether the proxy is there."""
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def certificate(folder: Path) -> None:
    """A key and a certificate for localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls_certificate").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "tls_key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
