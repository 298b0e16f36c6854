"""Files on a ticket."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from service.tickets.attachments import AttachmentView


class AttachmentOut(BaseModel):
    """A file. `hidden`: the worker asked for confidentiality and it may show who they are, so its name is not told
    and fetching it takes a reason."""

    id: int
    name: str
    size: int = Field(description="字节 / bytes")
    media_type: str = Field(description="由内容判定 / told by the content")
    by_worker: bool
    uploaded_by: str | None = Field(description="上传人用户名 / user name")
    at: datetime
    note: str
    hidden: bool
    held_back: bool = Field(
        description="尚未查毒或含恶意程序,不能下载 / not cleared by the antivirus: not to be fetched"
    )

    @classmethod
    def of(cls, view: AttachmentView) -> Self:
        return cls(
            id=view.id,
            name=view.name,
            size=view.size,
            media_type=view.media_type,
            by_worker=view.by_worker,
            uploaded_by=view.uploaded_by,
            at=view.at,
            note=view.note,
            hidden=view.hidden,
            held_back=view.held_back,
        )


class Attachments(BaseModel):
    """The files of a ticket, oldest first."""

    items: list[AttachmentOut]

    @classmethod
    def of(cls, views: Iterable[AttachmentView]) -> Self:
        return cls(items=[AttachmentOut.of(view) for view in views])
