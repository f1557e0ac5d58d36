from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.replayed_plan_out import ReplayedPlanOut


T = TypeVar("T", bound="ReplayedDayOut")


@_attrs_define
class ReplayedDayOut:
    """A day as it was and as it would have been; `excuse` says why something is missing."""

    day: datetime.date
    hours_observed: int
    """ Hours without a load report are left out. """
    forecast_id: int | None
    """ Whose numbers most of the day's forecast has; null where all of it is measured. """
    bad_rate_measured: float | None
    """ As dispatchers reported it, all models together. """
    active: None | ReplayedPlanOut
    """ The plan that was active for most of the day. """
    replayed: None | ReplayedPlanOut
    excuse: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.replayed_plan_out import ReplayedPlanOut  # noqa: PLC0415

        day = self.day.isoformat()

        hours_observed = self.hours_observed

        forecast_id: int | None
        forecast_id = self.forecast_id

        bad_rate_measured: float | None
        bad_rate_measured = self.bad_rate_measured

        active: dict[str, Any] | None
        if isinstance(self.active, ReplayedPlanOut):
            active = self.active.to_dict()
        else:
            active = self.active

        replayed: dict[str, Any] | None
        if isinstance(self.replayed, ReplayedPlanOut):
            replayed = self.replayed.to_dict()
        else:
            replayed = self.replayed

        excuse: None | str
        excuse = self.excuse

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "day": day,
                "hours_observed": hours_observed,
                "forecast_id": forecast_id,
                "bad_rate_measured": bad_rate_measured,
                "active": active,
                "replayed": replayed,
                "excuse": excuse,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.replayed_plan_out import ReplayedPlanOut  # noqa: PLC0415

        d = dict(src_dict)
        day = datetime.date.fromisoformat(d.pop("day"))

        hours_observed = d.pop("hours_observed")

        def _parse_forecast_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        forecast_id = _parse_forecast_id(d.pop("forecast_id"))

        def _parse_bad_rate_measured(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bad_rate_measured = _parse_bad_rate_measured(d.pop("bad_rate_measured"))

        def _parse_active(data: object) -> None | ReplayedPlanOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                active_type_0 = ReplayedPlanOut.from_dict(data)

                return active_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReplayedPlanOut, data)

        active = _parse_active(d.pop("active"))

        def _parse_replayed(data: object) -> None | ReplayedPlanOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                replayed_type_0 = ReplayedPlanOut.from_dict(data)

                return replayed_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReplayedPlanOut, data)

        replayed = _parse_replayed(d.pop("replayed"))

        def _parse_excuse(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        excuse = _parse_excuse(d.pop("excuse"))

        replayed_day_out = cls(
            day=day,
            hours_observed=hours_observed,
            forecast_id=forecast_id,
            bad_rate_measured=bad_rate_measured,
            active=active,
            replayed=replayed,
            excuse=excuse,
        )

        replayed_day_out.additional_properties = d
        return replayed_day_out

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
