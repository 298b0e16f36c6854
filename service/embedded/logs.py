"""Log files: one generation put aside when large, and what was written to one since a start."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

_LOG_LIMIT_BYTES = 5 * 1024 * 1024


def open_log(file: Path) -> BinaryIO:
    """Open a log for appending, unbuffered; what is over 5 MiB first moves to `<name>.1`, replacing that."""
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > _LOG_LIMIT_BYTES:
            file.replace(file.with_name(file.name + ".1"))
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0)


class LogTail:
    """What is written to a log from now on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._start = file.stat().st_size

    def text(self) -> str:
        with self.file.open("rb") as log:
            log.seek(self._start)
            return log.read().decode("utf-8", "replace")
