from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ShortTypeOut")


@_attrs_define
class ShortTypeOut:
    """What keeps a model off one GPU type."""

    gpu_type: str
    bottleneck: str
    gpus: int
    slo_needed_ms: float | None
    missing_ms: float | None
    missing_gib: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        gpu_type = self.gpu_type

        bottleneck = self.bottleneck

        gpus = self.gpus

        slo_needed_ms: float | None
        slo_needed_ms = self.slo_needed_ms

        missing_ms: float | None
        missing_ms = self.missing_ms

        missing_gib: float | None
        missing_gib = self.missing_gib

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "gpu_type": gpu_type,
                "bottleneck": bottleneck,
                "gpus": gpus,
                "slo_needed_ms": slo_needed_ms,
                "missing_ms": missing_ms,
                "missing_gib": missing_gib,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        gpu_type = d.pop("gpu_type")

        bottleneck = d.pop("bottleneck")

        gpus = d.pop("gpus")

        def _parse_slo_needed_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        slo_needed_ms = _parse_slo_needed_ms(d.pop("slo_needed_ms"))

        def _parse_missing_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        missing_ms = _parse_missing_ms(d.pop("missing_ms"))

        def _parse_missing_gib(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        missing_gib = _parse_missing_gib(d.pop("missing_gib"))

        short_type_out = cls(
            gpu_type=gpu_type,
            bottleneck=bottleneck,
            gpus=gpus,
            slo_needed_ms=slo_needed_ms,
            missing_ms=missing_ms,
            missing_gib=missing_gib,
        )

        short_type_out.additional_properties = d
        return short_type_out

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
