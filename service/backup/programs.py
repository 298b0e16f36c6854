"""PostgreSQL's own programs for dumping and restoring, in the version that fits the server."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from service.backup.errors import ProgramFailed, ProgramMissing
from service.embedded import EmbeddedError
from service.embedded.cluster import find_programs

# Where Debian and its kin keep the versions that are not on the PATH.
_INSTALLED = Path("/usr/lib/postgresql")
_SAID_BYTES = 2000


def program(name: str, *, major: int) -> tuple[Path, int]:
    """The program in exactly the server's version or else the next newer one, and which that is.

    A newer pg_dump reads an older server, and only its own pg_restore or a newer one reads what it wrote.
    Raises ProgramMissing.
    """
    found = {version: path for path in _candidates(name) if (version := _major(path)) is not None and version >= major}
    if not found:
        raise ProgramMissing(program=name, major=major)
    return found[min(found)], min(found)


def run(path: Path, arguments: Sequence[str], *, database_url: str) -> None:
    """Run it against a database; the password goes by the environment, where no list of processes shows it.

    Raises ProgramFailed with the last lines it said.
    """
    address, password = _address(database_url)
    done = subprocess.run(
        [str(path), f"--dbname={address}", "--no-password", *arguments],
        env={**os.environ, **({"PGPASSWORD": password} if password else {}), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr[-_SAID_BYTES:].decode(errors="replace").strip()
        raise ProgramFailed(program=path.name, said=said or f"exit code {done.returncode}")


def _candidates(name: str) -> Iterator[Path]:
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    yield from _INSTALLED.glob(f"*/bin/{name}")
    try:
        own = find_programs() / name
    except EmbeddedError:
        return
    if own.exists():
        yield own


def _major(path: Path) -> int | None:
    """The version a program says it is; None for one that does not run (a wrapper without a server, say)."""
    try:
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)(\.\d+)*", said)
    return int(match[1]) if match else None


def _address(database_url: str) -> tuple[str, str]:
    """The address as libpq reads it, without its password, and the password."""
    url = make_url(database_url)
    parameters = dict(url.get_dialect()().create_connect_args(url)[1])
    password = parameters.pop("password", "")
    return make_conninfo(**parameters), password
