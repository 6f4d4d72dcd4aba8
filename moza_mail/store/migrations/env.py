"""What Alembic runs: the migrations, inside the transaction of the connection it was handed."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
