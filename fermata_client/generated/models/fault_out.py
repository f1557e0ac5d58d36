from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.fault_out_place import FaultOutPlace
from ..types import UNSET, Unset

T = TypeVar("T", bound="FaultOut")


@_attrs_define
class FaultOut:
    """One thing wrong with the input."""

    field: str
    """ Path of the field, as in `models[3].slo_ms`. """
    value: str
    """ What was found there. """
    limit: str
    """ What is allowed there. """
    place: FaultOutPlace | Unset = FaultOutPlace.BODY
    """ The part of the request that the field is in. """
    pointer: None | str | Unset = UNSET
    """ In the body: the field as a JSON Pointer, as in `#/models/3/slo_ms`. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field = self.field

        value = self.value

        limit = self.limit

        place: str | Unset = UNSET
        if not isinstance(self.place, Unset):
            place = self.place.value

        pointer: None | str | Unset
        if isinstance(self.pointer, Unset):
            pointer = UNSET
        else:
            pointer = self.pointer

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "field": field,
                "value": value,
                "limit": limit,
            }
        )
        if place is not UNSET:
            field_dict["place"] = place
        if pointer is not UNSET:
            field_dict["pointer"] = pointer

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        field = d.pop("field")

        value = d.pop("value")

        limit = d.pop("limit")

        _place = d.pop("place", UNSET)
        place: FaultOutPlace | Unset
        if isinstance(_place, Unset):
            place = UNSET
        else:
            place = FaultOutPlace(_place)

        def _parse_pointer(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        pointer = _parse_pointer(d.pop("pointer", UNSET))

        fault_out = cls(
            field=field,
            value=value,
            limit=limit,
            place=place,
            pointer=pointer,
        )

        fault_out.additional_properties = d
        return fault_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
