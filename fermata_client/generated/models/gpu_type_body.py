from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="GpuTypeBody")


@_attrs_define
class GpuTypeBody:
    """A kind of GPU: its memory, what of it is kept back, its price."""

    id: str
    """ Letters, digits and any of . _ + : @ - """
    memory_gib: float
    """ Memory of one GPU, in GiB. """
    price_usd_per_hour: float
    """ Price of one GPU, in dollars per hour. """
    reserve_gib: float | Unset = 0.0
    """ Memory that models may not use, in GiB. """

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        memory_gib = self.memory_gib

        price_usd_per_hour = self.price_usd_per_hour

        reserve_gib = self.reserve_gib

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "memory_gib": memory_gib,
                "price_usd_per_hour": price_usd_per_hour,
            }
        )
        if reserve_gib is not UNSET:
            field_dict["reserve_gib"] = reserve_gib

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        memory_gib = d.pop("memory_gib")

        price_usd_per_hour = d.pop("price_usd_per_hour")

        reserve_gib = d.pop("reserve_gib", UNSET)

        gpu_type_body = cls(
            id=id,
            memory_gib=memory_gib,
            price_usd_per_hour=price_usd_per_hour,
            reserve_gib=reserve_gib,
        )

        return gpu_type_body
