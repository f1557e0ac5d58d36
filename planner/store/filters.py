"""What a list is narrowed to, and where a page of it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, func, tuple_
from sqlalchemy.orm import InstrumentedAttribute

Column: TypeAlias = InstrumentedAttribute[Any] | ColumnElement[Any]


def filtered(
    query: Select[Any],
    wanted: Mapping[Any, object | None],
    instant: Column,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[Any]:
    """Rows whose columns equal what is wanted (None: any) and whose ``instant`` lies in [since, until)."""
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(instant >= since)
    return query if until is None else query.where(instant < until)


def named(query: Select[Any], column: Column, name: str | None) -> Select[Any]:
    """Only what has ``name`` within its id, in capitals or not (LIKE alone differs between databases)."""
    return query if name is None else query.where(func.lower(column).contains(name.lower(), autoescape=True))


def page_by(
    query: Select[Any],
    keys: Sequence[Column],
    after: Sequence[str | None],
    limit: int | None,
) -> Select[Any]:
    """In the order of ``keys``, from the first row above ``after``."""
    if after[0] is not None:
        query = query.where(tuple_(*keys) > tuple(after))
    return query.order_by(*keys).limit(limit)
