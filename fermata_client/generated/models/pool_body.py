from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="PoolBody")


@_attrs_define
class PoolBody:
    """GPUs of one type in one zone."""

    gpu_type: str
    """ Letters, digits and any of . _ + : @ - """
    zone: str
    """ Letters, digits and any of . _ + : @ - """
    available: int
    """ How many GPUs there are. """

    def to_dict(self) -> dict[str, Any]:
        gpu_type = self.gpu_type

        zone = self.zone

        available = self.available

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "gpu_type": gpu_type,
                "zone": zone,
                "available": available,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        gpu_type = d.pop("gpu_type")

        zone = d.pop("zone")

        available = d.pop("available")

        pool_body = cls(
            gpu_type=gpu_type,
            zone=zone,
            available=available,
        )

        return pool_body
