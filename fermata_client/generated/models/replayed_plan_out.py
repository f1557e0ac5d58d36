from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ReplayedPlanOut")


@_attrs_define
class ReplayedPlanOut:
    """One plan on the day, simulated at the load that was observed."""

    version: int | None
    """ null for the plan that the replay made. """
    gpus: int
    """ In the hour with the most. """
    cost_usd_per_hour: float
    bad_rate: float
    """ Of the worst sub-cluster. """
    passed: bool
    unserved_share: float
    """ Share of the observed requests that it has no place for. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version: int | None
        version = self.version

        gpus = self.gpus

        cost_usd_per_hour = self.cost_usd_per_hour

        bad_rate = self.bad_rate

        passed = self.passed

        unserved_share = self.unserved_share

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "gpus": gpus,
                "cost_usd_per_hour": cost_usd_per_hour,
                "bad_rate": bad_rate,
                "passed": passed,
                "unserved_share": unserved_share,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        gpus = d.pop("gpus")

        cost_usd_per_hour = d.pop("cost_usd_per_hour")

        bad_rate = d.pop("bad_rate")

        passed = d.pop("passed")

        unserved_share = d.pop("unserved_share")

        replayed_plan_out = cls(
            version=version,
            gpus=gpus,
            cost_usd_per_hour=cost_usd_per_hour,
            bad_rate=bad_rate,
            passed=passed,
            unserved_share=unserved_share,
        )

        replayed_plan_out.additional_properties = d
        return replayed_plan_out

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
