from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.model_series_out import ModelSeriesOut


T = TypeVar("T", bound="ObservedSeriesOut")


@_attrs_define
class ObservedSeriesOut:
    """Observed load in the course of time, one series for each model."""

    resolution_s: int
    series: list[ModelSeriesOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        resolution_s = self.resolution_s

        series = []
        for series_item_data in self.series:
            series_item = series_item_data.to_dict()
            series.append(series_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "resolution_s": resolution_s,
                "series": series,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_series_out import ModelSeriesOut  # noqa: PLC0415

        d = dict(src_dict)
        resolution_s = d.pop("resolution_s")

        series = []
        _series = d.pop("series")
        for series_item_data in _series:
            series_item = ModelSeriesOut.from_dict(series_item_data)

            series.append(series_item)

        observed_series_out = cls(
            resolution_s=resolution_s,
            series=series,
        )

        observed_series_out.additional_properties = d
        return observed_series_out

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
