from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.routes_out_models import RoutesOutModels


T = TypeVar("T", bound="RoutesOut")


@_attrs_define
class RoutesOut:
    """Where requests are to go now: each model's sub-clusters and the share of its traffic.

    During a rollout these are its own routes, which name no sub-cluster that is about to let the model go.

    """

    plan_version: int
    models: RoutesOutModels
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        plan_version = self.plan_version

        models = self.models.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "plan_version": plan_version,
                "models": models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.routes_out_models import RoutesOutModels  # noqa: PLC0415

        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        models = RoutesOutModels.from_dict(d.pop("models"))

        routes_out = cls(
            plan_version=plan_version,
            models=models,
        )

        routes_out.additional_properties = d
        return routes_out

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
