from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ResolvedCellOut")


@_attrs_define
class ResolvedCellOut:
    """One model in one epoch."""

    low_rps: float
    demand_rps: float
    high_rps: float
    arrival_cv: float
    forecast_ids: list[int]
    """ Whose numbers these are, the longest part first; several where epochs lie across others. """
    covered_share: float
    """ The part of the epoch that they speak for. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        low_rps = self.low_rps

        demand_rps = self.demand_rps

        high_rps = self.high_rps

        arrival_cv = self.arrival_cv

        forecast_ids = self.forecast_ids

        covered_share = self.covered_share

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "low_rps": low_rps,
                "demand_rps": demand_rps,
                "high_rps": high_rps,
                "arrival_cv": arrival_cv,
                "forecast_ids": forecast_ids,
                "covered_share": covered_share,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        low_rps = d.pop("low_rps")

        demand_rps = d.pop("demand_rps")

        high_rps = d.pop("high_rps")

        arrival_cv = d.pop("arrival_cv")

        forecast_ids = cast(list[int], d.pop("forecast_ids"))

        covered_share = d.pop("covered_share")

        resolved_cell_out = cls(
            low_rps=low_rps,
            demand_rps=demand_rps,
            high_rps=high_rps,
            arrival_cv=arrival_cv,
            forecast_ids=forecast_ids,
            covered_share=covered_share,
        )

        resolved_cell_out.additional_properties = d
        return resolved_cell_out

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
