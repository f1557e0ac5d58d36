"""Alembic's entry: runs on the connection that ``planner.store.migrate`` opened, in its transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from planner.store.tables import Base

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
