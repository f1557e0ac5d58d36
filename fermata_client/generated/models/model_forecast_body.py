from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelForecastBody")


@_attrs_define
class ModelForecastBody:
    """One model's demand, one value for each epoch."""

    model: str
    """ Letters, digits and any of . _ + : @ - """
    demand_rps: list[float]
    """ Requests per second, the middle of the interval. """
    low_rps: list[float] | None | Unset = UNSET
    """ What demand falls below one time of twenty. """
    high_rps: list[float] | None | Unset = UNSET
    """ What demand rises above one time of twenty. """
    arrival_cv: list[float] | None | Unset = UNSET
    """ Coefficient of variation of inter-arrival times; 1 (Poisson) where left out. """

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        demand_rps = self.demand_rps

        low_rps: list[float] | None | Unset
        if isinstance(self.low_rps, Unset):
            low_rps = UNSET
        elif isinstance(self.low_rps, list):
            low_rps = self.low_rps

        else:
            low_rps = self.low_rps

        high_rps: list[float] | None | Unset
        if isinstance(self.high_rps, Unset):
            high_rps = UNSET
        elif isinstance(self.high_rps, list):
            high_rps = self.high_rps

        else:
            high_rps = self.high_rps

        arrival_cv: list[float] | None | Unset
        if isinstance(self.arrival_cv, Unset):
            arrival_cv = UNSET
        elif isinstance(self.arrival_cv, list):
            arrival_cv = self.arrival_cv

        else:
            arrival_cv = self.arrival_cv

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
                "demand_rps": demand_rps,
            }
        )
        if low_rps is not UNSET:
            field_dict["low_rps"] = low_rps
        if high_rps is not UNSET:
            field_dict["high_rps"] = high_rps
        if arrival_cv is not UNSET:
            field_dict["arrival_cv"] = arrival_cv

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        demand_rps = cast(list[float], d.pop("demand_rps"))

        def _parse_low_rps(data: object) -> list[float] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                low_rps_type_0 = cast(list[float], data)

                return low_rps_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None | Unset, data)

        low_rps = _parse_low_rps(d.pop("low_rps", UNSET))

        def _parse_high_rps(data: object) -> list[float] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                high_rps_type_0 = cast(list[float], data)

                return high_rps_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None | Unset, data)

        high_rps = _parse_high_rps(d.pop("high_rps", UNSET))

        def _parse_arrival_cv(data: object) -> list[float] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                arrival_cv_type_0 = cast(list[float], data)

                return arrival_cv_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None | Unset, data)

        arrival_cv = _parse_arrival_cv(d.pop("arrival_cv", UNSET))

        model_forecast_body = cls(
            model=model,
            demand_rps=demand_rps,
            low_rps=low_rps,
            high_rps=high_rps,
            arrival_cv=arrival_cv,
        )

        return model_forecast_body
