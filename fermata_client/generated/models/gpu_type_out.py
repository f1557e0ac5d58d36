from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GpuTypeOut")


@_attrs_define
class GpuTypeOut:
    """A registered GPU type."""

    id: str
    memory_gib: float
    reserve_gib: float
    price_usd_per_hour: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        memory_gib = self.memory_gib

        reserve_gib = self.reserve_gib

        price_usd_per_hour = self.price_usd_per_hour

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "memory_gib": memory_gib,
                "reserve_gib": reserve_gib,
                "price_usd_per_hour": price_usd_per_hour,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        memory_gib = d.pop("memory_gib")

        reserve_gib = d.pop("reserve_gib")

        price_usd_per_hour = d.pop("price_usd_per_hour")

        gpu_type_out = cls(
            id=id,
            memory_gib=memory_gib,
            reserve_gib=reserve_gib,
            price_usd_per_hour=price_usd_per_hour,
        )

        gpu_type_out.additional_properties = d
        return gpu_type_out

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
