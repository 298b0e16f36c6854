"""Connections that belong to one purpose for life: one listens, one holds the leader's lock."""

import psycopg

from service.core.db import KEEPALIVE, Database

# The server gives a vanished peer up as soon as we do, and then frees the lock.
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
        **KEEPALIVE,
        options=_SERVER_OPTIONS,
        connect_timeout=5,
        application_name=f"hotline {purpose}",
        autocommit=True,
    )
