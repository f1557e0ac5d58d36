from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="MeasuredRatioOut")


@_attrs_define
class MeasuredRatioOut:
    """Measured over profiled execution time: the median over intervals, with its confidence interval."""

    batch_size: int | None
    """ null: all sizes together. """
    batches: int
    intervals: int
    measured_ms: float
    profiled_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_size: int | None
        batch_size = self.batch_size

        batches = self.batches

        intervals = self.intervals

        measured_ms = self.measured_ms

        profiled_ms = self.profiled_ms

        ratio = self.ratio

        ratio_low = self.ratio_low

        ratio_high = self.ratio_high

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_size": batch_size,
                "batches": batches,
                "intervals": intervals,
                "measured_ms": measured_ms,
                "profiled_ms": profiled_ms,
                "ratio": ratio,
                "ratio_low": ratio_low,
                "ratio_high": ratio_high,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_batch_size(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        batch_size = _parse_batch_size(d.pop("batch_size"))

        batches = d.pop("batches")

        intervals = d.pop("intervals")

        measured_ms = d.pop("measured_ms")

        profiled_ms = d.pop("profiled_ms")

        ratio = d.pop("ratio")

        ratio_low = d.pop("ratio_low")

        ratio_high = d.pop("ratio_high")

        measured_ratio_out = cls(
            batch_size=batch_size,
            batches=batches,
            intervals=intervals,
            measured_ms=measured_ms,
            profiled_ms=profiled_ms,
            ratio=ratio,
            ratio_low=ratio_low,
            ratio_high=ratio_high,
        )

        measured_ratio_out.additional_properties = d
        return measured_ratio_out

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
