"""`hotline keys`: a new key, what is sealed under which, and the rotation, as whoever keeps the service types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.core.keyring import read_ring
from service.core.settings import Settings
from tests.conftest import MASTER_KEY
from tests.desk import Desk

Run = Callable[..., Result]


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    file = tmp_path / "master_key"
    file.write_text(f"1:{MASTER_KEY}\n")
    return file


@pytest.fixture
def run(settings: Settings, ring: Path) -> Run:
    """`hotline` with the ring in a file."""
    environment = {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": None,
        "HOTLINE_MASTER_KEY_FILE": str(ring),
    }
    return lambda *words, **more: CliRunner().invoke(app, list(words), env=environment | more)


def test_a_key_is_changed_as_the_book_says(run: Run, ring: Path, desk: Desk) -> None:
    desk.registered()
    line = run("keys", "new").stdout
    assert (line[:2], line.strip().endswith("waiting")) == ("2:", True)
    ring.write_text(ring.read_text() + line)
    assert json.loads(run("keys", "status", "--json").stdout)["seals"] == "1 international"
    ring.write_text(ring.read_text().replace(" waiting", ""))

    rotated = run("keys", "rotate")

    assert rotated.exit_code == 0, rotated.output
    assert "全部为现用密钥" in rotated.stdout
    told = json.loads(run("keys", "status", "--json").stdout)
    assert {place["sealed"] for place in told["places"]} == {"2 international"}
    assert [key["values"] > 0 for key in told["keys"]] == [False, True]
    assert MASTER_KEY not in rotated.output + json.dumps(told)
    other = run("keys", "rotate", HOTLINE_CRYPTO_SUITE="guomi")
    assert (other.exit_code, "2 guomi" in other.stdout) == (0, True)


def test_a_key_that_is_missing_is_named_and_the_exit_code_says_so(run: Run, ring: Path, desk: Desk) -> None:
    desk.registered()
    ring.write_text(run("keys", "new").stdout.replace(" waiting", ""))
    status = run("keys", "status")

    assert (status.exit_code, "KEY IS GONE" in status.stdout) == (1, True)
    refused = run("keys", "rotate")
    assert (refused.exit_code, "不在" in refused.output or "没有" in refused.output) == (1, True)


def test_the_first_key_of_a_ring_does_not_wait(run: Run) -> None:
    line = run("keys", "new", HOTLINE_MASTER_KEY_FILE=None).stdout

    assert read_ring(line).sealing.version == 1
