"""Put small faults into the rules, one at a time, and count how many the tests of the rules notice.

    make mutants

Everything happens in a copy under build/mutants, which is made anew; the checkout is never touched. Afterwards, in
that folder, `mutmut show NAME` shows a fault that was not noticed and `mutmut run NAME...` tries some again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"
COPIED = ("sla_rules", "tests/__init__.py", "tests/rows.py", "tests/mutants", "tests/sla_rules", "pyproject.toml")

# What the exit code of a mutant's tests says.
OUTCOMES = {0: "survived", 1: "killed", 3: "killed", 33: "no test", -24: "timed out", 36: "timed out"}
_PROPERTY = re.compile(
    r"^    @(property|cached_property)\n(    def (\w+)\(self\).*?:\n(?:(?:     .*)?\n)+)", re.MULTILINE
)
_SCOPE = re.compile(r"@pytest\.fixture\(scope=\"(?:session|module)\"\)\n")


def copy() -> None:
    """The rules and their tests in a folder of their own, open to mutmut wherever it would pass by."""
    shutil.rmtree(COPY, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / name, COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    # mutmut leaves decorated functions alone; a property made by a call it takes for a function.
    for path in (COPY / "sla_rules").glob("*.py"):
        path.write_text(_PROPERTY.sub(r"\2    \3 = \1(\3)\n\n", path.read_text("utf-8")), "utf-8")
    # A fixture kept for many tests would be laid to the one that asked for it first.
    for path in (COPY / "tests" / "sla_rules").glob("*.py"):
        path.write_text(_SCOPE.sub("@pytest.fixture\n", path.read_text("utf-8")), "utf-8")


def outcomes() -> dict[str, dict[str, str]]:
    """How each mutant of each module ended."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((COPY / "mutants" / "sla_rules").glob("*.py.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        found[path.name.removesuffix(".meta")] = {
            name: "not run" if code is None else OUTCOMES.get(code, f"exit {code}") for name, code in codes.items()
        }
    return found


def report() -> None:
    """Print the counts of each module as a table, then the names of those that were not noticed."""
    columns = ("killed", "survived", "timed out", "no test")
    found = {module: ended for module, ended in outcomes().items() if ended}
    print("\n| Module | " + " | ".join(columns) + " | total |")
    print("|---" * (len(columns) + 2) + "|")
    for module, ended in found.items():
        counted = Counter(ended.values())
        print(f"| {module} | " + " | ".join(str(counted[column]) for column in columns) + f" | {counted.total()} |")
    for ended in found.values():
        for name, outcome in ended.items():
            if outcome != "killed":
                print(f"{outcome}: {name}")


def main() -> None:
    """Copy, run, report."""
    copy()
    mutmut = Path(sys.executable).with_name("mutmut")
    os.nice(10)
    done = subprocess.run([mutmut, "run", "--max-children", "1"], cwd=COPY, check=False)
    report()
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
