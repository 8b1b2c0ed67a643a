"""What Alembic runs to take the steps: in the transaction that it is given, and in no other."""

from __future__ import annotations

from alembic import context

from freshset.replication.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
