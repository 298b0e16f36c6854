"""The supervisor as a process of its own, with real children and real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.supervisor import Backoff, ChildSpec, run_supervised
from tests.embedded.processes import ROOT, alive, within

SUPERVISOR = """
import json, sys
from pathlib import Path
from service.supervisor import Backoff, ChildSpec, run_supervised

wanted = json.loads(sys.argv[1])
sys.exit(
    run_supervised(
        [ChildSpec(name, argv, {"NAME": name}) for name, argv in wanted["children"].items()],
        logs=Path(wanted["logs"]),
        on_ready=lambda: print("ready", flush=True),
        is_ready=(lambda: Path(wanted["ready"]).exists()) if wanted["ready"] else None,
        on_tick=lambda: Path(wanted["ticks"]).open("a").close(),
        stop_timeout=wanted["stop_timeout"],
        backoff=Backoff(first=0.1),
    )
)
"""

# Each writes its pid to a file named by itself, last, so that who reads the pid finds it ready for signals.
WELL_BEHAVED = """
import os, signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
def note(number, frame):
    with (folder / "signals").open("a") as file:
        file.write(signal.Signals(number).name + " ")
    if number == signal.SIGTERM:
        sys.exit(0)
signal.signal(signal.SIGINT, note)
signal.signal(signal.SIGTERM, note)
print("hello from", os.environ["NAME"], flush=True)
(folder / f"pid-{os.environ['NAME']}").write_text(str(os.getpid()))
while True:
    time.sleep(60)
"""
STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen(["sleep", "600"], start_new_session=True)
(Path(sys.argv[1]) / "pid-grandchild").write_text(str(grandchild.pid))
(Path(sys.argv[1]) / f"pid-{os.environ['NAME']}").write_text(str(os.getpid()))
time.sleep(600)
"""
CRASHING = "import sys; print('no port left for me'); sys.exit(3)"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a supervisor over children given as `name=source`, in a session of its own as in a terminal."""
    running: list[subprocess.Popen[str]] = []

    def run(*, stop_timeout: float = 10.0, ready: Path | None = None, **sources: str) -> subprocess.Popen[str]:
        wanted = {
            "children": {
                name: [sys.executable, "-I", "-S", "-c", source, str(tmp_path)] for name, source in sources.items()
            },
            "logs": str(tmp_path / "logs"),
            "ready": str(ready) if ready else None,
            "ticks": str(tmp_path / "ticks"),
            "stop_timeout": stop_timeout,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, json.dumps(wanted)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()
    for file in tmp_path.glob("pid-*"):
        if alive(int(file.read_text())):
            os.kill(int(file.read_text()), signal.SIGKILL)


def pid_of(folder: Path, name: str, *, other_than: int = 0) -> int:
    file = folder / f"pid-{name}"
    found: list[int] = []

    def read() -> bool:
        text = file.read_text() if file.exists() else ""
        found[:] = [int(text)] if text else []
        return bool(found) and found[0] != other_than

    assert within(20, read), f"{name} did not start"
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_child_once_and_the_run_ends_well(
    tmp_path: Path, start: Start, number: signal.Signals
) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests run under nohup, which the supervisor respects")
    supervisor = start(api=WELL_BEHAVED, worker=WELL_BEHAVED)
    pids = [pid_of(tmp_path, "api"), pid_of(tmp_path, "worker")]
    os.killpg(supervisor.pid, number)  # as a terminal does: to the whole foreground group
    _, console = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert console == "", "an orderly stop needs no words, and no traceback"
    assert not any(alive(pid) for pid in pids)
    assert (tmp_path / "signals").read_text().split() == ["SIGTERM", "SIGTERM"]


def test_a_child_killed_with_9_is_started_again_and_the_console_says_so(tmp_path: Path, start: Start) -> None:
    supervisor = start(api=WELL_BEHAVED, worker=WELL_BEHAVED)
    api, worker = pid_of(tmp_path, "api"), pid_of(tmp_path, "worker")
    os.kill(worker, signal.SIGKILL)
    assert pid_of(tmp_path, "worker", other_than=worker) != worker
    assert alive(api)
    supervisor.send_signal(signal.SIGINT)
    _, console = supervisor.communicate(timeout=20)
    assert len(console.splitlines()) == 1
    for part in ("worker", "意外退出", "SIGKILL", "0.1 s", "worker.log"):
        assert part in console


def test_a_child_that_keeps_crashing_is_tried_ever_less_often_with_its_last_words(tmp_path: Path, start: Start) -> None:
    supervisor = start(api=CRASHING)
    assert supervisor.stderr is not None
    lines = [supervisor.stderr.readline() for _ in range(4)]
    for line, pause in zip(lines, ("0.1 s", "0.2 s", "0.4 s", "0.8 s"), strict=True):
        assert pause in line
        assert "(3)" in line
        assert "no port left for me" in line
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0


def test_the_pause_doubles_up_to_a_bound() -> None:
    backoff = Backoff()
    assert [backoff.after(crashes) for crashes in (1, 2, 3, 5, 6, 7, 5000)] == [0.5, 1, 2, 8, 10, 10, 10]


def test_a_child_that_was_healthy_for_long_begins_with_the_shortest_pause_again(tmp_path: Path) -> None:
    said: list[str] = []

    def stop_after_four() -> None:
        if len(said) >= 4:
            os.kill(os.getpid(), signal.SIGINT)

    run_supervised(
        [ChildSpec("brief", ["sleep", "0.1"])],
        logs=tmp_path,
        on_tick=stop_after_four,
        say=said.append,
        backoff=Backoff(first=0.01, healthy=0.1),
    )
    assert ["0.01 s" in line for line in said] == [True] * len(said)


def test_what_ignores_the_request_to_stop_is_killed_with_what_it_started(tmp_path: Path, start: Start) -> None:
    supervisor = start(worker=STUBBORN, stop_timeout=0.5)
    pids = [pid_of(tmp_path, "worker"), pid_of(tmp_path, "grandchild")]
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(20) == 0
    assert within(5, lambda: not any(alive(pid) for pid in pids))


def test_a_second_ctrl_c_waits_no_longer(tmp_path: Path, start: Start) -> None:
    supervisor = start(worker=STUBBORN, stop_timeout=600)
    worker = pid_of(tmp_path, "worker")
    supervisor.send_signal(signal.SIGINT)
    supervisor.send_signal(signal.SIGINT)  # the same wish, sent twice
    time.sleep(1.2)
    assert alive(worker)
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(20) == 0
    assert not alive(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="leftovers in other sessions are found by /proc")
def test_a_crashed_child_leaves_nothing_behind_to_meet_its_successor(tmp_path: Path, start: Start) -> None:
    start(worker=STUBBORN)
    worker, grandchild = pid_of(tmp_path, "worker"), pid_of(tmp_path, "grandchild")
    os.kill(worker, signal.SIGKILL)
    pid_of(tmp_path, "worker", other_than=worker)
    assert not alive(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path, start: Start) -> None:
    supervisor = start(api=WELL_BEHAVED, worker=STUBBORN)
    pids = [pid_of(tmp_path, "api"), pid_of(tmp_path, "worker")]
    supervisor.kill()
    assert within(10, lambda: not any(alive(pid) for pid in pids))


def test_ready_is_said_once_and_not_before_it_is_true(tmp_path: Path, start: Start) -> None:
    flag = tmp_path / "flag"
    supervisor = start(api=WELL_BEHAVED, ready=flag)
    api = pid_of(tmp_path, "api")
    assert within(5, (tmp_path / "ticks").exists)
    flag.touch()
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "ready\n"
    os.kill(api, signal.SIGKILL)
    pid_of(tmp_path, "api", other_than=api)
    supervisor.send_signal(signal.SIGINT)
    printed, _ = supervisor.communicate(timeout=20)
    assert printed == ""


def test_output_goes_to_a_log_of_the_childs_name(tmp_path: Path, start: Start) -> None:
    start(api=WELL_BEHAVED)
    pid_of(tmp_path, "api")
    assert (tmp_path / "logs" / "api.log").read_text() == "hello from api\n"


def test_an_error_of_the_caller_stops_the_children_and_is_told(tmp_path: Path) -> None:
    def fail() -> None:
        assert within(10, (tmp_path / "pid-api").exists)
        raise RuntimeError("the console is on fire")

    children = [
        ChildSpec("api", [sys.executable, "-c", WELL_BEHAVED, str(tmp_path)], {"NAME": "api"}),
    ]
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="on fire"):
        run_supervised(children, logs=tmp_path, on_ready=fail)
    assert not alive(pid_of(tmp_path, "api"))
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_program_that_does_not_exist_is_told_and_the_others_are_stopped(tmp_path: Path) -> None:
    children = [ChildSpec("first", ["sleep", "600"]), ChildSpec("second", ["no-such-program-12351"])]
    with pytest.raises(FileNotFoundError, match="no-such-program-12351"):
        run_supervised(children, logs=tmp_path)
