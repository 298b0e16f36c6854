"""The OpenAPI document: what every address needs, may answer and refuse, with examples that work as they stand."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.errors import MEDIA_TYPE
from service.api.sentences import FAMILIES
from service.core.clock import Clock, local
from service.identity.permissions import Permission

TITLE = "12351 职工服务热线 / Union hotline ticketing"
DESCRIPTION = """
职工服务热线工单系统接口。先以 `POST /api/v1/auth/token` 登录,随后以 `Authorization: Bearer …` 调用。

The API of the hotline's ticketing. Log in with `POST /api/v1/auth/token`, then send `Authorization: Bearer …`.

* 错误一律为 RFC 9457 `application/problem+json`,含中英文说明、稳定的 `code` 与 `correlation_id`;
  语言按 `Accept-Language`,默认中文。
  / Every refusal is a problem document in both languages with a stable `code`.
* 对接系统以密钥签名,见 docs/peers.md。/ Peer systems sign their requests instead: docs/peers.md.
* 并发:操作可带 `version`(读到的 `row_version`),已被他人更新则 409。/ A step may carry `version`; a stale one gets 409.
* 列表按游标翻页:把 `next_cursor` 作为 `cursor` 传回。/ Lists are continued by sending `next_cursor` back as `cursor`.
* 时间为 UTC(RFC 3339),期限不含该时刻。/ Instants are UTC; a deadline is exclusive.
"""

TAGS = [
    {"name": "auth", "description": "登录 / Logging in"},
    {"name": "people", "description": "人员管理 / Keeping the people"},
    {"name": "tickets", "description": "工单 / Tickets"},
    {"name": "steps", "description": "工单操作 / Steps of a ticket's life"},
    {"name": "groups", "description": "同一事项的多件工单 / Several tickets of one matter"},
    {"name": "intake", "description": "登记提示与草稿 / Assistance while typing, and drafts"},
    {"name": "employers", "description": "用人单位名录 / The employer register"},
    {"name": "queues", "description": "待办队列 / Queues by deadline"},
    {"name": "reports", "description": "报表 / Reports"},
    {"name": "rules", "description": "工作日历与时限规则 / Calendar and policy"},
    {"name": "knowledge", "description": "知识库 / The knowledge base"},
    {"name": "notice channels", "description": "通知渠道 / Ways out for notices"},
    {"name": "absences", "description": "请假代理、值班与回避 / Absences, deputies, duty and recusals"},
    {"name": "peers", "description": "对接系统的密钥 / Keys of peer systems"},
    {"name": "audit", "description": "审计与查看记录 / The audit and who looked"},
    {"name": "retention", "description": "保存期限与冻结 / Retention and holds"},
    {"name": "worker", "description": "职工自助 / The worker's own way"},
    {"name": "gateways", "description": "短信网关的回执 / What gateways report"},
    {"name": "inbox", "description": "个人消息 / One's own notices"},
    {"name": "health", "description": "运行状态 / Health"},
]

_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details in Chinese and English.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "detail_zh", "detail_en", "code", "instance", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:hotline:problem:ticket_not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "按 Accept-Language / In the language asked for"},
        "detail_zh": {"type": "string"},
        "detail_en": {"type": "string"},
        "code": {"type": "string", "examples": ["ticket_not_found"]},
        "instance": {"type": "string", "format": "uri"},
        "correlation_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "422:逐项说明 / What is wrong with each field",
            "items": {
                "type": "object",
                "required": ["detail", "detail_zh", "detail_en", "code", "in"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "query", "path", "header"]},
                    "pointer": {"type": "string", "description": "JSON pointer into the body"},
                    "parameter": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "detail_zh": {"type": "string"},
                    "detail_en": {"type": "string"},
                },
            },
        },
    },
}

_REFUSAL_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "秒 / seconds"}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "秒 / seconds"}},
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that an operation may answer with."""
    return {
        status: {
            "description": f"{FAMILIES[status].zh} / {FAMILIES[status].en}",
            "headers": _REFUSAL_HEADERS.get(status, {}),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


READ_REFUSALS = refusals(401, 403, 404, 422, 503)
STEP_REFUSALS = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)


def needs(*permissions: Permission) -> dict[str, Any]:
    """Declares the right an operation needs (any of them), for readers and for the test that walks all operations."""
    return {"x-permission": [permission.value for permission in permissions]}


def both(zh: str, en: str) -> str:
    """A summary in both languages."""
    return f"{zh} / {en}"


# Stand in examples for an instant that has to lie near the reader's present.
YESTERDAY = "<yesterday>"
IN_A_WEEK = "<in a week>"
DAY_IN_A_WEEK = "<the day in a week>"


def describe(app: FastAPI, clock: Clock) -> None:
    """Let `app` publish this document, made once and dated anew each day, so that its examples stay valid."""
    undated: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not undated:
            undated.update(_made(app))
        today = local(clock.now()).replace(hour=10, minute=0, second=0, microsecond=0)
        if app.openapi_schema is None or app.openapi_schema["info"]["x-examples-of"] != f"{today:%Y-%m-%d}":
            dates = {YESTERDAY: today - timedelta(days=1), IN_A_WEEK: today + timedelta(days=7)}
            written = {name: instant.isoformat() for name, instant in dates.items()}
            app.openapi_schema = _dated(undated, written | {DAY_IN_A_WEEK: f"{dates[IN_A_WEEK]:%Y-%m-%d}"})
            app.openapi_schema["info"]["x-examples-of"] = f"{today:%Y-%m-%d}"
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _made(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    # FastAPI's own form of a 422, which no operation here answers with.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for operation in (each for methods in made["paths"].values() for each in methods.values()):
        if "security" in operation:
            # Whoever says who they are may come too often, at any address.
            operation["responses"] |= {"429": refusals(429)[429]}
    return made


def _dated(value: Any, instants: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _dated(item, instants) for name, item in value.items()}
    if isinstance(value, list):
        return [_dated(item, instants) for item in value]
    return instants.get(value, value) if isinstance(value, str) else value
