"""Keeping people over the API."""

from tests.api.clients import Api
from tests.api.test_account import come_in
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
NEW = {"username": "handler2", "display_name": "新来的人", "org_code": GOLMUD, "roles": ["handler"]}


def test_somebody_is_added_comes_in_is_changed_and_leaves(api: Api, desk: Desk) -> None:
    admin = api.as_("admin1")
    made = admin.post("/people", json=NEW)
    assert made.status_code == 201
    newcomer = come_in(api, "handler2", made.json()["password"])
    assert newcomer.get("/me").json()["code"] == "password_to_be_changed"
    change = {"present": made.json()["password"], "new": "vulture sandal moss"}
    assert newcomer.post("/me/password", json=change).status_code == 204

    changed = admin.post("/people/handler2/change", json={"roles": ["reviewer"]})
    assert changed.json()["roles"] == ["reviewer"]
    assert newcomer.get("/me").json()["roles"] == ["reviewer"]
    assert admin.get("/people/handler2/logins").json()["items"][0]["address"] == "127.0.0.1"
    left = admin.post("/people/handler2/disable")
    assert left.json() == {"tickets": [], "consults": [], "duties": [], "stands_in": [], "absences": []}
    assert newcomer.get("/me").status_code == 401
    assert admin.get("/people/handler2").json()["active"] is False
    assert admin.post("/people/handler2/enable").json()["password"] != made.json()["password"]


def test_what_is_not_possible_is_refused_by_its_own_name(api: Api) -> None:
    admin = api.as_("admin1")
    for path, body, status, code in (
        ("/people", {**NEW, "roles": ["agent"]}, 422, "role_out_of_place"),
        ("/people", {**NEW, "org_code": "999999"}, 422, "union_unknown"),
        ("/people", {**NEW, "username": "Handler 2"}, 422, "username_invalid"),
        ("/people/admin1/disable", None, 403, "not_oneself"),
        ("/people/nobody-here/disable", None, 404, "person_not_found"),
        (f"/people/{HANDLER}/hand-over", {"to": HANDLER}, 422, "nobody_to_hand_to"),
    ):
        refused = admin.post(path, json=body) if body else admin.post(path)
        assert (refused.status_code, refused.json()["code"]) == (status, code), path


def test_an_administrator_hands_work_over_without_seeing_what_it_is_about(api: Api, desk: Desk) -> None:
    admin = api.as_("admin1")
    admin.post("/people", json=NEW)
    number = desk.in_progress()
    api.as_(f"leader-{GOLMUD}").post(f"/tickets/{number}/assign", json={"username": HANDLER})
    work = admin.get(f"/people/{HANDLER}/open-work")

    assert work.json()["tickets"] == [
        {"number": number, "state": {"zh": "办理中", "en": "in progress"}, "org_code": GOLMUD}
    ]
    assert "拖欠工资" not in work.text
    assert admin.post(f"/people/{HANDLER}/hand-over", json={"to": "handler2"}).json()["tickets"] == 1
    assert admin.get(f"/tickets/{number}").status_code == 403


def test_the_list_is_filtered_and_continued(api: Api) -> None:
    admin = api.as_("admin1")
    page = admin.get(f"/people?org={GOLMUD}&limit=1").json()
    assert (page["total"], [row["username"] for row in page["items"]]) == (2, [HANDLER])
    rest = admin.get(f"/people?org={GOLMUD}&limit=1&after={page['next_after']}").json()
    assert ([row["username"] for row in rest["items"]], rest["next_after"]) == ([f"leader-{GOLMUD}"], None)
    assert admin.get("/people?role=lawyer&active=true&q=lawyer").json()["total"] == 1
    assert admin.get("/people?role=king").status_code == 422
    assert admin.get("/people?q=%00").status_code == 422
