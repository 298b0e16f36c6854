"""Keyset paging: a page is continued after the last row seen, so rows that arrive meanwhile shift nothing."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from service.core.errors import Malformed


class CursorUnreadable(Malformed):
    """A cursor that this service did not hand out."""

    zh = "翻页标记无效,请从第一页重新开始。"
    en = "The page cursor is not valid; start again from the first page."


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after which the next page begins: an instant and a row id."""

    at: datetime
    id: int

    def before(self, at: InstrumentedAttribute[datetime], id_: InstrumentedAttribute[int]) -> ColumnElement[bool]:
        """The rows that come after it where they stand in rising order of these two."""
        return tuple_(at, id_) > tuple_(literal(self.at), literal(self.id))

    def encode(self) -> str:
        """Opaque text for the URL."""
        text = json.dumps([self.at.astimezone(UTC).isoformat(), self.id])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read back what `encode` wrote. Raises CursorUnreadable."""
        try:
            at, row = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            instant = datetime.fromisoformat(at)
            if instant.tzinfo is None or type(row) is not int or not 0 <= row < 2**63:
                raise CursorUnreadable
        except (ValueError, TypeError, RecursionError, binascii.Error):
            raise CursorUnreadable from None
        return cls(at=instant, id=row)
