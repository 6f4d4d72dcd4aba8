"""Run the migrations in the transaction of the given connection. Alembic imports this file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
