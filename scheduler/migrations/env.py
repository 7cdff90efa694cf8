"""What Alembic runs: the steps that are missing, on the connection that it was handed."""

from alembic import context

from scheduler.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
