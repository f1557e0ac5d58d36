from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelLoadBody")


@_attrs_define
class ModelLoadBody:
    """One model over one interval; `arrived` counts the refused as well."""

    model: str
    arrived: int
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    arrival_cv: float | None
    """ null below three arrivals. """
    batches: int
    batch_size_mean: float
    busy_s: float
    """ GPU time spent, in seconds. """
    cancelled: int | Unset = 0
    """ Their clients left before the answer was due. """
    latency_ms_by_batch: list[list[float | int]] | Unset = UNSET
    """ Triples [batch size, batches, mean ms]. """

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        arrived = self.arrived

        served_in_time = self.served_in_time

        late = self.late

        dropped = self.dropped

        rejected = self.rejected

        arrival_cv: float | None
        arrival_cv = self.arrival_cv

        batches = self.batches

        batch_size_mean = self.batch_size_mean

        busy_s = self.busy_s

        cancelled = self.cancelled

        latency_ms_by_batch: list[list[float | int]] | Unset = UNSET
        if not isinstance(self.latency_ms_by_batch, Unset):
            latency_ms_by_batch = []
            for latency_ms_by_batch_item_data in self.latency_ms_by_batch:
                latency_ms_by_batch_item = []
                for latency_ms_by_batch_item_item_data in latency_ms_by_batch_item_data:
                    latency_ms_by_batch_item_item: float | int
                    latency_ms_by_batch_item_item = latency_ms_by_batch_item_item_data
                    latency_ms_by_batch_item.append(latency_ms_by_batch_item_item)

                latency_ms_by_batch.append(latency_ms_by_batch_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "model": model,
                "arrived": arrived,
                "served_in_time": served_in_time,
                "late": late,
                "dropped": dropped,
                "rejected": rejected,
                "arrival_cv": arrival_cv,
                "batches": batches,
                "batch_size_mean": batch_size_mean,
                "busy_s": busy_s,
            }
        )
        if cancelled is not UNSET:
            field_dict["cancelled"] = cancelled
        if latency_ms_by_batch is not UNSET:
            field_dict["latency_ms_by_batch"] = latency_ms_by_batch

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        arrived = d.pop("arrived")

        served_in_time = d.pop("served_in_time")

        late = d.pop("late")

        dropped = d.pop("dropped")

        rejected = d.pop("rejected")

        def _parse_arrival_cv(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        arrival_cv = _parse_arrival_cv(d.pop("arrival_cv"))

        batches = d.pop("batches")

        batch_size_mean = d.pop("batch_size_mean")

        busy_s = d.pop("busy_s")

        cancelled = d.pop("cancelled", UNSET)

        _latency_ms_by_batch = d.pop("latency_ms_by_batch", UNSET)
        latency_ms_by_batch: list[list[float | int]] | Unset = UNSET
        if _latency_ms_by_batch is not UNSET:
            latency_ms_by_batch = []
            for latency_ms_by_batch_item_data in _latency_ms_by_batch:
                latency_ms_by_batch_item = []
                _latency_ms_by_batch_item = latency_ms_by_batch_item_data
                for latency_ms_by_batch_item_item_data in _latency_ms_by_batch_item:

                    def _parse_latency_ms_by_batch_item_item(data: object) -> float | int:
                        return cast(float | int, data)

                    latency_ms_by_batch_item_item = _parse_latency_ms_by_batch_item_item(
                        latency_ms_by_batch_item_item_data
                    )

                    latency_ms_by_batch_item.append(latency_ms_by_batch_item_item)

                latency_ms_by_batch.append(latency_ms_by_batch_item)

        model_load_body = cls(
            model=model,
            arrived=arrived,
            served_in_time=served_in_time,
            late=late,
            dropped=dropped,
            rejected=rejected,
            arrival_cv=arrival_cv,
            batches=batches,
            batch_size_mean=batch_size_mean,
            busy_s=busy_s,
            cancelled=cancelled,
            latency_ms_by_batch=latency_ms_by_batch,
        )

        return model_load_body
