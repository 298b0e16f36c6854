"""Alembic's environment. The connection comes from `service.bootstrap.migrate`, never from a file."""

from alembic import context

from service.tables import METADATA


def run() -> None:
    """Run the wanted migrations on the connection the caller opened."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
