"""Alembic's environment: runs the migrations on the connection that shared.db.migrate gives it."""

from alembic import context

from shared.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)

with context.begin_transaction():
    context.run_migrations()
