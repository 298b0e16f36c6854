"""Which scheduler sweeps: the one whose connection holds an advisory lock. Nothing but thrift depends on it.

The lock lives and dies with the connection: a leader killed or cut off has let go of it without a word, and
another takes over at its next tick. Two who both think they lead do no harm: rows are claimed with SKIP LOCKED
and a rung enters the ledger once.
"""

import psycopg

from service.core.db import AdvisoryLock, Database
from workers.connections import dedicated_connection


class Leadership:
    """One process's claim to be the leader."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None
        self._held = False

    def is_mine(self) -> bool:
        """Whether this process leads now; asks for the lead when it does not. Raises psycopg.OperationalError
        when PostgreSQL is away, and then the lead is lost."""
        try:
            if self._connection is None:
                self._connection = dedicated_connection(self._database, "scheduler")
            if self._held:
                self._connection.execute("select 1")  # a lost connection is a lost lock
            else:
                row = self._connection.execute("select pg_try_advisory_lock(%s)", [AdvisoryLock.leader]).fetchone()
                self._held = row is not None and bool(row[0])
        except psycopg.OperationalError:
            self.let_go()
            raise
        return self._held

    def let_go(self) -> None:
        """Give the lead away, if it is held, by closing the connection."""
        self._held = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
