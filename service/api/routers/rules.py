"""The administrators' rules room: what is in force, and a new calendar or policy checked, previewed, published."""

from typing import Annotated

from fastapi import Body, Path, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import PageCursor, PageLimit
from service.api.schemas.rules import (
    ArrangementOut,
    CalendarYearOut,
    ChangeOut,
    ChangesOut,
    MovesOut,
    PolicyOut,
    PreviewOut,
    ReadingOut,
    RuleChangeIn,
    RuleFileIn,
    RulesOut,
)
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.rule_changes import (
    ChangeRules,
    arrangement_text,
    calendar_year,
    change_rules,
    policy_in_force,
    preview_file,
    read_for_review,
    recorded_moves,
    rule_change,
    rule_changes,
    rules_in_force,
)

router = room("rules", "/rules")

_NEEDED = needs(Permission.policy_manage)
_FILE_REFUSALS = refusals(400, 401, 403, 409, 413, 415, 422, 503)
_CHANGE_ID = Annotated[int, Path(ge=1, lt=2**31, description="变更编号 / Number of the change", examples=[1])]

_NOTICE = {
    "name": "放假通知.txt",
    "text": (
        "国务院办公厅关于2027年部分节假日安排的通知\n"
        "国办发明电〔2026〕9号\n"
        "各省、自治区、直辖市人民政府,国务院各部委、各直属机构:\n"
        "经国务院批准,现将2027年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。\n"
        "一、元旦:1月1日(周五)至3日(周日)放假,共3天。\n"
        "二、春节:2月5日(周五)至11日(周四)放假调休,共7天。1月31日(周日)、2月20日(周六)上班。\n"
        "三、清明节:4月3日(周六)至5日(周一)放假,共3天。\n"
        "四、劳动节:5月1日(周六)至5日(周三)放假调休,共5天。5月8日(周六)上班。\n"
        "五、端午节:6月9日(周三)放假1天。\n"
        "六、中秋节:9月15日(周三)放假1天。\n"
        "七、国庆节:10月1日(周五)至7日(周四)放假调休,共7天。9月26日(周日)、10月9日(周六)上班。\n"
        "国务院办公厅\n2026年11月25日\n"
    ),
    "source": "https://example.invalid/2027",
}
FILE_EXAMPLES = {
    "notice": {"summary": "放假通知(示例,非真实安排) / A notice (made up)", "value": _NOTICE},
    "arrangement": {
        "summary": "本地安排 / A local arrangement",
        "value": {
            "name": "本地安排.toml",
            "text": 'hours = ["08:30-12:00", "14:30-18:00"]\nrest_weekdays = ["周六", "周日"]\n\n'
            '[[override]]\ndate = 2026-12-18\nkind = "off"\nname = "停电检修"\n',
        },
    },
}
CHANGE_EXAMPLES = {
    "notice": {
        "summary": "发布放假通知(示例,非真实安排) / Publish a notice (made up)",
        "value": {**_NOTICE, "reason": "国务院办公厅已发布 2027 年放假通知"},
    }
}


@router.get(
    "",
    name="rules_in_force",
    summary=both("现行规则", "The rules in force"),
    response_model=RulesOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def in_force(work: Working) -> Response:
    """现行日历与时限规则的版本、覆盖范围、缺年告警、暂定时限数、各项承诺,以及未完成的重新计算。

    Versions, how far the calendar reaches, the alarm while a year is missing, how many clocks are provisional, the
    promises in words, and the recount that is under way.
    """
    with work.reading(Permission.policy_manage) as unit:
        return answer(RulesOut.of(rules_in_force(unit)))


@router.get(
    "/calendar",
    name="rules_calendar",
    summary=both("一年的日历", "A year of the calendar"),
    response_model=CalendarYearOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def calendar(
    work: Working,
    year: Annotated[int | None, Query(ge=1, le=9999, description="年份,默认今年 / The present one if left out")] = None,
) -> Response:
    """放假日与调休上班日,及其通知;全年工作日数。/ Days off and days worked in exchange, by which notice."""
    with work.reading(Permission.policy_manage) as unit:
        return answer(CalendarYearOut.of(calendar_year(unit, year)))


@router.get(
    "/arrangement",
    name="rules_arrangement",
    summary=both("本地安排", "The local arrangement"),
    response_model=ArrangementOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def arrangement(work: Working) -> Response:
    """办公时间、例外日和地区层,TOML 文本,可修改后作为 text 传回。

    Office hours, exceptions and regional days as TOML, to be edited and sent back as `text`.
    """
    with work.reading(Permission.policy_manage) as unit:
        return answer(ArrangementOut(toml=arrangement_text(unit)))


@router.get(
    "/policy",
    name="rules_policy",
    summary=both("时限规则", "The policy"),
    response_model=PolicyOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def policy(work: Working) -> Response:
    """承诺、升级阶梯和各项限额,附依据。/ Promises, ladders and limits, each with its source."""
    with work.reading(Permission.policy_manage) as unit:
        now = policy_in_force(unit)
        return answer(PolicyOut(version=now.version, policy=now.to_document()))


@router.post(
    "/reading",
    name="rules_reading",
    summary=both("核对文件", "Check a file"),
    response_model=ReadingOut,
    responses=_FILE_REFUSALS,
    openapi_extra=_NEEDED,
)
def reading(work: Working, body: Annotated[RuleFileIn, Body(openapi_examples=FILE_EXAMPLES)]) -> Response:
    """从通知、ics、csv 或 toml 读懂的日期,以及存疑之处的原句;不写入任何内容。

    What was understood of it, and the sentences in doubt. Writes nothing.
    """
    with work.reading(Permission.policy_manage) as unit:
        return answer(ReadingOut.of(read_for_review(unit, body.file())))


@router.post(
    "/preview",
    name="rules_preview",
    summary=both("预览影响", "Preview what a file would do"),
    response_model=PreviewOut,
    responses=_FILE_REFUSALS,
    openapi_extra=_NEEDED,
)
def previewing(work: Working, body: Annotated[RuleFileIn, Body(openapi_examples=FILE_EXAMPLES)]) -> Response:
    """对未办结时限的影响:多少变动、变为逾期、不再逾期、最大变动,以及影响最大的 200 项;不写入任何内容。

    What it would do to the open clocks, in figures and with the two hundred gravest moves. Writes nothing.
    """
    with work.reading(Permission.policy_manage) as unit:
        return answer(PreviewOut.of(preview_file(unit, body.file()), org_tree(unit.session)))


@router.post(
    "/changes",
    status_code=201,
    name="rules_publish",
    summary=both("发布规则", "Put a file in force"),
    response_model=ChangeOut,
    responses={
        201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "变更地址 / Where the change is"}}},
        **_FILE_REFUSALS,
    },
    openapi_extra=_NEEDED,
)
def publishing(work: Working, body: Annotated[RuleChangeIn, Body(openapi_examples=CHANGE_EXAMPLES)]) -> Response:
    """即日起按新规则计时;未办结的时限随后逐批重新计算,进度见变更地址。须写明理由。

    Clocks begin under the new rules from now on; the open ones are recounted in the background, batch by batch.
    """
    with work.writing() as unit:
        change = change_rules(unit, ChangeRules(file=body.file(), reason=body.reason, expected=body.expected))
        document = ChangeOut.of(rule_change(unit, change.id))
    return answer(document, status=201, headers={"Location": f"/api/v1/rules/changes/{document.id}"})


@router.get(
    "/changes",
    name="rule_changes",
    summary=both("历次变更", "All changes"),
    response_model=ChangesOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def changes(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """最近的在前。/ Newest first."""
    with work.reading(Permission.policy_manage) as unit:
        return answer(ChangesOut.of(rule_changes(unit, limit=limit, cursor=cursor)))


@router.get(
    "/changes/{change_id}",
    name="rule_change",
    summary=both("一次变更", "One change"),
    response_model=ChangeOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def change(work: Working, change_id: _CHANGE_ID) -> Response:
    """重新计算的进度和结果。/ How far the recount is, and what it did."""
    with work.reading(Permission.policy_manage) as unit:
        return answer(ChangeOut.of(rule_change(unit, change_id)))


@router.get(
    "/changes/{change_id}/moves",
    name="rule_change_moves",
    summary=both("期限的变动", "Deadlines that a change moved"),
    response_model=MovesOut,
    responses=READ_REFUSALS,
    openapi_extra=_NEEDED,
)
def moves(work: Working, change_id: _CHANGE_ID, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """每个变动的时限的原期限与新期限。/ Before and after of each clock that moved or became certain."""
    with work.reading(Permission.policy_manage) as unit:
        page = recorded_moves(unit, change_id, limit=limit, cursor=cursor)
        return answer(MovesOut.of(page, org_tree(unit.session)))
