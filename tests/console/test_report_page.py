"""The breach report on a screen and as files."""

import pytest

from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, HAIXI, Desk

REPORT = f"{CONSOLE}/reports/breaches"
PERIOD = "from=2026-11-01&to=2026-12-31"


@pytest.fixture
def late(desk: Desk) -> str:
    number = desk.in_progress()
    desk.go_to("2026-12-01 10:00")
    desk.sweep()
    desk.reply(number)
    return number


def test_a_broken_promise_is_a_row_that_leads_to_its_ticket(reader: Reader, late: str) -> None:
    page = reader.as_("supervisor1").see(f"{REPORT}?{PERIOD}")

    assert f'href="{CONSOLE}/tickets/{late}"' in page
    assert "格尔木市承办人" in page
    assert "时限过半、时限已用八成、已到期,逾期、逾期 1 个工作日" in page
    assert "期间到期 4 项时限:按时 2 项,逾期 2 项,挂起或未到期 0 项。" in page


def test_the_last_day_named_belongs_to_the_period(reader: Reader, late: str) -> None:
    reader.as_("supervisor1")

    assert late in reader.see(f"{REPORT}?from=2026-11-27&to=2026-11-27")
    assert "这段时间没有到期的时限" in reader.see(f"{REPORT}?from=2026-11-28&to=2026-11-30")


def test_the_files_hold_the_same_rows(reader: Reader, late: str) -> None:
    page = reader.as_("supervisor1").get(f"{REPORT}?{PERIOD}").text
    csv = reader.get(page.split('href="')[-1] and f"{REPORT}.csv?{PERIOD}&org=630000")
    xlsx = reader.get(f"{REPORT}.xlsx?{PERIOD}&org=630000")

    assert f"{REPORT}.csv?from=2026-11-01&amp;to=2026-12-31&amp;org=630000" in page
    assert csv.content.startswith(b"\xef\xbb\xbf")
    assert csv.text.count(late) == 2
    assert xlsx.content.startswith(b"PK")
    assert 'filename="breaches-630000-2026-11-01-2027-01-01.csv"' in csv.headers["content-disposition"]
    assert reader.get(f"{REPORT}.pdf?{PERIOD}").status_code == 404


def test_a_union_sees_its_own_subtree_only(reader: Reader, late: str) -> None:
    assert late in reader.as_(f"leader-{HAIXI}").see(f"{REPORT}?{PERIOD}")
    assert reader.get(f"{REPORT}?{PERIOD}&org=630100").status_code == 404
    assert reader.get(f"{REPORT}.csv?{PERIOD}&org=630100").status_code == 404


@pytest.mark.parametrize("who", ["agent1", f"handler-{GOLMUD}", "auditor1"])
def test_others_have_no_report(visitor: Reader, who: str) -> None:
    assert visitor.as_(who).get(REPORT).status_code == 403


@pytest.mark.parametrize(
    "period", ["from=yesterday", "from=2026-13-01", "from=0001-01-01&to=9999-12-31", "to=1900-01-01"]
)
def test_a_period_that_is_none_is_refused_in_a_sentence(visitor: Reader, period: str) -> None:
    response = visitor.as_("supervisor1").get(f"{REPORT}?{period}")

    assert response.status_code == 422
    assert "日期无法识别" in seen(response) or "统计区间无效" in seen(response)


def test_nothing_late_is_said(reader: Reader, desk: Desk) -> None:
    desk.closed()

    assert "没有逾期。" in reader.as_("supervisor1").see(f"{REPORT}?{PERIOD}")
