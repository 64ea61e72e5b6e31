"""Alembic runs this file: the revisions go over the connection, and in the transaction, of the set-up."""

from __future__ import annotations

from alembic import context

from hedgerow.adapters.store.postgres_shape import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
