"""Keys of peer systems over the API."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from service.api.schemas.fields import FILLED, Code, Instant
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.identity.peers import LONGEST_OVERLAP, MOST_NETWORKS, MOST_PER_MINUTE, PeerKey, PeerView

PeerScope = Literal[
    "ticket:read", "ticket:create", "ticket:accept", "ticket:note", "ticket:urge", "ticket:withdraw", "ticket:export",
    "employer:read", "knowledge:read", "report:read",
]  # fmt: skip
PeerName = Annotated[str, StringConstraints(min_length=2, max_length=41), *FILLED]
Network = Annotated[str, StringConstraints(min_length=3, max_length=50), *FILLED]


class PeerAdd(RequestBody):
    """对接系统的密钥 / A key for a peer system"""

    name: PeerName = Field(description="小写字母、数字或 . _ - / lower-case letters, digits or . _ -")
    org_code: Code = Field(description="所属工会,决定可见范围 / The union whose subtree it sees")
    scopes: Annotated[list[PeerScope], Field(min_length=1, max_length=20)] = Field(
        description="可用权限 / What it may do"
    )
    networks: Annotated[list[Network], Field(min_length=1, max_length=MOST_NETWORKS)] = Field(
        description="来源网段(CIDR)/ Networks it comes from, as 10.8.0.0/24"
    )
    expires_at: Instant = Field(description="失效时间,最长一年 / Its end, within a year")
    per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)] = Field(
        120, description="每分钟最多请求次数 / Requests a minute"
    )


class PeerRotate(RequestBody):
    """更换密钥 / A new secret"""

    overlap_hours: Annotated[int, Field(ge=0, le=int(LONGEST_OVERLAP.total_seconds()) // 3600)] = Field(
        24, description="旧密钥继续有效的小时数 / Hours the old secret is taken for"
    )


class PeerSecretOut(ResponseBody):
    """密钥只显示这一次 / The secret, shown this once."""

    id: int
    name: str
    secret: str

    @classmethod
    def of(cls, key: PeerKey) -> Self:
        return cls(id=key.id, name=key.name, secret=key.secret)


class PeerOut(ResponseBody):
    """A key, never its secret. `old_secret_until`: the secret before the last rotation is taken till then."""

    id: int
    name: str
    org_code: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    per_minute: int
    expires_at: datetime
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    old_secret_until: datetime | None

    @classmethod
    def of(cls, view: PeerView) -> Self:
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class PeerList(ResponseBody):
    """By name, the revoked ones too."""

    items: list[PeerOut]
