from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.model_out_serving import ModelOutServing


T = TypeVar("T", bound="ModelOut")


@_attrs_define
class ModelOut:
    """A registered model; `serving` holds tensors and backend where they were stated."""

    id: str
    slo_ms: float
    priority: int
    serving: ModelOutServing
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        slo_ms = self.slo_ms

        priority = self.priority

        serving = self.serving.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "slo_ms": slo_ms,
                "priority": priority,
                "serving": serving,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_out_serving import ModelOutServing  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        slo_ms = d.pop("slo_ms")

        priority = d.pop("priority")

        serving = ModelOutServing.from_dict(d.pop("serving"))

        model_out = cls(
            id=id,
            slo_ms=slo_ms,
            priority=priority,
            serving=serving,
        )

        model_out.additional_properties = d
        return model_out

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
