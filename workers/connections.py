"""Connections that belong to one purpose for life: one listens, one holds the leader's lock."""

from typing import Any

import psycopg

from service.core.db import Database

# A peer that vanished without a word (a cut cable, a frozen host) is given up after about fifteen seconds, by
# both sides: the server then frees the lock, and we take nothing for granted that we no longer hold.
_KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_SERVER_OPTIONS = (
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"
    " -c statement_timeout=5000 -c timezone=UTC"
)


def dedicated_connection(database: Database, purpose: str) -> psycopg.Connection:
    """A psycopg connection outside the pool, each statement its own transaction. Raises psycopg.OperationalError."""
    dialect = database.engine.dialect
    _, parameters = dialect.create_connect_args(database.engine.url)
    return psycopg.connect(
        **parameters,
        **_KEEPALIVE,
        options=_SERVER_OPTIONS,
        connect_timeout=5,
        application_name=f"hotline {purpose}",
        autocommit=True,
    )
