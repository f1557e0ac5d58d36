from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.sub_cluster_serving_out import SubClusterServingOut


T = TypeVar("T", bound="ServingOut")


@_attrs_define
class ServingOut:
    """Where a plan is served already, as nodes said within the last minute."""

    plan_version: int
    sub_clusters: list[SubClusterServingOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        plan_version = self.plan_version

        sub_clusters = []
        for sub_clusters_item_data in self.sub_clusters:
            sub_clusters_item = sub_clusters_item_data.to_dict()
            sub_clusters.append(sub_clusters_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "plan_version": plan_version,
                "sub_clusters": sub_clusters,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sub_cluster_serving_out import SubClusterServingOut  # noqa: PLC0415

        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        sub_clusters = []
        _sub_clusters = d.pop("sub_clusters")
        for sub_clusters_item_data in _sub_clusters:
            sub_clusters_item = SubClusterServingOut.from_dict(sub_clusters_item_data)

            sub_clusters.append(sub_clusters_item)

        serving_out = cls(
            plan_version=plan_version,
            sub_clusters=sub_clusters,
        )

        serving_out.additional_properties = d
        return serving_out

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
