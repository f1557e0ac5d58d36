"""
Making a table anew on SQLite although others point to it.

SQLite changes a constraint only by copying the table and dropping the old one, and dropping a table whose
rows are pointed to breaks the foreign keys of those that point to it; they cannot be switched off within a
transaction. So all that point to it, directly or through others, step aside for that time: their rows are
copied away, their definitions (indexes and triggers included) are kept as text, and put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

ASIDE = "_aside"


@contextmanager
def dependents_aside(table: str) -> Iterator[None]:
    """Within the block, nothing points to ``table``. On PostgreSQL, which needs no such thing, all stays."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    dependents = _dependents(connection, table)
    definitions = {name: _definitions(connection, name) for name in dependents}
    for name in dependents:
        op.execute(sa.text(f"CREATE TABLE {name}{ASIDE} AS SELECT * FROM {name}"))
    for name in dependents:
        op.execute(sa.text(f"DROP TABLE {name}"))
    yield
    for name in reversed(dependents):
        for definition in definitions[name]:
            connection.exec_driver_sql(definition)
        op.execute(sa.text(f"INSERT INTO {name} SELECT * FROM {name}{ASIDE}"))
    for name in dependents:
        op.execute(sa.text(f"DROP TABLE {name}{ASIDE}"))


def _dependents(connection: sa.Connection, table: str) -> list[str]:
    """Those that point to ``table``, the outermost first: each can be dropped when those before it are."""
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
    points_to = {
        name: {row[2] for row in connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})")} - {name}
        for name in names
    }
    found: list[str] = []

    def visit(target: str) -> None:
        for name in sorted(points_to):
            if target in points_to[name] and name != table and name not in found:
                visit(name)
                found.append(name)

    visit(table)
    return found


def _definitions(connection: sa.Connection, table: str) -> list[str]:
    """The table first, then its indexes and triggers."""
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type <> 'table'"
    return list(connection.exec_driver_sql(query, (table,)).scalars())
