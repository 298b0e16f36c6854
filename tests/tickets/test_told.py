"""What is read off a worker's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.org.tree import org_tree
from service.tickets.told import bigrams, likeness, people_told, places_told
from tests.desk import Desk


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("一共二十五名农民工没有领到工资", 25),
        ("我们12个人", 12),
        ("我们 １２ 人", 12),
        ("三百余名职工下岗", 300),
        ("两千多名工人", 2000),
        ("十名员工,其中三人受伤", 10),
        ("十五位工友", 15),
        ("一百零五人", 105),
        ("我一个人", 1),
        ("三个月没有发工资", None),
        ("欠薪 30000 元", None),
        ("打 12351 找人", None),
        ("", None),
    ],
)
def test_the_number_of_people_is_read_however_it_is_written(text: str, people: int | None) -> None:
    assert people_told(text) == people


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("在格尔木市一个工地", ["632801"]),
        ("在格尔木一个工地", ["632801"]),
        ("互助县和大通县都有", ["630121", "630223"]),
        ("大柴旦的矿上", ["632857"]),
        ("海西州", ["632800"]),
        ("我是海南人", []),
        ("民和解除合同", []),
    ],
)
def test_places_are_read_in_full_or_as_people_say_them(desk: Desk, text: str, places: list[str]) -> None:
    with desk.application.reading() as unit:
        assert [union.code for union in places_told(org_tree(unit.session), text)] == places


def test_a_text_is_like_itself_and_not_like_another() -> None:
    one = bigrams("工地拖欠农民工工资三个月,老板失联")
    assert likeness(one, bigrams("工地 拖欠农民工工资三个月；老板失联!")) == 1.0
    assert likeness(one, bigrams("咨询婚假有多少天")) == 0.0
    assert likeness(one, bigrams("工地拖欠工资,老板找不到了")) > 0.3
    assert likeness(frozenset(), frozenset()) == 0.0


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    share = likeness(bigrams(one), bigrams(other))
    assert 0 <= share <= 1
    assert share == likeness(bigrams(other), bigrams(one))


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    people_told(text)
