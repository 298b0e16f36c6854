"""`hotline channel`, with a relay and a worker at work."""

import json

from service.notifications.channels import ChannelKind
from tests.desk import GOLMUD
from tests.notifications.outside import robot_outside
from tests.workers.conftest import Crew
from tests.workers.test_catalogue_commands import Run, run

__all__ = ["run"]


def test_a_robot_is_added_tried_and_removed(run: Run, crew: Crew) -> None:
    with robot_outside(ChannelKind.feishu) as robot:
        for module in ("workers.relay", "workers.worker"):
            crew.start(module, **robot.settings())
        added = run("channel", "add", "feishu", "--org", GOLMUD, "--address", robot.address)
        assert added.exit_code == 0, added.output
        (seen,) = json.loads(run("channel", "list", "--json").stdout)
        assert (seen["owner"], seen["hint"]) == (GOLMUD, "***0000")

        tried = run("channel", "test", seen["id"])
        assert (tried.exit_code, "delivered" in tried.output) == (0, True), tried.output
        assert "测试" in robot.texts()[0]
        robot.mood = "refuses"
        refused = run("channel", "test", seen["id"])
        assert (refused.exit_code, "refused" in refused.output) == (1, True), refused.output

        assert run("channel", "pause", seen["id"]).exit_code == run("channel", "resume", seen["id"]).exit_code == 0
        assert run("channel", "remove", seen["id"]).exit_code == 0
        assert json.loads(run("channel", "list", "--json").stdout) == []


def test_a_wrong_kind_or_address_is_said_and_the_address_is_not(run: Run) -> None:
    assert run("channel", "add", "fax", "--org", GOLMUD, "--address", "x").exit_code == 2
    refused = run("channel", "add", "wecom", "--org", GOLMUD, "--address", "https://example.cn/?key=hidden")
    assert (refused.exit_code, "hidden" in refused.output) == (1, False)


def test_a_test_that_reaches_only_the_log_says_so_and_fails(run: Run, crew: Crew) -> None:
    for module in ("workers.relay", "workers.worker"):
        crew.start(module)
    assert run("channel", "add", "mail", "--person", "supervisor1", "--address", "a@example.cn").exit_code == 0
    (seen,) = json.loads(run("channel", "list", "--json").stdout)
    assert seen["last"] == {}

    tried = run("channel", "test", seen["id"])
    assert (tried.exit_code, "没有发给任何人" in tried.output, "delivered" in tried.output) == (1, True, False)
    (seen,) = json.loads(run("channel", "list", "--json").stdout)
    assert seen["last"]["fate"] == "logged"
    assert "logged" in run("channel", "list").output
