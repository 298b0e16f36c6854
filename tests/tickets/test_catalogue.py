"""The dispatch catalogue: the row that says most wins, a faulty file is refused line by line."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.core.unit import Unit
from service.sla.publishing import RulesNotYours
from service.tickets.catalogue import (
    CatalogueRefused,
    CatalogueUnchanged,
    NoCatalogue,
    PublishCatalogue,
    current_catalogue,
    publish_catalogue,
    published_catalogue,
    suggested_union,
)
from tests.desk import GOLMUD, HAIXI, Desk

XINING, CHENGDONG, DELINGHA = "630100", "630102", "632802"
LAYERS = f"""category,place,org
*,*,{XINING}
*,海西蒙古族藏族自治州,{HAIXI}
01,*,{CHENGDONG}
01,{HAIXI},{DELINGHA}
0101,{GOLMUD},{GOLMUD}
"""


def publish(desk: Desk, source: str, *, by: str = "admin1") -> str:
    return desk.do(by, publish_catalogue, PublishCatalogue(text=source, reason="年度目录")).version


def suggested(desk: Desk, category: str, place: str) -> str | None:
    with desk.application.reading() as unit:
        found = suggested_union(unit.session, category, place)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("category", "place", "org"),
    [
        ("0101", GOLMUD, GOLMUD),
        ("0102", GOLMUD, DELINGHA),
        ("0101", DELINGHA, DELINGHA),
        ("0101", CHENGDONG, CHENGDONG),
        ("0201", GOLMUD, HAIXI),
        ("0201", CHENGDONG, XINING),
        ("", "630000", XINING),
    ],
)
def test_the_row_that_says_most_wins(desk: Desk, category: str, place: str, org: str) -> None:
    publish(desk, LAYERS)

    assert suggested(desk, category, place) == org


def test_a_dispatch_is_measured_by_the_catalogue_and_says_so(desk: Desk) -> None:
    publish(desk, f"category,place,org\n0101,{GOLMUD},{DELINGHA}\n")
    desk.dispatched(GOLMUD)

    (row,) = desk.rows("select suggested, decided, reasons from suggestion where kind = 'union'")
    assert (row.suggested, row.decided) == (DELINGHA, GOLMUD)
    assert f"catalogue:0101/{GOLMUD}" in row.reasons


def test_without_a_catalogue_the_place_decides(desk: Desk) -> None:
    assert suggested(desk, "0101", GOLMUD) is None
    with desk.application.reading() as unit, pytest.raises(NoCatalogue):
        published_catalogue(unit)


def test_every_faulty_line_is_named_and_nothing_is_published(desk: Desk) -> None:
    faulty = f"category,place,org\n9999,{GOLMUD},{GOLMUD}\n0101,火星,630000\n0101,{GOLMUD}\n,,{XINING}\n*,*,{HAIXI}\n"
    with pytest.raises(CatalogueRefused) as refused:
        publish(desk, faulty)

    assert [fault.line for fault in refused.value.faults] == [2, 3, 3, 4, 6]
    assert "第 6 行:与第 5 行重复" in refused.value.sentence("zh")
    assert desk.rows("select 1 from dispatch_catalogue_version") == []


@pytest.mark.parametrize("source", ["", "a,b,c\n", "category,place,org\n", 'category,place,org\n"0101,x', "\x01"])
def test_rubbish_is_refused(desk: Desk, source: str) -> None:
    with pytest.raises(CatalogueRefused):
        publish(desk, source)


def test_a_new_version_replaces_the_old_one_which_stays_as_it_was(desk: Desk) -> None:
    first = publish(desk, LAYERS)
    with pytest.raises(CatalogueUnchanged):
        publish(desk, LAYERS)
    assert suggested(desk, "0201", CHENGDONG) == XINING
    second = publish(desk, f"category,place,org\n*,*,{HAIXI}\n")

    assert suggested(desk, "0201", CHENGDONG) == HAIXI
    rows = desk.rows("select version, active from dispatch_catalogue_version order by id")
    assert [(row.version, row.active) for row in rows] == [(first, False), (second, True)]
    with pytest.raises(DBAPIError, match="never rewritten"), desk.application.unit() as unit:
        unit.session.execute(text("update dispatch_catalogue_version set content = '{}'"))


def test_only_the_provinces_administrator_publishes(desk: Desk) -> None:
    with pytest.raises(RulesNotYours):
        publish(desk, LAYERS, by="dispatcher1")


def test_the_content_is_read_once_for_a_version(desk: Desk) -> None:
    publish(desk, LAYERS)

    def read(unit: Unit) -> int:
        return id(current_catalogue(unit.session))

    with desk.application.reading() as one, desk.application.reading() as other:
        assert read(one) == read(other)
