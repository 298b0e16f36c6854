"""What comes from others is known: under which licence, in which bill of materials, and whether it was asked about."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.supply import licences
from tests.supply.audit import ROOT, Audited, ask, locked, read

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
TABLE = re.compile(r"^\| ([^ |]+) \| ([^|]+) \|$", re.MULTILINE)


def test_every_installed_package_stands_in_the_document_under_its_licence() -> None:
    written = dict(TABLE.findall(licences.DOCUMENT.read_text(encoding="utf-8")))
    ours = {canonicalize_name(name) for name in locked(LOCK)}
    # An editor's or a tester's own tools may be installed beside what the lock holds.
    here = {name: licence for name, licence in licences.installed().items() if name in ours}

    assert here
    assert {name: written.get(name) for name in here} == here, "run python -m tests.supply.licences"


def test_only_licences_are_used_that_we_accept() -> None:
    ours = {canonicalize_name(name) for name in locked(LOCK)}
    refused = {
        name: licence
        for name, licence in licences.installed().items()
        if name in ours and not licences.may_be_used(licence)
    }

    assert not refused


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("MIT", True),
        ("MIT AND PSF-2.0", True),
        ("AGPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("UNKNOWN", False),
    ],
)
def test_one_of_several_is_enough_and_all_of_several_are_needed(expression: str, may: bool) -> None:
    assert licences.may_be_used(expression) is may


def test_a_file_of_somebody_elses_among_the_pages_is_named_with_its_licence() -> None:
    assert licences.front_end_of_others() == set(licences.VENDORED)
    assert all(licences.may_be_used(licence) for _, licence in licences.VENDORED.values())


def test_a_database_of_faults_that_is_away_is_said_and_fails_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(LOCK[: LOCK.index("\nalembic==")] + "\n", encoding="utf-8")

    audited = ask(lock, environment={"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""})

    assert (audited.checked, audited.faults, audited.not_checked) == (0, (), ("aiosmtpd",))
    assert "NOT CHECKED: none of 1" in audited.line
    assert "did not answer" in audited.line
    assert "\n" not in audited.line
    assert "http" not in audited.line


def test_what_the_database_does_not_know_is_not_called_checked() -> None:
    packages = [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]

    some, none = (read(json.dumps({"dependencies": packages[start:]}), "", ("a", "b")) for start in (0, 1))

    assert some.line == "pip-audit: 1 packages checked, 0 known faults, NOT CHECKED: 1 (b)"
    assert "NOT CHECKED: none of 1" in none.line


def test_a_known_fault_is_found_unless_it_is_accepted_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    package = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"]}]}
    told = json.dumps({"dependencies": [package]})

    assert read(told, "", ("a",)).faults == ("a 1: PYSEC-1",)
    monkeypatch.setattr("tests.supply.audit.ACCEPTED", {"CVE-1": "never called"})
    assert read(told, "", ("a",)) == Audited(checked=1, faults=(), not_checked=())


def test_the_bill_of_materials_names_all_that_the_lock_holds(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    what = [ROOT / "requirements.lock", "--pyproject", ROOT / "pyproject.toml"]
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", *what]
    command += ["--output-reproducible", "--of", "JSON", "-o", out]
    made = subprocess.run(command, capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stderr
    bill = json.loads(out.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", licences.OURS)
    assert {component["name"].lower() for component in bill["components"]} == locked(LOCK)


def test_the_lock_names_no_place_to_load_from_and_a_digest_for_everything() -> None:
    assert "://" not in LOCK
    assert "--index" not in LOCK
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_test_that_bandit_leaves_out_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    skips = tomllib.loads(text)["tool"]["bandit"]["skips"]

    assert skips
    assert all(re.search(rf'"{skip}", # \w', text) for skip in skips)
