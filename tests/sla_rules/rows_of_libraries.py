"""What other libraries answer about working time: the project's own copy of the shared rows, and how either is read.

Each row asks one of six questions (add, sub, diff_hours, is_open, next_open, prev_open) of one of the calendars below.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Hours by weekday, then single days off, then breaks on single days.
CALENDARS: dict[str, tuple[str, list[str], dict[str, list[list[str]]]]] = {
    "C1": ("mon,tue,wed,thu,fri 09:00-17:00", [], {}),
    "C2": ("mon,tue,wed 09:00-17:00; thu 09:00-12:00 13:00-18:00; fri 09:00-12:00 12:30-17:00", [], {}),
    "C3": ("mon 12:00-17:00; tue 09:30-17:00; wed 10:00-17:00; thu 09:00-17:00; fri 09:30-17:00", [], {}),
    "C4": ("mon,tue 09:30-17:00; wed 09:30-13:00; thu,fri 09:30-17:00", [], {}),
    "C5": ("mon,tue,wed,thu,fri 09:00-17:00", ["2015-02-27"], {}),
    "C6": ("mon 09:00-12:00 13:00-17:00; tue,wed,thu,fri 09:00-17:00", [], {}),
    "C7": ("mon,tue,wed,thu,sun 09:30-17:00", [], {}),
    "C8": (
        "mon 09:00-17:00; tue 10:00-16:00; wed 09:00-17:00; thu 10:00-16:00; fri 09:00-17:00; sat 11:00-14:30",
        [],
        {},
    ),
    "C9": (
        "mon 09:00-17:00; tue 10:00-16:00; wed 09:00-17:00; thu 10:00-16:00; fri 09:00-17:00; sat 11:00-14:30",
        ["2006-01-01", "2006-12-25"],
        {"2006-01-02": [["10:00", "11:30"]], "2006-01-03": [["14:15", "14:30"], ["15:40", "15:50"]]},
    ),
    "C10": ("mon,tue,wed,thu,fri 09:00-17:00", ["2010-07-05"], {}),
    "C11": ("mon,fri 09:00-17:00; sat 10:00-15:00", [], {}),
    "C12": ("mon,fri 00:00-24:00; sat 11:00-15:00", [], {}),
    "C13": ("fri 09:00-17:00", [], {}),
    "C14": ("mon,fri,sat,sun 00:00-24:00", [], {}),
    "C15": ("mon,tue,wed 09:00-18:00", [], {}),
    "C16": ("mon,tue 08:00-20:00", [], {}),
    "C17": ("mon,tue,wed,thu,fri 09:00-17:00", ["2010-07-04"], {}),
}

# Name, calendar, question, start, end or amount, answer.
ROWS: list[tuple[str, str, str, str, str, str | int | float | bool]] = [
    ("moment-business-time@2.0.0-001", "C1", "add", "2015-02-26T10:12:34", "2 days", "2015-03-02"),
    ("moment-business-time@2.0.0-002", "C1", "add", "2015-02-26T10:12:34", "10 days", "2015-03-12"),
    ("moment-business-time@2.0.0-003", "C1", "add", "2015-02-26T10:12:34", "100 days", "2015-07-16"),
    ("moment-business-time@2.0.0-004", "C1", "add", "2015-02-26T10:12:34", "1 days", "2015-02-27"),
    ("moment-business-time@2.0.0-006", "C1", "add", "2015-02-26T10:12:34", "-1 days", "2015-02-25"),
    ("moment-business-time@2.0.0-007", "C1", "add", "2015-02-26T10:12:34", "2 hours", "2015-02-26T12:12:34"),
    ("moment-business-time@2.0.0-008", "C1", "add", "2015-02-26T10:12:34", "1 hours", "2015-02-26T11:12:34"),
    ("moment-business-time@2.0.0-009", "C1", "add", "2015-02-26T10:12:34", "9 hours", "2015-02-27T11:12:34"),
    ("moment-business-time@2.0.0-010", "C1", "add", "2015-02-26T10:12:34", "19 hours", "2015-03-02T13:12:34"),
    ("moment-business-time@2.0.0-011", "C1", "add", "2015-02-26T10:12:34", "108 hours", "2015-03-17T14:12:34"),
    ("moment-business-time@2.0.0-012", "C1", "add", "2015-02-28T10:13:00", "2 hours", "2015-03-02T11:00:00"),
    ("moment-business-time@2.0.0-013", "C1", "add", "2016-03-21T15:30:00", "17 hours", "2016-03-23T16:30:00"),
    ("moment-business-time@2.0.0-014", "C1", "add", "2016-03-21T15:30:00", "18 hours", "2016-03-24T09:30:00"),
    ("moment-business-time@2.0.0-015", "C2", "add", "2020-01-02T10:00:00", "4 hours", "2020-01-02T15:00:00"),
    ("moment-business-time@2.0.0-016", "C2", "add", "2020-01-03T11:00:00", "2 hours", "2020-01-03T13:30:00"),
    ("moment-business-time@2.0.0-017", "C2", "add", "2020-01-02T10:00:00", "16 hours", "2020-01-06T10:30:00"),
    ("moment-business-time@2.0.0-018", "C2", "add", "2020-01-02T12:30:00", "2 hours", "2020-01-02T15:00:00"),
    ("moment-business-time@2.0.0-019", "C2", "add", "2020-01-03T11:30:00", "1 hours", "2020-01-03T13:00:00"),
    ("moment-business-time@2.0.0-020", "C1", "add", "2015-02-26T10:12:34", "45 minutes", "2015-02-26T10:57:34"),
    ("moment-business-time@2.0.0-021", "C1", "add", "2015-02-28T10:13:00", "45 minutes", "2015-03-02T09:45:00"),
    ("moment-business-time@2.0.0-022", "C1", "add", "2015-02-26T16:59:59.700", "45 minutes", "2015-02-27T09:44:59.700"),
    ("moment-business-time@2.0.0-023", "C1", "add", "2015-02-26T10:12:34", "600 minutes", "2015-02-27T12:12:34"),
    ("moment-business-time@2.0.0-024", "C1", "add", "2015-02-26T10:12:34", "45 seconds", "2015-02-26T10:13:19"),
    ("moment-business-time@2.0.0-025", "C1", "add", "2015-02-28T10:13:00", "45 seconds", "2015-03-02T09:00:45"),
    ("moment-business-time@2.0.0-026", "C1", "add", "2015-02-26T16:59:59.700", "45 seconds", "2015-02-27T09:00:44.700"),
    ("moment-business-time@2.0.0-027", "C1", "add", "2015-02-26T10:12:34", "600 seconds", "2015-02-26T10:22:34"),
    ("moment-business-time@2.0.0-028", "C1", "add", "2020-01-06T13:00:00", "1 seconds", "2020-01-06T13:00:01"),
    ("moment-business-time@2.0.0-029", "C1", "add", "2015-02-26T10:12:34", "35297 seconds", "2015-02-27T12:00:51"),
    ("moment-business-time@2.0.0-030", "C1", "sub", "2015-02-26T16:12:34", "2 days", "2015-02-24"),
    ("moment-business-time@2.0.0-031", "C1", "sub", "2015-02-26T16:12:34", "10 days", "2015-02-12"),
    ("moment-business-time@2.0.0-032", "C1", "sub", "2015-02-26T16:12:34", "1 days", "2015-02-25"),
    ("moment-business-time@2.0.0-033", "C1", "sub", "2015-02-26T16:12:34", "-2 days", "2015-03-02"),
    ("moment-business-time@2.0.0-035", "C1", "sub", "2015-02-26T16:12:34", "2 hours", "2015-02-26T14:12:34"),
    ("moment-business-time@2.0.0-036", "C1", "sub", "2015-02-26T16:12:34", "1 hours", "2015-02-26T15:12:34"),
    ("moment-business-time@2.0.0-037", "C1", "sub", "2015-02-26T16:12:34", "9 hours", "2015-02-25T15:12:34"),
    ("moment-business-time@2.0.0-038", "C1", "sub", "2015-02-26T16:12:34", "19 hours", "2015-02-24T13:12:34"),
    ("moment-business-time@2.0.0-039", "C1", "sub", "2015-02-26T16:12:34", "108 hours", "2015-02-09T12:12:34"),
    ("moment-business-time@2.0.0-040", "C1", "sub", "2015-03-01T16:12:34", "2 hours", "2015-02-27T15:00:00"),
    ("moment-business-time@2.0.0-041", "C2", "sub", "2020-01-02T15:00:00", "4 hours", "2020-01-02T10:00:00"),
    ("moment-business-time@2.0.0-042", "C2", "sub", "2020-01-03T13:30:00", "2 hours", "2020-01-03T11:00:00"),
    ("moment-business-time@2.0.0-043", "C2", "sub", "2020-01-06T10:30:00", "16 hours", "2020-01-02T10:00:00"),
    ("moment-business-time@2.0.0-044", "C2", "sub", "2020-01-02T15:00:00", "2 hours", "2020-01-02T13:00:00"),
    ("moment-business-time@2.0.0-045", "C2", "sub", "2020-01-03T13:00:00", "1 hours", "2020-01-03T11:30:00"),
    ("moment-business-time@2.0.0-046", "C1", "sub", "2015-02-26T16:12:34", "45 minutes", "2015-02-26T15:27:34"),
    ("moment-business-time@2.0.0-047", "C1", "sub", "2015-03-01T16:12:34", "45 minutes", "2015-02-27T16:15:00"),
    ("moment-business-time@2.0.0-048", "C1", "sub", "2015-02-26T09:00:00.700", "45 minutes", "2015-02-25T16:15:00.700"),
    ("moment-business-time@2.0.0-049", "C1", "sub", "2015-02-26T09:00:20", "45 seconds", "2015-02-25T16:59:35"),
    ("moment-business-time@2.0.0-050", "C1", "sub", "2015-02-26T16:12:34", "35297 seconds", "2015-02-25T14:24:17"),
    ("moment-business-time@2.0.0-051", "C3", "add", "2015-02-23T10:00:00", "2 hours", "2015-02-23T14:00:00"),
    ("moment-business-time@2.0.0-052", "C3", "add", "2015-02-23T10:00:00", "15 hours", "2015-02-25T12:30:00"),
    ("moment-business-time@2.0.0-053", "C4", "add", "2015-02-25T16:00:00", "2 hours", "2015-02-26T11:30:00"),
    ("moment-business-time@2.0.0-054", "C4", "sub", "2015-02-25T16:00:00", "8 hours", "2015-02-24T12:30:00"),
    ("moment-business-time@2.0.0-055", "C1", "diff_hours", "2015-02-27T10:00:00", "2015-02-27T13:30:00", 3.5),
    ("moment-business-time@2.0.0-056", "C1", "diff_hours", "2015-02-27T10:00:00", "2015-03-02T13:30:00", 11.5),
    ("moment-business-time@2.0.0-057", "C4", "diff_hours", "2015-02-23T10:00:00", "2015-02-26T14:00:00", 22.5),
    ("moment-business-time@2.0.0-058", "C2", "diff_hours", "2020-01-02T10:00:00", "2020-01-02T15:00:00", 4),
    ("moment-business-time@2.0.0-059", "C2", "diff_hours", "2020-01-03T11:00:00", "2020-01-03T13:30:00", 2),
    ("moment-business-time@2.0.0-060", "C2", "diff_hours", "2020-01-02T10:00:00", "2020-01-06T10:00:00", 15.5),
    ("moment-business-time@2.0.0-061", "C2", "diff_hours", "2020-01-02T12:30:00", "2020-01-02T15:00:00", 2),
    ("moment-business-time@2.0.0-062", "C2", "diff_hours", "2020-01-03T11:30:00", "2020-01-03T13:00:00", 1),
    ("moment-business-time@2.0.0-063", "C1", "diff_hours", "2016-10-16T18:00:00", "2016-10-17T06:00:00", 0),
    ("moment-business-time@2.0.0-064", "C5", "diff_hours", "2015-02-26T12:00:00", "2015-03-02T12:00:00", 8),
    ("moment-business-time@2.0.0-065", "C5", "add", "2015-02-26T00:00:00", "3 days", "2015-03-04"),
    ("moment-business-time@2.0.0-066", "C5", "add", "2015-02-26T12:00:00", "8 hours", "2015-03-02T12:00:00"),
    ("moment-business-time@2.0.0-067", "C1", "is_open", "2015-02-28T10:13:00", "", False),
    ("moment-business-time@2.0.0-068", "C1", "is_open", "2015-02-26T10:12:34", "", True),
    ("moment-business-time@2.0.0-069", "C1", "is_open", "2017-06-26T09:00:00", "", True),
    ("moment-business-time@2.0.0-071", "C6", "is_open", "2017-06-26T10:00:00", "", True),
    ("moment-business-time@2.0.0-072", "C6", "is_open", "2017-06-26T12:30:00", "", False),
    ("moment-business-time@2.0.0-073", "C6", "is_open", "2017-06-26T16:00:00", "", True),
    ("moment-business-time@2.0.0-074", "C3", "is_open", "2015-02-23T10:00:00", "", False),
    ("moment-business-time@2.0.0-075", "C4", "is_open", "2015-02-25T16:00:00", "", False),
    ("moment-business-time@2.0.0-076", "C7", "is_open", "2015-02-27T16:00:00", "", False),
    ("moment-business-time@2.0.0-077", "C7", "is_open", "2015-03-01T10:00:00", "", True),
    ("moment-business-time@2.0.0-078", "C1", "next_open", "2015-02-28T10:13:00", "", "2015-03-02T09:00:00"),
    ("moment-business-time@2.0.0-079", "C1", "next_open", "2015-02-26T17:30:00", "", "2015-02-27T09:00:00"),
    ("moment-business-time@2.0.0-080", "C1", "next_open", "2015-02-26T07:30:00", "", "2015-02-26T09:00:00"),
    ("moment-business-time@2.0.0-081", "C1", "next_open", "2015-02-26T10:12:34", "", "2015-02-26T10:12:34"),
    ("moment-business-time@2.0.0-082", "C1", "prev_open", "2015-02-28T10:13:00", "", "2015-02-27T17:00:00"),
    ("moment-business-time@2.0.0-083", "C1", "prev_open", "2015-02-26T17:30:00", "", "2015-02-26T17:00:00"),
    ("moment-business-time@2.0.0-084", "C1", "prev_open", "2015-02-26T07:30:00", "", "2015-02-25T17:00:00"),
    ("moment-business-time@2.0.0-085", "C1", "prev_open", "2015-02-26T10:12:34", "", "2015-02-26T10:12:34"),
    ("zendesk/biz-086", "C8", "add", "2006-01-02T11:00:00", "19 hours", "2006-01-04T16:00:00"),
    ("zendesk/biz-087", "C8", "sub", "2006-01-04T16:00:00", "19 hours", "2006-01-02T11:00:00"),
    ("zendesk/biz-088", "C8", "sub", "2006-01-04T16:01:30", "90 seconds", "2006-01-04T16:00:00"),
    ("zendesk/biz-089", "C8", "add", "2006-01-04T15:58:30", "90 seconds", "2006-01-04T16:00:00"),
    ("zendesk/biz-090", "C8", "sub", "2006-01-03T00:00:00", "0 seconds", "2006-01-02T17:00:00"),
    ("zendesk/biz-091", "C8", "add", "2006-01-03T00:00:00", "0 seconds", "2006-01-03T10:00:00"),
    ("zendesk/biz-092", "C8", "sub", "2006-01-04T16:30:00", "90 minutes", "2006-01-04T15:00:00"),
    ("zendesk/biz-093", "C8", "add", "2006-01-04T15:30:00", "90 minutes", "2006-01-04T17:00:00"),
    ("zendesk/biz-094", "C8", "sub", "2006-01-04T17:00:00", "3 hours", "2006-01-04T14:00:00"),
    ("zendesk/biz-095", "C8", "add", "2006-01-04T14:00:00", "3 hours", "2006-01-04T17:00:00"),
    ("zendesk/biz-096", "C8", "sub", "2006-01-09T12:00:00", "2 days", "2006-01-06T12:00:00"),
    ("zendesk/biz-097", "C8", "sub", "2006-01-05T08:00:00", "2 days", "2006-01-02T17:00:00"),
    ("zendesk/biz-098", "C8", "sub", "2006-01-05T18:00:00", "2 days", "2006-01-03T16:00:00"),
    ("zendesk/biz-099", "C8", "sub", "2006-01-09T12:30:52", "2 days", "2006-01-06T12:30:52"),
    ("zendesk/biz-100", "C8", "sub", "2006-01-02T14:00:00", "0 days", "2006-01-02T14:00:00"),
    ("zendesk/biz-101", "C8", "add", "2006-01-06T12:00:00", "2 days", "2006-01-09T12:00:00"),
    ("zendesk/biz-102", "C8", "add", "2006-01-03T08:00:00", "2 days", "2006-01-05T10:00:00"),
    ("zendesk/biz-103", "C8", "add", "2006-01-03T18:00:00", "2 days", "2006-01-06T09:00:00"),
    ("zendesk/biz-104", "C8", "add", "2006-01-06T12:30:52", "2 days", "2006-01-09T12:30:52"),
    ("zendesk/biz-105", "C8", "add", "2006-01-02T13:00:00", "0 days", "2006-01-02T13:00:00"),
    ("zendesk/biz-106", "C8", "diff_hours", "2006-01-01T00:00:00", "2006-01-08T00:00:00", 39.5),
    ("zendesk/biz-108", "C8", "diff_hours", "2006-01-01T00:00:00", "2006-01-01T00:00:00", 0),
    ("zendesk/biz-109", "C9", "add", "2006-01-02T09:00:00", "30 minutes", "2006-01-02T09:30:00"),
    ("zendesk/biz-110", "C9", "diff_hours", "2006-01-05T12:00:00", "2006-01-06T12:00:00", 7),
    ("zendesk/biz-111", "C9", "is_open", "2006-01-02T08:00:00", "", False),
    ("zendesk/biz-112", "C9", "is_open", "2006-01-02T12:00:00", "", True),
    ("zendesk/biz-113", "C9", "is_open", "2006-01-02T11:00:00", "", False),
    ("zendesk/biz-114", "C9", "is_open", "2006-12-25T12:00:00", "", False),
    ("bokmann/business_time-118", "C1", "add", "2010-08-04T09:35:00", "8 hours", "2010-08-05T09:35:00"),
    ("bokmann/business_time-119", "C1", "sub", "2010-08-04T09:35:00", "8 hours", "2010-08-03T09:35:00"),
    ("bokmann/business_time-120", "C1", "add", "2010-04-09T16:50:00", "1 hours", "2010-04-12T09:50:00"),
    ("bokmann/business_time-121", "C1", "sub", "2010-04-12T09:50:00", "1 hours", "2010-04-09T16:50:00"),
    ("bokmann/business_time-122", "C10", "add", "2010-07-02T16:50:00", "1 hours", "2010-07-06T09:50:00"),
    ("bokmann/business_time-123", "C1", "add", "2010-04-12T09:50:00", "3 hours", "2010-04-12T12:50:00"),
    ("bokmann/business_time-124", "C1", "next_open", "2010-04-26T04:30:00", "", "2010-04-26T09:00:00"),
    ("bokmann/business_time-125", "C1", "next_open", "2010-04-26T18:00:00", "", "2010-04-27T09:00:00"),
    ("bokmann/business_time-126", "C11", "add", "2010-12-24T15:00:00", "9 hours", "2010-12-27T11:00:00"),
    ("bokmann/business_time-127", "C11", "add", "2010-12-24T08:00:00", "15 hours", "2010-12-27T11:00:00"),
    ("bokmann/business_time-128", "C12", "add", "2010-12-24T15:00:00", "24 hours", "2010-12-27T11:00:00"),
    ("bokmann/business_time-129", "C13", "add", "2010-12-24T08:00:00", "8 hours", "2010-12-24T17:00:00"),
    ("bokmann/business_time-130", "C12", "add", "2010-12-25T08:00:00", "15 hours", "2010-12-27T11:00:00"),
    ("bokmann/business_time-132", "C11", "diff_hours", "2010-12-24T15:00:00", "2010-12-27T11:00:00", 9),
    ("bokmann/business_time-133", "C12", "diff_hours", "2010-12-24T15:00:00", "2010-12-27T11:00:00", 24),
    ("bokmann/business_time-134", "C14", "diff_hours", "2010-12-24T15:00:00", "2010-12-27T11:00:00", 68),
    ("bokmann/business_time-135", "C15", "diff_hours", "2012-05-28T08:04:26", "2012-05-29T14:56:45", 14.945833),
    ("bokmann/business_time-136", "C16", "diff_hours", "2014-05-12T20:50:00", "2014-05-13T08:10:00", 0.166667),
    ("bokmann/business_time-137", "C1", "add", "2010-04-13T11:00:00", "1 days", "2010-04-14T11:00:00"),
    ("bokmann/business_time-138", "C1", "add", "2010-04-09T12:33:00", "1 days", "2010-04-12T12:33:00"),
    ("bokmann/business_time-139", "C1", "add", "2010-04-09T12:33:00", "5 days", "2010-04-16T12:33:00"),
    ("bokmann/business_time-140", "C10", "add", "2010-07-02T16:50:00", "1 days", "2010-07-06T16:50:00"),
    ("bokmann/business_time-141", "C17", "add", "2010-07-02T16:50:00", "1 days", "2010-07-05T16:50:00"),
    ("bokmann/business_time-147", "C1", "sub", "2010-04-13T11:00:00", "1 days", "2010-04-12T11:00:00"),
    ("bokmann/business_time-148", "C1", "sub", "2010-04-12T12:33:00", "1 days", "2010-04-09T12:33:00"),
    ("bokmann/business_time-149", "C1", "sub", "2010-04-16T12:33:00", "5 days", "2010-04-09T12:33:00"),
]


def own_rows() -> list[dict[str, Any]]:
    """The project's copy in the form of the shared file."""
    return [_spelled_out(*row) for row in ROWS]


def shared_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of the shared file, without its remarks."""
    kept = ("id", "op", "hours", "holidays", "breaks", "start", "end", "amount", "unit", "expected")
    return [{key: row[key] for key in kept} for row in json.loads(path.read_text(encoding="utf-8"))]


def _spelled_out(
    name: str, calendar: str, question: str, start: str, other: str, expected: str | float | bool
) -> dict[str, Any]:
    hours, holidays, breaks = CALENDARS[calendar]
    asks_for_sum = question in ("add", "sub")
    amount, _, unit = other.partition(" ") if asks_for_sum else ("", "", "")
    return {
        "id": name,
        "op": question,
        "hours": _hours(hours),
        "holidays": holidays,
        "breaks": breaks,
        "start": start,
        "end": other if other and not asks_for_sum else None,
        "amount": int(amount) if asks_for_sum else None,
        "unit": unit if asks_for_sum else None,
        "expected": expected,
    }


def _hours(text: str) -> dict[str, list[list[str]]]:
    """`mon,tue 09:00-12:00 13:00-17:00; wed 09:00-12:00`, spelled out day by day."""
    by_day: dict[str, list[list[str]]] = {}
    for part in text.split("; "):
        days, *windows = part.split()
        by_day |= {day: [window.split("-") for window in windows] for day in days.split(",")}
    return by_day
