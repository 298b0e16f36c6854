"""By which ways notices leave the house: mail, SMS, the robots of unions' groups."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.channels import AttemptOut, ChannelAdd, ChannelAdded, ChannelList, ChannelOut
from service.identity.permissions import Permission
from service.notifications.channels import (
    AddChannel,
    ChannelKind,
    add_channel,
    channel_test,
    channels,
    pause_channel,
    remove_channel,
    resume_channel,
    try_channel,
)

router = room("notice channels")

ChannelId = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
_NEEDS = needs(Permission.channel_manage)
_ON_ONE = refusals(401, 403, 404, 422, 503)
ADD_EXAMPLES = {
    "robot": {
        "summary": "企业微信群机器人 / A group's robot",
        "value": {
            "kind": "wecom",
            "address": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d-example",
            "org_code": "632801",
        },
    },
    "mail": {
        "summary": "个人邮箱,只发紧急消息 / Somebody's mail, urgent notices only",
        "value": {"kind": "mail", "address": "example@example.cn", "username": "supervisor1", "urgent_only": True},
    },
}


@router.get(
    "/notice-channels",
    name="channel_list",
    summary=both("通知渠道", "Ways out for notices"),
    response_model=ChannelList,
    responses=refusals(401, 403, 503),
    openapi_extra=_NEEDS,
)
def listing(work: Working) -> Response:
    """本单位及下级的通知渠道;地址只显示末尾。

    Of one's union and those below it; of an address only the end is shown.
    """
    with work.reading(Permission.channel_manage) as unit:
        return answer(ChannelList(items=[ChannelOut.of(view) for view in channels(unit)]))


@router.post(
    "/notice-channels",
    status_code=201,
    name="channel_add",
    summary=both("新增通知渠道", "Add a way out"),
    response_model=ChannelAdded,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=_NEEDS,
)
def add(work: Working, body: Annotated[ChannelAdd, Body(openapi_examples=ADD_EXAMPLES)]) -> Response:
    """此后发给该人员(或该工会任何人员)的消息同时从这里发出:只有工单号、消息原文和链接,不含来电人信息。

    From then on what the person is told, or anybody of the union, goes out this way as well: the ticket's number, the
    notice's words and a link, nothing of the caller. A group reads each occasion once.
    """
    with work.writing(Permission.channel_manage) as unit:
        channel_id = add_channel(
            unit,
            AddChannel(
                kind=ChannelKind(body.kind),
                address=body.address,
                username=body.username or "",
                org_code=body.org_code or "",
                urgent_only=body.urgent_only,
            ),
        )
    return answer(ChannelAdded(id=channel_id), status=201)


@router.post(
    "/notice-channels/{channel_id}/remove",
    status_code=204,
    name="channel_remove",
    summary=both("删除通知渠道", "Remove a way out"),
    responses=_ON_ONE,
    openapi_extra=_NEEDS,
)
def remove(work: Working, channel_id: ChannelId) -> Response:
    """连同地址一并删除;尚未发出的不再发送。/ With its address; what still waits for it is dropped."""
    with work.writing(Permission.channel_manage) as unit:
        remove_channel(unit, channel_id)
    return Response(status_code=204)


@router.post(
    "/notice-channels/{channel_id}/pause",
    status_code=204,
    name="channel_pause",
    summary=both("暂停通知渠道", "Pause a way out"),
    responses=_ON_ONE,
    openapi_extra=_NEEDS,
)
def pause(work: Working, channel_id: ChannelId) -> Response:
    """重复暂停不改变记录。/ A repeat changes nothing."""
    with work.writing(Permission.channel_manage) as unit:
        pause_channel(unit, channel_id)
    return Response(status_code=204)


@router.post(
    "/notice-channels/{channel_id}/resume",
    status_code=204,
    name="channel_resume",
    summary=both("恢复通知渠道", "Resume a way out"),
    responses=_ON_ONE,
    openapi_extra=_NEEDS,
)
def resume(work: Working, channel_id: ChannelId) -> Response:
    """对此后的消息生效。/ For what comes from now on."""
    with work.writing(Permission.channel_manage) as unit:
        resume_channel(unit, channel_id)
    return Response(status_code=204)


@router.post(
    "/notice-channels/{channel_id}/test",
    status_code=202,
    response_class=Response,
    name="channel_test",
    summary=both("试发", "Send a test"),
    responses=_ON_ONE,
    openapi_extra=_NEEDS,
)
def send_test(work: Working, channel_id: ChannelId) -> Response:
    """从正式消息所走的途径发一条测试消息;结果另行查询(GET)。

    Asks for a message by the way that every other goes; a GET of this address says what became of it.
    """
    with work.writing(Permission.channel_manage) as unit:
        try_channel(unit, channel_id)
    return Response(status_code=202)


@router.get(
    "/notice-channels/{channel_id}/test",
    name="channel_test_result",
    summary=both("试发结果", "What became of the test"),
    response_model=AttemptOut,
    responses=_ON_ONE,
    openapi_extra=_NEEDS,
)
def test_result(work: Working, channel_id: ChannelId) -> Response:
    """最近一次试发的结果。没有设置网关、只写进日志的,为 `logged`,不算送达。

    Of the last test. Where no gateway is set up it is `logged` and not `delivered`: it reached nobody.
    """
    with work.reading(Permission.channel_manage) as unit:
        return answer(AttemptOut.of(channel_test(unit, channel_id)))
