"""Small secrets kept as files in a data folder: whole or not at all, and readable by their owner alone."""

from pathlib import Path

from service.core.keyring import new_line

MASTER_KEY = "master.key"


def kept(file: Path) -> str:
    """What was kept there; empty when nothing was."""
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def keep(file: Path, text: str) -> None:
    """Keep a text. Raises OSError when the folder can't be written."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(file)


def master_key_file(folder: Path) -> Path:
    """The file with the folder's ring of master keys, made once with one random key and never again."""
    file = folder / MASTER_KEY
    if not kept(file):
        keep(file, new_line(None))
    return file
