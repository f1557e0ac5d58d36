from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AdviceOut")


@_attrs_define
class AdviceOut:
    """One plan beside what ran when it was made."""

    day: datetime.date
    plan_version: int
    plan_state: str
    compared_with: int | None
    """ The plan that ran; null where none was known. """
    compared_with_origin: None | str
    """ `run`, `recertified` or `imported`. """
    at: datetime.datetime
    gpus: int
    gpus_running: int | None
    cost_usd_per_hour: float
    cost_usd_per_hour_running: float | None
    churn_gib: float
    """ Weights to load to go from one to the other. """
    bad_rate: float | None
    """ Of the worst sub-cluster in the plan's certificate. """
    unserved_models: int
    """ Models of whose demand the plan leaves out some. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        day = self.day.isoformat()

        plan_version = self.plan_version

        plan_state = self.plan_state

        compared_with: int | None
        compared_with = self.compared_with

        compared_with_origin: None | str
        compared_with_origin = self.compared_with_origin

        at = self.at.isoformat()

        gpus = self.gpus

        gpus_running: int | None
        gpus_running = self.gpus_running

        cost_usd_per_hour = self.cost_usd_per_hour

        cost_usd_per_hour_running: float | None
        cost_usd_per_hour_running = self.cost_usd_per_hour_running

        churn_gib = self.churn_gib

        bad_rate: float | None
        bad_rate = self.bad_rate

        unserved_models = self.unserved_models

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "day": day,
                "plan_version": plan_version,
                "plan_state": plan_state,
                "compared_with": compared_with,
                "compared_with_origin": compared_with_origin,
                "at": at,
                "gpus": gpus,
                "gpus_running": gpus_running,
                "cost_usd_per_hour": cost_usd_per_hour,
                "cost_usd_per_hour_running": cost_usd_per_hour_running,
                "churn_gib": churn_gib,
                "bad_rate": bad_rate,
                "unserved_models": unserved_models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        day = datetime.date.fromisoformat(d.pop("day"))

        plan_version = d.pop("plan_version")

        plan_state = d.pop("plan_state")

        def _parse_compared_with(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        compared_with = _parse_compared_with(d.pop("compared_with"))

        def _parse_compared_with_origin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        compared_with_origin = _parse_compared_with_origin(d.pop("compared_with_origin"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        gpus = d.pop("gpus")

        def _parse_gpus_running(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        gpus_running = _parse_gpus_running(d.pop("gpus_running"))

        cost_usd_per_hour = d.pop("cost_usd_per_hour")

        def _parse_cost_usd_per_hour_running(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cost_usd_per_hour_running = _parse_cost_usd_per_hour_running(d.pop("cost_usd_per_hour_running"))

        churn_gib = d.pop("churn_gib")

        def _parse_bad_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bad_rate = _parse_bad_rate(d.pop("bad_rate"))

        unserved_models = d.pop("unserved_models")

        advice_out = cls(
            day=day,
            plan_version=plan_version,
            plan_state=plan_state,
            compared_with=compared_with,
            compared_with_origin=compared_with_origin,
            at=at,
            gpus=gpus,
            gpus_running=gpus_running,
            cost_usd_per_hour=cost_usd_per_hour,
            cost_usd_per_hour_running=cost_usd_per_hour_running,
            churn_gib=churn_gib,
            bad_rate=bad_rate,
            unserved_models=unserved_models,
        )

        advice_out.additional_properties = d
        return advice_out

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
