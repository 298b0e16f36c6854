"""The dispatch catalogue: which union a matter of a category at a place goes to."""

from typing import Annotated

from fastapi import Body, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.catalogue import CatalogueIn, CatalogueOut
from service.identity.permissions import Permission
from service.tickets.catalogue import PublishCatalogue, publish_catalogue, published_catalogue

router = room("rules", "/dispatch-catalogue")

EXAMPLES = {
    "small": {
        "summary": "欠薪由属地办理,工会自身事项由市州办理 / Two rules",
        "value": {
            "text": "category,place,org\n0101,632801,632801\n01,海西蒙古族藏族自治州,632800\n*,630100,630100\n",
            "reason": "2026 年派单目录",
        },
    }
}


@router.get(
    "",
    name="catalogue_get",
    summary=both("现行派单目录", "The catalogue in force"),
    response_model=CatalogueOut,
    responses=refusals(401, 403, 404, 503),
    openapi_extra=needs(Permission.policy_manage),
)
def in_force(work: Working) -> Response:
    """版本、理由和全部条目;空表示任意。/ Its version, why it was published, and all rows; '' is any."""
    with work.reading(Permission.policy_manage) as unit:
        return answer(CatalogueOut.of(published_catalogue(unit)))


@router.post(
    "",
    status_code=201,
    name="catalogue_publish",
    summary=both("发布派单目录", "Publish a catalogue"),
    response_model=CatalogueOut,
    responses=refusals(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=needs(Permission.policy_manage),
)
def publish(work: Working, body: Annotated[CatalogueIn, Body(openapi_examples=EXAMPLES)]) -> Response:
    """整份替换,逐行校验;此后的派单建议以此为准,已派工单不变。

    Replaces the whole; every faulty line is named. Suggestions follow it from now on; nothing dispatched is touched.
    """
    with work.writing() as unit:
        published = publish_catalogue(unit, PublishCatalogue(text=body.text, reason=body.reason))
    return answer(CatalogueOut.of(published), status=201)
