"""The explanation of a deadline: each day with its reason, and the same date as the deadline."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time

import pytest

from sla_rules import (
    Clock,
    ClockKind,
    DayOverride,
    Explanation,
    OpenPauseNeedsAsOf,
    Promise,
    WorkCalendar,
    explain,
)

At = Callable[[str], datetime]


def resolving(promise: Promise, started_at: datetime) -> Clock:
    return Clock(ClockKind.resolve, promise, started_at)


def told(explanation: Explanation) -> list[tuple[str, bool, str, int]]:
    return [(str(line.date), line.counted, line.reason_zh, line.running_count) for line in explanation.lines]


def test_working_days_over_the_spring_festival(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_days", 2), at("2026-02-13 10:00")), calendar, policy_version="p1")
    rows = told(it)
    assert rows[:3] == [
        ("2026-02-13", False, "起算当日不计入", 0),
        ("2026-02-14", True, "周六,春节调休上班", 1),
        ("2026-02-15", False, "周日,春节放假", 1),
    ]
    assert rows[-1] == ("2026-02-24", True, "周二,工作日", 2)
    assert it.last_day == date(2026, 2, 24)
    assert it.due_at == at("2026-02-25 00:00")
    assert (it.calendar_version, it.policy_version) == (calendar.version, "p1")


def test_every_reason_cites_its_source(calendar: WorkCalendar, at: At) -> None:
    lines = explain(resolving(Promise("working_days", 2), at("2026-02-13 10:00")), calendar).lines
    assert lines[0].source == "民法典第二百零一条"
    assert "gov.cn" in lines[1].source
    assert lines[-1].source == ""
    assert lines[1].reason_en == "Saturday, worked in exchange for 春节"
    assert lines[2].reason_en == "Sunday, off for 春节"


def test_calendar_days_that_roll(calendar: WorkCalendar, at: At) -> None:
    rows = told(explain(resolving(Promise("calendar_days", 15), at("2026-11-06 10:00")), calendar))
    assert rows[-3:] == [
        ("2026-11-21", True, "自然日,周六,休息日", 15),
        ("2026-11-22", False, "末日逢休息日,顺延(周日,休息日)", 15),
        ("2026-11-23", False, "末日逢休息日,顺延至此(周一,工作日)", 15),
    ]


def test_suspended_days_and_an_extension(calendar: WorkCalendar, at: At) -> None:
    clock = (
        resolving(Promise("working_days", 2), at("2026-11-18 10:00"))
        .pause(at("2026-11-19 09:00"), "等待材料")
        .resume(at("2026-11-20 09:00"))
        .extend(1)
    )
    it = explain(clock, calendar)
    assert told(it) == [
        ("2026-11-18", False, "起算当日不计入", 0),
        ("2026-11-19", False, "挂起:等待材料", 0),
        ("2026-11-20", True, "周五,工作日", 1),
        ("2026-11-21", False, "周六,休息日", 1),
        ("2026-11-22", False, "周日,休息日", 1),
        ("2026-11-23", True, "周一,工作日", 2),
        ("2026-11-24", True, "延期,周二,工作日", 3),
    ]
    assert it.extension_days == 1
    assert it.pauses == clock.pauses


def test_the_same_day(calendar: WorkCalendar, at: At) -> None:
    assert told(explain(resolving(Promise("same_day", 1), at("2026-11-21 10:00")), calendar)) == [
        ("2026-11-21", True, "当日,至 24:00", 1)
    ]
    late = resolving(Promise("same_day", 1, cutoff=time(17)), at("2026-11-20 18:00"))
    assert told(explain(late, calendar))[-1] == ("2026-11-23", True, "周一,工作日", 1)
    early = resolving(Promise("same_day", 1, cutoff=time(17)), at("2026-11-20 10:00"))
    assert told(explain(early, calendar)) == [("2026-11-20", True, "周五,工作日", 1)]


def test_working_minutes_are_told_by_day(calendar: WorkCalendar, at: At) -> None:
    clock = (
        resolving(Promise("working_minutes", 90), at("2026-11-20 17:00"))
        .pause(at("2026-11-20 17:30"), "")
        .resume(at("2026-11-20 17:45"))
    )
    it = explain(clock, calendar)
    assert told(it) == [
        ("2026-11-20", True, "周五,工作日,计 30 分钟", 30),
        ("2026-11-20", False, "挂起,计 0 分钟", 30),
        ("2026-11-20", True, "周五,工作日,计 15 分钟", 45),
        ("2026-11-21", False, "周六,休息日,计 0 分钟", 45),
        ("2026-11-22", False, "周日,休息日,计 0 分钟", 45),
        ("2026-11-23", True, "周一,工作日,计 45 分钟", 90),
    ]
    assert it.due_at == at("2026-11-23 09:15")


def test_real_minutes_count_the_night(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("real_minutes", 120), at("2026-11-20 23:00")), calendar)
    assert told(it) == [
        ("2026-11-20", True, "连续计时,周五,工作日,计 60 分钟", 60),
        ("2026-11-21", True, "连续计时,周六,休息日,计 60 分钟", 120),
    ]


def test_an_extension_of_minutes_tells_its_days_too(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_minutes", 30), at("2026-11-18 10:00")).extend(1), calendar)
    assert told(it) == [
        ("2026-11-18", True, "周三,工作日,计 30 分钟", 30),
        ("2026-11-19", True, "延期,周四,工作日", 1),
    ]


def test_days_no_notice_covers_say_so(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_days", 5), at("2026-12-24 10:00")), calendar)
    assert it.provisional
    assert it.lines[1].reason_zh.endswith("(暂按法定节假日推算)")
    assert it.lines[1].reason_en.endswith("(provisional)")


def test_an_override_explains_itself(calendar: WorkCalendar, at: At) -> None:
    layered = calendar.with_overrides([DayOverride(date(2026, 11, 19), "off", name="州庆", source="州通知")])
    line = explain(resolving(Promise("working_days", 1), at("2026-11-18 10:00")), layered).lines[1]
    assert (line.counted, line.reason_zh, line.source) == (False, "周四,州庆放假", "州通知")


def test_a_standing_clock_needs_a_moment(calendar: WorkCalendar, at: At) -> None:
    standing = resolving(Promise("working_days", 5), at("2026-11-18 10:00")).pause(at("2026-11-19 10:00"), "诉讼")
    with pytest.raises(OpenPauseNeedsAsOf):
        explain(standing, calendar)
    it = explain(standing, calendar, as_of=at("2026-11-20 10:00"))
    assert it.due_at == standing.deadline(calendar, as_of=at("2026-11-20 10:00")).due_at
    assert "挂起:2026-11-19 10:00 至 尚未恢复,诉讼。" in it.sentences()
    assert "Suspended: 2026-11-19 10:00 to now, 诉讼." in it.sentences("en")


def test_sentences_draw_days_together(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_days", 5), at("2026-09-24 10:00")), calendar, policy_version="规则一")
    assert it.sentences() == (
        "承诺:5 个工作日;2026-09-24 10:00 起。",
        "2026-09-24:不计,起算当日不计入。",
        "2026-09-25 至 2026-09-27(3 天):不计,中秋节放假。",
        "2026-09-28 至 2026-09-30(3 天):计入,工作日。",
        "2026-10-01 至 2026-10-07(7 天):不计,国庆节放假。",
        "2026-10-08 至 2026-10-09(2 天):计入,工作日。",
        "期限:2026-10-09 24:00 之前。",
        f"依据:日历 {calendar.version},规则 规则一。",
    )
    assert it.sentences("en")[2] == "2026-09-25 to 2026-09-27 (3 days): not counted, off for 中秋节."
    assert it.sentences("en")[-2] == "Due: before 2026-10-09 24:00."


def test_sentences_of_an_extended_suspended_provisional_clock(calendar: WorkCalendar, at: At) -> None:
    clock = (
        resolving(Promise("working_days", 2), at("2026-12-23 10:00"))
        .pause(at("2026-12-23 11:00"), "")
        .resume(at("2026-12-23 12:00"))
        .extend(1)
    )
    zh, en = explain(clock, calendar).sentences(), explain(clock, calendar).sentences("en")
    assert "挂起:2026-12-23 11:00 至 2026-12-23 12:00。" in zh
    assert "延期 1 个工作日。" in zh
    assert any("暂定" in sentence for sentence in zh)
    assert "Suspended: 2026-12-23 11:00 to 2026-12-23 12:00." in en
    assert "Extended by 1 working day(s)." in en
    assert any(sentence.startswith("Provisional") for sentence in en)


def test_a_part_tells_the_whole_it_ends_before(calendar: WorkCalendar, at: At) -> None:
    whole = resolving(Promise("working_days", 5), at("2026-11-16 10:00"))
    leg = replace(whole, kind=ClockKind.leg, inner_days=1, began_at=at("2026-11-18 10:00"))
    it = explain(leg, calendar)
    assert it.last_day == date(2026, 11, 20)
    assert [str(line.date) for line in it.lines][-1] == "2026-11-20"
    assert "下级单位 2026-11-18 10:00 接办,须比总期限 2026-11-23 24:00 提前 1 个工作日。" in it.summary()
    (told_in_english,) = (sentence for sentence in it.summary("en") if "lower union" in sentence)
    assert "2026-11-18 10:00" in told_in_english
    assert "1 working day(s) before the whole, 2026-11-23 24:00" in told_in_english
    assert explain(whole, calendar).whole is None


def test_a_summary_is_the_sentences_without_the_days(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_days", 5), at("2026-09-24 10:00")), calendar)
    for sentences, summary in ((it.sentences(), it.summary()), (it.sentences("en"), it.summary("en"))):
        days = [sentence for sentence in sentences if sentence not in summary]
        assert [sentence for sentence in sentences if sentence not in days] == list(summary)
        assert all(sentence.startswith(("2026-09", "2026-10")) for sentence in days)
        assert len(days) == 5


def test_a_deadline_within_a_day_is_told_to_the_second(calendar: WorkCalendar, at: At) -> None:
    it = explain(resolving(Promise("working_minutes", 30), at("2026-11-18 10:00:05")), calendar)
    assert "期限:2026-11-18 10:30:05 之前。" in it.sentences()


def test_the_document_is_json(calendar: WorkCalendar, at: At) -> None:
    clock = resolving(Promise("same_day", 1, cutoff=time(17)), at("2026-11-18 10:00"))
    clock = clock.pause(at("2026-11-18 10:10"), "材料").stop(at("2026-11-18 11:00"))
    document = json.loads(json.dumps(explain(clock, calendar).to_document(), ensure_ascii=False))
    assert document["kind"] == "resolve"
    assert document["promise"]["cutoff"] == "17:00:00"
    assert (document["promise"]["start"], document["promise"]["end"]) == ("same_day", "end_of_day")
    assert document["due_at"] == "2026-11-18T16:00:00+00:00"
    assert document["stopped_at"] == "2026-11-18T03:00:00+00:00"
    assert document["pauses"][0]["reason"] == "材料"
    assert document["lines"][0]["running_count"] == 1
