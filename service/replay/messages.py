"""The messages to replay: a CSV with id, user, title, received_at, body, reply, replied_at (local time)."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.core.clock import LOCAL
from service.core.errors import Malformed


class MessagesUnreadable(Malformed):
    """The file is not such a CSV; the line is named."""

    zh = "无法读取第 {line} 行:{why}"
    en = "Line {line} can't be read: {why}"


COLUMNS = ("id", "user", "title", "received_at", "body", "reply", "replied_at")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; instants aware. `reply` and `replied_at` are there together or not at all."""

    id: str
    user: str
    title: str
    body: str
    received_at: datetime
    reply: str | None
    replied_at: datetime | None


def read_messages(path: Path) -> list[Message]:
    """All messages in order of receipt. Raises MessagesUnreadable with the line and the reason."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise MessagesUnreadable(line=1, why="missing columns: " + ", ".join(missing))
        messages = []
        for row in reader:
            try:
                messages.append(_message(row))
            except ValueError as error:
                raise MessagesUnreadable(line=reader.line_num, why=str(error)) from None
    if len({message.id for message in messages}) != len(messages):
        raise MessagesUnreadable(line=reader.line_num, why="an id appears twice")
    return sorted(messages, key=lambda message: (message.received_at, message.id))


def _message(row: dict[str, str]) -> Message:
    replied_at = _local(row["replied_at"]) if row["replied_at"].strip() else None
    received_at = _local(row["received_at"])
    if replied_at is not None and replied_at <= received_at:
        raise ValueError("replied before it was received")
    return Message(
        id=row["id"],
        user=row["user"],
        title=row["title"].strip(),
        body=row["body"].strip(),
        received_at=received_at,
        reply=row["reply"].strip() or None if replied_at else None,
        replied_at=replied_at,
    )


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)
