"""How Alembic runs here: on the connection that `opening` hands over, in its one transaction."""

from __future__ import annotations

from alembic import context

from phyassist.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
