from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="NodeSpareBody")


@_attrs_define
class NodeSpareBody:
    """GPUs that the node keeps for rollouts: a sub-cluster of this id may be opened on them for a while."""

    id: str
    gpu_type: str
    zone: str
    gpus: int

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        gpu_type = self.gpu_type

        zone = self.zone

        gpus = self.gpus

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "gpu_type": gpu_type,
                "zone": zone,
                "gpus": gpus,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        gpu_type = d.pop("gpu_type")

        zone = d.pop("zone")

        gpus = d.pop("gpus")

        node_spare_body = cls(
            id=id,
            gpu_type=gpu_type,
            zone=zone,
            gpus=gpus,
        )

        return node_spare_body
