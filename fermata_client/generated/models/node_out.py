from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.node_out_status import NodeOutStatus


T = TypeVar("T", bound="NodeOut")


@_attrs_define
class NodeOut:
    """A node and its last heartbeat."""

    id: str
    heard_at: datetime.datetime
    status: NodeOutStatus
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        heard_at = self.heard_at.isoformat()

        status = self.status.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "heard_at": heard_at,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.node_out_status import NodeOutStatus  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        heard_at = datetime.datetime.fromisoformat(d.pop("heard_at"))

        status = NodeOutStatus.from_dict(d.pop("status"))

        node_out = cls(
            id=id,
            heard_at=heard_at,
            status=status,
        )

        node_out.additional_properties = d
        return node_out

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
