"""The rules room: what is in force, and a file checked, previewed and put in force by an administrator."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

import sla_rules
from service.api.routers.rules import CHANGE_EXAMPLES, FILE_EXAMPLES
from service.api.schemas.rules import (
    CalendarYearOut,
    ChangeOut,
    ChangesOut,
    MovesOut,
    PreviewOut,
    ReadingOut,
    RulesOut,
)
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.tickets.recounting import recount_next
from sla_rules import load_policy
from tests.api.clients import Api
from tests.api.test_bad_input import BROKEN, JSON, refused_clearly
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk, at

POLICY = (Path(sla_rules.__file__).parent / "policies" / "qinghai.toml").read_text()
NOTICE: dict[str, Any] = FILE_EXAMPLES["notice"]["value"]  # type: ignore[assignment]
TEXT: str = NOTICE["text"]
RULES = "/rules"


def arrangement(api: Api, *days: str) -> dict[str, Any]:
    """The arrangement in force with more days off, as an administrator edits it."""
    toml = api.get(f"{RULES}/arrangement").json()["toml"]
    off = "".join(f'\n[[override]]\ndate = {day}\nkind = "off"\nname = "停电检修"\n' for day in days)
    return {"text": toml + off, "name": "本地安排.toml"}


def run(desk: Desk, change_id: int) -> None:
    """Run the recount to its end, as the workers do."""
    for _ in range(20):
        with desk.application.unit() as unit:
            if recount_next(unit, change_id).finished_at is not None:
                return
    raise AssertionError("the recount does not end")


@pytest.fixture
def admin(api: Api) -> Api:
    return api.as_("admin1")


def test_an_administrator_sees_how_far_the_calendar_reaches_and_that_a_year_is_missing(admin: Api, desk: Desk) -> None:
    desk.go_to("2026-12-28 09:00")
    desk.in_progress()
    answer = admin.get(RULES)

    document = RulesOut.model_validate_json(answer.content, extra="forbid")
    assert (document.covered_until.isoformat(), document.settled_until.isoformat()) == ("2026-12-31", "2026-12-20")
    assert document.alarm is not None
    assert document.alarm.missing_year == 2027
    assert document.provisional_tickets == 1
    assert document.unfinished is None
    promises = {line.tier: line.promise.zh for line in document.promises if line.kind == "resolve" and not line.redo}
    assert promises["difficult"] == "5 个工作日,当日不计,至末日 24:00"
    assert promises["complex"] == "15 天(自然日),当日不计,至末日 24:00,末日逢休息日顺延"


def test_a_year_names_each_special_day_with_its_notice(admin: Api) -> None:
    document = CalendarYearOut.model_validate_json(admin.get(f"{RULES}/calendar?year=2026").content, extra="forbid")

    days = {day.date.isoformat(): day for day in document.days}
    assert (document.noticed, document.working_days) == (True, 248)
    assert (days["2026-10-01"].kind, days["2026-10-01"].name) == ("off", "国庆节")
    assert days["2026-10-10"].kind == "work"
    assert days["2026-10-01"].source.startswith("https://")
    assert "国办" in days["2026-10-01"].citation
    following = admin.get(f"{RULES}/calendar?year=2027").json()
    assert following["noticed"] is False
    assert all(day["provisional"] and not day["source"] for day in following["days"])
    assert admin.get(f"{RULES}/calendar").json()["year"] == 2026
    refused_clearly(admin.get(f"{RULES}/calendar?year=1066"))


def test_the_policy_is_given_as_it_is_stored(admin: Api) -> None:
    document = admin.get(f"{RULES}/policy").json()

    assert document == {"version": load_policy().version, "policy": load_policy().to_document()}


def test_a_reading_tells_each_day_and_quotes_what_is_in_doubt(admin: Api) -> None:
    understood = ReadingOut.model_validate_json(admin.post(f"{RULES}/reading", json=NOTICE).content, extra="forbid")
    assert (understood.form, understood.year, understood.doubts) == ("year", 2027, [])
    assert [(day.kind, day.name) for day in understood.days if day.date.isoformat() == "2027-10-09"] == [
        ("work", "国庆节")
    ]
    assert sum(day.kind == "off" for day in understood.days) == 27

    wrong = NOTICE | {"text": NOTICE["text"].replace("1月1日(周五)", "1月1日(周四)")}
    answer = admin.post(f"{RULES}/reading", json=wrong)
    assert answer.status_code == 200
    doubt, *_followed = answer.json()["doubts"]
    assert "1月1日(周四)至3日(周日)放假,共3天。" in doubt["sentence"]
    assert "周五" in doubt["zh"]
    refused = admin.post(f"{RULES}/preview", json=wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_file_refused")
    assert "1月1日(周四)" in refused.json()["detail_zh"]


def test_a_preview_shows_what_would_move_and_writes_nothing(admin: Api, desk: Desk) -> None:
    number = desk.in_progress()
    before = desk.rows("select * from sla_clock order by id")
    seen = PreviewOut.model_validate_json(
        admin.post(f"{RULES}/preview", json=arrangement(admin, "2026-11-25")).content, extra="forbid"
    )

    move = next(move for move in seen.moves if move.kind == "resolve")
    assert (move.number, move.union.zh, move.tier) == (number, "格尔木市", "difficult")
    assert (move.before, move.after) == (at("2026-11-28 00:00"), at("2026-12-01 00:00"))
    assert (move.shift.zh, move.shift_seconds) == ("推后 3 天", 3 * 86400)
    assert (seen.moved, seen.later, seen.largest_shift.zh) == (1, 1, "推后 3 天")
    assert seen.label == admin.get(RULES).json()["label"]
    assert desk.rows("select * from sla_clock order by id") == before
    assert "马小明" not in seen.model_dump_json()


def test_publishing_moves_the_deadlines_and_keeps_before_and_after(admin: Api, desk: Desk) -> None:
    number = desk.in_progress()
    file = arrangement(admin, "2026-11-25")
    label = admin.post(f"{RULES}/preview", json=file).json()["label"]
    published = admin.post(f"{RULES}/changes", json=file | {"reason": "全市停电一天", "expected": label})

    assert published.status_code == 201, published.text
    change = ChangeOut.model_validate_json(published.content, extra="forbid")
    assert published.headers["location"] == f"/api/v1/rules/changes/{change.id}"
    assert (change.progress, change.left, change.finished_at) == (0.0, 2, None)
    assert admin.get(RULES).json()["unfinished"]["id"] == change.id

    run(desk, change.id)
    done = ChangeOut.model_validate_json(admin.get(f"{RULES}/changes/{change.id}").content, extra="forbid")
    assert (done.progress, done.moved, done.left, done.reason, done.by) == (1.0, 1, 0, "全市停电一天", "admin1")
    moves = MovesOut.model_validate_json(admin.get(f"{RULES}/changes/{change.id}/moves").content, extra="forbid")
    assert [(move.number, move.shift.zh) for move in moves.items] == [(number, "推后 3 天")]
    assert desk.ticket(number).due_at == at("2026-12-01 00:00")


@pytest.mark.parametrize("name", CHANGE_EXAMPLES)
def test_each_documented_example_works_as_it_stands(admin: Api, name: str) -> None:
    example = CHANGE_EXAMPLES[name]["value"]

    assert admin.post(f"{RULES}/changes", json=example).status_code == 201
    assert admin.get(RULES).json()["covered_until"] == "2027-12-31"
    assert admin.get(RULES).json()["alarm"] is None


@pytest.mark.parametrize("name", FILE_EXAMPLES)
@pytest.mark.parametrize("step", ["reading", "preview"])
def test_each_documented_file_is_read_and_previewed(admin: Api, name: str, step: str) -> None:
    answer = admin.post(f"{RULES}/{step}", json=FILE_EXAMPLES[name]["value"])

    assert answer.status_code == 200, answer.text


def test_changes_are_paged_and_so_are_their_moves(admin: Api, desk: Desk) -> None:
    numbers = [desk.in_progress() for _ in range(3)]
    ids = []
    for day in ("2026-11-23", "2026-11-24"):
        ids.append(
            admin.post(f"{RULES}/changes", json=arrangement(admin, day) | {"reason": f"{day} 停电"}).json()["id"]
        )
        run(desk, ids[-1])

    first = ChangesOut.model_validate_json(admin.get(f"{RULES}/changes?limit=1").content, extra="forbid")
    second = admin.get(f"{RULES}/changes?limit=1&cursor={first.next_cursor}").json()
    assert [first.items[0].id, second["items"][0]["id"]] == ids[::-1]
    assert second["next_cursor"] is None
    page = admin.get(f"{RULES}/changes/{ids[0]}/moves?limit=2").json()
    seen = page["items"]
    while page["next_cursor"]:
        page = admin.get(f"{RULES}/changes/{ids[0]}/moves?limit=2&cursor={page['next_cursor']}").json()
        seen += page["items"]
    assert [move["number"] for move in seen if move["kind"] == "resolve"] == numbers
    assert len(seen) == len({(move["number"], move["kind"]) for move in seen}) == 6


def test_what_was_previewed_under_other_rules_is_not_published(admin: Api, desk: Desk) -> None:
    file = arrangement(admin, "2026-11-25")
    label = admin.post(f"{RULES}/preview", json=file).json()["label"]
    other = admin.post(f"{RULES}/changes", json=NOTICE | {"reason": "通知已发布"}).json()["id"]
    run(desk, other)

    refused = admin.post(f"{RULES}/changes", json=file | {"reason": "停电", "expected": label})

    assert (refused.status_code, refused.json()["code"]) == (409, "rules_changed_meanwhile")
    assert len(admin.get(f"{RULES}/changes").json()["items"]) == 1


def test_a_second_change_waits_for_the_first(admin: Api, desk: Desk) -> None:
    desk.in_progress()
    admin.post(f"{RULES}/changes", json=NOTICE | {"reason": "通知已发布"})

    refused = admin.post(f"{RULES}/changes", json=arrangement(admin, "2026-11-25") | {"reason": "停电"})

    assert (refused.status_code, refused.json()["code"]) == (409, "recount_under_way")


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"text": "   "}, 422, "空白"),
        ({"text": "今天天气很好。"}, 422, ""),
        ({"text": "%PDF-1.7\x00\x01"}, 422, "控制字符"),
        ({"text": "长" * 200_001}, 422, "200000"),
        ({"text": "x" * 2_000_000}, 413, "大小上限"),
        ({"source": ""}, 422, "出处"),
        ({"year": 2028}, 422, ""),
        ({"amends": True, "year": 2027}, 422, "2027"),
        ({"text": POLICY.replace('"working_days"', '"fortnights"', 1)}, 422, "第 34 行"),
        ({"text": 'hours = ["25:00-26:00"]\n'}, 422, "第 1 行"),
        ({"text": "BEGIN:VCALENDAR\nBEGIN:VEVENT\n"}, 422, ""),
        ({"text": "[" * 50_000}, 422, ""),
        ({"year": True}, 422, "整数"),
        ({"approved": True}, 422, "字段"),
    ],
)
@pytest.mark.parametrize("step", ["preview", "changes"])
def test_a_file_that_is_wrong_is_refused_in_a_sentence(
    shared_api: Api, shared_desk: Desk, step: str, change: dict[str, Any], status: int, word: str
) -> None:
    admin = shared_api.as_("admin1")
    body = NOTICE | change | ({"reason": "试一试"} if step == "changes" else {})

    refused = admin.post(f"{RULES}/{step}", json=body)

    assert refused.status_code == status, refused.text[:500]
    refused_clearly(refused)
    assert word in json.dumps(refused.json(), ensure_ascii=False)
    assert shared_desk.rows("select 1 from rule_change") == []


@pytest.mark.parametrize("piece", ["\n", "国务院办公厅关于", "现将2027年", "一、元旦:1月1日(周五)放假。\n", TEXT])
def test_no_rubbish_keeps_a_request_for_long(shared_api: Api, shared_desk: Desk, piece: str) -> None:
    text = (piece * (199_000 // len(piece))) + "。"
    began = time.perf_counter()

    answer = shared_api.as_("admin1").post(f"{RULES}/preview", json=NOTICE | {"text": text, "year": 2027})

    assert answer.status_code == 422
    assert len(answer.content) < 20_000
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("step", ["reading", "preview", "changes"])
def test_a_broken_body_is_refused(shared_api: Api, shared_desk: Desk, step: str) -> None:
    admin = shared_api.as_("admin1")
    for name, (body, statuses) in BROKEN.items():
        response = admin.post(f"{RULES}/{step}", content=body, headers=JSON)
        assert response.status_code in statuses, (name, response.text[:500])
        refused_clearly(response)


@pytest.mark.parametrize("reason", [None, "", "  ", "长" * 501])
def test_a_change_needs_a_reason(shared_api: Api, shared_desk: Desk, reason: str | None) -> None:
    body = NOTICE | ({} if reason is None else {"reason": reason})

    assert shared_api.as_("admin1").post(f"{RULES}/changes", json=body).status_code == 422


@pytest.mark.parametrize("path", ["/changes/1", "/changes/1/moves", "/changes/0", "/changes/x", "/changes?cursor=x"])
def test_what_is_not_there_is_said(shared_api: Api, shared_desk: Desk, path: str) -> None:
    refused_clearly(shared_api.as_("admin1").get(f"{RULES}{path}"))


@pytest.mark.parametrize("who", [f"handler-{GOLMUD}", f"leader-{GOLMUD}", "agent1", "supervisor1", "auditor1"])
def test_nobody_else_enters_the_rules_room(shared_api: Api, shared_desk: Desk, who: str) -> None:
    other = shared_api.as_(who)
    reads = ("", "/calendar", "/arrangement", "/policy", "/changes", "/changes/1", "/changes/1/moves")

    assert {other.get(f"{RULES}{path}").status_code for path in reads} == {403}
    for step in ("reading", "preview", "changes"):
        assert (
            other.post(f"{RULES}/{step}", json=NOTICE | ({"reason": "x"} if step == "changes" else {})).status_code
            == 403
        )


def test_an_administrator_of_a_county_does_not_make_the_provinces_rules(api: Api, desk: Desk) -> None:
    county = CreatePerson(
        username="admin-county",
        display_name="县管理员",
        org_code=GOLMUD,
        roles=frozenset({Role.admin}),
        password=PASSWORD,
    )
    with desk.application.unit() as unit:
        create_person(unit, county)
    other = api.as_("admin-county")

    for answer in (other.get(RULES), other.post(f"{RULES}/preview", json=NOTICE)):
        assert (answer.status_code, answer.json()["code"]) == (403, "rules_not_yours")
