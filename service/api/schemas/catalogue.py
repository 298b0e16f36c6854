"""The dispatch catalogue over the API."""

from datetime import datetime
from typing import Self

from pydantic import Field

from service.api.schemas.rules import ChangeReason, FileText
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.tickets.catalogue import PublishedCatalogue


class CatalogueIn(RequestBody):
    """一份完整的派单目录 / A whole catalogue"""

    text: FileText = Field(description="CSV:category,place,org;`*` 表示任意 / CSV; `*` is any")
    reason: ChangeReason = Field(description="发布理由 / Why")


class CatalogueEntryOut(ResponseBody):
    """A row; '' is any."""

    category: str
    place: str
    org: str


class CatalogueOut(ResponseBody):
    """What is in force, since when and why."""

    version: str
    reason: str
    published_at: datetime
    entries: list[CatalogueEntryOut]

    @classmethod
    def of(cls, found: PublishedCatalogue) -> Self:
        return cls(
            version=found.version,
            reason=found.reason,
            published_at=found.published_at,
            entries=[CatalogueEntryOut(category=e.category, place=e.place, org=e.org) for e in found.entries],
        )
