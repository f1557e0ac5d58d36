from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SubClusterServingOut")


@_attrs_define
class SubClusterServingOut:
    """How far one sub-cluster serves a plan; its GPUs serving are those that hold all of its models."""

    id: str
    models: list[str]
    gpus: int
    gpus_serving: int
    is_serving: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        models = self.models

        gpus = self.gpus

        gpus_serving = self.gpus_serving

        is_serving = self.is_serving

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "models": models,
                "gpus": gpus,
                "gpus_serving": gpus_serving,
                "is_serving": is_serving,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        models = cast(list[str], d.pop("models"))

        gpus = d.pop("gpus")

        gpus_serving = d.pop("gpus_serving")

        is_serving = d.pop("is_serving")

        sub_cluster_serving_out = cls(
            id=id,
            models=models,
            gpus=gpus,
            gpus_serving=gpus_serving,
            is_serving=is_serving,
        )

        sub_cluster_serving_out.additional_properties = d
        return sub_cluster_serving_out

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
