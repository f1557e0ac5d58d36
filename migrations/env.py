"""Alembic's entry: runs on the connection that ``planner.store.migrate`` opened, in its transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from planner.store.tables import Base

LOCK_TIMEOUT = "5s"  # rather give up than make every query queue behind a waiting ALTER TABLE

connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))

context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
