from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="MeasuredLatencyOut")


@_attrs_define
class MeasuredLatencyOut:
    batch_size: int
    batches: int
    latency_ms_mean: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_size = self.batch_size

        batches = self.batches

        latency_ms_mean = self.latency_ms_mean

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_size": batch_size,
                "batches": batches,
                "latency_ms_mean": latency_ms_mean,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        batch_size = d.pop("batch_size")

        batches = d.pop("batches")

        latency_ms_mean = d.pop("latency_ms_mean")

        measured_latency_out = cls(
            batch_size=batch_size,
            batches=batches,
            latency_ms_mean=latency_ms_mean,
        )

        measured_latency_out.additional_properties = d
        return measured_latency_out

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
