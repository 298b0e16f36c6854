"""The fence in the database: what the service itself may not do there, whatever its code says.

Every process of the service works as the role `hotline_service`, which owns nothing. Its rights are granted here, table
by table; what is append-only it can only read and add to. Row-level security on tickets and all that hangs on one
(migration 0040) shows it the tickets in reach of who is asking, and where nobody has said who that is, none. Tables are
made and migrated, and backups taken, by the login that owns them.

It holds against code that forgets the filter, not against an attacker who can run SQL of their own: the login is a
member of both roles.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from service.core.errors import Conflict

SERVICE_ROLE = "hotline_service"
# The transaction's setting that the policies read: the prefix of the union codes in reach.
REACH = "hotline.reach"
SET_REACH = text(f"select set_config('{REACH}', :reach, true)")

# Alembic's own table, and those that PostgreSQL keeps from being changed by a trigger.
_ROWS = text(
    """
    select c.relname as name, exists (
        select from pg_trigger t where t.tgrelid = c.oid and t.tgname = c.relname || '_append_only'
    ) as append_only
    from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by 1
    """
)
_READ_ONLY = frozenset({"alembic_version"})


class ServiceRoleMissing(Conflict):
    """The login may not make it, and nobody has."""

    zh = (
        "数据库中缺少角色 {role},当前账号无权创建。请由数据库管理员执行:"
        "create role {role} nologin; grant {role} to {login};"
    )
    en = (
        "The database has no role {role} and this account may not make it. Have its administrator run:"
        " create role {role} nologin; grant {role} to {login};"
    )


def ensure_role(connection: Connection) -> None:
    """Make the role, once for all databases of a server, and the login a member of it. Raises ServiceRoleMissing."""
    login = connection.scalar(text("select session_user"))
    there = text("select exists (select from pg_roles where rolname = :role)").bindparams(role=SERVICE_ROLE)
    member = text("select pg_has_role(session_user, :role, 'member')").bindparams(role=SERVICE_ROLE)
    try:
        if not connection.scalar(there):
            _make(connection)
        if not connection.scalar(member):
            connection.execute(text(f"grant {SERVICE_ROLE} to session_user"))
    except ProgrammingError as error:
        raise ServiceRoleMissing(role=SERVICE_ROLE, login=login) from error


def _make(connection: Connection) -> None:
    try:
        with connection.begin_nested():
            connection.execute(text(f"create role {SERVICE_ROLE} nologin"))
            connection.execute(text(f"grant {SERVICE_ROLE} to session_user"))
    except DBAPIError as error:
        # Another database of this server is being migrated at this moment.
        if type(error.orig).__name__ not in ("DuplicateObject", "UniqueViolation"):
            raise


def grant_rights(connection: Connection) -> None:
    """Give the role what the service needs of each table there is, and take away the rest. Repeatable."""
    role = SERVICE_ROLE
    connection.execute(text(f"grant usage on schema public to {role}"))
    connection.execute(text(f"grant usage, select on all sequences in schema public to {role}"))
    for table in connection.execute(_ROWS).all():
        rights = "select" if table.name in _READ_ONLY else "select, insert"
        if table.name not in _READ_ONLY and not table.append_only:
            rights += ", update, delete"
        connection.execute(text(f'revoke all on "{table.name}" from {role}'))
        connection.execute(text(f'grant {rights} on "{table.name}" to {role}'))


def lacks_role(error: Exception) -> bool:
    """Whether a connection was refused because the role is not there yet: nobody has migrated."""
    return f'"{SERVICE_ROLE}"' in str(getattr(error, "orig", error))
