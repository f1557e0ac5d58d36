"""Shapes that several collections share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")

_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")  # a bare number would be taken for a Unix time
YEAR_MIN, YEAR_MAX = 1970, 2200


def _text(value: object) -> object:
    if not isinstance(value, str) or not _ISO_8601.match(value):
        raise ValueError("must be ISO 8601 text with a time zone")
    return value


def _near(value: datetime) -> datetime:
    if not YEAR_MIN <= value.year <= YEAR_MAX:
        raise ValueError(f"must lie in the years {YEAR_MIN} to {YEAR_MAX}")
    return value.astimezone(UTC)


Instant = Annotated[
    AwareDatetime,
    Field(strict=False, description="ISO 8601 with its time zone."),
    BeforeValidator(_text),
    AfterValidator(_near),
]


class Out(BaseModel):
    """What the API answers with; read from records by attribute."""

    model_config = ConfigDict(from_attributes=True)


class Page(Out, Generic[Item]):
    """Newest first; ask again with `before` set to `next_before` for what follows."""

    items: list[Item]
    next_before: int | None = Field(default=None, description="Where the next page begins; null at the end.")


class UpsertedOut(Out):
    """Ids of what was created and of what was replaced."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"created": ["resnet50"], "updated": []}]}
    )

    created: list[str]
    updated: list[str]
