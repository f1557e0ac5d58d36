from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.model_load_body import ModelLoadBody


T = TypeVar("T", bound="LoadReportBody")


@_attrs_define
class LoadReportBody:
    """What a dispatcher measured over one interval; sending it twice counts once."""

    sub_cluster: str
    plan_version: int
    interval_start: datetime.datetime
    """ ISO 8601 with its time zone. """
    interval_s: float
    """ Length of the interval, in seconds: an hour at most. """
    gpus: int
    gpu_busy_share: float
    """ Share of the GPUs' time spent executing. """
    models: list[ModelLoadBody]

    def to_dict(self) -> dict[str, Any]:
        sub_cluster = self.sub_cluster

        plan_version = self.plan_version

        interval_start = self.interval_start.isoformat()

        interval_s = self.interval_s

        gpus = self.gpus

        gpu_busy_share = self.gpu_busy_share

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "sub_cluster": sub_cluster,
                "plan_version": plan_version,
                "interval_start": interval_start,
                "interval_s": interval_s,
                "gpus": gpus,
                "gpu_busy_share": gpu_busy_share,
                "models": models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_load_body import ModelLoadBody  # noqa: PLC0415

        d = dict(src_dict)
        sub_cluster = d.pop("sub_cluster")

        plan_version = d.pop("plan_version")

        interval_start = datetime.datetime.fromisoformat(d.pop("interval_start"))

        interval_s = d.pop("interval_s")

        gpus = d.pop("gpus")

        gpu_busy_share = d.pop("gpu_busy_share")

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ModelLoadBody.from_dict(models_item_data)

            models.append(models_item)

        load_report_body = cls(
            sub_cluster=sub_cluster,
            plan_version=plan_version,
            interval_start=interval_start,
            interval_s=interval_s,
            gpus=gpus,
            gpu_busy_share=gpu_busy_share,
            models=models,
        )

        return load_report_body
