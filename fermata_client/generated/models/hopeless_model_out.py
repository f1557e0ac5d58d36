from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.short_type_out import ShortTypeOut


T = TypeVar("T", bound="HopelessModelOut")


@_attrs_define
class HopelessModelOut:
    """A model that no GPU in stock can serve in time, whatever else runs."""

    model: str
    slo_ms: float
    types: list[ShortTypeOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        slo_ms = self.slo_ms

        types = []
        for types_item_data in self.types:
            types_item = types_item_data.to_dict()
            types.append(types_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "slo_ms": slo_ms,
                "types": types,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.short_type_out import ShortTypeOut  # noqa: PLC0415

        d = dict(src_dict)
        model = d.pop("model")

        slo_ms = d.pop("slo_ms")

        types = []
        _types = d.pop("types")
        for types_item_data in _types:
            types_item = ShortTypeOut.from_dict(types_item_data)

            types.append(types_item)

        hopeless_model_out = cls(
            model=model,
            slo_ms=slo_ms,
            types=types,
        )

        hopeless_model_out.additional_properties = d
        return hopeless_model_out

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
