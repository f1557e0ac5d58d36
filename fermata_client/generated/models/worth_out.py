from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="WorthOut")


@_attrs_define
class WorthOut:
    """What one more GPU, or a rule dropped, would save: found, and proven bounds of it."""

    name: str
    setting: str
    saving_found_usd_per_hour: float | None
    saving_least_usd_per_hour: float | None
    saving_most_usd_per_hour: float | None
    unserved_rps_before: float | None
    unserved_rps_after: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        setting = self.setting

        saving_found_usd_per_hour: float | None
        saving_found_usd_per_hour = self.saving_found_usd_per_hour

        saving_least_usd_per_hour: float | None
        saving_least_usd_per_hour = self.saving_least_usd_per_hour

        saving_most_usd_per_hour: float | None
        saving_most_usd_per_hour = self.saving_most_usd_per_hour

        unserved_rps_before: float | None
        unserved_rps_before = self.unserved_rps_before

        unserved_rps_after: float | None
        unserved_rps_after = self.unserved_rps_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "setting": setting,
                "saving_found_usd_per_hour": saving_found_usd_per_hour,
                "saving_least_usd_per_hour": saving_least_usd_per_hour,
                "saving_most_usd_per_hour": saving_most_usd_per_hour,
                "unserved_rps_before": unserved_rps_before,
                "unserved_rps_after": unserved_rps_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        setting = d.pop("setting")

        def _parse_saving_found_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        saving_found_usd_per_hour = _parse_saving_found_usd_per_hour(d.pop("saving_found_usd_per_hour"))

        def _parse_saving_least_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        saving_least_usd_per_hour = _parse_saving_least_usd_per_hour(d.pop("saving_least_usd_per_hour"))

        def _parse_saving_most_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        saving_most_usd_per_hour = _parse_saving_most_usd_per_hour(d.pop("saving_most_usd_per_hour"))

        def _parse_unserved_rps_before(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        unserved_rps_before = _parse_unserved_rps_before(d.pop("unserved_rps_before"))

        def _parse_unserved_rps_after(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        unserved_rps_after = _parse_unserved_rps_after(d.pop("unserved_rps_after"))

        worth_out = cls(
            name=name,
            setting=setting,
            saving_found_usd_per_hour=saving_found_usd_per_hour,
            saving_least_usd_per_hour=saving_least_usd_per_hour,
            saving_most_usd_per_hour=saving_most_usd_per_hour,
            unserved_rps_before=unserved_rps_before,
            unserved_rps_after=unserved_rps_after,
        )

        worth_out.additional_properties = d
        return worth_out

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
