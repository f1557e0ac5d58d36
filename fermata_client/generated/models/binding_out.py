from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BindingOut")


@_attrs_define
class BindingOut:
    """A limit that is reached, or nearly so."""

    rule: str
    where: str
    used: float | None
    limit: float | None
    unit: str
    epochs: list[int]
    is_tight: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rule = self.rule

        where = self.where

        used: float | None
        used = self.used

        limit: float | None
        limit = self.limit

        unit = self.unit

        epochs = self.epochs

        is_tight = self.is_tight

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rule": rule,
                "where": where,
                "used": used,
                "limit": limit,
                "unit": unit,
                "epochs": epochs,
                "is_tight": is_tight,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        rule = d.pop("rule")

        where = d.pop("where")

        def _parse_used(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        used = _parse_used(d.pop("used"))

        def _parse_limit(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        limit = _parse_limit(d.pop("limit"))

        unit = d.pop("unit")

        epochs = cast(list[int], d.pop("epochs"))

        is_tight = d.pop("is_tight")

        binding_out = cls(
            rule=rule,
            where=where,
            used=used,
            limit=limit,
            unit=unit,
            epochs=epochs,
            is_tight=is_tight,
        )

        binding_out.additional_properties = d
        return binding_out

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
