"""Beside the intake form: assistance while typing, and one's own drafts."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.intake import AssistAsk, AssistOut, DraftList, DraftOut, DraftSave
from service.identity.permissions import Permission
from service.tickets.assist import AskAssist, assist
from service.tickets.drafts import SaveDraft, discard_draft, draft_of_mine, drafts_of_mine, save_draft

router = room("intake")

ASSIST_EXAMPLES = {
    "typing": {
        "summary": "边填边查 / While typing",
        "value": {
            "phone": "138 9700 1234",
            "employer": "某建筑有限公司",
            "category_code": "0101",
            "place_code": "632801",
            "text": "工地拖欠二十五名农民工工资",
            "kind": "complaint",
        },
    }
}
DRAFT_EXAMPLES = {
    "half": {
        "summary": "填了一半 / Half filled in",
        "value": {"fields": {"phone": ["13897001234"], "body": ["在工地干了三个月"], "other_channels": ["court"]}},
    }
}

Key = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{32}$", description="草稿编号 / Key", examples=["3f2a9c5e8b7d4a61b0c2d4e6f8091a2b"]),
]


@router.post(
    "/intake/assist",
    name="intake_assist",
    summary=both("登记提示", "Assistance while typing"),
    response_model=AssistOut,
    responses=refusals(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=needs(Permission.ticket_create),
)
def assistance(work: Working, body: Annotated[AssistAsk, Body(openapi_examples=ASSIST_EXAMPLES)]) -> Response:
    """该号码此前的工单、疑似重复(附理由和分值)、分级和承办工会建议、还须询问的项目。只读,不留来电人。用 POST,号码不进入
    访问日志。

    The caller's earlier tickets, possible duplicates with reasons and score, suggested tier and union with reasons,
    and what is still to be asked. Nothing is written down. A POST, so that no phone ends in an access log.
    """
    asked = {name: value for name, value in dict(body).items() if value is not None}
    with work.reading(Permission.ticket_create) as unit:
        return answer(AssistOut.of(assist(unit, AskAssist(**asked))))


@router.get(
    "/drafts",
    name="draft_list",
    summary=both("我的草稿", "My drafts"),
    response_model=DraftList,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(Permission.ticket_create),
)
def listing(work: Working) -> Response:
    """只有本人能看到自己的草稿。/ Nobody sees another's drafts."""
    with work.reading(Permission.ticket_create) as unit:
        return answer(DraftList(items=[DraftOut.of(draft) for draft in drafts_of_mine(unit)]))


@router.get(
    "/drafts/{key}",
    name="draft_get",
    summary=both("一份草稿", "One draft"),
    response_model=DraftOut,
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.ticket_create),
)
def one(work: Working, key: Key) -> Response:
    """内容原样返回。/ As it was typed."""
    with work.reading(Permission.ticket_create) as unit:
        return answer(DraftOut.of(draft_of_mine(unit, key)))


@router.put(
    "/drafts/{key}",
    status_code=204,
    name="draft_save",
    summary=both("保存草稿", "Keep a draft"),
    responses=refusals(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=needs(Permission.ticket_create),
)
def save(work: Working, key: Key, body: Annotated[DraftSave, Body(openapi_examples=DRAFT_EXAMPLES)]) -> Response:
    """整份保存,覆盖此前内容;编号由填表方随机生成。加密存放,14 天未登记即删除。

    Keeps the whole form over what was kept before, under seal; after 14 days it is gone. The key is the form's own:
    send it as `draft` when registering.
    """
    with work.writing() as unit:
        save_draft(unit, SaveDraft(key=key, fields=body.fields))
    return Response(status_code=204)


@router.delete(
    "/drafts/{key}",
    status_code=204,
    name="draft_discard",
    summary=both("删除草稿", "Throw a draft away"),
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.ticket_create),
)
def discard(work: Working, key: Key) -> Response:
    """已不存在的草稿也答 204。/ One that is gone already is gone."""
    with work.writing() as unit:
        discard_draft(unit, key)
    return Response(status_code=204)
