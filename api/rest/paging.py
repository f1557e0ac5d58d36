"""Pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from api.rest.schemas.common import NamedPage, Page

Item = TypeVar("Item")
Record = TypeVar("Record")


def named_page(
    kind: type[NamedPage[Item]], found: Sequence[Record], limit: int, name: Callable[[Record], str]
) -> NamedPage[Item]:
    """``found`` has one more than ``limit`` if there is more to come."""
    page = {
        "items": list(found[:limit]),
        "next_after": name(found[limit - 1]) if len(found) > limit else None,
    }
    return kind.model_validate(page)


def page(
    kind: type[Page[Item]], found: Sequence[Record], limit: int, number: Callable[[Record], int]
) -> Page[Item]:
    """``named_page``, for what has a number."""
    last = number(found[limit - 1]) if len(found) > limit else None
    return kind.model_validate({"items": list(found[:limit]), "next_before": last})


def pair(after: str | None) -> tuple[str, str] | None:
    """``model/gpu_type`` in its parts."""
    if after is None:
        return None
    first, _, second = after.partition("/")
    return first, second
