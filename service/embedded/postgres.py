"""PostgreSQL on the data folder, with a role and a database of our own."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from service.embedded.cluster import find_programs, open_or_make_cluster
from service.embedded.errors import ServerWillNotStart
from service.embedded.folder import DataFolder
from service.embedded.server import EmbeddedServer, ServerKind
from service.embedded.starting import Start, starting

POSTGRES = ServerKind(
    name="PostgreSQL",
    key="postgres",
    socket=".s.PGSQL.5432",
    # SIGINT: end sessions, write out, stop. SIGQUIT: stop at once, replay the log at the next start; as safe.
    stop_signals=((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)),
)
_SOCKET_PORT = 5432  # no port, but in the name of the socket and so wanted from whoever connects to it
_DATABASE = "hotline"
_ROLE = "hotline"
# As `service.core.fence` calls it: the role as which the processes work, which `hotline` may not make itself.
_SERVICE_ROLE = "hotline_service"


def start_postgres(folder: DataFolder, *, port: int | None = None, durable: bool = True) -> EmbeddedServer:
    """Start PostgreSQL on `folder` with a database `hotline`; returns when it answers.

    It listens on a Unix socket in a folder that only the owner may enter, or, where the path will not do for
    one or a `port` is asked for, on 127.0.0.1 with a random password from `keys/`. `durable=False` is for
    tests: data survives the death of the server but not of the machine.

    The role `hotline` owns the database and may create others, and is no superuser: what it is forbidden
    here, it is forbidden on a real server.

    Errors: `PostgresVersionDiffers`, `ServerNotInstalled`, `ServerWillNotStart`, `ServerWillNotStop`,
    `DataFolderUnusable` where the place of the data is taken by something else.
    """
    programs = find_programs()
    with starting(POSTGRES, folder, programs / "postgres") as start:
        fresh = open_or_make_cluster(start, programs, durable=durable)
        server = start.listen(
            port,
            run=lambda number: _run(start, programs, number, durable=durable),
            answers=lambda _: _is_ready(folder),
        )
        try:
            _ensure_database(folder, server.port, fresh=fresh)
        except BaseException:
            server.stop()
            raise
        return server


def _run(start: Start, programs: Path, port: int | None, *, durable: bool) -> EmbeddedServer:
    folder = start.folder
    if port is None:
        sockets, addresses = _quoted(folder.sockets), ""
        url = f"postgresql+psycopg://{_ROLE}@/{_DATABASE}?host={quote(str(folder.sockets), safe='/')}"
    else:
        sockets, addresses = "", "127.0.0.1"
        password = quote(folder.secret(POSTGRES.key))
        url = f"postgresql+psycopg://{_ROLE}:{password}@127.0.0.1:{port}/{_DATABASE}"
    settings = {"unix_socket_directories": sockets, "listen_addresses": addresses}
    if not durable:
        # synchronous_commit stays on: a commit is then with the kernel, and tests may kill the server with -9.
        # Databases that live for a second need no vacuum, and its process would be in the way when they are dropped.
        settings |= {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
    process = start.spawn(
        [str(programs / "postgres"), "-D", str(folder.postgres), "-p", str(port or _SOCKET_PORT)]
        + [f"--{name}={value}" for name, value in settings.items()],
        cwd=folder.postgres,
    )
    return EmbeddedServer(POSTGRES.name, url, port, process, POSTGRES.stop_signals)


def _quoted(path: Path) -> str:
    """A path as one item of PostgreSQL's list of folders, where a comma parts the items."""
    return '"' + str(path).replace('"', '""') + '"'


def _is_ready(folder: DataFolder) -> bool:
    with contextlib.suppress(FileNotFoundError):
        # The eighth line is the state; pg_ctl waits for it in the same way.
        lines = (folder.postgres / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return len(lines) >= 8 and lines[7].strip() == "ready"
    return False


def _ensure_database(folder: DataFolder, port: int | None, *, fresh: bool) -> None:
    """Make the role and the database unless they are there: an earlier start may have been cut short."""
    password = folder.secret(POSTGRES.key)
    place = (
        make_conninfo(host=str(folder.sockets), port=_SOCKET_PORT)
        if port is None
        else make_conninfo(host="127.0.0.1", port=port, password=password)
    )
    if not fresh:
        with contextlib.suppress(psycopg.OperationalError):
            connection = psycopg.connect(place, dbname=_DATABASE, user=_ROLE)
            with connection:
                there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_SERVICE_ROLE]).fetchone()
            if there:
                return
    role, database = sql.Identifier(_ROLE), sql.Identifier(_DATABASE)
    try:
        with psycopg.connect(place, dbname="postgres", user="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_SERVICE_ROLE]).fetchone():
                service = sql.Identifier(_SERVICE_ROLE)
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(service))
                connection.execute(sql.SQL("GRANT {} TO {}").format(service, role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    except psycopg.OperationalError as error:
        raise ServerWillNotStart(
            f"PostgreSQL 已启动，但连接不上（{error}）。若 {folder.keys} 里的密钥被换过，请恢复原来的。",
            f"PostgreSQL runs but does not let us in ({error}). "
            f"If the keys in {folder.keys} were replaced, put the old ones back.",
        ) from error
