"""`make audit`: asks a database of known faults about every package that requirements.lock names.

A database that can't be reached fails nothing, but it is said, and what it was not asked about is counted as not
checked. A fault that was found fails, unless it stands in ACCEPTED with its reason.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"

# Faults that do not reach us: the database's id → why, and until when that is believed.
ACCEPTED: dict[str, str] = {}

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_PATIENCE_SECONDS = 240


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What is known after asking: packages asked about, faults as `package version: id`, packages not asked about, and
    why not."""

    checked: int
    faults: tuple[str, ...]
    not_checked: tuple[str, ...]
    reason: str = ""

    @property
    def line(self) -> str:
        """All of it in one line."""
        if not self.checked:
            return f"pip-audit: NOT CHECKED: none of {len(self.not_checked)} packages ({self.reason})"
        said = f"pip-audit: {self.checked} packages checked, {len(self.faults)} known faults"
        left = f", NOT CHECKED: {len(self.not_checked)} ({', '.join(self.not_checked)})" if self.not_checked else ""
        return said + left


def locked(text: str) -> set[str]:
    """The names that a lock holds."""
    return {name.lower() for name, _ in _PINNED.findall(text)}


def ask(lock: Path = LOCK, *, environment: Mapping[str, str] | None = None) -> Audited:
    """Ask about everything in `lock`. Never raises for a database that is away."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    names = tuple(sorted(locked(lock.read_text(encoding="utf-8"))))
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
            env={**os.environ, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        return Audited(checked=0, faults=(), not_checked=names, reason="the database of faults took too long")
    return read(ended.stdout, ended.stderr, names)


def read(stdout: str, stderr: str, names: tuple[str, ...]) -> Audited:
    """What pip-audit's answer means. Anything but its own document means that nothing was checked."""
    try:
        packages = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        told = re.sub(r"\S*://\S+|\bhost='[^']*'", "…", lines[-1])[:160] if lines else "no answer"
        return Audited(checked=0, faults=(), not_checked=names, reason=f"the database of faults did not answer: {told}")
    faults = tuple(
        f"{package['name']} {package['version']}: {fault['id']}"
        for package in packages
        for fault in package.get("vulns", ())
        if not ACCEPTED.keys() & {fault["id"], *fault.get("aliases", ())}
    )
    left = tuple(sorted(package["name"] for package in packages if "skip_reason" in package))
    # What answers for a mirror of packages may know nothing of their faults: pip-audit calls that "none found".
    reason = "the database of faults knows none of them" if len(left) == len(packages) else ""
    return Audited(checked=len(packages) - len(left), faults=faults, not_checked=left, reason=reason)


def main() -> None:
    """Print the line and each fault; exit code 1 when there is one."""
    audited = ask()
    print(audited.line)
    for fault in audited.faults:
        print(f"  {fault}")
    sys.exit(1 if audited.faults else 0)


if __name__ == "__main__":
    main()
