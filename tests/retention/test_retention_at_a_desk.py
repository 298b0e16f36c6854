"""Administrators and supervisors keep the periods, let go of what is past them, and hold what is needed."""

import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app as cli
from service.retention.runs import GONE
from tests.api.clients import Api
from tests.conftest import MASTER_KEY
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk
from workers.chores import Keep

HANDLER = f"handler-{GOLMUD}"


def test_one_asks_another_approves_and_the_scheduler_erases(api: Api, desk: Desk) -> None:
    number = desk.closed()
    desk.go_to("2037-06-01 09:00")
    admin, supervisor = api.as_("admin1"), api.as_("supervisor1")
    run = admin.post("/retention/runs").json()
    path = f"/retention/runs/{run['id']}"
    assert {each["name"]: each["tickets"] for each in run["classes"]} == {"files": 0, "caller": 1, "matter": 1}
    assert supervisor.post(f"{path}/approve").status_code == 409
    assert admin.post(f"{path}/ask", json={"reason": "年度清理"}).json()["state"] == "asked"
    assert admin.post(f"{path}/approve").status_code == 403
    listed = supervisor.get(f"{path}/tickets").content.decode("utf-8-sig").splitlines()
    assert listed[1:] == [f"{number},来电人身份,2026-11-20", f"{number},工单内容,2026-11-20"]
    assert supervisor.post(f"{path}/approve").json()["state"] == "approved"
    Keep(desk.application, threading.Event(), leads=lambda: False).tick()
    assert desk.ticket(number).title != GONE, "who does not lead does nothing"
    Keep(desk.application, threading.Event(), leads=lambda: True).tick()
    assert desk.ticket(number).title == GONE
    assert supervisor.get(path).json()["state"] == "finished"
    page = api.as_(HANDLER).get(f"/tickets/{number}")
    assert page.status_code == 200
    assert page.json()["title"] == GONE


def test_periods_and_holds_over_the_api(api: Api, desk: Desk) -> None:
    number = desk.closed()
    admin, supervisor = api.as_("admin1"), api.as_("supervisor1")
    periods = {"files": 12, "caller": 24, "matter": 120, "matter_long": 360, "reason": "省总通知"}
    assert admin.post("/retention/policy", json=periods).status_code == 201
    assert admin.get("/retention").json()["policy"]["months"]["caller"] == 24
    assert admin.post("/retention/policy", json={**periods, "matter": 6}).status_code == 422
    hold = supervisor.post(f"/tickets/{number}/holds", json={"about": "caller", "reason": "仲裁案件"}).json()
    assert (hold["numbers"], hold["about"]) == ([number], "caller")
    assert supervisor.post(f"/holds/{hold['id']}/lift", json={"reason": "结案"}).status_code == 403
    assert admin.post(f"/tickets/{number}/holds", json={"reason": "x"}).status_code == 403
    assert api.as_(HANDLER).get("/holds").status_code == 403
    assert supervisor.get("/holds").json()["items"] == [hold]


def test_the_page_leads_through_it(reader: Reader, desk: Desk) -> None:
    number, held = desk.closed(), desk.closed()
    page = f"{CONSOLE}/retention"
    form = next(form for form in reader.as_("supervisor1").forms(page) if form.fields.get("step") == ["hold"])
    assert reader.send(form, number="nonsense", about="ticket", reason="x").status_code == 404
    assert reader.send(form, number=held, about="ticket", reason="").status_code == 422
    assert reader.send(form, number=held, about="ticket", reason="仲裁案件", until="2040-01-01").status_code == 303
    assert "由另一人解除" in seen(reader.get(page))
    desk.go_to("2037-06-01 09:00")
    reader.as_("admin1")
    assert held not in reader.see(page), "administrators see no tickets"
    preview = next(form for form in reader.forms(page) if form.fields.get("step") == ["preview"])
    reader.send(preview)
    assert "另有 1 张到期工单因冻结而保留" in seen(reader.get(page))
    file = reader.get(f"{page}/runs/1.csv").content.decode("utf-8-sig")
    assert number in file
    assert held not in file
    ask = next(form for form in reader.forms(page) if form.fields.get("step") == ["ask"])
    assert reader.send(ask, reason="").status_code == 422
    reader.send(ask, reason="年度清理")
    assert not [form for form in reader.forms(page) if form.fields.get("step") == ["approve"]], "not by who asked"
    reader.as_("supervisor1")
    approve = next(form for form in reader.forms(page) if form.fields.get("step") == ["approve"])
    reader.send(approve)
    Keep(desk.application, threading.Event(), leads=lambda: True).tick()
    assert "已完成" in seen(reader.get(page))
    assert "已去除" in seen(reader.get(f"{CONSOLE}/tickets/{number}"))
    publish = next(form for form in reader.as_("admin1").forms(page) if form.fields.get("step") == ["publish"])
    assert reader.send(publish, files="0", reason="x").status_code == 422
    assert reader.send(publish, files="12", reason="省总通知").status_code == 303
    assert "12 个月" in seen(reader.get(page))


def test_from_the_command_line(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("DATABASE_URL", desk.application.settings.database_url),
        ("REDIS_URL", desk.application.settings.redis_url),
        ("MASTER_KEY", MASTER_KEY),
        ("FILES_DIR", str(tmp_path)),
    ):
        monkeypatch.setenv(f"HOTLINE_{name}", value)
    run = CliRunner().invoke
    assert "120" in run(cli, ["retention", "show"]).output
    assert run(cli, ["retention", "preview"]).exit_code == 0
    assert run(cli, ["retention", "numbers", "1"]).output.startswith("number,class,ended")
    assert run(cli, ["retention", "erase"]).exit_code == 1
