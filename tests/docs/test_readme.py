"""What the README tells a newcomer to type is typed here."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from service.app import create_app
from service.bootstrap import Application
from tests.conftest import PASSWORD
from tests.desk import Desk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(application: Application) -> Iterator[str]:
    """A real server on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(create_app(application), port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_walk_through_a_ticket_closes_it(address: str, desk: Desk, tmp_path: Path) -> None:
    walk = re.search(r"<!-- walk -->\n```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert walk
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "-euo", "pipefail", "-c", walk[1]],
        env={**os.environ, "HOTLINE_API": f"{address}/api/v1", "HOTLINE_DEMO_PASSWORD": PASSWORD},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    assert [row.state for row in desk.rows("select state from ticket")] == ["closed"]
    assert '"counted":true' in done.stdout.replace(" ", "")


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md", "docs/architecture.md", "docs/benchmarks.md"])
def test_every_file_a_page_points_to_is_there(readme: str) -> None:
    page = ROOT / readme
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_setting_is_in_the_table() -> None:
    from service.core.settings import Settings

    text = (ROOT / "README.md").read_text()
    internal = {"demo", "log_json"}
    missing = [name for name in Settings.model_fields if name not in internal and f"`{name.upper()}`" not in text]

    assert missing == []
