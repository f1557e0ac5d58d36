"""Shapes that several collections share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

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


def example(value: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a body that shows one."""
    return ConfigDict(json_schema_extra={"examples": [dict(value)]})


class Out(BaseModel):
    """What the API answers with; read from records by attribute."""

    model_config = ConfigDict(from_attributes=True)


class Listed(Out, Generic[Item]):
    """A part of a list; a page of ``ModelOut`` is a ``ModelPage`` in the API's description."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return "".join(getattr(each, "__name__", str(each)).removesuffix("Out") for each in params) + "Page"


class Page(Listed[Item], Generic[Item]):
    """Newest first; ask again with `before` set to `next_before` for what follows."""

    items: list[Item]
    next_before: int | None = Field(default=None, description="Where the next page begins; null at the end.")


class NamedPage(Listed[Item], Generic[Item]):
    """By name; ask again with `after` set to `next_after` for what follows."""

    items: list[Item]
    next_after: str | None = Field(default=None, description="Where the next page begins; null at the end.")


class UpsertedOut(Out):
    """Ids of what was created and of what was replaced."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"created": ["resnet50"], "updated": []}]}
    )

    created: list[str]
    updated: list[str]


class ModelsUpsertedOut(Out):
    """Ids of the models created and replaced, and of the profiles that came with them."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "created": ["resnet50"],
                    "updated": [],
                    "profiles_created": ["resnet50@A100-40GB"],
                    "profiles_updated": [],
                }
            ]
        },
    )

    created: list[str]
    updated: list[str]
    profiles_created: list[str]
    profiles_updated: list[str]
