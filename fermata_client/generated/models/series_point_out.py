from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SeriesPointOut")


@_attrs_define
class SeriesPointOut:
    """One interval; null where nothing was reported."""

    start: datetime.datetime
    arrived: float | None
    """ Requests; 0 where it was reported that none came. """
    rate_rps: float | None
    """ Requests per second of the time that was observed. """
    bad: float | None
    """ Requests late, dropped or rejected. """
    arrival_cv: float | None
    coverage: float
    """ Share of the interval for which the whole traffic was reported. """
    source_resolution_s: float | None
    """ The coarsest interval that the numbers come from; they were spread if it is longer. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        start = self.start.isoformat()

        arrived: float | None
        arrived = self.arrived

        rate_rps: float | None
        rate_rps = self.rate_rps

        bad: float | None
        bad = self.bad

        arrival_cv: float | None
        arrival_cv = self.arrival_cv

        coverage = self.coverage

        source_resolution_s: float | None
        source_resolution_s = self.source_resolution_s

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "start": start,
                "arrived": arrived,
                "rate_rps": rate_rps,
                "bad": bad,
                "arrival_cv": arrival_cv,
                "coverage": coverage,
                "source_resolution_s": source_resolution_s,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        start = datetime.datetime.fromisoformat(d.pop("start"))

        def _parse_arrived(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        arrived = _parse_arrived(d.pop("arrived"))

        def _parse_rate_rps(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        rate_rps = _parse_rate_rps(d.pop("rate_rps"))

        def _parse_bad(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bad = _parse_bad(d.pop("bad"))

        def _parse_arrival_cv(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        arrival_cv = _parse_arrival_cv(d.pop("arrival_cv"))

        coverage = d.pop("coverage")

        def _parse_source_resolution_s(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        source_resolution_s = _parse_source_resolution_s(d.pop("source_resolution_s"))

        series_point_out = cls(
            start=start,
            arrived=arrived,
            rate_rps=rate_rps,
            bad=bad,
            arrival_cv=arrival_cv,
            coverage=coverage,
            source_resolution_s=source_resolution_s,
        )

        series_point_out.additional_properties = d
        return series_point_out

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
