"""The engine, the base of the tables, and the only two ways to a session."""

import os
import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, cast

from psycopg import OperationalError
from psycopg.types.json import Jsonb
from sqlalchemy import (
    ColumnDefault,
    Connection,
    DateTime,
    Engine,
    MetaData,
    String,
    Table,
    TextClause,
    TypeDecorator,
    bindparam,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import NullPool, QueuePool

from service.core.fence import SERVICE_ROLE
from service.core.metrics import count_pool
from service.core.personal import without_numbers, without_numbers_in
from service.core.tracing import watch_engine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# A peer that vanished without a word (a cut cable, a frozen host) is given up after about fifteen seconds.
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class AdvisoryLock(IntEnum):
    """The server-wide locks by number, each of them once: two uses of one number would wait for each other."""

    migration = 12_351_001
    leader = 12_351_002
    publishing = 12_351_003
    importing = 12_351_004
    # With the number of an employer: intakes about one wait for each other, so that its matters are counted.
    employer = 12_351_005
    audit = 12_351_006
    # Who keeps people changes or disables one at a time: two who disable each other wait, and not in a circle.
    people = 12_351_007


class FreeText(TypeDecorator[str]):
    """Words that people type. Phones and identity numbers in them are masked as they are written, whoever writes and by
    whatever statement: what is not in the table is in no index, export, log or stolen dump."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        """The text without its personal numbers."""
        return None if value is None else without_numbers(value)


class FreeDocument(TypeDecorator[dict[str, Any]]):
    """A document into which people's words may come; masked like them."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, _dialect: Any) -> Any:
        """The document without personal numbers."""
        return without_numbers_in(value)


# A column of words that people type: `title: Mapped[Words]`; and of a document with such words in it.
Words = Annotated[str, mapped_column(FreeText())]
WordsInside = Annotated[dict[str, Any], mapped_column(FreeDocument())]


class Base(DeclarativeBase):
    """Base of every table. Instants are always timestamptz."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Database:
    """One PostgreSQL. The engine is built on first use in each process: a connection shared across a fork
    would let two processes speak over one socket."""

    def __init__(
        self, url: str, *, pool_size: int = 8, statement_timeout: float = 15.0, lock_timeout: float = 5.0
    ) -> None:
        self.url = url
        self._pool_size = pool_size
        self._limits = (
            f"-c statement_timeout={int(statement_timeout * 1000)} -c lock_timeout={int(lock_timeout * 1000)}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
        )
        self._engines: dict[int, Engine] = {}

    @property
    def engine(self) -> Engine:
        """This process's engine, the same for all its threads."""
        pid = os.getpid()
        engine = self._engines.get(pid)
        if engine is None:
            for inherited in [process for process in list(self._engines) if process != pid]:
                # The inherited sockets belong to the parent: forget them without saying goodbye on them.
                self._engines.pop(inherited).dispose(close=False)
            # An engine connects at its first statement: one made by a thread that came second costs nothing. No
            # lock, for a fork would hand the child one that nobody opens.
            engine = self._engines.setdefault(pid, self._new_engine())
        return engine

    def _new_engine(self) -> Engine:
        engine = create_engine(
            self.url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=10,
            # A question to the server before every request; `_pass_over_a_dead_one` asks the kernel.
            pool_pre_ping=False,
            pool_events=[(_pass_over_a_dead_one, "checkout")],
            # The text of a database error is logged; what a caller told us is not.
            hide_parameters=True,
            connect_args=self._arguments(f"{self._limits} -c role={SERVICE_ROLE}"),
        )
        count_pool(self._pool_size, lambda: engine.pool.checkedout() if isinstance(engine.pool, QueuePool) else 0)
        watch_engine(engine)
        return engine

    @staticmethod
    def _arguments(options: str) -> dict[str, Any]:
        return {"options": options, "connect_timeout": 5, **KEEPALIVE}

    @contextmanager
    def as_owner(self) -> Iterator[Connection]:
        """A connection of the login itself, which owns the tables and stands outside the fence: for migrations, grants
        and backups. Outside the pool."""
        engine = create_engine(
            self.url, poolclass=NullPool, hide_parameters=True, connect_args=self._arguments(self._limits)
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends well and rolls back when it does not."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A READ ONLY session on one snapshot: a stray write fails in the database, and what a second statement counts
        is what the first one listed, whatever is committed between them.

        It ends with a COMMIT, though there is nothing to keep: at a ROLLBACK psycopg forgets the statements that it
        prepared, and to plan them anew costs more than to run them.
        """
        once = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        with (
            self.engine.connect().execution_options(**once) as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def dispose(self) -> None:
        """Close every connection of this process."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()


def _pass_over_a_dead_one(connection: Any, *_: object) -> None:
    """Have the pool replace a connection that the server has ended while it lay there: nobody's request pays for a
    restart of PostgreSQL.

    Nothing was asked on it, so whatever there is to be read is a farewell. Raises DisconnectionError, which the pool
    answers with a new connection.
    """
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
    except OperationalError:
        raise DisconnectionError from None
    if poll.poll(0):
        raise DisconnectionError


def table_of(model: type[Base]) -> Table:
    """The table behind a model, for statements without the ORM."""
    return cast("Table", model.__table__)


def insert_text(
    model: type[Base], columns: Iterable[str], *, then: str, values: dict[str, str] | None = None
) -> TextClause:
    """An INSERT of these columns as SQL text, made once and kept: SQLAlchemy compiles a statement with ON CONFLICT
    anew at every execution, which costs more than the statement itself.

    `then` follows the VALUES (ON CONFLICT …, RETURNING …); `values` gives columns whose value is an expression.
    The other columns are bound by name, with their types. Only names from the code go in, never input.
    """
    table = table_of(model)
    bound = list(columns)
    expressions = {name: f":{name}" for name in bound} | (values or {})
    sql = f"insert into {table.name} ({', '.join(expressions)}) values ({', '.join(expressions.values())}) {then}"  # noqa: S608
    return text(sql).bindparams(*(bindparam(name, type_=table.c[name].type) for name in bound))


def outside_the_fence(session: Session) -> None:
    """Let the rest of the transaction work as the login that owns the tables: for an import, which fills them by COPY.
    Raises ProgrammingError where the login is another."""
    session.execute(text("set local role none"))


def copy_in(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write many rows of one table, all with the same keys, by COPY: several times faster than by INSERT.

    A table with row-level security takes no COPY from the service's role: see `outside_the_fence`.

    Columns left out take the default of the model or of the database. In the session's transaction; nothing is read
    back, and no object of the session knows of it.
    """
    if not rows:
        return
    table = table_of(model)
    defaults = {
        column.name: column.default.arg if column.default.is_scalar else column.default.arg(None)
        for column in table.columns
        if isinstance(column.default, ColumnDefault) and column.name not in rows[0]
    }
    names = (*rows[0], *defaults)
    documents = {column.name for column in table.columns if isinstance(column.type, (JSONB, FreeDocument))}
    # COPY passes by what a column does to its values.
    words = {column.name for column in table.columns if isinstance(column.type, (FreeText, FreeDocument))}
    with session.connection().connection.cursor().copy(f"copy {table.name} ({', '.join(names)}) from stdin") as copy:
        for row in rows:
            values = {**row, **defaults} | {name: without_numbers_in(row[name]) for name in words if name in row}
            copy.write_row([Jsonb(values[name]) if name in documents else values[name] for name in names])
