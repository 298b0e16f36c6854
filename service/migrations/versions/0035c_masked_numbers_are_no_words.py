"""What a mask shows of a number is no word of the index

Revision: 0035c
After: 0039
"""

from importlib import import_module

from alembic import op

revision = "0035c"
down_revision = "0039"
branch_labels = None
depends_on = None

_BEFORE = import_module("service.migrations.versions.0017_finding")
_NUMBER = "1[3-9][0-9](?:[ -]?[0-9]{4}){2}"
_MASKED = r"[0-9]{0,4}\*{4,}[0-9x]{0,4}"


def upgrade() -> None:
    """138****5678: its last digits are found in their own field, by those who may see callers, and not by a word."""
    op.execute(_BEFORE.SEARCH_WORDS.replace(_NUMBER, f"{_MASKED}|{_NUMBER}"))


def downgrade() -> None:
    """As it was."""
    op.execute(_BEFORE.SEARCH_WORDS)
