from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RelaxationOut")


@_attrs_define
class RelaxationOut:
    """A smallest change that lets all demand be served."""

    text: str
    settings: list[str]
    """ As `fermata plan what-if --set` takes them. """
    cost_usd_per_hour: float | None
    one_step_less: str
    """ What is known of a step less: no plan exists, or none was found. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        text = self.text

        settings = self.settings

        cost_usd_per_hour: float | None
        cost_usd_per_hour = self.cost_usd_per_hour

        one_step_less = self.one_step_less

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "text": text,
                "settings": settings,
                "cost_usd_per_hour": cost_usd_per_hour,
                "one_step_less": one_step_less,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        text = d.pop("text")

        settings = cast(list[str], d.pop("settings"))

        def _parse_cost_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cost_usd_per_hour = _parse_cost_usd_per_hour(d.pop("cost_usd_per_hour"))

        one_step_less = d.pop("one_step_less")

        relaxation_out = cls(
            text=text,
            settings=settings,
            cost_usd_per_hour=cost_usd_per_hour,
            one_step_less=one_step_less,
        )

        relaxation_out.additional_properties = d
        return relaxation_out

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
