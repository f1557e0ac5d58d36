from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelForecastOut")


@_attrs_define
class ModelForecastOut:
    model: str
    demand_rps: list[float]
    arrival_cv: list[float]
    low_rps: list[float] | None
    high_rps: list[float] | None
    spoken_by: list[list[int]] | None | Unset = UNSET
    """ Of a resolved forecast, for each epoch: the ids of the forecasts whose numbers these are; none where nobody
    spoke and a measured forecast stands in. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        demand_rps = self.demand_rps

        arrival_cv = self.arrival_cv

        low_rps: list[float] | None
        if isinstance(self.low_rps, list):
            low_rps = self.low_rps

        else:
            low_rps = self.low_rps

        high_rps: list[float] | None
        if isinstance(self.high_rps, list):
            high_rps = self.high_rps

        else:
            high_rps = self.high_rps

        spoken_by: list[list[int]] | None | Unset
        if isinstance(self.spoken_by, Unset):
            spoken_by = UNSET
        elif isinstance(self.spoken_by, list):
            spoken_by = []
            for spoken_by_type_0_item_data in self.spoken_by:
                spoken_by_type_0_item = spoken_by_type_0_item_data

                spoken_by.append(spoken_by_type_0_item)

        else:
            spoken_by = self.spoken_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "demand_rps": demand_rps,
                "arrival_cv": arrival_cv,
                "low_rps": low_rps,
                "high_rps": high_rps,
            }
        )
        if spoken_by is not UNSET:
            field_dict["spoken_by"] = spoken_by

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        demand_rps = cast(list[float], d.pop("demand_rps"))

        arrival_cv = cast(list[float], d.pop("arrival_cv"))

        def _parse_low_rps(data: object) -> list[float] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                low_rps_type_0 = cast(list[float], data)

                return low_rps_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None, data)

        low_rps = _parse_low_rps(d.pop("low_rps"))

        def _parse_high_rps(data: object) -> list[float] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                high_rps_type_0 = cast(list[float], data)

                return high_rps_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None, data)

        high_rps = _parse_high_rps(d.pop("high_rps"))

        def _parse_spoken_by(data: object) -> list[list[int]] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                spoken_by_type_0 = []
                _spoken_by_type_0 = data
                for spoken_by_type_0_item_data in _spoken_by_type_0:
                    spoken_by_type_0_item = cast(list[int], spoken_by_type_0_item_data)

                    spoken_by_type_0.append(spoken_by_type_0_item)

                return spoken_by_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[list[int]] | None | Unset, data)

        spoken_by = _parse_spoken_by(d.pop("spoken_by", UNSET))

        model_forecast_out = cls(
            model=model,
            demand_rps=demand_rps,
            arrival_cv=arrival_cv,
            low_rps=low_rps,
            high_rps=high_rps,
            spoken_by=spoken_by,
        )

        model_forecast_out.additional_properties = d
        return model_forecast_out

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
