from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.measured_latency_out import MeasuredLatencyOut


T = TypeVar("T", bound="ObservedModelOut")


@_attrs_define
class ObservedModelOut:
    """One model over all reports that name it."""

    model: str
    observed_s: float
    """ Length of the time covered by reports, in seconds. """
    arrived: int
    """ All that was offered, cancelled requests too. """
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    cancelled: int
    """ Their clients left before the answer was due. """
    rate_rps: float
    """ Arrivals over that time, in requests per second. """
    arrival_cv: float | None
    bad_rate: float | None
    """ Share of arrivals late, dropped or rejected. """
    batches: int
    batch_size_mean: float | None
    busy_s: float
    latencies: list[MeasuredLatencyOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        observed_s = self.observed_s

        arrived = self.arrived

        served_in_time = self.served_in_time

        late = self.late

        dropped = self.dropped

        rejected = self.rejected

        cancelled = self.cancelled

        rate_rps = self.rate_rps

        arrival_cv: float | None
        arrival_cv = self.arrival_cv

        bad_rate: float | None
        bad_rate = self.bad_rate

        batches = self.batches

        batch_size_mean: float | None
        batch_size_mean = self.batch_size_mean

        busy_s = self.busy_s

        latencies = []
        for latencies_item_data in self.latencies:
            latencies_item = latencies_item_data.to_dict()
            latencies.append(latencies_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "observed_s": observed_s,
                "arrived": arrived,
                "served_in_time": served_in_time,
                "late": late,
                "dropped": dropped,
                "rejected": rejected,
                "cancelled": cancelled,
                "rate_rps": rate_rps,
                "arrival_cv": arrival_cv,
                "bad_rate": bad_rate,
                "batches": batches,
                "batch_size_mean": batch_size_mean,
                "busy_s": busy_s,
                "latencies": latencies,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.measured_latency_out import MeasuredLatencyOut  # noqa: PLC0415

        d = dict(src_dict)
        model = d.pop("model")

        observed_s = d.pop("observed_s")

        arrived = d.pop("arrived")

        served_in_time = d.pop("served_in_time")

        late = d.pop("late")

        dropped = d.pop("dropped")

        rejected = d.pop("rejected")

        cancelled = d.pop("cancelled")

        rate_rps = d.pop("rate_rps")

        def _parse_arrival_cv(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        arrival_cv = _parse_arrival_cv(d.pop("arrival_cv"))

        def _parse_bad_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bad_rate = _parse_bad_rate(d.pop("bad_rate"))

        batches = d.pop("batches")

        def _parse_batch_size_mean(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        batch_size_mean = _parse_batch_size_mean(d.pop("batch_size_mean"))

        busy_s = d.pop("busy_s")

        latencies = []
        _latencies = d.pop("latencies")
        for latencies_item_data in _latencies:
            latencies_item = MeasuredLatencyOut.from_dict(latencies_item_data)

            latencies.append(latencies_item)

        observed_model_out = cls(
            model=model,
            observed_s=observed_s,
            arrived=arrived,
            served_in_time=served_in_time,
            late=late,
            dropped=dropped,
            rejected=rejected,
            cancelled=cancelled,
            rate_rps=rate_rps,
            arrival_cv=arrival_cv,
            bad_rate=bad_rate,
            batches=batches,
            batch_size_mean=batch_size_mean,
            busy_s=busy_s,
            latencies=latencies,
        )

        observed_model_out.additional_properties = d
        return observed_model_out

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
