"""The processes with a login that is a member of `hotline_service` alone, and the owner's for migrations and backups:
as docs/operations.md says to set it up, with an owner that is no superuser."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.api.test_life import WAGES
from tests.conftest import Servers, drop
from tests.deploy.test_compose import Place
from tests.embedded.processes import ROOT, within

APP, PASSWORD = "app_of_a_test", "vulture-sandal-moss"


def book(owner: str) -> str:
    """The statements of the book, for this server's names."""
    text = (ROOT / "docs/operations.md").read_text()
    section = text[text.index("## A login for the processes") :]
    statements = section.partition("```sql\n")[2].partition("```")[0]
    return statements.replace("owner_login", owner).replace("app_login", APP)


@pytest.fixture
def place(servers: Servers, tmp_path: Path) -> Iterator[Place]:
    """A database that its owner migrates, and processes with a login of their own."""
    name = "hotline_own_login"
    url = make_url(servers.url_of(name)).set(drivername="postgresql")
    root = url.set(username="postgres", database="postgres").render_as_string(hide_password=False)
    with servers.admin() as admin:
        admin.execute(f'create database "{name}"')
    with psycopg.connect(root, autocommit=True) as administrator:
        administrator.execute(book(str(url.username)))  # type: ignore[arg-type]
        administrator.execute(f"alter role {APP} password '{PASSWORD}'")
    made = Place(tmp_path, "", servers.redis_url)
    (tmp_path / "owner_url").write_text(url.render_as_string(hide_password=False))
    (tmp_path / "database_url").write_text(
        url.set(username=APP, password=PASSWORD).render_as_string(hide_password=False)
    )
    yield made
    drop(servers, name)
    with psycopg.connect(root, autocommit=True) as administrator:
        administrator.execute(f"drop role {APP}")


def hotline(place: Place, *words: str, as_: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = place.environment("migrate", HOTLINE_DATABASE_URL_FILE=str(place.folder / as_))
    return subprocess.run(
        ["hotline", *words],
        env=environment,
        cwd=place.folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_service_runs_with_a_login_that_owns_nothing(place: Place) -> None:
    for words, as_ in ((("migrate",), "owner_url"), (("seed",), "database_url")):
        done = hotline(place, *words, as_=as_)
        assert done.returncode == 0, done.stderr
    for name, role in (("agent9", "agent"), ("admin9", "admin")):
        words = ("user", "add", name, "--name", "张三", "--org", "630000", "--role", role, "--password-stdin")
        added = hotline(place, *words, as_="database_url", typed=PASSWORD + "\n")
        assert added.returncode == 0, added.stderr
    with ExitStack() as stack:
        running = {name: stack.enter_context(place.started(name)) for name in ("api-1", "worker-1", "scheduler-1")}
        api = f"http://127.0.0.1:{running['api-1'][1]['HOTLINE_PORT']}"
        # Ready means that the leader is seen by a login that is not the function's owner.
        assert within(60, lambda: ready(api)), httpx.get(f"{api}/readyz").text
        with httpx.Client(base_url=f"{api}/api/v1") as client:
            token = client.post("/auth/token", data={"username": "agent9", "password": PASSWORD}).json()["access_token"]
            made = client.post("/tickets", json=WAGES, headers={"Authorization": f"Bearer {token}"})
            assert made.status_code == 201, made.text
        assert within(30, lambda: delivered(place)), "the worker sent what the registration asked for"
        assert sessions(place) == {APP}
        status = hotline(place, "status", as_="owner_url")
        assert status.returncode == 0, status.stdout
        check = hotline(place, "check", as_="database_url")
        assert check.returncode == 0, check.stdout
        kept = hotline(place, "backup", "--to", str(place.folder / "backups"), as_="owner_url")
        assert kept.returncode == 0, kept.stderr
        for child, _ in running.values():
            child.send_signal(signal.SIGTERM)
    forbidden(place)


def ready(api: str) -> bool:
    try:
        return bool(httpx.get(f"{api}/readyz").json()["status"] == "ready")
    except httpx.TransportError:
        return False


def asked(place: Place, file: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect((place.folder / file).read_text(), autocommit=True) as connection:
        return list(connection.execute(statement))  # type: ignore[arg-type]


def delivered(place: Place) -> bool:
    return asked(place, "owner_url", "select from outbox_message where done_at is null and kind = 'notice'") == []


def sessions(place: Place) -> set[object]:
    found = asked(
        place,
        "owner_url",
        "select distinct usename from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend'",
    )
    return {row[0] for row in found}


def forbidden(place: Place) -> None:
    """Also for whoever stole the processes' password, and not only for code that forgets."""
    for statement in (
        "set role hotline",
        "update audit_event set subject = 'x'",
        "delete from audit_event",
        "alter table audit_event disable trigger user",
        "alter table ticket disable row level security",
        "create table stolen (id int)",
        "create function our_sessions() returns int language sql as 'select 1'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asked(place, "database_url", statement)
    assert asked(place, "database_url", "select count(*) from ticket") == [(0,)], "nobody has said who asks"
