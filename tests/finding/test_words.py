"""Texts and queries are cut into the same words, by the database and by the service."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from service.tickets.finding import FindQuery, find_tickets
from service.tickets.wording import excerpt, folded, marked, number_term, understood, words_of
from tests.desk import Desk

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
ANY = st.text(
    st.one_of(
        HAN,
        st.sampled_from("aZ09 ,。!'\"\\&|<:*()-#%％_ＡＢ１Éßдབ་ء𠀀㐀々〇①㎡"),
        # A sign younger than this Python's Unicode is folded by the database alone.
        st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cn",)),
    ),
    max_size=60,
)


@given(said=ANY)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_cuts_a_text_into_the_words_the_service_looks_for(shared_desk: Desk, said: str) -> None:
    with shared_desk.application.reading() as unit:
        assert set(unit.session.scalar(text("select search_words(:said)"), {"said": said})) == words_of(said)


@given(query=ANY)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_a_query(shared_desk: Desk, query: str) -> None:
    with shared_desk.application.reading() as unit:
        find_tickets(unit, FindQuery(q=query, number=query[:40]))


@given(title=st.text(HAN, min_size=2, max_size=30), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_neighbouring_characters_of_a_title_find_its_ticket(
    shared_desk: Desk, title: str, data: st.DataObject
) -> None:
    number = shared_desk.registered(title=title)
    at = data.draw(st.integers(0, len(title) - 2))
    with shared_desk.application.reading() as unit:
        found = find_tickets(unit, FindQuery(q=title[at : at + 2], limit=200))
        whole = find_tickets(unit, FindQuery(q=f'"{title}"', limit=200))

    assert number in {hit.row.number for hit in found.hits}
    assert number in {hit.row.number for hit in whole.hits}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("拖欠工资", {"拖欠", "工资"}),
        ("格尔木拖欠农民工工资", {"格尔木", "拖欠", "农民工", "工资"}),
        ("的 工资", {"工资"}),
        ("薪", {"薪"}),
        ('"拖欠工资"', {"拖欠工资"}),
        ("ＡＢＣ", {"abc"}),
        ("!? 。", set()),
    ],
)
def test_a_query_asks_for_the_words_that_are_meant(query: str, asked: set[str]) -> None:
    assert set(understood(query).shown) == asked


@given(text_=ANY, terms=st.lists(ANY.map(folded).filter(bool), max_size=3))
def test_marking_a_text_neither_loses_nor_adds_a_sign(text_: str, terms: list[str]) -> None:
    assert "".join(part.text for part in marked(text_, terms)) == text_


def test_an_excerpt_is_of_the_text_that_says_most() -> None:
    found = excerpt([("body", "只说工资"), ("reply", "工资已由" + "很" * 200 + "拖欠方发放")], ["拖欠", "工资"])

    assert found is not None
    assert found.field == "reply"
    assert [part.text for part in found.parts if part.hit] == ["工资"]
    assert len("".join(part.text for part in found.parts)) <= 82


def test_what_can_be_no_number_asks_for_nothing() -> None:
    assert number_term("' | 'x") == ""
    assert number_term("12") == ""
    assert number_term("GD-2026/7") == "'#gd-2026/7'"
