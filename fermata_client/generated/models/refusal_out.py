from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RefusalOut")


@_attrs_define
class RefusalOut:
    """Why a model is not in a pool."""

    model: str
    pool: str
    bottleneck: str
    text: str
    usd_per_hour: float | None
    missing: float | None
    unit: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        pool = self.pool

        bottleneck = self.bottleneck

        text = self.text

        usd_per_hour: float | None
        usd_per_hour = self.usd_per_hour

        missing: float | None
        missing = self.missing

        unit = self.unit

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "pool": pool,
                "bottleneck": bottleneck,
                "text": text,
                "usd_per_hour": usd_per_hour,
                "missing": missing,
                "unit": unit,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        pool = d.pop("pool")

        bottleneck = d.pop("bottleneck")

        text = d.pop("text")

        def _parse_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        usd_per_hour = _parse_usd_per_hour(d.pop("usd_per_hour"))

        def _parse_missing(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        missing = _parse_missing(d.pop("missing"))

        unit = d.pop("unit")

        refusal_out = cls(
            model=model,
            pool=pool,
            bottleneck=bottleneck,
            text=text,
            usd_per_hour=usd_per_hour,
            missing=missing,
            unit=unit,
        )

        refusal_out.additional_properties = d
        return refusal_out

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
