"""Whose account is whose: entered over the API and the command line, and held by the database."""

import pytest
from psycopg.errors import CheckViolation, UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from service.bootstrap import build
from service.core.settings import SettingsMissing
from service.identity.identities import EnterIdentity, enter_identity, identities_of
from service.identity.keeping import AddPerson, NotOneself, PersonHasLeft, add_person, disable_person
from service.identity.people import actor_of_username
from service.identity.permissions import Role
from service.identity.providers import ProviderSettings, provider_settings
from tests.api.clients import Api
from tests.api.conftest import api, app, portal
from tests.conftest import PASSWORD, settings_for
from tests.desk import GOLMUD, Desk
from tests.identity.standing_in import set_provider

__all__ = ["api", "app", "portal"]

ISSUER = "https://id.example"
SETTINGS = {"oidc_issuer": ISSUER, "oidc_client_id": "hotline", "oidc_claim": "employee_number"}
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


@pytest.fixture
def provider(desk: Desk) -> ProviderSettings:
    set_provider(desk.application, SETTINGS)
    provider = provider_settings(desk.application.settings)
    assert provider
    return provider


def enter(desk: Desk, who: str, username: str, account: str, provider: ProviderSettings) -> None:
    with desk.application.unit() as unit:
        unit.actor = actor_of_username(unit, who)
        enter_identity(unit, EnterIdentity(username=username, account=account), provider=provider)


def test_an_administrator_enters_sees_and_takes_away_an_account(api: Api, provider: ProviderSettings) -> None:
    admin = api.as_("admin1")
    path = f"/people/{HANDLER}/identity"
    assert admin.get(path).json() == {"items": []}
    assert admin.post(path, json={"account": " 20261120 "}).status_code == 204
    (found,) = admin.get(path).json()["items"]
    assert (found["issuer"], found["account"], found["waiting"]) == (ISSUER, "20261120", True)

    for body, status, code in (
        ({"account": "20261121"}, 409, "identity_there"),
        ({"account": "   "}, 422, "account_invalid"),
        ({"account": "two\nlines"}, 422, "account_invalid"),
        ({"account": "x" * 256}, 422, "input_invalid"),
    ):
        refused = admin.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    taken = admin.post(f"/people/{LEADER}/identity", json={"account": "20261120"})
    assert (taken.status_code, taken.json()["code"]) == (409, "identity_taken")
    assert HANDLER not in taken.text

    assert admin.post(f"{path}/unlink").status_code == 204
    assert admin.post(f"{path}/unlink").status_code == 404
    assert admin.post(f"/people/{LEADER}/identity", json={"account": "20261120"}).status_code == 204


def test_without_a_provider_there_is_nothing_to_enter(api: Api) -> None:
    refused = api.as_("admin1").post(f"/people/{HANDLER}/identity", json={"account": "20261120"})

    assert (refused.status_code, refused.json()["code"]) == (409, "provider_not_set")


def test_people_see_their_own_and_take_it_away_with_their_password(
    api: Api, desk: Desk, provider: ProviderSettings
) -> None:
    enter(desk, "admin1", "agent1", "20261120", provider)
    agent = api.as_("agent1")
    assert [item["account"] for item in agent.get("/me/identity").json()["items"]] == ["20261120"]
    assert agent.post("/me/identity/unlink", json={"present": "not the password"}).status_code == 422
    assert agent.post("/me/identity/unlink", json={"present": PASSWORD}).status_code == 204
    assert agent.get("/me/identity").json() == {"items": []}


def test_nobody_enters_an_account_for_themselves_for_a_leaver_or_beyond_their_union(
    api: Api, desk: Desk, provider: ProviderSettings
) -> None:
    with pytest.raises(NotOneself):
        enter(desk, "admin1", "admin1", "20261120", provider)
    desk.do("admin1", disable_person, "agent2")
    with pytest.raises(PersonHasLeft):
        enter(desk, "admin1", "agent2", "20261120", provider)
    admin = AddPerson(username="admin2", display_name="县管理员", org_code=GOLMUD, roles=frozenset({Role.admin}))
    desk.do("admin1", add_person, admin)
    theirs = api.as_("admin2")
    with desk.by_hand() as owner:
        owner.execute(text("update person set password_given_at = null where username = 'admin2'"))
    assert theirs.get("/people/agent1/identity").status_code == 404
    assert theirs.post("/people/agent1/identity", json={"account": "20261120"}).status_code == 404
    assert theirs.post("/people/agent1/identity/unlink").status_code == 404
    assert theirs.post(f"/people/{HANDLER}/identity", json={"account": "20261120"}).status_code == 204
    assert api.as_("agent1").get(f"/people/{HANDLER}/identity").status_code == 403


def test_a_subject_may_be_entered_itself(desk: Desk, provider: ProviderSettings) -> None:
    set_provider(desk.application, {**SETTINGS, "oidc_claim": "sub"})
    by_subject = provider_settings(desk.application.settings)
    assert by_subject
    enter(desk, "admin1", "agent1", "f1d2", by_subject)

    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, "admin1")
        (found,) = identities_of(unit, "agent1")
    assert (found.account, found.waiting) == ("f1d2", False)


ROW = "insert into linked_identity (person_id, issuer, subject, account, linked_at) select id, '{}', {}, {}, now()"


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ("agent1 'one' null", "agent2 'one' null", UniqueViolation),
        ("agent1 null 'name'", "agent2 null 'name'", UniqueViolation),
        ("agent1 'one' null", "agent1 'two' null", UniqueViolation),
        ("agent1 'one' null", "agent2 null null", CheckViolation),
        ("agent1 'one' null", "agent2 '' null", CheckViolation),
    ],
)
def test_the_database_holds_that_an_account_is_one_persons(
    desk: Desk, first: str, second: str, broken: type[Exception]
) -> None:
    def row(said: str) -> str:
        username, subject, account = said.split()
        return ROW.format(ISSUER, subject, account) + f" from person where username = '{username}'"

    with desk.by_hand() as owner:
        owner.execute(text(row(first)))
    with pytest.raises(IntegrityError) as refused, desk.by_hand() as owner:
        owner.execute(text(row(second)))
    assert isinstance(refused.value.orig, broken)


def test_a_name_that_was_bound_may_wait_for_somebody_else(desk: Desk) -> None:
    with desk.by_hand() as owner:
        owner.execute(text(ROW.format(ISSUER, "'one'", "'name'") + " from person where username = 'agent1'"))
        owner.execute(text(ROW.format(ISSUER, "null", "'name'") + " from person where username = 'agent2'"))


def test_a_service_with_half_a_provider_does_not_start() -> None:
    with pytest.raises(SettingsMissing, match="HOTLINE_OIDC_CLIENT_ID"):
        build(settings_for("postgresql://x/y", "redis://x", oidc_issuer=ISSUER))
