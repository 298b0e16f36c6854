"""The alarms, the dashboard and the runbook speak of what there is, and of the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from service import vitals
from service.app import create_app  # every room that measures is loaded with it
from service.cli import app
from workers import scheduler, worker

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/hotline.json"
BOOKS = [ROOT / "docs/operations.md", ROOT / "docs/operations.zh-CN.md"]
LOADED = (create_app, scheduler, worker)
NAMES = re.compile(r"\bhotline_\w+")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def known() -> set[str]:
    """The names under which a process of ours shows anything."""
    names = set()
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    return names


def section(book: Path, alert: str) -> str:
    found = re.search(rf"^### {alert}\n(.*?)(?=^##)", book.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"{book.name} has no section {alert}"
    return found[1]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alarm_asks_for_what_is_measured_and_has_its_section(rule: dict[str, Any]) -> None:
    names = set(NAMES.findall(rule["expr"]))
    assert names <= known(), names - known()
    assert names or 'up{job="hotline"}' in rule["expr"]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    zh, _, en = rule["annotations"]["summary"].partition(" / ")
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert re.search("[a-z]{3}", en)
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    for book in BOOKS:
        words = section(book, rule["alert"])
        assert re.search(r"\*\*(Do|怎么办)", words)
        assert re.search(r"\*\*(Fixed when|何时算好)", words)
        assert ("Critical" in words or "紧急" in words) == (rule["labels"]["severity"] == "critical")


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_a_book_has_no_section_of_an_alarm_that_is_not_there(book: Path) -> None:
    assert set(re.findall(r"^### (\w+)", book.read_text(), re.MULTILINE)) == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_a_book_tells_every_code_and_only_commands_and_places_that_exist(book: Path) -> None:
    text = book.read_text()
    for part, code in vitals.CODES:
        assert re.search(rf"^\| `{part}` \| [^|]*`{code}`", text, re.MULTILINE), (part, code)
    commands = (
        {command.name or "" for command in app.registered_commands}
        | {group.name or "" for group in app.registered_groups}
        | {command.callback.__name__ for command in app.registered_commands if command.callback}
    )
    assert set(re.findall(r"`hotline ([a-z]+)", text)) <= commands
    anchors = {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)", text, re.MULTILINE)
    }
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= anchors
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (book.parent / target).exists(), target
    assert set(NAMES.findall(text)) <= known() | {"hotline_database", "hotline_service"}


def test_the_dashboard_shows_what_is_measured_and_nothing_overlaps() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {name for panel in panels for target in panel.get("targets", ()) for name in NAMES.findall(target["expr"])}
    assert asked <= known(), asked - known()
    assert len(asked) > 20
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_prometheus_asks_every_process_of_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    asked = {target for job in config["scrape_configs"] for each in job["static_configs"] for target in each["targets"]}
    ours = {
        name: service["environment"]["HOTLINE_METRICS_PORT"]
        for name, service in compose.items()
        if name.startswith(("worker", "scheduler"))
    }
    assert {f"{name}:{port}" for name, port in ours.items()} <= asked
    assert {f"{name}:8351" for name in compose if name.startswith("api")} <= asked


def test_the_proxy_passes_no_metrics_on_and_writes_no_query_down() -> None:
    conf = (ROOT / "deploy/nginx.conf").read_text()
    assert "location = /metrics { return 404; }" in conf
    (form,) = re.findall(r"log_format told '([^']*)'", conf)
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer|arg_\w+)\b", form)
    assert "access_log /dev/stdout told;" in conf
