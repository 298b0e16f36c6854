from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder not yet made, under a path short enough for Unix sockets (pytest's own may not be)."""
    base = Path(tempfile.mkdtemp(prefix="hl-"))
    yield base / "data"
    shutil.rmtree(base)
