from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="EpochBody")


@_attrs_define
class EpochBody:
    """One interval of the horizon."""

    start: datetime.datetime
    """ ISO 8601 with its time zone. """
    hours: float
    """ Its length, in hours. """

    def to_dict(self) -> dict[str, Any]:
        start = self.start.isoformat()

        hours = self.hours

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "start": start,
                "hours": hours,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        start = datetime.datetime.fromisoformat(d.pop("start"))

        hours = d.pop("hours")

        epoch_body = cls(
            start=start,
            hours=hours,
        )

        return epoch_body
