"""Holidays the law itself fixes, for the days no notice has been published for yet.

《全国年节及纪念日放假办法》 (Regulation on public holidays for annual festivals and memorial days), in its
revisions in force from 2008-01-01, 2014-01-01 and 2025-01-01. It says which days are holidays, not which
weekends are exchanged for them, so whatever is computed from it is provisional.
"""

from __future__ import annotations

from datetime import date, timedelta

# (month, day) of 清明, 春节 (初一), 端午 and 中秋. The lunar dates agree with two independent conversions of
# the lunisolar calendar, 清明 (a solar term) with published tables; 2010-2026 also with the notices.
_FESTIVALS: dict[int, tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    2010: ((4, 5), (2, 14), (6, 16), (9, 22)),
    2011: ((4, 5), (2, 3), (6, 6), (9, 12)),
    2012: ((4, 4), (1, 23), (6, 23), (9, 30)),
    2013: ((4, 4), (2, 10), (6, 12), (9, 19)),
    2014: ((4, 5), (1, 31), (6, 2), (9, 8)),
    2015: ((4, 5), (2, 19), (6, 20), (9, 27)),
    2016: ((4, 4), (2, 8), (6, 9), (9, 15)),
    2017: ((4, 4), (1, 28), (5, 30), (10, 4)),
    2018: ((4, 5), (2, 16), (6, 18), (9, 24)),
    2019: ((4, 5), (2, 5), (6, 7), (9, 13)),
    2020: ((4, 4), (1, 25), (6, 25), (10, 1)),
    2021: ((4, 4), (2, 12), (6, 14), (9, 21)),
    2022: ((4, 5), (2, 1), (6, 3), (9, 10)),
    2023: ((4, 5), (1, 22), (6, 22), (9, 29)),
    2024: ((4, 4), (2, 10), (6, 10), (9, 17)),
    2025: ((4, 4), (1, 29), (5, 31), (10, 6)),
    2026: ((4, 5), (2, 17), (6, 19), (9, 25)),
    2027: ((4, 5), (2, 6), (6, 9), (9, 15)),
    2028: ((4, 4), (1, 26), (5, 28), (10, 3)),
    2029: ((4, 4), (2, 13), (6, 16), (9, 22)),
    2030: ((4, 5), (2, 3), (6, 5), (9, 12)),
    2031: ((4, 5), (1, 23), (6, 24), (10, 1)),
    2032: ((4, 4), (2, 11), (6, 12), (9, 19)),
    2033: ((4, 4), (1, 31), (6, 1), (9, 8)),
    2034: ((4, 5), (2, 19), (6, 20), (9, 27)),
    2035: ((4, 5), (2, 8), (6, 10), (9, 16)),
    2036: ((4, 4), (1, 28), (5, 30), (10, 4)),
    2037: ((4, 4), (2, 15), (6, 18), (9, 24)),
    2038: ((4, 5), (2, 4), (6, 7), (9, 13)),
    2039: ((4, 5), (1, 24), (5, 27), (10, 2)),
    2040: ((4, 4), (2, 12), (6, 14), (9, 20)),
    2041: ((4, 4), (2, 1), (6, 3), (9, 10)),
}

FIRST_YEAR = min(_FESTIVALS)
LAST_LUNAR_YEAR = max(_FESTIVALS)


def statutory_holidays(year: int) -> dict[date, str]:
    """The statutory holidays of `year` by name, without compensation days and exchanged weekends.

    Years outside 2010-2041 have no lunar dates here and answer with the fixed-date holidays alone.
    """
    days: dict[date, str] = {date(year, 1, 1): "元旦"}
    for day in (1, 2, 3):
        days[date(year, 10, day)] = "国庆节"
    days[date(year, 5, 1)] = "劳动节"
    if year >= 2025:
        days[date(year, 5, 2)] = "劳动节"
    festivals = _FESTIVALS.get(year)
    if festivals is None:
        return days
    qingming, spring, dragon_boat, mid_autumn = (date(year, month, day) for month, day in festivals)
    for offset in _spring_festival_offsets(year):
        days[spring + timedelta(days=offset)] = "春节"
    days[qingming] = "清明节"
    days[dragon_boat] = "端午节"
    # 中秋 may fall on a day of 国庆 (2020, 2031): the day is off once, under both names.
    days[mid_autumn] = f"{days[mid_autumn]}、中秋节" if mid_autumn in days else "中秋节"
    return days


def _spring_festival_offsets(year: int) -> range:
    if year >= 2025:
        return range(-1, 3)  # 除夕 to 初三, since the revision in force from 2025
    if year >= 2014:
        return range(3)  # 初一 to 初三
    return range(-1, 2)  # 除夕 to 初二, under the revision in force from 2008
