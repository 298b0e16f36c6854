"""`hotline peer`."""

import json
from datetime import UTC, datetime, timedelta

from tests.workers.test_catalogue_commands import Run, run

__all__ = ["run"]

ADD = ("peer", "add", "cti", "--org", "630000", "--scope", "ticket:read", "--network", "10.8.0.0/24")


def in_a_month() -> str:
    """A command runs on the clock of the machine."""
    return f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M}"


def test_a_key_is_made_listed_rotated_and_revoked(run: Run) -> None:
    added = run(*ADD, "--until", in_a_month())
    assert added.exit_code == 0, added.output
    secret = added.stdout.split("secret: ")[1].split()[0]
    listed = run("peer", "list", "--json")
    (seen,) = json.loads(listed.stdout)
    assert (seen["name"], seen["scopes"], seen["networks"]) == ("cti", ["ticket:read"], ["10.8.0.0/24"])
    assert secret not in listed.stdout + run("peer", "list").stdout
    rotated = run("peer", "rotate", str(seen["id"]), "--overlap-hours", "1")
    assert rotated.stdout.split("secret: ")[1].split()[0] != secret
    assert run("peer", "revoke", str(seen["id"])).exit_code == 0
    assert "revoked" in run("peer", "list").stdout
    again = run("peer", "rotate", str(seen["id"]))
    assert (again.exit_code, "撤销" in again.output) == (1, True)


def test_a_wrong_right_or_network_is_said(run: Run) -> None:
    wrong = run("peer", "add", "cti", "--org", "630000", "--scope", "person:manage", "--network", "10.8.0.0/24",
                "--until", in_a_month())  # fmt: skip
    assert (wrong.exit_code, "person:manage" in wrong.output) == (1, True)
    assert run(*ADD[:-1], "example.cn", "--until", in_a_month()).exit_code == 1
