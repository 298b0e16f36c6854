"""Keys of peer systems: 全总, 12345, CTI, the SMS gateway. How they sign is in docs/peers.md."""

from datetime import timedelta
from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import IN_A_WEEK, both, needs, refusals
from service.api.routers import room
from service.api.schemas.peers import PeerAdd, PeerList, PeerOut, PeerRotate, PeerSecretOut
from service.identity.peers import AddPeer, peers, revoke_peer
from service.identity.permissions import Permission
from service.notifications.account_notices import add_peer_and_tell, rotate_peer_and_tell

router = room("peers", "/peers")

PeerId = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
_NEEDS = needs(Permission.peer_manage)
ADD_EXAMPLES = {
    "transfer": {
        "summary": "12345 平台转办 / 12345 hands matters over",
        "value": {
            "name": "xining-12345",
            "org_code": "630000",
            "scopes": ["ticket:create", "ticket:read"],
            "networks": ["10.8.0.0/24"],
            "expires_at": IN_A_WEEK,
            "per_minute": 120,
        },
    }
}
ROTATE_EXAMPLES = {"a day": {"summary": "旧密钥再用一天 / The old one for a day", "value": {"overlap_hours": 24}}}


@router.get(
    "",
    name="peer_list",
    summary=both("对接密钥", "Keys of peer systems"),
    response_model=PeerList,
    responses=refusals(401, 403, 503),
    openapi_extra=_NEEDS,
)
def listing(work: Working) -> Response:
    """名称、权限、来源网段、有效期和最近使用;不含密钥。

    What each may do, from where and until when, and when it was last used; never a secret.
    """
    with work.reading(Permission.peer_manage) as unit:
        return answer(PeerList(items=[PeerOut.of(view) for view in peers(unit)]))


@router.post(
    "",
    status_code=201,
    name="peer_add",
    summary=both("新建对接密钥", "Add a key"),
    response_model=PeerSecretOut,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=_NEEDS,
)
def add(work: Working, body: Annotated[PeerAdd, Body(openapi_examples=ADD_EXAMPLES)]) -> Response:
    """返回的 `secret` 只显示这一次,请交对方妥善保存。/ The `secret` is shown this once."""
    with work.writing(Permission.peer_manage) as unit:
        made = add_peer_and_tell(unit, AddPeer(**dict(body)))
    return answer(PeerSecretOut.of(made), status=201)


@router.post(
    "/{peer_id}/rotate",
    status_code=201,
    name="peer_rotate",
    summary=both("更换密钥", "Rotate a secret"),
    response_model=PeerSecretOut,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=_NEEDS,
)
def rotate(
    work: Working, peer_id: PeerId, body: Annotated[PeerRotate, Body(openapi_examples=ROTATE_EXAMPLES)]
) -> Response:
    """新旧密钥在并用期内都有效,更早的立即失效。

    The new and the present secret are both taken while they overlap; any older one ends now.
    """
    with work.writing(Permission.peer_manage) as unit:
        made = rotate_peer_and_tell(unit, peer_id, overlap=timedelta(hours=body.overlap_hours))
    return answer(PeerSecretOut.of(made), status=201)


@router.post(
    "/{peer_id}/revoke",
    status_code=204,
    name="peer_revoke",
    summary=both("撤销对接密钥", "Revoke a key"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=_NEEDS,
)
def revoke(work: Working, peer_id: PeerId) -> Response:
    """立即失效,不可恢复;重复撤销不改变记录。/ At once and for good; a repeat changes nothing."""
    with work.writing(Permission.peer_manage) as unit:
        revoke_peer(unit, peer_id)
    return Response(status_code=204)
