"""SECURITY.md names tests and settings that there are."""

import re

from service.core.settings import Settings
from tests.embedded.processes import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_it_calls_a_proof_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`?", TEXT))

    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]


def test_every_setting_document_and_command_it_names_is_there() -> None:
    fields = Settings.model_fields
    assert all(name.lower() in fields for name in re.findall(r"\bHOTLINE_([A-Z_]+)", TEXT))
    assert all((ROOT / target).exists() for target in re.findall(r"\]\(([^)#:]+)\)", TEXT))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{goal}:", makefile, re.MULTILINE) for goal in re.findall(r"`make (\w+)`", TEXT))


def test_it_says_what_it_does_not_stop_and_begins_in_chinese() -> None:
    assert "## What does not stop them" in TEXT
    assert re.search(r"[\u4e00-\u9fff]{20}", TEXT[:400])
