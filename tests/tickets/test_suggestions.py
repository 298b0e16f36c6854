"""What is suggested, why, and what becomes of it."""

from typing import Any

import pytest

from service.org.tree import org_tree
from service.reports.suggestions import SuggestionQuery, suggestion_figures
from service.tickets.dispatching import (
    AskReturn,
    DispatchTicket,
    RetierTicket,
    ask_return,
    dispatch_ticket,
    grant_return,
    retier_ticket,
)
from service.tickets.errors import TierReasonMissing
from service.tickets.intake import AcceptTicket, accept_ticket
from service.tickets.intake_rules import intake_rules, read_intake_rules
from service.tickets.requests import DecideRequest
from service.tickets.suggestions import Suggested, suggest_tier, suggest_union
from service.tickets.taxonomy import leaves
from sla_rules import Tier
from tests.desk import GOLMUD, HAIXI, Desk, at

DULAN, XINING, CHENGDONG, PROVINCE = "632822", "630100", "630102", "630000"


def tier_of(desk: Desk, category: str, text: str = "", people: int | None = None) -> Suggested:
    with desk.application.reading() as unit:
        return suggest_tier(leaves(unit.session)[category], text, people_count=people, collective_from=10)


def union_of(desk: Desk, place: str, text: str = "", category: str = "0101", tier: Tier = Tier.difficult) -> Suggested:
    with desk.application.reading() as unit:
        tree = org_tree(unit.session)
        return suggest_union(tree, place_code=place, category_code=category, text=text, tier=tier)


@pytest.mark.parametrize(
    ("category", "text", "people", "tier", "reasons"),
    [
        ("0101", "工资没有发", None, "difficult", ["category:0101"]),
        ("0501", "天天加班", None, "ordinary", ["category:0501"]),
        ("0501", "加班受伤了", None, "difficult", ["category:0501", "word:受伤"]),
        ("0501", "有人死亡,有人受伤", None, "complex", ["category:0501", "word:死亡"]),
        ("0401", "工伤死亡", None, "complex", ["category:0401"]),
        ("0101", "没有发工资", 10, "complex", ["category:0101", "collective"]),
        ("0101", "没有发工资", 9, "difficult", ["category:0101"]),
        ("0101", "二十五名农民工没有发工资", None, "complex", ["category:0101", "collective"]),
        ("0101", "二十五名农民工没有发工资", 3, "difficult", ["category:0101"]),
    ],
)
def test_a_tier_is_the_categorys_lifted_by_words_or_people(
    desk: Desk, category: str, text: str, people: int | None, tier: str, reasons: list[str]
) -> None:
    suggested = tier_of(desk, category, text, people)

    assert (suggested.value, [reason.code for reason in suggested.reasons]) == (tier, reasons)
    assert suggested.because.zh
    assert suggested.because.en.isascii() or "word:" in str(reasons)


@pytest.mark.parametrize(
    ("place", "text", "category", "tier", "union", "reason"),
    [
        (GOLMUD, "", "0101", Tier.difficult, GOLMUD, f"place:{GOLMUD}"),
        (HAIXI, "", "0101", Tier.difficult, HAIXI, f"place:{HAIXI}"),
        (HAIXI, "在格尔木的工地", "0101", Tier.difficult, GOLMUD, f"text:{GOLMUD}"),
        (HAIXI, "格尔木和都兰县都有工地", "0101", Tier.difficult, HAIXI, f"place:{HAIXI}"),
        (XINING, "在格尔木的工地", "0101", Tier.difficult, XINING, f"place:{XINING}"),
        (GOLMUD, "", "0101", Tier.complex, HAIXI, "complex"),
        (GOLMUD, "", "1902", Tier.difficult, HAIXI, "about_union"),
        (HAIXI, "", "1902", Tier.difficult, HAIXI, f"place:{HAIXI}"),
        (PROVINCE, "", "0101", Tier.difficult, None, "province"),
    ],
)
def test_a_union_is_the_places_or_the_citys(
    desk: Desk, place: str, text: str, category: str, tier: Tier, union: str | None, reason: str
) -> None:
    suggested = union_of(desk, place, text, category, tier)

    assert suggested.value == union
    assert suggested.reasons[-1].code == reason


def test_a_suggested_tier_needs_no_reason_of_ones_own(desk: Desk) -> None:
    number = desk.registered(people_count=12)
    desk.do("agent1", accept_ticket, AcceptTicket(number=number, tier=Tier.complex))

    assert "群体性" in (desk.ticket(number).tier_reason or "")
    with pytest.raises(TierReasonMissing):
        desk.do("agent1", accept_ticket, AcceptTicket(number=desk.registered(), tier=Tier.complex))


def kept(desk: Desk, number: str, kind: str) -> Any:
    (row,) = desk.rows(
        "select s.* from suggestion s join ticket t on t.id = s.ticket_id where t.number = :n and s.kind = :k",
        n=number,
        k=kind,
    )
    return row


def test_suggestion_and_decision_are_kept_with_the_reasons(desk: Desk) -> None:
    number = desk.dispatched(HAIXI)

    tier, union = kept(desk, number, "tier"), kept(desk, number, "union")
    assert (tier.suggested, tier.decided, tier.corrected_to) == ("difficult", "difficult", None)
    assert tier.reasons == ["category:0101"]
    assert (union.suggested, union.decided, union.corrected_to) == (GOLMUD, HAIXI, None)


def test_a_later_tier_is_a_correction(desk: Desk) -> None:
    number = desk.dispatched()
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="多人"))

    row = kept(desk, number, "tier")
    assert (row.decided, row.corrected_to) == ("difficult", "complex")
    assert row.corrected_at == desk.clock.now()


def test_a_return_and_another_dispatch_is_a_correction(desk: Desk) -> None:
    number = desk.dispatched()
    desk.do(f"handler-{GOLMUD}", ask_return, AskReturn(number=number, reason="不属本市"))
    desk.do("dispatcher1", grant_return, DecideRequest(number=number))
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=DULAN))

    row = kept(desk, number, "union")
    assert (row.suggested, row.decided, row.corrected_to) == (GOLMUD, GOLMUD, DULAN)


def test_the_figures_count_what_was_taken_and_what_was_right(desk: Desk) -> None:
    desk.dispatched()
    desk.dispatched(HAIXI)
    corrected = desk.dispatched()
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=corrected, tier=Tier.complex, reason="多人"))
    desk.go_to("2026-11-30 23:30")
    desk.accepted()
    desk.go_to("2026-12-01 00:30")
    desk.accepted()

    query = SuggestionQuery(start=at("2026-11-01 00:00").date(), end=at("2027-01-01 00:00").date())
    figures = desk.do("supervisor1", suggestion_figures, query)
    assert [(f.kind, f.month, f.suggested, f.accepted, f.corrected, f.right) for f in figures] == [
        ("tier", "2026-11", 4, 4, 1, 3),
        ("tier", "2026-12", 1, 1, 0, 1),
        ("union", "2026-11", 3, 2, 0, 2),
    ]
    assert figures[0].right_share == 0.75
    assert desk.do(f"leader-{CHENGDONG}", suggestion_figures, query) == [], (
        "tickets outside one's scope are not counted"
    )


def test_the_rules_of_the_release_name_what_the_form_has() -> None:
    rules = intake_rules()

    assert rules.demanded(category_code="0101", kind="complaint", channel="phone") == (
        "employer",
        "people_count",
        "amount_owed",
    )
    assert rules.demanded(category_code="0105", kind="complaint", channel="phone") == ("employer", "people_count")
    assert rules.demanded(category_code="0101", kind="consultation", channel="phone") == ()
    assert rules.demanded(category_code="0101", kind="complaint", channel="web") == ()
    assert rules.demanded(category_code="2001", kind="complaint", channel="phone") == ()
    for wrong in ('fields = ["wages"]', 'fields = ["employer"]\n[tier_words]\nhard = ["x"]'):
        with pytest.raises(ValueError, match="the form has no"):
            read_intake_rules(
                'version = "x"\nasked = {channels = ["phone"], kinds = ["complaint"]}\nunion = {above = []}\n'
                + ("" if "tier_words" in wrong else "tier_words = {}\n")
                + f'[[required]]\ncategory = "01"\n{wrong}\n'
            )
