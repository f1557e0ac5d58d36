"""
Rows for every table of whatever schema a database has: read from the database itself, not from the models.

So a migration that adds a table or a column is covered without a word here; only what a schema cannot say
(``SAID``) has to be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError

Row = tuple[tuple[str, str], ...]
"""Column names and values, as text: a row's content whatever the order of its columns."""

SAID: dict[str, dict[str, Any]] = {
    "forecasts": {"epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}]},
    "forecast_models": {"demand_rps": [1.5], "arrival_cv": [1.0]},
}
"""By table: values that satisfy rules which a schema does not spell out."""

NOT_OURS = ("alembic_version",)
ALLOWED_VALUE = re.compile(
    r"^\W*(\w+)\W*(?:::\w+\W*)*\s*(?:IN\s*\(|=\s*ANY\s*\(+ARRAY\[)\W*'([^']*)'", re.IGNORECASE
)


def tables(connection: Connection) -> list[Table]:
    """Those of the database as it is now, what others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in NOT_OURS]


def fill(connection: Connection, number: int) -> None:
    """
    Put one more row into every table; ``number`` tells apart the rows of several calls.

    Raises ``AssertionError`` where a table refuses it.
    """
    for table in tables(connection):
        one_a_fleet = table.primary_key.columns.keys() == ["fleet"]
        if one_a_fleet and connection.execute(select(table)).first():
            continue
        refusals = []
        for with_nullable in (True, False):
            try:
                with connection.begin_nested():
                    connection.execute(
                        table.insert().values(**_row(connection, table, number, with_nullable))
                    )
                break
            except IntegrityError as error:
                refusals.append(str(error.orig))
        else:
            raise AssertionError(f"say in tests/store_rows.py what {table.name} needs: {refusals}")


def contents(connection: Connection) -> dict[str, Counter[Row]]:
    """Every row of every table."""
    return {
        table.name: Counter(
            tuple((name, repr(value)) for name, value in sorted(row._mapping.items()))
            for row in connection.execute(select(table))
        )
        for table in tables(connection)
    }


def missing(before: dict[str, Counter[Row]], after: dict[str, Counter[Row]]) -> list[str]:
    """Rows of ``before`` that ``after`` has not, by the columns and tables that both have."""
    found = []
    for table in sorted(set(before) & set(after)):
        shared = _columns(before[table]) & _columns(after[table])
        lost = _projected(before[table], shared) - _projected(after[table], shared)
        found += [f"{table}: {dict(row)}" for row in lost]
    return found


def _columns(rows: Counter[Row]) -> set[str]:
    return {name for row in rows for name, _ in row}


def _projected(rows: Counter[Row], columns: set[str]) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for row, count in rows.items():
        found[tuple(pair for pair in row if pair[0] in columns)] += count
    return found


def _row(connection: Connection, table: Table, number: int, with_nullable: bool) -> dict[str, Any]:
    row = {}
    allowed = dict(_allowed(connection, table))
    for column in table.columns:
        if column.nullable and not with_nullable:
            continue
        referred = next(iter(column.foreign_keys), None)
        if referred is not None:
            row[column.name] = _newest(connection, referred.column, column, number)
        elif column.name in allowed:
            row[column.name] = allowed[column.name]
        else:
            row[column.name] = _value(column, number)
    said = SAID.get(table.name, {})
    return row | {name: value for name, value in said.items() if name in table.columns}


def _newest(connection: Connection, referred: Column[Any], column: Column[Any], number: int) -> Any:
    """The value of the row that this very call put there; of tables not yet filled, nothing."""
    if referred.table.name == column.table.name:
        return None
    if referred.name == "id" and referred.table.name == "fleets":
        return "default"
    value = _value(referred, number)
    known = connection.execute(select(referred).where(referred == value)).first()
    return value if known else connection.execute(select(referred).limit(1)).scalar()


def _allowed(connection: Connection, table: Table) -> Iterator[tuple[str, str]]:
    """The first of the values that a check lists for a column."""
    for check in inspect(connection).get_check_constraints(table.name):
        listed = ALLOWED_VALUE.match(check["sqltext"].strip())
        if listed:
            yield listed[1], listed[2]


def _value(column: Column[Any], number: int) -> Any:
    kind = column.type
    if column.name == "fleet":
        return "default"
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, DateTime):
        return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=number, seconds=len(column.name))
    if isinstance(kind, Integer):
        return 100 + number
    if isinstance(kind, Numeric | Float):
        return number + 0.25
    if isinstance(kind, JSON):
        return {"of": column.name, "number": number, "list": [1, 2.5, None, "ü"]}
    if isinstance(kind, LargeBinary):
        return bytes([number])
    length = getattr(kind, "length", None) or 200
    return f"{column.name}-{number}"[-length:]
