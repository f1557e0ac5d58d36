from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime






T = TypeVar("T", bound="EpochBody")



@_attrs_define
class EpochBody:
    """ One interval of the horizon.

     """

    start: datetime.datetime
    """ ISO 8601 with its time zone. """
    hours: float
    """ Its length, in hours. """





    def to_dict(self) -> dict[str, Any]:
        start = self.start.isoformat()

        hours = self.hours


        field_dict: dict[str, Any] = {}

        field_dict.update({
            "start": start,
            "hours": hours,
        })

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

