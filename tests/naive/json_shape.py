"""The shape of JSON from its values, once they are read: the obvious way."""

from __future__ import annotations

from typing import Any


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def fields(value: Any) -> int:
    """The most of any object."""
    if isinstance(value, dict):
        return max([len(value), *map(fields, value.values())])
    if isinstance(value, list):
        return max(map(fields, value), default=0)
    return 0


def values(value: Any) -> int:
    """Of the value itself and all within, names of fields counted too; at most as many as the text shows."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(values, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(values, value))
    return 1
