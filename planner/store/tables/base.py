"""What all tables share: column types, names of constraints, the column that says whose fleet a row is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from planner.store.columns import Document, UtcDateTime
from planner.store.records import DEFAULT_FLEET

ID_LENGTH_MAX = 200

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        float: Double(),
        dict[str, Any]: Document,
        list[Any]: Document,
    }


Id = String(ID_LENGTH_MAX)


def table_of(row: type[Base]) -> Table:
    """
    The table behind ``row``, for reading its columns as they are.

    Objects that track their changes take three times as long to make, and who only looks changes nothing.
    """
    table = row.__table__
    assert isinstance(table, Table)
    return table


def fleet_column(*, primary_key: bool = False) -> Mapped[str]:
    """No row of one fleet is seen through another: repositories filter by it."""
    return mapped_column(Id, primary_key=primary_key, server_default=DEFAULT_FLEET)
